//! [`State`]: everything there is at one instant: memory, journal, clocks, and the truth at the upstream.

use crate::clock::Clock;
use crate::configuration::{ATTEMPTS, BALANCES, Configuration, WINDOWS};
use crate::evidence::Point;
use crate::journal::{Evidence, Journal};
use crate::line::Line;
use crate::upstream::Truth;

/// A balance in one window.
pub(crate) const ACCOUNTS: usize = BALANCES * WINDOWS;

/// The world at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub(crate) attempts: [Attempt; ATTEMPTS],
    /// The balances in memory; zeros while the process is dead.
    pub(crate) accounts: [Account; ACCOUNTS],
    pub(crate) journal: Journal,
    pub(crate) is_alive: bool,
    pub(crate) clock: Clock,
    pub(crate) line: Line,
    /// Money came back, and whoever gave it back is about to serve the line.
    pub(crate) is_serving: bool,
    pub(crate) point: Option<Point>,
    pub(crate) kills: u8,
    pub(crate) cuts: u8,
}

/// One balance in one window, in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Account {
    pub(crate) posted: i8,
    pub(crate) held: i8,
    pub(crate) unknown: i8,
    /// The part of `unknown` that nothing can be asked for.
    pub(crate) stuck: i8,
}

/// One attempt: what the machine thinks of it, and what is true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Attempt {
    pub(crate) phase: Phase,
    /// The most that the upstream may bill for it.
    pub(crate) bound: i8,
    /// What is held for it. The same, if the rules hold.
    pub(crate) hold: i8,
    /// The accounts it is held on, a bit each,
    pub(crate) seats: u8,
    /// and those it is owed on. The same, if the rules hold.
    pub(crate) owes: u8,
    /// The true window when it was admitted.
    pub(crate) admitted: u8,
    pub(crate) truth: Truth,
    /// It was sent twice under one hold.
    pub(crate) is_twice: bool,
    /// It was taken as free although it may be billed: the assumption was wrong.
    pub(crate) is_late: bool,
    /// It waited, and was served.
    pub(crate) is_served: bool,
}

/// What the machine thinks of an attempt. Gone with the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Nobody has asked yet.
    #[default]
    Idle,
    /// Short of money that others hold, and about to wait.
    Short,
    /// In the line.
    Parked,
    /// Held in memory alone.
    Reserved,
    /// Held in the journal.
    Held,
    /// Sent.
    Flight,
    /// Its end is journaled, and not yet in the balances.
    Settling(i8),
    /// Its cost is not known.
    Unknown,
    /// A counter was read, and this follows from it.
    Judged(i8, Evidence),
    /// As `Settling`, of an unknown one.
    Resolving(i8),
    /// Over, as far as the machine knows.
    Ended,
    /// Refused, given up, or forgotten before it was journaled.
    Gone,
    /// The process died; the journal knows.
    Lost,
}

impl Account {
    pub(crate) fn available(&self, limit: i8) -> i8 {
        limit - self.posted - self.held - self.unknown
    }

    /// What no hold that settles will bring back.
    pub(crate) fn gone(&self) -> i8 {
        self.posted + self.stuck
    }
}

impl State {
    pub(crate) fn start(configuration: &Configuration) -> Self {
        let mut state = State {
            attempts: [Attempt::default(); ATTEMPTS],
            accounts: [Account::default(); ACCOUNTS],
            journal: Journal::default(),
            is_alive: true,
            clock: Clock::default(),
            line: Line::default(),
            is_serving: false,
            point: None,
            kills: configuration.sides.kills,
            cuts: configuration.sides.cuts,
        };
        for attempt in state.attempts.iter_mut().skip(configuration.plans.len()) {
            attempt.phase = Phase::Gone;
        }
        state
    }
}

/// The accounts of a set of them.
pub(crate) fn accounts_of(set: u8) -> impl Iterator<Item = usize> {
    (0..ACCOUNTS).filter(move |account| set & (1 << account) != 0)
}

/// Whether, of a set, an account takes what settles in a window.
pub(crate) fn takes(set: u8, account: usize, window: u8) -> bool {
    let of_window = account / WINDOWS * WINDOWS + usize::from(window);
    let other = account ^ 1;
    set & (1 << account) != 0 && (set & (1 << other) == 0 || account == of_window)
}
