//! The shipper beside appends, syncs and rotations.

use loom::thread::yield_now;

use crate::explore::{Model, folder, join, spawn};
use crate::world::World;

#[test]
fn records_are_posted_once_whole_and_in_order() {
    let dir = folder();
    let model = Model { name: "append beside ship", preemptions: 3, at_least: 500 };
    model.explore(move || {
        let world = World::stepped(dir.path());
        let other = world.clone();
        let call = spawn(move || {
            other.hold(1, "first").expect("room");
            other.settle(1).expect("room");
        });
        world.store.ship().expect("whole records");
        world.store.ship().expect("whole records");
        join(call);
        world.store.ship().expect("whole records");
        assert_eq!(world.books.last(), 4);
        assert!(world.restart(dir.path()).is_empty());
    });
}

#[test]
fn the_thread_that_ships_hears_of_every_record() {
    let dir = folder();
    let model = Model { name: "append beside the shipper", preemptions: 2, at_least: 1000 };
    model.explore(move || {
        let world = World::threaded(dir.path(), 1);
        world.hold(1, "first").expect("room");
        // Nothing but the bell starts the shipper here.
        while world.store.ship_lag() > 0 {
            yield_now();
        }
        assert_eq!(world.books.last(), 3);
        world.store.close().expect("books");
    });
}

#[test]
fn a_segment_goes_only_when_the_books_have_all_of_it() {
    let dir = folder();
    let model = Model { name: "rotation beside sync and ship", preemptions: 2, at_least: 1000 };
    let long = |name: &str| format!("{name}{}", "-".repeat(15_000));
    let [first, second, third] = ["first", "second", "third"].map(long);
    model.explore(move || {
        let world = World::stepped(dir.path());
        // Fills the first segment.
        world.hold(1, &first).expect("room");
        world.hold(2, &second).expect("room");
        world.settle(1).expect("room");
        world.settle(2).expect("room");
        let [syncs, ships] = [world.clone(), world.clone()];
        let sync = spawn(move || syncs.store.sync().expect("a disk"));
        let ship = spawn(move || ships.store.ship().expect("whole records"));
        world.hold(3, &third).expect("room");
        // One syncer, as in the store: its next sync comes after this one.
        join(sync);
        world.store.sync().expect("a disk");
        let is_synced =
            |model: &String| world.disk.has_synced(model) || world.books.durable().contains(model);
        assert!([&first, &second, &third].into_iter().all(is_synced), "of both segments");
        join(ship);
        world.removed_what_is_in_the_books(&[&first, &second, &third]);
        assert_eq!(world.restart(dir.path()), [3]);
    });
}
