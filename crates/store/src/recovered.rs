//! What a store remembers when it is opened: the balances and holds that still matter.

use ledger::{BalanceId, BalanceName, BoundClass, HoldId, UnknownReason, UpstreamKeyId};
use money::Nano;
use smallvec::SmallVec;

/// The state of the ledger after the last valid record, without its past.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Balances whose window may still matter, by id: the window is open (or ended less than
    /// [`Recovered::GRACE_MS`] before `latest_ms`), or a hold on it is open.
    pub balances: Vec<BalanceRow>,
    /// Holds that have not ended, by id.
    pub open: Vec<OpenHold>,
    /// The first balance id that was never given.
    pub next_balance: u32,
    /// The first hold id above all that were given.
    pub next_hold: u64,
    /// The highest time in any record, milliseconds since the Unix epoch; 0 in a new store.
    pub latest_ms: i64,
    /// Whether nothing acknowledged can be missing: the machine has not restarted since (same boot id), or the
    /// records were written with [`crate::Durability::Power`].
    pub exact: bool,
    /// Bytes of an unfinished record, or of records that a power cut left without their predecessors, which were
    /// cut off the end. None of them was acknowledged as durable.
    pub torn_bytes: u64,
    /// Sentences for the log about anything unusual.
    pub notes: Vec<String>,
}

impl Recovered {
    /// How long after its end a window is still returned, milliseconds.
    pub const GRACE_MS: i64 = 3_600_000;
}

/// One balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceRow {
    /// Its number.
    pub id: BalanceId,
    /// What it counts.
    pub name: BalanceName,
    /// Its limit, as last declared.
    pub limit: Nano,
    /// The sum of the costs of its settled holds.
    pub posted: Nano,
}

/// A hold that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenHold {
    /// Its number.
    pub hold: HoldId,
    /// When it was made, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The most it may cost; held on each of `balances`.
    pub bound: Nano,
    /// How well the bound is founded.
    pub class: BoundClass,
    /// The balances it is held on.
    pub balances: SmallVec<[BalanceId; 8]>,
    /// The upstream key it was sent with.
    pub upstream_key: UpstreamKeyId,
    /// The model asked for.
    pub model: String,
    /// The upstream's id of the generation, once its headers arrived.
    pub generation: Option<String>,
    /// Why its cost is not known, and the HTTP status of the answer (0: none), once that was recorded.
    pub unknown: Option<(UnknownReason, u16)>,
    /// When `unknown` was first recorded, milliseconds since the Unix epoch; 0 while it is `None`.
    pub unknown_since_ms: i64,
}

impl OpenHold {
    /// Notes that the cost is unknown; the first time counts, the last reason does.
    pub(crate) fn mark_unknown(&mut self, reason: UnknownReason, status: u16, at_ms: i64) {
        if self.unknown.is_none() {
            self.unknown_since_ms = at_ms;
        }
        self.unknown = Some((reason, status));
    }
}
