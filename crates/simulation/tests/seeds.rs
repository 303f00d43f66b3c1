//! Seeds that break nothing, each twice alike; the seeds that once found something; and how many are starved where
//! nothing goes wrong. `FAREBOX_SIMULATION_SEEDS` says how many seeds; `./test` runs a thousand by the command itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use simulation::Tally;
use simulation::event::events;
use simulation::run::{happen, run};
use simulation::setting::{Mode, Setting};

const STEPS: usize = 10_000;

fn mode(seed: u64) -> Mode {
    if seed % 8 == 7 { Mode::Dishonest } else { Mode::Honest }
}

/// Does this with all of them, on all cores.
fn each(seeds: &[u64], work: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    work(*seed);
                }
            });
        }
    });
}

#[test]
fn no_seed_breaks_a_rule_and_each_is_twice_alike() {
    let count =
        std::env::var("FAREBOX_SIMULATION_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(24);
    let seeds: Vec<u64> = (0..count).collect();
    each(&seeds, |seed| {
        let outcome = run(seed, mode(seed), STEPS);
        assert_eq!(outcome.failure, None, "seed {seed}");
        assert_eq!(outcome.steps, STEPS, "seed {seed}");
        assert_eq!(run(seed, mode(seed), STEPS), outcome, "seed {seed} is not twice alike");
        assert!(outcome.records > 20 && outcome.tally.asked > 100, "seed {seed} does something: {outcome:?}");
    });
}

/// What each of them found is a mutant now (`ledger::mutants`, "our own"), so that the simulation stays able to find it
/// when events mean something else than they did.
#[test]
fn seeds_that_found_something_stay_clean() {
    const FOUND: &[(u64, &str)] = &[
        (27, "a start built on records that a failed sync had not brought to the disk"),
        (39, "the same"),
        (53, "the same"),
        (484, "a full journal was never shipped, because no process could start"),
        (761, "the same, with books that refuse"),
        (612, "what was attributed too dearly hid a part of the next unknown hold"),
        (82, "what had just settled and was not on the counter yet hid as much"),
        (116, "the same"),
        (158, "the same"),
        (16, "a key counted as quiet while a settlement on it was not journaled"),
        (51, "the same"),
        (2_094, "shipping went on in the middle of another segment after a power cut"),
        (11_900, "a kill in the zeros of a balance was taken for damage"),
        (1_356, "half a header, left by a write that failed, was damage to the next start"),
    ];
    let seeds: Vec<u64> = FOUND.iter().map(|(seed, _)| *seed).collect();
    each(&seeds, |seed| {
        let outcome = run(seed, Mode::Honest, STEPS);
        let what = FOUND.iter().find(|(found, _)| *found == seed).map(|(_, what)| *what);
        assert_eq!(outcome.failure, None, "seed {seed}: {what:?}");
    });
}

#[test]
fn where_nothing_goes_wrong_hardly_anybody_is_starved() {
    let mut sum = Tally::default();
    for seed in 0..24 {
        let setting = Setting::calm(seed);
        let events = events(&setting, STEPS);
        let outcome = happen(setting, &events, None);
        assert_eq!(outcome.failure, None, "seed {seed}");
        sum += outcome.tally;
    }
    println!("{} asked, {} used up, {} held, {} starved", sum.asked, sum.used_up, sum.held, sum.starved);
    assert!(
        sum.parked > 1_000 && sum.used_up + sum.held > 1_000,
        "there was something to be short of: {sum:?}"
    );
    assert!(sum.starved * 50 < sum.asked, "{} of {} are starved", sum.starved, sum.asked);
}

#[test]
fn a_shrunk_failure_breaks_the_same_rule() {
    use simulation::event::{Event, Kind};
    use simulation::run::Failure;
    use simulation::shrink::shrink;

    // A budget that is not there breaks nothing; a made-up failure is not found again, and nothing is left out for it.
    let setting = Setting::of(5, Mode::Honest);
    let all = vec![Event { kind: Kind::Ask, dice: 1 }; 40];
    let failure = Failure { step: 40, what: "made up: 7".to_owned() };
    let (least, told) = shrink(&setting, &all, &failure);
    assert_eq!((least.len(), told.rule()), (40, "made up: "));
}
