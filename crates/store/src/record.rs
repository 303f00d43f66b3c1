//! The lines of the journal.

use ledger::{BalanceId, BalanceName, BoundClass, Evidence, HoldId, UnknownReason, UpstreamKeyId};
use money::Nano;

/// Where a record stands in the journal: its sequence number, dense from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub(crate) u64);

impl Position {
    /// The sequence number.
    pub const fn seq(self) -> u64 {
        self.0
    }
}

/// One line of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// A balance, before its first use; again when its limit changed (the last one counts).
    Balance {
        /// Its number.
        id: BalanceId,
        /// What it counts.
        name: &'a BalanceName,
        /// Its limit.
        limit: Nano,
    },
    /// Money set aside on all of `balances`, before the first byte of the attempt leaves.
    Hold {
        /// Its number.
        hold: HoldId,
        /// When, milliseconds since the Unix epoch.
        at_ms: i64,
        /// The most the attempt may cost.
        bound: Nano,
        /// How well the bound is founded.
        class: BoundClass,
        /// The balances it is held on, each declared before.
        balances: &'a [BalanceId],
        /// The upstream key the attempt is sent with.
        upstream_key: UpstreamKeyId,
        /// The model asked for.
        model: &'a str,
    },
    /// The upstream's id of the generation, when its headers arrived.
    Generation {
        /// The hold.
        hold: HoldId,
        /// The id, `gen-...`.
        id: &'a str,
    },
    /// The attempt ended without a known cost; the hold stays charged at its bound.
    Unknown {
        /// The hold.
        hold: HoldId,
        /// When, milliseconds since the Unix epoch.
        at_ms: i64,
        /// Why.
        reason: UnknownReason,
        /// HTTP status of the answer; 0 without one.
        status: u16,
    },
    /// The end of a hold: its cost is known. A void is a settle of zero; a cost above the bound is an overrun and
    /// counts in full.
    Settle {
        /// The hold.
        hold: HoldId,
        /// When, milliseconds since the Unix epoch.
        at_ms: i64,
        /// The cost, rounded up.
        cost: Nano,
        /// The cost as the upstream wrote it, verbatim; empty for voids.
        text: &'a str,
        /// What proved it.
        evidence: Evidence,
    },
}
