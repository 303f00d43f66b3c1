//! [`MemoryReader`]: reads the books in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledger::{BalanceId, BalanceName, HoldId, SetId, UpstreamKeyId};
use parking_lot::Mutex;

use super::state::State;
use crate::books::{Reader, Snapshot};
use crate::recovered::Members;
use crate::tally::Sums;
use crate::{
    ActionRow, BalanceRow, ControlPoint, CorrectionRow, DecisionRow, EntryRow, HonestyRow, KeyTotal,
    OpenError, ReportBy, ReportRow, SavingRow,
};

/// Reads what is there at each call, or what was there when it was held still.
#[derive(Debug)]
pub(super) struct MemoryReader {
    live: Option<Arc<Mutex<Arc<State>>>>,
    still: Arc<State>,
}

impl MemoryReader {
    pub(super) fn new(state: Arc<Mutex<Arc<State>>>) -> Self {
        Self { live: Some(state), still: Arc::default() }
    }

    pub(super) fn still(state: Arc<State>) -> Self {
        Self { live: None, still: state }
    }

    fn state(&self) -> Arc<State> {
        self.live.as_ref().map_or_else(|| Arc::clone(&self.still), |state| Arc::clone(&state.lock()))
    }
}

impl Reader for MemoryReader {
    fn hold_still(&mut self) -> Result<(), OpenError> {
        self.still = self.state();
        self.live = None;
        Ok(())
    }

    fn snapshot(&self) -> Result<Snapshot, OpenError> {
        Ok(self.state().snapshot())
    }

    fn balance(&self, id: BalanceId) -> Result<Option<BalanceRow>, OpenError> {
        Ok(self.state().balance(id.0))
    }

    fn find_balance(&self, name: &BalanceName) -> Result<Option<BalanceRow>, OpenError> {
        let state = self.state();
        let newest = state.balances.values().rev().find(|row| row.name == *name);
        Ok(newest.and_then(|row| state.balance(row.id.0)))
    }

    fn open_balances(&self, since_ms: i64, most: usize) -> Result<Vec<BalanceRow>, OpenError> {
        let state = self.state();
        let open = |row: &&BalanceRow| row.name.ends_ms.is_none_or(|ends_ms| ends_ms >= since_ms);
        let ids = state.balances.values().filter(open).map(|row| row.id.0).take(most);
        Ok(ids.filter_map(|id| state.balance(id)).collect())
    }

    fn set(&self, id: SetId) -> Result<Option<Members>, OpenError> {
        Ok(self.state().sets.get(&id.0).cloned())
    }

    fn entry(&self, hold: HoldId) -> Result<Option<EntryRow>, OpenError> {
        Ok(self.state().entries.get(&hold.0).cloned())
    }

    fn entry_of(&self, generation: &str) -> Result<Option<EntryRow>, OpenError> {
        let state = self.state();
        let of = |entry: &&EntryRow| entry.generation.as_deref() == Some(generation);
        Ok(state.entries.values().rev().find(of).cloned())
    }

    fn entries(
        &self,
        from_ms: i64,
        until_ms: i64,
        after: Option<HoldId>,
        most: usize,
    ) -> Result<Vec<EntryRow>, OpenError> {
        let first = after.map_or(0, |after| after.0.saturating_add(1));
        let made = |entry: &&EntryRow| entry.at_ms >= from_ms && entry.at_ms < until_ms;
        Ok(self
            .state()
            .entries
            .range(first..)
            .map(|(_, entry)| entry)
            .filter(made)
            .take(most)
            .cloned()
            .collect())
    }

    fn corrections(&self, hold: HoldId) -> Result<Vec<CorrectionRow>, OpenError> {
        let of = (hold.0, 0)..=(hold.0, u64::MAX);
        Ok(self.state().corrections.range(of).map(|(_, row)| row.clone()).collect())
    }

    fn key_total(&self, key: UpstreamKeyId) -> Result<KeyTotal, OpenError> {
        Ok(self.state().tally.keys.get(&key).copied().unwrap_or_default().total())
    }

    fn report(&self, from_day: i64, until_day: i64, by: ReportBy) -> Result<Vec<ReportRow>, OpenError> {
        let state = self.state();
        let mut rows: BTreeMap<(Option<i64>, String), Sums> = BTreeMap::new();
        let mut add = |day: Option<i64>, name: String, sums: &Sums| {
            rows.entry((day, name)).or_default().add(sums);
        };
        let days = from_day..until_day;
        if by == ReportBy::Budget {
            let cells = state.tally.budgets.iter().filter(|((day, _), _)| days.contains(day));
            cells.for_each(|((_, budget), sums)| add(None, budget.clone(), sums));
        } else {
            for ((day, key, model, upstream_key), sums) in &state.tally.cells {
                match by {
                    _ if !days.contains(day) => {}
                    ReportBy::Day => add(Some(*day), String::new(), sums),
                    ReportBy::Key => add(None, key.clone(), sums),
                    ReportBy::Model => add(None, model.clone(), sums),
                    ReportBy::UpstreamKey | ReportBy::Budget => {
                        add(None, upstream_key.0.iter().map(|byte| format!("{byte:02x}")).collect(), sums);
                    }
                }
            }
        }
        Ok(rows.into_iter().map(|((day, name), sums)| ReportRow::new(day, name, &sums)).collect())
    }

    fn last_decisions(&self, n: usize, request: Option<&str>) -> Result<Vec<DecisionRow>, OpenError> {
        let state = self.state();
        let of = |row: &&DecisionRow| request.is_none_or(|request| row.request == request);
        let mut rows: Vec<DecisionRow> = state.decisions.iter().rev().filter(of).cloned().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.at_ms));
        rows.truncate(n);
        Ok(rows)
    }

    fn savings(&self, since_day: i64) -> Result<Vec<SavingRow>, OpenError> {
        let state = self.state();
        Ok(state.savings.range((since_day, String::new())..).map(|(_, row)| row.clone()).collect())
    }

    fn honesty(&self) -> Result<Vec<HonestyRow>, OpenError> {
        Ok(self.state().honesty.values().cloned().collect())
    }

    fn control_points(&self, key: UpstreamKeyId) -> Result<Vec<ControlPoint>, OpenError> {
        let state = self.state();
        Ok(state.controls.get(&key).into_iter().flatten().rev().cloned().collect())
    }

    fn actions(&self, most: usize) -> Result<Vec<ActionRow>, OpenError> {
        Ok(self.state().actions.iter().rev().take(most).cloned().collect())
    }
}
