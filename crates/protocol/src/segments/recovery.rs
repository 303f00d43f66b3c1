//! A power cut, and a start: the longest prefix behind the books, and a verdict on what follows it.

use super::FileRule;
use super::journal::{Disk, Segment};

/// What a power cut leaves of a file beyond what was synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rest {
    /// Nothing.
    Nothing,
    /// All of it.
    All,
    /// Of two records the later.
    Later,
}

impl Rest {
    pub(super) const ALL: [Rest; 3] = [Rest::Nothing, Rest::All, Rest::Later];

    fn keeps(self, at: usize, count: usize) -> bool {
        match self {
            Rest::Nothing => false,
            Rest::All => true,
            Rest::Later => at + 1 == count,
        }
    }
}

/// Why a start refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged;

impl Disk {
    /// The power goes. `rests`: one for each file; `is_posted`: whether the books kept what was posted.
    pub(super) fn cut(&mut self, rests: &[Rest], is_posted: bool) {
        for (segment, rest) in self.segments.iter_mut().zip(rests) {
            let count = segment.records.len();
            for at in usize::from(segment.synced)..count {
                if !rest.keeps(at, count) {
                    segment.records[at] = None;
                }
            }
        }
        // A file without its header holds nothing that can be read.
        self.segments
            .retain(|segment| segment.is_header_synced || segment.records.iter().any(Option::is_some));
        self.books.posted.truncate(if is_posted { usize::MAX } else { usize::from(self.books.durable) });
        self.books.durable = self.posted();
        for segment in &mut self.segments {
            // What can be read after a reboot is on disk.
            segment.sync();
        }
    }

    /// Reads back, judges, puts what was found on disk, and begins a segment.
    pub(super) fn start(&mut self, off: Option<FileRule>, is_same_boot: bool) -> Result<(), Damaged> {
        let posted = self.posted();
        let start = self.segments.iter().rposition(|segment| segment.first <= posted + 1).ok_or(Damaged)?;
        let (end, last) = self.read(off, start);
        self.judge(end, last, is_same_boot)?;
        if is_same_boot && last < posted {
            return Err(Damaged);
        }
        self.segments.truncate(end + 1);
        let left = usize::from(last + 1 - self.segments[end].first.min(last + 1));
        self.segments[end].records.truncate(left);
        let synced_from = if off == Some(FileRule::ShippedSegmentsUnsynced) { start } else { 0 };
        self.segments.iter_mut().skip(synced_from).for_each(Segment::sync);
        self.segments.iter_mut().for_each(|segment| segment.is_own = false);
        self.last = last.max(posted);
        self.known = self.last;
        self.process += 1;
        self.segments.push(Segment::begin(self.last + 1, self.last, true));
        Ok(())
    }

    /// The segment in which the valid records end, and the last of them.
    fn read(&self, off: Option<FileRule>, start: usize) -> (usize, u8) {
        let mut end = (start, self.segments[start].first - 1);
        for (at, segment) in self.segments.iter().enumerate().skip(start) {
            let follows = segment.first == end.1 + 1 || off == Some(FileRule::GapAccepted);
            if at > start && !follows {
                break;
            }
            let valid = segment.records.iter().take_while(|record| record.is_some()).count();
            end = (at, segment.first - 1 + u8::try_from(valid).expect("a segment is short"));
        }
        end
    }

    /// Whether anything behind the end proves that the missing record was once on disk.
    fn judge(&self, end: usize, last: u8, is_same_boot: bool) -> Result<(), Damaged> {
        let missing = last + 1;
        for (at, segment) in self.segments.iter().enumerate().skip(end) {
            let numbers = segment.first..;
            let later = segment.records.iter().zip(numbers).filter(|(_, number)| *number >= missing);
            let claims = later.filter_map(|(record, _)| record.map(|record| record.claim));
            let claimed = claims.chain((at > end).then_some(segment.claim)).max();
            if claimed.is_some_and(|claim| is_same_boot || claim >= missing) {
                return Err(Damaged);
            }
        }
        Ok(())
    }
}
