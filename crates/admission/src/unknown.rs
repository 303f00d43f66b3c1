//! Holds whose cost is not known: they stay charged at their bound, are listed, and are asked for again and again,
//! from a second to ten minutes apart, until evidence resolves them. Time alone never does.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledger::{BoundClass, HoldId, HoldSet, UnknownReason, UpstreamKeyId};
use money::Nano;
use store::sync::Mutex;

const FIRST_RETRY_MS: i64 = 1_000;
const LAST_RETRY_MS: i64 = 600_000;

/// An unknown hold, for lists.
#[derive(Clone, Debug)]
pub struct UnknownHold {
    /// Its number in the books.
    pub hold: HoldId,
    /// When it was reserved, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Since when its cost is unknown, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// What is charged until the cost is known, USD.
    pub bound: Nano,
    /// How well that bound is founded.
    pub class: BoundClass,
    /// The model asked for.
    pub model: String,
    /// The generation id; without one, nothing can be asked.
    pub generation: Option<String>,
    /// Why it is unknown.
    pub reason: UnknownReason,
    /// The HTTP status of the answer, or 0.
    pub status: u16,
    /// The key it was sent with.
    pub upstream_key: UpstreamKeyId,
    /// The `key` label of the request; empty without one.
    pub key: Arc<str>,
    /// The balances it is charged to.
    pub(crate) set: Arc<HoldSet>,
}

impl UnknownHold {
    pub(crate) fn is_stuck(&self) -> bool {
        self.generation.is_none()
    }
}

/// An unknown hold that is to be asked for now.
#[derive(Clone, Debug)]
pub struct DueHold {
    /// Its number in the books.
    pub hold: HoldId,
    /// What to ask for.
    pub generation: String,
    /// The key to ask with.
    pub upstream_key: UpstreamKeyId,
    /// Why it is unknown.
    pub reason: UnknownReason,
    /// Since when, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// What is charged until the cost is known, USD.
    pub bound: Nano,
    /// The model asked for.
    pub model: String,
}

impl DueHold {
    /// Whether it was free although nobody said so: a server error of which `GET /generation` knows nothing after
    /// `final_after_ms`, counted from when it became unknown (CONTRACT 11.7).
    pub fn is_insured(&self, now_ms: i64, final_after_ms: i64) -> bool {
        let age_ms = now_ms.saturating_sub(self.since_ms);
        self.reason == UnknownReason::ServerError && age_ms > final_after_ms
    }
}

#[derive(Debug)]
struct Entry {
    hold: UnknownHold,
    next_try_ms: i64,
    wait_ms: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Unknowns {
    entries: Mutex<BTreeMap<HoldId, Entry>>,
    /// Taken out, and the money has not moved yet. Locked alone or after `entries`.
    ending: Mutex<Vec<HoldId>>,
}

impl Unknowns {
    pub(crate) fn insert(&self, hold: UnknownHold, now_ms: i64) {
        let entry = Entry { next_try_ms: now_ms + FIRST_RETRY_MS / 2, wait_ms: FIRST_RETRY_MS, hold };
        let before = self.entries.lock().insert(entry.hold.hold, entry);
        assert!(before.is_none(), "a hold becomes unknown only once");
    }

    /// Whether it is unknown, or ended so lately that its money has not moved.
    pub(crate) fn has(&self, hold: HoldId) -> bool {
        let entries = self.entries.lock();
        entries.contains_key(&hold) || self.ending.lock().contains(&hold)
    }

    /// Takes a hold out for good: whoever gets it ends it, and nobody else can; call [`Unknowns::ended`] after that.
    pub(crate) fn take(&self, hold: HoldId) -> Option<UnknownHold> {
        let mut entries = self.entries.lock();
        let entry = entries.remove(&hold)?;
        self.ending.lock().push(hold);
        Some(entry.hold)
    }

    /// Whether one was taken out whose money has not moved.
    pub(crate) fn is_ending(&self) -> bool {
        !self.ending.lock().is_empty()
    }

    /// The money of a hold that was taken out has moved.
    pub(crate) fn ended(&self, hold: HoldId) {
        self.ending.lock().retain(|ending| *ending != hold);
    }

    pub(crate) fn put_back(&self, hold: UnknownHold, now_ms: i64) {
        let entry = Entry { next_try_ms: now_ms + LAST_RETRY_MS, wait_ms: LAST_RETRY_MS, hold };
        let id = entry.hold.hold;
        self.entries.lock().insert(id, entry);
        self.ended(id);
    }

    /// Up to `most` holds whose next try has come and whose key `has_key`; their next try is moved on.
    pub(crate) fn due(
        &self,
        now_ms: i64,
        most: usize,
        has_key: impl Fn(UpstreamKeyId) -> bool,
    ) -> Vec<DueHold> {
        let mut due = Vec::new();
        for entry in self.entries.lock().values_mut() {
            let Some(generation) = &entry.hold.generation else {
                continue;
            };
            if entry.next_try_ms > now_ms || due.len() == most || !has_key(entry.hold.upstream_key) {
                continue;
            }
            due.push(DueHold {
                hold: entry.hold.hold,
                generation: generation.clone(),
                upstream_key: entry.hold.upstream_key,
                reason: entry.hold.reason,
                since_ms: entry.hold.since_ms,
                bound: entry.hold.bound,
                model: entry.hold.model.clone(),
            });
            entry.next_try_ms = now_ms + entry.wait_ms;
            entry.wait_ms = (entry.wait_ms * 2).min(LAST_RETRY_MS);
        }
        due
    }

    /// A key is here (again): its holds are due at once.
    pub(crate) fn wake(&self, key: UpstreamKeyId) {
        for entry in self.entries.lock().values_mut().filter(|entry| entry.hold.upstream_key == key) {
            entry.next_try_ms = 0;
            entry.wait_ms = FIRST_RETRY_MS;
        }
    }

    pub(crate) fn list(&self) -> Vec<UnknownHold> {
        self.entries.lock().values().map(|entry| entry.hold.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_old_server_error_is_insured() {
        use UnknownReason::{ClientGone, ServerError};
        for (reason, now_ms, expect) in [
            (ServerError, 1_100, false),
            (ServerError, 1_101, true),
            (ServerError, 900, false),
            (ServerError, i64::MIN, false),
            (ClientGone, i64::MAX, false),
        ] {
            let due = DueHold {
                hold: HoldId(1),
                generation: "gen".to_owned(),
                upstream_key: UpstreamKeyId([0; 8]),
                reason,
                since_ms: 1_000,
                bound: Nano::ZERO,
                model: String::new(),
            };
            assert_eq!(due.is_insured(now_ms, 100), expect, "{reason:?} {now_ms}");
        }
    }
}
