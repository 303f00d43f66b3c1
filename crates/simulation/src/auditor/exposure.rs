//! [`Exposure`]: what OpenRouter has charged or may still charge, by budget, values and window, reckoned from what was
//! sent and from the truth alone: no journal, no ledger. It may never be above a limit.

use std::collections::HashMap;

use ledger::Label;

use super::calendar::Calendar;
use crate::setting::Line;

/// A charge may come four minutes after the settlement, and the clock of the machine change by seven in between; a
/// rolling window is judged that much shorter, milliseconds.
const SLACK_MS: i64 = 900_000;

/// The labels of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Labels([String; Label::ALL.len()]);

impl Labels {
    /// In the order of [`Label::ALL`].
    pub(crate) fn new(values: [String; Label::ALL.len()]) -> Self {
        Labels(values)
    }

    /// One of them.
    pub(crate) fn value(&self, label: Label) -> &str {
        &self.0[label as usize]
    }

    /// Whether a budget counts this request.
    pub(crate) fn are_of(&self, line: &Line) -> bool {
        line.selector.iter().all(|(label, value)| self.value(*label) == value)
    }

    /// The values by which it counts.
    pub(crate) fn values(&self, line: &Line) -> Vec<&str> {
        line.per.iter().map(|label| self.value(*label)).collect()
    }
}

/// Budget, values, window.
type Key = (String, String, i64);

#[derive(Clone, Debug, Default)]
struct Own {
    /// What may still be charged.
    pending: i64,
    /// What was charged,
    charged: i64,
    /// and when; of a rolling window.
    costs: Vec<(i64, i64)>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Exposure {
    owns: HashMap<Key, Own>,
    /// What each attempt counts on, by its hold.
    keys: HashMap<u64, Vec<Key>>,
    pub(super) calendar: Calendar,
}

/// `rolling 5h` in milliseconds.
pub(super) fn rolling_ms(window: &str) -> Option<i64> {
    window.strip_prefix("rolling ")?.strip_suffix('h')?.parse::<i64>().ok().map(|hours| hours * 3_600_000)
}

impl Exposure {
    /// An attempt leaves that may cost so much, admitted at an instant of the ledger's time.
    pub(super) fn send(
        &mut self,
        hold: u64,
        lines: &[Line],
        labels: &Labels,
        (bound, admitted_ms, now_ms): (i64, i64, i64),
    ) -> Result<(), String> {
        let mut keys = Vec::new();
        let mut over = Ok(());
        for line in lines.iter().filter(|line| labels.are_of(line)) {
            let window = self.calendar.label(line.window, line.zone, admitted_ms);
            let key = (line.name.clone(), labels.values(line).join("\u{1f}"), window);
            let own = self.owns.entry(key.clone()).or_default();
            own.pending += bound;
            let charged = own.charged_within(rolling_ms(line.window), now_ms);
            let (pending, limit) = (own.pending, line.limit.nanos());
            if charged + pending > limit {
                over = Err(format!(
                    "overshoot: hold {hold} leaves, and {key:?} has {charged} charged and {pending} under way of {limit}"
                ));
            }
            keys.push(key);
        }
        match self.keys.insert(hold, keys) {
            None => over,
            Some(_) => Err(format!("a second attempt leaves under hold {hold}")),
        }
    }

    /// The books are closed over an attempt that truly cost so much.
    pub(super) fn end(&mut self, hold: u64, bound: i64, cost: i64, charged_ms: i64) {
        for key in self.keys.get(&hold).into_iter().flatten() {
            let own = self.owns.entry(key.clone()).or_default();
            own.pending -= bound;
            own.charged += cost;
            own.costs.push((charged_ms, cost));
        }
    }

    /// They are open again: that they were closed was lost.
    pub(super) fn reopen(&mut self, hold: u64, bound: i64, cost: i64, charged_ms: i64) {
        for key in self.keys.get(&hold).into_iter().flatten() {
            let own = self.owns.entry(key.clone()).or_default();
            own.pending += bound;
            own.charged -= cost;
            if let Some(at) = own.costs.iter().rposition(|one| *one == (charged_ms, cost)) {
                own.costs.remove(at);
            }
        }
    }

    pub(super) fn was_sent(&self, hold: u64) -> bool {
        self.keys.contains_key(&hold)
    }
}

impl Own {
    fn charged_within(&mut self, rolling_ms: Option<i64>, now_ms: i64) -> i64 {
        match rolling_ms {
            None => self.charged,
            Some(length_ms) => {
                self.costs.retain(|(at_ms, _)| *at_ms > now_ms - length_ms + SLACK_MS);
                self.costs.iter().map(|(_, cost)| cost).sum()
            }
        }
    }
}
