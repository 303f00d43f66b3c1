//! The fold of the journal: the state after each record, by the plainest code there is.
//!
//! Recovery folds what the books do not have yet; tests hold the books against it. What it needs of the past it
//! looks up when a record speaks of it, so that a start does not read the past.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use ledger::mutants::{self, Mutant};
use ledger::{BalanceId, BalanceName, HoldId, SetId};
use money::Nano;

use crate::books::{Reader, Snapshot};
use crate::disk::BootId;
use crate::line::{Correction, Line};
use crate::recovered::Members;
use crate::{BalanceRow, EntryRow, OpenError, OpenHold, Recovered};

/// What is booked for a hold that has ended, as far as a correction has to agree with it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Booked {
    cost: Nano,
    settled_ms: i64,
    set: Option<SetId>,
    /// Of a hold of before there were sets.
    members: Option<Box<Members>>,
}

impl Booked {
    fn new(cost: Nano, settled_ms: i64, set: Option<SetId>, members: &Members) -> Self {
        let members = set.is_none().then(|| Box::new(members.clone()));
        Self { cost, settled_ms, set, members }
    }

    fn of(entry: &EntryRow) -> Self {
        Self::new(entry.cost, entry.settled_ms, entry.set, &entry.members)
    }
}

/// The ledger after some record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fold {
    balances: BTreeMap<u32, BalanceRow>,
    sets: BTreeMap<u32, Members>,
    open: BTreeMap<u64, OpenHold>,
    /// The segments that open holds began in, where they are known.
    began: BTreeMap<u64, u64>,
    /// The holds that ended or were corrected in what was folded.
    ended: BTreeMap<u64, Booked>,
    next_balance: u32,
    next_set: u32,
    next_hold: u64,
    latest_ms: i64,
    clock: Option<Clock>,
    restored: Option<i64>,
}

/// A clock record, and the boot it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The wall clock, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Time since that boot, milliseconds.
    pub boot_ms: i64,
    /// The boot, when the system named it.
    pub boot_id: Option<BootId>,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// The segment.
    pub(crate) segment: u64,
    /// The boot of the machine that it was written in.
    pub(crate) boot_id: Option<BootId>,
}

/// Why a record cannot follow those before it.
#[derive(Debug)]
pub(crate) enum FoldError {
    Wrong(String),
    Lookup(OpenError),
}

impl From<OpenError> for FoldError {
    fn from(error: OpenError) -> Self {
        Self::Lookup(error)
    }
}

impl Fold {
    pub(crate) fn from_books(snapshot: Snapshot) -> Self {
        let Snapshot { latest_ms, next_balance, next_set, next_hold, balances, open, began, clock, .. } =
            snapshot;
        Self {
            balances: balances.into_iter().map(|row| (row.id.0, row)).collect(),
            open: open.into_iter().map(|open| (open.hold.0, open)).collect(),
            next_balance,
            next_set,
            next_hold,
            latest_ms,
            clock,
            restored: snapshot.restored,
            began: began.into_iter().map(|(hold, segment)| (hold.0, segment)).collect(),
            ..Self::default()
        }
    }

    /// Adds an open hold that the snapshot did not bring, and the segment it began in.
    pub(crate) fn lend(&mut self, open: OpenHold, began: Option<u64>) {
        self.began.extend(began.map(|segment| (open.hold.0, segment)));
        self.open.insert(open.hold.0, open);
    }

    /// The state after one more record.
    pub(crate) fn apply(&mut self, line: Line, origin: Origin, books: &dyn Reader) -> Result<(), FoldError> {
        self.latest_ms = self.latest_ms.max(line.at_ms().unwrap_or(0));
        match line {
            Line::Balance { id, name, limit } => self.declare(id, name, limit, books)?,
            Line::Set { id, members } => self.declare_set(id, members, books)?,
            Line::Hold(open) => {
                self.began.insert(open.hold.0, origin.segment);
                self.hold(open, books)?;
            }
            Line::Generation { hold, id } => self.open(hold)?.generation = Some(id),
            Line::Unknown { hold, at_ms, reason, status } => {
                self.open(hold)?.mark_unknown(reason, status, at_ms);
            }
            Line::Settle { hold, at_ms, cost, .. } => {
                let open = self.open.remove(&hold.0);
                self.began.remove(&hold.0);
                let open = open.ok_or_else(|| wrong("the end of a hold that is not open:", hold.0))?;
                self.post(&open.members, cost, (at_ms, at_ms), books)?;
                self.ended.insert(hold.0, Booked::new(cost, at_ms, open.set, &open.members));
            }
            Line::Correct(correction) => self.correct(&correction, books)?,
            Line::Clock { at_ms, boot_ms } => {
                self.clock = Some(Clock { at_ms, boot_ms, boot_id: origin.boot_id });
            }
            Line::Action { .. } => {}
        }
        Ok(())
    }

    fn declare(
        &mut self,
        id: BalanceId,
        name: BalanceName,
        limit: Nano,
        books: &dyn Reader,
    ) -> Result<(), FoldError> {
        let next = id.0.checked_add(1).ok_or_else(|| wrong("balance id", id.0.into()))?;
        self.next_balance = self.next_balance.max(next);
        match self.balance(id, books)? {
            Some(row) if row.name == name => row.limit = limit,
            Some(_) => return Err(wrong("another name for balance", id.0.into())),
            None => {
                self.balances.insert(id.0, BalanceRow::new(id, name, limit));
            }
        }
        Ok(())
    }

    fn declare_set(&mut self, id: SetId, members: Members, books: &dyn Reader) -> Result<(), FoldError> {
        let next = id.0.checked_add(1).ok_or_else(|| wrong("set id", id.0.into()))?;
        self.next_set = self.next_set.max(next);
        for member in &members {
            if self.balance(member.balance, books)?.is_none() {
                return Err(wrong("a set of the undeclared balance", member.balance.0.into()));
            }
        }
        if self.set(id, books)?.is_some() {
            return Err(wrong("a second record for set", id.0.into()));
        }
        self.sets.insert(id.0, members);
        Ok(())
    }

    fn hold(&mut self, mut open: OpenHold, books: &dyn Reader) -> Result<(), FoldError> {
        if let Some(set) = open.set {
            let members = self.set(set, books)?;
            open.members =
                members.ok_or_else(|| wrong("a hold on the undeclared set", set.0.into()))?.clone();
        }
        for member in &open.members {
            if self.balance(member.balance, books)?.is_none() {
                return Err(wrong("a hold on the undeclared balance", member.balance.0.into()));
            }
        }
        let hold = open.hold.0;
        self.next_hold = self.next_hold.max(hold + 1);
        match self.open.entry(hold) {
            Entry::Occupied(_) => Err(wrong("a second record for the open hold", hold)),
            Entry::Vacant(place) => {
                place.insert(open);
                Ok(())
            }
        }
    }

    fn correct(&mut self, correction: &Correction, books: &dyn Reader) -> Result<(), FoldError> {
        let Correction { hold, settled_ms, was, cost, set, .. } = *correction;
        if self.open.contains_key(&hold.0) {
            return Err(wrong("a correction of the open hold", hold.0));
        }
        let booked = match self.ended.get(&hold.0) {
            Some(booked) => Some(booked.clone()),
            None => books.entry(hold)?.as_ref().map(Booked::of),
        };
        let mut booked = booked.ok_or_else(|| wrong("a correction of the unknown hold", hold.0))?;
        if (booked.cost, booked.settled_ms) != (was, settled_ms) {
            return Err(FoldError::Wrong(format!(
                "hold {} is corrected from {was} at {settled_ms}, booked is {} at {}",
                hold.0, booked.cost, booked.settled_ms
            )));
        }
        let members = self.set(set, books)?.cloned();
        let members = members.ok_or_else(|| wrong("a correction on the undeclared set", set.0.into()))?;
        let same = match (booked.set, &booked.members) {
            (Some(booked), _) => self.set(booked, books)? == Some(&members),
            (None, listed) => listed.as_deref() == Some(&members),
        };
        if !same {
            return Err(wrong("a correction on another set of hold", hold.0));
        }
        let (amount, counted_ms) = correction.posting();
        if !mutants::is(Mutant::CorrectionNotReplayed) {
            self.post(&members, amount, (settled_ms, counted_ms), books)?;
        }
        booked.cost = cost;
        self.ended.insert(hold.0, booked);
        Ok(())
    }

    /// Posts to the members that take what settles at `settled_ms`; rolling windows count it from `counted_ms` on.
    fn post(
        &mut self,
        members: &Members,
        amount: Nano,
        (settled_ms, counted_ms): (i64, i64),
        books: &dyn Reader,
    ) -> Result<(), FoldError> {
        let latest_ms = self.latest_ms;
        for member in members.iter().filter(|member| member.takes(settled_ms)) {
            let id = u64::from(member.balance.0);
            let row = self.balance(member.balance, books)?;
            let row = row.ok_or_else(|| wrong("a hold on the undeclared balance", id))?;
            row.post(amount, counted_ms, latest_ms).ok_or_else(|| wrong("too much on balance", id))?;
        }
        Ok(())
    }

    fn balance(&mut self, id: BalanceId, books: &dyn Reader) -> Result<Option<&mut BalanceRow>, OpenError> {
        Ok(match self.balances.entry(id.0) {
            Entry::Occupied(row) => Some(row.into_mut()),
            Entry::Vacant(place) => books.balance(id)?.map(|row| place.insert(row)),
        })
    }

    fn set(&mut self, id: SetId, books: &dyn Reader) -> Result<Option<&Members>, OpenError> {
        Ok(match self.sets.entry(id.0) {
            Entry::Occupied(members) => Some(members.into_mut()),
            Entry::Vacant(place) => books.set(id)?.map(|members| &*place.insert(members)),
        })
    }

    fn open(&mut self, hold: HoldId) -> Result<&mut OpenHold, FoldError> {
        self.open.get_mut(&hold.0).ok_or_else(|| wrong("news of a hold that is not open:", hold.0))
    }

    /// A hold that is open.
    pub(crate) fn open_hold(&self, hold: HoldId) -> Option<&OpenHold> {
        self.open.get(&hold.0)
    }

    /// The segments that open holds began in, where they are known.
    pub(crate) fn began(&self) -> &BTreeMap<u64, u64> {
        &self.began
    }

    /// The members of a set that was declared or used in what was folded.
    pub(crate) fn known_set(&self, id: SetId) -> Option<&Members> {
        self.sets.get(&id.0)
    }

    /// A balance that was touched in what was folded, or an open hold is on.
    pub(crate) fn known_balance(&self, id: BalanceId) -> Option<&BalanceRow> {
        self.balances.get(&id.0)
    }

    /// Its state, to go on from, with every balance and set that was touched.
    pub(crate) fn into_parts(self) -> (Snapshot, BTreeMap<u32, Members>) {
        let snapshot = Snapshot {
            latest_ms: self.latest_ms,
            next_balance: self.next_balance,
            next_set: self.next_set,
            next_hold: self.next_hold,
            clock: self.clock,
            restored: self.restored,
            balances: self.balances.into_values().collect(),
            open: self.open.into_values().collect(),
            began: self.began.into_iter().map(|(hold, segment)| (HoldId(hold), segment)).collect(),
            ..Snapshot::default()
        };
        (snapshot, self.sets)
    }

    /// What still matters of it, in this boot of the machine.
    pub(crate) fn recovered(self, boot_id: Option<BootId>) -> Recovered {
        let Self {
            mut balances, open, next_balance, next_set, next_hold, latest_ms, clock, restored, ..
        } = self;
        let since = latest_ms.saturating_sub(Recovered::GRACE_MS);
        let held: BTreeSet<u32> =
            open.values().flat_map(|open| open.members.iter().map(|member| member.balance.0)).collect();
        if mutants::is(Mutant::JournalEndForgotten) {
            balances.retain(|id, _| held.contains(id));
        }
        balances.values_mut().for_each(|row| row.expire(latest_ms));
        let matters =
            |row: &BalanceRow| row.name.ends_ms.is_none_or(|ends| ends >= since) || held.contains(&row.id.0);
        let clock = clock.filter(|clock| clock.boot_id.is_some() && clock.boot_id == boot_id);
        Recovered {
            balances: balances.into_values().filter(matters).collect(),
            open: open.into_values().collect(),
            next_balance,
            next_set,
            next_hold,
            latest_ms,
            clock: clock.map(|clock| (clock.at_ms, clock.boot_ms)),
            restored,
            ..Recovered::default()
        }
    }
}

fn wrong(what: &str, number: u64) -> FoldError {
    FoldError::Wrong(format!("{what} {number}"))
}
