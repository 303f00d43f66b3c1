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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// All that was ever attributed, as a list.
    #[derive(Default)]
    struct List {
        costs: Vec<(i64, i64)>,
        told_ms: i64,
    }

    impl List {
        fn counts(&self, rolling: Rolling, at_ms: i64) -> bool {
            rolling.counts(rolling.bucket_of(at_ms), self.told_ms)
        }

        fn posted(&self, rolling: Rolling) -> i64 {
            self.costs.iter().filter(|(at_ms, _)| self.counts(rolling, *at_ms)).map(|(_, cost)| cost).sum()
        }

        /// What is in the bucket of an instant, and counts.
        fn of_bucket(&self, rolling: Rolling, at_ms: i64) -> i64 {
            let same = |other_ms: i64| rolling.bucket_of(other_ms) == rolling.bucket_of(at_ms);
            let own =
                self.costs.iter().filter(|(other_ms, _)| same(*other_ms) && self.counts(rolling, *other_ms));
            own.map(|(_, cost)| cost).sum()
        }

        fn next_release_ms(&self, rolling: Rolling) -> Option<i64> {
            let full = self.costs.iter().filter(|(at_ms, _)| self.of_bucket(rolling, *at_ms) > 0);
            full.map(|(at_ms, _)| rolling.released_ms(rolling.bucket_of(*at_ms))).min()
        }
    }

    impl List {
        /// At least what was paid in the window that ends now. What a refund takes from a bucket may be of any cost in it.
        fn trailing(&self, rolling: Rolling) -> i64 {
            let mut paid: BTreeMap<i64, i64> = BTreeMap::new();
            for &(at_ms, cost) in &self.costs {
                if cost > 0 && at_ms > self.told_ms - rolling.length_ms {
                    *paid.entry(rolling.bucket_of(at_ms)).or_default() += cost;
                }
            }
            paid.into_iter().map(|(at_ms, paid)| paid.min(self.of_bucket(rolling, at_ms))).sum()
        }
    }

    fn check(words: &str, start_ms: i64, steps: &[(i64, u8, i64, i64)]) -> Result<(), TestCaseError> {
        let rolling = Rolling::from_words(words).unwrap();
        let (mut ring, mut posted) = Ring::new(rolling, &[], start_ms);
        let mut list = List { costs: Vec::new(), told_ms: start_ms };
        for &(passes, what, back, amount) in steps {
            list.told_ms += rolling.length_ms * passes / 1_000;
            let now_ms = list.told_ms;
            posted = posted.saturating_sub(ring.expire(now_ms));
            let at_ms = now_ms - rolling.length_ms * back / 1_000;
            let nanos = Nano::from_nanos(amount);
            match what {
                0 => {
                    let there = list.of_bucket(rolling, at_ms);
                    let taken = ring.take(at_ms, nanos);
                    prop_assert_eq!(taken.nanos(), amount.min(there), "no more than is there");
                    list.costs.push((at_ms, -taken.nanos()));
                    posted = posted.saturating_sub(taken);
                }
                _ => {
                    let counted = ring.add(at_ms, nanos);
                    prop_assert_eq!(counted > Nano::ZERO, list.counts(rolling, at_ms));
                    list.costs.push((at_ms, counted.nanos()));
                    posted = posted.saturating_add(counted);
                }
            }
            prop_assert_eq!(posted.nanos(), list.posted(rolling));
            prop_assert_eq!(ring.next_release_ms(), list.next_release_ms(rolling));
            prop_assert!(posted.nanos() >= list.trailing(rolling), "a trailing window is not covered");
        }
        // The same from what the books would keep of it.
        let mut buckets: Vec<(i64, Nano)> = Vec::new();
        for (at_ms, _) in &list.costs {
            let starts_ms = rolling.bucket_of(*at_ms);
            if !buckets.iter().any(|(known, _)| *known == starts_ms) {
                buckets.push((starts_ms, Nano::from_nanos(list.of_bucket(rolling, *at_ms))));
            }
        }
        let (again, told) = Ring::new(rolling, &buckets, list.told_ms);
        prop_assert_eq!((told, again.next_release_ms()), (posted, ring.next_release_ms()));
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// Costs and refunds, up to one and a half windows late, while up to two windows pass at a time.
        #[test]
        fn a_ring_counts_as_a_list_would(
            words in prop::sample::select(vec!["rolling 1m", "rolling 5h", "rolling 7d", "rolling 366d", "rolling 97m"]),
            start_ms in prop_oneof![Just(0), 0..4_102_444_800_000_i64],
            steps in prop::collection::vec(
                (prop_oneof![Just(0), 0..30_i64, 0..2_000_i64], 0..4_u8, prop_oneof![Just(0), 0..1_500_i64], 1..1_000_i64),
                1..60,
            ),
        ) {
            check(words, start_ms, &steps)?;
        }
    }
}
