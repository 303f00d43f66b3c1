//! Windows: which balance, and which bucket, takes a cost.

use ledger::{BalanceId, Member, Rolling, SetId};
use store::books::Line;

use crate::Factory;
use crate::script::{DAY_MS, HOUR_MS, Script, balance, hold, lifetime, set, settle};

pub(crate) fn a_straddling_cost_goes_to_the_window_it_settles_in(factory: &impl Factory) {
    let mut script = Script::new(factory);
    let member = |id, from_ms, until_ms| Member { balance: BalanceId(id), from_ms, until_ms };
    let members = [member(0, None, Some(DAY_MS)), member(1, Some(DAY_MS), None), member(2, None, None)];
    script.post(&[
        balance(0, "day", (0, Some(DAY_MS))),
        balance(1, "day", (DAY_MS, Some(2 * DAY_MS))),
        lifetime(2),
        Line::Set { id: SetId(0), members: members.into_iter().collect() },
    ]);
    script.post(&[hold(1, 0, DAY_MS - 10), hold(2, 0, DAY_MS - 10), hold(3, 0, DAY_MS - 10)]);
    assert_eq!(script.reader().snapshot().unwrap().open[0].members.as_slice(), members);
    script.post(&[settle(1, DAY_MS - 1, 100), settle(2, DAY_MS, 20), settle(3, DAY_MS + 5, 3)]);
    assert_eq!([0, 1, 2].map(|id| script.posted(id)), [100, 23, 123]);
}

pub(crate) fn a_rolling_window_forgets_whole_buckets(factory: &impl Factory) {
    let rolling = Rolling::from_words("rolling 5h").unwrap();
    let start = rolling.bucket_of(400 * DAY_MS);
    let mut script = Script::new(factory);
    script.post(&[balance(0, "rolling 5h", (0, None)), lifetime(1), set(0, &[0, 1])]);
    let call = |id, at_ms, nanos| [hold(id, 0, at_ms), settle(id, at_ms, nanos)];
    script.post(&call(1, start, 10));
    script.post(&call(2, start + rolling.bucket_ms - 1, 5));
    script.post(&call(3, start + rolling.bucket_ms, 2));
    assert_eq!(script.buckets(0), [(start, 15), (start + rolling.bucket_ms, 2)]);
    assert_eq!(script.buckets(1), []);
    // The last instant at which the first bucket counts, and the first at which it does not.
    script.post(&call(4, rolling.released_ms(start) - 1, 1));
    assert_eq!(script.buckets(0)[0], (start, 15));
    script.post(&call(5, rolling.released_ms(start), 1));
    assert_eq!(script.buckets(0)[0], (start + rolling.bucket_ms, 2));
    assert_eq!((script.posted(0), script.posted(1)), (19, 19), "the sum since the first hold stays");
    script.reopen();
    // Time passes by what others do, too.
    script.post(&[lifetime(2), set(1, &[2]), hold(6, 1, start + 12 * HOUR_MS)]);
    assert_eq!(script.buckets(0), []);
    let snapshot = script.reader().snapshot().unwrap();
    assert_eq!(snapshot.latest_ms, start + 12 * HOUR_MS);
}

pub(crate) fn what_settles_late_in_time_is_not_charged_to_a_rolling_window_again(factory: &impl Factory) {
    let mut script = Script::new(factory);
    let now_ms = 400 * DAY_MS;
    script.post(&[balance(0, "rolling 1h", (0, None)), set(0, &[0]), hold(1, 0, now_ms), hold(2, 0, now_ms)]);
    // A record with an old time behind one with a new time: its bucket is over already.
    script.post(&[settle(1, now_ms, 7), settle(2, now_ms - 2 * HOUR_MS, 9)]);
    assert_eq!(script.buckets(0).iter().map(|(_, sum)| sum).sum::<i64>(), 7);
    assert_eq!(script.posted(0), 16);
}
