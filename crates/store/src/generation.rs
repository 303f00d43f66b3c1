//! [`GenerationRow`]: what the books say of one generation, by OpenRouter's id.

use ledger::{BalanceName, BoundClass, Evidence, HoldId, UnknownReason};
use money::Nano;

/// The hold that a generation was made under. Amounts are USD, times milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationRow {
    /// The number of the hold.
    pub hold: HoldId,
    /// When it was made.
    pub at_ms: i64,
    /// The most the call could cost.
    pub bound: Nano,
    /// How well that is founded.
    pub class: BoundClass,
    /// The model asked for.
    pub model: String,
    /// OpenRouter's id.
    pub generation: String,
    /// The balances it was held on and charged to.
    pub balances: Vec<BalanceName>,
    /// Why its cost was not known for a while, or is not yet, with the HTTP status of the answer (0: none).
    pub unknown: Option<(UnknownReason, u16)>,
    /// How it ended; `None`: it has not, and its bound stays charged.
    pub end: Option<HoldEnd>,
}

/// How a hold ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldEnd {
    /// When.
    pub at_ms: i64,
    /// What was booked.
    pub cost: Nano,
    /// The cost as OpenRouter wrote it; empty for a void.
    pub text: String,
    /// What proved it.
    pub evidence: Evidence,
}
