//! The group sync: one thread makes everything written so far durable with one `fdatasync`, for all who wait.
//!
//! Who comes while a sync runs waits for the next one. In process mode nobody waits and the thread syncs every
//! [`crate::Options::sync_every`], which bounds what a power cut can cost.
//!
//! Outside failures: a sync that fails closes the journal for good and answers every waiter with its error. It is
//! never retried: the kernel may have dropped the pages, and a second sync would then claim success.

use std::sync::Arc;
use std::task::{Poll, Waker};

use ledger::mutants::{self, Mutant};

use crate::JournalError;
use crate::journal::Journal;
use crate::sync::{Condvar, Mutex};

/// The waiters and the thread's orders.
#[derive(Debug)]
pub(crate) struct Syncer {
    journal: Arc<Journal>,
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The highest sequence number anyone waits for.
    wanted: u64,
    waiters: Vec<Waiter>,
    tickets: u64,
    asleep: bool,
    stopped: bool,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    seq: u64,
    waker: Waker,
}

impl Syncer {
    pub(crate) fn new(journal: Arc<Journal>) -> Self {
        Self { journal, state: Mutex::new(State::default()), bell: Condvar::new() }
    }

    /// The thread: until stopped, a sync whenever someone waits or the time is over.
    pub(crate) fn run(&self) {
        loop {
            let stopped = self.sleep();
            if self.step().is_err() || stopped {
                return;
            }
        }
    }

    /// One group sync of everything written so far.
    pub(crate) fn step(&self) -> Result<(), JournalError> {
        let progress = &self.journal.progress;
        let result = progress.failure().and_then(|()| {
            if progress.synced() == progress.appended() {
                return Ok(());
            }
            let (seq, files) = self.journal.take_unsynced();
            let passed_over = if mutants::is(Mutant::FullSegmentNotSynced) { files.len() - 1 } else { 0 };
            for (path, file) in files.into_iter().skip(passed_over) {
                let synced = file.sync_data().map_err(|e| JournalError::io("sync", &path, &e));
                if !mutants::is(Mutant::SyncErrorIgnored) {
                    synced?;
                }
            }
            progress.set_synced(seq);
            Ok(())
        });
        if let Err(error) = &result {
            progress.fail(error.clone());
        }
        self.wake();
        result
    }

    /// Ends the thread after one more sync.
    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
        self.bell.notify_all();
    }

    /// Registers `waker` under `ticket` unless `seq` is on disk or never will be.
    pub(crate) fn poll(
        &self,
        seq: u64,
        ticket: &mut Option<u64>,
        waker: &Waker,
    ) -> Poll<Result<(), JournalError>> {
        let progress = &self.journal.progress;
        let mut state = self.state.lock();
        let outcome = if progress.synced() >= seq {
            Some(Ok(()))
        } else if let Err(error) = progress.failure() {
            Some(Err(error))
        } else if seq > progress.appended() {
            Some(Err(JournalError::Closed))
        } else {
            None
        };
        if let Some(result) = outcome {
            if let Some(ticket) = ticket.take() {
                state.remove(ticket);
            }
            return Poll::Ready(result);
        }
        let known = ticket.and_then(|ticket| state.waiters.iter_mut().find(|waiter| waiter.ticket == ticket));
        match known {
            Some(waiter) => waiter.waker.clone_from(waker),
            None => {
                state.tickets += 1;
                *ticket = Some(state.tickets);
                let ticket = state.tickets;
                state.waiters.push(Waiter { ticket, seq, waker: waker.clone() });
            }
        }
        state.wanted = state.wanted.max(seq);
        if state.asleep {
            state.asleep = false;
            self.bell.notify_one();
        }
        Poll::Pending
    }

    /// Drops a waiter that does not wait any more.
    pub(crate) fn forget(&self, ticket: u64) {
        self.state.lock().remove(ticket);
    }

    /// Wakes those whose record is on disk, or everybody when none will be any more.
    pub(crate) fn wake(&self) {
        let failed = self.journal.progress.failure().is_err();
        let ready: Vec<Waiter> = {
            let mut state = self.state.lock();
            let synced = self.journal.progress.synced();
            state.waiters.extract_if(.., |waiter| failed || waiter.seq <= synced).collect()
        };
        for waiter in ready {
            waiter.waker.wake();
        }
    }

    /// Sleeps until there is something to do; true when stopped.
    fn sleep(&self) -> bool {
        let mut state = self.state.lock();
        if !state.stopped && state.wanted <= self.journal.progress.synced() {
            state.asleep = true;
            self.bell.wait_for(&mut state, self.journal.options.sync_every);
        }
        state.asleep = false;
        state.stopped
    }
}

impl State {
    fn remove(&mut self, ticket: u64) {
        if let Some(at) = self.waiters.iter().position(|waiter| waiter.ticket == ticket) {
            self.waiters.swap_remove(at);
        }
    }
}
