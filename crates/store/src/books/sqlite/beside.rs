//! What stands beside the money: the honesty register, control points, actions.

use ledger::UpstreamKeyId;
use money::{Exact, Nano};
use rusqlite::{Connection, Row, TransactionBehavior, params};

use crate::{ActionRow, ControlPoint, HonestyRow};

const HONESTY_COLUMNS: &str = "model, provider, calls, caps_broken, cancels_broken, usage_missing, overruns, \
     overrun_nanos, worst_percent, last_ms, cleared_ms, counts_broken";

/// Adds counts to what is there: all of them or none.
pub(super) fn add_honesty(connection: &mut Connection, rows: &[HonestyRow]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let find = format!("SELECT {HONESTY_COLUMNS} FROM honesty WHERE model = ?1 AND provider = ?2");
        let mut find = transaction.prepare_cached(&find)?;
        for row in rows {
            let mut sum = row.clone();
            let mut found = find.query([&row.model, &row.provider])?;
            if let Some(before) = found.next()? {
                sum = honesty_row(before)?;
                sum.add(row);
            }
            drop(found);
            write_honesty(&transaction, &sum)?;
        }
    }
    transaction.commit()
}

/// Clears a model at one provider or at all; how many rows that were.
pub(super) fn clear_honesty(
    connection: &mut Connection,
    model: &str,
    provider: Option<&str>,
    at_ms: i64,
) -> rusqlite::Result<usize> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let rows = {
        let sql = format!(
            "SELECT {HONESTY_COLUMNS} FROM honesty WHERE model = ?1 AND (?2 IS NULL OR provider = ?2)"
        );
        let mut statement = transaction.prepare_cached(&sql)?;
        let rows = statement.query_map(params![model, provider], honesty_row)?;
        rows.collect::<rusqlite::Result<Vec<_>>>()?
    };
    let count = rows.len();
    for mut row in rows {
        row.clear(at_ms);
        write_honesty(&transaction, &row)?;
    }
    transaction.commit()?;
    Ok(count)
}

fn write_honesty(connection: &Connection, row: &HonestyRow) -> rusqlite::Result<()> {
    let sql = format!(
        "INSERT OR REPLACE INTO honesty ({HONESTY_COLUMNS})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
    connection.prepare_cached(&sql)?.execute(params![
        row.model,
        row.provider,
        row.calls.cast_signed(),
        row.caps_broken.cast_signed(),
        row.cancels_broken.cast_signed(),
        row.usage_missing.cast_signed(),
        row.overruns.cast_signed(),
        row.overrun.nanos(),
        row.worst_percent.cast_signed(),
        row.last_ms,
        row.cleared_ms,
        row.counts_broken.cast_signed(),
    ])?;
    Ok(())
}

fn honesty_row(row: &Row<'_>) -> rusqlite::Result<HonestyRow> {
    let count = |at: usize| row.get::<_, i64>(at).map(i64::cast_unsigned);
    Ok(HonestyRow {
        model: row.get(0)?,
        provider: row.get(1)?,
        calls: count(2)?,
        caps_broken: count(3)?,
        cancels_broken: count(4)?,
        usage_missing: count(5)?,
        overruns: count(6)?,
        overrun: Nano::from_nanos(row.get(7)?),
        worst_percent: count(8)?,
        last_ms: row.get(9)?,
        cleared_ms: row.get(10)?,
        counts_broken: count(11)?,
    })
}

/// The register, by model and provider.
pub(super) fn honesty(connection: &Connection) -> rusqlite::Result<Vec<HonestyRow>> {
    let sql = format!("SELECT {HONESTY_COLUMNS} FROM honesty ORDER BY model, provider");
    let mut statement = connection.prepare(&sql)?;
    statement.query_map([], honesty_row)?.collect()
}

/// Keeps a control point, and drops the oldest of its key beyond the limit.
pub(super) fn keep_control(connection: &mut Connection, point: &ControlPoint) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "INSERT INTO control_point (upstream_key, at_ms, usage_text, exact_attos, entries)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            point.upstream_key.0,
            point.at_ms,
            point.usage,
            point.exact.attos().to_string(),
            point.entries.cast_signed()
        ],
    )?;
    transaction.execute(
        "DELETE FROM control_point WHERE upstream_key = ?1 AND id NOT IN
            (SELECT id FROM control_point WHERE upstream_key = ?1 ORDER BY id DESC LIMIT ?2)",
        params![point.upstream_key.0, ControlPoint::KEPT_MAX as i64],
    )?;
    transaction.commit()
}

/// The control points of a key, newest first.
pub(super) fn control_points(
    connection: &Connection,
    key: UpstreamKeyId,
) -> rusqlite::Result<Vec<ControlPoint>> {
    let sql = "SELECT at_ms, usage_text, exact_attos, entries FROM control_point
               WHERE upstream_key = ?1 ORDER BY id DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([key.0], |row| {
        Ok(ControlPoint {
            upstream_key: key,
            at_ms: row.get(0)?,
            usage: row.get(1)?,
            exact: exact(row, 2)?,
            entries: row.get::<_, i64>(3)?.cast_unsigned(),
        })
    })?;
    rows.collect()
}

/// A sum that is longer than SQLite's integers.
pub(super) fn exact(row: &Row<'_>, at: usize) -> rusqlite::Result<Exact> {
    let attos: String = row.get(at)?;
    let attos = attos.parse().map_err(|error: std::num::ParseIntError| {
        rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(Exact::from_attos(attos))
}

/// The last actions, newest first.
pub(super) fn actions(connection: &Connection, most: usize) -> rusqlite::Result<Vec<ActionRow>> {
    let sql = "SELECT seq, at_ms, who, what FROM action ORDER BY seq DESC LIMIT ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([i64::try_from(most).unwrap_or(i64::MAX)], |row| {
        Ok(ActionRow {
            seq: row.get::<_, i64>(0)?.cast_unsigned(),
            at_ms: row.get(1)?,
            who: row.get(2)?,
            what: row.get(3)?,
        })
    })?;
    rows.collect()
}
