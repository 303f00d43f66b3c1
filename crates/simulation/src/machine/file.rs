//! [`File`]: a file as programs see it, and as much of it as is on the disk.
//!
//! A write changes what programs see. A sync puts it on the disk. A power cut leaves of every page that was not synced
//! what it was, what it became, what it was in between, or a mixture of its sectors.

use fastrand::Rng;

/// What the system writes at a time.
pub(super) const PAGE: u64 = 4096;
/// What the disk writes at a time.
const SECTOR: usize = 512;

/// Whether the disk has a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Synced,
    Written,
    /// Its sync failed: the system takes it for synced, and nobody knows what is on the disk.
    Dropped,
}

#[derive(Debug)]
pub(super) struct File {
    /// What programs see.
    bytes: Vec<u8>,
    /// What a power cut leaves at the least; as long as the file ever was.
    disk: Vec<u8>,
    length_on_disk: usize,
    pages: Vec<Page>,
    /// Where the writes since the last sync ended.
    ends: Vec<u64>,
    /// Where the last write that was not of zeros ended, unless zeros were written over it.
    written: u64,
    synced: u64,
    /// Bytes from here on were never written.
    untouched: u64,
}

impl File {
    /// All zeros, on the disk.
    pub(super) fn new(bytes: u64) -> Self {
        let bytes = usize::try_from(bytes).expect("a file fits into memory");
        Self {
            bytes: vec![0; bytes],
            disk: vec![0; bytes],
            length_on_disk: bytes,
            pages: vec![Page::Synced; bytes.div_ceil(PAGE as usize)],
            ends: Vec::new(),
            written: 0,
            synced: 0,
            untouched: 0,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the disk has everything that was written, as far as anybody can tell.
    pub(super) fn is_synced(&self) -> bool {
        self.synced >= self.written
    }

    /// How far it is on the disk.
    pub(super) fn synced(&self) -> u64 {
        self.synced
    }

    /// The first byte from `offset` on that may have been written.
    pub(super) fn next_data(&self, offset: u64) -> Option<u64> {
        (offset < self.untouched.min(self.bytes.len() as u64)).then_some(offset)
    }

    /// Writes; `is_blank`: nothing but zeros.
    pub(super) fn write(&mut self, bytes: &[u8], offset: u64, is_blank: bool) {
        let end = offset + bytes.len() as u64;
        let (from, to) = (offset as usize, end as usize);
        if self.bytes.len() < to {
            self.bytes.resize(to, 0);
            self.disk.resize(self.disk.len().max(to), 0);
            self.pages.resize(to.div_ceil(PAGE as usize), Page::Synced);
        }
        self.bytes[from..to].copy_from_slice(bytes);
        let pages = from / PAGE as usize..to.div_ceil(PAGE as usize);
        self.pages[pages].fill(Page::Written);
        self.ends.push(end);
        self.untouched = self.untouched.max(end);
        if !is_blank {
            self.written = self.written.max(end);
        } else if offset < self.written && end >= self.written {
            self.written = offset;
            self.synced = self.synced.min(offset);
        }
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.bytes.len());
        let count = buffer.len().min(self.bytes.len() - from);
        buffer[..count].copy_from_slice(&self.bytes[from..from + count]);
        count
    }

    pub(super) fn set_len(&mut self, bytes: u64) {
        self.bytes.resize(bytes as usize, 0);
        self.disk.resize(self.disk.len().max(bytes as usize), 0);
        self.pages.resize(self.disk.len().div_ceil(PAGE as usize), Page::Synced);
    }

    /// Puts all of it on the disk.
    pub(super) fn sync(&mut self) {
        for page in 0..self.pages.len() {
            if self.pages[page] == Page::Written {
                self.settle_page(page, |new, old| old.copy_from_slice(new));
                self.pages[page] = Page::Synced;
            }
        }
        self.length_on_disk = self.bytes.len();
        self.ends.clear();
        self.synced = self.written;
    }

    /// A sync fails; what it should have written is never tried again.
    pub(super) fn fail_sync(&mut self) {
        let written = self.pages.iter_mut().filter(|page| **page == Page::Written);
        written.for_each(|page| *page = Page::Dropped);
    }

    /// The power goes. What is left is what programs see from now on.
    pub(super) fn cut(&mut self, rng: &mut Rng) {
        if self.bytes.len() == self.length_on_disk && self.pages.iter().all(|page| *page == Page::Synced) {
            return;
        }
        let mood = rng.u8(0..4);
        for page in 0..self.pages.len() {
            if self.pages[page] == Page::Synced {
                continue;
            }
            match if mood < 2 { mood } else { rng.u8(0..4) } {
                0 => {}
                1 => self.settle_page(page, |new, old| old.copy_from_slice(new)),
                2 => self.settle_between(page, rng),
                _ => self.settle_page(page, |new, old| {
                    for (new, old) in new.chunks(SECTOR).zip(old.chunks_mut(SECTOR)) {
                        if rng.bool() {
                            old.copy_from_slice(new);
                        }
                    }
                }),
            }
        }
        if self.bytes.len() == self.length_on_disk || rng.bool() {
            self.length_on_disk = self.bytes.len();
        }
        self.disk.resize(self.disk.len().max(self.length_on_disk), 0);
        self.bytes = self.disk[..self.length_on_disk].to_vec();
        self.pages = vec![Page::Synced; self.disk.len().div_ceil(PAGE as usize)];
        self.ends.clear();
        self.written = self.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at as u64 + 1);
        self.synced = self.written;
    }

    /// Flips a bit, on the disk too.
    pub(super) fn flip(&mut self, offset: u64, bit: u8) {
        self.bytes[offset as usize] ^= 1 << bit;
        self.disk[offset as usize] ^= 1 << bit;
    }

    /// The page was written out after one of the writes since the last sync.
    fn settle_between(&mut self, page: usize, rng: &mut Rng) {
        let from = page as u64 * PAGE;
        let inside: Vec<u64> =
            self.ends.iter().copied().filter(|end| (from..from + PAGE).contains(end)).collect();
        let kept = rng.choice(inside).map_or(0, |end| (end - from) as usize);
        self.settle_page(page, |new, old| {
            let kept = kept.min(new.len());
            old[..kept].copy_from_slice(&new[..kept]);
        });
    }

    /// Changes a page on the disk, knowing what programs see of it.
    fn settle_page(&mut self, page: usize, change: impl FnOnce(&[u8], &mut [u8])) {
        let from = page * PAGE as usize;
        let to = (from + PAGE as usize).min(self.bytes.len());
        if from < to {
            change(&self.bytes[from..to], &mut self.disk[from..to]);
        }
    }
}
