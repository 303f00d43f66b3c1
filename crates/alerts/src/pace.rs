//! The pace of late: what went since an instant that is neither too near nor too long ago.

use ledger::Span;
use money::Nano;

use crate::level::Pace;

const MINUTE_MS: i64 = 60_000;
/// No pace over less than this of a window without an end, milliseconds.
const LEAST_MS: i64 = 60 * MINUTE_MS;
/// The day that counts, milliseconds.
pub(crate) const HORIZON_MS: i64 = 24 * 60 * MINUTE_MS;
/// A sample at most this often, milliseconds.
pub(crate) const SAMPLE_EVERY_MS: i64 = 15 * MINUTE_MS;

impl Pace {
    /// Of a window that began at nothing: over its whole time so far, once a twenty-fourth of it (five minutes at
    /// least) has passed. `None` before, and for a window without an end.
    pub fn of_window(span: Span, used: Nano, now_ms: i64) -> Option<Pace> {
        let length_ms = span.ends_ms?.checked_sub(span.starts_ms)?;
        let over_ms = now_ms - span.starts_ms;
        (over_ms >= (length_ms / 24).max(5 * MINUTE_MS)).then_some(Pace { spent: used, over_ms })
    }
}

/// Of what has no window: since the oldest sample of the last day, once that is an hour ago.
pub(crate) fn of_samples(samples: &[(i64, Nano)], used: Nano, now_ms: i64) -> Option<Pace> {
    let (at_ms, before) = samples.iter().find(|(at_ms, _)| *at_ms >= now_ms - HORIZON_MS)?;
    let over_ms = now_ms - at_ms;
    (over_ms >= LEAST_MS).then_some(Pace { spent: used.saturating_sub(*before), over_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(cents: i32) -> Nano {
        Nano::from_cents(cents)
    }

    #[test]
    fn of_a_day() {
        let day = Span { starts_ms: 0, ends_ms: Some(HORIZON_MS) };
        assert_eq!(Pace::of_window(day, cents(5), LEAST_MS - 1), None, "too early to say");
        assert_eq!(
            Pace::of_window(day, cents(5), LEAST_MS),
            Some(Pace { spent: cents(5), over_ms: LEAST_MS })
        );
        assert_eq!(Pace::of_window(Span { starts_ms: 0, ends_ms: None }, cents(5), LEAST_MS), None);
    }

    #[test]
    fn of_the_last_day() {
        let samples = [(0, cents(1)), (HORIZON_MS, cents(2)), (HORIZON_MS + LEAST_MS, cents(4))];
        let now = 2 * HORIZON_MS;
        assert_eq!(of_samples(&samples, cents(9), now), Some(Pace { spent: cents(7), over_ms: HORIZON_MS }));
        assert_eq!(
            of_samples(&samples[2..], cents(9), HORIZON_MS + 2 * LEAST_MS - 1),
            None,
            "too early to say"
        );
        assert_eq!(of_samples(&[], cents(9), now), None);
    }
}
