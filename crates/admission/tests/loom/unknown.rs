//! A hold ends once, whoever brings the evidence.

use ledger::HoldId;

use crate::explore::{Model, join, spawn};
use crate::world::Scene;

#[test]
fn two_answers_end_it_once() {
    let scene = Scene::new(3);
    let model = Model { name: "resolve beside resolve", preemptions: 5, at_least: 20 };
    model.explore(move || {
        let world = scene.warm();
        let flight = world.send(3);
        let hold = flight.hold().expect("metered");
        drop(flight);
        let other = world.clone();
        let answer = spawn(move || other.resolve(hold, 2));
        let (mine, theirs) = (world.resolve(hold, 1), join(answer));
        assert!(mine != theirs, "one of them, and only one");
        let cost = if mine { 1 } else { 2 };
        assert_eq!(world.money(), [cost, 0, 0]);
        world.store.ship().expect("it ends once in the journal too");
        let entry = world.store.entry(hold).expect("books").expect("it has ended");
        assert_eq!(entry.cost, crate::world::dollars(cost.cast_unsigned()));
    });
}

#[test]
fn an_answer_that_comes_before_it_is_unknown_comes_again() {
    let scene = Scene::new(1);
    let model = Model { name: "resolve beside unknown", preemptions: 5, at_least: 30 };
    model.explore(move || {
        let world = scene.warm();
        let flight = world.send(1);
        let hold: HoldId = flight.hold().expect("metered");
        let ends = spawn(move || drop(flight));
        let is_resolved = world.resolve(hold, 0);
        join(ends);
        assert_eq!(world.money(), [0, 0, i64::from(!is_resolved)]);
        assert_eq!(world.resolve(hold, 0), !is_resolved);
        assert_eq!(world.money(), [0, 0, 0]);
    });
}
