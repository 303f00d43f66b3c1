//! [`UnknownRow`]: a hold whose cost is not known yet.

use admission::UnknownHold;
use ledger::UnknownReason;
use money::Nano;
use serde::{Deserialize, Serialize};
use store::OpenHold;

use crate::amount;
use crate::row::rfc3339;

/// One hold that stays charged at its bound until evidence of its cost comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownRow {
    /// Its number in the books.
    pub hold: u64,
    /// The model asked for.
    pub model: String,
    /// What is charged meanwhile, USD.
    #[serde(with = "amount")]
    pub bound_usd: Nano,
    /// How well that bound is founded: `proven` or `published`.
    pub class: String,
    /// OpenRouter's id of the generation; `null`: nothing can be asked, so it stays.
    pub generation: Option<String>,
    /// Why the cost is not known.
    pub reason: String,
    /// The HTTP status of the answer; `null` without one.
    pub status: Option<u16>,
    /// Since when, RFC 3339 in UTC.
    pub since: String,
    /// For how long, whole seconds.
    pub age_seconds: i64,
}

impl UnknownRow {
    /// As of `now_ms`, milliseconds since the Unix epoch.
    pub fn new(hold: &UnknownHold, now_ms: i64) -> Self {
        UnknownRow {
            hold: hold.hold.0,
            model: hold.model.clone(),
            bound_usd: hold.bound,
            class: hold.class.text().to_owned(),
            generation: hold.generation.clone(),
            reason: hold.reason.text().to_owned(),
            status: (hold.status != 0).then_some(hold.status),
            since: rfc3339(hold.since_ms),
            age_seconds: now_ms.saturating_sub(hold.since_ms).max(0) / 1_000,
        }
    }

    /// The same from the books, for when no gateway runs: then a hold that was in flight is unknown since it was made.
    pub fn recovered(hold: &OpenHold, now_ms: i64) -> Self {
        let (reason, status) = hold.unknown.unwrap_or((UnknownReason::Restart, 0));
        let since_ms = if hold.unknown.is_some() { hold.unknown_since_ms } else { hold.at_ms };
        UnknownRow {
            hold: hold.hold.0,
            model: hold.model.clone(),
            bound_usd: hold.bound,
            class: hold.class.text().to_owned(),
            generation: hold.generation.clone(),
            reason: reason.text().to_owned(),
            status: (status != 0).then_some(status),
            since: rfc3339(since_ms),
            age_seconds: now_ms.saturating_sub(since_ms).max(0) / 1_000,
        }
    }
}
