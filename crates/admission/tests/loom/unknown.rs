//! A hold ends once, whoever brings the evidence.

use admission::CorrectError;
use ledger::{Evidence, HoldId};

use crate::explore::{Model, join, spawn};
use crate::world::{NOW, Scene, dollars};

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
        assert_eq!(entry.cost, dollars(cost.cast_unsigned()));
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

#[test]
fn an_end_is_not_corrected_before_its_money_has_moved() {
    let scene = Scene::new(3);
    let model = Model { name: "resolve beside correct", preemptions: 4, at_least: 50 };
    model.explore(move || {
        let world = scene.warm();
        let flight = world.send(3);
        let hold = flight.hold().expect("metered");
        drop(flight);
        let other = world.clone();
        let answer = spawn(move || assert!(other.resolve(hold, 2)));
        let correct = || world.admission.correct(hold, dollars(1), "1", Evidence::Operator, NOW);
        let is_corrected = match correct() {
            Ok(_) => true,
            Err(CorrectError::Open(_)) => false,
            Err(error) => panic!("neither open nor ended: {error}"),
        };
        join(answer);
        assert_eq!(world.money(), [if is_corrected { 1 } else { 2 }, 0, 0]);
        correct().expect("it has ended");
        assert_eq!(world.money(), [1, 0, 0]);
    });
}
