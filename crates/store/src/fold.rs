//! The fold of the journal: the state after each record, by the plainest code there is.
//!
//! Recovery folds what the books do not have yet; tests hold the books against it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ledger::BalanceId;

use crate::books::Snapshot;
use crate::line::Line;
use crate::{BalanceRow, OpenError, OpenHold, Recovered};

/// Finds a balance of any age in the books.
pub(crate) type Lookup<'a> = &'a dyn Fn(BalanceId) -> Result<Option<BalanceRow>, OpenError>;

/// The ledger after some record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fold {
    balances: BTreeMap<u32, BalanceRow>,
    open: BTreeMap<u64, OpenHold>,
    next_balance: u32,
    next_hold: u64,
    latest_ms: i64,
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
        let Snapshot { latest_ms, next_balance, next_hold, balances, open, .. } = snapshot;
        Self { balances, open, next_balance, next_hold, latest_ms }
    }

    /// The state after one more record.
    pub(crate) fn apply(&mut self, line: Line, lookup: Lookup<'_>) -> Result<(), FoldError> {
        self.latest_ms = self.latest_ms.max(line.at_ms().unwrap_or(0));
        match line {
            Line::Balance { id, name, limit } => {
                self.next_balance = self
                    .next_balance
                    .max(id.0.checked_add(1).ok_or_else(|| wrong("balance id", id.0.into()))?);
                match self.balance(id, lookup)? {
                    Some(row) if row.name == name => row.limit = limit,
                    Some(_) => return Err(wrong("another name for balance", id.0.into())),
                    None => {
                        self.balances.insert(id.0, BalanceRow { id, name, limit, posted: money::Nano::ZERO });
                    }
                }
            }
            Line::Hold(open) => {
                for id in &open.balances {
                    if self.balance(*id, lookup)?.is_none() {
                        return Err(wrong("a hold on the undeclared balance", id.0.into()));
                    }
                }
                let hold = open.hold.0;
                self.next_hold = self.next_hold.max(hold + 1);
                match self.open.entry(hold) {
                    Entry::Occupied(_) => return Err(wrong("a second record for the open hold", hold)),
                    Entry::Vacant(place) => place.insert(open),
                };
            }
            Line::Generation { hold, id } => self.open(hold.0)?.generation = Some(id),
            Line::Unknown { hold, at_ms, reason, status } => {
                self.open(hold.0)?.mark_unknown(reason, status, at_ms);
            }
            Line::Settle { hold, cost, .. } => {
                let Some(open) = self.open.remove(&hold.0) else {
                    return Err(wrong("the end of a hold that is not open:", hold.0));
                };
                for id in &open.balances {
                    let Some(row) = self.balance(*id, lookup)? else {
                        return Err(wrong("a hold on the undeclared balance", id.0.into()));
                    };
                    row.posted = row
                        .posted
                        .checked_add(cost)
                        .ok_or_else(|| wrong("too much on balance", id.0.into()))?;
                }
            }
        }
        Ok(())
    }

    fn balance(&mut self, id: BalanceId, lookup: Lookup<'_>) -> Result<Option<&mut BalanceRow>, OpenError> {
        Ok(match self.balances.entry(id.0) {
            Entry::Occupied(row) => Some(row.into_mut()),
            Entry::Vacant(place) => lookup(id)?.map(|row| place.insert(row)),
        })
    }

    fn open(&mut self, hold: u64) -> Result<&mut OpenHold, FoldError> {
        self.open.get_mut(&hold).ok_or_else(|| wrong("news of a hold that is not open:", hold))
    }

    /// What still matters of it.
    pub(crate) fn recovered(self) -> Recovered {
        let Self { balances, open, next_balance, next_hold, latest_ms } = self;
        let since = latest_ms.saturating_sub(Recovered::GRACE_MS);
        let held: std::collections::BTreeSet<u32> =
            open.values().flat_map(|open| open.balances.iter().map(|id| id.0)).collect();
        let matters =
            |row: &BalanceRow| row.name.ends_ms.is_none_or(|ends| ends >= since) || held.contains(&row.id.0);
        Recovered {
            balances: balances.into_values().filter(matters).collect(),
            open: open.into_values().collect(),
            next_balance,
            next_hold,
            latest_ms,
            ..Recovered::default()
        }
    }
}

fn wrong(what: &str, number: u64) -> FoldError {
    FoldError::Wrong(format!("{what} {number}"))
}
