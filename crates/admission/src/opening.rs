//! The cold side of the way of a request: a balance or a hold set that is needed for the first time.
//!
//! What a balance stood at before this process started is looked up in the books, once. Its name is in the journal
//! before it is in memory, and a set before its first hold. All of that one at a time; warm requests pass meanwhile.
//! Fails closed: what cannot be looked up or written is refused.

use std::sync::Arc;

use ledger::mutants::{self, Mutant};
use ledger::{
    Balance, BalanceId, BalanceName, Balances, Found, Gap, HoldSet, LedgerFull, Member, Missing, Places,
    Scope, SetId, Slot, UpstreamKeyId, WindowKind,
};
use money::Nano;
use store::{BalanceRow, JournalError, Record, Recovered};

use crate::core::{Core, Way};
use crate::policy::ATTEMPT_MS_MAX;
use crate::refusal::RefusalReason;

/// The numbers to give next.
#[derive(Debug)]
pub(crate) struct Opening {
    next_balance: u32,
    next_set: u32,
    /// The books cannot have a window that starts after this, milliseconds since the Unix epoch.
    books_until_ms: i64,
    /// Balances that are not in memory and whose last correction is not in the books yet.
    pub(crate) unshipped: Vec<BalanceId>,
}

impl Opening {
    pub(crate) fn new(recovered: &Recovered) -> Self {
        let books_until_ms = match recovered.next_balance {
            0 => i64::MIN,
            // The next windows may have been opened early.
            _ => recovered.latest_ms.saturating_add(ATTEMPT_MS_MAX),
        };
        let (next_balance, next_set) = (recovered.next_balance, recovered.next_set);
        Opening { next_balance, next_set, books_until_ms, unshipped: Vec::new() }
    }
}

/// A balance as it stands before it is in memory.
pub(crate) struct Standing {
    pub(crate) id: BalanceId,
    pub(crate) limit: Nano,
    pub(crate) posted: Nano,
    pub(crate) buckets: Vec<(i64, Nano)>,
}

impl From<BalanceRow> for Standing {
    fn from(row: BalanceRow) -> Self {
        Standing { id: row.id, limit: row.limit, posted: row.posted, buckets: row.buckets }
    }
}

impl Core {
    /// The way of a request that is not warm.
    pub(crate) fn open_way(
        &self,
        scope: &Scope<'_>,
        upstream_key: UpstreamKeyId,
        now_ms: i64,
    ) -> Result<Way, RefusalReason> {
        let mut opening = self.opening.lock();
        let places = self.open_places(&mut opening, scope, now_ms)?;
        let found = match places.seats.is_empty() && !self.allow_unbudgeted {
            // Whoever may not pass is not remembered.
            true => return Err(RefusalReason::Unbudgeted),
            false => self.remember(&mut opening, scope, &places)?,
        };
        let upstream_key = self.ways.write().keys.find_or_add(upstream_key);
        Ok(Way { found, upstream_key })
    }

    pub(crate) fn open_places(
        &self,
        opening: &mut Opening,
        scope: &Scope<'_>,
        now_ms: i64,
    ) -> Result<Places, RefusalReason> {
        loop {
            let gathered = self.ways.write().index.gather(scope, now_ms, self.time.is_trusted());
            match gathered {
                Ok(places) => return Ok(places),
                Err(Gap::Shut(_)) => return Err(RefusalReason::Clock),
                Err(Gap::Missing(missing)) => self.open_balance(opening, &missing, now_ms)?,
            }
        }
    }

    fn remember(
        &self,
        opening: &mut Opening,
        scope: &Scope<'_>,
        places: &Places,
    ) -> Result<Found, RefusalReason> {
        let known = self.ways.read().index.known(places);
        let set = match known {
            Some(set) => set,
            None => {
                let members: store::Members = places.seats.iter().map(ledger::Seat::member).collect();
                let id = self.declare(opening, &members).map_err(|_| RefusalReason::Journal)?;
                self.ways.write().index.intern(id, places)
            }
        };
        Ok(self.ways.write().index.remember(scope, set))
    }

    /// Declares a set of these balances under a new number.
    pub(crate) fn declare(&self, opening: &mut Opening, members: &[Member]) -> Result<SetId, JournalError> {
        let id = SetId(opening.next_set);
        self.store.append(&Record::Set { id, members })?;
        opening.next_set += 1;
        Ok(id)
    }

    fn open_balance(
        &self,
        opening: &mut Opening,
        Missing { budget, name }: &Missing,
        now_ms: i64,
    ) -> Result<(), RefusalReason> {
        if !self.money.lock().has_room() {
            return Err(RefusalReason::Full);
        }
        let limit = self.ways.read().index.budgets()[*budget].limit;
        let kept = self.find_kept(opening, name)?;
        let is_declared = kept.as_ref().is_some_and(|row| row.limit == limit);
        let mut standing = kept.map_or_else(|| opening.new_balance(limit), Standing::from);
        standing.limit = limit;
        if !is_declared {
            let record = Record::Balance { id: standing.id, name, limit };
            self.store.append(&record).map_err(|_| RefusalReason::Journal)?;
        }
        let slot = self.place(name, standing, now_ms).map_err(|LedgerFull| RefusalReason::Full)?;
        self.ways.write().index.insert(*budget, name, slot);
        Ok(())
    }

    /// The balance as the books of before this process have it.
    fn find_kept(&self, opening: &Opening, name: &BalanceName) -> Result<Option<BalanceRow>, RefusalReason> {
        if name.starts_ms > opening.books_until_ms || mutants::is(Mutant::BooksNotAsked) {
            return Ok(None);
        }
        let kept = self.store.find_balance(name).map_err(|_| RefusalReason::Journal)?;
        match kept.as_ref().is_some_and(|row| opening.unshipped.contains(&row.id)) {
            true => Err(RefusalReason::Journal),
            false => Ok(kept),
        }
    }

    /// Puts a balance into memory.
    pub(crate) fn place(
        &self,
        name: &BalanceName,
        standing: Standing,
        now_ms: i64,
    ) -> Result<Slot, LedgerFull> {
        place(&mut self.money.lock(), name, standing, now_ms)
    }

    /// A set for holds that were made before this process; no request is charged to it.
    pub(crate) fn old_set(id: SetId, seats: &[ledger::Seat]) -> Arc<HoldSet> {
        Arc::new(HoldSet::new(id, seats, i64::MIN))
    }
}

fn place(
    money: &mut Balances,
    name: &BalanceName,
    standing: Standing,
    now_ms: i64,
) -> Result<Slot, LedgerFull> {
    let mut balance = Balance::new(standing.id, standing.limit, name.ends_ms);
    match WindowKind::from_words(&name.window) {
        Some(WindowKind::Rolling(rolling)) => money.open_rolling(balance, rolling, &standing.buckets, now_ms),
        _ => {
            balance.posted = standing.posted;
            money.open(balance)
        }
    }
}

impl Opening {
    fn new_balance(&mut self, limit: Nano) -> Standing {
        let id = BalanceId(self.next_balance);
        self.next_balance += 1;
        Standing { id, limit, posted: Nano::ZERO, buckets: Vec::new() }
    }
}
