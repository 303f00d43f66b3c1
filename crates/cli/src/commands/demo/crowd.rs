//! [`Crowd`]: what the clients share: how many calls are left, and when it is time to go home.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    begun: Arc<AtomicU32>,
    most: u32,
    ends: Instant,
}

impl Crowd {
    /// `most` calls, until `ends`.
    pub(crate) fn new(most: u32, ends: Instant) -> Self {
        Crowd { begun: Arc::default(), most, ends }
    }

    /// The number of the next call, unless there is none.
    pub(crate) fn next(&self) -> Option<u32> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        (number < self.most && !self.is_over()).then_some(number)
    }

    /// Whether it is time to go home.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.ends
    }

    /// Calls begun so far.
    pub(crate) fn begun(&self) -> u32 {
        self.begun.load(Ordering::Relaxed).min(self.most)
    }
}
