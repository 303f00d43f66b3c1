//! The journal: records appended to preallocated files, one short mutex, one `pwrite` each.
//!
//! An append checks the record, frames it in a reused buffer, writes it with one `pwrite` and publishes its
//! sequence number: it then survives the death of the process. [`crate::syncer`] makes it survive power loss,
//! [`crate::shipper`] carries it into the books and removes segments that are wholly there.
//!
//! Outside failures, and which side they fall on:
//! * a write or a sync fails: closed for good, until a restart reads back what is on disk; a sync is never retried;
//! * no room for the next segment: closed, tried again after a pause, opens by itself;
//! * the books do not keep up: open until [`crate::Options::journal_bytes_max`], then closed to new holds (what is
//!   in flight may still settle into one segment more), opens by itself. Segments that are in the books and stay for
//!   an open hold do not count;
//! * a record that a replay would refuse: that record is refused, nothing else changes.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ledger::mutants::{self, Mutant};

use crate::checks::Checks;
use crate::disk::{BootId, Disk, DiskFile};
use crate::frame::{self, FRAME_BYTES_MAX};
use crate::progress::Progress;
use crate::segment::{self, HEADER_BYTES, Header};
use crate::sync::{AtomicBool, Condvar, Mutex};
use crate::{Durability, JournalError, OpenError, Options, Position, Record};

/// In power mode zeros are written this far ahead, so that a sync need not change the file's extents each time.
const AHEAD_BYTES: usize = 256 << 10;
static ZEROS: [u8; AHEAD_BYTES] = [0; AHEAD_BYTES];

/// One segment in use, written to or waiting to be shipped.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) ordinal: u64,
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn DiskFile>,
    /// The boot of the machine it is written in.
    pub(crate) boot_id: Option<BootId>,
    /// Where its records end, once no more will follow.
    pub(crate) end: Option<u64>,
    /// How many holds that began in it have not ended.
    pub(crate) open: usize,
}

/// A file with records that no sync has covered yet.
pub(crate) type Unsynced = (PathBuf, Arc<dyn DiskFile>);

/// How far the journal has been written: everything before is whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// A segment,
    pub ordinal: u64,
    /// a byte in it,
    pub offset: u64,
    /// and the last record before that.
    pub seq: u64,
}

/// The append-only journal. Shared by the writers of all threads, the syncer and the shipper.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) options: Options,
    pub(crate) progress: Progress,
    dir: PathBuf,
    pub(crate) disk: Arc<dyn Disk>,
    boot_id: Option<BootId>,
    writer: Mutex<Writer>,
    /// Locked alone or after `writer`, never before it; held while a segment is being made.
    next: Mutex<Next>,
    /// Set by the append that makes a batch full, cleared by the shipper.
    ship_asked: AtomicBool,
    ship_gate: Mutex<()>,
    ship_bell: Condvar,
}

#[derive(Debug)]
struct Writer {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    ordinal: u64,
    offset: u64,
    /// Offset in this segment up to which zeros were written ahead.
    zeroed: u64,
    /// Bytes of records in all segments before this one.
    first_position: u64,
    seq: u64,
    buffer: Vec<u8>,
    checks: Checks,
    /// Oldest first; the last is the one written to.
    segments: VecDeque<Segment>,
    /// How many of them are in the books and stay for their open holds.
    pinned: usize,
    /// Full segments with records that no sync has covered yet.
    unsynced: Vec<Unsynced>,
    /// Why the last record that needed a new segment was refused, and when.
    refused: Option<(Instant, JournalError)>,
    /// Bytes of a record that may stand in part where the next one would begin: its write failed.
    half: usize,
    closed: bool,
}

/// The segment after the one written to.
#[derive(Debug)]
struct Next {
    ordinal: u64,
    spare: Option<Segment>,
}

/// What a journal starts from.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) dir: PathBuf,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) boot_id: Option<BootId>,
    /// The last sequence number given.
    pub(crate) last: u64,
    pub(crate) shipped: u64,
    pub(crate) next_ordinal: u64,
    pub(crate) next_position: u64,
    /// Earlier segments, oldest first, each with its end.
    pub(crate) segments: VecDeque<Segment>,
    pub(crate) checks: Checks,
}

impl Journal {
    /// Begins a new segment after what was recovered; everything recovered is on disk.
    pub(crate) fn start(options: Options, start: Start) -> Result<Self, OpenError> {
        let Start { dir, disk, boot_id, last, shipped, next_ordinal, next_position, mut segments, checks } =
            start;
        for segment in &mut segments {
            segment.open = checks.open_of(segment.ordinal);
        }
        let path = segment::path(&dir, next_ordinal);
        let file = disk
            .create(&path, options.segment_bytes)
            .map_err(|e| OpenError::io("make room for", &path, e))?;
        let header = Header {
            durability: options.durability,
            ordinal: next_ordinal,
            first_seq: last + 1,
            first_position: next_position,
            synced: last,
            boot_id,
            reserved: options.segment_bytes,
        };
        write_header(&*file, &header).map_err(|e| OpenError::io("write", &path, e))?;
        file.sync_data().map_err(|e| OpenError::io("sync", &path, e))?;
        segments.push_back(Segment {
            ordinal: next_ordinal,
            path: path.clone(),
            file: file.clone(),
            boot_id,
            end: None,
            open: 0,
        });
        let writer = Writer {
            file,
            path,
            ordinal: next_ordinal,
            offset: HEADER_BYTES,
            zeroed: HEADER_BYTES,
            first_position: next_position,
            seq: last,
            buffer: Vec::with_capacity(FRAME_BYTES_MAX),
            checks,
            segments,
            pinned: 0,
            unsynced: Vec::new(),
            refused: None,
            half: 0,
            closed: false,
        };
        Ok(Self {
            progress: Progress::new(last, shipped),
            options,
            dir,
            disk,
            boot_id,
            writer: Mutex::new(writer),
            next: Mutex::new(Next { ordinal: next_ordinal + 1, spare: None }),
            ship_asked: AtomicBool::new(false),
            ship_gate: Mutex::new(()),
            ship_bell: Condvar::new(),
        })
    }

    /// Writes a record behind all others. Once this returns it survives the death of the process.
    pub(crate) fn append(&self, record: &Record<'_>) -> Result<Position, JournalError> {
        let mut guard = self.writer.lock();
        let writer = &mut *guard;
        self.progress.failure()?;
        if writer.closed {
            return Err(JournalError::Closed);
        }
        writer.checks.allow(record)?;
        if mutants::is(Mutant::SendWithoutHold) && matches!(record, Record::Hold { .. }) {
            return Ok(Position(writer.seq));
        }
        let seq = writer.seq + 1;
        writer.buffer.clear();
        frame::begin(&mut writer.buffer, seq, self.progress.synced(), record.kind());
        record.encode(&mut writer.buffer).map_err(JournalError::Invalid)?;
        if !frame::end(&mut writer.buffer) {
            return Err(JournalError::Invalid("a record longer than 16 KiB"));
        }
        let bytes = writer.buffer.len() as u64;
        if writer.offset + bytes > self.options.segment_bytes {
            self.rotate(writer, matches!(record, Record::Hold { .. }))?;
        }
        self.write_ahead(writer, bytes)?;
        if let Err(error) = writer.file.write_all_at(&writer.buffer, writer.offset)
            && !mutants::is(Mutant::WriteErrorIgnored)
        {
            writer.half = writer.buffer.len();
            writer.erase_half();
            return Err(self.failed(JournalError::io("write", &writer.path, &error)));
        }
        writer.offset += bytes;
        writer.seq = seq;
        writer.note(record);
        self.progress.set_appended(seq);
        drop(guard);
        self.ask_for_ship(seq);
        Ok(Position(seq))
    }

    /// Puts the spare (or a segment made now) in place of the full one.
    fn rotate(&self, writer: &mut Writer, is_hold: bool) -> Result<(), JournalError> {
        let bytes_max = self.options.journal_bytes_max + if is_hold { 0 } else { self.options.segment_bytes };
        let waiting = writer.segments.len().saturating_sub(writer.pinned);
        let bytes = waiting as u64 * self.options.segment_bytes;
        if bytes + self.options.segment_bytes > bytes_max {
            let error = JournalError::Full { bytes, bytes_max: self.options.journal_bytes_max };
            return Err(writer.refuse(error));
        }
        let next = self.take_next(writer)?;
        let first_position = writer.first_position + (writer.offset - HEADER_BYTES);
        let header = Header {
            durability: self.options.durability,
            ordinal: next.ordinal,
            first_seq: writer.seq + 1,
            first_position,
            synced: self.progress.synced(),
            boot_id: self.boot_id,
            reserved: self.options.segment_bytes,
        };
        assert_eq!(next.ordinal, writer.ordinal + 1, "segments follow one another");
        write_header(&*next.file, &header)
            .map_err(|e| self.failed(JournalError::io("write", &next.path, &e)))?;
        if let Some(full) = writer.segments.back_mut() {
            full.end = Some(writer.offset);
        }
        writer.unsynced.push((std::mem::take(&mut writer.path), writer.file.clone()));
        writer.file = next.file.clone();
        writer.path.clone_from(&next.path);
        writer.ordinal = next.ordinal;
        writer.offset = HEADER_BYTES;
        writer.zeroed = HEADER_BYTES;
        writer.first_position = first_position;
        writer.refused = None;
        writer.segments.push_back(next);
        Ok(())
    }

    /// The spare, or a segment made now; after a failure not before the pause is over.
    fn take_next(&self, writer: &mut Writer) -> Result<Segment, JournalError> {
        let mut next = self.next.lock();
        let taken = match next.spare.take() {
            Some(spare) => spare,
            None => {
                if let Some((since, error @ JournalError::NoSpace { .. })) = &writer.refused
                    && since.elapsed() < self.options.retry_after
                {
                    return Err(error.clone());
                }
                let made = self.make(next.ordinal);
                made.map_err(|error| writer.refuse(JournalError::NoSpace { reason: error.to_string() }))?
            }
        };
        next.ordinal += 1;
        Ok(taken)
    }

    fn make(&self, ordinal: u64) -> io::Result<Segment> {
        let path = segment::path(&self.dir, ordinal);
        let file = self.disk.create(&path, self.options.segment_bytes)?;
        Ok(Segment { ordinal, path, file, boot_id: self.boot_id, end: None, open: 0 })
    }

    /// Zeros in front of the record, a stretch at a time. They lie beyond every record, so they can hide none.
    fn write_ahead(&self, writer: &mut Writer, bytes: u64) -> Result<(), JournalError> {
        if self.options.durability == Durability::Process || writer.offset + bytes <= writer.zeroed {
            return Ok(());
        }
        debug_assert!(writer.zeroed >= writer.offset || writer.zeroed == HEADER_BYTES);
        let from = writer.zeroed.max(writer.offset);
        let count = (self.options.segment_bytes - from).min(AHEAD_BYTES as u64);
        writer
            .file
            .write_all_at(&ZEROS[..count as usize], from)
            .map_err(|e| self.failed(JournalError::io("write", &writer.path, &e)))?;
        writer.zeroed = from + count;
        Ok(())
    }

    /// Closes the journal for good, and says so.
    fn failed(&self, error: JournalError) -> JournalError {
        self.progress.fail(error.clone());
        error
    }

    /// Makes the next segment before it is needed. A failure is told when the segment is needed.
    pub(crate) fn prepare_spare(&self) {
        {
            let writer = self.writer.lock();
            let wanted = writer.offset > self.options.segment_bytes / 2 && !writer.closed;
            if !wanted || self.progress.failure().is_err() {
                return;
            }
        }
        let mut next = self.next.lock();
        if next.spare.is_some() {
            return;
        }
        match self.make(next.ordinal) {
            Ok(made) => next.spare = Some(made),
            Err(error) => {
                tracing::debug!(%error, "no spare journal segment");
                return;
            }
        }
        drop(next);
        self.writer.lock().refused.take_if(|(_, error)| matches!(error, JournalError::NoSpace { .. }));
    }

    /// Whether there is no room for one more segment of holds until something is shipped.
    pub(crate) fn is_crowded(&self) -> bool {
        let writer = self.writer.lock();
        let waiting = writer.segments.len().saturating_sub(writer.pinned) as u64;
        (waiting + 1) * self.options.segment_bytes > self.options.journal_bytes_max
    }

    /// How far the journal has been written.
    pub(crate) fn extent(&self) -> Extent {
        let writer = self.writer.lock();
        Extent { ordinal: writer.ordinal, offset: writer.offset, seq: writer.seq }
    }

    /// The files that a sync has to cover for everything up to the sequence number returned to be on disk.
    pub(crate) fn take_unsynced(&self) -> (u64, Vec<Unsynced>) {
        let mut writer = self.writer.lock();
        let mut files = std::mem::take(&mut writer.unsynced);
        files.push((writer.path.clone(), writer.file.clone()));
        (writer.seq, files)
    }

    /// A segment in use.
    pub(crate) fn segment(&self, ordinal: u64) -> Option<Segment> {
        self.writer.lock().segments.iter().find(|segment| segment.ordinal == ordinal).cloned()
    }

    /// Segments before `ordinal` that may go once the books are durable up to there: those without an open hold, and
    /// the oldest of the others when there are more than may stay. What stays does not count against the journal's
    /// limit any more.
    pub(crate) fn disposable(&self, ordinal: u64) -> Vec<Segment> {
        let mut writer = self.writer.lock();
        let shipped: Vec<Segment> =
            writer.segments.iter().filter(|segment| segment.ordinal < ordinal).cloned().collect();
        let pinned = shipped.iter().filter(|segment| segment.open > 0).count();
        let mut excess = pinned.saturating_sub(self.options.pinned_max());
        let before = std::mem::replace(&mut writer.pinned, pinned - excess);
        if writer.pinned > before {
            writer.refused.take_if(|(_, error)| matches!(error, JournalError::Full { .. }));
        }
        let mut disposable = shipped;
        disposable.retain(|segment| {
            let forced = segment.open > 0 && excess > 0;
            excess -= usize::from(forced);
            segment.open == 0 || forced
        });
        disposable
    }

    /// Removes a segment whose records are all durably in the books.
    pub(crate) fn remove(&self, segment: &Segment) -> io::Result<()> {
        self.disk.remove(&segment.path)?;
        let mut writer = self.writer.lock();
        let before = writer.segments.len();
        writer.segments.retain(|kept| kept.ordinal != segment.ordinal);
        assert_eq!(writer.segments.len() + 1, before, "a segment goes once");
        writer.refused.take_if(|(_, error)| matches!(error, JournalError::Full { .. }));
        Ok(())
    }

    /// Takes no more records.
    pub(crate) fn close(&self) {
        let mut writer = self.writer.lock();
        writer.closed = true;
        writer.erase_half();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.writer.lock().closed
    }

    /// Gives the unused room of a closed journal back to the disk.
    pub(crate) fn trim(&self) -> Result<(), JournalError> {
        let writer = self.writer.lock();
        debug_assert!(writer.closed);
        if let Some(spare) = self.next.lock().spare.take() {
            self.disk.remove(&spare.path).map_err(|e| JournalError::io("remove", &spare.path, &e))?;
        }
        writer.file.set_len(writer.offset).map_err(|e| JournalError::io("cut", &writer.path, &e))
    }

    /// Whether there was room for the last record that needed some.
    pub(crate) fn room(&self) -> Result<(), JournalError> {
        self.writer.lock().refused.as_ref().map_or(Ok(()), |(_, error)| Err(error.clone()))
    }

    fn ask_for_ship(&self, seq: u64) {
        let waiting = seq.saturating_sub(self.progress.shipped());
        if waiting >= self.options.ship_records as u64 && !self.ship_asked.swap(true, Ordering::AcqRel) {
            self.ring();
        }
    }

    /// Makes the shipper start now.
    pub(crate) fn ask_for_ship_now(&self) {
        if !self.ship_asked.swap(true, Ordering::AcqRel) {
            self.ring();
        }
    }

    /// Wakes the shipper.
    pub(crate) fn ring(&self) {
        let _gate = self.ship_gate.lock();
        self.ship_bell.notify_all();
    }

    /// Sleeps until stopped or the time is over, or, when `heeded`, a batch is full.
    pub(crate) fn wait_for_bell(&self, stop: &AtomicBool, for_at_most: Duration, heeded: bool) {
        let mut gate = self.ship_gate.lock();
        let asked = heeded && self.ship_asked.load(Ordering::Acquire);
        if !asked && !stop.load(Ordering::Acquire) {
            self.ship_bell.wait_for(&mut gate, for_at_most);
        }
        // Not a store: the round that follows sees what was appended by whoever found it asked for already.
        self.ship_asked.swap(false, Ordering::AcqRel);
    }
}

/// Half a header would be damage to the next start; where the disk lets it be erased, the file is as new.
fn write_header(file: &dyn DiskFile, header: &Header) -> io::Result<()> {
    let written = file.write_all_at(&header.encode(), 0);
    if written.is_err() && !mutants::is(Mutant::HalfHeaderLeft) {
        let _ = file.write_all_at(&ZEROS[..HEADER_BYTES as usize], 0);
    }
    written
}

impl Writer {
    /// Nobody was told that it was written. Where the disk does not let it be erased, a start will take it for damage.
    fn erase_half(&mut self) {
        if self.half > 0 && self.file.write_all_at(&ZEROS[..self.half], self.offset).is_ok() {
            self.half = 0;
        }
    }

    /// Notes a record that is written, and in which segment its hold began.
    fn note(&mut self, record: &Record<'_>) {
        let Some(began) = self.checks.wrote(record, self.ordinal) else { return };
        let change = if matches!(record, Record::Hold { .. }) { 1 } else { -1 };
        if let Some(segment) = self.segments.iter_mut().find(|segment| segment.ordinal == began) {
            segment.open = segment.open.saturating_add_signed(change);
        }
    }

    fn refuse(&mut self, error: JournalError) -> JournalError {
        if self.refused.is_none() {
            tracing::warn!(%error, "requests that cost money are refused until there is room");
        }
        self.refused = Some((Instant::now(), error.clone()));
        error
    }
}
