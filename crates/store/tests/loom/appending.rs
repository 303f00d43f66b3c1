//! Appends beside one another, and beside one who only looks.

use crate::explore::{Model, folder, join, spawn};
use crate::world::World;

#[test]
fn records_are_dense_and_in_the_order_of_their_numbers() {
    let dir = folder();
    let model = Model { name: "append beside append", preemptions: 3, at_least: 5 };
    model.explore(move || {
        let world = World::stepped(dir.path());
        let other = world.clone();
        let second = spawn(move || other.hold(2, "second").expect("room"));
        let first = world.hold(1, "first").expect("room");
        let second = join(second);
        assert_eq!(first.max(second).seq(), 4);
        assert_eq!(first.min(second).seq(), 3);
        let places = [world.disk.place("first"), world.disk.place("second")];
        assert!(places.iter().all(Option::is_some));
        assert_eq!(places[0] < places[1], first < second, "the file has them in the order of their numbers");
        assert_eq!(world.restart(dir.path()), [1, 2]);
    });
}

#[test]
fn a_record_is_told_of_only_when_it_is_whole() {
    let dir = folder();
    let model = Model { name: "append beside a look", preemptions: 3, at_least: 3 };
    model.explore(move || {
        let world = World::stepped(dir.path());
        world.store.ship().expect("books");
        let other = world.clone();
        let append = spawn(move || other.hold(1, "a model that is called by a long name").expect("room"));
        if world.store.ship_lag() > 0 {
            assert!(world.disk.has_written("a model that is called by a long name"));
        }
        join(append);
    });
}
