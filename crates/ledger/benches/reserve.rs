//! Reserve and settle on four balances, in memory: what a request costs under the one mutex.

use criterion::{Criterion, criterion_group, criterion_main};
use ledger::{Balance, BalanceId, Balances, Budget, HoldSet, Index, Label, Matched, Scope, Share, Window};
use money::Nano;

fn four_balances() -> (Balances, HoldSet) {
    let mut balances = Balances::with_room_for(4_096);
    let set = (0..4).map(|id| {
        let balance = Balance::new(BalanceId(id), Nano::from_cents(100_000), Some(i64::MAX));
        balances.open(balance).expect("there is room")
    });
    let set = set.collect();
    (balances, set)
}

fn reserve_and_settle(criterion: &mut Criterion) {
    let (mut balances, set) = four_balances();
    let (bound, cost) = (Nano::from_nanos(5_000), Nano::ZERO);
    criterion.bench_function("ledger/reserve+settle on 4 balances", |bencher| {
        bencher.iter(|| {
            let held = balances.reserve(&set, bound, bound, Share::Whole, 0).expect("there is money");
            balances.settle(&set, held, cost);
        });
    });
}

fn matching(criterion: &mut Criterion) {
    let budget = |name: &str, per: &[Label]| Budget {
        name: name.to_owned(),
        selector: Vec::new(),
        per: per.iter().copied().collect(),
        limit: Nano::from_cents(100),
        window: Window::lifetime(),
    };
    let mut index = Index::new(vec![
        budget("all", &[]),
        budget("user", &[Label::User]),
        budget("model", &[Label::Model]),
        budget("both", &[Label::User, Label::Model]),
    ]);
    let mut balances = Balances::with_room_for(16);
    let scope = Scope::default().with(Label::User, "alice").with(Label::Model, "openai/gpt-4o-mini");
    while let Matched::Missing(missing) = index.matching(&scope) {
        let id = BalanceId(u32::try_from(index.entries().count()).expect("few"));
        let slot = balances.open(Balance::new(id, Nano::from_cents(100), None)).expect("there is room");
        index.insert(missing.budget, missing.name, slot);
    }
    criterion.bench_function("ledger/match 4 budgets", |bencher| bencher.iter(|| index.matching(&scope)));
}

criterion_group!(benches, reserve_and_settle, matching);
criterion_main!(benches);
