//! What a quiet key's counter proves. Pure: two looks at counter and books in, a verdict out (LEDGER.md 5.8, E5).

use money::{Exact, Nano};

/// Counter and books of one key at one instant, nothing being unknown or under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Balance {
    /// All that OpenRouter ever charged for the key.
    pub(super) theirs: Exact,
    /// All that is booked on it.
    pub(super) ours: Exact,
}

/// What it means for the holds that are still unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing was billed that is not booked: all of them are free.
    Nothing,
    /// So much was billed that is not booked: each of them may be it.
    Billed(Exact),
    /// More is booked than was billed: that proves nothing about any of them.
    Drift(Exact),
}

/// Compares two instants; `resolution`: the least that the counter can show, USD.
pub(super) fn judge(then: Balance, now: Balance, resolution: Exact) -> Verdict {
    let more = (now.theirs - then.theirs) - (now.ours - then.ours);
    if more.abs() <= resolution {
        Verdict::Nothing
    } else if more > Exact::ZERO {
        Verdict::Billed(more)
    } else {
        Verdict::Drift(more.abs())
    }
}

/// What a hold is charged when so much was billed that it may be: too much rather than too little, but never more than
/// it may cost.
pub(super) fn attributed(billed: Exact, bound: Nano) -> Nano {
    billed.ceil().min(bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts() {
        let exact = |text: &str| Exact::parse_ceil(text).unwrap();
        let resolution = exact("0.00000001");
        for (then, now, expect) in [
            (("5", "1"), ("5", "1"), Verdict::Nothing),
            (("5", "1"), ("5.3", "1.3"), Verdict::Nothing),
            (("5", "1"), ("5.30000001", "1.3"), Verdict::Nothing),
            (("5", "1"), ("5.3", "1.30000001"), Verdict::Nothing),
            (("5", "1"), ("5.300000011", "1.3"), Verdict::Billed(exact("0.000000011"))),
            (("5", "1"), ("6", "1"), Verdict::Billed(exact("1"))),
            (("5", "1"), ("5.3", "1.4"), Verdict::Drift(exact("0.1"))),
            (("5", "0"), ("5", "0"), Verdict::Nothing),
        ] {
            let of = |(theirs, ours): (&str, &str)| Balance { theirs: exact(theirs), ours: exact(ours) };
            assert_eq!(judge(of(then), of(now), resolution), expect, "{then:?} {now:?}");
        }
        assert_eq!(attributed(exact("0.0000000001"), Nano::from_nanos(5)), Nano::from_nanos(1));
        assert_eq!(attributed(exact("7"), Nano::from_nanos(5)), Nano::from_nanos(5));
    }
}
