//! A store without threads: nothing is synced or shipped but when it is asked to.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ledger::HoldId;
use store::books::{Books, Memory, Sqlite};
use store::{Durability, JournalError, OpenError, Options, RealDisk, Store};

use crate::story::{declare, held, hold, options, settle};

fn open(dir: &std::path::Path, books: &Memory, durability: Durability) -> Store {
    let options = Options { retry_after: Duration::ZERO, ship_grace: Duration::MAX, ..options(durability) };
    let books: Arc<dyn Books> = Arc::new(books.clone());
    Store::open_stepped(dir, options, Arc::new(RealDisk), books).unwrap().0
}

#[test]
fn a_record_is_durable_once_somebody_synced() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &Memory::new(), Durability::Power);
    declare(&store, 0);
    let mut durable = pin!(store.durable(hold(&store, 1).unwrap()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(durable.as_mut().poll(&mut context).is_pending());
    store.sync().unwrap();
    assert_eq!(durable.as_mut().poll(&mut context), Poll::Ready(Ok(())));
}

#[test]
fn records_are_shipped_when_asked_for_and_by_a_flush() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &Memory::new(), Durability::Process);
    declare(&store, 0);
    hold(&store, 1).unwrap();
    settle(&store, 1, 5).unwrap();
    assert_eq!(store.ship_lag(), 4);
    store.ship().unwrap();
    assert_eq!(store.ship_lag(), 0);
    hold(&store, 2).unwrap();
    settle(&store, 2, 6).unwrap();
    store.flush().unwrap();
    assert!(store.entry(HoldId(2)).unwrap().is_some());
    store.close().unwrap();
    assert_eq!(store.ship(), Err(JournalError::Closed));
}

#[test]
fn a_replay_finds_what_a_start_would() {
    let dir = tempfile::tempdir().unwrap();
    let books = Memory::new();
    let store = open(dir.path(), &books, Durability::Process);
    declare(&store, 0);
    for n in 1..1_000 {
        hold(&store, n).unwrap();
        if n > 3 {
            settle(&store, n, 5).unwrap();
        }
        if n % 100 == 0 {
            store.ship().unwrap();
        }
    }
    let replayed = store.replay().unwrap();
    assert_eq!(held(&replayed), [1, 2, 3]);
    assert_eq!(replayed.balances[0].posted.nanos(), 5 * 996);
    drop(store);
    let store = open(dir.path(), &books, Durability::Process);
    assert_eq!(store.replay().unwrap(), replayed);
}

#[test]
fn a_close_syncs_and_ships_all_and_a_crash_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let books = Sqlite::new(dir.path());
    let start = || {
        let books: Arc<dyn Books> = Arc::new(books.clone());
        Store::open_stepped(dir.path(), options(Durability::Power), Arc::new(RealDisk), books).unwrap()
    };
    let (store, _) = start();
    declare(&store, 0);
    hold(&store, 1).unwrap();
    drop(store);
    assert_eq!(books.reader().unwrap().snapshot().unwrap().seq, 0, "a crash ships nothing");
    let (store, recovered) = start();
    assert_eq!(held(&recovered), [1]);
    let durable = store.durable(hold(&store, 2).unwrap());
    store.close().unwrap();
    durable.wait().unwrap();
    assert_eq!(books.reader().unwrap().snapshot().unwrap().open.len(), 2);
    start().0.close().unwrap();
}

#[test]
fn a_second_one_on_the_folder_is_refused_until_the_first_is_abandoned() {
    let dir = tempfile::tempdir().unwrap();
    let books = Memory::new();
    let first = open(dir.path(), &books, Durability::Process);
    declare(&first, 0);
    let second = || {
        let books: Arc<dyn Books> = Arc::new(books.clone());
        Store::open_stepped(dir.path(), options(Durability::Process), Arc::new(RealDisk), books)
    };
    assert!(matches!(second().unwrap_err(), OpenError::Held { .. }));
    first.abandon();
    assert_eq!(hold(&first, 1), Err(JournalError::Closed));
    let (second, recovered) = second().unwrap();
    assert_eq!(recovered.next_balance, 1);
    drop(first);
    hold(&second, 1).unwrap();
}

#[test]
fn a_copy_of_books_goes_its_own_way() {
    let dir = tempfile::tempdir().unwrap();
    let books = Memory::new();
    let store = open(dir.path(), &books, Durability::Process);
    declare(&store, 0);
    store.ship().unwrap();
    let copy = books.copy();
    hold(&store, 1).unwrap();
    store.ship().unwrap();
    let open = |books: &Memory| books.reader().unwrap().snapshot().unwrap().open.len();
    assert_eq!((open(&books), open(&copy)), (1, 0));
}
