//! The promise of each kind of window, over random histories: what is billed in it is never above its limit.

mod support;

use std::sync::Arc;

use ledger::{HoldSet, Rolling, Scope, Share, Straddle, invariants};
use money::Nano;
use proptest::prelude::*;
use support::{House, budget};

const LIMIT: i64 = 1_000;

/// Something billed: when it was admitted, when it settled, how much.
#[derive(Clone, Copy, Debug)]
struct Billed {
    admitted_ms: i64,
    settled_ms: i64,
    nanos: i64,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    passes_ms: i64,
    bound: i64,
    cost_permille: i64,
    settles: bool,
    unknown: bool,
}

fn steps(passes_ms_max: i64) -> impl Strategy<Value = Vec<Step>> {
    let step = (0..passes_ms_max, 1..400_i64, 0..=1_000_i64, any::<bool>(), any::<bool>());
    let step = step.prop_map(|(passes_ms, bound, cost_permille, settles, unknown)| Step {
        passes_ms,
        bound,
        cost_permille,
        settles,
        unknown,
    });
    prop::collection::vec(step, 1..120)
}

struct Open {
    set: Arc<HoldSet>,
    bound: Nano,
    cost: i64,
    admitted_ms: i64,
    unknown: bool,
}

/// Lives through a history; calls last no longer than `attempt_ms_max`.
fn live(house: &mut House, steps: &[Step], attempt_ms_max: i64) -> Vec<Billed> {
    let (mut now_ms, mut open, mut billed) = (0, Vec::<Open>::new(), Vec::new());
    for step in steps {
        now_ms += step.passes_ms;
        let mut at = 0;
        while at < open.len() {
            let due_ms = open[at].admitted_ms + attempt_ms_max - 1;
            let ends = due_ms <= now_ms || (step.settles && at == 0);
            if ends {
                billed.push(settle(house, open.remove(at), due_ms.min(now_ms)));
            } else {
                at += 1;
            }
        }
        let set = house.set(&Scope::default(), now_ms);
        let bound = Nano::from_nanos(step.bound);
        if let Ok(bound) = house.money.reserve(set.seats(), bound, bound, Share::Whole, now_ms) {
            if step.unknown {
                house.money.keep_unknown(set.seats(), bound, false);
            }
            let cost = step.bound * step.cost_permille / 1_000;
            open.push(Open { set, bound, cost, admitted_ms: now_ms, unknown: step.unknown });
        }
    }
    billed
}

fn settle(house: &mut House, open: Open, at_ms: i64) -> Billed {
    let Open { set, bound, cost, admitted_ms, unknown } = open;
    invariants::i5_covered(&set.members(), |_| true).expect("covered");
    let nanos = Nano::from_nanos(cost);
    match unknown {
        true => house.money.settle_unknown(set.seats(), bound, nanos, false, at_ms),
        false => house.money.settle(set.seats(), bound, nanos, at_ms),
    }
    Billed { admitted_ms, settled_ms: at_ms, nanos: cost }
}

fn most_in_a_trailing_window(billed: &[Billed], length_ms: i64, when: impl Fn(&Billed) -> i64) -> i64 {
    let within = |end_ms: i64| {
        let within = billed.iter().filter(|one| when(one) <= end_ms && when(one) > end_ms - length_ms);
        within.map(|one| one.nanos).sum()
    };
    billed.iter().map(|one| within(when(one))).max().unwrap_or(0)
}

fn most_in_a_window(billed: &[Billed], length_ms: i64, when: impl Fn(&Billed) -> i64) -> i64 {
    let within = |window: i64| {
        let within = billed.iter().filter(|one| when(one).div_euclid(length_ms) == window);
        within.map(|one| one.nanos).sum()
    };
    billed.iter().map(|one| within(when(one).div_euclid(length_ms))).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn no_trailing_window_holds_more_than_its_limit(steps in steps(4_000)) {
        let mut house = House::new(vec![budget("b", &[], &[], LIMIT, "rolling 1m")], 0, 9);
        let length_ms = Rolling::from_words("rolling 1m").unwrap().length_ms;
        let billed = live(&mut house, &steps, 30_000);
        prop_assert!(most_in_a_trailing_window(&billed, length_ms, |one| one.settled_ms) <= LIMIT);
    }

    #[test]
    fn by_either_attribution_no_straddled_window_exceeds_its_limit(steps in steps(200_000)) {
        let mut both = budget("b", &[], &[], LIMIT, "hour");
        both.straddle = Straddle::Both;
        let mut house = House::new(vec![both], 1_000_000, 999);
        let billed = live(&mut house, &steps, 1_000_000);
        prop_assert!(most_in_a_window(&billed, 3_600_000, |one| one.settled_ms) <= LIMIT);
        prop_assert!(most_in_a_window(&billed, 3_600_000, |one| one.admitted_ms) <= LIMIT);
    }

    #[test]
    fn the_window_of_admission_pays(steps in steps(200_000)) {
        let mut house = House::new(vec![budget("b", &[], &[], LIMIT, "hour")], 0, 999);
        let billed = live(&mut house, &steps, 1_000_000);
        prop_assert!(most_in_a_window(&billed, 3_600_000, |one| one.admitted_ms) <= LIMIT);
    }
}

#[test]
fn old_costs_are_released_by_the_bucket() {
    let mut house = House::new(vec![budget("b", &[], &[], LIMIT, "rolling 96m")], 0, 9);
    let bucket_ms = 60_000;
    let set = house.set(&Scope::default(), 0);
    let slot = set.seats()[0].slot();
    let spend = |house: &mut House, nanos: i64, at_ms: i64| {
        let nanos = Nano::from_nanos(nanos);
        let bound = house.money.reserve(set.seats(), nanos, nanos, Share::Whole, at_ms)?;
        house.money.settle(set.seats(), bound, nanos, at_ms);
        Ok::<(), ledger::Short>(())
    };
    let posted = |house: &mut House, now_ms: i64| house.money.expire(slot, now_ms).unwrap().posted.nanos();
    assert_eq!(house.money.next_release_ms(slot), None);
    spend(&mut house, 600, 30_000).unwrap();
    spend(&mut house, 400, bucket_ms).unwrap();
    spend(&mut house, 1, bucket_ms).unwrap_err();
    let released_ms = 97 * bucket_ms;
    assert_eq!(house.money.next_release_ms(slot), Some(released_ms));
    assert_eq!(posted(&mut house, released_ms - 1), 1_000);
    assert_eq!(posted(&mut house, released_ms), 400);
    spend(&mut house, 600, released_ms).unwrap();
    assert_eq!(house.money.next_release_ms(slot), Some(released_ms + bucket_ms));
    assert_eq!(posted(&mut house, i64::MAX / 2), 0);
    assert_eq!(house.money.next_release_ms(slot), None);
}

#[test]
fn corrections_of_a_rolling_window() {
    let mut house = House::new(vec![budget("b", &[], &[], LIMIT, "rolling 96m")], 0, 9);
    let set = house.set(&Scope::default(), 0);
    let slot = set.seats()[0].slot();
    let nanos = Nano::from_nanos;
    let bound = house.money.reserve(set.seats(), nanos(500), nanos(500), Share::Whole, 0).unwrap();
    house.money.settle(set.seats(), bound, nanos(500), 0);
    house.money.refund(set.seats(), nanos(200), 0);
    assert_eq!(house.money.balance(slot).unwrap().posted, nanos(300));
    house.money.raise(set.seats(), nanos(50), 0, 10 * 60_000);
    assert_eq!(house.money.balance(slot).unwrap().posted, nanos(350), "a late charge counts from now on");
    assert_eq!(house.money.expire(slot, 97 * 60_000).unwrap().posted, nanos(50));
    house.money.refund(set.seats(), nanos(50), 0);
    assert_eq!(
        house.money.balance(slot).unwrap().posted,
        nanos(50),
        "what no longer counts is not given back twice"
    );
}

#[test]
fn corrections_of_a_straddled_call_go_where_its_cost_went() {
    let mut both = budget("b", &[], &[], LIMIT, "hour");
    both.straddle = Straddle::Both;
    let mut house = House::new(vec![both], 600_000, 9);
    let (admitted_ms, settled_ms) = (3_500_000, 3_700_000);
    let set = house.set(&Scope::default(), admitted_ms);
    let nanos = Nano::from_nanos;
    let bound = house.money.reserve(set.seats(), nanos(500), nanos(500), Share::Whole, admitted_ms).unwrap();
    let early = house.money.reserve(set.seats(), nanos(50), nanos(50), Share::Whole, admitted_ms).unwrap();
    house.money.settle(set.seats(), early, nanos(0), admitted_ms);
    house.money.settle(set.seats(), bound, nanos(500), settled_ms);
    let posted = |house: &House| {
        let posted = |seat: &ledger::Seat| house.money.balance(seat.slot()).unwrap().posted.nanos();
        set.seats().iter().map(posted).collect::<Vec<_>>()
    };
    assert_eq!(posted(&house), [0, 500]);
    house.money.refund(set.seats(), nanos(100), settled_ms);
    house.money.raise(set.seats(), nanos(7), settled_ms, settled_ms + 1);
    assert_eq!(posted(&house), [0, 407]);
    house.money.raise(set.seats(), nanos(9), admitted_ms, settled_ms + 1);
    house.money.refund(set.seats(), nanos(9), admitted_ms);
    assert_eq!(posted(&house), [0, 407], "found in the next window, of a call that ended in this one");
    assert!(house.money.retire(set.seats()[0].slot()));
    house.money.raise(set.seats(), nanos(7), settled_ms, settled_ms + 1);
    assert_eq!(
        house.money.balance(set.seats()[1].slot()).unwrap().posted,
        nanos(414),
        "a retired one is passed over"
    );
}

#[test]
fn buckets_from_the_books_count_as_if_nothing_had_happened() {
    let rolling = Rolling::from_words("rolling 96m").unwrap();
    let mut money = ledger::Balances::with_room_for(2);
    let balance = ledger::Balance::new(ledger::BalanceId(1), Nano::from_nanos(LIMIT), None);
    let buckets = [(0, Nano::from_nanos(5)), (60_000, Nano::from_nanos(7))];
    let slot = money.open_rolling(balance, rolling, &buckets, 97 * 60_000).unwrap();
    assert_eq!(money.balance(slot).unwrap().posted, Nano::from_nanos(7), "the first is too old");
    assert_eq!(money.next_release_ms(slot), Some(98 * 60_000));
}
