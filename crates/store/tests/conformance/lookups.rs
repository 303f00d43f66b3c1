//! Finding what is there.

use ledger::{BalanceId, HoldId};
use store::books::Line;

use crate::Factory;
use crate::script::{DAY_MS, HOUR_MS, Script, balance, hold, lifetime, name, set, settle};

pub(crate) fn by_name_generation_hold_and_time(factory: &impl Factory) {
    let mut script = Script::new(factory);
    let reader = script.reader();
    assert_eq!(reader.entries(0, i64::MAX, None, 9).unwrap(), []);
    assert_eq!(reader.entry(HoldId(1)).unwrap(), None);
    assert_eq!(reader.balance(BalanceId(0)).unwrap(), None);
    drop(reader);
    script.post(&[lifetime(0), balance(1, "day", (0, Some(DAY_MS))), set(0, &[0, 1])]);
    // Holds a minute apart; every third does not end, and two end under one generation.
    for id in 1..=60_u64 {
        let at_ms = id as i64 * 60_000;
        let generation = format!("gen-{}", id / 2);
        script.post(&[hold(id, 0, at_ms), Line::Generation { hold: HoldId(id), id: generation }]);
        if id % 3 != 0 {
            script.post(&[settle(id, 90 * 60_000 - at_ms, 1)]);
        }
    }
    let reader = script.reader();
    let found = reader.find_balance(&name(1, "day", (0, Some(DAY_MS)))).unwrap().unwrap();
    assert_eq!((found.id, found.posted.nanos()), (BalanceId(1), 40));
    for absent in
        [name(1, "week", (0, Some(DAY_MS))), name(1, "day", (0, None)), name(2, "day", (0, Some(DAY_MS)))]
    {
        assert_eq!(reader.find_balance(&absent).unwrap(), None);
    }
    assert_eq!(reader.entry_of("gen-16").unwrap().unwrap().hold, HoldId(32), "33 is open");
    assert_eq!(
        reader.entry_of("gen-10").unwrap().unwrap().hold,
        HoldId(20),
        "21 is open, so the newest that ended"
    );
    assert_eq!(reader.entry_of("gen-99").unwrap(), None);
    let ids = |from: i64, until: i64, after: Option<u64>, most| -> Vec<u64> {
        let entries = reader.entries(from, until, after.map(HoldId), most).unwrap();
        entries.iter().map(|entry| entry.hold.0).collect()
    };
    assert_eq!(ids(10 * 60_000, 14 * 60_000, None, 9), [10, 11, 13]);
    assert_eq!(ids(10 * 60_000 + 1, 14 * 60_000 + 1, None, 9), [11, 13, 14]);
    assert_eq!(ids(0, i64::MAX, None, 2), [1, 2]);
    assert_eq!(ids(0, i64::MAX, Some(2), 2), [4, 5]);
    assert!(ids(0, i64::MAX, Some(59), 2).is_empty());
    assert!(ids(61 * 60_000, i64::MAX, None, 2).is_empty());
    assert_eq!(ids(i64::MIN, i64::MAX, None, 99).len(), 40);
    assert_eq!(reader.snapshot().unwrap().open.len(), 20);
}

pub(crate) fn open_windows_only(factory: &impl Factory) {
    let mut script = Script::new(factory);
    let hours = |n: i64| (n * HOUR_MS, Some((n + 1) * HOUR_MS));
    let mut lines = vec![lifetime(0)];
    lines.extend((1..=9).map(|n| balance(n, "hour", hours(i64::from(n)))));
    lines.push(balance(10, "rolling 5h", (0, None)));
    script.post(&lines);
    let reader = script.reader();
    let ids = |since_ms, most| -> Vec<u32> {
        reader.open_balances(since_ms, most).unwrap().iter().map(|row| row.id.0).collect()
    };
    assert_eq!(ids(8 * HOUR_MS, 99), [0, 7, 8, 9, 10], "ended at that very instant");
    assert_eq!(ids(8 * HOUR_MS + 1, 99), [0, 8, 9, 10]);
    assert_eq!(ids(0, 3), [0, 1, 2]);
    assert_eq!(ids(i64::MAX, 99), [0, 10]);
}

pub(crate) fn a_reader_that_holds_still(factory: &impl Factory) {
    let mut script = Script::new(factory);
    script.post(&[lifetime(0), set(0, &[0]), hold(1, 0, 5)]);
    let live = script.reader();
    let mut still = script.reader();
    still.hold_still().unwrap();
    script.post(&[settle(1, 6, 300)]);
    let posted =
        |reader: &dyn store::books::Reader| reader.balance(BalanceId(0)).unwrap().unwrap().posted.nanos();
    assert_eq!((posted(&*live), posted(&*still)), (300, 0));
    assert_eq!(still.snapshot().unwrap().open.len(), 1);
    assert_eq!(live.snapshot().unwrap().open.len(), 0);
}
