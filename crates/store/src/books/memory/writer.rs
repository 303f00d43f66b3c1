//! [`MemoryWriter`]: folds a batch on top of the books, then makes it part of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ledger::HoldId;
use money::Nano;
use parking_lot::Mutex;

use super::reader::MemoryReader;
use super::state::State;
use crate::books::{Batch, Correction, Extent, Line, PostError, Reader, Writer};
use crate::error::Trouble;
use crate::fold::{Fold, FoldError, Origin};
use crate::recovered::Members;
use crate::tally::{Ended, Tally};
use crate::{
    ActionRow, ControlPoint, CorrectionRow, DecisionRow, EntryRow, HonestyRow, OpenError, SavingRow,
};

/// The one writer.
#[derive(Debug)]
pub(super) struct MemoryWriter {
    state: Arc<Mutex<Arc<State>>>,
}

impl MemoryWriter {
    pub(super) fn new(state: Arc<Mutex<Arc<State>>>) -> Self {
        Self { state }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(Arc::make_mut(&mut *self.state.lock()))
    }
}

/// A batch, folded, and what it adds.
struct Posting<'a> {
    state: &'a State,
    books: &'a MemoryReader,
    /// Has those open holds that the batch speaks of, and no others: a batch is not to cost what is open.
    fold: Fold,
    holds: BTreeSet<u64>,
    entries: BTreeMap<u64, EntryRow>,
    corrections: Vec<CorrectionRow>,
    actions: Vec<ActionRow>,
    tally: Tally,
}

impl Posting<'_> {
    fn line(&mut self, batch: &Batch, seq: u64, line: &Line) -> Result<(), FoldError> {
        if let Some(hold) = hold_of(line)
            && self.holds.insert(hold)
            && let Some(open) = self.state.open.get(&hold)
        {
            self.fold.lend(open.clone(), self.state.began.get(&hold).copied());
        }
        let before = match line {
            Line::Settle { hold, .. } => self.fold.open_hold(*hold).cloned(),
            _ => None,
        };
        let origin = Origin { segment: batch.next.ordinal, boot_id: batch.boot_id };
        self.fold.apply(line.clone(), origin, self.books)?;
        match line {
            Line::Settle { at_ms, cost, text, evidence, .. } => {
                let Some(open) = before else { return Ok(()) };
                let ended = Ended { open: &open, settled_ms: *at_ms, cost: *cost, text, evidence: *evidence };
                let budgets = self.budgets(&open.members, *at_ms)?;
                self.tally.ended(&ended, budgets.iter().map(String::as_str));
                if self.entry(open.hold)?.is_some() {
                    return Err(FoldError::Wrong(format!("hold {} ends a second time", open.hold.0)));
                }
                self.entries.insert(open.hold.0, EntryRow::of(&ended));
            }
            Line::Correct(correction) => self.correct(seq, correction)?,
            Line::Action { at_ms, who, what } => {
                self.actions.push(ActionRow { seq, at_ms: *at_ms, who: who.clone(), what: what.clone() });
            }
            _ => {}
        }
        Ok(())
    }

    fn correct(&mut self, seq: u64, correction: &Correction) -> Result<(), FoldError> {
        let gone = || FoldError::Wrong(format!("entry {} is gone", correction.hold.0));
        let mut entry = self.entry(correction.hold)?.ok_or_else(gone)?;
        let members = self.fold.known_set(correction.set).cloned().unwrap_or_default();
        let (amount, _) = correction.posting();
        let budgets = self.budgets(&members, correction.settled_ms)?;
        let budgets = budgets.iter().map(String::as_str);
        self.tally.corrected(correction, &entry.open_hold(), &entry.text, budgets);
        self.corrections.push(CorrectionRow {
            seq,
            hold: correction.hold,
            at_ms: correction.at_ms,
            was: correction.was,
            was_text: std::mem::replace(&mut entry.text, correction.text.clone()),
            cost: correction.cost,
            text: correction.text.clone(),
            evidence: correction.evidence,
            set: correction.set,
        });
        entry.cost = correction.cost;
        entry.evidence = correction.evidence;
        entry.overrun = entry.overrun.saturating_add(amount.max(Nano::ZERO));
        self.entries.insert(entry.hold.0, entry);
        Ok(())
    }

    fn entry(&self, hold: HoldId) -> Result<Option<EntryRow>, OpenError> {
        match self.entries.get(&hold.0) {
            Some(entry) => Ok(Some(entry.clone())),
            None => self.books.entry(hold),
        }
    }

    fn budgets(&self, members: &Members, when_ms: i64) -> Result<Vec<String>, FoldError> {
        let mut budgets = Vec::new();
        for member in members.iter().filter(|member| member.takes(when_ms)) {
            let row = self.fold.known_balance(member.balance);
            budgets.extend(row.map(|row| row.name.budget.clone()));
        }
        budgets.sort_unstable();
        budgets.dedup();
        Ok(budgets)
    }
}

/// The hold that a record speaks of.
fn hold_of(line: &Line) -> Option<u64> {
    match line {
        Line::Hold(open) => Some(open.hold.0),
        Line::Generation { hold, .. } | Line::Unknown { hold, .. } | Line::Settle { hold, .. } => {
            Some(hold.0)
        }
        Line::Correct(correction) => Some(correction.hold.0),
        Line::Balance { .. } | Line::Set { .. } | Line::Clock { .. } | Line::Action { .. } => None,
    }
}

impl Writer for MemoryWriter {
    fn post(&mut self, batch: &Batch) -> Result<(), PostError> {
        let Some((first, offset, _)) = batch.lines.first() else { return Ok(()) };
        let state = Arc::clone(&self.state.lock());
        if state.at.seq + 1 != *first {
            return Err(batch.fault(*first, *offset, format!("the books reach to record {}", state.at.seq)));
        }
        let books = MemoryReader::still(Arc::clone(&state));
        let mut posting = Posting {
            state: &state,
            books: &books,
            fold: Fold::from_books(state.head()),
            holds: BTreeSet::new(),
            entries: BTreeMap::new(),
            corrections: Vec::new(),
            actions: Vec::new(),
            tally: Tally::default(),
        };
        for (seq, offset, line) in &batch.lines {
            posting.line(batch, *seq, line).map_err(|error| match error {
                FoldError::Wrong(what) => batch.fault(*seq, *offset, what),
                FoldError::Lookup(error) => PostError::Trouble(Box::new(error)),
            })?;
        }
        let posted = Posted {
            holds: posting.holds,
            fold: posting.fold,
            entries: posting.entries,
            corrections: posting.corrections,
            actions: posting.actions,
            tally: posting.tally,
            next: batch.next,
        };
        // Who still has the state when it changes makes a copy of it all.
        drop((books, state));
        self.change(|state| state.take(posted));
        Ok(())
    }

    fn make_durable(&mut self, clean: bool) -> Result<(), Trouble> {
        self.change(|state| state.clean = clean);
        Ok(())
    }

    fn keep_decisions(&mut self, rows: &[DecisionRow], kept_max: u64) -> Result<(), Trouble> {
        self.change(|state| {
            state.decisions.extend_from_slice(rows);
            let kept = usize::try_from(kept_max).unwrap_or(usize::MAX);
            state.decisions.drain(..state.decisions.len().saturating_sub(kept));
        });
        Ok(())
    }

    fn add_savings(&mut self, rows: &[SavingRow]) -> Result<(), Trouble> {
        self.change(|state| {
            for row in rows {
                match state.savings.entry((row.day, row.route.clone())) {
                    std::collections::btree_map::Entry::Occupied(mut sum) => sum.get_mut().add(row),
                    std::collections::btree_map::Entry::Vacant(place) => {
                        place.insert(row.clone());
                    }
                }
            }
        });
        Ok(())
    }

    fn add_honesty(&mut self, rows: &[HonestyRow]) -> Result<(), Trouble> {
        self.change(|state| {
            for row in rows {
                match state.honesty.entry((row.model.clone(), row.provider.clone())) {
                    std::collections::btree_map::Entry::Occupied(mut sum) => sum.get_mut().add(row),
                    std::collections::btree_map::Entry::Vacant(place) => {
                        place.insert(row.clone());
                    }
                }
            }
        });
        Ok(())
    }

    fn clear_honesty(&mut self, model: &str, provider: Option<&str>, at_ms: i64) -> Result<usize, Trouble> {
        Ok(self.change(|state| {
            let of = |row: &&mut HonestyRow| {
                row.model == model && provider.is_none_or(|provider| row.provider == provider)
            };
            state.honesty.values_mut().filter(of).map(|row| row.clear(at_ms)).count()
        }))
    }

    fn keep_control(&mut self, point: &ControlPoint) -> Result<(), Trouble> {
        self.change(|state| {
            let points = state.controls.entry(point.upstream_key).or_default();
            points.push(point.clone());
            points.drain(..points.len().saturating_sub(ControlPoint::KEPT_MAX));
        });
        Ok(())
    }

    fn set_restored(&mut self, at_ms: Option<i64>) -> Result<(), Trouble> {
        self.change(|state| state.restored = at_ms);
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), Trouble> {
        Ok(())
    }
}

/// A batch that fits.
struct Posted {
    holds: BTreeSet<u64>,
    fold: Fold,
    entries: BTreeMap<u64, EntryRow>,
    corrections: Vec<CorrectionRow>,
    actions: Vec<ActionRow>,
    tally: Tally,
    next: Extent,
}

impl State {
    fn take(&mut self, posted: Posted) {
        let (snapshot, sets) = posted.fold.into_parts();
        self.at = posted.next;
        self.clean = false;
        self.latest_ms = snapshot.latest_ms;
        self.next_balance = snapshot.next_balance;
        self.next_set = snapshot.next_set;
        self.next_hold = snapshot.next_hold;
        self.clock = snapshot.clock;
        self.balances.extend(snapshot.balances.into_iter().map(|row| (row.id.0, row)));
        self.sets.extend(sets);
        for hold in posted.holds {
            self.open.remove(&hold);
            self.began.remove(&hold);
        }
        self.open.extend(snapshot.open.into_iter().map(|open| (open.hold.0, open)));
        self.began.extend(snapshot.began.into_iter().map(|(hold, segment)| (hold.0, segment)));
        self.entries.extend(posted.entries);
        let corrections = posted.corrections.into_iter();
        self.corrections.extend(corrections.map(|row| ((row.hold.0, row.seq), row)));
        self.actions.extend(posted.actions);
        self.tally.merge(posted.tally);
    }
}
