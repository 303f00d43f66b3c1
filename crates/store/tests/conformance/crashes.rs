//! A process that ends between two batches, and starts again.

use std::sync::Arc;
use std::time::Duration;

use ledger::{BalanceId, BoundClass, Evidence, HoldId, Member, SetId};
use money::Nano;
use store::books::PostError;
use store::{Durability, Options, RealDisk, Record, Recovered, Store};

use crate::Factory;
use crate::script::{KEY, Script, name, record};
use crate::world::World;

pub(crate) fn reopened_between_any_two_batches(factory: &impl Factory) {
    let mut random = fastrand::Rng::with_seed(3);
    let mut world = World::new();
    let mut script = Script::new(factory);
    for n in 0..60 {
        let lines: Vec<_> = (0..random.usize(1..5)).map(|_| world.step(&mut random)).collect();
        let batch = script.batch(&lines);
        script.post(&lines);
        script.reopen();
        let snapshot = script.reader().snapshot().unwrap();
        assert_eq!((snapshot.seq, snapshot.offset), (script.at.seq, script.at.offset));
        // It does not know whether the batch was posted; the books do.
        assert!(matches!(script.writer().post(&batch), Err(PostError::Disagree(_))));
        world.check(&*script.reader(), &format!("after batch {n}"));
    }
}

pub(crate) fn batches_may_be_cut_anywhere<F: Factory>(factory: &F) {
    let mut random = fastrand::Rng::with_seed(4);
    let mut world = World::new();
    let lines: Vec<_> = (0..500).map(|_| world.step(&mut random)).collect();
    let mut script = Script::new(factory);
    script.post(&lines);
    world.check(&*script.reader(), "in one");
    let single = F::new();
    let mut script = Script::new(&single);
    lines.iter().for_each(|line| script.post(std::slice::from_ref(line)));
    world.check(&*script.reader(), "one by one");
}

fn open(factory: &impl Factory, dir: &std::path::Path, options: Options) -> (Store, Recovered) {
    Store::open_with(dir, options, Arc::new(RealDisk), factory.books()).unwrap()
}

pub(crate) fn a_store_over_these_books_loses_nothing(factory: &impl Factory) {
    let dir = tempfile::tempdir().unwrap();
    let options = |ship_records| Options {
        segment_bytes: Options::SEGMENT_BYTES_MIN,
        ship_every: Duration::from_millis(if ship_records == 1 { 1 } else { 3_600_000 }),
        ship_records,
        ..Options::new(Durability::Process)
    };
    let (id, set) = (BalanceId(0), SetId(0));
    let window = name(0, "lifetime", (0, None));
    let mut posted = 0;
    for round in 0..8_u64 {
        // By turns everything is shipped at once, and nothing before the store is closed or opened again.
        let (store, recovered) =
            open(factory, dir.path(), options(if round % 2 == 0 { 1 } else { 1_000_000 }));
        assert_eq!((recovered.next_hold, recovered.open.len() as u64), (round * 10, round));
        if round == 0 {
            store.append(&Record::Balance { id, name: &window, limit: Nano::MAX }).unwrap();
            store.append(&Record::Set { id: set, members: &[Member::plain(id)] }).unwrap();
        }
        for hold in (round * 10..).take(10).map(HoldId) {
            let (at_ms, bound) = (hold.0.cast_signed(), Nano::from_nanos(100));
            let (class, key, model) = (BoundClass::Proven, "app", "m/one");
            store
                .append(&Record::Hold { hold, at_ms, bound, class, set, upstream_key: KEY, key, model })
                .unwrap();
            if hold.0 % 10 != 9 {
                let (cost, text, evidence) = (Nano::from_nanos(7), "7e-9", Evidence::Usage);
                store.append(&Record::Settle { hold, at_ms, cost, text, evidence }).unwrap();
                posted += 7;
            }
        }
        store.append(&Record::Action { at_ms: 5, who: "alice", what: "looked" }).unwrap();
        match round {
            3 => store.close().unwrap(),
            4 => {
                store.flush().unwrap();
                assert_eq!(store.find_balance(&window).unwrap().unwrap().posted.nanos(), posted);
                assert_eq!(store.entries(0, 99, None, 99).unwrap().len(), 45);
                assert_eq!(store.key_total(KEY).unwrap().posted.nanos(), posted);
                assert_eq!(store.actions(99).unwrap().len(), 5);
            }
            _ => {}
        }
    }
    let (store, recovered) = open(factory, dir.path(), options(1));
    assert_eq!(recovered.balances[0].posted.nanos(), posted);
    assert_eq!(store.find_generation("gen-1").unwrap(), None);
    store.close().unwrap();
}

pub(crate) fn a_store_recovers_any_history<F: Factory>(_: &F) {
    for seed in 0..4 {
        let (factory, dir) = (F::new(), tempfile::tempdir().unwrap());
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new();
        for round in 0..12 {
            let options = Options {
                segment_bytes: Options::SEGMENT_BYTES_MIN,
                ship_every: Duration::from_millis(if random.bool() { 1 } else { 3_600_000 }),
                ship_records: *random.choice(&[1, 7, 1_000_000]).unwrap(),
                ..Options::new(Durability::Process)
            };
            let (store, recovered) = open(&factory, dir.path(), options);
            world.check_start(&store, &recovered, &format!("seed {seed}, round {round}"));
            for _ in 0..random.usize(1..120) {
                store.append(&record(&world.step(&mut random))).unwrap();
            }
            match random.u8(0..4) {
                0 => store.close().unwrap(),
                1 => store.flush().unwrap(),
                _ => {}
            }
            drop(store);
        }
        let (store, _) = open(&factory, dir.path(), Options::new(Durability::Process));
        store.flush().unwrap();
        world.check(&*factory.books().reader().unwrap(), &format!("seed {seed}, in the end"));
        store.close().unwrap();
    }
}
