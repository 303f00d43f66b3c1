//! What a request costs the ledger in memory: finding its balances, reserving and settling on them under the one mutex.

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use ledger::{
    Balance, BalanceId, Balances, Budget, Gap, HoldSet, Index, Label, Scope, Seat, SetId, Share, Straddle,
    Window, WindowKind,
};
use money::Nano;

const MILLION: u32 = 1_000_000;

fn four_balances(window: &str) -> (Balances, Vec<Seat>) {
    let mut balances = Balances::with_room_for(4_096);
    let kind = WindowKind::from_words(window).expect("a window");
    let seats = (0..4).map(|id| {
        let balance = Balance::new(BalanceId(id), Nano::from_cents(100_000), Some(i64::MAX));
        let slot = match kind {
            WindowKind::Rolling(rolling) => balances.open_rolling(balance, rolling, &[], 0),
            _ => balances.open(balance),
        };
        Seat::plain(slot.expect("there is room"))
    });
    let seats = seats.collect();
    (balances, seats)
}

fn reserve_and_settle(criterion: &mut Criterion) {
    for window in ["day", "rolling 5h"] {
        let (mut balances, seats) = four_balances(window);
        let (bound, cost) = (Nano::from_nanos(5_000), Nano::ZERO);
        criterion.bench_function(&format!("ledger/reserve+settle on 4 balances, {window}"), |bencher| {
            bencher.iter(|| {
                let held = balances.reserve(&seats, bound, bound, Share::Whole, 0).expect("there is money");
                balances.settle(&seats, held, cost, 0);
            });
        });
    }
}

fn budget(name: &str, per: &[Label]) -> Budget {
    Budget {
        name: name.to_owned(),
        selector: Vec::new(),
        per: per.iter().copied().collect(),
        limit: Nano::from_cents(100_000),
        window: Window::lifetime(),
        straddle: Straddle::Admission,
    }
}

/// The set of a request; opens what is missing.
fn set(index: &mut Index, balances: &mut Balances, scope: &Scope<'_>) -> Arc<HoldSet> {
    let places = loop {
        match index.gather(scope, 0, true) {
            Ok(places) => break places,
            Err(Gap::Missing(missing)) => {
                let id = BalanceId(u32::try_from(index.len()).expect("few"));
                let balance = Balance::new(id, Nano::from_cents(100_000), None);
                index.insert(missing.budget, &missing.name, balances.open(balance).expect("there is room"));
            }
            Err(Gap::Shut(_)) => unreachable!("windows may turn"),
        }
    };
    let known = index.known(&places);
    let set = known.unwrap_or_else(|| index.intern(SetId(0), &places));
    index.remember(scope, set).set
}

fn warm(criterion: &mut Criterion) {
    let budgets = [
        budget("all", &[]),
        budget("user", &[Label::User]),
        budget("model", &[Label::Model]),
        budget("both", &[Label::User, Label::Model]),
    ];
    let mut index = Index::new(budgets.into(), 0, 0);
    let mut balances = Balances::with_room_for(16);
    let scope = Scope::default().with(Label::User, "alice").with(Label::Model, "openai/gpt-4o-mini");
    set(&mut index, &mut balances, &scope);
    criterion
        .bench_function("ledger/match 4 budgets, warm", |bencher| bencher.iter(|| index.find(&scope, 0)));
    criterion.bench_function("ledger/match+reserve+settle on 4 balances, warm", |bencher| {
        bencher.iter(|| one(&index, &mut balances, &scope));
    });
    criterion.bench_function("ledger/gather 4 budgets, cold", |bencher| {
        bencher.iter(|| index.gather(&scope, 0, true));
    });
}

fn one(index: &Index, balances: &mut Balances, scope: &Scope<'_>) {
    let bound = Nano::from_nanos(5_000);
    let found = index.find(scope, 0).expect("warm");
    let held = balances.reserve(found.set.seats(), bound, bound, Share::Whole, 0).expect("there is money");
    balances.settle(found.set.seats(), held, Nano::ZERO, 0);
}

/// One balance for each user: with one user, with a million of whom one calls, and with so many calling in turn.
fn many(criterion: &mut Criterion) {
    let users: Vec<String> = (0..MILLION).map(|number| format!("user-{number:08}")).collect();
    let scope = |number: u32| Scope::default().with(Label::User, &users[number as usize]);
    for count in [1, MILLION] {
        let mut index = Index::new(vec![budget("each", &[Label::User])], 0, 0);
        let mut balances = Balances::with_room_for(MILLION as usize);
        for number in 0..count {
            set(&mut index, &mut balances, &scope(number));
        }
        set(&mut index, &mut balances, &scope(0));
        criterion.bench_function(
            &format!("ledger/match+reserve+settle, one of {count} balances"),
            |bencher| {
                bencher.iter(|| one(&index, &mut balances, &scope(0)));
            },
        );
        // The warm ones at most: each of them again and again, far from what the caches of the processor hold.
        let (mut turn, warm) = (0, count.min(60_000));
        // Twice, for the first round may meet a full house.
        for number in (0..warm).chain(0..warm) {
            set(&mut index, &mut balances, &scope(number));
        }
        criterion.bench_function(
            &format!("ledger/match+reserve+settle, {warm} of {count} in turn"),
            |bencher| {
                bencher.iter(|| {
                    turn = (turn + 7_919) % warm;
                    one(&index, &mut balances, &scope(turn));
                });
            },
        );
        let mut turn = 0;
        criterion.bench_function(
            &format!("ledger/gather+reserve+settle, all of {count} in turn, cold"),
            |bencher| {
                bencher.iter(|| {
                    turn = (turn + 7_919) % count;
                    let places = index.gather(&scope(turn), 0, true).expect("open");
                    let bound = Nano::from_nanos(5_000);
                    let held = balances.reserve(&places.seats, bound, bound, Share::Whole, 0).expect("money");
                    balances.settle(&places.seats, held, Nano::ZERO, 0);
                });
            },
        );
    }
}

criterion_group!(benches, reserve_and_settle, warm, many);
criterion_main!(benches);
