//! [`Tally`]: what the clients saw.
//!
//! *Starved* (DESIGN.md section 1) is a final no although posted + the eventual cost of everything in flight + what
//! this call needs at the least output cap fits the limit. From outside, afterwards, for a refusal at an instant:
//!
//! ```text
//! eventual = booked + unknown at the end - the cost of every call that was sent after that instant
//! starved  = eventual + needed <= limit        (needed: the refusal's x-farebox-needed-usd; 0 when it is missing)
//! ```
//!
//! Each step errs towards counting a refusal as starved, but one: a call that a `kill -9` left without an id is
//! charged at its bound for good, and counts so, because nothing can prove that it cost less.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use money::Nano;

use super::call::Served;

/// Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    served: Mutex<Vec<Answer>>,
    refused: Mutex<Vec<Refused>>,
    lost: AtomicU32,
    failed: AtomicU32,
}

/// A call that was answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) sent: Instant,
    pub(crate) cost: Option<Nano>,
    pub(crate) generation: Option<String>,
}

/// A final no.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    pub(crate) at: Instant,
    pub(crate) needed: Option<Nano>,
}

impl Tally {
    pub(crate) fn served(&self, sent: Instant, served: Served) {
        let answer = Answer { sent, cost: served.cost, generation: served.generation };
        lock(&self.inner.served).push(answer);
    }

    pub(crate) fn refused(&self, needed: Option<Nano>) {
        lock(&self.inner.refused).push(Refused { at: Instant::now(), needed });
    }

    pub(crate) fn lost(&self) {
        self.inner.lost.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.inner.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// Calls answered and refused so far.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (lock(&self.inner.served).len(), lock(&self.inner.refused).len())
    }

    /// Times an upstream error was passed on.
    pub(crate) fn failures(&self) -> u32 {
        self.inner.failed.load(Ordering::Relaxed)
    }

    /// Every refusal.
    pub(crate) fn refusals(&self) -> Vec<Refused> {
        lock(&self.inner.refused).clone()
    }

    /// Every answered call that was sent after `since`.
    pub(crate) fn answers_since(&self, since: Instant) -> Vec<Answer> {
        lock(&self.inner.served).iter().filter(|answer| answer.sent > since).cloned().collect()
    }
}

/// How many refusals were starved. `spent`: booked + unknown at the end, USD; `answers`: those sent after the first
/// refusal, with their costs.
pub(crate) fn starved(refusals: &[Refused], answers: &[Answer], spent: Nano, limit: Nano) -> usize {
    let is_starved = |refused: &&Refused| {
        let later = answers.iter().filter(|answer| answer.sent > refused.at).filter_map(|answer| answer.cost);
        let eventual = spent.saturating_sub(later.sum());
        eventual.saturating_add(refused.needed.unwrap_or(Nano::ZERO)) <= limit
    };
    refusals.iter().filter(is_starved).count()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn starved_is_a_no_that_would_have_fitted() {
        let cents = |cents| Nano::from_cents(cents);
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let refused = |at, needed| Refused { at, needed: Some(cents(needed)) };
        let answer =
            Answer { sent: now + Duration::from_millis(500), cost: Some(cents(4)), generation: None };
        // 97 spent in the end, 93 of it before the later answer was sent.
        for (refusal, expected) in
            [(refused(now, 7), 1), (refused(now, 8), 0), (refused(later, 4), 0), (refused(later, 3), 1)]
        {
            assert_eq!(starved(&[refusal], std::slice::from_ref(&answer), cents(97), cents(100)), expected);
        }
        let unsaid = Refused { at: later, needed: None };
        assert_eq!(starved(&[unsaid], &[], cents(100), cents(100)), 1);
    }
}
