//! The files behind the journal: every state, and one rule off at a time.

use std::time::Instant;

use protocol::segments::{FileRule, Segments, Step};
use stateright::{Checker, Model};

const WORLD: Segments = Segments { kills: 1, cuts: 1, off: None, only: None };

fn exhaust(world: Segments, expected: usize) {
    let since = Instant::now();
    let checker = world.checker().threads(2).spawn_bfs().join();
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    let Segments { kills, cuts, .. } = world;
    eprintln!(
        "segments, {kills} kills, {cuts} cuts: {states} states, depth {depth}, {:.1?}",
        since.elapsed()
    );
    checker.assert_properties();
    assert_eq!(states, expected, "not as many states as there were");
}

#[test]
fn every_state() {
    exhaust(WORLD, 344_462);
}

fn find(rule: FileRule, property: &'static str) -> Option<Vec<Step>> {
    let world = Segments { off: Some(rule), only: Some(property), ..WORLD };
    let checker = world.checker().spawn_bfs().join();
    checker.discoveries().remove(property).map(|path| path.into_actions())
}

#[test]
fn each_mutant_is_found() {
    let mut wrong = Vec::new();
    for (rule, property, steps) in [
        (FileRule::SegmentGoesEarly, "opens", 9),
        (FileRule::FullSegmentsUnsynced, "opens", 7),
        (FileRule::ToldBeforeSynced, "told", 4),
        (FileRule::ShippedSegmentsUnsynced, "opens", 9),
        (FileRule::GapAccepted, "books follow the journal", 5),
    ] {
        let found = find(rule, property);
        let length = found.as_ref().map(Vec::len);
        eprintln!("{rule:?} | segments | {property} | {length:?}");
        if std::env::var_os("FAREBOX_TRACE").is_some() {
            eprintln!("  {:?}", found.unwrap_or_default());
        }
        if length != Some(steps) {
            wrong.push((rule, length));
        }
    }
    assert!(wrong.is_empty(), "not found, or not in as few steps as before: {wrong:?}");
}
