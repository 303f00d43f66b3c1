//! Mutants: one rule of the money protocol switched off at a time, to see whether the simulation notices.
//!
//! A simulator that finds nothing proves nothing until it has been seen to find what is known to be wrong. Each mutant
//! is a mistake that was made somewhere, or that the protocol (LEDGER.md) forbids in so many words. They exist only
//! with the feature `mutants`, which nothing but the simulation's own tests turns on, and which does not compile
//! without debug assertions; everywhere else [`is`] is `false` at compile time and what it guards is no code at all.

#[cfg(all(feature = "mutants", not(debug_assertions)))]
compile_error!("the feature `mutants` breaks the money on purpose: it is for tests only");

macro_rules! mutants {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $origin:literal;)+) => {
        /// A rule that can be switched off.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Mutant { $($(#[doc = $doc])+ $name,)+ }

        impl Mutant {
            /// All of them.
            pub const ALL: &[Mutant] = &[$(Mutant::$name,)+];

            /// Its name on the command line and in the table.
            pub const fn word(self) -> &'static str {
                match self { $(Mutant::$name => $word,)+ }
            }

            /// What it does, in a sentence or two.
            pub const fn says(self) -> &'static str {
                match self { $(Mutant::$name => concat!($($doc,)+),)+ }
            }

            /// Where the mistake comes from.
            pub const fn origin(self) -> &'static str {
                match self { $(Mutant::$name => $origin,)+ }
            }
        }
    };
}

mutants! {
    /// Open holds are not charged after a restart.
    VoidUnknownOnRestart = "void-unknown-on-restart", "LEDGER 8.1";
    /// A hold whose cost is not known for a day is void.
    HoldTimeoutVoids = "hold-timeout-voids", "LEDGER 8.1, TigerBeetle's expiry";
    /// With `durability = "power"`, a request leaves before its hold is on disk.
    UseBeforeDurable = "use-before-durable", "LEDGER 8.1";
    /// A counter that was read while calls were in flight, or might still grow, is evidence.
    ReconcileBeforeQuiescent = "reconcile-before-quiescent", "LEDGER 8.1";
    /// A request leaves without a hold in the journal.
    SendWithoutHold = "send-without-hold", "LEDGER 8.1";
    /// A second attempt goes under the hold of the first.
    RetryWithoutHold = "retry-without-hold", "LEDGER 8.1 (RetryWithoutId)";
    /// What was billed above a bound is not booked.
    OverrunClamped = "overrun-clamped", "LEDGER 8.1 (BoundViolated)";
    /// Books from a backup, or repaired ones, admit at once.
    RestoredAdmits = "restored-admits", "LEDGER 8.1 (FailoverNoBarrier)";
    /// Two processes have the same folder open.
    NoLock = "no-lock", "LEDGER 8.1 (a process of a dead epoch)";
    /// Whoever has much left need not hold anything.
    TrustBypass = "trust-bypass", "new-api";
    /// The hold is a guess, a quarter of the bound.
    FlatEstimate = "flat-estimate", "TensorZero";
    /// Short of money, the hold shrinks to what is left, and the request goes all the same.
    ShrunkHold = "shrunk-hold", "LiteLLM";
    /// An unknown outcome counts as no cost.
    UnknownAsZero = "unknown-as-zero", "the field";
    /// Headroom comes back before the settlement is journaled, and even when it never is.
    SettleBeforeJournal = "settle-before-journal", "LEDGER 5.2";
    /// A settlement gives its headroom back twice.
    DoubleSettle = "double-settle", "LEDGER 5.2";
    /// A clock that goes back opens the window of before again, and one that jumps ahead the next.
    ClockOpensWindow = "clock-opens-window", "LEDGER 5.11";
    /// A request is charged to the first of its balances alone.
    FirstBalanceOnly = "first-balance-only", "LEDGER 5.2";
    /// A rolling window lets a cost go a tenth of its length too early.
    RollingForgets = "rolling-forgets", "LEDGER 4.3";
    /// With `straddle = "both"` a hold is on the first window alone.
    StraddleOne = "straddle-one", "LEDGER 5.10";
    /// A lower cost found later is given back twice.
    RefundTwice = "refund-twice", "LEDGER 5.9";
    /// A higher cost found later is not posted.
    RaiseForgotten = "raise-forgotten", "LEDGER 5.9";
    /// Who waits is not woken when money comes back.
    WaiterForgotten = "waiter-forgotten", "LEDGER 5.4";
    /// What a call did not cost is not given back.
    RestKept = "rest-kept", "starvation";
    /// A record that is not whole is cut off, whatever it was.
    DamageCutOff = "damage-cut-off", "LEDGER 5.1";
    /// A failed sync is taken for one that worked.
    SyncErrorIgnored = "sync-error-ignored", "fsyncgate";
    /// A segment goes before the books that carry it on are durable.
    SegmentGoesEarly = "segment-goes-early", "LEDGER 5.7";
    /// A record may be missing in the middle of the journal.
    GapAccepted = "gap-accepted", "LEDGER 6, I9";
    /// The generation id is not journaled.
    GenerationForgotten = "generation-forgotten", "LEDGER 5.2";
    /// A balance that is not in memory begins at zero, whatever the books say.
    BooksNotAsked = "books-not-asked", "a cache that is the truth";
    /// A start takes up what is open at the journal's end, but not what was posted there and is not in the books yet.
    JournalEndForgotten = "journal-end-forgotten", "a cache that is the truth";
    /// After a restart a balance goes on with the limit it had.
    LimitKept = "limit-kept", "LEDGER 8.2";
    /// After a reboot the wall clock is believed, however far it is from the books.
    RebootTrustsClock = "reboot-trusts-clock", "LEDGER 5.11";
    /// Where the journal cannot take a hold, the request goes all the same.
    FailsOpen = "fails-open", "the field";
    /// A failed write is taken for one that worked.
    WriteErrorIgnored = "write-error-ignored", "fsyncgate";
    /// A sync covers the segment written to, not the full one before it.
    FullSegmentNotSynced = "full-segment-not-synced", "LEDGER 5.7";
    /// With `straddle = "both"` a cost is posted in both windows.
    StraddleTwice = "straddle-twice", "LEDGER 5.10";
    /// A correction is journaled, but neither a replay nor the books know it.
    CorrectionNotReplayed = "correction-not-replayed", "LEDGER 5.9";
    /// Who comes later takes what those who wait wait for.
    QueueJumped = "queue-jumped", "LEDGER 5.6, starvation";
    /// A start syncs what it found, but does not write it once more.
    FoundNotRewritten = "found-not-rewritten", "our own, until the simulation";
    /// A start does not ship a journal that is full before it writes.
    FullJournalNotShipped = "full-journal-not-shipped", "our own, until the simulation";
    /// What was charged on suspicion explains what a counter grew by.
    SuspicionExplains = "suspicion-explains", "our own, until model and simulation";
    /// A counter is held against the books although what was just settled may not be on it yet.
    CounterLagIgnored = "counter-lag-ignored", "our own, until the simulation";
    /// A key counts as quiet although a settlement on it could not be journaled.
    QuietUnsettled = "quiet-unsettled", "our own, until the simulation";
    /// After a power cut shipping goes on at the byte the books name, in whatever segment has that number now.
    ResumedBlindly = "resumed-blindly", "our own, until the simulation";
    /// Half a header that could not be written stays.
    HalfHeaderLeft = "half-header-left", "our own, until the simulation";
    /// Who leaves the line does not let those behind through.
    LeaverBlocks = "leaver-blocks", "our own, until the model";
    /// A straddled cost is raised in the window of the day it was found.
    RaisedElsewhere = "raised-elsewhere", "our own, until the model";
}

/// Whether this rule is switched off.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub const fn is(_: Mutant) -> bool {
    false
}

#[cfg(feature = "mutants")]
mod active {
    use std::cell::Cell;

    use super::Mutant;

    thread_local! {
        static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Whether this rule is switched off on this thread.
    pub fn is(mutant: Mutant) -> bool {
        ACTIVE.get() == Some(mutant)
    }

    /// Switches a rule off on this thread, or all of them on.
    pub fn set(mutant: Option<Mutant>) {
        ACTIVE.set(mutant);
    }
}

#[cfg(feature = "mutants")]
pub use active::{is, set};
