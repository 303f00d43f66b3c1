//! Group syncs: whoever waits is woken, and not before the record is on disk.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use loom::future::block_on;
use store::{Durable, JournalError};

use crate::explore::{Model, folder, join, spawn};
use crate::world::World;

#[test]
fn nobody_is_told_before_the_record_is_on_disk() {
    let dir = folder();
    let model = Model { name: "append beside sync", preemptions: 3, at_least: 50 };
    model.explore(move || {
        let world = World::stepped(dir.path());
        let other = world.clone();
        let call = spawn(move || {
            let at = other.hold(1, "first").expect("room");
            let mut wait = Wait::new(other.store.durable(at));
            if wait.poll().is_ready() {
                assert!(other.disk.has_synced("first"));
            }
            wait
        });
        world.store.sync().expect("a disk");
        let mut wait = join(call);
        if !wait.is_over && !wait.is_woken() {
            world.store.sync().expect("a disk");
            assert!(wait.is_woken());
        }
        assert!(world.disk.has_synced("first"));
        assert!(wait.is_over || wait.poll() == Poll::Ready(Ok(())));
    });
}

#[test]
fn the_thread_that_syncs_hears_everyone_who_waits() {
    let dir = folder();
    let model = Model { name: "append beside the syncer", preemptions: 1, at_least: 1000 };
    model.explore(move || {
        let world = World::threaded(dir.path(), 100);
        let other = world.clone();
        let call = spawn(move || {
            let at = other.hold(1, "first").expect("room");
            block_on(other.store.durable(at)).expect("a disk");
            assert!(other.disk.has_synced("first"));
        });
        let at = world.hold(2, "second").expect("room");
        block_on(world.store.durable(at)).expect("a disk");
        assert!(world.disk.has_synced("second"));
        join(call);
        world.store.close().expect("books");
    });
}

#[test]
fn a_sync_that_fails_is_told_to_everyone_who_waits() {
    let dir = folder();
    let model = Model { name: "append beside a sync that fails", preemptions: 2, at_least: 1000 };
    model.explore(move || {
        let world = World::stepped(dir.path());
        world.disk.fail_syncs();
        let call = |hold| {
            let world = world.clone();
            spawn(move || {
                // Refused outright when it comes late.
                let at = world.hold(hold, "a model")?;
                block_on(world.store.durable(at))
            })
        };
        let calls = [call(1), call(2)];
        let at = world.hold(3, "another").expect("room");
        assert!(matches!(world.store.sync(), Err(JournalError::Io { .. })));
        assert!(matches!(block_on(world.store.durable(at)), Err(JournalError::Io { .. })));
        for call in calls {
            assert!(
                matches!(join(call), Err(JournalError::Io { .. })),
                "told to all, and to those who come later"
            );
        }
    });
}

/// A wait that is polled by hand.
struct Wait {
    durable: Durable,
    woken: Arc<Woken>,
    is_over: bool,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Wait {
    fn new(durable: Durable) -> Self {
        Wait { durable, woken: Arc::default(), is_over: false }
    }

    fn poll(&mut self) -> Poll<Result<(), JournalError>> {
        let waker = Waker::from(Arc::clone(&self.woken));
        let poll = Pin::new(&mut self.durable).poll(&mut Context::from_waker(&waker));
        self.is_over = poll.is_ready();
        poll
    }

    fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::SeqCst)
    }
}
