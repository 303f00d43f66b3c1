//! Budgets that change over existing traffic (LEDGER.md 5.10): what was spent stays spent.

use admission::{RefusalReason, Shortage};
use ledger::{Budget, Evidence, Label};

use crate::support::{House, as_a_crash_leaves, bound, budget, millis, windowed};

const HOUR: i64 = 3_600_000;

fn reason(house: &House, bound_millis: u64) -> Option<RefusalReason> {
    match house.reserve(&bound(bound_millis), HOUR) {
        Ok(_) => None,
        Err(Shortage::Refused(refusal)) => Some(refusal.reason),
        Err(Shortage::Wait(wait)) => Some(wait.refusal.reason),
    }
}

#[test]
fn limits_go_down_and_up() {
    let dir = tempfile::tempdir().unwrap();
    let all = |limit| vec![windowed("all", millis(limit), "day")];
    let house = House::open(dir.path(), all(1_000), HOUR);
    house.spend(90, HOUR);
    house.spend(90, HOUR);
    let _in_flight = house.send(&bound(100), HOUR);
    let crashed = as_a_crash_leaves(dir.path());

    let house = House::open(crashed.path(), all(150), HOUR);
    let balance = house.admission.balances(HOUR)[0].clone();
    assert_eq!((balance.limit, balance.posted, balance.unknown), (millis(150), millis(180), balance.unknown));
    assert!(
        balance.available.is_negative() && balance.unknown >= millis(100),
        "more is out than may be: it shows"
    );
    assert_eq!(reason(&house, 1), Some(RefusalReason::UsedUp));
    let hold = house.admission.unknown_holds()[0].hold;
    assert!(house.admission.resolve(hold, millis(0), "", Evidence::Operator, HOUR));
    house.close();

    let house = House::open(crashed.path(), all(400), HOUR);
    assert_eq!((house.posted(HOUR), reason(&house, 200)), (vec![180], None), "what is above is free at once");
    assert_eq!(reason(&house, 230), Some(RefusalReason::UsedUp));
    house.close();
    let kept = store::read(crashed.path()).unwrap();
    assert_eq!(
        (kept.balances.len(), kept.balances[0].limit),
        (1, millis(400)),
        "the same balance, declared anew"
    );
}

#[test]
fn a_new_budget_counts_from_now_on_and_an_old_one_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let all = || windowed("all", millis(1_000), "day");
    let each = || budget("each", millis(150), &[Label::User]);
    let spend = |budgets: Vec<Budget>| {
        let house = House::open(dir.path(), budgets, HOUR);
        house.spend(90, HOUR);
        let posted = house.posted(HOUR);
        house.close();
        posted
    };
    assert_eq!(spend(vec![all()]), [90]);
    assert_eq!(spend(vec![all(), each()]), [180, 90], "over requests from now on");
    assert_eq!(spend(vec![all()]), [270], "one that is gone is not shown");
    let house = House::open(dir.path(), vec![all(), each()], HOUR);
    assert_eq!(house.posted(HOUR), [270, 90], "back again, with what was spent under it");
    assert_eq!(reason(&house, 70), Some(RefusalReason::UsedUp));
}
