//! Control totals: between two looks at OpenRouter's counter of a key it moved by what was booked on that key meanwhile.
//!
//! Points are only kept while a key was quiet and nothing on it was unknown. A difference is no damage of the books; it
//! says that the bill has something that they have not, or the other way round. Only an audit can tell what.

use ledger::invariants;
use money::{Exact, Nano};
use rusqlite::Connection;

use super::{Verification, failed};
use crate::OpenError;

/// What one step of the counter is worth: eight decimals (CONTRACT 11.1, 2026-10-02).
const RESOLUTION: Exact = Exact::from_attos(10_000_000_000);

struct Point {
    key: Vec<u8>,
    at_ms: i64,
    usage: Option<Exact>,
    booked: Option<Exact>,
}

/// Compares each point with the one before it.
pub(super) fn read(connection: &Connection, found: &mut Verification) -> Result<(), OpenError> {
    let sql =
        "SELECT upstream_key, at_ms, usage_text, exact_attos FROM control_point ORDER BY upstream_key, id";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut before: Option<Point> = None;
    while let Some(row) = rows.next().map_err(failed)? {
        let point = read_point(row).map_err(failed)?;
        let named: String = point.key.iter().map(|byte| format!("{byte:02x}")).collect();
        let (Some(usage), Some(booked)) = (point.usage, point.booked) else {
            found.wrong(format!("a control point of upstream key {named} cannot be read"));
            continue;
        };
        found.control_points += 1;
        if let Some(Point { at_ms, usage: Some(usage_then), booked: Some(booked_then), .. }) =
            before.filter(|before| before.key == point.key)
        {
            let (moved, booked) = (usage - usage_then, booked - booked_then);
            if invariants::i10_control(moved, booked, Nano::ZERO, RESOLUTION).is_err() {
                found.notes.push(format!(
                    "upstream key {named}: between {at_ms} and {} OpenRouter's counter moved by {moved}, the books by {booked}: see farebox audit",
                    point.at_ms
                ));
            }
        }
        before = Some(point);
    }
    Ok(())
}

fn read_point(row: &rusqlite::Row<'_>) -> rusqlite::Result<Point> {
    let (usage, booked): (String, String) = (row.get(2)?, row.get(3)?);
    Ok(Point {
        key: row.get(0)?,
        at_ms: row.get(1)?,
        usage: Exact::parse_sum(&usage).ok(),
        booked: booked.parse().ok().map(Exact::from_attos),
    })
}
