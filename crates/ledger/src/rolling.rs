//! [`Rolling`]: the last five hours, in buckets.
//!
//! Money is charged from admission, attributed at settlement to the bucket of that instant, and released when the
//! whole bucket is older than the window. Any trailing window then holds at most the limit; a cost stays charged for
//! between one window and one window and a bucket (LEDGER.md 4.3).

use std::fmt;

use crate::mutants::{self, Mutant};

/// Buckets in a window.
const BUCKETS: i64 = 96;
const UNITS: [(&str, i64); 4] = [("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];
/// The longest rolling window: 366 days.
const LENGTH_MS_MAX: i64 = 366 * 86_400_000;

/// A rolling window, as the words of a configuration and of the books have it: `rolling 5h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rolling {
    /// How far back it reaches, milliseconds.
    pub length_ms: i64,
    /// How long a bucket is, milliseconds.
    pub bucket_ms: i64,
}

impl Rolling {
    /// Reads `rolling 5h`: whole minutes (`m`), hours, days or weeks, at most 366 days.
    pub fn from_words(words: &str) -> Option<Self> {
        let length = words.strip_prefix("rolling ")?.trim();
        let (unit, unit_ms) = UNITS.into_iter().find(|(unit, _)| length.ends_with(unit))?;
        let count = length.strip_suffix(unit)?;
        if !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let length_ms = count.parse::<i64>().ok()?.checked_mul(unit_ms)?;
        (1..=LENGTH_MS_MAX).contains(&length_ms).then(|| Self::of_length(length_ms))
    }

    fn of_length(length_ms: i64) -> Self {
        Rolling { length_ms, bucket_ms: (length_ms + BUCKETS - 1) / BUCKETS }
    }

    /// Buckets that may count at the same time: those of a window, and the one that is just being filled.
    pub(crate) const LIVE: usize = BUCKETS as usize + 1;

    /// The number of the bucket that `at_ms` falls into, counted from the Unix epoch.
    pub(crate) fn number_of(&self, at_ms: i64) -> i64 {
        at_ms.div_euclid(self.bucket_ms)
    }

    /// The number of the first bucket that still counts at `now_ms`.
    pub(crate) fn first_at(&self, now_ms: i64) -> i64 {
        now_ms.saturating_sub(self.kept_ms()).div_euclid(self.bucket_ms)
    }

    /// When the bucket with this number is released.
    pub(crate) fn release_of(&self, number: i64) -> i64 {
        self.released_ms(number.saturating_mul(self.bucket_ms))
    }

    /// Its length in the largest unit up to days that fits: `90m`, `5h`, `7d`.
    pub fn length(&self) -> String {
        let fitting = |(_, unit_ms): &(&str, i64)| self.length_ms % unit_ms == 0;
        let (unit, unit_ms) = UNITS[..3].iter().copied().rfind(fitting).unwrap_or(("ms", 1));
        format!("{}{unit}", self.length_ms / unit_ms)
    }

    /// The first instant of the bucket that `at_ms` falls into.
    pub fn bucket_of(&self, at_ms: i64) -> i64 {
        at_ms.div_euclid(self.bucket_ms) * self.bucket_ms
    }

    /// The instant at which what is in this bucket is released.
    pub fn released_ms(&self, bucket_starts_ms: i64) -> i64 {
        bucket_starts_ms.saturating_add(self.bucket_ms).saturating_add(self.kept_ms())
    }

    /// How long a whole bucket counts.
    fn kept_ms(&self) -> i64 {
        self.length_ms - if mutants::is(Mutant::RollingForgets) { self.length_ms / 10 } else { 0 }
    }

    /// Whether what is in this bucket still counts at `now_ms`.
    pub fn counts(&self, bucket_starts_ms: i64, now_ms: i64) -> bool {
        now_ms < self.released_ms(bucket_starts_ms)
    }
}

/// The words of the configuration: `rolling 5h`.
impl fmt::Display for Rolling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rolling {}", self.length())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_buckets() {
        let five = Rolling::from_words("rolling 5h").unwrap();
        assert_eq!((five.length_ms, five.bucket_ms), (18_000_000, 187_500));
        assert_eq!(Rolling::from_words("rolling 1m").unwrap().bucket_ms, 625);
        assert_eq!(Rolling::from_words("rolling 7d"), Rolling::from_words("rolling 1w"));
        for (words, told) in [
            ("rolling 5h", "rolling 5h"),
            ("rolling 300m", "rolling 5h"),
            ("rolling 301m", "rolling 301m"),
            ("rolling 1w", "rolling 7d"),
        ] {
            assert_eq!(Rolling::from_words(words).unwrap().to_string(), told);
        }
        for words in [
            "rolling",
            "rolling 0h",
            "rolling 5",
            "rolling -1h",
            "rolling 1.5h",
            "rolling 400d",
            "day",
            "rolling h",
        ] {
            assert_eq!(Rolling::from_words(words), None, "{words}");
        }
    }

    #[test]
    fn a_cost_counts_for_a_window_and_at_most_a_bucket_more() {
        let window = Rolling::from_words("rolling 5h").unwrap();
        for at_ms in [0, 1, 187_499, 187_500, 1_790_000_000_123, -1] {
            let bucket = window.bucket_of(at_ms);
            let number = window.number_of(at_ms);
            assert_eq!(
                (number * window.bucket_ms, window.release_of(number)),
                (bucket, window.released_ms(bucket))
            );
            for now_ms in [window.released_ms(bucket) - 1, window.released_ms(bucket)] {
                assert_eq!(window.counts(bucket, now_ms), window.first_at(now_ms) <= number);
            }
            assert!(bucket <= at_ms && at_ms < bucket + window.bucket_ms);
            assert!(window.counts(bucket, at_ms + window.length_ms), "no sooner than a window");
            assert!(
                !window.counts(bucket, at_ms + window.length_ms + window.bucket_ms),
                "no later than a bucket more"
            );
        }
    }
}
