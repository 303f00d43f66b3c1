//! Corrections: an entry whose hold has ended turns out to have cost something else.
//!
//! One at a time, in this order: everything is shipped, so that the entry is as the books have it; the correction is
//! journaled; the money in memory follows; the correction is shipped too. Until that is done a balance that is not in
//! memory cannot be looked up in the books: requests that need it meanwhile are told to come again. Fails closed: what
//! is not journaled has not happened.

use ledger::mutants::{self, Mutant};
use ledger::{BalanceId, Evidence, HoldId, Seat, Slot};
use money::Nano;
use smallvec::SmallVec;
use store::{EntryRow, JournalError, Record};
use thiserror::Error;

use crate::core::Core;
use crate::opening::Opening;

/// What became of a correction, USD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correction {
    /// What was booked until now.
    pub was: Nano,
    /// What is booked now.
    pub cost: Nano,
}

/// Why nothing was corrected.
#[derive(Debug, Error)]
pub enum CorrectError {
    /// It has not ended: resolve it.
    #[error("hold {0} is still open")]
    Open(u64),
    /// There never was such a hold.
    #[error("there is no hold {0}")]
    NotFound(u64),
    /// The cost is below zero.
    #[error("a cost cannot be below zero")]
    Negative,
    /// The journal cannot take it.
    #[error(transparent)]
    Journal(JournalError),
    /// The correction is journaled and counts, but the books do not have it yet.
    #[error("the correction is in the journal, but not in the books yet: {0}")]
    Shipping(JournalError),
    /// The entry cannot be read.
    #[error(transparent)]
    Books(#[from] store::OpenError),
}

/// What the journal is told.
struct News<'a> {
    cost: Nano,
    text: &'a str,
    evidence: Evidence,
    at_ms: i64,
}

impl Core {
    pub(crate) fn correct(
        &self,
        hold: HoldId,
        cost: Nano,
        text: &str,
        evidence: Evidence,
        now_ms: i64,
    ) -> Result<Correction, CorrectError> {
        if cost.is_negative() {
            return Err(CorrectError::Negative);
        }
        let news = News { cost, text, evidence, at_ms: self.see(now_ms) };
        let _one_at_a_time = self.correcting.lock();
        let entry = self.entry(hold)?;
        let correction = Correction { was: entry.cost, cost };
        if entry.cost != cost {
            self.book(&mut self.opening.lock(), &entry, &news)?;
            self.queue.serve(&self.money, news.at_ms);
            self.store.flush().map_err(CorrectError::Shipping)?;
            self.opening.lock().unshipped.clear();
        }
        Ok(correction)
    }

    /// The entry of a hold that has ended.
    fn entry(&self, hold: HoldId) -> Result<EntryRow, CorrectError> {
        if self.unknowns.has(hold) {
            return Err(CorrectError::Open(hold.0));
        }
        self.store.flush().map_err(CorrectError::Journal)?;
        let is_given = hold.0 < self.next_hold.load(std::sync::atomic::Ordering::Relaxed);
        match self.store.entry(hold)? {
            // In the books, and its money is about to move: what is taken back now would not be there yet.
            Some(_) if self.unknowns.has(hold) => Err(CorrectError::Open(hold.0)),
            Some(entry) => Ok(entry),
            None if is_given => Err(CorrectError::Open(hold.0)),
            None => Err(CorrectError::NotFound(hold.0)),
        }
    }

    /// Journals a correction and moves the money.
    fn book(&self, opening: &mut Opening, entry: &EntryRow, news: &News<'_>) -> Result<(), CorrectError> {
        self.journal_correction(opening, entry, news)?;
        let seats = self.seats(entry);
        let is_there = |id: BalanceId| seats.iter().any(|seat| seat.slot().id() == id);
        let ids = entry.members.iter().map(|member| member.balance);
        opening.unshipped.extend(ids.filter(|id| !is_there(*id)));
        self.move_correction(entry, &seats, news);
        Ok(())
    }

    fn journal_correction(
        &self,
        opening: &mut Opening,
        entry: &EntryRow,
        news: &News<'_>,
    ) -> Result<(), CorrectError> {
        let set = match entry.set {
            Some(set) => set,
            None => self.declare(opening, &entry.members).map_err(CorrectError::Journal)?,
        };
        let record = Record::Correct {
            hold: entry.hold,
            at_ms: news.at_ms,
            settled_ms: entry.settled_ms,
            was: entry.cost,
            cost: news.cost,
            text: news.text,
            evidence: news.evidence,
            set,
        };
        self.store.append(&record).map(|_| ()).map_err(CorrectError::Journal)
    }

    /// The same on the balances in memory; those that are not there are in the books alone.
    fn move_correction(&self, entry: &EntryRow, seats: &[Seat], news: &News<'_>) {
        if news.cost > entry.cost {
            if mutants::is(Mutant::RaiseForgotten) {
                return;
            }
            let more = news.cost.saturating_sub(entry.cost);
            self.money.lock().raise(seats, more, entry.settled_ms, news.at_ms);
            self.counters.overrun(more);
        } else {
            let less = entry.cost.saturating_sub(news.cost);
            self.money.lock().refund(seats, less, entry.settled_ms);
        }
    }

    fn seats(&self, entry: &EntryRow) -> SmallVec<[Seat; 4]> {
        let wanted = |id: BalanceId| entry.members.iter().find(|member| member.balance == id);
        let ways = self.ways.read();
        let seat = |(_, slot): (usize, Slot)| {
            wanted(slot.id()).map(|member| Seat::between(slot, member.from_ms, member.until_ms))
        };
        ways.index.open().filter_map(seat).take(entry.members.len()).collect()
    }
}
