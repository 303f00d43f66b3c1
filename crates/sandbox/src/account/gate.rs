//! [`admit`]: what is refused before routing (CONTRACT 4, 6, 10.2), from counters that may lag behind.
//!
//! Nothing is set aside here: requests that run are not seen, so that limits are overshot as the real ones are.

use crate::account::Account;
use crate::account::budget::layers;
use crate::account::guardrail::Rules;
use crate::account::payer::Payer;
use crate::account::purse::Purse;
use crate::account::tally::{Subject, Tallies};
use crate::clock::Moment;
use crate::config::Byok;
use crate::error::Failure;
use crate::exact::Exact;
use crate::request::Request;
use crate::server::State;

/// A request that may go on to routing.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) payer: Payer,
    pub(crate) rules: Rules,
    /// What it can be paid from; none when the account's credits do not pay for it.
    pub(crate) purse: Option<Purse>,
}

/// Lets a request in, or says which limit stands against it.
pub(crate) fn admit(state: &State, hash: &str, request: &Request, now: Moment) -> Result<Admitted, Failure> {
    let account = state.account.read();
    let key = account.key(hash).ok_or_else(Failure::unknown_key)?;
    let admitted = {
        let mut books = state.books();
        let tallies = &mut books.tallies;
        tallies.touch(&key.hash, now);
        if let Some(spent) = layers(&account, tallies, key, now).iter().find(|layer| layer.is_spent()) {
            return Err(spent.refusal());
        }
        let balance = balance(state, &account, tallies, request, now)?;
        let purse = balance.map(|balance| Purse::of(balance, key, tallies, now));
        Admitted { payer: key.payer(), rules: account.rules(key), purse }
    };
    if is_free(request) {
        state.flow.lock().take_free(&state.config, now)?;
    }
    Ok(admitted)
}

/// What is left of the credits; none when they do not pay. An empty account is refused, and one below zero even what
/// is free.
fn balance(
    state: &State,
    account: &Account,
    tallies: &mut Tallies,
    request: &Request,
    now: Moment,
) -> Result<Option<Exact>, Failure> {
    if state.config.byok == Byok::Free {
        return Ok(None);
    }
    let (bought, used) = (account.credits, tallies.shown(&Subject::Account, 0, now).openrouter);
    let empty = if is_free(request) { used > bought } else { used >= bought };
    match (empty, bought.is_zero()) {
        (true, true) => Err(Failure::never_bought()),
        (true, false) => Err(Failure::no_credits()),
        (false, _) => Ok(Some(bought.above(used)).filter(|_| state.config.byok == Byok::Off)),
    }
}

/// Whether the first choice costs nothing.
fn is_free(request: &Request) -> bool {
    let first = request.models.first().filter(|_| !request.preset);
    first.is_some_and(|model| model.ends_with(":free") || model == "openrouter/free")
}
