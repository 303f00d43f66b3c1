//! Books that fall behind their journal, or are in its place.

use admission::{Ask, Clamp, RefusalReason, Shortage};
use fastrand::Rng;
use ledger::UpstreamKeyId;
use store::Durability;

use super::{START_MS, bound, found_open, machine, scope, send, spend, standing, start};
use crate::machine::{BooksKind, Machine};

#[test]
fn books_fall_back_and_the_journal_carries_them_on() {
    for seed in 0..100 {
        let mut rng = Rng::with_seed(seed);
        let machine = machine();
        let mut spent = 0;
        for _ in 0..4 {
            let process = start(&machine, Durability::Power);
            assert_eq!(standing(&machine, &process).0, if spent == 0 { 0 } else { spent });
            for _ in 0..rng.u8(1..150) {
                spend(&machine, &process);
                spent += 1;
                if rng.u8(0..5) == 0 {
                    process.store.ship().unwrap();
                }
            }
            process.store.sync().unwrap();
            if spent > 0 && rng.u8(0..3) == 0 {
                process.close().unwrap();
            } else {
                machine.cut_power(Some(process), &mut rng);
            }
            // So that a balance is in memory at the next start.
            let process = start(&machine, Durability::Power);
            drop(send(&machine, &process));
            process.store.sync().unwrap();
            process.kill();
        }
    }
}

#[test]
fn a_replay_agrees_with_what_is_in_memory() {
    let machine = machine();
    let process = start(&machine, Durability::Process);
    for n in 0..400 {
        spend(&machine, &process);
        if n % 50 == 0 {
            process.store.ship().unwrap();
            drop(send(&machine, &process));
        }
        let replayed = process.store.replay().unwrap();
        let (posted, unknown) = standing(&machine, &process);
        assert_eq!(replayed.balances[0].posted.nanos(), posted * 10_000_000);
        assert_eq!(replayed.open.len() as i64, unknown / 100);
    }
    assert!(process.disk.book_reads() > 400);
}

#[test]
fn a_restored_backup_admits_nothing_until_it_is_accepted() {
    let machine = machine();
    let process = start(&machine, Durability::Power);
    spend(&machine, &process);
    let open = send(&machine, &process);
    process.store.ship().unwrap();
    let backup = machine.back_up();
    spend(&machine, &process);
    process.kill();
    drop(open);
    machine.restore(&backup);
    let process = start(&machine, Durability::Power);
    assert_eq!((standing(&machine, &process), found_open(&process).len()), ((1, 100), 1));
    let bound = bound();
    let (scope, upstream_key) = (scope("alice"), UpstreamKeyId([7; 8]));
    let ask = Ask { scope, bound: &bound, upstream_key, ceiling: None, clamp: Clamp::Never };
    let refused = process.admission.reserve(&ask, machine.clocks.wall_ms());
    assert!(
        matches!(&refused, Err(Shortage::Refused(refusal)) if refusal.reason == RefusalReason::Restored),
        "{refused:?}"
    );
}

#[test]
fn the_same_on_sqlite() {
    let machine = Machine::new(START_MS, BooksKind::Sqlite);
    for round in 0..3 {
        let process = start(&machine, Durability::Process);
        (0..100).for_each(|_| spend(&machine, &process));
        process.store.ship().unwrap();
        let open = send(&machine, &process);
        spend(&machine, &process);
        if round == 0 {
            process.kill();
        } else {
            process.close().unwrap();
        }
        drop(open);
    }
    let process = start(&machine, Durability::Process);
    assert_eq!(standing(&machine, &process), (303, 300));
}
