//! Torn ends, cut files, flipped bits: the valid prefix or an error that names the place, never silent loss.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use store::{Durability, Store, read};

use crate::story::{copy, damaged, declare, held, hold, journal_only, name, open, options, segments, settle};

/// A crashed folder with ten holds in one segment, and the byte offset behind each record.
fn crashed() -> (tempfile::TempDir, PathBuf, Vec<u64>) {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), journal_only());
    declare(&store, 0);
    for id in 1..=10 {
        hold(&store, id).unwrap();
    }
    drop(store);
    let segment = segments(dir.path()).pop().unwrap();
    let bytes = fs::read(&segment).unwrap();
    let ends = memmem(&bytes, b"\xF0end").into_iter().map(|at| at as u64 + 4).collect::<Vec<_>>();
    assert_eq!(ends.len(), 13, "a header, a balance, a set and ten holds");
    (dir, segment, ends)
}

fn memmem(bytes: &[u8], what: &[u8]) -> Vec<usize> {
    (0..bytes.len() - what.len()).filter(|at| bytes[*at..].starts_with(what)).collect()
}

fn edit(path: &Path, offset: u64, change: impl FnOnce(&mut [u8]), count: usize) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut bytes = vec![0; count];
    file.read_exact_at(&mut bytes, offset).unwrap();
    change(&mut bytes);
    file.write_all_at(&bytes, offset).unwrap();
}

/// Another boot: same machine, page cache lost. The boot id stands at byte 48 of each header, its checksum at 64.
fn reboot(path: &Path) {
    edit(
        path,
        0,
        |header| {
            header[48..64].fill(0xBB);
            let crc = crc32fast::hash(&header[..64]);
            header[64..68].copy_from_slice(&crc.to_le_bytes());
        },
        72,
    );
}

/// Cuts a file at a byte, and makes it as long again as it was.
fn cut(segment: &Path, at: u64) {
    let file = OpenOptions::new().write(true).open(segment).unwrap();
    let whole = file.metadata().unwrap().len();
    file.set_len(at).unwrap();
    file.set_len(whole).unwrap();
}

#[test]
fn cut_at_every_byte_of_the_last_records() {
    let (dir, segment, ends) = crashed();
    let name = segment.file_name().unwrap();
    for at in ends[9]..=ends[12] {
        let copy = copy(dir.path());
        let segment = copy.path().join("journal").join(name);
        cut(&segment, at);
        let last = ends.iter().rposition(|end| *end <= at).unwrap() as u64 - 2;
        let torn = at - ends[last as usize + 2];
        if torn > 0 {
            let fault = damaged(copy.path(), journal_only());
            assert_eq!((fault.file.as_path(), fault.offset), (segment.as_path(), at - torn), "cut at {at}");
            // A power cut may do that.
            reboot(&segment);
        }
        let seen = read(copy.path()).unwrap();
        let (store, recovered) = open(copy.path(), journal_only());
        assert_eq!(seen, recovered, "the view without a lock sees the same");
        assert_eq!(held(&recovered), (1..=last).collect::<Vec<_>>(), "cut at {at}");
        assert_eq!(recovered.exact, torn == 0);
        // Bytes of the record that are zero themselves cannot be told from zeros behind them.
        assert!(recovered.torn_bytes <= torn && (torn < 17 || recovered.torn_bytes > 0), "cut at {at}");
        assert_eq!(recovered.torn_bytes == 0 && recovered.exact, recovered.notes.is_empty());
        hold(&store, last + 1).unwrap();
        drop(store);
        let (_store, again) = open(copy.path(), journal_only());
        assert_eq!(held(&again), (1..=last + 1).collect::<Vec<_>>(), "the torn record came back at {at}");
        assert_eq!(again.torn_bytes, 0);
    }
}

#[test]
fn a_record_that_a_kill_left_at_the_end_of_a_page_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), journal_only());
    declare(&store, 0);
    for number in 1..100 {
        hold(&store, number).unwrap();
    }
    drop(store);
    let segment = segments(dir.path()).remove(0);
    let bytes = fs::read(&segment).unwrap();
    let ends: Vec<u64> = memmem(&bytes, b"\xF0end").into_iter().map(|at| at as u64 + 4).collect();
    let (number, start) = ends.iter().copied().enumerate().rfind(|(_, end)| *end < 4096).unwrap();
    assert!(start + 40 < 4096 && ends[number + 1] > 4097, "a record goes across the page: {start}");
    for (at, is_lawful) in [(4096, true), (4090, true), (4097, false), (start + 20, false)] {
        let copy = copy(dir.path());
        let segment = copy.path().join("journal").join(segment.file_name().unwrap());
        cut(&segment, at);
        if is_lawful {
            let (_store, recovered) = open(copy.path(), journal_only());
            assert!(recovered.exact && recovered.torn_bytes > 0, "cut at {at}");
            assert_eq!(held(&recovered).len(), number - 2, "cut at {at}");
        } else {
            assert_eq!(damaged(copy.path(), journal_only()).offset, start, "cut at {at}");
        }
    }
}

#[test]
fn every_flipped_bit_on_the_same_boot_is_an_error_that_names_the_place() {
    let (dir, segment, ends) = crashed();
    let name = segment.file_name().unwrap();
    let copy = copy(dir.path());
    let segment = copy.path().join("journal").join(name);
    for (from, to, record) in [(ends[4], ends[5], 5), (ends[11], ends[12], 12)] {
        for bit in (from * 8..to * 8).step_by(3) {
            let flip = |bytes: &mut [u8]| bytes[0] ^= 1 << (bit % 8);
            edit(&segment, bit / 8, flip, 1);
            let fault = damaged(copy.path(), journal_only());
            assert_eq!((fault.offset, fault.seq), (from, record), "bit {bit}");
            assert_eq!(fault.file, segment);
            edit(&segment, bit / 8, flip, 1);
        }
    }
    assert_eq!(
        held(&open(copy.path(), journal_only()).1).len(),
        10,
        "nothing was changed by the failed attempts"
    );
}

#[test]
fn a_hole_of_zeros_in_the_middle_is_damage() {
    let (dir, segment, ends) = crashed();
    edit(&segment, ends[4], |bytes| bytes.fill(0), (ends[6] - ends[4]) as usize);
    let fault = damaged(dir.path(), journal_only());
    assert_eq!((fault.offset, fault.seq), (ends[4], 5));
}

#[test]
fn after_a_power_cut_unsynced_records_may_be_gone_in_any_order() {
    let (dir, segment, ends) = crashed();
    reboot(&segment);
    // The ten holds claim that nothing was synced after the balance, or little: a hole among the last is lawful.
    let unsynced = fs::read(&segment).unwrap();
    let claim =
        |index: usize| u32::from_le_bytes(unsynced[ends[index] as usize + 4..][..4].try_into().unwrap());
    assert_eq!(claim(11), 11, "no sync happened while the test wrote");
    edit(&segment, ends[9], |bytes| bytes.fill(0), (ends[10] - ends[9]) as usize);
    let (_store, recovered) = open(dir.path(), journal_only());
    assert_eq!(held(&recovered), (1..=7).collect::<Vec<_>>());
    assert!(!recovered.exact, "process durability and another boot: records may be missing");
    assert_eq!(recovered.torn_bytes, ends[12] - ends[9]);
    assert_eq!(recovered.notes.len(), 2, "{:?}", recovered.notes);
}

#[test]
fn after_a_power_cut_synced_records_may_not_be_gone() {
    let dir = tempfile::tempdir().unwrap();
    let quiet = store::Options { durability: Durability::Power, ..journal_only() };
    let (store, _) = open(dir.path(), quiet.clone());
    declare(&store, 0);
    for id in 1..=10 {
        let at = hold(&store, id).unwrap();
        store.durable(at).wait().unwrap();
    }
    drop(store);
    let segment = segments(dir.path()).pop().unwrap();
    reboot(&segment);
    let recovered = read(dir.path()).unwrap();
    assert!(recovered.exact, "power durability is exact on any boot");
    assert_eq!(held(&recovered).len(), 10);
    let bytes = fs::read(&segment).unwrap();
    let ends: Vec<_> = memmem(&bytes, b"\xF0end").into_iter().map(|at| at as u64 + 4).collect();
    edit(&segment, ends[8] + 20, |bytes| bytes[0] ^= 1, 1);
    let fault = damaged(dir.path(), quiet);
    assert_eq!((fault.offset, fault.seq), (ends[8], 9));
}

#[test]
fn a_lost_segment_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let slow = store::Options { segment_bytes: 32 << 10, ..journal_only() };
    let (store, _) = open(dir.path(), slow.clone());
    declare(&store, 0);
    for id in 1..=1500 {
        hold(&store, id).unwrap();
    }
    drop(store);
    let all = segments(dir.path());
    assert!(all.len() >= 4, "{all:?}");
    for lost in &all[..all.len() - 1] {
        let copy = copy(dir.path());
        fs::remove_file(copy.path().join("journal").join(lost.file_name().unwrap())).unwrap();
        damaged(copy.path(), slow.clone());
    }
    let copy = copy(dir.path());
    let header = copy.path().join("journal").join(all[1].file_name().unwrap());
    edit(&header, 20, |bytes| bytes[0] ^= 1, 1);
    damaged(copy.path(), slow.clone());
    assert_eq!(held(&open(dir.path(), slow).1).len(), 1500);
}

#[test]
fn journal_and_books_that_do_not_belong_together_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), options(Durability::Process));
    declare(&store, 0);
    for id in 1..=2000 {
        hold(&store, id).unwrap();
        settle(&store, id, 1).unwrap();
    }
    store.close().unwrap();
    let without_journal = copy(dir.path());
    for segment in segments(without_journal.path()) {
        fs::remove_file(segment).unwrap();
    }
    damaged(without_journal.path(), options(Durability::Process));
    let without_books = copy(dir.path());
    fs::remove_file(without_books.path().join("farebox.db")).unwrap();
    damaged(without_books.path(), options(Durability::Process));
    let (store, _) = Store::open(dir.path(), options(Durability::Process)).unwrap();
    assert_eq!(store.find_balance(&name(0)).unwrap().unwrap().posted.nanos(), 2000);
}

#[test]
fn after_a_power_cut_the_books_may_know_more_than_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), options(Durability::Process));
    declare(&store, 0);
    for id in 1..=100 {
        hold(&store, id).unwrap();
    }
    while store.ship_lag() > 0 {
        std::thread::yield_now();
    }
    drop(store);
    let segment = segments(dir.path()).pop().unwrap();
    OpenOptions::new().write(true).open(&segment).unwrap().set_len(500).unwrap();
    // Nothing unshipped is missing, so the same boot would not even notice; another boot goes on as well.
    reboot(&segment);
    let (store, recovered) = open(dir.path(), options(Durability::Process));
    assert_eq!(held(&recovered), (1..=100).collect::<Vec<_>>());
    assert!(!recovered.exact);
    for id in 1..=100 {
        settle(&store, id, 2).unwrap();
    }
    drop(store);
    let (store, recovered) = open(dir.path(), options(Durability::Process));
    assert_eq!(recovered.open.len(), 0);
    store.close().unwrap();
    let read = read(dir.path()).unwrap();
    assert_eq!((read.exact, read.balances[0].posted.nanos()), (true, 200));
}

#[test]
fn after_a_power_cut_the_header_the_books_had_come_to_may_be_gone() {
    let dir = tempfile::tempdir().unwrap();
    let slow = store::Options { segment_bytes: 32 << 10, ..journal_only() };
    let (store, _) = open(dir.path(), slow.clone());
    declare(&store, 0);
    for id in 1..=500 {
        hold(&store, id).unwrap();
    }
    drop(store);
    let cut = copy(dir.path());
    // The books of a moment later: everything is shipped, and the last segment has no header any more.
    let (store, _) = open(dir.path(), slow.clone());
    store.close().unwrap();
    fs::copy(dir.path().join("farebox.db"), cut.path().join("farebox.db")).unwrap();
    for log in ["farebox.db-wal", "farebox.db-shm"] {
        let _ = fs::remove_file(cut.path().join(log));
    }
    let kept = segments(cut.path());
    let (last, earlier) = kept.split_last().unwrap();
    OpenOptions::new().write(true).open(last).unwrap().write_all_at(&[0; 32 << 10], 0).unwrap();
    damaged(cut.path(), slow.clone());
    for segment in earlier {
        reboot(segment);
    }
    let (store, recovered) = open(cut.path(), slow.clone());
    assert_eq!(held(&recovered), (1..=500).collect::<Vec<_>>());
    assert!(recovered.notes.iter().any(|note| note.contains("only in the books")), "{:?}", recovered.notes);
    settle(&store, 500, 1).unwrap();
    store.close().unwrap();
    assert_eq!(read(cut.path()).unwrap().open.len(), 499);
}
