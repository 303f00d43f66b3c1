//! What routes saved, in the books' file.

use money::Nano;
use rusqlite::{Connection, TransactionBehavior, params};

use super::failed;
use crate::{OpenError, SavingRow};

/// Adds sums to what is there: all of them or none.
pub(super) fn add_savings(connection: &mut Connection, rows: &[SavingRow]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut add = transaction.prepare_cached(
            "INSERT INTO saving (route, day, calls, cost_nanos, instead_nanos, uncompared)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (route, day) DO UPDATE SET
                calls = calls + excluded.calls,
                cost_nanos = cost_nanos + excluded.cost_nanos,
                instead_nanos = instead_nanos + excluded.instead_nanos,
                uncompared = uncompared + excluded.uncompared",
        )?;
        for row in rows {
            let (cost, instead) = (row.cost.nanos(), row.instead.nanos());
            let (calls, uncompared) = (row.calls.cast_signed(), row.uncompared.cast_signed());
            add.execute(params![row.route, row.day, calls, cost, instead, uncompared])?;
        }
    }
    transaction.commit()
}

/// Every route's days from `since_day` on, oldest first.
pub(super) fn savings(connection: &Connection, since_day: i64) -> Result<Vec<SavingRow>, OpenError> {
    let sql = "SELECT route, day, calls, cost_nanos, instead_nanos, uncompared FROM saving
               WHERE day >= ?1 ORDER BY day, route";
    let mut statement = connection.prepare(sql).map_err(failed("read"))?;
    let rows = statement
        .query_map([since_day], |row| {
            Ok(SavingRow {
                route: row.get(0)?,
                day: row.get(1)?,
                calls: row.get::<_, i64>(2)?.cast_unsigned(),
                cost: Nano::from_nanos(row.get(3)?),
                instead: Nano::from_nanos(row.get(4)?),
                uncompared: row.get::<_, i64>(5)?.cast_unsigned(),
            })
        })
        .map_err(failed("read"))?;
    rows.collect::<Result<_, _>>().map_err(failed("read"))
}
