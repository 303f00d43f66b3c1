//! What the ledger says of itself: balances for people and `--json`, and counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use ledger::{Balance, BalanceName};
use money::Nano;

/// One balance with its name and amounts, USD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceReport {
    /// What it counts.
    pub name: Arc<BalanceName>,
    /// What may be spent in its window.
    pub limit: Nano,
    /// Known costs.
    pub posted: Nano,
    /// Bounds of requests in flight.
    pub held: Nano,
    /// Bounds of requests whose cost is not known yet.
    pub unknown: Nano,
    /// What may still be reserved; below zero after an overrun.
    pub available: Nano,
}

impl BalanceReport {
    /// From a balance in memory.
    pub fn new(name: Arc<BalanceName>, balance: &Balance) -> Self {
        BalanceReport {
            name,
            limit: balance.limit,
            posted: balance.posted,
            held: balance.held,
            unknown: balance.unknown,
            available: balance.available(),
        }
    }
}

/// Counts since this process started.
#[derive(Debug, Default)]
pub struct Counters {
    /// Holds that were journaled.
    pub admitted: AtomicU64,
    /// Holds settled at a known cost.
    pub settled: AtomicU64,
    /// Holds voided.
    pub voided: AtomicU64,
    /// Times a cost was unknown when its attempt ended.
    pub unknowns: AtomicU64,
    /// Attempts that were billed above their hold.
    pub overruns: AtomicU64,
    /// By how much in all, nano-dollars.
    pub overrun_nanos: AtomicI64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn overrun(&self, by: Nano) {
        Self::add(&self.overruns);
        self.overrun_nanos.fetch_add(by.nanos(), Ordering::Relaxed);
    }
}
