//! Entries by the id of their generation, through the index of migration 2.

use ledger::{BalanceId, BoundClass, Evidence, HoldId, UnknownReason};
use money::Nano;
use rusqlite::{Connection, OptionalExtension, Row};

use super::rows::{self, RowError};
use super::{failed, snapshot};
use crate::{GenerationRow, HoldEnd, OpenError};

const COLUMNS: &str = "hold, at_ms, settled_ms, bound_nanos, class, cost_nanos, cost_text, evidence, balances, \
     model, generation, unknown_reason, unknown_status";

/// The newest hold that ended under this generation.
pub(crate) fn ended(connection: &Connection, id: &str) -> Result<Option<GenerationRow>, OpenError> {
    let sql = format!("SELECT {COLUMNS} FROM entry WHERE generation = ?1 ORDER BY hold DESC LIMIT 1");
    let mut statement = connection.prepare_cached(&sql).map_err(failed("read"))?;
    let found = statement.query_row([id], |row| Ok(entry(row))).optional().map_err(failed("read"))?;
    let Some((mut row, balances)) = found.transpose()? else { return Ok(None) };
    for id in balances {
        let balance = snapshot::balance(connection, id)?;
        row.balances.extend(balance.map(|balance| balance.name));
    }
    Ok(Some(row))
}

fn entry(row: &Row<'_>) -> Result<(GenerationRow, Vec<BalanceId>), RowError> {
    let hold: i64 = row.get(0)?;
    let bad = |what: &str| RowError::Row(format!("{what} of hold {hold}"));
    let balances: String = row.get(8)?;
    let balances = rows::balance_ids(&balances).ok_or_else(|| bad("balances"))?;
    let reason: Option<u8> = row.get(11)?;
    let status = row.get(12)?;
    let found = GenerationRow {
        hold: HoldId(u64::try_from(hold).map_err(|_| bad("id"))?),
        at_ms: row.get(1)?,
        bound: Nano::from_nanos(row.get(3)?),
        class: BoundClass::from_code(row.get(4)?).ok_or_else(|| bad("class"))?,
        model: row.get(9)?,
        generation: row.get(10)?,
        balances: Vec::new(),
        unknown: match reason {
            None => None,
            Some(code) => {
                Some((UnknownReason::from_code(code).ok_or_else(|| bad("unknown reason"))?, status))
            }
        },
        end: Some(HoldEnd {
            at_ms: row.get(2)?,
            cost: Nano::from_nanos(row.get(5)?),
            text: row.get(6)?,
            evidence: Evidence::from_code(row.get(7)?).ok_or_else(|| bad("evidence"))?,
        }),
    };
    Ok((found, balances.into_vec()))
}
