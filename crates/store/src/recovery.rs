//! Reading the journal back: the longest valid prefix behind what the books have, and a verdict on what follows it.
//!
//! Only the segments from the last posted record on are read; the past is in the books. Where the valid records end:
//!
//! 1. nothing but zeros follows: a clean end;
//! 2. an unfinished record and nothing after it: a torn end. Nobody was told that it was written; it is overwritten;
//! 3. valid records follow that prove the broken place was once on disk (each record says how far the disk was
//!    known to be, and without a restart of the machine everything written is there): damage. That is an error which
//!    names file and byte, never a silent loss;
//! 4. valid records follow but the machine restarted and none claims the broken place: a power cut kept later pages
//!    and lost earlier ones. Nothing there was told to be durable; it is overwritten and reported;
//! 5. the file itself is shorter than it was made, without a restart and without a clean end: somebody cut it. That is
//!    damage even where the cut is between two records.

use std::collections::VecDeque;
use std::path::Path;

use ledger::mutants::{self, Mutant};

use crate::books::Reader;
use crate::disk::{BootId, Disk};
use crate::error::Fault;
use crate::fold::{Fold, FoldError, Origin};
use crate::frame::{self, END, FRAME_BYTES_MAX, HEAD_BYTES, Parsed};
use crate::journal::{Extent, Segment};
use crate::line::Line;
use crate::segment::{self, HEADER_BYTES, Head, Header, Scan, Step};
use crate::{Durability, OpenError};

/// What was found in the journal folder.
#[derive(Debug)]
pub(crate) struct Recovery {
    pub(crate) fold: Fold,
    /// The last sequence number given, in the journal or in the books.
    pub(crate) last: u64,
    pub(crate) exact: bool,
    pub(crate) torn_bytes: u64,
    pub(crate) notes: Vec<String>,
    pub(crate) boot_id: Option<BootId>,
    pub(crate) next_ordinal: u64,
    pub(crate) next_position: u64,
    /// Segments that stay until they are shipped, oldest first, each with its end.
    pub(crate) segments: VecDeque<Segment>,
    /// Segments without a valid record: spares, and what a power cut left behind the end.
    discarded: Vec<Segment>,
    /// Index in `segments` of the one that recovery began with; those before are wholly in the books.
    start: usize,
    /// Whether the journal has records that the books have not.
    more: bool,
    /// Whether the first of them is the one that the books had come to, and not one that took its number after a power
    /// cut had lost that.
    goes_on: bool,
    /// Bytes behind the end of the last segment with records that are no record.
    rubbish: u64,
}

/// How far the books reach: a record, and where the one after it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Posted {
    pub(crate) seq: u64,
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    /// Whether the store was closed there, with everything on disk.
    pub(crate) clean: bool,
}

impl Recovery {
    /// Reads; changes nothing. `write` opens the files so that [`Recovery::make_good`] can.
    pub(crate) fn read(
        disk: &dyn Disk,
        dir: &Path,
        posted: Posted,
        fold: Fold,
        books: &dyn Reader,
        write: bool,
    ) -> Result<Self, OpenError> {
        let mut found = find(disk, dir, write)?;
        let boot_id = disk.boot_id();
        let start = starting_point(&found, posted, dir)?;
        let last_header = found.iter().rev().find_map(|(_, head)| written(head)).cloned();
        let same_boot =
            boot_id.is_some() && last_header.as_ref().is_some_and(|header| header.boot_id == boot_id);
        if same_boot && !posted.clean {
            check_length(&found)?;
        }
        let mut reading = Reading { fold, books, last: posted.seq, notes: Vec::new(), scan: None };
        let goes_on = found.get(start).is_some_and(|(segment, head)| continues(segment, head, posted));
        let end = reading.run(&mut found, start, posted)?;
        let (torn_bytes, rubbish) = match &end {
            Some(end) => match judge(&found, end, reading.last, same_boot) {
                // Whoever reads without the lock may see the journal grow while it judges.
                Err(OpenError::Damaged(_)) if !write && grown(&found, end, reading.last) => (0, 0),
                judgement => judgement?,
            },
            None => (0, 0),
        };
        if torn_bytes > 0 {
            reading
                .notes
                .push(format!("cut {torn_bytes} bytes of unfinished records off the end of the journal"));
        }
        if reading.last > posted.seq && found[start].0.ordinal < posted.segment {
            let file = found[start].0.path.clone();
            let what = format!("the books name segment {} for a record before this one", posted.segment);
            return Err(OpenError::Damaged(Fault { file, offset: 0, seq: reading.last, what }));
        }
        if reading.last < posted.seq {
            // Only a power cut may take from the journal what the books have.
            let fault = |what: String| Fault { file: dir.to_path_buf(), offset: 0, seq: reading.last, what };
            if same_boot {
                let what = format!("the journal ends here, the books know record {}", posted.seq);
                return Err(OpenError::Damaged(fault(what)));
            }
            let lost = posted.seq - reading.last;
            reading.notes.push(format!("the last {lost} records of the journal are only in the books"));
        }
        let kept = end.as_ref().map_or(0, |end| end.index + 1);
        let discarded = found.split_off(kept).into_iter().map(|(segment, _)| segment).collect();
        let position = found.last().and_then(|(_, head)| written(head)).map_or(0, |header| {
            header.first_position + end.as_ref().map_or(0, |end| end.offset.saturating_sub(HEADER_BYTES))
        });
        let next_ordinal = found.last().map_or(posted.segment, |(segment, _)| segment.ordinal) + 1;
        let segments: VecDeque<_> = found.into_iter().map(|(segment, _)| segment).collect();
        let exact = match &last_header {
            None => true,
            Some(header) => same_boot || posted.clean || header.durability == Durability::Power,
        };
        if !exact {
            let note =
                "the machine restarted since and records were not synced one by one: some may be missing";
            reading.notes.push(note.to_owned());
        }
        Ok(Self {
            start: start.min(segments.len()),
            more: reading.last > posted.seq,
            goes_on,
            rubbish,
            fold: reading.fold,
            last: reading.last.max(posted.seq),
            exact,
            torn_bytes,
            notes: reading.notes,
            boot_id,
            next_ordinal,
            next_position: position,
            segments,
            discarded,
        })
    }

    /// Where shipping goes on: behind the last record posted (whose segment ends at `offset` for now), in a segment that
    /// exists or is about to.
    pub(crate) fn resume(&self, seq: u64, offset: u64) -> Extent {
        let first = self.segments.get(self.start).filter(|_| self.more);
        let goes_on = self.goes_on || mutants::is(Mutant::ResumedBlindly);
        match first {
            Some(first) if goes_on => Extent { ordinal: first.ordinal, offset, seq },
            Some(first) => Extent { ordinal: first.ordinal, offset: HEADER_BYTES, seq },
            None => Extent { ordinal: self.next_ordinal, offset: HEADER_BYTES, seq },
        }
    }

    /// Overwrites the torn end, removes what holds nothing, and puts the rest on disk for certain. Nothing is made
    /// shorter: a file that is, was cut by somebody else.
    pub(crate) fn make_good(&self, disk: &dyn Disk) -> Result<(), OpenError> {
        for segment in self.discarded.iter().rev() {
            disk.remove(&segment.path).map_err(|e| OpenError::io("remove", &segment.path, e))?;
        }
        if let Some((segment, end)) = self.segments.back().and_then(|segment| Some((segment, segment.end?))) {
            self.overwrite(segment, end).map_err(|e| OpenError::io("write", &segment.path, e))?;
        }
        // Those before are in the books, which a power cut may still set back behind them.
        for (index, segment) in self.segments.iter().enumerate() {
            if index >= self.start && !mutants::is(Mutant::FoundNotRewritten) {
                rewrite(segment).map_err(|e| OpenError::io("write", &segment.path, e))?;
            }
            segment.file.sync_data().map_err(|e| OpenError::io("sync", &segment.path, e))?;
        }
        Ok(())
    }

    /// Zeros from the end of the records to the last byte that is none, the last first: what is left of it should
    /// this be interrupted still begins as it did.
    fn overwrite(&self, segment: &Segment, end: u64) -> std::io::Result<()> {
        const ZEROS: [u8; 4096] = [0; 4096];
        let mut rest = self.rubbish;
        while rest > 0 {
            let count = rest.min(ZEROS.len() as u64);
            rest -= count;
            segment.file.write_all_at(&ZEROS[..count as usize], end + rest)?;
        }
        Ok(())
    }
}

/// Writes what is there once more. After a sync that failed, the kernel may take pages that never reached the disk for
/// written: they can be read, and another sync would do nothing for them.
fn rewrite(segment: &Segment) -> std::io::Result<()> {
    let end = segment.end.unwrap_or(HEADER_BYTES);
    let mut buffer = vec![0; usize::try_from(end.min(1 << 20)).unwrap_or(1 << 20)];
    let mut at = 0;
    while at < end {
        let most = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
        let count = segment.file.read_at(&mut buffer[..most], at)?;
        if count == 0 {
            return Ok(());
        }
        segment.file.write_all_at(&buffer[..count], at)?;
        at += count as u64;
    }
    Ok(())
}

type Found = Vec<(Segment, Head)>;

fn written(head: &Head) -> Option<&Header> {
    if let Head::Written(header) = head { Some(header) } else { None }
}

/// All segment files, by ordinal.
fn find(disk: &dyn Disk, dir: &Path, write: bool) -> Result<Found, OpenError> {
    let names = disk.list(dir).map_err(|e| OpenError::io("list", dir, e))?;
    let mut ordinals: Vec<u64> = names.iter().filter_map(|name| segment::ordinal(name)).collect();
    ordinals.sort_unstable();
    let mut found = Found::new();
    for ordinal in ordinals {
        let path = segment::path(dir, ordinal);
        let file = disk.open(&path, write).map_err(|e| OpenError::io("open", &path, e))?;
        let head = match Header::read(&*file).map_err(|e| OpenError::io("read", &path, e))? {
            Head::TooNew(version) => {
                return Err(OpenError::TooNew { file: path, found: version, known: segment::VERSION });
            }
            Head::Written(header) if header.ordinal != ordinal => Head::Bad("another segment's header"),
            head => head,
        };
        let boot_id = written(&head).and_then(|header| header.boot_id);
        found.push((Segment { ordinal, path, file, boot_id, end: None, open: 0 }, head));
    }
    Ok(found)
}

/// The file that was written to has to be as long as it was made: it is cut only when the journal is closed, and a
/// restart of the machine may have lost the length.
fn check_length(found: &Found) -> Result<(), OpenError> {
    let last = found.iter().rev().find_map(|(segment, head)| written(head).map(|header| (segment, header)));
    let Some((segment, header)) = last else { return Ok(()) };
    let length = segment.file.length().map_err(|e| OpenError::io("read", &segment.path, e))?;
    if length >= header.reserved {
        return Ok(());
    }
    let what = format!("the file was cut here, it had at least {} bytes", header.reserved);
    Err(OpenError::Damaged(Fault { file: segment.path.clone(), offset: length, seq: header.first_seq, what }))
}

/// Index of the segment that holds the first record the books do not have, or would.
fn starting_point(found: &Found, posted: Posted, dir: &Path) -> Result<usize, OpenError> {
    let next = posted.seq + 1;
    let start =
        found.iter().rposition(|(_, head)| written(head).is_some_and(|header| header.first_seq <= next));
    let follows = |index: usize| {
        let (segment, head) = &found[index];
        // An earlier one: a power cut took the header of the one that the books had come to.
        segment.ordinal <= posted.segment || written(head).is_some_and(|header| header.first_seq == next)
    };
    match start {
        Some(start) if follows(start) => Ok(start),
        // A new store, or a restored one: its books stand alone.
        None if found.iter().all(|(_, head)| *head == Head::Blank) && posted.segment == 0 => Ok(0),
        _ => {
            let file = found.first().map_or_else(|| dir.to_path_buf(), |(segment, _)| segment.path.clone());
            let what = "the journal segment that follows the books is missing or unreadable".to_owned();
            Err(OpenError::Damaged(Fault { file, offset: 0, seq: next, what }))
        }
    }
}

/// Whether this is the segment in which the books' last record stands, or stood before the next.
fn continues(segment: &Segment, head: &Head, posted: Posted) -> bool {
    let is_of_before = written(head).is_some_and(|header| header.first_seq <= posted.seq);
    segment.ordinal == posted.segment && is_of_before
}

/// Where the valid records end.
#[derive(Debug)]
struct End {
    index: usize,
    offset: u64,
    /// `None`: zeros follow.
    what: Option<&'static str>,
}

struct Reading<'a> {
    fold: Fold,
    books: &'a dyn Reader,
    last: u64,
    notes: Vec<String>,
    scan: Option<Scan>,
}

impl Reading<'_> {
    /// Applies every record behind `posted`; where they end, or `None` without any segment.
    fn run(&mut self, found: &mut Found, start: usize, posted: Posted) -> Result<Option<End>, OpenError> {
        let mut end = None;
        let mut before = None;
        for (index, (segment, head)) in found.iter_mut().enumerate().skip(start) {
            let Some(header) = written(head) else { break };
            let follows = before.is_none_or(|ordinal| ordinal + 1 == segment.ordinal);
            let follows = (follows && header.first_seq == self.last + 1) || mutants::is(Mutant::GapAccepted);
            if index > start && !follows {
                break;
            }
            before = Some(segment.ordinal);
            let offset = if index == start && continues(segment, head, posted) {
                posted.offset
            } else {
                self.last = header.first_seq - 1;
                HEADER_BYTES
            };
            let (offset, what) = self.segment(segment, offset, posted.seq)?;
            segment.end = Some(offset);
            end = Some(End { index, offset, what });
        }
        Ok(end)
    }

    fn segment(
        &mut self,
        segment: &Segment,
        offset: u64,
        posted: u64,
    ) -> Result<(u64, Option<&'static str>), OpenError> {
        // One buffer for all segments.
        let scan = match &mut self.scan {
            Some(scan) => {
                scan.restart(segment.file.clone(), offset);
                scan
            }
            scan => scan.insert(Scan::new(segment.file.clone(), offset)),
        };
        loop {
            let step = scan.step().map_err(|e| OpenError::io("read", &segment.path, e))?;
            let (offset, seq, kind, payload) = match step {
                Step::Blank { offset } => return Ok((offset, None)),
                Step::Bad { offset, what } => return Ok((offset, Some(what))),
                Step::Frame { offset, seq, .. } if seq != self.last + 1 => {
                    return Ok((offset, Some("record out of sequence")));
                }
                Step::Frame { offset, seq, kind, payload, .. } => (offset, seq, kind, payload),
            };
            self.last = seq;
            if seq <= posted {
                continue;
            }
            let fault =
                |what: String| OpenError::Damaged(Fault { file: segment.path.clone(), offset, seq, what });
            let line = Line::decode(kind, payload).map_err(|what| fault(what.to_owned()))?;
            let origin = Origin { segment: segment.ordinal, boot_id: segment.boot_id };
            self.fold.apply(line, origin, self.books).map_err(|error| match error {
                FoldError::Wrong(what) => fault(what),
                FoldError::Lookup(error) => error,
            })?;
        }
    }
}

/// Judges what follows the end of the valid records: how many bytes of it may be cut off, in all and in the segment of
/// the end, or that it is damage.
fn judge(found: &Found, end: &End, last: u64, same_boot: bool) -> Result<(u64, u64), OpenError> {
    let next = last + 1;
    let segment = &found[end.index].0;
    let damaged = |what: &str| {
        let what = what.to_owned();
        OpenError::Damaged(Fault { file: segment.path.clone(), offset: end.offset, seq: next, what })
    };
    let what = end.what.unwrap_or("zeros where a record was");
    let is_strict = !mutants::is(Mutant::DamageCutOff);
    let (mut torn_bytes, mut rubbish) = (0, 0);
    for (index, (segment, head)) in found.iter().enumerate().skip(end.index) {
        let from = if index == end.index { end.offset } else { HEADER_BYTES };
        let rest = Rest::read(segment, from, next).map_err(|e| OpenError::io("read", &segment.path, e))?;
        let mut synced = rest.synced;
        if index > end.index
            && let Some(header) = written(head)
        {
            synced = synced.max(Some(header.synced));
        } else if let Head::Bad(what) = head {
            torn_bytes += HEADER_BYTES;
            if same_boot && is_strict {
                return Err(damaged(what));
            }
        }
        if is_strict && synced.is_some_and(|synced| same_boot || synced >= next) {
            return Err(damaged(what));
        }
        // Without a restart of the machine only the death of a process can tear a record.
        let torn = Torn { from, bytes: rest.bytes };
        if same_boot
            && is_strict
            && rest.bytes > 0
            && !torn.by_death(segment).map_err(|e| OpenError::io("read", &segment.path, e))?
        {
            return Err(damaged(what));
        }
        torn_bytes += rest.bytes;
        if index == end.index {
            rubbish = rest.bytes;
        }
    }
    Ok((torn_bytes, rubbish))
}

/// What stands where a record should, up to its last byte that is not zero.
struct Torn {
    from: u64,
    bytes: u64,
}

impl Torn {
    /// The kernel copies a write page by page, and a kill stops it between two.
    const PAGE: u64 = 4096;
    /// Bytes that are zero in a record, one after the other, at most; a balance of all time has 29.
    const ZEROS_MAX: u64 = 32;

    /// Whether it can be the beginning of a record whose writer was killed: it ends where a page does, or with zeros
    /// before that, and the record would have gone on.
    fn by_death(&self, segment: &Segment) -> std::io::Result<bool> {
        let mut end = [0; END.len()];
        segment.file.read_at(&mut end, (self.from + self.bytes).saturating_sub(END.len() as u64))?;
        if end == END {
            // Written to its last byte, and unreadable.
            return Ok(false);
        }
        let used_to = self.from + self.bytes;
        let written_to = used_to.next_multiple_of(Self::PAGE);
        if written_to - used_to > Self::ZEROS_MAX {
            return Ok(false);
        }
        if written_to - self.from < 4 {
            return Ok(true);
        }
        let mut length = [0; 4];
        segment.file.read_at(&mut length, self.from)?;
        let frame = frame::bytes_of(u32::from_le_bytes(length));
        Ok(frame.is_some_and(|frame| self.from + frame > written_to))
    }
}

/// Whether the record that was not there is there now: behind the others, or at the head of the next segment, which
/// was a spare when its header was read.
fn grown(found: &Found, end: &End, last: u64) -> bool {
    let next = last + 1;
    let segment = &found[end.index].0;
    let mut scan = Scan::new(segment.file.clone(), end.offset);
    matches!(scan.step(), Ok(Step::Frame { seq, .. }) if seq == next)
        || found.get(end.index + 1).is_some_and(|(spare, head)| {
            let was_unwritten = written(head).is_none() && spare.ordinal == segment.ordinal + 1;
            let begins = |header: &Header| header.ordinal == spare.ordinal && header.first_seq == next;
            was_unwritten
                && matches!(Header::read(&*spare.file), Ok(Head::Written(ref header)) if begins(header))
        })
}

/// What is behind the last valid record of a segment.
#[derive(Debug, Default)]
struct Rest {
    /// Bytes up to the last that is not zero.
    bytes: u64,
    /// When there are later valid records: the highest sequence number they know to be on disk.
    synced: Option<u64>,
}

impl Rest {
    const CHUNK: usize = 1 << 20;

    fn read(segment: &Segment, from: u64, next: u64) -> std::io::Result<Self> {
        let mut rest = Rest::default();
        let mut buffer = Vec::new();
        let mut at = from;
        loop {
            // Room that was never written need not be read.
            at = match segment.file.next_data(at)? {
                Some(data) => data,
                None => return Ok(rest),
            };
            buffer.resize(Self::CHUNK + FRAME_BYTES_MAX, 0);
            let count = segment.file.read_at(&mut buffer, at)?;
            let bytes = &buffer[..count];
            if let Some(used) = last_used(bytes) {
                rest.bytes = at + used as u64 + 1 - from;
                rest.later_records(&bytes[..=used], next);
            }
            if count < buffer.len() {
                return Ok(rest);
            }
            at += Self::CHUNK as u64;
        }
    }

    /// Looks for valid records at every byte of a chunk.
    fn later_records(&mut self, bytes: &[u8], next: u64) {
        for at in 0..bytes.len().saturating_sub(HEAD_BYTES).min(Self::CHUNK) {
            if let Parsed::Frame(frame) = frame::parse(&bytes[at..])
                && frame.seq >= next
            {
                self.synced = self.synced.max(Some(frame.synced));
            }
        }
    }
}

/// Index of the last byte that is not zero; fast over zeros.
fn last_used(bytes: &[u8]) -> Option<usize> {
    const ZEROS: [u8; 4096] = [0; 4096];
    let mut end = bytes.len();
    for chunk in bytes.rchunks(ZEROS.len()) {
        end -= chunk.len();
        if *chunk != ZEROS[..chunk.len()] {
            return chunk.iter().rposition(|byte| *byte != 0).map(|at| end + at);
        }
    }
    None
}
