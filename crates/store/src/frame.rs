//! The frame around each record: length, sequence number, kind, checksum.
//!
//! ```text
//! payload length u32 | unsynced u32 | sequence u64 | kind u8 | payload | crc32 u32 | END u32      (little endian)
//! ```
//!
//! `unsynced` says how many records before this one were not known to be on disk when it was written. After a
//! power cut it tells lawful loss (the unsynced end of the file, in any order) from damage to what was on disk.
//! `END` is never zero: the bytes of a frame end where its last byte that is not zero is.

use std::ops::Range;

/// Bytes before the payload.
pub(crate) const HEAD_BYTES: usize = 17;
/// Bytes after the payload.
pub(crate) const TAIL_BYTES: usize = 8;
/// The longest payload.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 16 << 10;
/// The longest frame.
pub(crate) const FRAME_BYTES_MAX: usize = HEAD_BYTES + PAYLOAD_BYTES_MAX + TAIL_BYTES;
/// The last bytes of every frame.
pub(crate) const END: [u8; 4] = *b"\xF0end";

const _: () = assert!(END[0] != 0 && END[3] != 0, "a written end is never zero");

/// How long a frame is whose payload says it has so many bytes; `None`: no frame says that.
pub(crate) fn bytes_of(payload: u32) -> Option<u64> {
    let payload = payload as usize;
    (1..=PAYLOAD_BYTES_MAX).contains(&payload).then_some((HEAD_BYTES + payload + TAIL_BYTES) as u64)
}

/// A valid frame, without its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) seq: u64,
    /// The highest sequence number known to be on disk when this was written.
    pub(crate) synced: u64,
    pub(crate) kind: u8,
    /// Where the payload is in the bytes that were parsed.
    pub(crate) payload: Range<usize>,
    /// Bytes of the whole frame.
    pub(crate) bytes: usize,
}

/// What stands at the start of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Frame(Frame),
    /// Zeros, or too few bytes for any frame and all of them zero: nothing was written here.
    Blank,
    /// Something else.
    Bad(&'static str),
}

/// Starts a frame at the end of `buffer`; the payload follows, then [`end`].
pub(crate) fn begin(buffer: &mut Vec<u8>, seq: u64, synced: u64, kind: u8) {
    debug_assert!(synced < seq, "a record cannot be on disk before it is written");
    let unsynced = u32::try_from(seq - 1 - synced).unwrap_or(u32::MAX);
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&unsynced.to_le_bytes());
    buffer.extend_from_slice(&seq.to_le_bytes());
    buffer.push(kind);
}

/// Ends the one frame in `buffer`. False when its payload is too long.
#[must_use]
pub(crate) fn end(buffer: &mut Vec<u8>) -> bool {
    let payload = buffer.len() - HEAD_BYTES;
    if payload > PAYLOAD_BYTES_MAX {
        return false;
    }
    buffer[..4].copy_from_slice(&(payload as u32).to_le_bytes());
    let crc = crc32fast::hash(buffer);
    buffer.extend_from_slice(&crc.to_le_bytes());
    buffer.extend_from_slice(&END);
    true
}

/// What stands at the start of `bytes`, which reach to the end of the segment or at least [`FRAME_BYTES_MAX`] far.
pub(crate) fn parse(bytes: &[u8]) -> Parsed {
    let Some(head) = bytes.get(..HEAD_BYTES) else {
        let blank = bytes.iter().all(|byte| *byte == 0);
        return if blank { Parsed::Blank } else { Parsed::Bad("too short for a record") };
    };
    if head.iter().all(|byte| *byte == 0) {
        return Parsed::Blank;
    }
    let payload = u32_at(head, 0) as usize;
    if payload > PAYLOAD_BYTES_MAX {
        return Parsed::Bad("impossible length");
    }
    let bytes_whole = HEAD_BYTES + payload + TAIL_BYTES;
    let Some(frame) = bytes.get(..bytes_whole) else {
        return Parsed::Bad("record runs over the end");
    };
    let (body, tail) = frame.split_at(HEAD_BYTES + payload);
    if tail[4..] != END {
        return Parsed::Bad("record without its end");
    }
    if u32_at(tail, 0) != crc32fast::hash(body) {
        return Parsed::Bad("wrong checksum");
    }
    let seq = u64_at(head, 8);
    let unsynced = u64::from(u32_at(head, 4));
    if seq == 0 || unsynced >= seq {
        return Parsed::Bad("impossible sequence number");
    }
    Parsed::Frame(Frame {
        seq,
        // A count at its ceiling says nothing; it then claims that nothing was synced.
        synced: if unsynced == u64::from(u32::MAX) { 0 } else { seq - 1 - unsynced },
        kind: head[16],
        payload: HEAD_BYTES..HEAD_BYTES + payload,
        bytes: bytes_whole,
    })
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut value = [0; 4];
    value.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(value)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut value = [0; 8];
    value.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::new();
        begin(&mut buffer, 9, 6, 3);
        buffer.extend_from_slice(payload);
        assert!(end(&mut buffer));
        buffer
    }

    #[test]
    fn a_frame_is_read_back_as_written() {
        for length in [0, 1, 17, 1000, PAYLOAD_BYTES_MAX] {
            let bytes = frame(&vec![0xAB; length]);
            let Parsed::Frame(found) = parse(&bytes) else { panic!("{length}") };
            assert_eq!((found.seq, found.synced, found.kind, found.bytes), (9, 6, 3, bytes.len()));
            assert_eq!(found.payload.len(), length);
        }
    }

    #[test]
    fn a_payload_beyond_the_limit_is_refused() {
        let mut buffer = Vec::new();
        begin(&mut buffer, 1, 0, 1);
        buffer.resize(HEAD_BYTES + PAYLOAD_BYTES_MAX + 1, 7);
        assert!(!end(&mut buffer));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let whole = frame(b"what the fare was");
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(parse(&bytes), Parsed::Frame(_)), "bit {bit}");
        }
        for cut in 1..whole.len() {
            let mut bytes = whole.clone();
            bytes[cut..].fill(0);
            bytes.resize(whole.len() + 100, 0);
            assert!(matches!(parse(&bytes), Parsed::Bad(_)), "cut at {cut}");
        }
    }

    #[test]
    fn nothing_written_is_blank() {
        assert_eq!(parse(&[]), Parsed::Blank);
        assert_eq!(parse(&[0; 5]), Parsed::Blank);
        assert_eq!(parse(&[0; 4000]), Parsed::Blank);
    }
}
