//! Which balances a request is charged to: selectors, `per`, windows, and the sets that are made of them.

mod support;

use std::sync::Arc;

use ledger::{Gap, Label, Scope, SetId, Straddle, invariants};
use support::{House, budget};

const HOUR: i64 = 3_600_000;

fn scope(user: &'static str, app: &'static str) -> Scope<'static> {
    Scope::default().with(Label::User, user).with(Label::App, app)
}

#[test]
fn selectors_and_per_choose_the_balances() {
    let budgets = vec![
        budget("all", &[], &[], 100, "lifetime"),
        budget("alice", &[(Label::User, "alice")], &[], 100, "day"),
        budget("each-app", &[], &[Label::User, Label::App], 100, "hour"),
    ];
    let mut house = House::new(budgets, 0, 100);
    let (alice, bob) = (scope("alice", "cli"), scope("bob", "cli"));
    let alices = house.set(&alice, 1_000);
    let bobs = house.set(&bob, 1_000);
    let nobodys = house.set(&Scope::default(), 1_000);
    let slots = |set: &ledger::HoldSet| set.seats().iter().map(ledger::Seat::slot).collect::<Vec<_>>();
    let (alices_slots, bobs_slots, nobodys_slots) = (slots(&alices), slots(&bobs), slots(&nobodys));
    assert_eq!((alices_slots.len(), bobs_slots.len(), nobodys_slots.len()), (3, 2, 2));
    assert_eq!(alices_slots[0], bobs_slots[0], "the budget over everything is one balance");
    assert_ne!(alices_slots[2], bobs_slots[1], "one balance for each user and app");
    assert_ne!(bobs_slots[1], nobodys_slots[1], "a missing label is a value of its own, not an escape");
    assert!(Arc::ptr_eq(&house.set(&alice, 1_000), &alices), "looked up again, it is the same set");
    assert_eq!(
        house.index.matching(&bob).map(|budget| budget.name.as_str()).collect::<Vec<_>>(),
        ["all", "each-app"]
    );
    for (_, slot) in house.index.open().collect::<Vec<_>>() {
        let name = house.index.name(slot).unwrap();
        assert_eq!(house.index.slot_of(&name), Some(slot), "found again by its name in the books");
    }
}

#[test]
fn labels_that_no_budget_looks_at_share_a_set() {
    let mut house = House::new(vec![budget("alice", &[(Label::User, "alice")], &[], 9, "day")], 0, 9);
    let one = house.set(&scope("alice", "cli").with(Label::Model, "m"), 0);
    let other = house.set(&scope("alice", "web").with(Label::Model, "n"), 0);
    assert!(Arc::ptr_eq(&one, &other));
    let others = house.set(&scope("bob", "cli"), 0);
    assert!(others.is_empty());
    assert!(Arc::ptr_eq(&others, &house.set(&scope("carol", "cli"), 0)), "the same balances are one set");
    let keyed = Scope::default().with(Label::Key, "team").with(Label::User, "alice");
    assert!(Arc::ptr_eq(&one, &house.set(&keyed, 0)));
    assert_eq!(&*house.index.find(&keyed, 0).unwrap().key, "team", "and each call is told by its key");
}

#[test]
fn the_next_window_is_another_balance() {
    let mut house =
        House::new(vec![budget("b", &[], &[], 9, "hour"), budget("l", &[], &[], 9, "lifetime")], 0, 9);
    assert!(!house.index.is_due(HOUR - 1) && house.index.is_due(HOUR));
    let first = house.set(&Scope::default(), 0);
    assert!(house.index.find(&Scope::default(), HOUR - 1).is_some());
    assert!(
        house.index.find(&Scope::default(), HOUR).is_none(),
        "nothing of the last window is found any more"
    );
    let second = house.set(&Scope::default(), HOUR);
    assert_ne!(first.seats()[0], second.seats()[0]);
    assert_eq!(first.seats()[1], second.seats()[1], "a lifetime does not end");
    house.index.prune(HOUR);
    for slot in house.index.ended(HOUR + 1, 9) {
        assert!(house.money.retire(slot));
        house.index.remove(slot);
    }
    assert_eq!(house.index.len(), 2);
    assert!(Arc::ptr_eq(&second, &house.set(&Scope::default(), HOUR)));
}

#[test]
fn a_window_that_may_not_open_is_shut() {
    let mut house =
        House::new(vec![budget("b", &[], &[], 9, "hour"), budget("l", &[], &[], 9, "lifetime")], 0, 9);
    house.set(&scope("alice", ""), 0);
    assert!(
        house.index.gather(&scope("bob", ""), HOUR - 1, false).is_ok(),
        "open windows go on, for everybody"
    );
    assert_eq!(house.index.gather(&scope("bob", ""), HOUR, false), Err(Gap::Shut(0)));
    assert!(matches!(house.index.gather(&scope("bob", ""), HOUR, true), Err(Gap::Missing(_))));
}

#[test]
fn near_its_end_a_call_is_held_in_the_next_window_too() {
    let straddling = |window| {
        let mut budget = budget(window, &[], &[], 9, window);
        budget.straddle = Straddle::Both;
        budget
    };
    let budgets = vec![straddling("hour"), straddling("lifetime"), budget("day", &[], &[], 9, "day")];
    let mut house = House::new(budgets, 600_000, 99);
    let anybody = Scope::default();
    let early = house.set(&anybody, 0);
    assert_eq!(early.seats().len(), 3);
    assert!(Arc::ptr_eq(&early, &house.set(&anybody, HOUR - 600_001)));
    assert!(house.index.find(&anybody, HOUR - 600_000).is_none());
    let late = house.set(&anybody, HOUR - 600_000);
    let members = late.members();
    let (first, next) = (members[0], members[1]);
    assert_eq!((first.from_ms, first.until_ms), (None, Some(HOUR)));
    assert_eq!((next.from_ms, next.until_ms), (Some(HOUR), None));
    assert!(members[2..].iter().all(|member| (member.from_ms, member.until_ms) == (None, None)));
    invariants::i5_covered(&members, |_| true).unwrap();
    assert!(Arc::ptr_eq(&late, &house.set(&anybody, HOUR - 1)), "until it ends");
    let after = house.set(&anybody, HOUR);
    assert_eq!(after.members()[0].balance, next.balance, "the next window was opened early");
    assert_eq!(after.members()[0].until_ms, None);
}

#[test]
fn a_call_longer_than_a_window_is_held_in_all_it_may_reach() {
    let mut hourly = budget("b", &[], &[], 9, "hour");
    hourly.straddle = Straddle::Both;
    let mut house = House::new(vec![hourly.clone()], 2 * HOUR, 99);
    let set = house.set(&Scope::default(), 1);
    assert_eq!(set.seats().len(), 3);
    invariants::i5_covered(&set.members(), |_| true).unwrap();
    assert!(!set.is_valid(HOUR));
    let mut house = House::new(vec![hourly], 1_000 * HOUR, 99);
    let set = house.set(&Scope::default(), 1);
    assert_eq!(set.seats().len(), 8, "within reason");
    assert!(set.is_valid(HOUR - 1));
    invariants::i5_covered(&set.members(), |_| true).unwrap();
}

#[test]
fn of_ten_thousand_budgets_only_those_that_may_match_are_looked_at() {
    let models: Vec<String> = (0..10_000).map(|number| format!("model-{number}")).collect();
    let budgets = models
        .iter()
        .map(|model| budget(model, &[(Label::Key, "team"), (Label::Model, model.as_str())], &[], 9, "day"));
    let mut house = House::new(budgets.collect(), 0, 99);
    let scope = Scope::default().with(Label::Key, "team").with(Label::Model, "model-77");
    assert_eq!(house.set(&scope, 0).seats().len(), 1);
    assert!(house.set(&scope.with(Label::Key, "other"), 0).is_empty());
    assert!(house.set(&scope.with(Label::Model, "none"), 0).is_empty());
}

#[test]
fn a_set_that_is_forgotten_is_made_again() {
    let mut house = House::new(vec![budget("b", &[], &[], 9, "day")], 0, 9);
    let anybody = Scope::default();
    let set = house.set(&anybody, 0);
    house.index.forget(&anybody, &set);
    assert!(house.index.find(&anybody, 0).is_none());
    let again = house.set(&anybody, 0);
    assert_eq!((again.seats(), again.id()), (set.seats(), SetId(2)));
}

#[test]
fn however_many_scopes_come_only_so_many_are_remembered() {
    let mut house = House::new(vec![budget("alice", &[(Label::User, "alice")], &[], 9, "day")], 0, 9);
    let users: Vec<String> = (0..=1 << 17).map(|number| format!("user-{number}")).collect();
    let scope = |number: usize| Scope::default().with(Label::User, users[number].as_str());
    for number in 0..users.len() {
        house.set(&scope(number), 0);
    }
    assert!(house.index.find(&scope(users.len() - 1), 0).is_some());
    assert!(house.index.find(&scope(0), 0).is_none(), "the first were forgotten");
    assert!(house.set(&scope(0), 0).is_empty(), "and are found again");
}
