//! [`SqliteReader`]: one connection that only reads.

use ledger::{BalanceId, BalanceName, HoldId, SetId, UpstreamKeyId};
use rusqlite::Connection;

use super::{beside, decisions, entries, failed, report, savings, snapshot, totals};
use crate::books::{Reader, Snapshot};
use crate::recovered::Members;
use crate::{
    ActionRow, BalanceRow, ControlPoint, CorrectionRow, DecisionRow, EntryRow, HonestyRow, KeyTotal,
    OpenError, ReportBy, ReportRow, SavingRow,
};

/// Reads the books.
#[derive(Debug)]
pub(super) struct SqliteReader {
    connection: Connection,
    still: bool,
}

impl SqliteReader {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, still: false }
    }

    /// What needs more than one statement reads in one transaction.
    fn at_once<T>(&self, read: impl FnOnce(&Connection) -> Result<T, OpenError>) -> Result<T, OpenError> {
        if self.still {
            return read(&self.connection);
        }
        let transaction = self.connection.unchecked_transaction().map_err(failed("read"))?;
        read(&transaction)
    }
}

impl Reader for SqliteReader {
    fn hold_still(&mut self) -> Result<(), OpenError> {
        if !self.still {
            // The transaction begins with the first read in it.
            self.connection.execute_batch("BEGIN; SELECT seq FROM progress").map_err(failed("read"))?;
            self.still = true;
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<Snapshot, OpenError> {
        self.at_once(snapshot::read)
    }

    fn balance(&self, id: BalanceId) -> Result<Option<BalanceRow>, OpenError> {
        self.at_once(|books| snapshot::balance(books, id))
    }

    fn find_balance(&self, name: &BalanceName) -> Result<Option<BalanceRow>, OpenError> {
        self.at_once(|books| snapshot::find_balance(books, name))
    }

    fn open_balances(&self, since_ms: i64, most: usize) -> Result<Vec<BalanceRow>, OpenError> {
        self.at_once(|books| snapshot::open_balances(books, since_ms, most))
    }

    fn set(&self, id: SetId) -> Result<Option<Members>, OpenError> {
        snapshot::set(&self.connection, id)
    }

    fn entry(&self, hold: HoldId) -> Result<Option<EntryRow>, OpenError> {
        self.at_once(|books| entries::entry(books, hold))
    }

    fn entry_of(&self, generation: &str) -> Result<Option<EntryRow>, OpenError> {
        self.at_once(|books| entries::entry_of(books, generation))
    }

    fn entries(
        &self,
        from_ms: i64,
        until_ms: i64,
        after: Option<HoldId>,
        most: usize,
    ) -> Result<Vec<EntryRow>, OpenError> {
        self.at_once(|books| entries::entries(books, from_ms, until_ms, after, most))
    }

    fn corrections(&self, hold: HoldId) -> Result<Vec<CorrectionRow>, OpenError> {
        entries::corrections(&self.connection, hold)
    }

    fn key_total(&self, key: UpstreamKeyId) -> Result<KeyTotal, OpenError> {
        let sums = totals::key_sums(&self.connection, key).map_err(failed("read"))?;
        Ok(sums.total())
    }

    fn report(&self, from_day: i64, until_day: i64, by: ReportBy) -> Result<Vec<ReportRow>, OpenError> {
        report::report(&self.connection, from_day, until_day, by).map_err(failed("read"))
    }

    fn last_decisions(&self, n: usize, request: Option<&str>) -> Result<Vec<DecisionRow>, OpenError> {
        decisions::last_decisions(&self.connection, n, request)
    }

    fn savings(&self, since_day: i64) -> Result<Vec<SavingRow>, OpenError> {
        savings::savings(&self.connection, since_day)
    }

    fn honesty(&self) -> Result<Vec<HonestyRow>, OpenError> {
        beside::honesty(&self.connection).map_err(failed("read"))
    }

    fn control_points(&self, key: UpstreamKeyId) -> Result<Vec<ControlPoint>, OpenError> {
        beside::control_points(&self.connection, key).map_err(failed("read"))
    }

    fn actions(&self, most: usize) -> Result<Vec<ActionRow>, OpenError> {
        beside::actions(&self.connection, most).map_err(failed("read"))
    }
}
