//! The journal as the auditor reads it: by its own reading of the format (store's `frame`, `record` and `segment` say
//! what it is), off the bytes that were written, so that what it believes does not come from the code it checks.

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Balance { id: u32, name: Name, limit: i64 },
    Set { id: u32, members: Vec<Member> },
    Hold { hold: u64, at_ms: i64, bound: i64, set: u32, key: [u8; 8] },
    Generation { hold: u64 },
    Unknown { hold: u64, at_ms: i64 },
    Settle { hold: u64, at_ms: i64, cost: i64, evidence: u8, text: String },
    Correct { hold: u64, at_ms: i64, settled_ms: i64, was: i64, cost: i64 },
    Clock,
    Action,
}

/// What a balance counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) budget: String,
    pub(super) window: String,
    pub(super) values: Vec<String>,
    pub(super) starts_ms: i64,
    pub(super) ends_ms: Option<i64>,
}

/// A balance of a set, and the instants whose costs it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) balance: u32,
    pub(super) from_ms: Option<i64>,
    pub(super) until_ms: Option<i64>,
}

impl Member {
    pub(super) fn takes(&self, at_ms: i64) -> bool {
        self.from_ms.is_none_or(|from| at_ms >= from) && self.until_ms.is_none_or(|until| at_ms < until)
    }
}

/// What was written in one go.
pub(super) enum Written {
    /// The header of a segment: its first record will have this number.
    Header { first_seq: u64 },
    /// A record and its number.
    Record { seq: u64, entry: Entry },
    /// Nothing whole.
    Nothing,
}

const MAGIC: &[u8] = b"farebox\x01";
const HEADER_BYTES: u64 = 72;
const HEAD: usize = 17;
const TAIL: usize = 8;

/// Reads what was written at a place of a segment.
pub(super) fn read(offset: u64, bytes: &[u8]) -> Result<Written, String> {
    if offset == 0 {
        let whole = bytes.len() as u64 >= HEADER_BYTES && bytes.starts_with(MAGIC);
        let first = || u64::from_le_bytes(bytes[24..32].try_into().unwrap_or_default());
        return Ok(if whole { Written::Header { first_seq: first() } } else { Written::Nothing });
    }
    let mut head = Bytes(bytes);
    let Some(length) = head.u32() else { return Ok(Written::Nothing) };
    let whole = HEAD + length as usize + TAIL;
    if length == 0 || bytes.len() != whole || bytes[whole - 4..] != *b"\xF0end" {
        return Ok(Written::Nothing);
    }
    let mut rest = Bytes(&bytes[8..whole - TAIL]);
    let unreadable = || format!("a record that cannot be read: {bytes:?}");
    let seq = rest.u64().ok_or_else(unreadable)?;
    let kind = rest.u8().ok_or_else(unreadable)?;
    let entry = entry(kind, &mut rest).ok_or_else(unreadable)?;
    if rest.0.is_empty() { Ok(Written::Record { seq, entry }) } else { Err(unreadable()) }
}

fn entry(kind: u8, bytes: &mut Bytes<'_>) -> Option<Entry> {
    Some(match kind {
        1 => {
            let (id, limit, starts_ms) = (bytes.u32()?, bytes.i64()?, bytes.i64()?);
            let (ends, at) = (bytes.u8()?, bytes.i64()?);
            let (budget, window) = (bytes.text()?, bytes.text()?);
            let mut values = Vec::new();
            for _ in 0..bytes.u16()? {
                bytes.text()?;
                values.push(bytes.text()?);
            }
            let name = Name { budget, window, values, starts_ms, ends_ms: (ends == 1).then_some(at) };
            Entry::Balance { id, name, limit }
        }
        3 => {
            let hold = bytes.u64()?;
            bytes.text()?;
            Entry::Generation { hold }
        }
        4 => {
            let (hold, at_ms) = (bytes.u64()?, bytes.i64()?);
            bytes.u8()?;
            bytes.u16()?;
            Entry::Unknown { hold, at_ms }
        }
        5 => Entry::Settle {
            hold: bytes.u64()?,
            at_ms: bytes.i64()?,
            cost: bytes.i64()?,
            evidence: bytes.u8()?,
            text: bytes.text()?,
        },
        6 => {
            let id = bytes.u32()?;
            let count = bytes.u16()?;
            Entry::Set { id, members: (0..count).map(|_| member(bytes)).collect::<Option<_>>()? }
        }
        7 => {
            let (hold, at_ms, bound) = (bytes.u64()?, bytes.i64()?, bytes.i64()?);
            bytes.u8()?;
            let (set, key) = (bytes.u32()?, bytes.u64()?.to_le_bytes());
            bytes.text()?;
            bytes.text()?;
            Entry::Hold { hold, at_ms, bound, set, key }
        }
        8 => {
            let (hold, at_ms, settled_ms) = (bytes.u64()?, bytes.i64()?, bytes.i64()?);
            let (was, cost) = (bytes.i64()?, bytes.i64()?);
            bytes.u8()?;
            bytes.u32()?;
            bytes.text()?;
            Entry::Correct { hold, at_ms, settled_ms, was, cost }
        }
        9 => {
            bytes.i64()?;
            bytes.i64()?;
            Entry::Clock
        }
        10 => {
            bytes.i64()?;
            bytes.text()?;
            bytes.text()?;
            Entry::Action
        }
        _ => return None,
    })
}

fn member(bytes: &mut Bytes<'_>) -> Option<Member> {
    let (balance, flags) = (bytes.u32()?, bytes.u8()?);
    let mut bound = |is_there: bool| if is_there { bytes.i64().map(Some) } else { Some(None) };
    Some(Member { balance, from_ms: bound(flags & 1 != 0)?, until_ms: bound(flags & 2 != 0)? })
}

/// Bytes, read from the front, little endian.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let length = self.u16()?;
        String::from_utf8(self.take(usize::from(length))?.to_vec()).ok()
    }
}
