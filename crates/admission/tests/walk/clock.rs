//! Clocks that jump: windows that are open go on, and none opens until the clock is believed again.

use admission::{RefusalReason, Shortage};
use ledger::{Budget, Evidence};

use crate::support::{House, block_on, bound, millis, windowed};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// In the tenth hour of some day.
const NOW: i64 = 20_000 * DAY + 10 * HOUR;

fn budgets() -> Vec<Budget> {
    vec![windowed("daily", millis(1_000), "day"), windowed("ever", millis(1_000), "lifetime")]
}

fn refusal(house: &House, wall_ms: i64) -> Option<RefusalReason> {
    match house.reserve(&bound(10), wall_ms) {
        Ok(_) => None,
        Err(Shortage::Refused(refusal)) => Some(refusal.reason),
        Err(Shortage::Wait(wait)) => Some(wait.refusal.reason),
    }
}

#[test]
fn a_jump_ahead_opens_no_window() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), budgets(), NOW);
    house.spend(100, NOW);
    house.boot.set(NOW + MINUTE);
    let jumped_ms = NOW + DAY;
    assert_eq!(refusal(&house, jumped_ms), None, "the day that is open goes on");
    assert_eq!(house.posted(jumped_ms), [100, 100], "with what was spent in it");
    assert_eq!(house.admission.clock_is_off_by(), Some(DAY - MINUTE));
    let midnight_ms = NOW + 14 * HOUR;
    house.boot.set(midnight_ms - 1);
    assert_eq!(refusal(&house, jumped_ms + 14 * HOUR), None, "to its end");
    house.boot.set(midnight_ms);
    assert_eq!(refusal(&house, jumped_ms + 14 * HOUR), Some(RefusalReason::Clock));
    assert!(RefusalReason::Clock.passes_by_itself());
    house.admission.observe_date(midnight_ms);
    assert_eq!(
        refusal(&house, jumped_ms + 14 * HOUR),
        Some(RefusalReason::Clock),
        "the upstream says it jumped"
    );
    assert_eq!(refusal(&house, midnight_ms), None, "it came back");
    assert_eq!((house.admission.clock_is_off_by(), house.posted(midnight_ms)), (None, vec![100, 0, 100]));
}

#[test]
fn the_upstream_confirms_a_clock_that_was_set_right() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), budgets(), NOW);
    house.spend(100, NOW);
    let set_ms = NOW + 2 * DAY;
    house.admission.tick(set_ms);
    assert_eq!(refusal(&house, set_ms), None);
    house.admission.observe_date(set_ms - MINUTE);
    assert_eq!(house.admission.clock_is_off_by(), None);
    assert_eq!(refusal(&house, set_ms), None);
    assert_eq!(house.posted(set_ms), [100, 0, 100], "the day of now has money of its own");
}

#[test]
fn a_jump_back_stays_in_the_later_window() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), budgets(), NOW);
    house.spend(100, NOW);
    house.boot.set(NOW + MINUTE);
    for back_ms in [MINUTE, DAY, 10 * DAY] {
        assert_eq!(refusal(&house, NOW - back_ms), None);
        assert_eq!(house.posted(NOW - back_ms), [100, 100]);
    }
    house.admission.observe_date(NOW - 10 * DAY);
    assert_eq!(house.posted(NOW - 10 * DAY), [100, 100], "whoever says so");
}

#[test]
fn a_restart_on_the_same_boot_goes_by_the_clocks_of_before() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), budgets(), NOW);
    house.spend(100, NOW);
    house.boot.set(NOW + 10 * MINUTE);
    house.admission.tick(NOW + 10 * MINUTE);
    house.close();
    let again = |wall_ms, boot_ms| House::open_with(dir.path(), budgets(), (wall_ms, boot_ms), |_| {});
    let house = again(NOW + DAY, NOW + DAY);
    assert_eq!(refusal(&house, NOW + DAY), None, "both clocks went on: a night off, or suspended");
    house.close();
    let house = again(NOW + 3 * DAY, NOW + DAY + MINUTE);
    assert_eq!(refusal(&house, NOW + 3 * DAY), None, "the wall clock jumped meanwhile; the day goes on");
    house.boot.set(NOW + 2 * DAY);
    assert_eq!(refusal(&house, NOW + 3 * DAY), Some(RefusalReason::Clock));
    house.close();
}

#[test]
fn after_a_reboot_the_upstream_tells_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), budgets(), NOW);
    house.spend(100, NOW);
    house.close();
    let rebooted = |wall_ms| {
        House::open_with(dir.path(), budgets(), (wall_ms, MINUTE), |recovered| recovered.clock = None)
    };
    let house = rebooted(NOW + DAY);
    assert_eq!(refusal(&house, NOW + DAY), None, "nobody knows how long it was off: the last day goes on");
    assert_eq!(house.posted(NOW + DAY), [100, 100]);
    house.admission.observe_date(NOW + DAY);
    assert_eq!(house.posted(NOW + DAY), [100, 0, 100], "now it is known");
    let permit = block_on(house.reserve(&bound(10), NOW + DAY).unwrap().permit(NOW + DAY)).unwrap();
    permit.sent().settle(millis(7), "0.007", Evidence::Usage, NOW + DAY);
    house.close();
    let house = rebooted(NOW + DAY + 3 * MINUTE);
    assert_eq!(
        house.admission.clock_is_off_by(),
        None,
        "so soon after the last call, the wall clock is believed"
    );
    house.close();
    let house = rebooted(NOW - DAY);
    assert_eq!(house.posted(NOW - DAY), [7, 107], "a wall clock that went back does not open the day before");
    house.close();
}
