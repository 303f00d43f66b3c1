//! When an upstream key is quiet: what a control total rests on.

use loom::future::block_on;

use crate::explore::{Model, join, spawn};
use crate::world::{KEY, NOW, Scene, World, send, settle};

const DAY: i64 = 86_400_000;

#[test]
fn a_key_is_not_quiet_before_its_call_is_settled() {
    is_not_quiet_before("quiet beside settle", |world| settle(world.send(1), 1, NOW));
}

#[test]
fn a_key_is_not_quiet_before_its_permit_is_given_up() {
    is_not_quiet_before("quiet beside a permit dropped", |world| {
        let permit = block_on(world.reserve(1).expect("money").permit(NOW));
        drop(permit.expect("a journal"));
    });
}

fn is_not_quiet_before(name: &'static str, call: fn(World)) {
    let scene = Scene::new(1);
    let model = Model { name, preemptions: 5, at_least: 10 };
    model.explore(move || {
        let world = scene.warm();
        let other = world.clone();
        let call = spawn(move || call(other));
        let is_held = world.disk.has_written("test/model");
        if is_held && world.admission.quiet_since(KEY).is_some() {
            world.store.ship().expect("whole records");
            let entry = world.store.entry(world.next_hold).expect("books");
            assert!(entry.is_some(), "quiet while in flight");
        }
        join(call);
        assert_eq!(world.admission.quiet_since(KEY), Some(NOW));
    });
}

#[test]
fn whoever_finds_a_key_quiet_finds_what_is_unknown_on_it() {
    let scene = Scene::new(1);
    let model = Model { name: "quiet beside unknown", preemptions: 5, at_least: 10 };
    model.explore(move || {
        let world = scene.warm();
        let other = world.clone();
        // Dropped in flight: its cost is unknown.
        let call = spawn(move || drop(other.send(1)));
        let is_held = world.disk.has_written("test/model");
        if is_held && world.admission.quiet_since(KEY).is_some() {
            assert_eq!(world.admission.unknown_holds().len(), 1, "quiet, and yet it may be billed");
        }
        join(call);
    });
}

#[test]
fn a_key_that_is_forgotten_is_not_quiet_since_earlier() {
    let scene = Scene::new(1);
    let model = Model { name: "a call beside sweep", preemptions: 4, at_least: 20 };
    model.explore(move || {
        let world = scene.warm();
        let later = NOW + 2 * DAY;
        world.boot.set(later);
        let other = world.clone();
        let reserved = world.reserve_at(1, admission::Clamp::Never, later).expect("money");
        let call = spawn(move || settle(send(reserved, later), 1, later));
        other.admission.sweep(later);
        join(call);
        assert_eq!(other.admission.quiet_since(KEY), Some(later));
    });
}
