//! The journal: every record that is still there, its checksum and its place in line, and what the books made of it.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::{Verification, failed};
use crate::OpenError;
use crate::books::{Books, Sqlite, upkeep};
use crate::disk::Disk;
use crate::error::Fault;
use crate::line::Line;
use crate::reading::{self, JOURNAL};
use crate::segment::{self, HEADER_BYTES, Head, Header, Scan, Step};

/// Reads all of it. What follows the books is judged as a start would judge it.
pub(super) fn read(
    dir: &Path,
    disk: &dyn Disk,
    connection: &Connection,
    found: &mut Verification,
) -> Result<(), OpenError> {
    let folder = dir.join(JOURNAL);
    segments(&folder, disk, connection, found)?;
    let books = Sqlite::new(dir).reader()?;
    let start =
        books.snapshot().and_then(|snapshot| reading::recover(disk, &folder, snapshot, &*books, false));
    match start {
        Ok(recovery) => found.notes.extend(recovery.notes.iter().cloned()),
        Err(OpenError::Damaged(fault)) => {
            let sentence = fault.to_string();
            if !found.damage.contains(&sentence) {
                found.wrong(sentence);
            }
        }
        Err(error @ OpenError::Row(_)) => found.wrong(error.to_string()),
        Err(error) => return Err(error),
    }
    Ok(())
}

fn segments(
    folder: &Path,
    disk: &dyn Disk,
    connection: &Connection,
    found: &mut Verification,
) -> Result<(), OpenError> {
    let names = disk.list(folder).map_err(|e| OpenError::io("list", folder, e))?;
    let mut ordinals: Vec<u64> = names.iter().filter_map(|name| segment::ordinal(name)).collect();
    ordinals.sort_unstable();
    let mut last: Option<(u64, u64)> = None;
    for ordinal in ordinals {
        let path = segment::path(folder, ordinal);
        let file = disk.open(&path, false).map_err(|e| OpenError::io("open", &path, e))?;
        let Head::Written(header) = Header::read(&*file).map_err(|e| OpenError::io("read", &path, e))? else {
            // A spare, or what the judgement of the end speaks of.
            continue;
        };
        found.segments += 1;
        let fault = |offset, seq, what: String| Fault { file: path.clone(), offset, seq, what };
        // Between segments that stay for an open hold there may be gaps: those that are in the books and went.
        let follows = |(before, last): (u64, u64)| {
            header.first_seq == last + 1 || (ordinal > before + 1 && header.first_seq > last + 1)
        };
        if !last.is_none_or(follows) && header.first_seq <= found.last_posted {
            let what = "this segment does not follow the one before it".to_owned();
            found.wrong(fault(0, header.first_seq, what).to_string());
        }
        let mut seq = header.first_seq - 1;
        let mut scan = Scan::new(file, HEADER_BYTES);
        loop {
            match scan.step().map_err(|e| OpenError::io("read", &path, e))? {
                Step::Frame { offset, seq: number, kind, payload } => {
                    if number != seq + 1 {
                        found.wrong(fault(offset, seq + 1, "record out of sequence".to_owned()).to_string());
                        break;
                    }
                    seq = number;
                    found.records += 1;
                    let told = match Line::decode(kind, payload) {
                        Ok(line) if seq <= found.last_posted => against(connection, seq, &line)?,
                        Ok(_) => None,
                        Err(what) => Some(what.to_owned()),
                    };
                    if let Some(what) = told {
                        found.wrong(fault(offset, seq, what).to_string());
                    }
                }
                // Behind the books the end is judged as a whole.
                Step::Bad { offset, what } if seq < found.last_posted => {
                    found.wrong(fault(offset, seq + 1, what.to_owned()).to_string());
                    break;
                }
                Step::Bad { .. } | Step::Blank { .. } => break,
            }
        }
        last = Some((ordinal, seq));
    }
    Ok(())
}

/// What the books say otherwise than this record; `None`: they agree.
fn against(connection: &Connection, seq: u64, line: &Line) -> Result<Option<String>, OpenError> {
    let agrees = match line {
        Line::Balance { id, name, .. } => {
            let sql =
                "SELECT 1 FROM balance WHERE id = ?1 AND budget = ?2 AND window = ?3 AND starts_ms = ?4";
            exists(connection, sql, params![id.0, name.budget, name.window, name.starts_ms])?
        }
        Line::Set { id, members } => {
            let sql = "SELECT 1 FROM hold_set WHERE id = ?1 AND members = ?2";
            exists(connection, sql, params![id.0, upkeep::members_text(members)])?
        }
        Line::Hold(open) => {
            let sql = "SELECT 1 FROM entry WHERE hold = ?1 AND bound_nanos = ?2 AND at_ms = ?3
                       UNION ALL SELECT 1 FROM open_hold WHERE hold = ?1 AND bound_nanos = ?2 AND at_ms = ?3";
            exists(connection, sql, params![open.hold.0.cast_signed(), open.bound.nanos(), open.at_ms])?
        }
        Line::Settle { hold, at_ms, cost, .. } => {
            let sql = "SELECT 1 FROM entry WHERE hold = ?1 AND settled_ms = ?2 AND
                       coalesce((SELECT was_nanos FROM correction WHERE correction.hold = ?1 ORDER BY seq LIMIT 1),
                                cost_nanos) = ?3";
            exists(connection, sql, params![hold.0.cast_signed(), at_ms, cost.nanos()])?
        }
        Line::Correct(correction) => {
            let sql = "SELECT 1 FROM correction WHERE seq = ?1 AND hold = ?2 AND was_nanos = ?3 AND cost_nanos = ?4";
            let hold = correction.hold.0.cast_signed();
            let (was, cost) = (correction.was.nanos(), correction.cost.nanos());
            exists(connection, sql, params![seq.cast_signed(), hold, was, cost])?
        }
        Line::Action { .. } => {
            exists(connection, "SELECT 1 FROM action WHERE seq = ?1", params![seq.cast_signed()])?
        }
        Line::Generation { .. } | Line::Unknown { .. } | Line::Clock { .. } => true,
    };
    Ok((!agrees).then(|| format!("the books say otherwise than this record: {line:?}")))
}

fn exists(connection: &Connection, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<bool, OpenError> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let found: Option<i64> = statement.query_row(values, |row| row.get(0)).optional().map_err(failed)?;
    Ok(found.is_some())
}
