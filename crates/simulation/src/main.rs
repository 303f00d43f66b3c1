//! `simulation`: runs seeds, replays one, shrinks what fails.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use simulation::Tally;
use simulation::event::{Event, events};
use simulation::run::{Failure, Outcome, happen, run};
use simulation::setting::{Mode, Setting};
use simulation::shrink::shrink;

/// Runs seeded worlds against the real ledger, and says whether any of them broke a rule.
#[derive(Debug, Parser)]
#[command(after_help = "\
Examples:
  simulation --seeds 1000              a thousand worlds of 10,000 steps
  simulation --seed 7                  one of them, again
  simulation --seed 7 --tell           and what happened in it
  simulation --seed 7 --events 'ask:1f kill:2'   the world of a seed, and these events alone
The last line is a summary. Exit code 1: a rule was broken, or a seed was not twice alike.")]
struct Arguments {
    /// The first seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds, one after the other
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Events in each world
    #[arg(long, default_value_t = 10_000)]
    steps: usize,
    /// Whether OpenRouter keeps to what it permits itself; `both`: every eighth seed is dishonest
    #[arg(long, value_enum, default_value_t = Modes::Both)]
    mode: Modes,
    /// How many events of each seed are run a second time, to see whether both runs are alike [default: all]
    #[arg(long, value_name = "STEPS")]
    again: Option<usize>,
    /// Threads, each with a world of its own [default: as many as there are cores]
    #[arg(long)]
    threads: Option<usize>,
    /// Only these events, as a failure prints them
    #[arg(long, value_name = "LIST")]
    events: Option<String>,
    /// Prints every event and what it did
    #[arg(long)]
    tell: bool,
    /// Prints a failure as it is, without looking for the fewest events
    #[arg(long)]
    no_shrink: bool,
    /// Switches a rule of the ledger off, to see whether it is missed
    #[cfg(feature = "mutants")]
    #[arg(long, value_name = "NAME", value_parser = mutant)]
    mutant: Option<ledger::mutants::Mutant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Modes {
    Honest,
    Dishonest,
    Both,
}

impl Modes {
    fn of(self, seed: u64) -> Mode {
        match self {
            Modes::Dishonest => Mode::Dishonest,
            Modes::Both if seed % 8 == 7 => Mode::Dishonest,
            Modes::Honest | Modes::Both => Mode::Honest,
        }
    }
}

#[cfg(feature = "mutants")]
fn mutant(word: &str) -> Result<ledger::mutants::Mutant, String> {
    let found = ledger::mutants::Mutant::ALL.iter().find(|mutant| mutant.word() == word);
    found.copied().ok_or_else(|| {
        let words: Vec<&str> = ledger::mutants::Mutant::ALL.iter().map(|mutant| mutant.word()).collect();
        format!("there are {}", words.join(", "))
    })
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let single = arguments.events.is_some() || arguments.tell;
    let ok = if single { one(&arguments) } else { many(&arguments) };
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One world, with what happens told.
fn one(arguments: &Arguments) -> bool {
    set_mutant(arguments);
    let setting = Setting::of(arguments.seed, arguments.modes());
    let events = match &arguments.events {
        None => events(&setting, arguments.steps),
        Some(list) => match list.split_whitespace().map(str::parse).collect::<Result<Vec<Event>, _>>() {
            Ok(events) => events,
            Err(error) => {
                eprintln!("simulation: {error}");
                return false;
            }
        },
    };
    let mut step = 0;
    let mut tell = |event: &Event, did: Vec<String>| {
        step += 1;
        println!("{step:>6} {event}");
        did.iter().for_each(|what| println!("         {what}"));
    };
    let outcome = happen(setting, &events, if arguments.tell { Some(&mut tell) } else { None });
    if let Some(failure) = &outcome.failure {
        println!("seed {}: {failure}", arguments.seed);
    }
    summary(arguments, &Sum { seeds: 1, failed: u64::from(outcome.failure.is_some()), ..Sum::of(&outcome) });
    outcome.failure.is_none()
}

/// What many worlds came to.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    seeds: u64,
    steps: u64,
    records: u64,
    failed: u64,
    unlike: u64,
    seconds: f32,
    tally: Tally,
}

impl Sum {
    fn of(outcome: &Outcome) -> Self {
        let (steps, records) = (outcome.steps as u64, outcome.records as u64);
        Sum { steps, records, tally: outcome.tally, ..Sum::default() }
    }
}

/// Many seeds, on all cores.
fn many(arguments: &Arguments) -> bool {
    let since = Instant::now();
    let next = AtomicU64::new(0);
    let sum = Mutex::new(Sum::default());
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..arguments.threads.unwrap_or_else(cores).max(1) {
            scope.spawn(|| {
                set_mutant(arguments);
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= arguments.seeds {
                        return;
                    }
                    seed(arguments, arguments.seed + at, &sum, since);
                }
            });
        }
    });
    let mut sum = sum.into_inner().expect("no thread panics");
    sum.seconds = since.elapsed().as_secs_f32();
    summary(arguments, &sum);
    sum.failed == 0 && sum.unlike == 0
}

fn seed(arguments: &Arguments, seed: u64, sum: &Mutex<Sum>, since: Instant) {
    let mode = arguments.mode.of(seed);
    let outcome = run(seed, mode, arguments.steps);
    let again = arguments.again.unwrap_or(arguments.steps).min(arguments.steps);
    let is_unlike = again > 0 && !run(seed, mode, again).is_like(&outcome);
    let failure = outcome.failure.clone().map(|failure| shortest(arguments, seed, mode, &failure));
    let mut sum = sum.lock().expect("no thread panics");
    sum.seeds += 1;
    sum.steps += outcome.steps as u64;
    sum.records += outcome.records as u64;
    sum.tally += outcome.tally;
    sum.unlike += u64::from(is_unlike);
    sum.failed += u64::from(failure.is_some());
    if is_unlike {
        println!("seed {seed} was not twice alike");
    }
    if let Some(failure) = failure {
        println!("{failure}");
    }
    if io::stderr().is_terminal() {
        eprint!("\r{} of {} seeds, {:.0} s ", sum.seeds, arguments.seeds, since.elapsed().as_secs_f32());
        let _ = io::stderr().flush();
    }
}

/// A failure with what it takes to see it again.
fn shortest(arguments: &Arguments, seed: u64, mode: Mode, failure: &Failure) -> String {
    let mode_word = if mode == Mode::Honest { "honest" } else { "dishonest" };
    let again = format!("simulation --seed {seed} --steps {} --mode {mode_word}", arguments.steps);
    if arguments.no_shrink {
        return format!("seed {seed}: {failure}\n  again: {again}");
    }
    let setting = Setting::of(seed, mode);
    let all = events(&setting, arguments.steps);
    let (least, told) = shrink(&setting, &all, failure);
    let list: Vec<String> = least.iter().map(Event::to_string).collect();
    format!(
        "seed {seed}: {failure}\n  again: {again}\n  {} events are enough: {told}\n  simulation --seed {seed} --mode {mode_word} --tell --events '{}'",
        least.len(),
        list.join(" ")
    )
}

impl Arguments {
    fn modes(&self) -> Mode {
        self.mode.of(self.seed)
    }
}

fn set_mutant(_arguments: &Arguments) {
    #[cfg(feature = "mutants")]
    ledger::mutants::set(_arguments.mutant);
}

fn summary(arguments: &Arguments, sum: &Sum) {
    let Tally { asked, granted, sent, settled, unknown, resolved, deaths, starved, .. } = sum.tally;
    let refused = sum.tally.used_up + sum.tally.held;
    println!(
        "simulation: {} seeds from {}, {} steps, {} records, {asked} asked, {granted} granted, {refused} refused, \
         {starved} starved, {sent} sent, {settled} settled, {unknown} unknown, {resolved} resolved, {deaths} deaths; \
         {} failed, {} not twice alike; {:.1} s",
        sum.seeds, arguments.seed, sum.steps, sum.records, sum.failed, sum.unlike, sum.seconds
    );
}
