//! What a start needs from the books: how far they reach, the open holds and their balances; and single look-ups.

use std::collections::BTreeSet;

use ledger::{BalanceId, BalanceName, Rolling, SetId};
use money::Nano;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::failed;
use super::rows::{self, BALANCE_COLUMNS, OPEN_HOLD_COLUMNS};
use crate::books::{Clock, Snapshot};
use crate::recovered::Members;
use crate::{BalanceRow, OpenError};

/// Reads it; the caller holds a transaction when others may write.
pub(super) fn read(connection: &Connection) -> Result<Snapshot, OpenError> {
    let mut snapshot = progress(connection)?;
    let sql = format!("SELECT {OPEN_HOLD_COLUMNS}, segment FROM open_hold ORDER BY hold");
    let mut statement = connection.prepare(&sql).map_err(failed("read"))?;
    let mut found = statement.query([]).map_err(failed("read"))?;
    let mut held = BTreeSet::new();
    while let Some(row) = found.next().map_err(failed("read"))? {
        let mut open = rows::open_hold(row)?;
        if let Some(id) = open.set {
            let missing = || OpenError::Row(format!("set {} of an open hold is missing", id.0));
            open.members = set(connection, id)?.ok_or_else(missing)?;
        }
        let began: Option<i64> = row.get(13).map_err(failed("read"))?;
        snapshot.began.extend(began.map(|segment| (open.hold, segment.cast_unsigned())));
        held.extend(open.members.iter().map(|member| member.balance));
        snapshot.open.push(open);
    }
    for id in held {
        let missing = || OpenError::Row(format!("balance {} of an open hold is missing", id.0));
        snapshot.balances.push(balance(connection, id)?.ok_or_else(missing)?);
    }
    Ok(snapshot)
}

fn progress(connection: &Connection) -> Result<Snapshot, OpenError> {
    let sql = "SELECT seq, segment, offset, latest_ms, next_balance, next_hold, clean, next_set,
                      clock_at_ms, clock_boot_ms, clock_boot_id, restored_ms
               FROM progress WHERE one = 1";
    connection
        .query_row(sql, [], |row| {
            let clock = match (row.get(8)?, row.get(9)?) {
                (Some(at_ms), Some(boot_ms)) => Some(Clock { at_ms, boot_ms, boot_id: row.get(10)? }),
                _ => None,
            };
            Ok(Snapshot {
                seq: number(row, 0)?,
                segment: number(row, 1)?,
                offset: number(row, 2)?,
                latest_ms: row.get(3)?,
                next_balance: row.get(4)?,
                next_hold: number(row, 5)?,
                clean: row.get(6)?,
                next_set: row.get(7)?,
                clock,
                restored: row.get(11)?,
                ..Snapshot::default()
            })
        })
        .map_err(failed("read"))
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

/// One balance, of any age.
pub(super) fn balance(connection: &Connection, id: BalanceId) -> Result<Option<BalanceRow>, OpenError> {
    let sql = format!("SELECT {BALANCE_COLUMNS} FROM balance WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql).map_err(failed("read"))?;
    let row = statement.query_row([id.0], |row| Ok(rows::balance(row))).optional().map_err(failed("read"))?;
    row.transpose()?.map(|row| with_buckets(connection, row)).transpose()
}

/// The newest balance of this name.
pub(super) fn find_balance(
    connection: &Connection,
    name: &BalanceName,
) -> Result<Option<BalanceRow>, OpenError> {
    let sql = format!(
        "SELECT {BALANCE_COLUMNS} FROM balance
         WHERE scope = ?1 AND budget = ?2 AND starts_ms = ?3 AND window = ?4 AND ends_ms IS ?5
         ORDER BY id DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed("read"))?;
    let of = params![rows::scope_text(name), name.budget, name.starts_ms, name.window, name.ends_ms];
    let row = statement.query_row(of, |row| Ok(rows::balance(row))).optional().map_err(failed("read"))?;
    row.transpose()?.map(|row| with_buckets(connection, row)).transpose()
}

/// Balances whose window has not ended before `since_ms`, by id.
pub(super) fn open_balances(
    connection: &Connection,
    since_ms: i64,
    most: usize,
) -> Result<Vec<BalanceRow>, OpenError> {
    let sql = format!(
        "SELECT * FROM (SELECT {BALANCE_COLUMNS} FROM balance WHERE ends_ms IS NULL
                        UNION ALL SELECT {BALANCE_COLUMNS} FROM balance WHERE ends_ms >= ?1)
         ORDER BY id LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed("read"))?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut found = statement.query(params![since_ms, most]).map_err(failed("read"))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(failed("read"))? {
        rows.push(with_buckets(connection, rows::balance(row)?)?);
    }
    Ok(rows)
}

/// Adds the buckets that count at the highest time of the books.
fn with_buckets(connection: &Connection, mut row: BalanceRow) -> Result<BalanceRow, OpenError> {
    if Rolling::from_words(&row.name.window).is_none() {
        return Ok(row);
    }
    let sql = "SELECT starts_ms, posted_nanos FROM bucket WHERE balance = ?1 ORDER BY starts_ms";
    let mut statement = connection.prepare_cached(sql).map_err(failed("read"))?;
    let found = statement
        .query_map([row.id.0], |row| Ok((row.get(0)?, Nano::from_nanos(row.get(1)?))))
        .map_err(failed("read"))?;
    row.buckets = found.collect::<Result<_, _>>().map_err(failed("read"))?;
    let sql = "SELECT latest_ms FROM progress WHERE one = 1";
    let mut statement = connection.prepare_cached(sql).map_err(failed("read"))?;
    let latest_ms = statement.query_row([], |row| row.get(0)).map_err(failed("read"))?;
    row.expire(latest_ms);
    Ok(row)
}

/// The members of a set.
pub(super) fn set(connection: &Connection, id: SetId) -> Result<Option<Members>, OpenError> {
    let sql = "SELECT members FROM hold_set WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(failed("read"))?;
    let text: Option<String> =
        statement.query_row([id.0], |row| row.get(0)).optional().map_err(failed("read"))?;
    let unreadable = || OpenError::Row(format!("members of set {}", id.0));
    text.map(|text| rows::members(&text).ok_or_else(unreadable)).transpose()
}
