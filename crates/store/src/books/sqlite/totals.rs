//! The sums of a batch, added to those in the tables.

use std::collections::BTreeMap;

use ledger::UpstreamKeyId;
use money::Nano;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::beside::exact;
use crate::tally::{KeySums, Sums, Tally};

/// Adds them.
pub(super) fn add(transaction: &Transaction<'_>, tally: &Tally) -> rusqlite::Result<()> {
    let mut cell = transaction.prepare_cached(
        "INSERT INTO rollup (day, key, model, upstream_key, calls, voids, late, corrections, overruns,
                             cost_nanos, bound_nanos, overrun_nanos)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (day, key, model, upstream_key) DO UPDATE SET
            calls = calls + excluded.calls, voids = voids + excluded.voids, late = late + excluded.late,
            corrections = corrections + excluded.corrections, overruns = overruns + excluded.overruns,
            cost_nanos = cost_nanos + excluded.cost_nanos, bound_nanos = bound_nanos + excluded.bound_nanos,
            overrun_nanos = overrun_nanos + excluded.overrun_nanos",
    )?;
    for ((day, key, model, upstream_key), sums) in &tally.cells {
        let Sums { calls, voids, late, corrections, overruns, cost, bound, overrun } = *sums;
        let (cost, bound, overrun) = (cost.nanos(), bound.nanos(), overrun.nanos());
        let of = upstream_key.0;
        cell.execute(params![
            day,
            key,
            model,
            of,
            calls,
            voids,
            late,
            corrections,
            overruns,
            cost,
            bound,
            overrun
        ])?;
    }
    let mut budget_cell = transaction.prepare_cached(
        "INSERT INTO budget_rollup (day, budget, calls, voids, late, corrections, overruns,
                                    cost_nanos, bound_nanos, overrun_nanos)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (day, budget) DO UPDATE SET
            calls = calls + excluded.calls, voids = voids + excluded.voids, late = late + excluded.late,
            corrections = corrections + excluded.corrections, overruns = overruns + excluded.overruns,
            cost_nanos = cost_nanos + excluded.cost_nanos, bound_nanos = bound_nanos + excluded.bound_nanos,
            overrun_nanos = overrun_nanos + excluded.overrun_nanos",
    )?;
    for ((day, budget), sums) in &tally.budgets {
        let Sums { calls, voids, late, corrections, overruns, cost, bound, overrun } = *sums;
        let (cost, bound, overrun) = (cost.nanos(), bound.nanos(), overrun.nanos());
        budget_cell.execute(params![
            day,
            budget,
            calls,
            voids,
            late,
            corrections,
            overruns,
            cost,
            bound,
            overrun
        ])?;
    }
    add_keys(transaction, &tally.keys)
}

/// SQLite's integers are too short for these sums, so they are read, added to and written.
pub(super) fn add_keys(
    transaction: &Transaction<'_>,
    keys: &BTreeMap<UpstreamKeyId, KeySums>,
) -> rusqlite::Result<()> {
    let mut write = transaction.prepare_cached(
        "INSERT INTO key_total (upstream_key, entries, posted_nanos, exact_attos) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (upstream_key) DO UPDATE SET
            entries = excluded.entries, posted_nanos = excluded.posted_nanos, exact_attos = excluded.exact_attos",
    )?;
    for (key, sums) in keys {
        let before = key_sums(transaction, *key)?;
        let entries = before.entries + sums.entries;
        let posted = before.posted.saturating_add(sums.posted).nanos();
        let exact = (before.exact + sums.exact).attos().to_string();
        write.execute(params![key.0, entries, posted, exact])?;
    }
    Ok(())
}

/// What is booked on an upstream key; nothing when there is no entry.
pub(super) fn key_sums(connection: &Connection, key: UpstreamKeyId) -> rusqlite::Result<KeySums> {
    let sql = "SELECT entries, posted_nanos, exact_attos FROM key_total WHERE upstream_key = ?1";
    let found = connection.prepare_cached(sql)?.query_row([key.0], |row| {
        Ok(KeySums { entries: row.get(0)?, posted: Nano::from_nanos(row.get(1)?), exact: exact(row, 2)? })
    });
    Ok(found.optional()?.unwrap_or_default())
}
