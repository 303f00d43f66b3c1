//! A correction beside a request that opens the balance it moves.

use admission::{Clamp, RefusalReason, Shortage};
use ledger::Evidence;

use crate::explore::{Model, join, spawn};
use crate::world::{NOW, Scene, dollars, settle};

#[test]
fn a_cold_balance_takes_a_correction_once() {
    let scene = Scene::new(3);
    let model = Model { name: "correct beside reserve, cold", preemptions: 3, at_least: 500 };
    model.explore(move || {
        let before = scene.open();
        let flight = before.send(3);
        let hold = flight.hold().expect("metered");
        settle(flight, 1, NOW);
        before.store.ship().expect("whole records");
        let (disk, books) = before.kill();
        // Nothing is held on the balance: the new process looks it up when it is needed.
        let world = scene.open_on(disk, books);
        let other = world.clone();
        let call = spawn(move || match other.reserve_at(2, Clamp::Never, NOW) {
            Ok(_) => true,
            Err(Shortage::Refused(refusal)) => {
                assert!(matches!(refusal.reason, RefusalReason::UsedUp | RefusalReason::Journal));
                false
            }
            Err(Shortage::Wait(_)) => panic!("nobody else holds anything"),
        });
        let corrected = world.admission.correct(hold, dollars(2), "2", Evidence::Analytics, NOW);
        assert_eq!(corrected.expect("it has ended").was, dollars(1));
        join(call);
        assert_eq!(world.money(), [2, 0, 0]);
        assert!(world.reserve(1).is_ok());
        assert!(world.reserve(2).is_err(), "two of the three are spent");
        assert_eq!(world.money(), [2, 0, 0]);
    });
}
