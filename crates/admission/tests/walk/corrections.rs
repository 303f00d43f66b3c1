//! Charges that come late or are taken back, on entries whose hold has ended.

use std::sync::atomic::Ordering;

use admission::{CorrectError, Correction};
use ledger::{Evidence, HoldId};

use crate::support::{House, as_a_crash_leaves, bound, millis, windowed};

const HOUR: i64 = 3_600_000;

#[test]
fn more_and_less() {
    let dir = tempfile::tempdir().unwrap();
    let budgets =
        || vec![windowed("hourly", millis(500), "hour"), windowed("lately", millis(500), "rolling 96m")];
    let house = House::open(dir.path(), budgets(), HOUR);
    let (one, two) = (house.spend(50, HOUR), house.spend(70, HOUR));
    let correct = |house: &House, hold, cost, now_ms| {
        house.admission.correct(hold, millis(cost), &millis(cost).to_string(), Evidence::Analytics, now_ms)
    };
    let done = correct(&house, one, 80, HOUR + 1).unwrap();
    assert_eq!(done, Correction { was: millis(50), cost: millis(80) });
    assert_eq!(house.posted(HOUR + 1), [150, 150]);
    assert_eq!(house.admission.counters().overrun_nanos.load(Ordering::Relaxed), millis(30).nanos());
    correct(&house, one, 80, HOUR + 2).unwrap();
    assert_eq!(house.posted(HOUR + 2), [150, 150], "told twice, booked once");
    correct(&house, two, 20, HOUR + 3).unwrap();
    assert_eq!(house.posted(HOUR + 3), [100, 100]);
    assert_eq!(house.store.entry(one).unwrap().unwrap().overrun, millis(30));

    let crashed = as_a_crash_leaves(dir.path());
    let again = House::open(crashed.path(), budgets(), HOUR + 4);
    assert_eq!(again.posted(HOUR + 4), [100, 100]);
    correct(&again, two, 70, HOUR + 5).unwrap();
    again.spend(1, HOUR + 6);
    assert_eq!(again.posted(HOUR + 6), [151, 151], "corrected before it was in memory, looked up after");
}

#[test]
fn only_what_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), vec![windowed("all", millis(900), "lifetime")], HOUR);
    let flight = house.send(&bound(100), HOUR);
    let hold = flight.hold().unwrap();
    let correct = |hold| house.admission.correct(hold, millis(1), "", Evidence::Operator, HOUR);
    assert!(matches!(correct(hold), Err(CorrectError::Open(_))), "in flight");
    drop(flight);
    assert!(matches!(correct(hold), Err(CorrectError::Open(_))), "unknown");
    assert!(matches!(correct(HoldId(99)), Err(CorrectError::NotFound(99))));
    assert!(house.admission.resolve(hold, millis(5), "0.005", Evidence::Generation, HOUR));
    assert_eq!(correct(hold).unwrap().was, millis(5));
    assert_eq!(house.posted(HOUR), [1]);
    let below = house.admission.correct(hold, money::Nano::from_nanos(-1), "", Evidence::Operator, HOUR);
    assert!(matches!(below, Err(CorrectError::Negative)));
}

#[test]
fn a_window_that_is_over_is_corrected_in_the_books_alone() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), vec![windowed("hourly", millis(500), "hour")], HOUR);
    let hold = house.spend(50, HOUR);
    house.boot.set(4 * HOUR);
    house.admission.sweep(4 * HOUR);
    house.spend(1, 4 * HOUR);
    house.admission.correct(hold, millis(10), "0.01", Evidence::Analytics, 4 * HOUR).unwrap();
    assert_eq!(house.posted(4 * HOUR), [1], "the last window's money is not this one's");
    assert_eq!(house.store.entry(hold).unwrap().unwrap().cost, millis(10));
}
