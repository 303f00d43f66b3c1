//! What the ledger says of itself: balances for people and `--json`, and counters.

use std::ops::Deref;
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
    /// Known costs; of a rolling window: those that still count.
    pub posted: Nano,
    /// Bounds of requests in flight.
    pub held: Nano,
    /// Bounds of requests whose cost is not known yet.
    pub unknown: Nano,
    /// What may still be reserved; below zero after an overrun or a lowered limit.
    pub available: Nano,
    /// When the oldest cost of a rolling window is released, milliseconds since the Unix epoch; `None` of other windows
    /// and while nothing is posted.
    pub next_release_ms: Option<i64>,
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
            next_release_ms: None,
        }
    }
}

/// Balances, by budget. As a slice: those.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BalanceList {
    /// The balances.
    pub reports: Vec<BalanceReport>,
    /// Whether these are all in view: no more are open than a list may hold, and the books could be read.
    pub complete: bool,
}

impl Deref for BalanceList {
    type Target = [BalanceReport];

    fn deref(&self) -> &[BalanceReport] {
        &self.reports
    }
}

impl IntoIterator for BalanceList {
    type Item = BalanceReport;
    type IntoIter = std::vec::IntoIter<BalanceReport>;

    fn into_iter(self) -> Self::IntoIter {
        self.reports.into_iter()
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
