//! LEDGER.md's invariants over what a busy process with a crash leaves in its books, from plain data alone.

use std::collections::HashMap;
use std::path::Path;

use admission::{Ask, Clamp};
use ledger::invariants::{self, Amounts, Broken};
use ledger::{BalanceId, Budget, Evidence, Label, Scope};
use money::{Exact, Nano};
use store::{EntryRow, Recovered};

use crate::support::{
    House, KEY, as_a_crash_leaves, ask, block_on, bound, budget, millis, open_store, windowed,
};

const HOUR: i64 = 3_600_000;

fn budgets() -> Vec<Budget> {
    vec![
        budget("all", millis(3_000), &[]),
        budget("each", millis(900), &[Label::User]),
        windowed("lately", millis(2_500), "rolling 5h"),
    ]
}

/// Some hundred attempts with every kind of end; some are left in flight.
fn work(house: &House, random: &mut fastrand::Rng) -> Vec<admission::Flight> {
    let mut in_flight = Vec::new();
    for _ in 0..300 {
        let user = ["alice", "bob", "carol"][random.usize(0..3)];
        let bound = bound(random.u64(1..60));
        let ask = Ask { scope: Scope::default().with(Label::User, user), ..ask(&bound, Clamp::DownTo(5)) };
        let Ok(reserved) = house.admission.reserve(&ask, HOUR) else { continue };
        let permit = block_on(reserved.permit(HOUR)).expect("a journal");
        let cost = Nano::from_nanos(random.i64(0..=permit.bound().nanos() / 4));
        let mut flight = permit.sent();
        match random.u8(0..10) {
            0 => flight.void(Evidence::Refused, HOUR),
            1 => in_flight.push(flight),
            2 => {
                flight.generated("gen-x");
                let hold = flight.hold().expect("metered");
                drop(flight);
                assert!(house.admission.resolve(hold, cost, &cost.to_string(), Evidence::Generation, HOUR));
            }
            3 => {
                let hold = flight.hold().expect("metered");
                flight.settle(cost, &cost.to_string(), Evidence::Usage, HOUR);
                let billed = Nano::from_nanos(random.i64(0..=cost.nanos()));
                house
                    .admission
                    .correct(hold, billed, &billed.to_string(), Evidence::Analytics, HOUR)
                    .expect("corrected");
            }
            _ => flight.settle(cost, &cost.to_string(), Evidence::Usage, HOUR),
        }
    }
    in_flight
}

fn check(kept: &Recovered, entries: &[EntryRow], memory: &HashMap<String, Amounts>) -> Result<(), Broken> {
    invariants::i6_once(entries.iter().map(|entry| entry.hold))?;
    for entry in entries {
        invariants::i5_covered(&entry.members, |id| kept.balances.iter().any(|row| row.id == id))?;
        invariants::i8_evidence(entry.hold, entry.cost, &entry.text, entry.evidence)?;
    }
    let exact = |entry: &EntryRow| Exact::parse_ceil(&entry.text).unwrap_or_default();
    let nanos = entries.iter().map(|entry| i128::from(entry.cost.nanos())).sum();
    invariants::i11_rounding(nanos, entries.iter().map(exact).sum(), entries.len() as u64)?;
    let mut amounts = Vec::new();
    for row in &kept.balances {
        let on = |members: &store::Members, id: BalanceId| members.iter().any(|member| member.balance == id);
        let costs = entries.iter().filter(|entry| on(&entry.members, row.id)).map(|entry| entry.cost);
        invariants::i10_posted(row.id, row.posted, costs)?;
        let bounds = || kept.open.iter().filter(|open| on(&open.members, row.id)).map(|open| open.bound);
        let known = memory[&format!("{:?}", row.name)];
        invariants::i4_holds(row.id, &known, bounds())?;
        invariants::i1_within_limit(&known)?;
        amounts.push((row.id, known.posted, row.counted()));
    }
    let side = |posted: Nano| Amounts { posted, ..Amounts::default() };
    invariants::i9_replay(
        amounts.iter().map(|(id, _, kept)| (*id, side(*kept))),
        amounts.iter().map(|(id, known, _)| (*id, side(*known))),
    )
}

fn in_memory(house: &House) -> HashMap<String, Amounts> {
    let amounts = |report: &admission::BalanceReport| Amounts {
        limit: report.limit,
        posted: report.posted,
        held: report.held,
        unknown: report.unknown,
        overruns: Nano::ZERO,
    };
    let balances = house.admission.balances(HOUR);
    balances.iter().map(|report| (format!("{:?}", report.name), amounts(report))).collect()
}

fn kept(dir: &Path) -> (Recovered, Vec<EntryRow>) {
    let (store, _) = open_store(dir);
    let entries = store.entries(0, i64::MAX, None, usize::MAX >> 1).expect("entries");
    store.close().expect("closed");
    (store::read(dir).expect("books"), entries)
}

#[test]
fn they_hold_in_memory_in_the_journal_and_in_the_books() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let house = House::open(dir.path(), budgets(), HOUR);
    let in_flight = work(&house, &mut random);
    house.store.flush().unwrap();
    let (crashed, memory) = (as_a_crash_leaves(dir.path()), in_memory(&house));
    let (recovered, entries) = kept(crashed.path());
    assert!(!in_flight.is_empty() && entries.len() > 50, "{} entries", entries.len());
    check(&recovered, &entries, &memory).unwrap();
    let billed: Exact = entries.iter().map(|entry| Exact::parse_ceil(&entry.text).unwrap_or_default()).sum();
    let booked = house.store.key_total(KEY).unwrap();
    invariants::i10_control(billed, booked.exact, Nano::ZERO, Exact::ZERO).unwrap();
    drop(in_flight);

    // And once more on top of what the crash left, with unknown holds from before.
    let again = House::open(crashed.path(), budgets(), HOUR);
    let more = work(&again, &mut random);
    let memory = in_memory(&again);
    drop(more);
    let memory_after = in_memory(&again);
    assert_eq!(memory.len(), memory_after.len());
    again.close();
    let (recovered, entries) = kept(crashed.path());
    check(&recovered, &entries, &memory_after).unwrap();
}
