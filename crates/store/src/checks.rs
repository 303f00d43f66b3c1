//! What the writer refuses to write: records that a replay would refuse to read.

use std::collections::HashSet;

use ledger::{BalanceId, HoldId};

use crate::{JournalError, Record, Recovered};

/// The open holds and the declared balances, as of the last record written.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    open: HashSet<u64>,
    /// Every balance below this is declared; ids are dense, so `declared_above` stays near empty.
    declared_below: u32,
    declared_above: HashSet<u32>,
}

impl Checks {
    pub(crate) fn new(recovered: &Recovered) -> Self {
        let open: HashSet<u64> = recovered.open.iter().map(|open| open.hold.0).collect();
        Self { open, declared_below: recovered.next_balance, declared_above: HashSet::new() }
    }

    /// Whether the record may follow those before it.
    pub(crate) fn allow(&self, record: &Record<'_>) -> Result<(), JournalError> {
        match *record {
            Record::Balance { .. } => Ok(()),
            Record::Hold { hold, .. } if self.open.contains(&hold.0) => Err(JournalError::AlreadyOpen(hold)),
            Record::Hold { balances, .. } => {
                for (at, balance) in balances.iter().enumerate() {
                    if !self.declared(*balance) {
                        return Err(JournalError::Undeclared(*balance));
                    }
                    if balances[..at].contains(balance) {
                        return Err(JournalError::Invalid("a balance twice in one hold"));
                    }
                }
                Ok(())
            }
            Record::Generation { hold, .. } | Record::Unknown { hold, .. } | Record::Settle { hold, .. } => {
                if self.open.contains(&hold.0) {
                    Ok(())
                } else {
                    Err(JournalError::NotOpen(hold))
                }
            }
        }
    }

    /// Notes a record that is written.
    pub(crate) fn wrote(&mut self, record: &Record<'_>) {
        match *record {
            Record::Balance { id, .. } => self.declare(id),
            Record::Hold { hold: HoldId(hold), .. } => {
                let new = self.open.insert(hold);
                assert!(new, "hold {hold} was written twice");
            }
            Record::Settle { hold: HoldId(hold), .. } => {
                let was_open = self.open.remove(&hold);
                assert!(was_open, "hold {hold} was settled twice");
            }
            Record::Generation { .. } | Record::Unknown { .. } => {}
        }
    }

    fn declared(&self, balance: BalanceId) -> bool {
        balance.0 < self.declared_below || self.declared_above.contains(&balance.0)
    }

    fn declare(&mut self, balance: BalanceId) {
        if balance.0 >= self.declared_below {
            self.declared_above.insert(balance.0);
        }
        while self.declared_above.remove(&self.declared_below) {
            self.declared_below += 1;
        }
    }
}
