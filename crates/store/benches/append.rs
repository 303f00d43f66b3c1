//! What a request pays: a hold and its settlement, with either durability.

use criterion::{Criterion, criterion_group, criterion_main};
use ledger::{BalanceId, BalanceName, BoundClass, Evidence, HoldId, Member, SetId, UpstreamKeyId};
use money::Nano;
use store::{Durability, Options, Record, Store};

const BALANCES: [BalanceId; 4] = [BalanceId(0), BalanceId(1), BalanceId(2), BalanceId(3)];

fn open(durability: Durability) -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().expect("a folder");
    // The books may lag as far as they like: the bench appends faster than anyone spends.
    let options = Options { journal_bytes_max: 1 << 40, ..Options::new(durability) };
    let (store, _) = Store::open(dir.path(), options).expect("a store");
    for id in BALANCES {
        let name = BalanceName {
            budget: "all".to_owned(),
            window: "lifetime".to_owned(),
            scope: vec![("user".to_owned(), id.0.to_string())],
            starts_ms: 0,
            ends_ms: None,
        };
        store.append(&Record::Balance { id, name: &name, limit: Nano::MAX }).expect("a balance");
    }
    let members = BALANCES.map(Member::plain);
    store.append(&Record::Set { id: SetId(0), members: &members }).expect("a set");
    (dir, store)
}

fn hold(hold: u64) -> Record<'static> {
    Record::Hold {
        hold: HoldId(hold),
        at_ms: 1_800_000_000_000,
        bound: Nano::from_cents(10),
        class: BoundClass::Proven,
        set: SetId(0),
        upstream_key: UpstreamKeyId([7; 8]),
        key: "app",
        model: "anthropic/claude-sonnet-4.5",
    }
}

fn settle(hold: u64) -> Record<'static> {
    Record::Settle {
        hold: HoldId(hold),
        at_ms: 1_800_000_000_500,
        cost: Nano::from_cents(1),
        text: "0.01",
        evidence: Evidence::Usage,
    }
}

fn benches(criterion: &mut Criterion) {
    let mut next = 0;
    let (_dir, store) = open(Durability::Process);
    criterion.bench_function("hold + settle, process", |bencher| {
        bencher.iter(|| {
            next += 1;
            store.append(&hold(next)).expect("a hold");
            store.append(&settle(next)).expect("a settlement");
        });
    });
    drop(store);
    let (_dir, store) = open(Durability::Power);
    criterion.bench_function("hold durable + settle, power", |bencher| {
        bencher.iter(|| {
            next += 1;
            let at = store.append(&hold(next)).expect("a hold");
            store.durable(at).wait().expect("durable");
            store.append(&settle(next)).expect("a settlement");
        });
    });
}

criterion_group!(append, benches);
criterion_main!(append);
