//! Many threads, one sync for all, wakers without a runtime.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use store::{Durability, Durable, Store};

use crate::disk::FaultyDisk;
use crate::story::{declare, held, hold, open, options, settle};

#[test]
fn threads_append_at_once_through_many_rotations() {
    const THREADS: u64 = 8;
    const EACH: u64 = 2_000;
    for durability in [Durability::Process, Durability::Power] {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = open(dir.path(), options(durability));
        declare(&store, 0);
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let store = &store;
                scope.spawn(move || {
                    for n in 0..EACH {
                        let id = n * THREADS + thread;
                        hold(store, id).unwrap();
                        if n % 4 != 0 {
                            settle(store, id, 3).unwrap();
                        }
                    }
                });
            }
        });
        drop(store);
        let (_store, recovered) = open(dir.path(), options(durability));
        assert_eq!(held(&recovered).len() as u64, THREADS * EACH / 4);
        assert_eq!(recovered.balances[0].posted.nanos() as u64, THREADS * EACH * 3 / 4 * 3);
    }
}

#[test]
fn one_sync_serves_all_who_wait() {
    const WAITERS: usize = 32;
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let (store, _) = Store::open_on(dir.path(), options(Durability::Power), Arc::new(disk.clone())).unwrap();
    declare(&store, 0);
    disk.0.sync_takes_ms.store(20, Ordering::SeqCst);
    let before = disk.0.syncs.load(Ordering::SeqCst);
    let barrier = Barrier::new(WAITERS);
    std::thread::scope(|scope| {
        for id in 0..WAITERS as u64 {
            let (store, barrier) = (&store, &barrier);
            scope.spawn(move || {
                barrier.wait();
                let at = hold(store, id).unwrap();
                store.durable(at).wait().unwrap();
            });
        }
    });
    let syncs = disk.0.syncs.load(Ordering::SeqCst) - before;
    assert!(syncs <= 8, "{syncs} syncs for {WAITERS} waiters");
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll(durable: &mut Durable, count: &Arc<Count>) -> Poll<Result<(), store::JournalError>> {
    let waker = Waker::from(count.clone());
    Pin::new(durable).poll(&mut Context::from_waker(&waker))
}

#[test]
fn wakers_are_called_once_and_dropped_waits_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let (store, _) = Store::open_on(dir.path(), options(Durability::Power), Arc::new(disk.clone())).unwrap();
    declare(&store, 0);
    disk.0.sync_takes_ms.store(50, Ordering::SeqCst);
    let at = hold(&store, 1).unwrap();
    let counts = [(); 3].map(|()| Arc::new(Count(AtomicUsize::new(0))));
    let [first, second, dropped] = &counts;
    let mut one = store.durable(at);
    let mut two = store.durable(at);
    assert!(poll(&mut one, dropped).is_pending());
    assert!(poll(&mut one, first).is_pending(), "the last waker counts");
    assert!(poll(&mut two, second).is_pending());
    let mut three = store.durable(at);
    assert!(poll(&mut three, dropped).is_pending());
    drop(three);
    let since = Instant::now();
    while first.0.load(Ordering::SeqCst) + second.0.load(Ordering::SeqCst) < 2 {
        assert!(since.elapsed() < Duration::from_secs(10));
        std::thread::yield_now();
    }
    assert_eq!(poll(&mut one, first), Poll::Ready(Ok(())));
    assert_eq!(poll(&mut two, second), Poll::Ready(Ok(())));
    assert_eq!(dropped.0.load(Ordering::SeqCst), 0);
    assert_eq!(store.durable(at).wait(), Ok(()), "later waits are over at once");
}

#[test]
fn in_process_mode_there_is_nothing_to_wait_for() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), options(Durability::Process));
    declare(&store, 0);
    let at = hold(&store, 1).unwrap();
    let count = Arc::new(Count(AtomicUsize::new(0)));
    assert_eq!(poll(&mut store.durable(at), &count), Poll::Ready(Ok(())));
}
