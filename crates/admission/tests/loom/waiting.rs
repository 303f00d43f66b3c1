//! Those who wait: none is forgotten, and none is served twice.

use admission::Shortage;
use loom::future::block_on;

use crate::explore::{Model, join, spawn};
use crate::world::{NOW, Scene, World, settle};

#[test]
fn whoever_parks_is_woken_by_whoever_settles() {
    let scene = Scene::new(1);
    let model = Model { name: "park beside settle", preemptions: 5, at_least: 1000 };
    model.explore(move || {
        let world = scene.warm();
        let flight = world.send(1);
        let other = world.clone();
        // Were it not woken, loom would find nobody who can go on.
        let waiter = spawn(move || drop(other.reserve_or_wait(1)));
        settle(flight, 0, NOW);
        join(waiter);
        assert_eq!(world.money(), [0, 0, 0]);
        assert_eq!(world.admission.parked(), 0);
    });
}

#[test]
fn two_who_wait_for_what_one_gives_back_both_get_it() {
    let scene = Scene::new(2);
    let model = Model { name: "two park beside settle", preemptions: 2, at_least: 1000 };
    model.explore(move || {
        let world = scene.warm();
        let flight = world.send(2);
        let waiters = [world.clone(), world.clone()];
        let waiters = waiters.map(|world| spawn(move || world.reserve_or_wait(1)));
        settle(flight, 0, NOW);
        let served = waiters.map(join);
        assert!(served.iter().all(|reserved| reserved.output_cap() == 1));
        assert!(world.reserve(1).is_err(), "all of it is reserved");
        drop(served);
        assert_eq!(world.money(), [0, 0, 0]);
    });
}

#[test]
fn a_newcomer_and_a_waiter_pass_the_money_on() {
    let scene = Scene::new(1);
    let model = Model { name: "reserve beside park and drop", preemptions: 2, at_least: 500 };
    model.explore(move || {
        let world = scene.warm();
        let first = world.reserve(1).expect("money");
        let [one, two] = [world.clone(), world.clone()];
        let waiter = spawn(move || drop(one.reserve_or_wait(1)));
        let newcomer = spawn(move || drop(two.reserve_or_wait(1)));
        drop(first);
        join(waiter);
        join(newcomer);
        drop(world.reserve(1).expect("all of it came back"));
    });
}

#[test]
fn whoever_gives_up_while_being_served_gives_it_back_once() {
    let scene = Scene::new(1);
    let model = Model { name: "give up beside settle", preemptions: 5, at_least: 20 };
    model.explore(move || {
        let world = scene.warm();
        let flight = world.send(1);
        let Err(Shortage::Wait(wait)) = world.reserve(1) else { panic!("it is held") };
        let parked = world.admission.park(wait).expect("a place in line");
        let gives_up = spawn(move || drop(parked));
        settle(flight, 0, NOW);
        join(gives_up);
        let all = world.reserve(1).expect("all of it came back");
        assert!(world.reserve(1).is_err(), "and no more than that");
        drop(all);
    });
}

#[test]
fn whoever_comes_after_one_that_gives_up_is_served() {
    let scene = Scene::new(1);
    let model = Model { name: "park beside give up and settle", preemptions: 4, at_least: 200 };
    model.explore(move || {
        let world = scene.warm();
        let flight = world.send(1);
        let Err(Shortage::Wait(wait)) = world.reserve(1) else { panic!("it is held") };
        let parked = world.admission.park(wait).expect("a place in line");
        let waiter = park(&world);
        let gives_up = spawn(move || drop(parked));
        let waits = spawn(move || block_on(waiter).expect("no window ends here"));
        settle(flight, 0, NOW);
        join(gives_up);
        drop(join(waits));
        drop(world.reserve(1).expect("all of it came back"));
    });
}

fn park(world: &World) -> admission::Parked {
    let Err(Shortage::Wait(wait)) = world.reserve(1) else { panic!("somebody is ahead") };
    world.admission.park(wait).expect("a place in line")
}
