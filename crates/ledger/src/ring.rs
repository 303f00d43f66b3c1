//! [`Ring`]: the buckets of one rolling balance. What is old leaves the balance bucket by bucket.

use money::Nano;

use crate::rolling::Rolling;

/// The buckets that still count, each in its place modulo [`Rolling::LIVE`].
#[derive(Debug)]
pub(crate) struct Ring {
    rolling: Rolling,
    /// The number of the first bucket that was not released yet.
    first: i64,
    /// When that bucket is released, milliseconds since the Unix epoch.
    release_ms: i64,
    cells: Box<[Nano]>,
}

impl Ring {
    /// With these buckets: first instant, milliseconds since the Unix epoch, and cost. Returns their sum as well.
    /// What no longer counts at `now_ms` is left out.
    pub(crate) fn new(rolling: Rolling, buckets: &[(i64, Nano)], now_ms: i64) -> (Self, Nano) {
        let cells = vec![Nano::ZERO; Rolling::LIVE].into_boxed_slice();
        let first = rolling.first_at(now_ms);
        let mut ring = Ring { rolling, first, release_ms: rolling.release_of(first), cells };
        let mut posted = Nano::ZERO;
        for &(starts_ms, cost) in buckets {
            posted = posted.saturating_add(ring.add(starts_ms.min(now_ms), cost));
        }
        (ring, posted)
    }

    /// Releases what is older than the window, and says how much.
    pub(crate) fn expire(&mut self, now_ms: i64) -> Nano {
        if now_ms < self.release_ms {
            return Nano::ZERO;
        }
        let first = self.rolling.first_at(now_ms);
        let live = i64::try_from(Rolling::LIVE).unwrap_or(i64::MAX);
        let mut released = Nano::ZERO;
        for number in self.first..first.min(self.first.saturating_add(live)) {
            let cell = self.cell(number);
            released = released.saturating_add(std::mem::replace(cell, Nano::ZERO));
        }
        self.first = first;
        self.release_ms = self.rolling.release_of(first);
        released
    }

    /// Attributes a cost to the bucket of an instant, and says how much of it counts: all, or nothing when that bucket
    /// was released. Call [`Ring::expire`] for an instant that is not before it first.
    pub(crate) fn add(&mut self, at_ms: i64, cost: Nano) -> Nano {
        let number = self.rolling.number_of(at_ms);
        if number < self.first {
            return Nano::ZERO;
        }
        let cell = self.cell(number);
        *cell = cell.saturating_add(cost);
        cost
    }

    /// Takes a refund out of the bucket of an instant, and says how much came out: nothing once it was released, and
    /// never more than is in it.
    pub(crate) fn take(&mut self, at_ms: i64, amount: Nano) -> Nano {
        let number = self.rolling.number_of(at_ms);
        if number < self.first {
            return Nano::ZERO;
        }
        let cell = self.cell(number);
        let taken = amount.min(*cell);
        *cell = cell.saturating_sub(taken);
        taken
    }

    /// When the next bucket with money in it is released, milliseconds since the Unix epoch.
    pub(crate) fn next_release_ms(&self) -> Option<i64> {
        let live = i64::try_from(self.cells.len()).unwrap_or(i64::MAX);
        let place = |number: i64| usize::try_from(number.rem_euclid(live)).unwrap_or(0);
        let full = (self.first..self.first.saturating_add(live)).find(|n| self.cells[place(*n)] > Nano::ZERO);
        full.map(|number| self.rolling.release_of(number))
    }

    fn cell(&mut self, number: i64) -> &mut Nano {
        let live = i64::try_from(self.cells.len()).unwrap_or(i64::MAX);
        assert!(number >= self.first && number - self.first < live, "a bucket beyond those that may count");
        let place = usize::try_from(number.rem_euclid(live)).unwrap_or(0);
        &mut self.cells[place]
    }
}
