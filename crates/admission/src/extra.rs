//! Extras: generations that were billed and that no hold stands for, because the books lost it or somebody else used the
//! key. Booked when an operator says so: truth first.
//!
//! An extra becomes a hold of nothing that settles at its cost, so all of it is an overrun. It is charged to the balances
//! that match its model and key, as far as their window had begun when it ran: of an earlier window nobody can spend any
//! more. Fails closed: what is not journaled is not booked.

use std::collections::HashMap;

use ledger::{BoundClass, Evidence, Label, Scope, Seat, SetId, UpstreamKeyId};
use money::Nano;
use smallvec::SmallVec;
use store::{JournalError, Members, Record};
use thiserror::Error;

use crate::Admission;
use crate::core::Core;
use crate::opening::Opening;
use crate::refusal::RefusalReason;

/// A generation that was billed.
#[derive(Clone, Copy, Debug)]
pub struct Extra<'a> {
    /// OpenRouter's id.
    pub generation: &'a str,
    /// When it began, milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// Its model; empty when the bill does not say.
    pub model: &'a str,
    /// The `key` label of the calls on this upstream key.
    pub key: &'a str,
    /// The key it was billed on.
    pub upstream_key: UpstreamKeyId,
    /// What it cost, USD.
    pub cost: Nano,
    /// The same, verbatim.
    pub text: &'a str,
}

/// Why extras were not booked.
#[derive(Clone, Debug, Error)]
pub enum ExtraError {
    /// Its balances cannot be opened.
    #[error("the balances of {0} cannot be opened: {1:?}")]
    Balances(String, RefusalReason),
    /// The journal cannot take it.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Admission {
    /// Books generations that no hold stands for; how many were. Those before a failure are booked.
    ///
    /// # Errors
    /// [`ExtraError`]; the one it speaks of, and those behind it, are not booked.
    pub fn book_extras(&self, extras: &[Extra<'_>], now_ms: i64) -> Result<u64, ExtraError> {
        let now_ms = self.core.see(now_ms);
        let mut opening = self.core.opening.lock();
        let mut sets = HashMap::new();
        let mut booked = 0;
        for extra in extras {
            self.core.book_extra(&mut opening, &mut sets, extra, now_ms)?;
            booked += 1;
        }
        Ok(booked)
    }
}

type Seats = SmallVec<[Seat; 4]>;

impl Core {
    fn book_extra(
        &self,
        opening: &mut Opening,
        sets: &mut HashMap<Members, SetId>,
        extra: &Extra<'_>,
        now_ms: i64,
    ) -> Result<(), ExtraError> {
        let seats = self.seats_of_extra(opening, extra, now_ms)?;
        let members: Members = seats.iter().map(Seat::member).collect();
        let set = match sets.get(&members) {
            Some(set) => *set,
            None => self.declare(opening, &members)?,
        };
        sets.insert(members, set);
        self.journal_extra(set, extra, now_ms)?;
        self.money.lock().settle(&seats, Nano::ZERO, extra.cost, now_ms);
        self.counters.overrun(extra.cost);
        Ok(())
    }

    fn seats_of_extra(
        &self,
        opening: &mut Opening,
        extra: &Extra<'_>,
        now_ms: i64,
    ) -> Result<Seats, ExtraError> {
        let scope = Scope::default().with(Label::Key, extra.key).with(Label::Model, extra.model);
        let places = self
            .open_places(opening, &scope, now_ms)
            .map_err(|reason| ExtraError::Balances(extra.generation.to_owned(), reason))?;
        let ways = self.ways.read();
        let had_begun = |seat: &Seat| {
            let name = ways.index.name(seat.slot());
            name.is_none_or(|name| name.starts_ms <= extra.created_ms)
        };
        // Of a straddling pair the next window has not begun, and this one takes all.
        Ok(places.seats.iter().filter(|seat| had_begun(seat)).map(|seat| Seat::plain(seat.slot())).collect())
    }

    fn journal_extra(&self, set: SetId, extra: &Extra<'_>, now_ms: i64) -> Result<(), JournalError> {
        let hold = self.next_hold();
        self.store.append(&Record::Hold {
            hold,
            at_ms: now_ms,
            bound: Nano::ZERO,
            class: BoundClass::Published,
            set,
            upstream_key: extra.upstream_key,
            key: extra.key,
            model: extra.model,
        })?;
        self.store.append(&Record::Generation { hold, id: extra.generation })?;
        let (cost, text, evidence) = (extra.cost, extra.text, Evidence::Analytics);
        self.store.append(&Record::Settle { hold, at_ms: now_ms, cost, text, evidence })?;
        Ok(())
    }
}
