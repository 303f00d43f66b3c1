//! Rows to values and back.

use money::Nano;
use rusqlite::{Connection, params};

use super::{OutboxError, failed};
use crate::watch::{Crossing, Family};

/// Every crossing, with the event that announced it.
pub(super) fn crossings(connection: &Connection) -> Result<Vec<Crossing>, OutboxError> {
    let mut statement = connection
        .prepare(
            "SELECT family, threshold, window, ends_ms, mark, is_open, json FROM crossing JOIN event ON event.id = crossing.event",
        )
        .map_err(failed("read"))?;
    let mut rows = statement.query([]).map_err(failed("read"))?;
    let mut crossings = Vec::new();
    while let Some(row) = rows.next().map_err(failed("read"))? {
        let text = |at: usize| row.get::<_, String>(at).map_err(failed("read"));
        let (family, json) = (text(0)?, text(6)?);
        crossings.push(Crossing {
            family: Family::from_word(&family)
                .ok_or_else(|| OutboxError::Row(format!("unknown family {family}")))?,
            threshold: text(1)?,
            window: text(2)?,
            ends_ms: row.get(3).map_err(failed("read"))?,
            mark: Nano::from_nanos(row.get(4).map_err(failed("read"))?),
            is_open: row.get(5).map_err(failed("read"))?,
            event: serde_json::from_str(&json).map_err(|error| OutboxError::Row(error.to_string()))?,
        });
    }
    Ok(crossings)
}

/// Writes a crossing unless it is there, or the same threshold is open in another window. Returns rows written.
pub(super) fn open_crossing(
    connection: &Connection,
    subject: &str,
    crossing: &Crossing,
) -> Result<usize, OutboxError> {
    let unless_open = match crossing.family {
        Family::Amount | Family::Runway => true,
        Family::Percent | Family::Forecast => false,
    };
    connection
        .execute(
            "INSERT INTO crossing (subject, threshold, window, family, ends_ms, mark, event, is_open)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 1
             WHERE NOT (?8 AND EXISTS (SELECT 1 FROM crossing WHERE subject = ?1 AND threshold = ?2 AND is_open))
             ON CONFLICT DO NOTHING",
            params![
                subject,
                crossing.threshold,
                crossing.window,
                crossing.family.word(),
                crossing.ends_ms,
                crossing.mark.nanos(),
                crossing.event.id,
                unless_open,
            ],
        )
        .map_err(failed("write"))
}

/// Samples of a subject, oldest first.
pub(super) fn samples(connection: &Connection, subject: &str) -> Result<Vec<(i64, Nano)>, OutboxError> {
    let mut statement = connection
        .prepare("SELECT at_ms, used FROM sample WHERE subject = ?1 ORDER BY at_ms")
        .map_err(failed("read"))?;
    let rows = statement
        .query_map([subject], |row| Ok((row.get(0)?, Nano::from_nanos(row.get(1)?))))
        .map_err(failed("read"))?;
    rows.collect::<Result<_, _>>().map_err(failed("read"))
}
