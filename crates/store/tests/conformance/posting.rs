//! Posting: once, all or nothing, in full.

use ledger::{BalanceId, Evidence, HoldId, Member, SetId, UnknownReason};
use money::Nano;
use store::OpenHold;
use store::books::{Line, PostError};

use crate::Factory;
use crate::script::{Script, hold, lifetime, name, set, settle};

pub(crate) fn a_batch_is_posted_once(factory: &impl Factory) {
    let mut script = Script::new(factory);
    assert_eq!(script.reader().snapshot().unwrap().seq, 0);
    let batch = script.batch(&[lifetime(0), set(0, &[0]), hold(1, 0, 5), settle(1, 6, 300)]);
    script.writer().post(&batch).unwrap();
    assert!(matches!(script.writer().post(&batch), Err(PostError::Disagree(_))), "a second time");
    script.reopen();
    assert!(matches!(script.writer().post(&batch), Err(PostError::Disagree(_))), "nor after a start");
    assert_eq!(script.posted(0), 300);
    let snapshot = script.reader().snapshot().unwrap();
    assert_eq!((snapshot.seq, snapshot.segment, snapshot.offset), (4, 1, batch.next.offset));
    assert_eq!((snapshot.next_balance, snapshot.next_set, snapshot.next_hold), (1, 1, 2));
    let mut gap = script.batch(&[lifetime(1)]);
    gap.lines[0].0 = 6;
    assert!(matches!(script.writer().post(&gap), Err(PostError::Disagree(_))), "a record is missing");
    let empty = script.batch(&[]);
    script.writer().post(&empty).unwrap();
}

pub(crate) fn what_contradicts_leaves_nothing_behind(factory: &impl Factory) {
    let mut script = Script::new(factory);
    script.post(&[lifetime(0), set(0, &[0]), hold(1, 0, 5), hold(2, 0, 5), settle(2, 6, 10)]);
    let before = script.reader().snapshot().unwrap();
    let another_name = Line::Balance { id: BalanceId(0), name: name(1, "day", (0, None)), limit: Nano::ZERO };
    let late = Line::Generation { hold: HoldId(2), id: "gen-2".to_owned() };
    for wrong in [
        another_name,
        set(0, &[0]),
        set(1, &[9]),
        hold(3, 9, 5),
        hold(1, 0, 5),
        settle(2, 7, 10),
        settle(7, 7, 10),
        late,
        Line::Unknown { hold: HoldId(7), at_ms: 5, reason: UnknownReason::Broken, status: 0 },
    ] {
        // What is right in the same batch goes with it.
        script.refuse(&[lifetime(5), set(5, &[5]), hold(5, 5, 9), settle(5, 9, 1), wrong.clone()]);
        assert_eq!(script.reader().snapshot().unwrap(), before, "{wrong:?}");
        assert_eq!(script.posted(0), 10);
        assert_eq!(script.reader().set(SetId(5)).unwrap(), None);
    }
    script.post(&[lifetime(5), set(5, &[0]), hold(5, 5, 9), settle(5, 9, 3)]);
    assert_eq!((script.posted(0), script.posted(5)), (13, 0), "a set that was taken back was never said");
}

pub(crate) fn an_entry_says_everything_about_its_hold(factory: &impl Factory) {
    let mut script = Script::new(factory);
    script.post(&[lifetime(0), lifetime(1), set(3, &[0, 1]), hold(7, 3, 1_007)]);
    script.post(&[Line::Generation { hold: HoldId(7), id: "gen-7".to_owned() }]);
    let unknown = |at_ms, reason, status| Line::Unknown { hold: HoldId(7), at_ms, reason, status };
    script.post(&[unknown(1_500, UnknownReason::ServerError, 502)]);
    script.post(&[unknown(1_600, UnknownReason::TimedOut, 0)]);
    let snapshot = script.reader().snapshot().unwrap();
    assert_eq!(snapshot.began, [(HoldId(7), 1)], "in the segment that its batch was of");
    let [open]: [OpenHold; 1] = snapshot.open.try_into().unwrap();
    assert_eq!(open.members.iter().map(|member| member.balance.0).collect::<Vec<_>>(), [0, 1]);
    assert_eq!((open.unknown, open.unknown_since_ms), (Some((UnknownReason::TimedOut, 0)), 1_500));
    assert_eq!(snapshot.balances.len(), 2);
    assert_eq!(script.reader().entry(HoldId(7)).unwrap(), None);
    script.post(&[settle(7, 9_000, 1_003)]);
    let entry = script.reader().entry(HoldId(7)).unwrap().unwrap();
    assert_eq!(
        (entry.hold, entry.at_ms, entry.settled_ms, entry.class),
        (open.hold, 1_007, 9_000, open.class)
    );
    assert_eq!((entry.bound.nanos(), entry.cost.nanos(), entry.overrun.nanos()), (1_000, 1_003, 3));
    assert_eq!(
        (entry.text.as_str(), entry.evidence, entry.set),
        ("1003e-9", Evidence::Usage, Some(SetId(3)))
    );
    assert_eq!(
        (&entry.members, entry.upstream_key, &entry.key),
        (&open.members, open.upstream_key, &open.key)
    );
    assert_eq!((&entry.model, entry.generation.as_deref()), (&open.model, Some("gen-7")));
    assert_eq!((entry.unknown, entry.unknown_since_ms), (open.unknown, 1_500));
    let snapshot = script.reader().snapshot().unwrap();
    assert!(snapshot.open.is_empty() && snapshot.began.is_empty());
    // A hold of before there were sets has its balances itself.
    let Line::Hold(old) = hold(8, 0, 10_000) else { unreachable!() };
    let members = [Member::plain(BalanceId(1))].into_iter().collect();
    script.post(&[Line::Hold(OpenHold { set: None, members, ..old })]);
    script.post(&[settle(8, 10_001, 4)]);
    let entry = script.reader().entry(HoldId(8)).unwrap().unwrap();
    assert_eq!((entry.set, entry.members.len(), script.posted(0), script.posted(1)), (None, 1, 1_003, 1_007));
}

pub(crate) fn a_limit_changes_and_nothing_else(factory: &impl Factory) {
    let mut script = Script::new(factory);
    script.post(&[lifetime(0), set(0, &[0]), hold(1, 0, 5), settle(1, 6, 300)]);
    let limit = Nano::from_cents(7);
    script.post(&[Line::Balance { id: BalanceId(0), name: name(0, "lifetime", (0, None)), limit }]);
    let row = script.reader().balance(BalanceId(0)).unwrap().unwrap();
    assert_eq!((row.limit, row.posted.nanos()), (limit, 300));
}

pub(crate) fn an_overrun_is_booked_in_full(factory: &impl Factory) {
    let mut script = Script::new(factory);
    script.post(&[lifetime(0), set(0, &[0]), hold(1, 0, 5), settle(1, 6, 5_000_000_000)]);
    assert_eq!(script.posted(0), 5_000_000_000, "five times its limit");
    let entry = script.reader().entry(HoldId(1)).unwrap().unwrap();
    assert_eq!(entry.overrun.nanos(), 4_999_999_000);
}
