//! One file of the journal: its name, its header, and reading its frames in order.
//!
//! ```text
//! magic 8 | version u32 | durability (1 bit) and size in KiB (31 bits) | ordinal u64 | first sequence u64 |
//! first position u64 | synced u64 | boot id 16 (zero: unknown) | crc32 u32 | END u32      then frames, then zeros
//! ```
//!
//! Version 1 did not know its size.
//!
//! Segments are named by their ordinal, which grows by one. The header is written when the segment comes into
//! use; a file of zeros is a spare. A segment ends where the next one begins: at the record before its first.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Durability;
use crate::disk::{BootId, DiskFile};
use crate::frame::{self, END, FRAME_BYTES_MAX, Parsed, u32_at, u64_at};

/// Bytes before the first frame.
pub(crate) const HEADER_BYTES: u64 = 72;
/// The format written, and the newest one read.
pub(crate) const VERSION: u32 = 2;

const MAGIC: [u8; 8] = *b"farebox\x01";
const EXTENSION: &str = ".journal";

const _: () = assert!(crate::Options::SEGMENT_BYTES_MIN >= HEADER_BYTES + FRAME_BYTES_MAX as u64);

/// The file name of a segment.
pub(crate) fn path(dir: &Path, ordinal: u64) -> PathBuf {
    dir.join(format!("{ordinal:020}{EXTENSION}"))
}

/// The ordinal in a file name, when it is a segment's.
pub(crate) fn ordinal(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(EXTENSION)?;
    if digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// What a segment says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) durability: Durability,
    pub(crate) ordinal: u64,
    /// Sequence number of the first record that is or will be in it.
    pub(crate) first_seq: u64,
    /// Bytes of records in all segments before it.
    pub(crate) first_position: u64,
    /// The highest sequence number known to be on disk when the header was written.
    pub(crate) synced: u64,
    pub(crate) boot_id: Option<BootId>,
    /// How long the file was made, in bytes, rounded down to KiB; 0: unknown. It is not shorter until the journal is
    /// closed.
    pub(crate) reserved: u64,
}

/// What the first bytes of a segment file are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    Written(Header),
    Blank,
    TooNew(u32),
    Bad(&'static str),
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES as usize] {
        let mut bytes = Vec::with_capacity(HEADER_BYTES as usize);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        let kib = u32::try_from(self.reserved >> 10).unwrap_or(u32::MAX).min(u32::MAX >> 1);
        let durability = u32::from(self.durability == Durability::Power);
        bytes.extend_from_slice(&(durability | kib << 1).to_le_bytes());
        for number in [self.ordinal, self.first_seq, self.first_position, self.synced] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.boot_id.unwrap_or_default());
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.extend_from_slice(&END);
        let mut header = [0; HEADER_BYTES as usize];
        header.copy_from_slice(&bytes);
        header
    }

    pub(crate) fn parse(bytes: &[u8]) -> Head {
        if bytes.iter().all(|byte| *byte == 0) {
            return Head::Blank;
        }
        if bytes.len() < HEADER_BYTES as usize {
            return Head::Bad("shorter than a header");
        }
        if bytes[..8] != MAGIC {
            return Head::Bad("not a journal segment");
        }
        let version = u32_at(bytes, 8);
        if version > VERSION {
            return Head::TooNew(version);
        }
        if bytes[68..72] != END || u32_at(bytes, 64) != crc32fast::hash(&bytes[..64]) {
            return Head::Bad("header with a wrong checksum");
        }
        let mut boot_id = BootId::default();
        boot_id.copy_from_slice(&bytes[48..64]);
        let word = u32_at(bytes, 12);
        let header = Header {
            durability: if word & 1 == 1 { Durability::Power } else { Durability::Process },
            reserved: u64::from(word >> 1) << 10,
            ordinal: u64_at(bytes, 16),
            first_seq: u64_at(bytes, 24),
            first_position: u64_at(bytes, 32),
            synced: u64_at(bytes, 40),
            boot_id: (boot_id != BootId::default()).then_some(boot_id),
        };
        if header.first_seq == 0 || header.synced >= header.first_seq {
            return Head::Bad("header with an impossible sequence number");
        }
        Head::Written(header)
    }

    pub(crate) fn read(file: &dyn DiskFile) -> io::Result<Head> {
        let mut bytes = [0; HEADER_BYTES as usize];
        let count = file.read_at(&mut bytes, 0)?;
        Ok(Self::parse(&bytes[..count]))
    }
}

/// Reads frames one after the other.
#[derive(Debug)]
pub(crate) struct Scan {
    file: Arc<dyn DiskFile>,
    buffer: Vec<u8>,
    /// Offset in the file of `buffer[0]`.
    base: u64,
    /// Where in `buffer` the next frame starts.
    at: usize,
    filled: usize,
    at_end: bool,
}

/// What a scan met at `offset`.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    Frame { offset: u64, seq: u64, kind: u8, payload: &'a [u8] },
    Blank { offset: u64 },
    Bad { offset: u64, what: &'static str },
}

impl Scan {
    const BUFFER_BYTES: usize = 256 << 10;

    pub(crate) fn new(file: Arc<dyn DiskFile>, offset: u64) -> Self {
        Self { file, buffer: Vec::new(), base: offset, at: 0, filled: 0, at_end: false }
    }

    /// Goes on elsewhere, with nothing read ahead; the buffer stays.
    pub(crate) fn restart(&mut self, file: Arc<dyn DiskFile>, offset: u64) {
        *self = Self { buffer: std::mem::take(&mut self.buffer), ..Self::new(file, offset) };
    }

    /// The offset of the next frame.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The next frame. After `Blank` or `Bad` it stays where it is.
    pub(crate) fn step(&mut self) -> io::Result<Step<'_>> {
        self.fill()?;
        let offset = self.offset();
        let start = self.at;
        Ok(match frame::parse(&self.buffer[start..self.filled]) {
            Parsed::Blank => Step::Blank { offset },
            Parsed::Bad(what) => Step::Bad { offset, what },
            Parsed::Frame(found) => {
                self.at += found.bytes;
                let payload = &self.buffer[start + found.payload.start..start + found.payload.end];
                Step::Frame { offset, seq: found.seq, kind: found.kind, payload }
            }
        })
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.at_end || self.filled - self.at >= FRAME_BYTES_MAX {
            return Ok(());
        }
        self.buffer.resize(Self::BUFFER_BYTES, 0);
        self.buffer.copy_within(self.at..self.filled, 0);
        self.base += self.at as u64;
        self.filled -= self.at;
        self.at = 0;
        let count = self.file.read_at(&mut self.buffer[self.filled..], self.base + self.filled as u64)?;
        self.at_end = count < self.buffer.len() - self.filled;
        self.filled += count;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            durability: Durability::Power,
            ordinal: 3,
            first_seq: 40,
            first_position: 5_000,
            synced: 39,
            boot_id: Some([7; 16]),
            reserved: 64 << 20,
        }
    }

    #[test]
    fn headers_are_read_back_and_every_flipped_bit_is_noticed() {
        let other = Header { durability: Durability::Process, boot_id: None, reserved: 0, ..header() };
        for header in [header(), other] {
            let bytes = header.encode();
            assert_eq!(Header::parse(&bytes), Head::Written(header));
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes;
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(!matches!(Header::parse(&flipped), Head::Written(_) | Head::Blank), "bit {bit}");
            }
        }
        assert_eq!(Header::parse(&[0; 72]), Head::Blank);
        assert_eq!(Header::parse(&[]), Head::Blank);
    }

    #[test]
    fn names_and_ordinals_agree() {
        let path = path(Path::new("j"), 12);
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(name, "00000000000000000012.journal");
        assert_eq!(ordinal(name), Some(12));
        for name in ["12.journal", "00000000000000000012.journal~", "x0000000000000000012.journal", ""] {
            assert_eq!(ordinal(name), None, "{name}");
        }
    }
}
