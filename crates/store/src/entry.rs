//! [`EntryRow`]: a hold that has ended, as the books have it, and what was corrected on it. [`KeyTotal`]: all of those
//! of one upstream key. [`ActionRow`]: what an operator did.

use ledger::{BoundClass, Evidence, HoldId, SetId, UnknownReason, UpstreamKeyId};
use money::{Exact, Nano};

use crate::OpenHold;
use crate::recovered::Members;
use crate::tally::Ended;

/// A hold that has ended. Amounts are USD, times milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// The number of the hold.
    pub hold: HoldId,
    /// When it was made.
    pub at_ms: i64,
    /// When it ended.
    pub settled_ms: i64,
    /// The most it could cost.
    pub bound: Nano,
    /// How well that is founded.
    pub class: BoundClass,
    /// What is booked, after the last correction.
    pub cost: Nano,
    /// The cost as the upstream wrote it; empty when nobody did.
    pub text: String,
    /// What proved it.
    pub evidence: Evidence,
    /// What was charged above the bound, and whatever was added after the hold had ended. A refund leaves it.
    pub overrun: Nano,
    /// The set it was held on; `None` for a hold of before there were sets.
    pub set: Option<SetId>,
    /// The balances of that set.
    pub members: Members,
    /// The upstream key it was sent with.
    pub upstream_key: UpstreamKeyId,
    /// The `key` label of the request; empty without one.
    pub key: String,
    /// The model asked for.
    pub model: String,
    /// The upstream's id of the generation.
    pub generation: Option<String>,
    /// Why its cost was not known for a while, with the HTTP status of the answer (0: none).
    pub unknown: Option<(UnknownReason, u16)>,
    /// Since when it was not known; 0 when it always was.
    pub unknown_since_ms: i64,
}

impl EntryRow {
    /// The entry of a hold that ends.
    pub(crate) fn of(ended: &Ended<'_>) -> Self {
        let open = ended.open.clone();
        Self {
            hold: open.hold,
            at_ms: open.at_ms,
            settled_ms: ended.settled_ms,
            bound: open.bound,
            class: open.class,
            cost: ended.cost,
            text: ended.text.to_owned(),
            evidence: ended.evidence,
            overrun: ended.overrun(),
            set: open.set,
            members: open.members,
            upstream_key: open.upstream_key,
            key: open.key,
            model: open.model,
            generation: open.generation,
            unknown: open.unknown,
            unknown_since_ms: open.unknown_since_ms,
        }
    }

    /// The hold as it was before it ended.
    pub(crate) fn open_hold(&self) -> OpenHold {
        OpenHold {
            hold: self.hold,
            at_ms: self.at_ms,
            bound: self.bound,
            class: self.class,
            set: self.set,
            members: self.members.clone(),
            upstream_key: self.upstream_key,
            key: self.key.clone(),
            model: self.model.clone(),
            generation: self.generation.clone(),
            unknown: self.unknown,
            unknown_since_ms: self.unknown_since_ms,
        }
    }
}

/// What is booked on one upstream key, corrections included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyTotal {
    /// Holds that have ended.
    pub entries: u64,
    /// The sum of their costs, each rounded up, USD.
    pub posted: Nano,
    /// The sum of their costs as the upstream wrote them; of those without a text, as booked.
    pub exact: Exact,
}

/// A cost that was changed after its hold had ended. Amounts are USD, times milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrectionRow {
    /// The number of its record in the journal.
    pub seq: u64,
    /// The hold.
    pub hold: HoldId,
    /// When it was made.
    pub at_ms: i64,
    /// The cost before,
    pub was: Nano,
    /// and as the upstream had written it.
    pub was_text: String,
    /// The cost after,
    pub cost: Nano,
    /// and as the upstream wrote it.
    pub text: String,
    /// What proved it.
    pub evidence: Evidence,
    /// The set it was posted on.
    pub set: SetId,
}

/// What an operator did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRow {
    /// The number of its record in the journal.
    pub seq: u64,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who.
    pub who: String,
    /// What, in words.
    pub what: String,
}
