//! What a quiet key's counter proves. Pure: two looks at counter and books in, a verdict out (LEDGER.md 5.8, E5).
//!
//! What the books grew by explains what the counter grew by only as far as it was surely billed since: [`explained`].
//! Too little explained charges an unknown hold too much; too much explained would free one that was billed.

use money::{Exact, Nano};

/// Counter and books of one key at one instant, nothing being unknown or under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Balance {
    /// All that OpenRouter ever charged for the key.
    pub(super) theirs: Exact,
    /// All that is booked on it.
    pub(super) ours: Exact,
}

/// A cost that was booked since the earlier look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Booked {
    pub(super) cost: Exact,
    /// Whether it was billed, and since. Not what was charged on suspicion: the hold may have been free, and the bill
    /// another's. Not what stands for no call of these books: it may have been on the counter before.
    pub(super) is_sure: bool,
}

/// What of the books' growth is surely billed: the sure ones of what was booked `since`, without what was raised since
/// on older entries, which may have been on the counter before; but less what was lowered on them.
pub(super) fn explained(grown: Exact, since: &[Booked]) -> Exact {
    let sure = since.iter().filter(|booked| booked.is_sure).map(|booked| booked.cost).sum::<Exact>();
    let older = grown - since.iter().map(|booked| booked.cost).sum();
    sure + older.min(Exact::ZERO)
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
    fn what_is_surely_billed() {
        let exact = |cents: i32| Exact::from(Nano::from_cents(cents));
        for (grown, since, expect) in [
            (0, &[][..], 0),
            (3, &[(3, true)], 3),
            (6, &[(3, false), (3, false)], 0),
            (6, &[(3, true), (3, false)], 3),
            // An older entry was raised, or lowered.
            (3, &[], 0),
            (-2, &[], -2),
            (5, &[(3, true)], 3),
            (1, &[(3, true)], 1),
        ] {
            let since: Vec<Booked> =
                since.iter().map(|&(cents, is_sure)| Booked { cost: exact(cents), is_sure }).collect();
            assert_eq!(explained(exact(grown), &since), exact(expect), "{grown} {since:?}");
        }
    }

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
