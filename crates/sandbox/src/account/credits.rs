//! `GET /key` and `GET /credits` (CONTRACT 2, 3).

use serde::Serialize;

use crate::account::budget::{self, KeyBudget, Layer};
use crate::account::caller::Caller;
use crate::account::flow::FreeDay;
use crate::account::key::Usage;
use crate::account::settings::PlainCredits;
use crate::account::tally::Subject;
use crate::account::usd::{Usd, text};
use crate::account::window::Interval;
use crate::clock::Moment;
use crate::error::Failure;
use crate::exact::Exact;
use crate::server::State;

/// `data` of `/key`, with everything that the SDKs of 2026-10-27 insist on.
#[derive(Debug, Serialize)]
struct About<'a> {
    label: &'a str,
    limit: Option<Usd>,
    limit_remaining: Option<Usd>,
    limit_reset: Option<Interval>,
    include_byok_in_limit: bool,
    #[serde(flatten)]
    usage: Usage,
    is_free_tier: bool,
    is_management_key: bool,
    is_provisioning_key: bool,
    creator_user_id: &'a str,
    organization_id: Option<&'a str>,
    workspace_id: &'a str,
    expires_at: Option<String>,
    allowed_data_regions: [&'static str; 1],
    free_model_daily_requests: FreeDay,
    #[serde(skip_serializing_if = "Option::is_none")]
    budgets: Option<Vec<KeyBudget>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_budget: Option<Option<KeyBudget>>,
    rate_limit: RateLimit,
}

#[derive(Debug, Serialize)]
struct RateLimit {
    requests: i8,
    interval: &'static str,
    note: &'static str,
}

const RATE_LIMIT: RateLimit =
    RateLimit { requests: -1, interval: "10s", note: "This field is deprecated and safe to ignore." };

#[derive(Debug, Serialize)]
struct Balance {
    total_credits: Usd,
    total_usage: Usd,
}

/// An answer in OpenRouter's envelope.
#[derive(Debug, Serialize)]
pub(crate) struct Data<T> {
    pub(crate) data: T,
}

/// About the key that asks.
pub(crate) fn about_key(state: &State, caller: &Caller, now: Moment) -> Result<String, Failure> {
    let free_model_daily_requests = state.flow.lock().free_day(&state.config, now);
    let account = state.account.read();
    let key = account.key(&caller.key).ok_or_else(Failure::unknown_key)?;
    let tallies = &mut state.books().tallies;
    let layers = state.config.key_budgets.then(|| budget::layers(&account, tallies, key, now));
    let about = About {
        label: &key.label,
        limit: key.limit.map(Usd::from),
        limit_remaining: key.remaining(tallies, now),
        limit_reset: key.reset,
        include_byok_in_limit: key.include_byok,
        usage: key.usage(tallies, now),
        is_free_tier: account.credits.is_zero(),
        is_management_key: key.management,
        is_provisioning_key: key.management,
        creator_user_id: &key.creator,
        organization_id: None,
        workspace_id: &key.workspace,
        expires_at: key.expires.map(Moment::iso_seconds),
        allowed_data_regions: ["global"],
        free_model_daily_requests,
        effective_budget: layers.as_ref().map(|layers| budget::effective(layers).map(Layer::told)),
        budgets: layers.map(|layers| layers.iter().map(Layer::told).collect()),
        rate_limit: RATE_LIMIT,
    };
    Ok(text(&Data { data: about }))
}

/// What was bought and what is used up. An ordinary key is told what the configuration says.
pub(crate) fn balance(state: &State, caller: &Caller, now: Moment) -> Result<String, Failure> {
    let real = match state.config.plain_credits {
        _ if caller.management => true,
        PlainCredits::Real => true,
        PlainCredits::Zeros => false,
        PlainCredits::Forbidden => return Err(Failure::management_only()),
    };
    let (bought, used) = if real {
        let account = state.account.read();
        (account.credits, state.books().tallies.shown(&Subject::Account, 0, now).openrouter)
    } else {
        (Exact::ZERO, Exact::ZERO)
    };
    Ok(text(&Data { data: Balance { total_credits: bought.into(), total_usage: used.into() } }))
}
