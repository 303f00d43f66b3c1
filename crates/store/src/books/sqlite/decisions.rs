//! The explanations in the books.

use std::borrow::Cow;

use rusqlite::{Connection, TransactionBehavior, params};

use super::failed;
use crate::{DecisionRow, OpenError};

/// Writes them, and drops the oldest beyond `kept_max`.
pub(super) fn keep_decisions(
    connection: &mut Connection,
    rows: &[DecisionRow],
    kept_max: u64,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut insert = transaction
            .prepare_cached("INSERT INTO decision (at_ms, request, outcome, json) VALUES (?1, ?2, ?3, ?4)")?;
        for row in rows {
            insert.execute(params![row.at_ms, row.request, row.outcome, row.json])?;
        }
        let last = transaction.last_insert_rowid();
        let kept_max = i64::try_from(kept_max).unwrap_or(i64::MAX);
        transaction
            .prepare_cached("DELETE FROM decision WHERE id <= ?1")?
            .execute([last.saturating_sub(kept_max)])?;
    }
    transaction.commit()
}

/// The last `n`, newest first; only those of `request` when given.
pub(super) fn last_decisions(
    connection: &Connection,
    n: usize,
    request: Option<&str>,
) -> Result<Vec<DecisionRow>, OpenError> {
    let sql = "SELECT at_ms, request, outcome, json FROM decision
               WHERE ?1 IS NULL OR request = ?1 ORDER BY at_ms DESC, id DESC LIMIT ?2";
    let mut statement = connection.prepare(sql).map_err(failed("read"))?;
    let rows = statement
        .query_map(params![request, i64::try_from(n).unwrap_or(i64::MAX)], |row| {
            Ok(DecisionRow {
                at_ms: row.get(0)?,
                request: row.get(1)?,
                outcome: Cow::Owned(row.get(2)?),
                json: row.get(3)?,
            })
        })
        .map_err(failed("read"))?;
    rows.collect::<Result<_, _>>().map_err(failed("read"))
}
