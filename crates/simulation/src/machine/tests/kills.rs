//! A process is killed at any operation, also between two pages of a record.

use fastrand::Rng;
use store::Durability;

use super::{admit, budgets, found_open, machine, options, send, settle, spend, standing, start};
use crate::machine::{StartError, Trap, TrapKind};

fn kill(after: u32, torn: bool) -> Trap {
    Trap { after, kind: TrapKind::Kill { torn } }
}

/// Spends until the trap kills; how many settlements were told.
fn until_death(machine: &crate::machine::Machine, process: &crate::machine::Process) -> i64 {
    let mut spent = 0;
    loop {
        let Ok(permit) = admit(machine, process, "alice") else { return spent };
        let flight = permit.sent();
        if process.disk.is_dead() {
            return spent;
        }
        settle(machine, flight);
        if process.disk.is_dead() {
            return spent;
        }
        spent += 1;
        if spent % 7 == 0 {
            // Of a dead process nobody hears.
            let _ = process.store.ship();
        }
    }
}

#[test]
fn a_kill_at_any_operation_loses_nothing_that_was_told() {
    for durability in [Durability::Power, Durability::Process] {
        for after in (0..400).step_by(7) {
            for torn in [false, true] {
                let machine = machine();
                let process = start(&machine, durability);
                process.disk.arm(kill(after, torn));
                let spent = until_death(&machine, &process);
                process.kill();
                let process = start(&machine, durability);
                let (posted, unknown) = standing(&machine, &process);
                assert!(process.recovered.exact);
                assert_eq!((posted - spent).clamp(0, 1), posted - spent, "after {after}");
                assert_eq!(unknown, 100 * found_open(&process).len() as i64);
            }
        }
    }
}

#[test]
fn a_write_torn_between_two_pages_is_cut_off() {
    let machine = machine();
    let mut torn_bytes = 0;
    for after in 0..200 {
        let process = start(&machine, Durability::Process);
        process.disk.arm(kill(after, true));
        until_death(&machine, &process);
        process.kill();
        let process = start(&machine, Durability::Process);
        torn_bytes += process.recovered.torn_bytes;
    }
    assert!(torn_bytes > 0, "some of two hundred tore a record");
}

#[test]
fn a_kill_while_starting_is_a_kill_like_any_other() {
    let mut rng = Rng::with_seed(7);
    for durability in [Durability::Power, Durability::Process] {
        let machine = machine();
        let process = start(&machine, durability);
        let flight = send(&machine, &process);
        (0..100).for_each(|_| spend(&machine, &process));
        process.kill();
        drop(flight);
        let mut died = 0;
        for n in 0..60 {
            let trap = kill(n % 12, n % 2 == 0);
            if n % 20 == 19 {
                machine.cut_power(None, &mut rng);
            }
            match machine.start(&options(durability), budgets(), false, Some(trap)) {
                Err(StartError::Died) => died += 1,
                Err(error) => panic!("{error:?}"),
                Ok(process) => process.kill(),
            }
        }
        assert!(died > 10, "{died}");
        if durability == Durability::Power {
            let process = start(&machine, durability);
            assert_eq!(found_open(&process).len(), 1);
        }
    }
}

#[test]
fn what_a_dead_process_drops_changes_nothing() {
    let machine = machine();
    let process = start(&machine, Durability::Process);
    let flight = send(&machine, &process);
    let permit = admit(&machine, &process, "alice").unwrap();
    let before = machine.segments();
    process.kill();
    drop((flight, permit));
    assert_eq!(machine.segments(), before);
    assert_eq!(found_open(&start(&machine, Durability::Process)).len(), 2);
}
