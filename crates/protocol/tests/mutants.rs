//! One rule off at a time: the checker has to find what the rule is there for, in a world where the true protocol has
//! no counterexample (`exhaust`).

use protocol::{ALL, Action, Configuration, Machine, Rule};
use stateright::{Checker, Model};

/// Rule, world, the property that falls, and in how many steps at the fewest.
const MUTANTS: &[(Rule, &str, &str, usize)] = &[
    (Rule::VoidUnknownOnRestart, "power", "limit", 10),
    (Rule::HoldTimeoutVoids, "process", "limit", 9),
    (Rule::UseBeforeDurable, "power", "limit", 8),
    (Rule::ReconcileBeforeQuiescent, "quiet", "limit", 11),
    (Rule::SendWithoutHold, "process", "limit", 8),
    (Rule::RetryWithoutHold, "process", "limit", 4),
    (Rule::BoundViolated, "process", "limit", 4),
    (Rule::OverrunClamped, "overruns", "evidence", 6),
    (Rule::SettleBeforeJournal, "process", "within", 5),
    (Rule::DoubleSettle, "waiters", "limit", 10),
    (Rule::UnknownAsZero, "process", "limit", 7),
    (Rule::ClientGoneVoids, "process", "limit", 8),
    (Rule::ClockOpensWindow, "windows", "window", 7),
    (Rule::FirstBalanceOnly, "process", "limit", 6),
    (Rule::StraddleOne, "straddle", "limit", 8),
    (Rule::TrustBypass, "process", "limit", 6),
    (Rule::FlatEstimate, "process", "limit", 6),
    (Rule::ShrunkHold, "process", "limit", 6),
    (Rule::RefundTwice, "evidence", "covered", 17),
    (Rule::RaiseForgotten, "evidence", "covered", 10),
    (Rule::RestKept, "process", "replay", 4),
    (Rule::WaiterForgotten, "waiters", "waiter", 7),
    (Rule::DepartureWakesNobody, "waiters", "waiter", 8),
    (Rule::LossWakesNobody, "waiters", "waiter", 10),
    (Rule::SuspicionExplains, "counter", "covered", 20),
    (Rule::OldRaiseExplains, "evidence", "covered", 21),
    (Rule::RaiseMovesOn, "straddle", "replay", 13),
];

fn find(configuration: Configuration, property: &'static str) -> Option<Vec<Action>> {
    // With one thread and one property the first counterexample is a shortest one.
    let checker = Machine { configuration, only: Some(property) }.checker().spawn_bfs().join();
    checker.discoveries().remove(property).map(|path| path.into_actions())
}

#[test]
fn each_is_found() {
    let mut wrong = Vec::new();
    for &(rule, world, property, steps) in MUTANTS {
        let configuration = ALL.iter().find(|configuration| configuration.name == world).expect("a world");
        let found = find(configuration.without(rule), property);
        let length = found.as_ref().map(Vec::len);
        eprintln!("{rule:?} | {world} | {property} | {length:?}");
        if std::env::var_os("FAREBOX_TRACE").is_some() {
            eprintln!("  {:?}", found.unwrap_or_default());
        }
        if length != Some(steps) {
            wrong.push((rule, length));
        }
    }
    assert!(wrong.is_empty(), "not found, or not in as few steps as before: {wrong:?}");
}
