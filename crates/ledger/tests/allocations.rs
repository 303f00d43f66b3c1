//! A warm request allocates nothing: neither finding its balances, nor reserving, nor settling. A binary of its own,
//! for the allocator counts for the whole process.

mod support;

use std::alloc::System;

use ledger::{Budget, Label, Scope, Share};
use money::Nano;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::{House, budget};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const WINDOWS: [&str; 4] = ["lifetime", "day", "rolling 5h", "month"];
const PER: [&[Label]; 3] = [&[], &[Label::User], &[Label::User, Label::Model]];

/// As many budgets, of every kind of window and `per`.
fn budgets(count: usize) -> Vec<Budget> {
    let budget = |number: usize| {
        let (per, window) = (PER[number % PER.len()], WINDOWS[number % WINDOWS.len()]);
        budget(&format!("b{number}"), &[], per, 1_000_000, window)
    };
    (0..count).map(budget).collect()
}

fn scope<'a>(user: &'a str) -> Scope<'a> {
    Scope::default().with(Label::Key, "team").with(Label::User, user).with(Label::Model, "openai/gpt-4o-mini")
}

/// Allocations of a thousand warm requests.
fn allocations(house: &mut House) -> usize {
    house.set(&scope("alice"), 0);
    let bound = Nano::from_nanos(500);
    let region = Region::new(ALLOCATOR);
    for at_ms in 0..1_000 {
        let found = house.index.find(&scope("alice"), at_ms).expect("warm");
        let seats = found.set.seats();
        let held = house.money.reserve(seats, bound, bound, Share::Whole, at_ms).expect("money");
        house.money.give_back(seats, Nano::from_nanos(100));
        match at_ms % 2 {
            0 => house.money.settle(seats, Nano::from_nanos(400), Nano::from_nanos(1), at_ms),
            _ => {
                house.money.keep_unknown(seats, Nano::from_nanos(400), false);
                house.money.settle_unknown(seats, Nano::from_nanos(400), Nano::from_nanos(1), false, at_ms);
            }
        }
        assert_eq!(held, bound);
    }
    let change = region.change();
    change.allocations + change.reallocations
}

/// One test: tests of one binary run side by side, and would count each other's.
#[test]
fn a_warm_request_allocates_nothing_and_a_balance_is_small() {
    for count in [4, 12] {
        assert_eq!(allocations(&mut House::new(budgets(count), 0, 99)), 0, "{count} balances");
    }
    let each = vec![budget("each", &[], &[Label::User], 1_000_000, "day")];
    let (bytes, mut house) = bytes_a_balance(each, 1 << 20);
    println!("a balance takes {bytes} bytes");
    assert!(bytes <= 256, "a balance takes {bytes} bytes");
    assert_eq!(allocations(&mut house), 0, "with many balances");
    let each = vec![budget("each", &[], &[Label::User], 1_000_000, "rolling 5h")];
    let (bytes, _) = bytes_a_balance(each, 1 << 14);
    println!("a balance of a rolling window takes {bytes} bytes");
    assert!(bytes <= 1_200, "a balance of a rolling window takes {bytes} bytes");
}

/// What each of so many balances takes in memory, with its name; without the hold sets, whose number is bounded.
fn bytes_a_balance(budgets: Vec<Budget>, count: usize) -> (usize, House) {
    let region = Region::new(ALLOCATOR);
    let mut house = House::new(budgets, 0, count + 1);
    let users: Vec<String> = (0..count).map(|number| format!("user-{number:012}")).collect();
    let users_bytes = users.len() * size_of::<String>() + users.iter().map(String::capacity).sum::<usize>();
    for user in &users {
        house.places(&scope(user), 0);
    }
    let change = region.change();
    let bytes = change.bytes_allocated - change.bytes_deallocated - users_bytes;
    (bytes / count, house)
}
