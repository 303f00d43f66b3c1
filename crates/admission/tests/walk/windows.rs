//! Rolling and straddled windows, through restarts.

use admission::{RefusalReason, Shortage};
use ledger::{Evidence, Straddle};

use crate::support::{House, as_a_crash_leaves, bound, millis, windowed};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

#[test]
fn a_rolling_window_gives_back_what_is_old_and_says_when() {
    let dir = tempfile::tempdir().unwrap();
    let budgets = || vec![windowed("lately", millis(205), "rolling 96m")];
    let house = House::open(dir.path(), budgets(), HOUR);
    house.spend(90, HOUR);
    house.spend(80, HOUR + 10 * MINUTE);
    let later_ms = HOUR + 20 * MINUTE;
    house.boot.set(later_ms);
    let refused = |house: &House, now_ms| match house.reserve(&bound(100), now_ms) {
        Err(Shortage::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let refusal = refused(&house, later_ms);
    assert_eq!(refusal.reason, RefusalReason::UsedUp);
    let balance = refusal.balance.unwrap();
    assert_eq!((&*balance.name.window, balance.posted), ("rolling 96m", millis(170)));
    let released_ms = HOUR + 97 * MINUTE;
    assert_eq!(balance.next_release_ms, Some(released_ms));
    house.close();

    let house = House::open(dir.path(), budgets(), released_ms - 1);
    let listed = house.admission.balances(released_ms - 1);
    assert_eq!(
        (listed[0].posted, listed[0].next_release_ms),
        (millis(170), Some(released_ms)),
        "from the books alone"
    );
    assert_eq!(refused(&house, released_ms - 1).reason, RefusalReason::UsedUp);
    house.spend(70, released_ms);
    assert_eq!(house.posted(released_ms), [150]);
    let crashed = as_a_crash_leaves(dir.path());
    let house = House::open(crashed.path(), budgets(), HOUR + 107 * MINUTE);
    assert_eq!(house.posted(HOUR + 107 * MINUTE), [70], "and from the journal");
}

#[test]
fn a_call_over_the_end_of_a_window_is_paid_by_the_one_it_ends_in() {
    let dir = tempfile::tempdir().unwrap();
    let budgets = || {
        let mut hourly = windowed("hourly", millis(250), "hour");
        hourly.straddle = Straddle::Both;
        vec![hourly]
    };
    let house = House::open(dir.path(), budgets(), HOUR);
    house.spend(40, HOUR);
    // Half an hour before the end, a call may straddle it.
    let near_ms = 2 * HOUR - 10 * MINUTE;
    let (here, over) = (house.send(&bound(100), near_ms), house.send(&bound(100), near_ms));
    let held = |house: &House, now_ms| {
        let balances = house.admission.balances(now_ms);
        balances.iter().map(|balance| balance.held.nanos() / 1_000_000).collect::<Vec<_>>()
    };
    assert_eq!(held(&house, near_ms), [200, 200], "held in both");
    here.settle(millis(10), "0.01", Evidence::Usage, near_ms + 1);
    assert_eq!(house.posted(near_ms + 1), [50, 0]);
    let crashed = as_a_crash_leaves(dir.path());
    house.boot.set(2 * HOUR);
    over.settle(millis(20), "0.02", Evidence::Usage, 2 * HOUR);
    assert_eq!(house.posted(2 * HOUR), [50, 20]);
    house.close();
    let house = House::open(dir.path(), budgets(), 2 * HOUR + 1);
    house.spend(1, 2 * HOUR + 1);
    assert_eq!(house.posted(2 * HOUR + 1).last(), Some(&21), "the next window was opened early, once");

    // The same with a crash in between: whatever is unknown is charged in both until it is known.
    let house = House::open(crashed.path(), budgets(), 2 * HOUR);
    let unknown = |house: &House, now_ms| {
        let balances = house.admission.balances(now_ms);
        balances.iter().map(|balance| balance.unknown.nanos() / 1_000_000).collect::<Vec<_>>()
    };
    assert_eq!(unknown(&house, 2 * HOUR), [100, 100]);
    let hold = house.admission.unknown_holds()[0].hold;
    assert!(house.admission.resolve(hold, millis(30), "0.03", Evidence::Generation, 2 * HOUR));
    assert_eq!((house.posted(2 * HOUR), unknown(&house, 2 * HOUR)), (vec![50, 30], vec![0, 0]));
}

#[test]
fn a_straddling_cost_is_corrected_where_it_was_posted() {
    let dir = tempfile::tempdir().unwrap();
    let budgets = || {
        let mut hourly = windowed("hourly", millis(250), "hour");
        hourly.straddle = Straddle::Both;
        vec![hourly]
    };
    let house = House::open(dir.path(), budgets(), HOUR);
    let near_ms = 2 * HOUR - 10 * MINUTE;
    let hold = house.spend(10, near_ms);
    let _open = house.send(&bound(100), near_ms);
    house.boot.set(2 * HOUR);
    house.spend(1, 2 * HOUR);
    let correct = |cost, now_ms| {
        house.admission.correct(hold, millis(cost), "", Evidence::Analytics, now_ms).unwrap();
        house.posted(2 * HOUR)
    };
    assert_eq!(correct(30, 2 * HOUR + 1), [30, 1], "it was of the window before");
    assert_eq!(correct(0, 2 * HOUR + 2), [0, 1], "and is given back there");
    let crashed = as_a_crash_leaves(dir.path());
    let again = House::open(crashed.path(), budgets(), 2 * HOUR + 3);
    assert_eq!(again.posted(2 * HOUR + 3), [0, 1]);
    again.close();
    house.close();
    let verified = store::verify(dir.path(), &mut |_| {}).expect("readable");
    assert_eq!(verified.damage, Vec::<String>::new());
}

#[test]
fn who_waits_when_a_window_nears_its_end_is_matched_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut hourly = windowed("hourly", millis(105), "hour");
    hourly.straddle = Straddle::Both;
    let house = House::open(dir.path(), vec![hourly], HOUR);
    let first = house.send(&bound(100), HOUR);
    let Err(Shortage::Wait(wait)) = house.reserve(&bound(100), HOUR) else { panic!("worth waiting for") };
    let parked = house.admission.park(wait).unwrap();
    let near_ms = 2 * HOUR - 10 * MINUTE;
    house.boot.set(near_ms);
    first.void(Evidence::Refused, near_ms);
    assert!(crate::support::block_on(parked).is_none(), "it would be held in one window only");
}
