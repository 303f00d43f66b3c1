//! Verify, backup, restore, repair: every kind of damage is named, and nothing is lost in silence.

use std::path::Path;

use ledger::{BalanceId, BalanceName, BoundClass, Evidence, HoldId, Member, SetId, UpstreamKeyId};
use money::Nano;
use store::{Durability, OpenError, Options, Record, Store, Verification, read, repair, restore};

use crate::story::{HOUR_MS, copy, damaged, hold, journal_only, open, options, segments, settle};

const DAY_MS: i64 = 24 * HOUR_MS;

fn verify(dir: &Path) -> Verification {
    store::verify(dir, &mut |_| {}).unwrap_or_else(|error| panic!("{error}: {error:?}"))
}

fn nanos(nanos: i64) -> Nano {
    Nano::from_nanos(nanos)
}

/// Balances of every kind, sets of every kind, and some thousand calls with every kind of end.
fn history(store: &Store, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let name = |budget: &str, window: &str, starts_ms, ends_ms| BalanceName {
        budget: budget.to_owned(),
        window: window.to_owned(),
        scope: vec![],
        starts_ms,
        ends_ms,
    };
    let balances = [
        name("all", "lifetime", 0, None),
        name("lately", "rolling 5h", 0, None),
        name("daily", "day", 0, Some(DAY_MS)),
        name("daily", "day", DAY_MS, Some(2 * DAY_MS)),
    ];
    for (id, name) in balances.iter().enumerate() {
        store
            .append(&Record::Balance { id: BalanceId(id as u32), name, limit: Nano::from_cents(1_000) })
            .unwrap();
    }
    let plain = |id| Member::plain(BalanceId(id));
    let straddling = [
        plain(0),
        Member { until_ms: Some(DAY_MS), ..plain(2) },
        Member { from_ms: Some(DAY_MS), ..plain(3) },
    ];
    let sets: [&[Member]; 4] = [&[plain(0)], &[plain(0), plain(1)], &straddling, &[]];
    for (id, members) in sets.iter().enumerate() {
        store.append(&Record::Set { id: SetId(id as u32), members }).unwrap();
    }
    let (mut now_ms, mut open) = (DAY_MS - 6 * HOUR_MS, Vec::new());
    for number in 0..2_000 {
        now_ms += random.i64(0..30_000);
        let set = SetId(random.u32(0..4));
        let bound = nanos(random.i64(1..1 << 24));
        let key = ["local", "team"][random.usize(0..2)];
        let (upstream_key, model) = (UpstreamKeyId([random.u8(0..2); 8]), ["m/a", "m/b"][random.usize(0..2)]);
        let class = BoundClass::Proven;
        store
            .append(&Record::Hold {
                hold: HoldId(number),
                at_ms: now_ms,
                bound,
                class,
                set,
                upstream_key,
                key,
                model,
            })
            .unwrap();
        open.push((HoldId(number), bound, set));
        while open.len() > random.usize(1..30) {
            let (hold, bound, set) = open.swap_remove(random.usize(0..open.len()));
            let cost = nanos(random.i64(0..bound.nanos() + (bound.nanos() >> 4) + 2));
            let text = format!("{}.{:09}", cost.nanos() / 1_000_000_000, cost.nanos() % 1_000_000_000);
            let evidence = Evidence::Usage;
            store.append(&Record::Settle { hold, at_ms: now_ms, cost, text: &text, evidence }).unwrap();
            if random.u8(0..8) == 0 {
                let corrected = nanos(random.i64(0..1 << 24));
                store
                    .append(&Record::Correct {
                        hold,
                        at_ms: now_ms + 1,
                        settled_ms: now_ms,
                        was: cost,
                        cost: corrected,
                        text: &corrected.to_string(),
                        evidence: Evidence::Analytics,
                        set,
                    })
                    .unwrap();
            }
        }
    }
    store.append(&Record::Action { at_ms: now_ms, who: "ops", what: "nothing much" }).unwrap();
}

#[test]
fn honest_books_are_clean_and_every_lie_in_them_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), options(Durability::Process));
    history(&store, 3);
    let held = store::verify(dir.path(), &mut |_| {});
    assert!(matches!(held, Err(OpenError::Held { .. })), "{held:?}");
    store.close().unwrap();
    let found = verify(dir.path());
    assert_eq!((found.damage.as_slice(), found.entries > 1_900), (&[][..], true), "{found:?}");
    assert!(found.corrections > 100 && found.open > 0 && found.records > 0, "{found:?}");
    for (lie, told) in [
        ("UPDATE balance SET posted_nanos = posted_nanos - 1 WHERE id = 0", "balance 0 (all lifetime [] from 0) says"),
        ("UPDATE entry SET cost_nanos = cost_nanos + 1 WHERE hold = 500", "hold 500"),
        ("UPDATE entry SET overrun_nanos = overrun_nanos + 1 WHERE hold = 501", "hold 501 says it was overrun"),
        ("UPDATE entry SET cost_text = '7' WHERE hold = 502", "hold 502 is booked as"),
        ("UPDATE entry SET evidence = 99 WHERE hold = 502", "hold 502 ended by an unknown kind of evidence"),
        ("DELETE FROM entry WHERE hold = 503", "balance 0"),
        ("INSERT INTO open_hold (hold, at_ms, bound_nanos, class, balances, upstream_key, model, generation,
          unknown_reason, unknown_status, unknown_since_ms, set_id, key)
          SELECT hold, at_ms, bound_nanos, class, balances, upstream_key, model, generation,
          NULL, 0, 0, set_id, key FROM entry WHERE hold = 504", "hold 504 is open, and has ended"),
        ("UPDATE correction SET was_nanos = was_nanos + 1 WHERE seq = (SELECT max(seq) FROM correction)", "says it was overrun"),
        ("UPDATE correction SET cost_nanos = cost_nanos + 1 WHERE seq = (SELECT max(seq) FROM correction)", "its corrections come to"),
        ("UPDATE hold_set SET members = '0,99' WHERE id = 1", "hold set 1: I5"),
        ("UPDATE hold_set SET members = 'x' WHERE id = 1", "hold set 1 cannot be read"),
        ("UPDATE bucket SET posted_nanos = posted_nanos + 1 WHERE starts_ms = (SELECT max(starts_ms) FROM bucket)",
         "balance 1, bucket"),
        ("UPDATE rollup SET calls = calls + 1 WHERE day = 0 AND model = 'm/a'", "the report for day 0"),
        ("UPDATE budget_rollup SET cost_nanos = 0 WHERE day = 0 AND budget = 'daily'", "the report for day 0 of budget daily"),
        ("UPDATE key_total SET exact_attos = '1' WHERE upstream_key = x'0101010101010101'", "upstream key 0101010101010101"),
        ("DELETE FROM key_total WHERE upstream_key = x'0101010101010101'", "has no total"),
        ("DELETE FROM action", "say otherwise than this record: Action"),
    ] {
        let lied = copy(dir.path());
        let books = rusqlite::Connection::open(lied.path().join("farebox.db")).unwrap();
        assert!(books.execute(lie, []).unwrap() > 0, "{lie}");
        books.close().unwrap();
        let found = verify(lied.path());
        assert!(found.damage.iter().any(|damage| damage.contains(told)), "{lie}: {:?}", found.damage);
    }
}

#[test]
fn a_counter_that_moved_otherwise_than_the_books_is_noted() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), options(Durability::Process));
    history(&store, 6);
    store.flush().unwrap();
    let upstream_key = UpstreamKeyId([1; 8]);
    let booked = store.key_total(upstream_key).unwrap().exact;
    for (usage, moved) in [("1+0.5", "0"), ("1.500000001", "0"), ("1.5+0.25", "0")] {
        let exact = booked + money::Exact::parse_ceil(moved).unwrap();
        let point =
            store::ControlPoint { upstream_key, at_ms: 1, usage: usage.to_owned(), exact, entries: 1 };
        store.keep_control(&point).unwrap();
    }
    store.close().unwrap();
    let found = verify(dir.path());
    assert_eq!((found.control_points, found.is_clean()), (3, true), "{found:?}");
    let noted: Vec<&String> = found.notes.iter().filter(|note| note.contains("counter moved")).collect();
    assert_eq!(noted.len(), 1, "a step of the counter is nothing, a quarter of a dollar is: {noted:?}");
    assert!(noted[0].contains("0.249999999"), "{noted:?}");
}

#[test]
fn a_flipped_bit_in_what_the_books_have_already_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), options(Durability::Process));
    history(&store, 4);
    store.close().unwrap();
    let segment = segments(dir.path()).pop().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[200] ^= 4;
    std::fs::write(&segment, bytes).unwrap();
    let found = verify(dir.path());
    let named = found.damage.iter().any(|damage| damage.contains(".journal at byte "));
    assert!(named, "{:?}", found.damage);
}

#[test]
fn a_backup_is_whole_and_what_is_restored_admits_nothing_until_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), journal_only());
    history(&store, 5);
    let to = dir.path().join("backup.db");
    let made = store.back_up(&to).unwrap();
    assert!(matches!(store.back_up(&to), Err(OpenError::Exists(_))), "a backup overwrites nothing");
    let before = read(dir.path()).unwrap();
    store.append(&Record::Action { at_ms: 1, who: "ops", what: "after it" }).unwrap();
    store.close().unwrap();

    let other = tempfile::tempdir().unwrap();
    assert!(matches!(restore(dir.path(), other.path(), 1), Err(OpenError::Absent(_))));
    std::fs::write(other.path().join("x"), "no backup").unwrap();
    assert!(restore(&other.path().join("x"), other.path(), 1).is_err());
    let restored = restore(&to, other.path(), 1).unwrap();
    assert_eq!((restored.as_of_ms, restored.moved_to), (before.latest_ms, None));
    assert!(verify(other.path()).is_clean());
    let (store, recovered) = open(other.path(), options(Durability::Power));
    assert_eq!(recovered.restored, Some(before.latest_ms));
    assert_eq!((recovered.open, recovered.next_hold), (before.open, before.next_hold));
    let at = hold_on(&store, recovered.next_hold);
    assert_eq!(at, made.last_record + 1, "the journal goes on behind the backup");
    // A crash before anything is shipped: the new journal alone knows.
    drop(store);
    let (store, recovered) = open(other.path(), options(Durability::Power));
    assert_eq!(recovered.next_hold, before.next_hold + 1);
    assert!(recovered.restored.is_some());
    store.accept_restored().unwrap();
    store.close().unwrap();
    assert_eq!(read(other.path()).unwrap().restored, None);

    let again = restore(&to, other.path(), 2).unwrap();
    let aside = again.moved_to.unwrap();
    assert!(aside.join("farebox.db").is_file() && aside.join("journal").is_dir(), "{}", aside.display());
    assert_eq!(read(other.path()).unwrap().restored, Some(before.latest_ms));
}

fn hold_on(store: &Store, hold: u64) -> u64 {
    let record = Record::Hold {
        hold: HoldId(hold),
        at_ms: DAY_MS,
        bound: nanos(5),
        class: BoundClass::Proven,
        set: SetId(0),
        upstream_key: UpstreamKeyId([1; 8]),
        key: "local",
        model: "m/a",
    };
    store.append(&record).unwrap().seq()
}

#[test]
fn a_repair_keeps_what_is_readable_and_moves_the_rest_aside() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), journal_only());
    crate::story::declare(&store, 0);
    for number in 0..100 {
        hold(&store, number).unwrap();
        settle(&store, number, 1).unwrap();
    }
    drop(store);
    let segment = segments(dir.path()).remove(0);
    let mut bytes = std::fs::read(&segment).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[used / 2] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let fault = damaged(dir.path(), journal_only());
    assert!(verify(dir.path()).damage.contains(&fault.to_string()));

    let repaired = repair(dir.path(), 9).unwrap();
    assert_eq!(repaired.records, fault.seq - 1, "everything before the damage");
    assert!(repaired.moved_to.join("journal").join(segment.file_name().unwrap()).is_file());
    assert!(verify(dir.path()).is_clean());
    let (store, recovered) = open(dir.path(), Options::new(Durability::Process));
    assert_eq!(recovered.restored, Some(repaired.as_of_ms));
    assert_eq!(recovered.next_hold, (fault.seq - 1 - 2).div_ceil(2));
    store.close().unwrap();
    assert!(verify(dir.path()).is_clean());
}
