//! Control totals: when the counter of an upstream key is read, and what it proves (LEDGER.md 5.8, E5). Pure: times
//! and readings in, decisions out; reading counters and books, and ending holds, is the caller's.
//!
//! A key is quiet when nothing is in flight on it and nothing was for `quiet_after`. Its counter, all that was ever
//! charged for it, is then read twice, `quiet_after` apart; a counter that moved meanwhile, or an attempt in between,
//! starts over. Two equal readings are
//!
//! * a *control point*, when nothing is unknown: counter and books belong together at that instant;
//! * evidence, when all that is unknown is past `final_after`: what the counter and the books grew by since the last
//!   control point is compared ([`judge`]). Equal: all of them are free. The counter grew more: each may be it, and is
//!   charged so much, at most its bound ([`attributed`]). The books grew more: nothing is resolved; that is drift.
//!
//! ```text
//! wants --true--> (the counter is read) --read--> true: points, or judges and rests
//!                                           '---> false: the first of two, one that moved, or none and it rests
//! ```
//!
//! What the books grew by explains what the counter grew by only as far as it was surely billed since ([`explained`]).
//! Too little explained charges an unknown hold too much; too much explained would free one that was billed.
//!
//! Fails closed: a counter that cannot be read proves nothing.

use ledger::mutants::{self, Mutant};
use money::{Exact, Nano};

/// The lengths of time, and the least amount, that the decisions rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long nothing may have been in flight, and how far two readings lie apart, milliseconds.
    pub quiet_after_ms: i64,
    /// When a cost that may still be billed is final, counted from when it became unknown, milliseconds.
    pub final_after_ms: i64,
    /// How long a key is left alone after a reading that led to nothing, milliseconds.
    pub rest_ms: i64,
    /// The least that the counter can show, USD.
    pub resolution: Exact,
}

/// What is known of one key between two looks at it.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    first: Option<Reading>,
    /// The quiet time (by its beginning) that has its control point.
    pointed: Option<i64>,
    rest_until_ms: i64,
}

/// One look at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Now, milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Since when nothing is in flight, milliseconds since the Unix epoch; `None`: something is.
    pub quiet_since: Option<i64>,
    /// Since when the youngest of its unknown holds is unknown, milliseconds since the Unix epoch; `None`: none is.
    pub youngest_unknown_ms: Option<i64>,
}

/// What a counter showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The quiet time, by its beginning, in which it was read.
    pub quiet_since: i64,
    /// All that was ever charged for the key, USD.
    pub charged: Exact,
}

impl Watch {
    /// Whether the counter is to be read now. What was read before is forgotten unless it can still be the first of two.
    pub fn wants(&mut self, rules: &Rules, look: &Look) -> bool {
        if look.now_ms < self.rest_until_ms {
            self.first = None;
            return false;
        }
        if mutants::is(Mutant::ReconcileBeforeQuiescent) {
            return true;
        }
        let Some(quiet_since) = look.quiet_since.filter(|_| self.is_ripe(rules, look)) else {
            self.first = None;
            return false;
        };
        self.first = self.first.filter(|first| first.quiet_since == quiet_since);
        self.first.is_none_or(|first| look.now_ms.saturating_sub(first.at_ms) >= rules.quiet_after_ms)
    }

    /// Takes what was read at `now_ms`; `None`: the counter could not be read. `true`: these are two equal readings, to
    /// be held against the books now.
    pub fn read(&mut self, rules: &Rules, now_ms: i64, reading: Option<Reading>) -> bool {
        let first = self.first.take();
        let Some(reading) = reading else {
            self.rest(rules, now_ms);
            return false;
        };
        if mutants::is(Mutant::ReconcileBeforeQuiescent) {
            return true;
        }
        let is_equal = first.is_some_and(|first| {
            (first.quiet_since, first.charged) == (reading.quiet_since, reading.charged)
        });
        if !is_equal {
            self.first = Some(reading);
        }
        is_equal
    }

    /// A control point of this quiet time was kept: it needs no other.
    pub fn pointed(&mut self, quiet_since: i64) {
        self.pointed = Some(quiet_since);
    }

    /// The readings led to what they could: the key is left alone for a while.
    pub fn rest(&mut self, rules: &Rules, now_ms: i64) {
        self.rest_until_ms = now_ms.saturating_add(rules.rest_ms);
    }

    /// Whether the key is quiet, and two readings would prove something.
    fn is_ripe(&self, rules: &Rules, look: &Look) -> bool {
        let since = |at_ms: i64| look.now_ms.saturating_sub(at_ms);
        let Some(quiet_ms) = look.quiet_since.map(since) else { return false };
        match look.youngest_unknown_ms {
            // A point that is behind what was booked charges a later unknown hold too much at worst.
            None => quiet_ms >= rules.quiet_after_ms && self.pointed != look.quiet_since,
            // What is not on the counter yet of calls that have settled would hide as much of those that have not.
            Some(at_ms) => {
                let is_settled = quiet_ms > rules.final_after_ms || mutants::is(Mutant::CounterLagIgnored);
                quiet_ms >= rules.quiet_after_ms && is_settled && since(at_ms) > rules.final_after_ms
            }
        }
    }
}

/// Counter and books of one key at one instant, nothing being under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// All that OpenRouter ever charged for the key, USD.
    pub theirs: Exact,
    /// All that is booked on it, USD; at the later instant what was booked at the earlier one, and what is
    /// [`explained`].
    pub ours: Exact,
}

/// A cost that was booked since a control point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booked {
    /// USD.
    pub cost: Exact,
    /// Whether it was billed, and since. Not what was charged on suspicion: the hold may have been free, and the bill
    /// another's. Not what stands for no call of these books: it may have been on the counter before.
    pub is_sure: bool,
}

/// What of the books' growth is surely billed, USD: the sure ones of what was booked `since`, without what was raised
/// since on older entries, which may have been on the counter before; but less what was lowered on them.
pub fn explained(grown: Exact, since: &[Booked]) -> Exact {
    if mutants::is(Mutant::SuspicionExplains) {
        return grown;
    }
    let sure = since.iter().filter(|booked| booked.is_sure).map(|booked| booked.cost).sum::<Exact>();
    let older = grown - since.iter().map(|booked| booked.cost).sum();
    sure + older.min(Exact::ZERO)
}

/// What two such instants mean for the holds that are still unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was billed that is not booked: all of them are free.
    Nothing,
    /// So much was billed that is not booked, USD: each of them may be it.
    Billed(Exact),
    /// So much more is booked than was billed, USD: that proves nothing about any of them.
    Drift(Exact),
}

/// Compares two instants, `then` of a control point; `resolution`: the least that the counter can show, USD.
pub fn judge(then: Totals, now: Totals, resolution: Exact) -> Verdict {
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
pub fn attributed(billed: Exact, bound: Nano) -> Nano {
    billed.ceil().min(bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: i64 = 100;
    const FINAL: i64 = 1_000;
    const REST: i64 = 500;

    fn exact(text: &str) -> Exact {
        Exact::parse_ceil(text).unwrap()
    }

    fn rules() -> Rules {
        Rules { quiet_after_ms: QUIET, final_after_ms: FINAL, rest_ms: REST, resolution: exact("0.00000001") }
    }

    fn look(now_ms: i64, quiet_since: Option<i64>, youngest_unknown_ms: Option<i64>) -> Look {
        Look { now_ms, quiet_since, youngest_unknown_ms }
    }

    fn reading(at_ms: i64, quiet_since: i64, charged: &str) -> Option<Reading> {
        Some(Reading { at_ms, quiet_since, charged: exact(charged) })
    }

    #[test]
    fn verdicts() {
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
            let of = |(theirs, ours): (&str, &str)| Totals { theirs: exact(theirs), ours: exact(ours) };
            assert_eq!(judge(of(then), of(now), resolution), expect, "{then:?} {now:?}");
        }
        assert_eq!(attributed(exact("0.0000000001"), Nano::from_nanos(5)), Nano::from_nanos(1));
        assert_eq!(attributed(exact("7"), Nano::from_nanos(5)), Nano::from_nanos(5));
    }

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
    fn when_a_first_reading_is_wanted() {
        for (what, now_ms, quiet_since, unknown, expect) in [
            ("in flight", 5_000, None, None, false),
            ("in flight, unknown", 5_000, None, Some(0), false),
            ("not quiet for long enough", 5_000, Some(5_000 - QUIET + 1), None, false),
            ("quiet just long enough", 5_000, Some(5_000 - QUIET), None, true),
            ("unknown, not yet final", 5_000, Some(0), Some(5_000 - FINAL), false),
            ("unknown, just final", 5_000, Some(0), Some(5_000 - FINAL - 1), true),
            ("final, not quiet for long enough", 5_000, Some(4_950), Some(0), false),
            ("a clock that went back", 5_000, Some(6_000), None, false),
            ("unknown in the future", 5_000, Some(0), Some(6_000), false),
            ("the ends of time", i64::MAX, Some(i64::MIN), Some(i64::MIN), true),
        ] {
            let wants = Watch::default().wants(&rules(), &look(now_ms, quiet_since, unknown));
            assert_eq!(wants, expect, "{what}");
        }
    }

    #[test]
    fn two_equal_readings_in_one_quiet_time_a_quiet_time_apart() {
        for (what, second, charged, quiet_since, expect) in [
            ("too early", 5_000 + QUIET - 1, "1", 0, None),
            ("equal", 5_000 + QUIET, "1", 0, Some(true)),
            ("it moved", 5_000 + QUIET, "1.1", 0, Some(false)),
            ("it moved by less than it resolves", 5_000 + QUIET, "1.000000001", 0, Some(false)),
            ("an attempt in between", 6_000, "1", 5_500, Some(false)),
        ] {
            let mut watch = Watch::default();
            assert!(watch.wants(&rules(), &look(5_000, Some(0), None)), "{what}");
            assert!(!watch.read(&rules(), 5_000, reading(5_000, 0, "1")), "{what}: one is never enough");
            let wants = watch.wants(&rules(), &look(second, Some(quiet_since), None));
            let read = wants.then(|| watch.read(&rules(), second, reading(second, quiet_since, charged)));
            assert_eq!(read, expect, "{what}");
        }
    }

    #[test]
    fn a_look_that_finds_a_key_busy_starts_over() {
        for between in
            [look(5_050, None, None), look(5_050, Some(5_040), None), look(5_050, Some(0), Some(5_000))]
        {
            let mut watch = Watch::default();
            assert!(!watch.read(&rules(), 5_000, reading(5_000, 0, "1")));
            assert!(!watch.wants(&rules(), &between), "{between:?}");
            assert!(watch.wants(&rules(), &look(5_200, Some(0), None)));
            assert!(!watch.read(&rules(), 5_200, reading(5_200, 0, "1")), "the first of two again");
        }
    }

    #[test]
    fn a_counter_that_moved_is_the_first_of_the_next_two() {
        let mut watch = Watch::default();
        for (at_ms, charged, expect) in
            [(5_000, "1", false), (5_100, "2", false), (5_200, "2", true), (5_300, "2", false)]
        {
            assert!(watch.wants(&rules(), &look(at_ms, Some(0), None)), "{at_ms}");
            assert_eq!(watch.read(&rules(), at_ms, reading(at_ms, 0, charged)), expect, "{at_ms}");
        }
    }

    #[test]
    fn one_control_point_for_a_quiet_time() {
        let mut watch = Watch::default();
        watch.pointed(0);
        assert!(!watch.wants(&rules(), &look(5_000, Some(0), None)));
        assert!(watch.wants(&rules(), &look(5_000, Some(1), None)), "another quiet time");
        assert!(watch.wants(&rules(), &look(5_000, Some(0), Some(0))), "evidence is wanted all the same");
    }

    #[test]
    fn it_rests_after_a_failure_and_after_a_verdict() {
        let mut failed = Watch::default();
        assert!(!failed.read(&rules(), 5_000, reading(5_000, 0, "1")));
        assert!(!failed.read(&rules(), 5_100, None), "what cannot be read proves nothing");
        let mut judged = Watch::default();
        judged.rest(&rules(), 5_100);
        for mut watch in [failed, judged] {
            assert!(!watch.wants(&rules(), &look(5_100 + REST - 1, Some(0), Some(0))));
            assert!(watch.wants(&rules(), &look(5_100 + REST, Some(0), Some(0))));
            assert!(
                !watch.read(&rules(), 6_000, reading(6_000, 0, "1")),
                "nothing from before the rest counts"
            );
        }
    }
}
