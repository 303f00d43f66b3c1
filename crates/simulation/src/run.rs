//! [`run`]: a seed from beginning to end, and what came of it.

use std::cell::RefCell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::event::{Event, events};
use crate::setting::{Mode, Setting};
use crate::tally::Tally;
use crate::world::World;

/// Events between two prints.
const STEPS_A_PRINT: usize = 1_000;

/// What was wrong, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// After so many events; all of them: in the end.
    pub step: usize,
    /// In words; the first of them say which rule.
    pub what: String,
}

impl Failure {
    /// Which rule was broken: what comes before the numbers.
    pub fn rule(&self) -> &str {
        let end = self.what.find(|letter: char| letter.is_ascii_digit()).unwrap_or(self.what.len());
        let starts_with_number = self.what.starts_with('I') && end <= 1;
        if starts_with_number { self.what.split(':').next().unwrap_or_default() } else { &self.what[..end] }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: {}", self.step, self.what)
    }
}

/// What came of a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Events that happened.
    pub steps: usize,
    /// Of everything written, after each thousand events and in the end: two runs of a seed have the same.
    pub prints: Vec<u64>,
    /// Records in the journal.
    pub records: usize,
    /// What was counted.
    pub tally: Tally,
    /// What was wrong.
    pub failure: Option<Failure>,
}

impl Outcome {
    /// Whether another run of the same seed, which may have been shorter, went the same way.
    pub fn is_like(&self, other: &Outcome) -> bool {
        let shorter = self.steps.min(other.steps) / STEPS_A_PRINT;
        let is_whole = self.steps != other.steps || self == other;
        is_whole && self.prints[..shorter] == other.prints[..shorter]
    }
}

/// The world of a seed, for so many steps.
pub fn run(seed: u64, mode: Mode, steps: usize) -> Outcome {
    let setting = Setting::of(seed, mode);
    let events = events(&setting, steps);
    happen(setting, &events, None)
}

/// Hears of an event, and what was written into the journal for it.
pub type Tell<'a> = &'a mut dyn FnMut(&Event, Vec<String>);

/// A world to which these events happen.
pub fn happen(setting: Setting, events: &[Event], mut tell: Option<Tell<'_>>) -> Outcome {
    let mut outcome =
        Outcome { steps: 0, prints: Vec::new(), records: 0, tally: Tally::default(), failure: None };
    let mut world = match caught(|| World::new(setting)).and_then(|world| world) {
        Ok(world) => world,
        Err(what) => {
            outcome.failure = Some(Failure { step: 0, what });
            return outcome;
        }
    };
    if tell.is_some() {
        world.tell();
    }
    for event in events {
        let done = caught(|| world.step(*event)).and_then(|done| done);
        outcome.steps += 1;
        if outcome.steps.is_multiple_of(STEPS_A_PRINT) {
            outcome.prints.push(world.print());
        }
        if let Some(tell) = &mut tell {
            tell(event, world.told());
        }
        if let Err(what) = done {
            outcome.failure = Some(Failure { step: outcome.steps, what: world.name(&what) });
            break;
        }
    }
    if outcome.failure.is_none()
        && let Err(what) = caught(|| world.finish()).and_then(|done| done)
    {
        outcome.failure = Some(Failure { step: outcome.steps, what: world.name(&what) });
    }
    outcome.prints.push(world.print());
    (outcome.records, outcome.tally) = (world.records(), world.tally);
    if let Err(what) = caught(|| world.end()) {
        outcome.failure.get_or_insert(Failure { step: outcome.steps, what });
    }
    outcome
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic is something that was wrong, in its own words.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if WATCHED.get() {
                PANIC.with_borrow_mut(|panic| *panic = Some(format!("panic: {info}").replace('\n', " ")));
            } else {
                before(info);
            }
        }));
    });
    WATCHED.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    WATCHED.set(false);
    done.map_err(|_| PANIC.with_borrow_mut(Option::take).unwrap_or_else(|| "panic".to_owned()))
}

thread_local! {
    static WATCHED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}
