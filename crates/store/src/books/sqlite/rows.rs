//! Rows of the books to the ledger's types and back. Converted by hand, checked on the way in.

use std::fmt::Write as _;

use ledger::{
    BalanceId, BalanceName, BoundClass, Evidence, HoldId, Member, SetId, UnknownReason, UpstreamKeyId,
};
use money::Nano;
use rusqlite::Row;

use crate::recovered::Members;
use crate::{BalanceRow, CorrectionRow, EntryRow, OpenError, OpenHold};

pub(super) const BALANCE_COLUMNS: &str =
    "id, budget, window, scope, starts_ms, ends_ms, limit_nanos, posted_nanos";
pub(super) const OPEN_HOLD_COLUMNS: &str = "hold, at_ms, bound_nanos, class, balances, upstream_key, model, \
     generation, unknown_reason, unknown_status, unknown_since_ms, set_id, key";

pub(super) const ENTRY_COLUMNS: &str = "hold, at_ms, settled_ms, bound_nanos, class, cost_nanos, cost_text, evidence, \
     overrun_nanos, balances, upstream_key, model, generation, unknown_reason, unknown_status, unknown_since_ms, \
     set_id, key";

/// A row that says what no version of this program has written.
#[derive(Debug)]
pub(super) enum RowError {
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
            RowError::Sqlite(source) => Self::Books { doing: "read", source: Box::new(source) },
            RowError::Row(what) => Self::Row(what),
        }
    }
}

/// Columns as in [`BALANCE_COLUMNS`]; a rolling window's buckets are read apart.
pub(super) fn balance(row: &Row<'_>) -> Result<BalanceRow, RowError> {
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
        buckets: Vec::new(),
    })
}

/// Columns as in [`OPEN_HOLD_COLUMNS`]; the members of its set are read apart.
pub(super) fn open_hold(row: &Row<'_>) -> Result<OpenHold, RowError> {
    let id: i64 = row.get(0)?;
    let bad = |what: &str| RowError::Row(format!("{what} of hold {id}"));
    let balances: String = row.get(4)?;
    Ok(OpenHold {
        hold: hold_id(id).ok_or_else(|| bad("id"))?,
        at_ms: row.get(1)?,
        bound: Nano::from_nanos(row.get(2)?),
        class: BoundClass::from_code(row.get(3)?).ok_or_else(|| bad("class"))?,
        set: row.get::<_, Option<u32>>(11)?.map(SetId),
        members: balance_ids(&balances).ok_or_else(|| bad("balances"))?,
        upstream_key: UpstreamKeyId(row.get(5)?),
        key: row.get(12)?,
        model: row.get(6)?,
        generation: row.get(7)?,
        unknown: unknown(row.get(8)?, row.get(9)?).map_err(bad)?,
        unknown_since_ms: row.get(10)?,
    })
}

/// Columns as in [`ENTRY_COLUMNS`]; the members of its set are read apart.
pub(super) fn entry(row: &Row<'_>) -> Result<EntryRow, RowError> {
    let id: i64 = row.get(0)?;
    let bad = |what: &str| RowError::Row(format!("{what} of entry {id}"));
    let balances: String = row.get(9)?;
    Ok(EntryRow {
        hold: hold_id(id).ok_or_else(|| bad("id"))?,
        at_ms: row.get(1)?,
        settled_ms: row.get(2)?,
        bound: Nano::from_nanos(row.get(3)?),
        class: BoundClass::from_code(row.get(4)?).ok_or_else(|| bad("class"))?,
        cost: Nano::from_nanos(row.get(5)?),
        text: row.get(6)?,
        evidence: Evidence::from_code(row.get(7)?).ok_or_else(|| bad("evidence"))?,
        overrun: Nano::from_nanos(row.get(8)?),
        set: row.get::<_, Option<u32>>(16)?.map(SetId),
        members: balance_ids(&balances).ok_or_else(|| bad("balances"))?,
        upstream_key: UpstreamKeyId(row.get(10)?),
        key: row.get(17)?,
        model: row.get(11)?,
        generation: row.get(12)?,
        unknown: unknown(row.get(13)?, row.get(14)?).map_err(bad)?,
        unknown_since_ms: row.get(15)?,
    })
}

/// `seq, hold, at_ms, was_nanos, was_text, cost_nanos, cost_text, evidence, set_id`.
pub(super) fn correction(row: &Row<'_>) -> Result<CorrectionRow, RowError> {
    let seq: i64 = row.get(0)?;
    let bad = |what: &str| RowError::Row(format!("{what} of the correction in record {seq}"));
    Ok(CorrectionRow {
        seq: seq.cast_unsigned(),
        hold: hold_id(row.get(1)?).ok_or_else(|| bad("hold"))?,
        at_ms: row.get(2)?,
        was: Nano::from_nanos(row.get(3)?),
        was_text: row.get(4)?,
        cost: Nano::from_nanos(row.get(5)?),
        text: row.get(6)?,
        evidence: Evidence::from_code(row.get(7)?).ok_or_else(|| bad("evidence"))?,
        set: SetId(row.get(8)?),
    })
}

fn hold_id(id: i64) -> Option<HoldId> {
    u64::try_from(id).ok().map(HoldId)
}

fn unknown(reason: Option<u8>, status: u16) -> Result<Option<(UnknownReason, u16)>, &'static str> {
    let known = |code| UnknownReason::from_code(code).ok_or("unknown reason");
    reason.map(|code| known(code).map(|reason| (reason, status))).transpose()
}

/// The `balances` column, which only holds of before there were sets have.
pub(crate) fn balance_ids(text: &str) -> Option<Members> {
    if text.is_empty() {
        return Some(Members::new());
    }
    let ids: Vec<u32> = serde_json::from_str(text).ok()?;
    Some(ids.into_iter().map(|id| Member::plain(BalanceId(id))).collect())
}

/// The `balances` column of such a hold; else empty.
pub(super) fn balances_text(open: &OpenHold) -> String {
    if open.set.is_some() {
        return String::new();
    }
    let ids: Vec<u32> = open.members.iter().map(|member| member.balance.0).collect();
    serde_json::Value::from(ids).to_string()
}

/// The `members` column of a set.
pub(crate) fn members(text: &str) -> Option<Members> {
    let bound = |text: Option<&str>| match text {
        None | Some("") => Some(None),
        Some(text) => text.parse().ok().map(Some),
    };
    let member = |text: &str| {
        let mut parts = text.split(':');
        let balance = BalanceId(parts.next()?.parse().ok()?);
        let member = Member { balance, from_ms: bound(parts.next())?, until_ms: bound(parts.next())? };
        parts.next().is_none().then_some(member)
    };
    text.split(',').filter(|part| !part.is_empty()).map(member).collect()
}

/// The `members` column.
pub(crate) fn members_text(members: &[Member]) -> String {
    let mut text = String::new();
    for (at, member) in members.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{}", member.balance.0);
        if member.from_ms.is_some() || member.until_ms.is_some() {
            let bound = |bound: Option<i64>| bound.map_or_else(String::new, |at_ms| at_ms.to_string());
            let _ = write!(text, ":{}:{}", bound(member.from_ms), bound(member.until_ms));
        }
    }
    text
}

/// The `scope` column.
pub(super) fn scope_text(name: &BalanceName) -> String {
    serde_json::Value::from_iter(name.scope.iter().map(|(label, value)| vec![label.as_str(), value.as_str()]))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_of_a_set_as_text() {
        let member = |id, from_ms, until_ms| Member { balance: BalanceId(id), from_ms, until_ms };
        for (list, text) in [
            (vec![], ""),
            (vec![member(3, None, None)], "3"),
            (
                vec![member(3, None, None), member(4, Some(1_000), None), member(5, None, Some(-2))],
                "3,4:1000:,5::-2",
            ),
        ] {
            assert_eq!(members_text(&list), text);
            assert_eq!(members(text).unwrap().into_vec(), list);
        }
        for text in ["x", "1:2:3:4", "1:x", "-1"] {
            assert_eq!(members(text), None, "{text}");
        }
    }
}
