//! Reports, from the sums only.

use rusqlite::{Connection, Row, params};

use crate::tally::Sums;
use crate::{ReportBy, ReportRow};

/// Sums over some days, by name or day.
pub(super) fn report(
    connection: &Connection,
    from_day: i64,
    until_day: i64,
    by: ReportBy,
) -> rusqlite::Result<Vec<ReportRow>> {
    // The name and the day of a row, its table, what is summed over.
    let (name, day, table, group) = match by {
        ReportBy::Day => ("''", "day", "rollup", "day"),
        ReportBy::Key => ("key", "NULL", "rollup", "key"),
        ReportBy::Model => ("model", "NULL", "rollup", "model"),
        ReportBy::UpstreamKey => ("lower(hex(upstream_key))", "NULL", "rollup", "upstream_key"),
        ReportBy::Budget => ("budget", "NULL", "budget_rollup", "budget"),
    };
    let sql = format!(
        "SELECT {name}, {day}, sum(calls), sum(voids), sum(late), sum(corrections), sum(overruns),
                sum(cost_nanos), sum(bound_nanos), sum(overrun_nanos)
         FROM {table} WHERE day >= ?1 AND day < ?2 GROUP BY {group} ORDER BY {group}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![from_day, until_day], |row| {
        Ok(ReportRow::new(row.get(1)?, row.get(0)?, &sums(row, 2)?))
    })?;
    rows.collect()
}

fn sums(row: &Row<'_>, first: usize) -> rusqlite::Result<Sums> {
    let nanos = |at: usize| row.get(first + at).map(money::Nano::from_nanos);
    Ok(Sums {
        calls: row.get(first)?,
        voids: row.get(first + 1)?,
        late: row.get(first + 2)?,
        corrections: row.get(first + 3)?,
        overruns: row.get(first + 4)?,
        cost: nanos(5)?,
        bound: nanos(6)?,
        overrun: nanos(7)?,
    })
}
