//! Rows of the books to the ledger's types and back. Converted by hand, checked on the way in.

use ledger::{BalanceId, BalanceName, BoundClass, HoldId, UnknownReason, UpstreamKeyId};
use money::Nano;
use rusqlite::Row;
use smallvec::SmallVec;

use crate::{BalanceRow, OpenError, OpenHold};

pub(crate) const BALANCE_COLUMNS: &str =
    "id, budget, window, scope, starts_ms, ends_ms, limit_nanos, posted_nanos";
pub(crate) const OPEN_HOLD_COLUMNS: &str = "hold, at_ms, bound_nanos, class, balances, upstream_key, model, \
     generation, unknown_reason, unknown_status, unknown_since_ms";

/// A row that says what no version of this program has written.
#[derive(Debug)]
pub(crate) enum RowError {
    Sqlite(rusqlite::Error),
    Row(String),
}

impl From<rusqlite::Error> for RowError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<RowError> for OpenError {
    fn from(error: RowError) -> Self {
        match error {
            RowError::Sqlite(source) => Self::Books { doing: "read", source },
            RowError::Row(what) => Self::Row(what),
        }
    }
}

/// Columns as in [`BALANCE_COLUMNS`].
pub(crate) fn balance(row: &Row<'_>) -> Result<BalanceRow, RowError> {
    let id: u32 = row.get(0)?;
    let scope: String = row.get(3)?;
    Ok(BalanceRow {
        id: BalanceId(id),
        name: BalanceName {
            budget: row.get(1)?,
            window: row.get(2)?,
            scope: serde_json::from_str(&scope)
                .map_err(|_| RowError::Row(format!("scope of balance {id}")))?,
            starts_ms: row.get(4)?,
            ends_ms: row.get(5)?,
        },
        limit: Nano::from_nanos(row.get(6)?),
        posted: Nano::from_nanos(row.get(7)?),
    })
}

/// Columns as in [`OPEN_HOLD_COLUMNS`].
pub(crate) fn open_hold(row: &Row<'_>) -> Result<OpenHold, RowError> {
    let id: i64 = row.get(0)?;
    let bad = |what: &str| RowError::Row(format!("{what} of hold {id}"));
    let balances: String = row.get(4)?;
    let reason: Option<u8> = row.get(8)?;
    let status: u16 = row.get(9)?;
    Ok(OpenHold {
        hold: HoldId(u64::try_from(id).map_err(|_| bad("id"))?),
        at_ms: row.get(1)?,
        bound: Nano::from_nanos(row.get(2)?),
        class: BoundClass::from_code(row.get(3)?).ok_or_else(|| bad("class"))?,
        balances: balance_ids(&balances).ok_or_else(|| bad("balances"))?,
        upstream_key: UpstreamKeyId(row.get(5)?),
        model: row.get(6)?,
        generation: row.get(7)?,
        unknown: match reason {
            None => None,
            Some(code) => {
                Some((UnknownReason::from_code(code).ok_or_else(|| bad("unknown reason"))?, status))
            }
        },
        unknown_since_ms: row.get(10)?,
    })
}

pub(crate) fn balance_ids(text: &str) -> Option<SmallVec<[BalanceId; 8]>> {
    let ids: Vec<u32> = serde_json::from_str(text).ok()?;
    Some(ids.into_iter().map(BalanceId).collect())
}

/// The `balances` column.
pub(crate) fn balances_text(balances: &[BalanceId]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 + balances.len() * 4);
    text.push('[');
    for (at, balance) in balances.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{}", balance.0);
    }
    text.push(']');
    text
}

/// The `scope` column.
pub(crate) fn scope_text(name: &BalanceName) -> String {
    serde_json::Value::from_iter(name.scope.iter().map(|(label, value)| vec![label.as_str(), value.as_str()]))
        .to_string()
}
