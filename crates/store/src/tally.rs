//! Sums that are written with the books, so that no report reads the past: by day, by upstream key.

use std::collections::BTreeMap;

use ledger::{Evidence, UpstreamKeyId};
use money::{Exact, Nano};

use crate::line::Correction;
use crate::{KeyTotal, OpenHold};

const DAY_MS: i64 = 86_400_000;

/// The UTC day of an instant, in days since 1970-01-01.
pub(crate) fn day_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(DAY_MS)
}

/// A cost as it was written, or as it was booked when nobody wrote one.
pub(crate) fn exact(cost: Nano, text: &str) -> Exact {
    Exact::parse_sum(text).unwrap_or_else(|_| Exact::from(cost))
}

/// A hold that has ended, as far as sums care.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended<'a> {
    pub(crate) open: &'a OpenHold,
    pub(crate) settled_ms: i64,
    pub(crate) cost: Nano,
    pub(crate) text: &'a str,
    pub(crate) evidence: Evidence,
}

impl Ended<'_> {
    /// What it cost above its bound.
    pub(crate) fn overrun(&self) -> Nano {
        self.cost.saturating_sub(self.open.bound).max(Nano::ZERO)
    }

    /// Nothing was charged, and OpenRouter's own figure is not what says so.
    fn is_void(&self) -> bool {
        let told = matches!(self.evidence, Evidence::Usage | Evidence::Generation | Evidence::Analytics);
        self.cost == Nano::ZERO && !told
    }
}

/// Sums over some entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) calls: i64,
    pub(crate) voids: i64,
    pub(crate) late: i64,
    pub(crate) corrections: i64,
    pub(crate) overruns: i64,
    pub(crate) cost: Nano,
    pub(crate) bound: Nano,
    pub(crate) overrun: Nano,
}

impl Sums {
    fn of(ended: &Ended<'_>) -> Self {
        let overrun = ended.overrun();
        Self {
            calls: 1,
            voids: i64::from(ended.is_void()),
            late: i64::from(ended.open.unknown.is_some()),
            corrections: 0,
            overruns: i64::from(overrun > Nano::ZERO),
            cost: ended.cost,
            bound: ended.open.bound,
            overrun,
        }
    }

    fn of_correction(correction: &Correction) -> Self {
        let (amount, _) = correction.posting();
        let overrun = amount.max(Nano::ZERO);
        Self {
            corrections: 1,
            overruns: i64::from(overrun > Nano::ZERO),
            cost: amount,
            overrun,
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.voids += other.voids;
        self.late += other.late;
        self.corrections += other.corrections;
        self.overruns += other.overruns;
        self.cost = self.cost.saturating_add(other.cost);
        self.bound = self.bound.saturating_add(other.bound);
        self.overrun = self.overrun.saturating_add(other.overrun);
    }
}

/// What is booked on one upstream key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeySums {
    pub(crate) entries: i64,
    pub(crate) posted: Nano,
    pub(crate) exact: Exact,
}

impl KeySums {
    pub(crate) fn total(&self) -> KeyTotal {
        KeyTotal { entries: self.entries.cast_unsigned(), posted: self.posted, exact: self.exact }
    }
}

/// Day, `key` label, model, upstream key.
pub(crate) type Cell = (i64, String, String, UpstreamKeyId);

/// Sums over a stretch of the journal, or over all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) cells: BTreeMap<Cell, Sums>,
    pub(crate) budgets: BTreeMap<(i64, String), Sums>,
    pub(crate) keys: BTreeMap<UpstreamKeyId, KeySums>,
}

impl Tally {
    /// Counts a hold that has ended, in its cell and once in each of these budgets.
    pub(crate) fn ended<'b>(&mut self, ended: &Ended<'_>, budgets: impl Iterator<Item = &'b str>) {
        let sums = Sums::of(ended);
        self.add(ended.open, day_of(ended.settled_ms), &sums, budgets);
        let key = self.keys.entry(ended.open.upstream_key).or_default();
        key.entries += 1;
        key.posted = key.posted.saturating_add(ended.cost);
        key.exact = key.exact + exact(ended.cost, ended.text);
    }

    /// Counts a correction of an entry whose cost was written `was_text`, on the day it is booked.
    pub(crate) fn corrected<'b>(
        &mut self,
        correction: &Correction,
        open: &OpenHold,
        was_text: &str,
        budgets: impl Iterator<Item = &'b str>,
    ) {
        let sums = Sums::of_correction(correction);
        self.add(open, day_of(correction.at_ms), &sums, budgets);
        let key = self.keys.entry(open.upstream_key).or_default();
        key.posted = key.posted.saturating_add(sums.cost);
        key.exact = key.exact + exact(correction.cost, &correction.text) - exact(correction.was, was_text);
    }

    /// Adds the sums of another stretch.
    pub(crate) fn merge(&mut self, other: Tally) {
        for (cell, sums) in other.cells {
            self.cells.entry(cell).or_default().add(&sums);
        }
        for (budget, sums) in other.budgets {
            self.budgets.entry(budget).or_default().add(&sums);
        }
        for (key, sums) in other.keys {
            let known = self.keys.entry(key).or_default();
            known.entries += sums.entries;
            known.posted = known.posted.saturating_add(sums.posted);
            known.exact = known.exact + sums.exact;
        }
    }

    fn add<'b>(&mut self, open: &OpenHold, day: i64, sums: &Sums, budgets: impl Iterator<Item = &'b str>) {
        let cell = (day, open.key.clone(), open.model.clone(), open.upstream_key);
        self.cells.entry(cell).or_default().add(sums);
        for budget in budgets {
            self.budgets.entry((day, budget.to_owned())).or_default().add(sums);
        }
    }
}
