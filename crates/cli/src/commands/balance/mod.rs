//! `farebox balance`: what the OpenRouter key and account have left, and what runs through these books.
//!
//! ```text
//! OPENROUTER_API_KEY        -> /key                  the key: its limit, window, layers that block it
//! OPENROUTER_MANAGEMENT_KEY -> /key, /credits        the account's credits, believed only to a management key
//!                           -> /activity             the pace of the last seven completed days
//! the folder of the books   -> open holds            what running calls may still cost
//! ```
//!
//! OpenRouter's counters lag by seconds to minutes (CONTRACT 2); what runs is in none of them.

mod ask;
mod books;
mod credits;
mod pace;
mod report;
mod text;

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use self::credits::Account;
use self::report::Report;
use crate::account::UpstreamArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::secrets::{self, KEYS_PAGE, MANAGEMENT_KEYS_PAGE};
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox balance\n  farebox balance --json\n  OPENROUTER_MANAGEMENT_KEY=… farebox balance    the account's credits as well\n\nThe key comes from OPENROUTER_API_KEY.";

/// `balance`
#[derive(Debug, Args)]
pub(crate) struct BalanceArgs {
    /// The folder of the books, for what is held by running calls
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON: {as_of, key, credits, books}; money is decimal text
    #[arg(long)]
    json: bool,
}

/// Prints it.
pub(crate) async fn run(args: BalanceArgs) -> Result<Exit, Failure> {
    let (api_key, management_key) = (secrets::api_key()?, secrets::management_key()?);
    if api_key.is_none() && management_key.is_none() {
        let hint = format!(
            "set OPENROUTER_API_KEY to a key of {KEYS_PAGE}, or OPENROUTER_MANAGEMENT_KEY to one of {MANAGEMENT_KEYS_PAGE}"
        );
        return Err(Failure::credentials("a balance needs a key to ask with").hint(hint));
    }
    let upstream = args.upstream.open()?;
    let key = match &api_key {
        Some(key) => Some(ask::key(&upstream, key).await?),
        None => None,
    };
    let (account, failure) =
        match ask::account(&upstream, api_key.as_ref(), key.as_ref(), management_key).await {
            Ok(account) => (account, None),
            // What the key says is worth printing all the same.
            Err(failure) => (Account::NotTold, Some(failure)),
        };
    let books = books::open(args.data)?;
    let report =
        Report { now: Timestamp::now(), key: key.as_ref(), account: &account, books: books.as_ref() };
    if key.is_some() || failure.is_none() {
        match args.json {
            true => output::json(&report.json())?,
            false => output::text(&text::render(&report, &Terminal::of_stdout()))?,
        };
    }
    failure.map_or(Ok(Exit::Ok), Err)
}
