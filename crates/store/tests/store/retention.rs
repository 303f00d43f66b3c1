//! Which journal segments stay, and that none of them is shorter than it was made.

use std::fs::{self, OpenOptions};

use store::{Durability, Options, Store, read};

use crate::story::{copy, damaged, declare, held, hold, journal_only, open, options, segments, settle};

/// Holds that end at once, until the journal has gone on to other segments.
fn pass(store: &Store, holds: std::ops::Range<u64>) {
    for id in holds {
        hold(store, id).unwrap();
        settle(store, id, 1).unwrap();
    }
    store.flush().unwrap();
}

#[test]
fn a_segment_stays_as_long_as_a_hold_that_began_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), options(Durability::Process));
    declare(&store, 0);
    hold(&store, 1).unwrap();
    let first = segments(dir.path())[0].clone();
    pass(&store, 2..5_000);
    store.close().unwrap();
    let left = segments(dir.path());
    assert_eq!((left.len(), &left[0]), (2, &first), "{left:?}");
    let (store, recovered) = open(dir.path(), options(Durability::Process));
    assert_eq!(held(&recovered), [1]);
    pass(&store, 5_000..6_000);
    assert!(first.exists(), "known after a start, too");
    settle(&store, 1, 5).unwrap();
    pass(&store, 6_000..7_000);
    store.close().unwrap();
    assert_eq!(segments(dir.path()).len(), 1, "what does not stay goes, whatever lies before it");
    assert_eq!(read(dir.path()).unwrap().balances[0].posted.nanos(), 4_998 + 2_000 + 5);
}

#[test]
fn no_more_than_four_segments_stay_and_the_oldest_goes_first() {
    let dir = tempfile::tempdir().unwrap();
    let few = Options { journal_bytes_max: 16 * Options::SEGMENT_BYTES_MIN, ..options(Durability::Process) };
    let (store, _) = open(dir.path(), few.clone());
    declare(&store, 0);
    // A hold that stays open in each of ten segments, and far more than the journal may hold in between.
    let kept: Vec<u64> = (0..10).map(|n| n * 1_000).collect();
    let mut began = Vec::new();
    for id in &kept {
        hold(&store, *id).unwrap();
        // This segment, or a spare behind it.
        began.push(segments(dir.path()).pop().unwrap());
        pass(&store, id + 1..id + 1_000);
        assert_eq!(store.health(), Ok(()));
    }
    store.close().unwrap();
    let left = segments(dir.path());
    assert_eq!(left.len(), 5, "four and the last");
    assert!(left[0] > began[5] && left[0] <= began[6], "{left:?} of {began:?}");
    let verified = store::verify(dir.path(), &mut |_| {}).unwrap();
    assert!(verified.is_clean(), "gaps between them are lawful: {:?}", verified.damage);
    let (_store, recovered) = open(dir.path(), few);
    assert_eq!(held(&recovered), kept, "an open hold is in the books, whether its segment stayed or not");
}

#[test]
fn segments_that_stay_do_not_make_the_journal_full() {
    let dir = tempfile::tempdir().unwrap();
    let small = Options { journal_bytes_max: 4 * Options::SEGMENT_BYTES_MIN, ..options(Durability::Process) };
    let (store, _) = open(dir.path(), small);
    declare(&store, 0);
    hold(&store, 0).unwrap();
    let first = segments(dir.path())[0].clone();
    for stretch in 0..20_u64 {
        // Three quarters of what may wait for shipping.
        for id in stretch * 300 + 1..=stretch * 300 + 300 {
            hold(&store, id).unwrap();
            settle(&store, id, 1).unwrap();
        }
        store.flush().unwrap();
    }
    assert!(first.exists());
}

#[test]
fn a_file_that_was_cut_between_two_records_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), journal_only());
    declare(&store, 0);
    for id in 1..=10 {
        hold(&store, id).unwrap();
    }
    drop(store);
    let segment = segments(dir.path()).pop().unwrap();
    let bytes = fs::read(&segment).unwrap();
    let ends = (4..bytes.len()).filter(|at| bytes[at - 4..*at] == *b"\xF0end");
    for cut in ends.skip(6).take(3) {
        let copy = copy(dir.path());
        let segment = copy.path().join("journal").join(segment.file_name().unwrap());
        OpenOptions::new().write(true).open(&segment).unwrap().set_len(cut as u64).unwrap();
        let fault = damaged(copy.path(), journal_only());
        assert_eq!((fault.file, fault.offset), (segment, cut as u64), "{}", fault.what);
        assert!(read(copy.path()).is_err());
    }
    // Closed, the file is as long as its records, and that is all right.
    let (store, _) = open(dir.path(), journal_only());
    store.close().unwrap();
    assert!(fs::metadata(segments(dir.path()).pop().unwrap()).unwrap().len() < 1_000);
    assert_eq!(held(&open(dir.path(), journal_only()).1).len(), 10);
}
