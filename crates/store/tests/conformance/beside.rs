//! What stands beside the money.

use ledger::UpstreamKeyId;
use money::{Exact, Nano};
use store::books::Line;
use store::{ControlPoint, DecisionRow, HonestyRow, SavingRow};

use crate::Factory;
use crate::script::{KEY, Script, lifetime};

pub(crate) fn decisions_are_kept_up_to_a_limit(factory: &impl Factory) {
    let mut script = Script::new(factory);
    let row = |n: i64| DecisionRow {
        at_ms: n,
        request: format!("req-{}", n % 7),
        outcome: "allowed".into(),
        json: format!("{{\"n\":{n}}}"),
    };
    script.writer().keep_decisions(&(0..30).map(row).collect::<Vec<_>>(), 20).unwrap();
    script.reopen();
    script.writer().keep_decisions(&(30..50).map(row).collect::<Vec<_>>(), 20).unwrap();
    let times = |n, request| -> Vec<i64> {
        script.reader().last_decisions(n, request).unwrap().iter().map(|row| row.at_ms).collect()
    };
    assert_eq!(times(100, None), (30..50).rev().collect::<Vec<_>>());
    assert_eq!(times(2, Some("req-3")), [45, 38]);
    assert_eq!(script.reader().last_decisions(1, None).unwrap(), [row(49)]);
}

pub(crate) fn savings_add_up(factory: &impl Factory) {
    let mut script = Script::new(factory);
    let row = |route: &str, day, cost: i64| SavingRow {
        route: route.to_owned(),
        day,
        calls: 1,
        cost: Nano::from_nanos(cost),
        instead: Nano::from_nanos(10),
        uncompared: 2,
    };
    script
        .writer()
        .add_savings(&[row("x", 20, 3), row("a", 20, 1), row("x", 21, 1), row("x", 3, 1)])
        .unwrap();
    script.reopen();
    script.writer().add_savings(&[row("x", 20, 4)]).unwrap();
    let found = script.reader().savings(20).unwrap();
    let told: Vec<_> = found.iter().map(|row| (row.day, row.route.as_str(), row.calls)).collect();
    assert_eq!(told, [(20, "a", 1), (20, "x", 2), (21, "x", 1)]);
    assert_eq!((found[1].cost.nanos(), found[1].instead.nanos(), found[1].uncompared), (7, 20, 4));
}

pub(crate) fn the_honesty_register_adds_up_and_is_cleared(factory: &impl Factory) {
    let mut script = Script::new(factory);
    let row = |model: &str, provider: &str, percent, at_ms| HonestyRow {
        model: model.to_owned(),
        provider: provider.to_owned(),
        calls: 10,
        caps_broken: 1,
        cancels_broken: 2,
        usage_missing: 3,
        counts_broken: 6,
        overruns: 4,
        overrun: Nano::from_nanos(5),
        worst_percent: percent,
        last_ms: at_ms,
        cleared_ms: None,
    };
    let rows = [row("m", "p", 120, 100), row("m", "q", 90, 50), row("n", "p", 90, 50)];
    script.writer().add_honesty(&rows).unwrap();
    script.reopen();
    script.writer().add_honesty(&[row("m", "p", 110, 300)]).unwrap();
    let found = script.reader().honesty().unwrap();
    assert_eq!(found[1..], rows[1..]);
    let sum = &found[0];
    assert_eq!((sum.calls, sum.caps_broken, sum.cancels_broken, sum.usage_missing), (20, 2, 4, 6));
    assert_eq!(sum.counts_broken, 12);
    assert_eq!((sum.overruns, sum.overrun.nanos(), sum.worst_percent, sum.last_ms), (8, 10, 120, 300));
    assert_eq!(script.writer().clear_honesty("m", Some("q"), 400).unwrap(), 1);
    assert_eq!(script.writer().clear_honesty("absent", None, 400).unwrap(), 0);
    let cleared = HonestyRow {
        model: "m".to_owned(),
        provider: "q".to_owned(),
        last_ms: 50,
        cleared_ms: Some(400),
        ..HonestyRow::default()
    };
    assert_eq!(script.reader().honesty().unwrap()[1], cleared);
    assert_eq!(script.writer().clear_honesty("m", None, 500).unwrap(), 2);
    script.writer().add_honesty(&[row("m", "p", 101, 600)]).unwrap();
    let found = script.reader().honesty().unwrap();
    assert_eq!((found[0].calls, found[0].worst_percent, found[0].cleared_ms), (10, 101, Some(500)));
    assert_eq!((found[1].cleared_ms, found[2].cleared_ms), (Some(500), None));
}

pub(crate) fn the_last_hundred_control_points(factory: &impl Factory) {
    let mut script = Script::new(factory);
    let point = |key, n: u64| ControlPoint {
        upstream_key: key,
        at_ms: n.cast_signed(),
        usage: format!("{n}.00"),
        // Beyond what 64 bits hold.
        exact: Exact::from_attos(1 << 100),
        entries: n,
    };
    let other = UpstreamKeyId([0; 8]);
    script.writer().keep_control(&point(other, 1)).unwrap();
    for n in 0..130 {
        script.writer().keep_control(&point(KEY, n)).unwrap();
    }
    let found = script.reader().control_points(KEY).unwrap();
    assert_eq!(found, (30..130).rev().map(|n| point(KEY, n)).collect::<Vec<_>>());
    assert_eq!(script.reader().control_points(other).unwrap(), [point(other, 1)]);
    assert_eq!(script.reader().control_points(UpstreamKeyId([9; 8])).unwrap(), []);
}

pub(crate) fn actions_and_the_clock(factory: &impl Factory) {
    let mut script = Script::new(factory);
    assert_eq!(script.reader().snapshot().unwrap().clock, None);
    let action = |at_ms, what: &str| Line::Action { at_ms, who: "alice".to_owned(), what: what.to_owned() };
    script.post(&[lifetime(0), action(1 << 60, "raised a limit"), Line::Clock { at_ms: 5_000, boot_ms: 60 }]);
    script.post(&[action(3, "cleared m/one")]);
    let snapshot = script.reader().snapshot().unwrap();
    let clock = snapshot.clock.unwrap();
    assert_eq!((clock.at_ms, clock.boot_ms, clock.boot_id), (5_000, 60, Some([7; 16])));
    assert_eq!(snapshot.latest_ms, 0, "no money moved");
    let mut unnamed = script.batch(&[Line::Clock { at_ms: 6_000, boot_ms: 1_060 }]);
    unnamed.boot_id = None;
    script.writer().post(&unnamed).unwrap();
    assert_eq!(script.reader().snapshot().unwrap().clock.unwrap().boot_id, None);
    let actions = script.reader().actions(9).unwrap();
    let told: Vec<_> = actions.iter().map(|row| (row.seq, row.at_ms, row.what.as_str())).collect();
    assert_eq!(told, [(4, 3, "cleared m/one"), (2, 1 << 60, "raised a limit")]);
    assert_eq!((actions[0].who.as_str(), script.reader().actions(1).unwrap().len()), ("alice", 1));
}

pub(crate) fn restored_until_accepted(factory: &impl Factory) {
    let mut script = Script::new(factory);
    script.writer().set_restored(Some(77)).unwrap();
    script.post(&[lifetime(0)]);
    script.reopen();
    assert_eq!(script.reader().snapshot().unwrap().restored, Some(77));
    script.writer().set_restored(None).unwrap();
    script.writer().make_durable(true).unwrap();
    let snapshot = script.reader().snapshot().unwrap();
    assert_eq!((snapshot.restored, snapshot.clean), (None, true));
    script.post(&[lifetime(1)]);
    assert!(!script.reader().snapshot().unwrap().clean, "something followed");
}
