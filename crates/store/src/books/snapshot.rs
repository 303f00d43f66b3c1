//! What a start needs from the books: how far they reach, the windows that still matter, the open holds.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ledger::BalanceId;
use rusqlite::{Connection, OptionalExtension, params};

use super::failed;
use super::rows::{self, BALANCE_COLUMNS, OPEN_HOLD_COLUMNS};
use crate::{BalanceRow, OpenError, OpenHold, Recovered};

/// The books as of the last record posted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) seq: u64,
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) latest_ms: i64,
    pub(crate) next_balance: u32,
    pub(crate) next_hold: u64,
    /// Whether the store was closed here, with everything on disk.
    pub(crate) clean: bool,
    pub(crate) balances: BTreeMap<u32, BalanceRow>,
    pub(crate) open: BTreeMap<u64, OpenHold>,
}

impl Snapshot {
    /// Reads it; the caller holds a transaction when others may write.
    pub(crate) fn read(connection: &Connection) -> Result<Self, OpenError> {
        let mut snapshot = progress(connection)?;
        let sql = format!("SELECT {OPEN_HOLD_COLUMNS} FROM open_hold");
        let mut statement = connection.prepare(&sql).map_err(failed("read"))?;
        let mut found = statement.query([]).map_err(failed("read"))?;
        while let Some(row) = found.next().map_err(failed("read"))? {
            let open = rows::open_hold(row)?;
            snapshot.open.insert(open.hold.0, open);
        }
        let sql = format!(
            "SELECT {BALANCE_COLUMNS} FROM balance WHERE ends_ms IS NULL UNION ALL SELECT {BALANCE_COLUMNS} FROM balance WHERE ends_ms >= ?1"
        );
        let mut statement = connection.prepare(&sql).map_err(failed("read"))?;
        let since = snapshot.latest_ms.saturating_sub(Recovered::GRACE_MS);
        let mut found = statement.query([since]).map_err(failed("read"))?;
        while let Some(row) = found.next().map_err(failed("read"))? {
            let balance = rows::balance(row)?;
            snapshot.balances.insert(balance.id.0, balance);
        }
        for id in snapshot.open.values().flat_map(|open| open.balances.iter()) {
            if let Entry::Vacant(place) = snapshot.balances.entry(id.0) {
                let row = balance(connection, *id)?;
                let missing = || OpenError::Row(format!("balance {} of an open hold is missing", id.0));
                place.insert(row.ok_or_else(missing)?);
            }
        }
        Ok(snapshot)
    }
}

fn progress(connection: &Connection) -> Result<Snapshot, OpenError> {
    let sql =
        "SELECT seq, segment, offset, latest_ms, next_balance, next_hold, clean FROM progress WHERE one = 1";
    let (seq, segment, offset, latest_ms, next_balance, next_hold, clean) = connection
        .query_row(sql, [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
        })
        .map_err(failed("read"))?;
    let number =
        |value: i64| u64::try_from(value).map_err(|_| OpenError::Row("progress below zero".to_owned()));
    Ok(Snapshot {
        seq: number(seq)?,
        segment: number(segment)?,
        offset: number(offset)?,
        latest_ms,
        next_balance,
        next_hold: number(next_hold)?,
        clean,
        ..Snapshot::default()
    })
}

/// One balance, of any age.
pub(crate) fn balance(connection: &Connection, id: BalanceId) -> Result<Option<BalanceRow>, OpenError> {
    let sql = format!("SELECT {BALANCE_COLUMNS} FROM balance WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql).map_err(failed("read"))?;
    let row = statement
        .query_row(params![id.0], |row| Ok(rows::balance(row)))
        .optional()
        .map_err(failed("read"))?;
    Ok(row.transpose()?)
}
