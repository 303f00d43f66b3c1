//! Outside failures: money fails closed, and opens by itself where the cause can pass.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ledger::{BalanceId, HoldId, Member, SetId};
use money::Nano;
use store::{Durability, JournalError, OpenError, Options, Record, Store, read};

use crate::disk::FaultyDisk;
use crate::story::{declare, held, hold, name, open, options, settle};

fn faulty(options: Options) -> (tempfile::TempDir, FaultyDisk, Store) {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let (store, _) = Store::open_on(dir.path(), options, Arc::new(disk.clone())).unwrap();
    declare(&store, 0);
    (dir, disk, store)
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_failed_write_closes_the_journal_until_the_next_opening() {
    let (dir, disk, store) = faulty(options(Durability::Process));
    hold(&store, 1).unwrap();
    disk.0.write_fails.store(true, Ordering::SeqCst);
    let error = hold(&store, 2).unwrap_err();
    assert!(error.to_string().contains("injected write error"), "{error}");
    disk.0.write_fails.store(false, Ordering::SeqCst);
    assert_eq!(hold(&store, 3), Err(error.clone()), "closed for good");
    assert_eq!(settle(&store, 1, 1), Err(error.clone()));
    assert_eq!(store.health(), Err(error.clone()));
    assert_eq!(store.close(), Err(error));
    let (_store, recovered) = open(dir.path(), options(Durability::Process));
    assert_eq!(held(&recovered), [1]);
    assert_eq!(recovered.torn_bytes, 0, "half a record was written, and erased when the disk let it be");
}

#[test]
fn a_failed_sync_closes_the_journal_and_is_never_retried() {
    let (dir, disk, store) = faulty(options(Durability::Power));
    let at = hold(&store, 1).unwrap();
    store.durable(at).wait().unwrap();
    disk.0.sync_fails.store(true, Ordering::SeqCst);
    let at = hold(&store, 2).unwrap();
    let error = store.durable(at).wait().unwrap_err();
    assert!(error.to_string().contains("injected sync error"), "{error}");
    disk.0.sync_fails.store(false, Ordering::SeqCst);
    let syncs = disk.0.syncs.load(Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(store.durable(at).wait(), Err(error.clone()));
    assert_eq!(hold(&store, 3), Err(error.clone()));
    assert_eq!(store.close(), Err(error));
    assert_eq!(disk.0.syncs.load(Ordering::SeqCst), syncs, "a second sync would lie");
    drop(open(dir.path(), options(Durability::Power)));
}

#[test]
fn a_panic_in_a_thread_closes_the_journal_and_answers_who_waits() {
    let (_dir, disk, store) = faulty(options(Durability::Power));
    disk.0.sync_panics.store(true, Ordering::SeqCst);
    let error = JournalError::Panicked("syncer");
    let result = hold(&store, 1).and_then(|at| store.durable(at).wait());
    assert_eq!(result, Err(error.clone()));
    assert_eq!(store.health(), Err(error.clone()));
    assert_eq!(store.close(), Err(error));
}

#[test]
fn no_room_refuses_holds_and_passes_by_itself() {
    let (dir, disk, store) = faulty(options(Durability::Process));
    disk.0.no_room.store(true, Ordering::SeqCst);
    let mut last = 0;
    let error = loop {
        match hold(&store, last + 1) {
            Ok(_) => last += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, JournalError::NoSpace { .. }), "{error}");
    assert_eq!(store.health(), Err(error));
    disk.0.no_room.store(false, Ordering::SeqCst);
    eventually("health comes back without a request", || store.health().is_ok());
    hold(&store, last + 1).unwrap();
    store.close().unwrap();
    let (_store, recovered) = open(dir.path(), options(Durability::Process));
    assert_eq!(held(&recovered), (1..=last + 1).collect::<Vec<_>>());
}

#[test]
fn books_that_cannot_be_written_stop_new_holds_only_when_the_journal_is_full() {
    let small = Options {
        journal_bytes_max: 4 * Options::SEGMENT_BYTES_MIN,
        ship_grace: Duration::from_millis(1),
        ..options(Durability::Process)
    };
    let (dir, _, store) = faulty(small.clone());
    let blocker = rusqlite::Connection::open(dir.path().join("farebox.db")).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut last = 0;
    let error = loop {
        match hold(&store, last + 1) {
            Ok(_) => last += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, JournalError::Full { .. }), "{error}");
    assert!(last > 500);
    assert!(store.health().is_err());
    for id in 1..=100 {
        settle(&store, id, 1).unwrap();
    }
    blocker.execute_batch("ROLLBACK").unwrap();
    eventually("the journal drains", || store.health().is_ok() && store.ship_lag() == 0);
    hold(&store, last + 1).unwrap();
    store.close().unwrap();
    let (_store, recovered) = open(dir.path(), small);
    assert_eq!(held(&recovered), (101..=last + 1).collect::<Vec<_>>());
    assert_eq!(recovered.balances[0].posted.nanos(), 100);
}

#[test]
fn what_a_replay_would_refuse_is_not_written() {
    let (dir, _, store) = faulty(options(Durability::Process));
    hold(&store, 1).unwrap();
    assert_eq!(hold(&store, 1), Err(JournalError::AlreadyOpen(HoldId(1))));
    assert_eq!(settle(&store, 2, 1), Err(JournalError::NotOpen(HoldId(2))));
    settle(&store, 1, 5).unwrap();
    assert_eq!(settle(&store, 1, 5), Err(JournalError::NotOpen(HoldId(1))));
    let late = Record::Generation { hold: HoldId(1), id: "gen-1" };
    assert_eq!(store.append(&late), Err(JournalError::NotOpen(HoldId(1))));
    let on = |set| Record::Hold {
        hold: HoldId(9),
        at_ms: 0,
        bound: Nano::ZERO,
        class: ledger::BoundClass::Proven,
        set: SetId(set),
        upstream_key: ledger::UpstreamKeyId([0; 8]),
        key: "",
        model: "",
    };
    assert_eq!(store.append(&on(7)), Err(JournalError::UndeclaredSet(SetId(7))));
    let twice = [Member::plain(BalanceId(0)); 2];
    let strange = [Member::plain(BalanceId(7))];
    let set = |id, members| Record::Set { id: SetId(id), members };
    assert!(matches!(store.append(&set(1, &twice)), Err(JournalError::Invalid(_))));
    assert_eq!(store.append(&set(1, &strange)), Err(JournalError::Undeclared(BalanceId(7))));
    assert!(matches!(store.append(&set(0, &twice[..1])), Err(JournalError::Invalid(_))));
    let correct = |hold, set| Record::Correct {
        hold: HoldId(hold),
        at_ms: 1,
        settled_ms: 1,
        was: Nano::ZERO,
        cost: Nano::ZERO,
        text: "",
        evidence: ledger::Evidence::Operator,
        set: SetId(set),
    };
    assert_eq!(store.append(&correct(2, 0)), Err(JournalError::NotOpen(HoldId(2))));
    assert_eq!(store.append(&correct(1, 9)), Err(JournalError::UndeclaredSet(SetId(9))));
    let mut long = name(1);
    long.budget = "x".repeat(20_000);
    let long = Record::Balance { id: BalanceId(1), name: &long, limit: Nano::ZERO };
    assert!(matches!(store.append(&long), Err(JournalError::Invalid(_))));
    assert_eq!(store.health(), Ok(()));
    store.close().unwrap();
    assert_eq!(hold(&store, 3), Err(JournalError::Closed));
    assert_eq!(store.close(), Ok(()), "closing twice answers twice");
    let (store, _) = open(dir.path(), options(Durability::Process));
    assert!(matches!(hold(&store, 1), Err(JournalError::Invalid(_))), "it has ended, and its id is spent");
    hold(&store, 2).unwrap();
    let read = read(dir.path()).unwrap();
    assert_eq!((read.balances.len(), read.balances[0].posted.nanos()), (1, 5));
}

#[test]
fn options_out_of_range_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let good = options(Durability::Process);
    for options in [
        Options { segment_bytes: 1024, ..good.clone() },
        Options { journal_bytes_max: good.segment_bytes, ..good.clone() },
        Options { ship_records: 0, ..good },
    ] {
        assert!(matches!(Store::open(dir.path(), options), Err(OpenError::Options(_))));
    }
}
