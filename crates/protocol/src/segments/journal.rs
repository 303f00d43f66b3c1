//! [`Disk`]: the segments, how much of them is certain, and the books.

use super::{CAPACITY, FileRule, RECORDS};

/// One file of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Segment {
    /// The number of its first record.
    pub(super) first: u8,
    /// Its records: by which process each was written, and what that knew to be on disk. `None`: lost.
    pub(super) records: Vec<Option<Record>>,
    /// How many of them are certain to be on disk.
    pub(super) synced: u8,
    /// Whether its header is.
    pub(super) is_header_synced: bool,
    /// What was known to be on disk when it came into use.
    pub(super) claim: u8,
    /// An open hold began in it.
    pub(super) is_pinned: bool,
    /// The process that lives writes to it, or has.
    pub(super) is_own: bool,
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Record {
    pub(super) process: u8,
    pub(super) claim: u8,
}

/// The books: the processes that wrote the records posted, and how many are durable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Books {
    pub(super) posted: Vec<u8>,
    pub(super) durable: u8,
}

/// The disk, and what the process that lives knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Disk {
    /// Oldest first.
    pub(super) segments: Vec<Segment>,
    pub(super) books: Books,
    /// The last record written.
    pub(super) last: u8,
    /// What is known to be on disk.
    pub(super) known: u8,
    /// Which process lives or lived last.
    pub(super) process: u8,
}

impl Segment {
    pub(super) fn begin(first: u8, claim: u8, is_synced: bool) -> Self {
        Segment {
            first,
            records: Vec::new(),
            synced: 0,
            is_header_synced: is_synced,
            claim,
            is_pinned: false,
            is_own: true,
        }
    }

    pub(super) fn count(&self) -> u8 {
        u8::try_from(self.records.len()).expect("a segment is short")
    }

    pub(super) fn sync(&mut self) {
        self.synced = self.count();
        self.is_header_synced = true;
    }
}

impl Disk {
    pub(super) fn new(is_pinned: bool) -> Self {
        let first = Segment { is_pinned, ..Segment::begin(1, 0, true) };
        Disk { segments: vec![first], books: Books::default(), last: 0, known: 0, process: 0 }
    }

    pub(super) fn posted(&self) -> u8 {
        u8::try_from(self.books.posted.len()).expect("there are few records")
    }

    pub(super) fn may_append(&self) -> bool {
        usize::from(self.last) < RECORDS
    }

    pub(super) fn append(&mut self) {
        let is_full = self.segments.last().is_none_or(|segment| segment.count() >= CAPACITY);
        if is_full {
            self.segments.push(Segment::begin(self.last + 1, self.known, false));
        }
        let record = Record { process: self.process, claim: self.known };
        self.segments.last_mut().expect("there is one").records.push(Some(record));
        self.last += 1;
    }

    pub(super) fn sync(&mut self, off: Option<FileRule>) {
        let place = self.segments.len() - 1;
        for (at, segment) in self.segments.iter_mut().enumerate().filter(|(_, segment)| segment.is_own) {
            let is_left_out = match off {
                Some(FileRule::ToldBeforeSynced) => true,
                Some(FileRule::FullSegmentsUnsynced) => at != place,
                _ => false,
            };
            if !is_left_out {
                segment.sync();
            }
        }
        self.known = self.last;
    }

    pub(super) fn ship(&mut self) {
        let next = self.posted() + 1;
        let at = self.segments.iter().rposition(|segment| segment.first <= next);
        let segment = &self.segments[at.expect("what is not in the books stays")];
        let record = segment.records[usize::from(next - segment.first)].expect("it was read back or written");
        self.books.posted.push(record.process);
    }

    /// The first segment that may go: wholly before the last record posted, and no open hold began in it.
    pub(super) fn disposable(&self) -> Option<usize> {
        let at = self.segments.iter().rposition(|segment| segment.first <= self.posted())?;
        self.segments[..at].iter().position(|segment| !segment.is_pinned)
    }

    /// Where the next start begins is on disk first, then the books, then the segment goes.
    pub(super) fn let_go(&mut self, off: Option<FileRule>, place: usize) {
        if off != Some(FileRule::SegmentGoesEarly) {
            let posted = self.posted();
            let at = self.segments.iter().rposition(|segment| segment.first <= posted);
            self.segments[at.expect("one is after it")].sync();
            self.books.durable = posted;
        }
        self.segments.remove(place);
    }
}
