//! Disks that fail or are full, and books that refuse.

use store::{Durability, JournalError};

use super::{admit, found_open, machine, send, settle, spend, standing, start};
use crate::machine::{Trap, TrapKind};

#[test]
fn a_full_disk_refuses_and_opens_by_itself() {
    let machine = machine();
    let process = start(&machine, Durability::Process);
    machine.fill_disk(true);
    let error = loop {
        match admit(&machine, &process, "alice") {
            Ok(permit) => settle(&machine, permit.sent()),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, JournalError::NoSpace { .. }), "{error}");
    machine.fill_disk(false);
    spend(&machine, &process);
    process.store.health().unwrap();
}

#[test]
fn a_failed_sync_closes_for_good() {
    let machine = machine();
    let process = start(&machine, Durability::Power);
    spend(&machine, &process);
    process.disk.arm(Trap { after: 0, kind: TrapKind::SyncError });
    let error = admit(&machine, &process, "alice").unwrap_err();
    assert!(matches!(error, JournalError::Io { .. }), "{error}");
    for _ in 0..3 {
        assert_eq!(admit(&machine, &process, "alice").unwrap_err(), error);
        assert_eq!(process.store.sync(), Err(error.clone()));
    }
    assert!(!process.disk.is_dead());
    process.kill();
    let process = start(&machine, Durability::Power);
    assert_eq!(found_open(&process).len(), 1, "nobody knows whether it left");
}

#[test]
fn a_failed_write_closes_until_the_next_start() {
    let machine = machine();
    let process = start(&machine, Durability::Process);
    let flight = send(&machine, &process);
    process.disk.arm(Trap { after: 0, kind: TrapKind::WriteError });
    let error = admit(&machine, &process, "alice").unwrap_err();
    assert!(matches!(error, JournalError::Io { .. }), "{error}");
    settle(&machine, flight);
    process.kill();
    let process = start(&machine, Durability::Process);
    assert_eq!(standing(&machine, &process), (0, 100));
    spend(&machine, &process);
}

#[test]
fn books_that_refuse_close_a_full_journal_and_open_it_again() {
    let machine = machine();
    let process = start(&machine, Durability::Process);
    machine.books_refuse(true);
    let error = loop {
        match admit(&machine, &process, "alice") {
            Ok(permit) => settle(&machine, permit.sent()),
            Err(error) => break error,
        }
        assert!(process.store.ship_lag() < 100_000);
        // It is told by the store's health.
        let _ = process.store.ship();
    };
    assert!(matches!(error, JournalError::Full { .. }), "{error}");
    machine.books_refuse(false);
    process.store.ship().unwrap();
    assert_eq!(process.store.ship_lag(), 0);
    spend(&machine, &process);
    assert!(machine.segments().len() < 4, "what is in the books has gone");
}
