//! The time that money goes by: read by all, and never earlier than before.

use admission::Clamp;
use ledger::TRUST_MS;

use crate::explore::{Model, join, spawn};
use crate::world::{NOW, Scene};

#[test]
fn time_never_goes_back() {
    let scene = Scene::new(1);
    let model = Model { name: "two clocks that differ", preemptions: 3, at_least: 1000 };
    model.explore(move || {
        let world = scene.warm();
        let walk = |times: [i64; 2]| {
            let world = world.clone();
            move || {
                let mut latest = NOW;
                for now_ms in times {
                    drop(world.reserve_at(1, Clamp::Never, now_ms));
                    let now = world.admission.now_ms();
                    assert!(now >= latest.max(now_ms), "{now} after {latest} when told {now_ms}");
                    latest = now;
                }
            }
        };
        let ahead = spawn(walk([NOW + 20, NOW + 10]));
        let behind = spawn(walk([NOW + 5, NOW + 15]));
        join(ahead);
        join(behind);
        assert_eq!(world.admission.now_ms(), NOW + 20);
    });
}

#[test]
fn a_jump_is_not_believed_however_many_read_it() {
    let scene = Scene::new(1);
    let model = Model { name: "two who read a jump", preemptions: 2, at_least: 1000 };
    model.explore(move || {
        let world = scene.warm();
        let read = |now_ms| {
            let world = world.clone();
            move || drop(world.reserve_at(1, Clamp::Never, now_ms))
        };
        let jump = 10 * TRUST_MS;
        let reader = spawn(read(NOW + jump));
        world.admission.tick(NOW + jump);
        read(NOW + jump)();
        join(reader);
        assert_eq!(world.admission.now_ms(), NOW, "time goes on by the boot clock");
        assert_eq!(world.admission.clock_is_off_by(), Some(jump));
        // The upstream says so too.
        world.admission.observe_date(NOW + jump);
        assert_eq!((world.admission.now_ms(), world.admission.clock_is_off_by()), (NOW + jump, None));
    });
}
