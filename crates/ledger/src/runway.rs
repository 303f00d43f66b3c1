//! Runway: how long what is left lasts at the pace of late. Pure arithmetic; what a pace is measured over is the
//! caller's choice.

use money::Nano;

/// Milliseconds until `left` is gone, when `spent` went in `over_ms` milliseconds and it goes on like that.
///
/// Rounded down, so that it is never later than it will be. Nothing left is 0; `None` when nothing was spent, or in
/// no time: then there is no pace. Held at `i64::MAX`, which is as good as for ever.
///
/// ```
/// use money::Nano;
/// let hour_ms = 3_600_000;
/// let left = ledger::runway(Nano::from_cents(50), hour_ms, Nano::from_cents(200));
/// assert_eq!(left, Some(4 * hour_ms));
/// ```
pub fn runway(spent: Nano, over_ms: i64, left: Nano) -> Option<i64> {
    if spent <= Nano::ZERO || over_ms <= 0 {
        return None;
    }
    if left <= Nano::ZERO {
        return Some(0);
    }
    let lasts_ms = i128::from(left.nanos()) * i128::from(over_ms) / i128::from(spent.nanos());
    Some(i64::try_from(lasts_ms).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(spent: i64, over_ms: i64, left: i64) -> Option<i64> {
        runway(Nano::from_nanos(spent), over_ms, Nano::from_nanos(left))
    }

    #[test]
    fn paces() {
        for (spent, over_ms, left, lasts) in [
            (10, 1_000, 100, Some(10_000)),
            (3, 1_000, 1, Some(333)),
            (1_000, 1, 999, Some(0)),
            (10, 1_000, 0, Some(0)),
            (10, 1_000, -5, Some(0)),
            (0, 1_000, 100, None),
            (-1, 1_000, 100, None),
            (10, 0, 100, None),
            (10, -1, 100, None),
            (1, i64::MAX, i64::MAX, Some(i64::MAX)),
        ] {
            assert_eq!(of(spent, over_ms, left), lasts, "{spent} in {over_ms} ms, {left} left");
        }
    }

    proptest! {
        /// At the end of the runway the money is just not gone, and a millisecond later it is.
        #[test]
        fn it_ends_when_the_money_does(spent in 1..i64::MAX, over_ms in 1..i64::MAX, left in 0..i64::MAX) {
            let lasts = of(spent, over_ms, left).expect("a pace");
            let gone = |after_ms: i64| {
                i128::from(spent) * i128::from(after_ms) > i128::from(left) * i128::from(over_ms)
            };
            prop_assert!(!gone(lasts));
            prop_assert!(lasts == i64::MAX || gone(lasts + 1));
        }
    }
}
