//! What the entries are summed into: balances, sets, corrections. Read once, kept in memory.

use std::collections::{BTreeMap, HashMap};

use ledger::{Member, Rolling, invariants};
use money::Nano;
use rusqlite::Connection;

use super::{Verification, failed};
use crate::OpenError;
use crate::books::upkeep;

/// One balance as the books have it.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) budget: String,
    pub(super) limit: Nano,
    pub(super) posted: Nano,
    pub(super) rolling: Option<Rolling>,
}

/// A change of an entry's cost after its hold had ended.
pub(super) struct Correction {
    pub(super) seq: i64,
    pub(super) at_ms: i64,
    pub(super) was: Nano,
    pub(super) cost: Nano,
    pub(super) was_text: String,
}

/// All of it.
pub(super) struct Holdings {
    pub(super) balances: BTreeMap<u32, Row>,
    pub(super) sets: HashMap<u32, Vec<Member>>,
    /// By hold, in the order they were booked.
    pub(super) corrections: HashMap<i64, Vec<Correction>>,
    /// The highest time in any record posted, milliseconds since the Unix epoch.
    pub(super) latest_ms: i64,
}

impl Holdings {
    pub(super) fn read(connection: &Connection, found: &mut Verification) -> Result<Self, OpenError> {
        let sql = "SELECT seq, latest_ms FROM progress WHERE one = 1";
        let (seq, latest_ms): (i64, i64) =
            connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
        found.last_posted = seq.cast_unsigned();
        let balances = balances(connection)?;
        found.balances = balances.len() as u64;
        let sets = sets(connection, &balances, found)?;
        let corrections = corrections(connection)?;
        found.corrections = corrections.values().map(|list| list.len() as u64).sum();
        Ok(Holdings { balances, sets, corrections, latest_ms })
    }

    /// The members of a hold: of its set, or of its own list from before there were sets.
    pub(super) fn members(&self, set: Option<u32>, balances: &str) -> Option<Vec<Member>> {
        match set {
            Some(set) => self.sets.get(&set).cloned(),
            None => upkeep::balance_ids(balances).map(|members| members.to_vec()),
        }
    }
}

fn balances(connection: &Connection) -> Result<BTreeMap<u32, Row>, OpenError> {
    let sql = "SELECT id, budget, window, scope, starts_ms, limit_nanos, posted_nanos FROM balance";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let rows = statement
        .query_map([], |row| {
            let (budget, window, scope, starts_ms): (String, String, String, i64) =
                (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
            let name = format!("{budget} {window} {scope} from {starts_ms}");
            Ok((
                row.get::<_, u32>(0)?,
                Row {
                    name,
                    budget,
                    limit: Nano::from_nanos(row.get(5)?),
                    posted: Nano::from_nanos(row.get(6)?),
                    rolling: Rolling::from_words(&window),
                },
            ))
        })
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

fn sets(
    connection: &Connection,
    balances: &BTreeMap<u32, Row>,
    found: &mut Verification,
) -> Result<HashMap<u32, Vec<Member>>, OpenError> {
    let mut statement = connection.prepare("SELECT id, members FROM hold_set").map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut sets = HashMap::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let (id, text): (u32, String) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        let Some(members) = upkeep::members(&text) else {
            found.wrong(format!("hold set {id} cannot be read: '{text}'"));
            continue;
        };
        let covered = invariants::i5_covered(&members, |balance| balances.contains_key(&balance.0));
        if let Err(broken) = covered {
            found.wrong(format!("hold set {id}: {broken}"));
        }
        sets.insert(id, members.to_vec());
    }
    Ok(sets)
}

fn corrections(connection: &Connection) -> Result<HashMap<i64, Vec<Correction>>, OpenError> {
    let sql = "SELECT hold, seq, at_ms, was_nanos, cost_nanos, was_text FROM correction ORDER BY seq";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut corrections: HashMap<i64, Vec<Correction>> = HashMap::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let correction = read_correction(row).map_err(failed)?;
        corrections.entry(row.get(0).map_err(failed)?).or_default().push(correction);
    }
    Ok(corrections)
}

fn read_correction(row: &rusqlite::Row<'_>) -> rusqlite::Result<Correction> {
    Ok(Correction {
        seq: row.get(1)?,
        at_ms: row.get(2)?,
        was: Nano::from_nanos(row.get(3)?),
        cost: Nano::from_nanos(row.get(4)?),
        was_text: row.get(5)?,
    })
}
