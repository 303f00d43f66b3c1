//! `GET /sandbox/keys`: every key as it really stands, for tests: amounts as exact text, no lag.

use serde::Serialize;

use crate::account::key::Key;
use crate::account::tally::Subject;
use crate::account::usd::text;
use crate::account::window::Interval;
use crate::clock::Moment;
use crate::server::State;

#[derive(Debug, Serialize)]
struct Books {
    credits_usd: String,
    /// What the account really owes OpenRouter for generations that ended.
    used_usd: String,
    keys: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    hash: String,
    name: String,
    label: String,
    management: bool,
    disabled: bool,
    expired: bool,
    limit_usd: Option<String>,
    limit_reset: Option<Interval>,
    /// At OpenRouter, ever, of generations that ended.
    used_usd: String,
    /// At providers, likewise.
    byok_usd: String,
    /// What its counters show of `used_usd` now.
    shown_usd: String,
    workspace_id: String,
}

/// All keys, oldest first.
pub(crate) fn keys(state: &State, now: Moment) -> String {
    let account = state.account.read();
    let tallies = &mut state.books().tallies;
    let row = |key: &Key| {
        let (real, shown) = (tallies.exact(&key.subject()), tallies.shown(&key.subject(), 0, now));
        Row {
            hash: key.hash.to_string(),
            name: key.name.clone(),
            label: key.label.clone(),
            management: key.management,
            disabled: key.disabled,
            expired: key.is_expired(now),
            limit_usd: key.limit.map(|limit| limit.to_string()),
            limit_reset: key.reset,
            used_usd: real.openrouter.to_string(),
            byok_usd: real.byok.to_string(),
            shown_usd: shown.openrouter.to_string(),
            workspace_id: key.workspace.to_string(),
        }
    };
    let keys = account.keys().map(row).collect();
    let used_usd = tallies.exact(&Subject::Account).openrouter.to_string();
    text(&Books { credits_usd: account.credits.to_string(), used_usd, keys })
}
