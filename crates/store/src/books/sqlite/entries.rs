//! Entries: by hold, by time, by the id of their generation.

use ledger::HoldId;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{self, ENTRY_COLUMNS};
use super::{failed, snapshot};
use crate::{CorrectionRow, EntryRow, OpenError};

/// The newest entry of a generation.
pub(super) fn entry_of(connection: &Connection, generation: &str) -> Result<Option<EntryRow>, OpenError> {
    let sql = format!("SELECT {ENTRY_COLUMNS} FROM entry WHERE generation = ?1 ORDER BY hold DESC LIMIT 1");
    let mut statement = connection.prepare_cached(&sql).map_err(failed("read"))?;
    let found = statement.query_row([generation], |row| Ok(rows::entry(row)));
    let found = found.optional().map_err(failed("read"))?.transpose()?;
    found.map(|entry| with_members(connection, entry)).transpose()
}

/// The entry of a hold.
pub(super) fn entry(connection: &Connection, hold: HoldId) -> Result<Option<EntryRow>, OpenError> {
    let sql = format!("SELECT {ENTRY_COLUMNS} FROM entry WHERE hold = ?1");
    let mut statement = connection.prepare_cached(&sql).map_err(failed("read"))?;
    let found = statement.query_row([hold.0.cast_signed()], |row| Ok(rows::entry(row)));
    let found = found.optional().map_err(failed("read"))?.transpose()?;
    found.map(|entry| with_members(connection, entry)).transpose()
}

/// Entries of holds made from `from_ms` on and before `until_ms`, behind `after`, by hold.
pub(super) fn entries(
    connection: &Connection,
    from_ms: i64,
    until_ms: i64,
    after: Option<HoldId>,
    most: usize,
) -> Result<Vec<EntryRow>, OpenError> {
    let first = after.map_or(0, |after| after.0.cast_signed().saturating_add(1));
    let first = first.max(first_since(connection, from_ms.saturating_sub(SLACK_MS))?);
    let end = first_since(connection, until_ms.saturating_add(SLACK_MS))?;
    let sql = format!(
        "SELECT {ENTRY_COLUMNS} FROM entry
         WHERE hold >= ?1 AND hold < ?2 AND at_ms >= ?3 AND at_ms < ?4 ORDER BY hold LIMIT ?5"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed("read"))?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut found = statement.query(params![first, end, from_ms, until_ms, most]).map_err(failed("read"))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(failed("read"))? {
        rows.push(with_members(connection, rows::entry(row)?)?);
    }
    Ok(rows)
}

/// Holds are numbered as they are made, but two made at once may be out of order by this much.
const SLACK_MS: i64 = 60_000;

/// A hold id that no entry made at or after `at_ms` is below, give or take [`SLACK_MS`]: bisects the primary key.
fn first_since(connection: &Connection, at_ms: i64) -> Result<i64, OpenError> {
    let edge = |sql: &str| -> Result<Option<i64>, OpenError> {
        connection.query_row(sql, [], |row| row.get(0)).map_err(failed("read"))
    };
    let (Some(mut low), Some(last)) =
        (edge("SELECT min(hold) FROM entry")?, edge("SELECT max(hold) FROM entry")?)
    else {
        return Ok(0);
    };
    let sql = "SELECT hold, at_ms FROM entry WHERE hold >= ?1 ORDER BY hold LIMIT 1";
    let mut next = connection.prepare_cached(sql).map_err(failed("read"))?;
    let mut high = last + 1;
    while low < high {
        let middle = low + (high - low) / 2;
        let (hold, made_ms): (i64, i64) =
            next.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed("read"))?;
        if made_ms < at_ms {
            low = hold + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// What was corrected on a hold, oldest first.
pub(super) fn corrections(connection: &Connection, hold: HoldId) -> Result<Vec<CorrectionRow>, OpenError> {
    let sql = "SELECT seq, hold, at_ms, was_nanos, was_text, cost_nanos, cost_text, evidence, set_id
               FROM correction WHERE hold = ?1 ORDER BY seq";
    let mut statement = connection.prepare_cached(sql).map_err(failed("read"))?;
    let mut found = statement.query([hold.0.cast_signed()]).map_err(failed("read"))?;
    let mut corrections = Vec::new();
    while let Some(row) = found.next().map_err(failed("read"))? {
        corrections.push(rows::correction(row)?);
    }
    Ok(corrections)
}

fn with_members(connection: &Connection, mut entry: EntryRow) -> Result<EntryRow, OpenError> {
    if let Some(set) = entry.set {
        let missing = || OpenError::Row(format!("set {} of entry {} is missing", set.0, entry.hold.0));
        entry.members = snapshot::set(connection, set)?.ok_or_else(missing)?;
    }
    Ok(entry)
}
