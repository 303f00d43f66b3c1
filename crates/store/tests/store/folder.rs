//! The folder: one holder, an address file, a view without the lock.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use store::{Durability, OpenError, Options, Store, live_address, read};

use crate::disk::FaultyDisk;
use crate::story::{declare, held, hold, journal_only, open, options, segments, settle};

#[test]
fn a_second_opening_is_told_who_holds_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), options(Durability::Process));
    store.set_address("127.0.0.1:4748").unwrap();
    match Store::open(dir.path(), options(Durability::Process)) {
        Err(OpenError::Held { pid, address, .. }) => {
            assert_eq!(pid, Some(std::process::id()));
            assert_eq!(address.as_deref(), Some("127.0.0.1:4748"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(live_address(dir.path()).as_deref(), Some("127.0.0.1:4748"));
    store.close().unwrap();
    assert_eq!(live_address(dir.path()), None);
    open(dir.path(), options(Durability::Process));
}

/// Run by the next test in a process of its own.
#[test]
#[ignore = "the other process of another test"]
fn child_that_holds_a_folder() {
    let Some(dir) = std::env::var_os("STORE_TEST_DIR") else { return };
    let (store, _) = open(dir.as_ref(), options(Durability::Process));
    store.set_address("127.0.0.1:1").unwrap();
    println!("held");
    let _ = std::io::stdin().read(&mut [0]);
    drop(store);
}

#[test]
fn another_process_holds_the_folder_until_it_dies() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "folder::child_that_holds_a_folder", "--ignored", "--nocapture"])
        .env("STORE_TEST_DIR", dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.ends_with("held")));
    match Store::open(dir.path(), options(Durability::Process)) {
        Err(OpenError::Held { pid, .. }) => assert_eq!(pid, Some(child.id())),
        other => panic!("{other:?}"),
    }
    assert_eq!(live_address(dir.path()).as_deref(), Some("127.0.0.1:1"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(live_address(dir.path()), None, "the address file of a dead process");
    open(dir.path(), options(Durability::Process));
}

#[test]
fn a_reader_without_the_lock_sees_a_store_that_is_written() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(read(dir.path()), Err(OpenError::Absent(_))));
    let (store, _) = open(dir.path(), options(Durability::Process));
    declare(&store, 0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for id in 1..=20_000 {
                hold(&store, id).unwrap();
                settle(&store, id, 1).unwrap();
            }
        });
        let mut posted = 0;
        while !writer.is_finished() {
            let seen = read(dir.path()).unwrap();
            let Some(balance) = seen.balances.first() else { continue };
            assert!(balance.posted.nanos() >= posted, "the past does not change");
            assert!(held(&seen).len() <= 1);
            posted = balance.posted.nanos();
        }
    });
    store.close().unwrap();
    let seen = read(dir.path()).unwrap();
    assert_eq!((seen.balances[0].posted.nanos(), seen.next_hold, seen.exact), (20_000, 20_001, true));
    let before: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    read(dir.path()).unwrap();
    let after: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(before, after, "reading leaves nothing behind");
}

/// The reader found a spare, and when it came to the end of the segment before, that was in use.
#[test]
fn a_segment_that_begins_while_it_is_read_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let small = Options { segment_bytes: Options::SEGMENT_BYTES_MIN, ..journal_only() };
    let (store, _) = Store::open_on(dir.path(), small, Arc::new(disk.clone())).unwrap();
    declare(&store, 0);
    for id in 1..=1_000 {
        hold(&store, id).unwrap();
    }
    let all = store.replay().unwrap();
    let begun = |path: &PathBuf| std::fs::read(path).unwrap().starts_with(b"farebox");
    let last = segments(dir.path()).into_iter().rfind(begun).unwrap();
    *disk.0.read_early.lock() = Some(last);
    let seen = store.replay().unwrap();
    assert!(seen.next_hold > 1 && seen.next_hold < all.next_hold, "what stood in the segments before");
    assert_eq!(store.replay().unwrap(), all);
}

#[test]
fn a_folder_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("data");
    drop(open(&inner, options(Durability::Process)));
    assert_eq!(std::fs::metadata(&inner).unwrap().permissions().mode() & 0o777, 0o700);
}
