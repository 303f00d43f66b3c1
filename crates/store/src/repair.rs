//! Making books usable again whose journal is damaged.
//!
//! What can be read before the damage is carried into the books. The journal's files are moved aside, never removed, and
//! the books marked as a restored backup is: a call whose record is gone may have been billed, so nothing is admitted
//! until an audit has found it, or somebody accepts.

use std::path::{Path, PathBuf};

use crate::backup::{make_folder, set_aside};
use crate::books::{Batch, Books, PostError, Sqlite, Writer, upkeep};
use crate::disk::{Disk, RealDisk};
use crate::journal::Extent;
use crate::line::Line;
use crate::lock::Lock;
use crate::reading::JOURNAL;
use crate::segment::{self, HEADER_BYTES, Head, Header, Scan, Step};
use crate::{OpenError, Trouble};

/// What was kept, and where the rest is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// Records that were carried into the books.
    pub records: u64,
    /// Where the journal is now.
    pub moved_to: PathBuf,
    /// The time of the last record in the books, milliseconds since the Unix epoch.
    pub as_of_ms: i64,
}

/// Repairs the books in `dir`, which no gateway may have open.
///
/// # Errors
/// [`OpenError::Held`] while a gateway runs; when the books themselves cannot be read or written; what the system says.
pub fn repair(dir: &Path, now_ms: i64) -> Result<Repaired, OpenError> {
    let _lock = Lock::take(dir)?;
    let books = Sqlite::new(dir);
    let mut writer = books.writer()?;
    let snapshot = books.reader()?.snapshot()?;
    let mut at = Extent { ordinal: snapshot.segment, offset: snapshot.offset, seq: snapshot.seq };
    let mut records = 0;
    while let Some(batch) = readable(dir, at)? {
        let posted = post(&mut *writer, batch)?;
        records += posted.lines.len() as u64;
        at = posted.next;
        if posted.lines.is_empty() {
            break;
        }
    }
    writer.make_durable(false).map_err(failed)?;
    writer.close().map_err(failed)?;
    let moved_to = set_aside(dir, &[JOURNAL.to_owned()], "damaged", now_ms)?;
    let moved_to = moved_to.ok_or_else(|| OpenError::Absent(dir.join(JOURNAL)))?;
    make_folder(&dir.join(JOURNAL))?;
    let as_of_ms = upkeep::mark_incomplete(dir)?;
    Ok(Repaired { records, moved_to, as_of_ms })
}

fn failed(source: Trouble) -> OpenError {
    OpenError::Books { doing: "write", source }
}

/// Posts a stretch; a record that contradicts the books, and all behind it, is not kept.
fn post(books: &mut dyn Writer, mut batch: Batch) -> Result<Batch, OpenError> {
    loop {
        match books.post(&batch) {
            Ok(()) => return Ok(batch),
            Err(PostError::Disagree(fault)) => {
                let kept = batch.lines.iter().position(|(seq, ..)| *seq >= fault.seq).unwrap_or(0);
                let seq = batch.next.seq - (batch.lines.len() - kept) as u64;
                batch.next = Extent { seq, offset: batch.lines[kept].1, ..batch.next };
                batch.lines.truncate(kept);
            }
            Err(PostError::Trouble(source)) => return Err(failed(source)),
            Err(PostError::Closed) => return Err(OpenError::Journal(crate::JournalError::Closed)),
        }
    }
}

/// The records of one segment that follow a place, as far as they are whole; `None`: no more.
fn readable(dir: &Path, at: Extent) -> Result<Option<Batch>, OpenError> {
    let folder = dir.join(JOURNAL);
    for (ordinal, offset) in [(at.ordinal, at.offset), (at.ordinal + 1, HEADER_BYTES)] {
        let path = segment::path(&folder, ordinal);
        let Ok(file) = RealDisk.open(&path, false) else { continue };
        let io = |e| OpenError::io("read", &path, e);
        let Head::Written(header) = Header::read(&*file).map_err(io)? else { continue };
        let offset = if header.first_seq > at.seq { HEADER_BYTES } else { offset.max(HEADER_BYTES) };
        let mut next = Extent { ordinal, offset, seq: at.seq };
        let mut lines = Vec::new();
        let mut scan = Scan::new(file, offset);
        while let Step::Frame { offset, seq, kind, payload } = scan.step().map_err(io)? {
            let Ok(line) = Line::decode(kind, payload) else { break };
            if seq != next.seq + 1 {
                break;
            }
            lines.push((seq, offset, line));
            next = Extent { seq, offset: scan.offset(), ordinal };
        }
        if !lines.is_empty() {
            return Ok(Some(Batch { path, boot_id: header.boot_id, lines, next }));
        }
    }
    Ok(None)
}
