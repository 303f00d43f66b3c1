//! [`HonestyRow`]: whether a model at a provider keeps to what it was told. [`ControlPoint`]: OpenRouter's counter of a
//! key beside our sum.
//!
//! Beside the books of money and never part of them. Counts are added up in memory and written by the shipper in its
//! next round, so a crash may lose those of a moment; nothing counts twice.

use std::collections::BTreeMap;

use ledger::UpstreamKeyId;
use money::{Exact, Nano};

/// Models and providers waiting to be written; beyond this, new ones are dropped and counted as notes are.
const QUEUED_MAX: usize = 10_000;

/// Counts about one model at one provider, since it was last cleared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HonestyRow {
    /// The model, as OpenRouter names it.
    pub model: String,
    /// The provider, as OpenRouter names it; empty when it did not say.
    pub provider: String,
    /// Calls that were judged.
    pub calls: u64,
    /// Calls whose output was longer than the cap that was sent.
    pub caps_broken: u64,
    /// Calls that were billed in full after they had been cancelled.
    pub cancels_broken: u64,
    /// Answers without a cost in them.
    pub usage_missing: u64,
    /// Answers that counted more prompt tokens than the model's public tokenizer can.
    pub counts_broken: u64,
    /// Calls that cost more than their bound.
    pub overruns: u64,
    /// By how much they did, USD.
    pub overrun: Nano,
    /// The highest cost in percent of its bound, rounded up.
    pub worst_percent: u64,
    /// When the last of them happened, milliseconds since the Unix epoch.
    pub last_ms: i64,
    /// When somebody cleared it, milliseconds since the Unix epoch; the counts begin there.
    pub cleared_ms: Option<i64>,
}

impl HonestyRow {
    /// Adds the counts of another row of the same model and provider.
    pub fn add(&mut self, other: &HonestyRow) {
        self.calls = self.calls.saturating_add(other.calls);
        self.caps_broken = self.caps_broken.saturating_add(other.caps_broken);
        self.cancels_broken = self.cancels_broken.saturating_add(other.cancels_broken);
        self.usage_missing = self.usage_missing.saturating_add(other.usage_missing);
        self.counts_broken = self.counts_broken.saturating_add(other.counts_broken);
        self.overruns = self.overruns.saturating_add(other.overruns);
        self.overrun = self.overrun.saturating_add(other.overrun);
        self.worst_percent = self.worst_percent.max(other.worst_percent);
        self.last_ms = self.last_ms.max(other.last_ms);
        self.cleared_ms = self.cleared_ms.max(other.cleared_ms);
    }

    /// Begins anew at an instant.
    pub(crate) fn clear(&mut self, at_ms: i64) {
        let (model, provider) = (std::mem::take(&mut self.model), std::mem::take(&mut self.provider));
        *self = HonestyRow {
            model,
            provider,
            last_ms: self.last_ms,
            cleared_ms: Some(at_ms),
            ..HonestyRow::default()
        };
    }
}

/// Counts not written yet.
#[derive(Debug, Default)]
pub(crate) struct Honesty {
    counts: BTreeMap<(String, String), HonestyRow>,
}

impl Honesty {
    /// Adds a row; whether there was room.
    pub(crate) fn add(&mut self, row: HonestyRow) -> bool {
        let key = (row.model.clone(), row.provider.clone());
        if let Some(counts) = self.counts.get_mut(&key) {
            counts.add(&row);
            return true;
        }
        if self.counts.len() >= QUEUED_MAX {
            return false;
        }
        self.counts.insert(key, row);
        true
    }

    /// Takes all of them.
    pub(crate) fn take(&mut self) -> Vec<HonestyRow> {
        std::mem::take(&mut self.counts).into_values().collect()
    }
}

/// What OpenRouter's counter of an upstream key said, and what was booked on it then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlPoint {
    /// The upstream key.
    pub upstream_key: UpstreamKeyId,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The counter, USD, verbatim.
    pub usage: String,
    /// What was booked, USD, by the verbatim costs ([`crate::KeyTotal::exact`]).
    pub exact: Exact,
    /// In how many entries.
    pub entries: u64,
}

impl ControlPoint {
    /// How many are kept of one upstream key.
    pub const KEPT_MAX: usize = 100;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_and_what_waits_is_bounded() {
        let row = |model: &str, percent| HonestyRow {
            model: model.to_owned(),
            calls: 1,
            worst_percent: percent,
            ..HonestyRow::default()
        };
        let mut honesty = Honesty::default();
        assert!(honesty.add(row("a", 90)) && honesty.add(row("a", 120)) && honesty.add(row("a", 50)));
        for n in 1..QUEUED_MAX {
            assert!(honesty.add(row(&format!("m{n}"), 1)));
        }
        assert!(!honesty.add(row("one too many", 1)));
        let rows = honesty.take();
        assert_eq!((rows[0].calls, rows[0].worst_percent, rows.len()), (3, 120, QUEUED_MAX));
        assert!(honesty.take().is_empty());
    }
}
