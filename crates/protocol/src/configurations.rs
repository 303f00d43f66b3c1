//! The worlds that are exhausted, each with how many states it has.

use crate::configuration::{Configuration, Durability, Plan, Sides};
use crate::properties::Goal;

const fn plan(floor: i8, want: i8, balances: u8) -> Plan {
    Plan { floor, want, balances }
}

const NONE: Sides = Sides {
    kills: 0,
    cuts: 0,
    drops: false,
    losses: false,
    ids: false,
    insured: false,
    counter: false,
    refunds: false,
    corrections: false,
    parking: false,
    windows: false,
    straddle: false,
    overruns: false,
};

/// Power cuts and kills at any step; the hold of a request is synced before it leaves.
const POWER: Configuration = Configuration {
    name: "power",
    plans: &[plan(1, 1, 0b11), plan(1, 2, 0b01)],
    limits: [2, 1],
    durability: Durability::Power,
    sides: Sides { kills: 1, cuts: 1, drops: true, losses: true, ids: true, ..NONE },
    goals: &[Goal::Spent, Goal::Resolved, Goal::Recovered],
    states: 61_965,
    off: None,
};

/// Kills at any step; the page cache is enough.
const PROCESS: Configuration = Configuration {
    name: "process",
    plans: &[plan(1, 1, 0b11), plan(2, 2, 0b01), plan(1, 1, 0b11)],
    limits: [2, 1],
    durability: Durability::Process,
    sides: Sides { kills: 2, drops: true, losses: true, ids: true, ..NONE },
    goals: &[Goal::Spent, Goal::Resolved, Goal::Recovered],
    states: 25_340,
    off: None,
};

/// A window turns while calls are under way, and the wall clock goes where it likes.
const WINDOWS: Configuration = Configuration {
    name: "windows",
    plans: &[plan(1, 1, 0b01), plan(1, 2, 0b01), plan(1, 1, 0b11)],
    limits: [2, 2],
    durability: Durability::Process,
    sides: Sides { kills: 1, windows: true, ..NONE },
    goals: &[Goal::Spent, Goal::Turned],
    states: 170_568,
    off: None,
};

/// Calls near the end of a window hold on both, and costs are corrected on either side of it.
const STRADDLE: Configuration = Configuration {
    name: "straddle",
    plans: &[plan(1, 1, 0b01), plan(1, 2, 0b01)],
    limits: [2, 2],
    durability: Durability::Process,
    sides: Sides {
        windows: true,
        straddle: true,
        losses: true,
        ids: true,
        insured: true,
        refunds: true,
        corrections: true,
        ..NONE
    },
    goals: &[Goal::Spent, Goal::Turned, Goal::Corrected],
    states: 98_992,
    off: None,
};

/// Lost answers, a counter that lags, assumptions that turn out wrong, and corrections, on two balances of one key.
const EVIDENCE: Configuration = Configuration {
    name: "evidence",
    plans: &[plan(1, 2, 0b01), plan(1, 1, 0b10)],
    limits: [2, 1],
    durability: Durability::Process,
    sides: Sides { losses: true, ids: true, insured: true, counter: true, corrections: true, ..NONE },
    goals: &[Goal::Spent, Goal::Resolved, Goal::Suspected, Goal::Corrected],
    states: 30_159,
    off: None,
};

/// The counter alone, and a death between any two of its verdicts.
const COUNTER: Configuration = Configuration {
    name: "counter",
    plans: &[plan(1, 1, 0b01), plan(1, 1, 0b01), plan(1, 1, 0b10)],
    limits: [2, 1],
    durability: Durability::Process,
    sides: Sides { kills: 1, losses: true, counter: true, corrections: true, ..NONE },
    goals: &[Goal::Spent, Goal::Resolved, Goal::Recovered, Goal::Suspected],
    states: 160_172,
    off: None,
};

/// What a void too early would free is there to be spent again.
const QUIET: Configuration = Configuration {
    name: "quiet",
    plans: &[plan(1, 1, 0b01), plan(1, 1, 0b01)],
    limits: [1, 0],
    durability: Durability::Process,
    sides: Sides { kills: 1, losses: true, counter: true, ..NONE },
    goals: &[Goal::Spent, Goal::Resolved, Goal::Recovered],
    states: 1_823,
    off: None,
};

/// Those who are short of money wait, lower their bound, grow old, give up.
const WAITERS: Configuration = Configuration {
    name: "waiters",
    plans: &[plan(1, 2, 0b01), plan(2, 2, 0b01), plan(1, 1, 0b01)],
    limits: [2, 2],
    durability: Durability::Process,
    sides: Sides { drops: true, losses: true, ids: true, parking: true, ..NONE },
    goals: &[Goal::Spent, Goal::Resolved, Goal::Served],
    states: 79_444,
    off: None,
};

/// The upstream bills one above the bound: booked in full, past the limit.
const OVERRUNS: Configuration = Configuration {
    name: "overruns",
    plans: &[plan(1, 1, 0b11), plan(1, 2, 0b01)],
    limits: [2, 1],
    durability: Durability::Power,
    sides: Sides { cuts: 1, losses: true, ids: true, overruns: true, ..NONE },
    goals: &[Goal::Overrun, Goal::Resolved],
    states: 42_653,
    off: None,
};

/// As `power`, with three attempts.
const POWER_OF_THREE: Configuration = Configuration {
    name: "power of three",
    plans: &[plan(1, 1, 0b11), plan(1, 2, 0b01), plan(1, 1, 0b01)],
    states: 1_741_155,
    ..POWER
};

/// As `windows`, with lost answers.
const WINDOWS_AND_LOSSES: Configuration = Configuration {
    name: "windows and losses",
    sides: Sides { kills: 1, windows: true, losses: true, ids: true, ..NONE },
    states: 2_475_454,
    ..WINDOWS
};

/// As `straddle`, with kills.
const STRADDLE_AND_KILLS: Configuration = Configuration {
    name: "straddle and kills",
    sides: Sides { kills: 1, ..STRADDLE.sides },
    states: 250_704,
    ..STRADDLE
};

/// As `evidence`, with three attempts.
const EVIDENCE_OF_THREE: Configuration = Configuration {
    name: "evidence of three",
    plans: &[plan(1, 1, 0b01), plan(1, 1, 0b01), plan(1, 1, 0b10)],
    states: 2_367_597,
    ..EVIDENCE
};

/// Exhausted at every test.
pub const ALL: &[Configuration] =
    &[POWER, PROCESS, WINDOWS, STRADDLE, EVIDENCE, COUNTER, QUIET, WAITERS, OVERRUNS];

/// Exhausted with `FAREBOX_PROTOCOL=full`.
pub const FULL: &[Configuration] =
    &[POWER_OF_THREE, WINDOWS_AND_LOSSES, STRADDLE_AND_KILLS, EVIDENCE_OF_THREE];
