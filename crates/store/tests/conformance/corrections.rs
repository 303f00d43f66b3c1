//! Costs that change after their hold has ended.

use ledger::{BalanceId, Evidence, HoldId, Member, Rolling, SetId};
use store::books::Line;

use crate::Factory;
use crate::script::{DAY_MS, HOUR_MS, Script, balance, correct, hold, lifetime, set, settle, void};

fn straddling(script: &mut Script) {
    let member = |id, from_ms, until_ms| Member { balance: BalanceId(id), from_ms, until_ms };
    let members = [member(0, None, Some(DAY_MS)), member(1, Some(DAY_MS), None)];
    script.post(&[
        balance(0, "day", (0, Some(DAY_MS))),
        balance(1, "day", (DAY_MS, Some(2 * DAY_MS))),
        Line::Set { id: SetId(0), members: members.into_iter().collect() },
        hold(1, 0, DAY_MS - 10),
        settle(1, DAY_MS - 5, 900),
    ]);
}

pub(crate) fn a_raise_goes_where_the_cost_was_and_counts_as_an_overrun(factory: &impl Factory) {
    let mut script = Script::new(factory);
    straddling(&mut script);
    script.post(&[correct(1, 0, (DAY_MS + 1, DAY_MS - 5), 900, 950)]);
    assert_eq!((script.posted(0), script.posted(1)), (950, 0), "the call was of the day before");
    script.post(&[correct(1, 0, (DAY_MS + 2, DAY_MS - 5), 950, 1_100)]);
    let entry = script.reader().entry(HoldId(1)).unwrap().unwrap();
    assert_eq!((entry.cost.nanos(), entry.overrun.nanos()), (1_100, 200), "all that came after the end");
    assert_eq!((entry.text.as_str(), entry.evidence), ("1100e-9", Evidence::Analytics));
    assert_eq!(entry.settled_ms, DAY_MS - 5, "the hold ended when it ended");
    let corrections = script.reader().corrections(HoldId(1)).unwrap();
    let told: Vec<_> = corrections
        .iter()
        .map(|row| (row.seq, row.was.nanos(), row.cost.nanos(), row.was_text.as_str()))
        .collect();
    assert_eq!(told, [(6, 900, 950, "900e-9"), (7, 950, 1_100, "950e-9")]);
    assert_eq!(script.reader().corrections(HoldId(2)).unwrap(), []);
    script.post(&[correct(1, 0, (DAY_MS + 3, DAY_MS - 5), 1_100, 0)]);
    assert_eq!((script.posted(0), script.posted(1)), (0, 0), "and what is taken back is what was posted");
}

pub(crate) fn a_refund_goes_back_to_where_the_cost_was(factory: &impl Factory) {
    let mut script = Script::new(factory);
    straddling(&mut script);
    script.post(&[correct(1, 0, (DAY_MS + HOUR_MS, DAY_MS - 5), 900, 600)]);
    assert_eq!((script.posted(0), script.posted(1)), (600, 0));
    let entry = script.reader().entry(HoldId(1)).unwrap().unwrap();
    assert_eq!((entry.cost.nanos(), entry.overrun.nanos()), (600, 0));
    // In one batch with the settlement, and back up to the same cost.
    script.post(&[
        hold(2, 0, DAY_MS - 4),
        settle(2, DAY_MS - 3, 50),
        correct(2, 0, (DAY_MS - 2, DAY_MS - 3), 50, 10),
        correct(2, 0, (DAY_MS - 1, DAY_MS - 3), 10, 50),
    ]);
    assert_eq!(script.posted(0), 650);
    assert_eq!(script.reader().entry(HoldId(2)).unwrap().unwrap().overrun.nanos(), 40);
}

pub(crate) fn a_refund_after_the_bucket_has_gone_changes_no_rolling_window(factory: &impl Factory) {
    let rolling = Rolling::from_words("rolling 5h").unwrap();
    let start = rolling.bucket_of(400 * DAY_MS);
    let mut script = Script::new(factory);
    script.post(&[balance(0, "rolling 5h", (0, None)), set(0, &[0])]);
    script.post(&[hold(1, 0, start), settle(1, start, 500), hold(2, 0, start), settle(2, start, 40)]);
    script.post(&[correct(1, 0, (start + HOUR_MS, start), 500, 450)]);
    assert_eq!(script.buckets(0), [(start, 490)], "out of the bucket it was charged to");
    let later = rolling.released_ms(start);
    let now = rolling.bucket_of(later);
    script.post(&[hold(3, 0, later), settle(3, later, 7)]);
    script.post(&[correct(1, 0, (later, start), 450, 100)]);
    assert_eq!(script.buckets(0), [(now, 7)]);
    assert_eq!(script.posted(0), 147, "the sum since the first hold knows it");
    script.post(&[correct(2, 0, (later, start), 40, 60)]);
    assert_eq!(script.buckets(0), [(now, 27)], "a raise is charged now");
}

pub(crate) fn a_void_that_was_billed_after_all(factory: &impl Factory) {
    let mut script = Script::new(factory);
    script.post(&[lifetime(0), set(0, &[0]), hold(1, 0, 5), void(1, 6)]);
    assert_eq!(script.posted(0), 0);
    script.post(&[correct(1, 0, (9_000, 6), 0, 800)]);
    let entry = script.reader().entry(HoldId(1)).unwrap().unwrap();
    assert_eq!((script.posted(0), entry.cost.nanos(), entry.overrun.nanos()), (800, 800, 800));
}

pub(crate) fn a_correction_has_to_know_what_is_booked(factory: &impl Factory) {
    let mut script = Script::new(factory);
    script.post(&[
        lifetime(0),
        lifetime(1),
        set(0, &[0]),
        set(1, &[1]),
        set(2, &[0]),
        hold(1, 0, 5),
        settle(1, 6, 30),
        hold(2, 0, 7),
    ]);
    for wrong in [
        correct(1, 0, (9, 6), 31, 40),
        correct(1, 0, (9, 7), 30, 40),
        correct(1, 1, (9, 6), 30, 40),
        correct(1, 9, (9, 6), 30, 40),
        correct(2, 0, (9, 6), 0, 40),
        correct(3, 0, (9, 6), 0, 40),
    ] {
        script.refuse(&[wrong]);
    }
    assert_eq!((script.posted(0), script.posted(1)), (30, 0));
    script.post(&[correct(1, 2, (9, 6), 30, 40)]);
    assert_eq!(script.posted(0), 40, "a set of the same balances will do");
    script.refuse(&[correct(1, 0, (9, 6), 30, 50)]);
}
