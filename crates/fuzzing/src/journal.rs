//! A journal segment: it is read back, or refused; never another history than the one that was written.
//!
//! The first byte says what the rest is:
//!
//! ```text
//! 0  a segment file as it is
//! 1  records, each with a right frame around a payload of any bytes: kind u8 | length u8 | payload
//! 2  changes to a journal that was written: place u16 | what is flipped u8, on a machine that was not restarted
//! 3  the same, on one that was
//! ```
//!
//! What opens is carried on into books, and opens again to the same balances and holds. A journal with flipped bits
//! opens only to what was in it up to some record: on a machine that ran on, to all but the last at least.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use ledger::{
    BalanceId, BalanceName, BoundClass, Evidence, HoldId, Member, SetId, UnknownReason, UpstreamKeyId,
};
use money::Nano;
use store::books::Memory;
use store::{BootId, Durability, OpenError, Options, Record, Recovered, Store};
use tempfile::TempDir;

use crate::shelf::Shelf;

const SEGMENT: &str = "00000000000000000001.journal";
const SEGMENT_BYTES: usize = Options::SEGMENT_BYTES_MIN as usize;
const BOOT: BootId = [7; 16];
const OTHER_BOOT: BootId = [8; 16];
const HEADER_BYTES: usize = 72;

/// One segment.
pub fn run(data: &[u8]) {
    match data {
        [0, file @ ..] => open_twice(BOOT, file.to_vec()),
        [1, records @ ..] => open_twice(BOOT, framed(records)),
        [2, flips @ ..] => flipped(BOOT, flips),
        [3, flips @ ..] => flipped(OTHER_BOOT, flips),
        _ => {}
    }
}

/// The lock of a store is a file, so there is a folder; nothing else is in it.
fn open(shelf: &Shelf, books: &Memory) -> Result<(Store, Recovered), OpenError> {
    thread_local! {
        static FOLDER: TempDir = tempfile::tempdir().expect("a folder");
    }
    let folder: PathBuf = FOLDER.with(|folder| folder.path().to_path_buf());
    let options = Options {
        segment_bytes: SEGMENT_BYTES as u64,
        journal_bytes_max: 64 * SEGMENT_BYTES as u64,
        ..Options::new(Durability::Power)
    };
    Store::open_with(&folder, options, Arc::new(shelf.clone()), Arc::new(books.clone()))
}

fn on_a_shelf(boot_id: BootId, mut file: Vec<u8>) -> Shelf {
    file.resize(file.len().max(SEGMENT_BYTES), 0);
    let shelf = Shelf::new(boot_id);
    shelf.put(SEGMENT, file);
    shelf
}

fn open_twice(boot_id: BootId, file: Vec<u8>) {
    let shelf = on_a_shelf(boot_id, file);
    let books = Memory::new();
    let Ok((store, first)) = open(&shelf, &books) else { return };
    store.flush().expect("what was read back can be carried on");
    store.close().expect("a clean end");
    drop(store);
    let (store, second) = open(&shelf, &books).expect("it opened before");
    assert_eq!((&second.open, second.next_hold), (&first.open, first.next_hold));
    for balance in &second.balances {
        let before = first.balances.iter().find(|row| row.id == balance.id).expect("known before");
        assert_eq!((&balance.name, balance.posted), (&before.name, before.posted));
    }
    store.close().expect("a clean end");
}

/// A right header, and right frames.
fn framed(records: &[u8]) -> Vec<u8> {
    let mut file = b"farebox\x01".to_vec();
    file.extend_from_slice(&2_u32.to_le_bytes());
    file.extend_from_slice(&1_u32.to_le_bytes());
    for number in [1_u64, 1, 0, 0] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    file.extend_from_slice(&BOOT);
    seal(&mut file, 0);
    let (mut rest, mut seq) = (records, 0_u64);
    while let [kind, length, after @ ..] = rest {
        let (payload, after) = after.split_at(usize::from(*length).min(after.len()));
        seq += 1;
        let from = file.len();
        file.extend_from_slice(&u32::try_from(payload.len()).unwrap_or_default().to_le_bytes());
        file.extend_from_slice(&0_u32.to_le_bytes());
        file.extend_from_slice(&seq.to_le_bytes());
        file.push(*kind);
        file.extend_from_slice(payload);
        seal(&mut file, from);
        rest = after;
    }
    file
}

fn seal(file: &mut Vec<u8>, from: usize) {
    let crc = crc32fast::hash(&file[from..]);
    file.extend_from_slice(&crc.to_le_bytes());
    file.extend_from_slice(b"\xF0end");
}

/// A journal as it was written, and what opens from its first records: none, one, and so on to all.
struct Written {
    file: Vec<u8>,
    /// Where its records are.
    records: Vec<Range<usize>>,
    states: Vec<String>,
}

static WRITTEN: LazyLock<Written> = LazyLock::new(|| {
    let count = records(|_| ());
    let file = written(count);
    let end = |count| written(count).iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    let ends: Vec<usize> = (0..=count).map(end).collect();
    let records = ends.windows(2).map(|pair| pair[0]..pair[1]).collect();
    let state = |count| {
        let (store, recovered) =
            open(&on_a_shelf(BOOT, written(count)), &Memory::new()).expect("what was written opens");
        store.close().expect("a clean end");
        told(&recovered)
    };
    Written { file, records, states: (0..=count).map(state).collect() }
});

/// The segment of a store that took so many records and then was killed.
fn written(count: usize) -> Vec<u8> {
    let shelf = Shelf::new(BOOT);
    let (store, _) = open(&shelf, &Memory::new()).expect("a new store");
    let mut at = 0;
    records(|record| {
        at += 1;
        if at <= count {
            let position = store.append(record).expect("a record");
            store.durable(position).wait().expect("on disk");
        }
    });
    let file = shelf.get(SEGMENT).expect("the first segment");
    store.close().expect("a clean end");
    file
}

/// Some history. Calls back with each record; how many there are.
fn records(mut write: impl FnMut(&Record<'_>)) -> usize {
    let all = BalanceName {
        budget: "all".into(),
        window: "day".into(),
        scope: vec![],
        starts_ms: 0,
        ends_ms: Some(86_400_000),
    };
    let scope = vec![("user".to_owned(), "ida".to_owned())];
    let each = BalanceName {
        budget: "each".into(),
        window: "rolling 5h".into(),
        scope,
        starts_ms: 0,
        ends_ms: None,
    };
    let (one, other) = (BalanceId(0), BalanceId(1));
    let (bound, upstream_key) = (Nano::from_cents(10), UpstreamKeyId([7; 8]));
    let hold = |number, at_ms| Record::Hold {
        hold: HoldId(number),
        at_ms,
        bound,
        class: BoundClass::Proven,
        set: SetId(0),
        upstream_key,
        key: "app",
        model: "openai/gpt-4o-mini",
    };
    let settle = |number, at_ms, cost, text| Record::Settle {
        hold: HoldId(number),
        at_ms,
        cost: Nano::from_nanos(cost),
        text,
        evidence: Evidence::Usage,
    };
    let (was, cost) = (Nano::from_nanos(420_000), Nano::from_nanos(500_000));
    let list = [
        Record::Balance { id: one, name: &all, limit: Nano::from_cents(500) },
        Record::Balance { id: other, name: &each, limit: Nano::from_cents(200) },
        Record::Set { id: SetId(0), members: &[Member::plain(one), Member::plain(other)] },
        Record::Clock { at_ms: 900, boot_ms: 50 },
        hold(1, 1_000),
        Record::Generation { hold: HoldId(1), id: "gen-1" },
        settle(1, 2_000, 420_000, "0.00042"),
        hold(2, 2_500),
        Record::Unknown { hold: HoldId(2), at_ms: 2_600, reason: UnknownReason::ClientGone, status: 200 },
        Record::Correct {
            hold: HoldId(1),
            at_ms: 3_000,
            settled_ms: 2_000,
            was,
            cost,
            text: "0.0005",
            evidence: Evidence::Generation,
            set: SetId(0),
        },
        Record::Action { at_ms: 3_500, who: "ida", what: "looked" },
        hold(3, 4_000),
        settle(3, 5_000, 0, ""),
    ];
    list.iter().for_each(&mut write);
    list.len()
}

fn told(recovered: &Recovered) -> String {
    format!("{:?} {:?} {}", recovered.balances, recovered.open, recovered.next_hold)
}

fn flipped(boot_id: BootId, flips: &[u8]) {
    let written = &*WRITTEN;
    let mut file = written.file.clone();
    let end = written.records.last().map_or(HEADER_BYTES, |last| last.end);
    for flip in flips.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([flip[0], flip[1]])) % (end + 64);
        file[place] ^= flip[2];
    }
    let is_whole = file == written.file;
    let is_touched = |range: &Range<usize>| file[range.clone()] != written.file[range.clone()];
    let touched: Vec<bool> = written.records.iter().map(is_touched).collect();
    let (store, recovered) = match open(&on_a_shelf(boot_id, file), &Memory::new()) {
        Ok(opened) => opened,
        Err(error) => {
            assert!(!is_whole, "a journal as it was written is refused: {error}");
            return;
        }
    };
    store.close().expect("a clean end");
    let told = told(&recovered);
    // From the longest on: some records change nothing that is remembered.
    let found = written.states.iter().rposition(|state| *state == told).expect("a history that was written");
    let all = written.states.len() - 1;
    assert!(!is_whole || found == all, "records are missing from a journal as it was written");
    assert!(boot_id != BOOT || found + 1 >= all, "{} records went without a word", all - found);
    // Each was on disk for certain before the next was written, and says so: a later one that is whole tells of it.
    assert!(touched[found..].iter().all(|touched| *touched), "records went, and a later one is whole");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise everything above would pass by being refused.
    #[test]
    fn the_histories_of_the_corpus_open() {
        for (name, holds) in [("records", 1), ("records_straddle", 0), ("records_rolling", 0), ("file", 1)] {
            let path = format!("{}/../../fuzz/corpus/journal/{name}", env!("CARGO_MANIFEST_DIR"));
            let data = std::fs::read(path).expect("a file of the corpus");
            let file = if data[0] == 0 { data[1..].to_vec() } else { framed(&data[1..]) };
            let (store, recovered) = open(&on_a_shelf(BOOT, file), &Memory::new()).expect(name);
            store.close().expect("a clean end");
            assert_eq!(recovered.open.len(), holds, "{name}");
            assert!(recovered.next_hold > 1, "{name}");
        }
        assert_eq!(WRITTEN.states.len(), records(|_| ()) + 1);
    }
}
