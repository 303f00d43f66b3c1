//! The order of money, on a real store in a temporary folder: what each step leaves behind, and after a crash.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::thread;

use admission::{Admission, Ask, Clamp, Parked, RefusalReason, Shortage};
use ledger::{Evidence, Label, Scope, UnknownReason};
use money::Nano;
use pricing::Bound;

use crate::support::{KEY, as_a_crash_leaves, ask, block_on, bound, budget, millis, open, permit};

/// posted, held, unknown, available; in thousandths of a dollar.
fn amounts(admission: &Admission) -> (i64, i64, i64, i64) {
    let balance = &admission.balances(2_000)[0];
    let thousandths = |nano: Nano| nano.nanos() / 1_000_000;
    (
        thousandths(balance.posted),
        thousandths(balance.held),
        thousandths(balance.unknown),
        thousandths(balance.available),
    )
}

fn is_ready(parked: &mut std::pin::Pin<Box<Parked>>) -> Option<Option<admission::Reserved>> {
    match parked.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(granted) => Some(granted),
        Poll::Pending => None,
    }
}

#[test]
fn every_way_a_hold_can_end() {
    let dir = tempfile::tempdir().unwrap();
    let admission = open(dir.path(), vec![budget("all", millis(1_000), &[])]);
    let slack = bound(1).usd().saturating_sub(millis(1));
    assert!(slack < Nano::from_nanos(10), "the test's dollars are a hair above: {slack}");
    let bound = bound(100);

    drop(admission.reserve(&ask(&bound, Clamp::Never), 2_000).unwrap());
    assert_eq!(amounts(&admission).1, 0, "a reservation that is dropped is given back");
    drop(permit(&admission, &bound, Clamp::Never));
    assert_eq!(amounts(&admission), (0, 0, 0, 1_000), "a permit that is dropped was never sent");

    let flight = permit(&admission, &bound, Clamp::Never).sent();
    assert_eq!(amounts(&admission).1, 100);
    flight.settle(millis(7), "0.007", Evidence::Usage, 2_001);
    assert_eq!(amounts(&admission), (7, 0, 0, 993));

    permit(&admission, &bound, Clamp::Never).sent().void(Evidence::Refused, 2_002);
    assert_eq!(amounts(&admission), (7, 0, 0, 993));

    let mut flight = permit(&admission, &bound, Clamp::Never).sent();
    flight.generated("gen-1");
    flight.unknown(UnknownReason::ClientGone, 200, 2_003);
    drop(permit(&admission, &bound, Clamp::Never).sent());
    let (posted, held, unknown, _) = amounts(&admission);
    assert_eq!((posted, held, unknown), (7, 0, 200), "unknown is never zero");

    assert!(admission.due(2_003, 9, |_| true).is_empty(), "not asked for in the same instant");
    assert!(admission.due(9_000, 9, |_| false).is_empty(), "no key, no question");
    let due = admission.due(9_000, 9, |key| key == KEY);
    assert_eq!(due.len(), 1, "only what has an id can be asked for");
    assert!(admission.due(9_000, 9, |_| true).is_empty(), "and not twice at once");
    assert!(admission.resolve(due[0].hold, millis(50), "0.05", Evidence::Generation, 9_000));
    assert!(!admission.resolve(due[0].hold, millis(50), "0.05", Evidence::Generation, 9_000), "ends once");
    assert_eq!(amounts(&admission), (57, 0, 100, 842));
}

#[test]
fn an_overrun_is_booked_in_full_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let admission = open(dir.path(), vec![budget("all", millis(150), &[])]);
    let flight = permit(&admission, &bound(100), Clamp::Never).sent();
    flight.settle(millis(400), "0.4", Evidence::Usage, 2_000);
    assert_eq!(amounts(&admission), (400, 0, 0, -250));
    assert_eq!(admission.counters().overruns.load(Ordering::Relaxed), 1);
    let bound = bound(1);
    let Err(Shortage::Refused(refusal)) = admission.reserve(&ask(&bound, Clamp::Never), 2_000) else {
        panic!("money that is gone is not lent");
    };
    assert_eq!(refusal.reason, RefusalReason::UsedUp);
}

#[test]
fn the_cap_is_lowered_to_the_money_and_no_further_than_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let admission = open(dir.path(), vec![budget("all", millis(100), &[])]);
    let bound = bound(1_000);
    let permit = permit(&admission, &bound, Clamp::DownTo(40));
    assert_eq!(permit.output_cap(), 99, "a hair of slack costs one token");
    assert!(permit.bound() <= millis(100));
    let Err(Shortage::Wait(wait)) = admission.reserve(&ask(&bound, Clamp::DownTo(40)), 2_000) else {
        panic!("what others hold is worth waiting for");
    };
    assert_eq!(wait.refusal.reason, RefusalReason::Held);
    let flight = permit.sent();
    flight.settle(millis(70), "0.07", Evidence::Usage, 2_000);
    let Err(Shortage::Refused(refusal)) = admission.reserve(&ask(&bound, Clamp::DownTo(40)), 2_000) else {
        panic!("forty do not fit into what is left for good");
    };
    assert_eq!((refusal.reason, refusal.fitting_cap), (RefusalReason::UsedUp, Some(29)));
}

#[test]
fn a_ceiling_lowers_the_cap_first_and_refuses_then() {
    let dir = tempfile::tempdir().unwrap();
    let admission = open(dir.path(), vec![budget("all", millis(1_000), &[])]);
    let bound = bound(1_000);
    let ask = |millis_max: i64| Ask { ceiling: Some(millis(millis_max)), ..ask(&bound, Clamp::DownTo(40)) };
    assert_eq!(admission.reserve(&ask(50), 2_000).unwrap().output_cap(), 49);
    let Err(Shortage::Refused(refusal)) = admission.reserve(&ask(30), 2_000) else {
        panic!("below the floor")
    };
    assert_eq!(refusal.reason, RefusalReason::PerRequest);
}

#[test]
fn parked_requests_are_served_in_order_and_leave_without_a_trace() {
    let dir = tempfile::tempdir().unwrap();
    let admission = open(dir.path(), vec![budget("all", millis(103), &[])]);
    let (small, big) = (bound(30), bound(100));
    let first = permit(&admission, &bound(70), Clamp::Never).sent();
    let park = |bound: &Bound| match admission.reserve(&ask(bound, Clamp::Never), 2_000) {
        Err(Shortage::Wait(wait)) => Box::pin(admission.park(wait).unwrap()),
        other => panic!("{other:?}"),
    };
    let mut head = park(&big);
    let mut follower = park(&small);
    assert!(is_ready(&mut head).is_none());
    assert!(is_ready(&mut follower).is_some(), "a smaller one may pass the head for a while");
    drop(follower);
    assert_eq!(amounts(&admission).1, 70, "what was granted and not used is given back");

    admission.tick(9_000);
    let mut late = park(&small);
    assert!(is_ready(&mut late).is_none(), "nobody passes a head that has waited for long");
    first.void(Evidence::Refused, 9_000);
    let granted = is_ready(&mut head).expect("the head is served first").expect("its window is open");
    assert_eq!(granted.output_cap(), 100);
    assert!(is_ready(&mut late).is_none());
    drop(granted);
    assert!(is_ready(&mut late).is_some());
    drop((head, late));
    assert_eq!((admission.parked(), amounts(&admission).1), (0, 0));
}

#[test]
fn who_waits_behind_a_head_is_served_when_the_head_leaves_or_cannot_be_served_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let admission = open(dir.path(), vec![budget("all", millis(103), &[])]);
    let (small, big) = (bound(30), bound(100));
    let first = permit(&admission, &bound(70), Clamp::Never).sent();
    let park = |bound: &Bound| match admission.reserve(&ask(bound, Clamp::Never), 2_000) {
        Err(Shortage::Wait(wait)) => Box::pin(admission.park(wait).unwrap()),
        other => panic!("{other:?}"),
    };
    let mut head = park(&big);
    admission.tick(9_000);
    let mut behind = park(&small);
    assert!(is_ready(&mut head).is_none() && is_ready(&mut behind).is_none());
    drop(head);
    assert!(is_ready(&mut behind).is_some(), "the head left");

    drop(behind);
    let mut head = park(&big);
    admission.tick(18_000);
    let mut behind = park(&small);
    assert!(is_ready(&mut head).is_none() && is_ready(&mut behind).is_none());
    first.unknown(UnknownReason::Broken, 0, 18_000);
    assert!(matches!(is_ready(&mut head), Some(None)), "to be refused: nothing will bring its money back");
    assert!(is_ready(&mut behind).is_some(), "and nobody is in its way any more");
}

#[test]
fn after_a_crash_what_was_open_is_unknown_and_the_rest_is_spendable() {
    let dir = tempfile::tempdir().unwrap();
    let budgets = || vec![budget("all", millis(1_000), &[]), budget("each", millis(500), &[Label::User])];
    let admission = open(dir.path(), budgets());
    let bound = bound(100);
    permit(&admission, &bound, Clamp::Never).sent().settle(millis(9), "0.009", Evidence::Usage, 2_000);
    let mut flight = permit(&admission, &bound, Clamp::Never).sent();
    flight.generated("gen-crash");
    let unsent = permit(&admission, &bound, Clamp::Never);
    let reserved = admission.reserve(&ask(&bound, Clamp::Never), 2_000).unwrap();

    let crashed = as_a_crash_leaves(dir.path());
    drop((flight, unsent, reserved));
    let admission = open(crashed.path(), budgets());
    assert_eq!(amounts(&admission), (9, 0, 200, 790), "what was only in memory is gone, and is spendable");
    let unknown = admission.unknown_holds();
    assert_eq!(unknown.len(), 2);
    assert_eq!(unknown[0].generation.as_deref(), Some("gen-crash"));
    assert!(unknown.iter().all(|hold| hold.reason == UnknownReason::Restart && hold.upstream_key == KEY));
    let due = admission.due(9_000, 9, |_| true);
    assert!(admission.resolve(due[0].hold, millis(1), "0.001", Evidence::Generation, 9_000));
    assert_eq!(amounts(&admission), (10, 0, 100, 889));

    let crashed = as_a_crash_leaves(crashed.path());
    assert_eq!(amounts(&open(crashed.path(), budgets())), (10, 0, 100, 889), "and again");
}

#[test]
fn many_threads_never_lend_more_than_there_is() {
    const THREADS: u64 = 8;
    let dir = tempfile::tempdir().unwrap();
    let admission = open(
        dir.path(),
        vec![budget("all", millis(1_000), &[]), budget("each", millis(700), &[Label::User])],
    );
    let spent: Vec<Nano> = thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|seed| {
                scope.spawn({
                    let admission = admission.clone();
                    move || spend(&admission, seed)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let spent: Nano = spent.into_iter().sum();
    let balances = admission.balances(2_000);
    assert!(balances.iter().all(|balance| !balance.available.is_negative() && balance.held == Nano::ZERO));
    let all = &balances[0];
    assert!(
        spent <= all.posted.saturating_add(all.unknown)
            && all.posted.saturating_add(all.unknown) <= all.limit
    );
}

fn spend(admission: &Admission, seed: u64) -> Nano {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut spent = Nano::ZERO;
    for _ in 0..400 {
        let bound = bound(random.u64(1..60));
        let user = ["alice", "bob"][random.usize(0..2)];
        let ask = Ask { scope: Scope::default().with(Label::User, user), ..ask(&bound, Clamp::DownTo(5)) };
        let Ok(reserved) = admission.reserve(&ask, 2_000) else { continue };
        let permit = block_on(reserved.permit(2_000)).expect("a journal");
        let held = permit.bound();
        let mut flight = permit.sent();
        assert!(!admission.balances(2_000)[0].available.is_negative());
        let cost = Nano::from_nanos(random.i64(0..=held.nanos() / 8));
        match random.u8(0..10) {
            0 => flight.void(Evidence::Refused, 2_000),
            1 => {
                flight.generated("gen-x");
                drop(flight);
                spent = spent.saturating_add(cost);
            }
            _ => {
                flight.settle(cost, &cost.to_string(), Evidence::Usage, 2_000);
                spent = spent.saturating_add(cost);
            }
        }
    }
    spent
}
