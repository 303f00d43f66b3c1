//! Every configuration, every state.

use std::time::Instant;

use protocol::{ALL, Configuration, FULL, Machine};
use stateright::{Checker, Model};

fn exhaust(configurations: &[Configuration]) {
    let mut wrong = Vec::new();
    for configuration in configurations {
        let since = Instant::now();
        let checker = Machine::new(*configuration).checker().threads(2).spawn_bfs().join();
        let (states, depth) = (checker.unique_state_count(), checker.max_depth());
        eprintln!("{:<10} {states:>9} states, depth {depth:>2}, {:.1?}", configuration.name, since.elapsed());
        for (name, path) in checker.discoveries() {
            if checker.discovery_classification(name).to_string() == "counterexample" {
                eprintln!("  {name}: {:?}", path.clone().into_actions());
                eprintln!("  {:#?}", path.last_state());
            }
        }
        checker.assert_properties();
        if states != configuration.states {
            wrong.push((configuration.name, states));
        }
    }
    assert!(wrong.is_empty(), "not as many states as there were: {wrong:?}");
}

#[test]
fn every_state() {
    exhaust(ALL);
}

#[test]
fn every_state_of_larger_worlds() {
    if std::env::var("FAREBOX_PROTOCOL").as_deref() == Ok("full") {
        exhaust(FULL);
    }
}
