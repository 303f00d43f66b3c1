//! Every mutant dies: with one rule of the ledger switched off, some seed of a small budget breaks a rule of the
//! auditor's. The table of what it took is `docs/reference/mutants.md`; `FAREBOX_BLESS=1` writes it anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ledger::mutants::{self, Mutant};
use simulation::run::{Failure, run};
use simulation::setting::Mode;

/// Seeds that a mutant may survive, at most, and how long each is.
const SEEDS: u64 = 800;
const STEPS: usize = 10_000;

/// How a mutant died.
struct Death {
    seeds: u64,
    steps: u64,
    failure: Failure,
}

/// The first seed that kills it.
fn hunt(mutant: Mutant) -> Option<Death> {
    mutants::set(Some(mutant));
    let mut steps = 0;
    for seed in 0..SEEDS {
        let mode = if seed % 8 == 7 { Mode::Dishonest } else { Mode::Honest };
        let outcome = run(seed, mode, STEPS);
        steps += outcome.steps as u64;
        if let Some(failure) = outcome.failure {
            return Some(Death { seeds: seed + 1, steps, failure });
        }
    }
    None
}

fn hunt_all() -> Vec<(Mutant, Option<Death>)> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(mutant) = Mutant::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let death = hunt(*mutant);
                    found.lock().unwrap().push((*mutant, death));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|(mutant, _)| Mutant::ALL.iter().position(|one| one == mutant));
    found
}

#[test]
fn no_mutant_survives() {
    let found = hunt_all();
    for (mutant, death) in &found {
        match death {
            Some(Death { seeds, steps, failure }) => {
                println!("{}: {seeds} seeds, {steps} steps: {}", mutant.word(), failure.what)
            }
            None => println!("{}: SURVIVES {SEEDS} seeds", mutant.word()),
        }
    }
    let table = table(&found);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/mutants.md");
    if std::env::var_os("FAREBOX_BLESS").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let alive: Vec<&str> =
        found.iter().filter(|(_, death)| death.is_none()).map(|(mutant, _)| mutant.word()).collect();
    assert!(alive.is_empty(), "these survive: {alive:?}");
    let kept = fs::read_to_string(&path).unwrap_or_default();
    for mutant in Mutant::ALL {
        assert!(
            kept.contains(&format!("| `{}` |", mutant.word())),
            "{} is not in the table: FAREBOX_BLESS=1",
            mutant.word()
        );
    }
}

fn table(found: &[(Mutant, Option<Death>)]) -> String {
    let mut table = String::from(
        "# Mutants\n\n\
         One rule of the money protocol is switched off at a time; the simulation must notice. Written by\n\
         `FAREBOX_BLESS=1 cargo test -p simulation --features mutants --test mutants`; figures change with the code, and what must\n\
         stay true is that each dies.\n\n\
         Of the thirteen in LEDGER.md 8.1 five need a fleet and are not here: ReclaimByTimeout, NoFenceOnReclaim,\n\
         ReturnStoreFirst, FailoverStaleGrantAccepted, FailoverNoLocalGrantRecord.\n\n\
         Seeds: how many worlds it took, from seed 0 on, of 10,000 events each; steps: events until then, in all.\n\n\
         | mutant | what it does | from | seeds | steps | what broke |\n|---|---|---|---|---|---|\n",
    );
    for (mutant, death) in found {
        let (seeds, steps, broke) = match death {
            Some(Death { seeds, steps, failure }) => (seeds.to_string(), steps.to_string(), broke(failure)),
            None => ("none".to_owned(), String::new(), String::new()),
        };
        let says = mutant.says().trim();
        writeln!(
            table,
            "| `{}` | {says} | {} | {seeds} | {steps} | {broke} |",
            mutant.word(),
            mutant.origin()
        )
        .unwrap();
    }
    table
}

/// The first words, without numbers of this one case.
fn broke(failure: &Failure) -> String {
    let words: String = failure.what.chars().take_while(|letter| *letter != '{').take(90).collect();
    words.replace('|', "/").trim_end_matches([' ', ',', ':']).to_owned()
}
