//! Sums for entries of before there were sums, at the migration that makes their tables.

use std::collections::HashMap;

use rusqlite::Transaction;

use super::rows::{self, ENTRY_COLUMNS};
use super::{failed, totals};
use crate::OpenError;
use crate::tally::{Ended, Tally};

/// Reads every entry once.
pub(super) fn totals(transaction: &Transaction<'_>) -> Result<(), OpenError> {
    let mut tally = Tally::default();
    let budgets = budgets(transaction)?;
    let sql = format!("SELECT {ENTRY_COLUMNS} FROM entry ORDER BY hold");
    let mut statement = transaction.prepare(&sql).map_err(failed("migrate"))?;
    let mut found = statement.query([]).map_err(failed("migrate"))?;
    while let Some(row) = found.next().map_err(failed("migrate"))? {
        let entry = rows::entry(row)?;
        let open = entry.open_hold();
        let ended = Ended {
            open: &open,
            settled_ms: entry.settled_ms,
            cost: entry.cost,
            text: &entry.text,
            evidence: entry.evidence,
        };
        let name = |id: u32| {
            let missing = || OpenError::Row(format!("balance {id} of entry {} is missing", entry.hold.0));
            budgets.get(&id).map(String::as_str).ok_or_else(missing)
        };
        let names = open.members.iter().map(|member| name(member.balance.0));
        let mut names = names.collect::<Result<Vec<_>, _>>()?;
        names.sort_unstable();
        names.dedup();
        tally.ended(&ended, names.into_iter());
    }
    totals::add(transaction, &tally).map_err(failed("migrate"))
}

fn budgets(transaction: &Transaction<'_>) -> Result<HashMap<u32, String>, OpenError> {
    let mut statement = transaction.prepare("SELECT id, budget FROM balance").map_err(failed("migrate"))?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed("migrate"))?;
    rows.collect::<Result<_, _>>().map_err(failed("migrate"))
}
