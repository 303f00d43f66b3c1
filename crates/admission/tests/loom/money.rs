//! The mutex of the money: two who want the last dollar, and what comes back.

use admission::{Clamp, Shortage};

use crate::explore::{Model, join, spawn};
use crate::world::{NOW, Scene, send, settle};

#[test]
fn the_last_dollar_is_given_once() {
    let scene = Scene::new(1);
    let model = Model { name: "two for the last dollar", preemptions: 5, at_least: 50 };
    model.explore(move || {
        let world = scene.warm();
        let other = world.clone();
        let rival = spawn(move || other.reserve(1));
        let (mine, theirs) = (world.reserve(1), join(rival));
        assert_eq!(usize::from(mine.is_ok()) + usize::from(theirs.is_ok()), 1, "one of them, and only one");
        let loser = if mine.is_ok() { theirs.as_ref() } else { mine.as_ref() };
        assert!(matches!(loser, Err(Shortage::Wait(_))), "it is held, not gone");
        drop((mine, theirs));
        assert_eq!(world.money(), [0, 0, 0]);
    });
}

#[test]
fn a_balance_that_two_open_at_once_is_one() {
    let scene = Scene::new(1);
    let model = Model { name: "two for the last dollar, cold", preemptions: 3, at_least: 100 };
    model.explore(move || {
        let world = scene.open();
        let other = world.clone();
        let rival = spawn(move || other.reserve(1));
        let (mine, theirs) = (world.reserve(1), join(rival));
        assert_eq!(usize::from(mine.is_ok()) + usize::from(theirs.is_ok()), 1, "one of them, and only one");
    });
}

#[test]
fn what_a_settled_call_did_not_cost_is_there_once() {
    let scene = Scene::new(3);
    let model = Model { name: "reserve beside settle", preemptions: 3, at_least: 500 };
    model.explore(move || {
        let world = scene.warm();
        let flight = world.send(2);
        let [one, two] = [world.clone(), world.clone()];
        let takes_some = spawn(move || one.reserve_at(3, Clamp::DownTo(1), NOW));
        let takes_one = spawn(move || two.reserve(1));
        settle(flight, 1, NOW);
        let reserved = [join(takes_some), join(takes_one)].into_iter().flatten();
        let held: u64 = reserved
            .map(|reserved| {
                let cap = reserved.output_cap();
                let _flight = send(reserved, NOW);
                cap
            })
            .sum();
        assert!((1..=2).contains(&held), "{held} of the two that are left");
        assert_eq!(world.money(), [1, 0, held.cast_signed()]);
    });
}
