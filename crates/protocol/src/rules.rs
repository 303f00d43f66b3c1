//! [`Rule`]: what can be switched off, one at a time. Each is a mistake that the protocol forbids, or one that was made.

/// A rule of the protocol, named by the mistake of doing without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Open holds are not charged after a restart.
    VoidUnknownOnRestart,
    /// A hold whose cost stays unknown is voided by time.
    HoldTimeoutVoids,
    /// With `durability = "power"` a request leaves before its hold is on disk.
    UseBeforeDurable,
    /// A counter that may still grow is evidence.
    ReconcileBeforeQuiescent,
    /// A request leaves without a hold in the journal.
    SendWithoutHold,
    /// A second attempt goes under the hold of the first.
    RetryWithoutHold,
    /// The upstream bills more than the bound.
    BoundViolated,
    /// What was billed above a bound is not booked.
    OverrunClamped,
    /// Headroom comes back before the settlement is journaled.
    SettleBeforeJournal,
    /// A settlement gives its headroom back twice.
    DoubleSettle,
    /// An unknown outcome counts as no cost.
    UnknownAsZero,
    /// A client that leaves voids its call.
    ClientGoneVoids,
    /// The wall clock alone opens windows, and shuts them again.
    ClockOpensWindow,
    /// Only the first balance of a set is held.
    FirstBalanceOnly,
    /// A straddling hold is on the first window alone.
    StraddleOne,
    /// Whoever has much left need not hold anything.
    TrustBypass,
    /// The hold is a guess below the bound.
    FlatEstimate,
    /// Short of money, the hold shrinks to what is left, and the request goes all the same.
    ShrunkHold,
    /// A lower cost found later is given back twice.
    RefundTwice,
    /// A higher cost found later is not posted.
    RaiseForgotten,
    /// What a call did not cost is not given back.
    RestKept,
    /// Who waits is not woken when money comes back.
    WaiterForgotten,
    /// Who gives up waiting does not wake those it stood in front of.
    DepartureWakesNobody,
    /// A cost that becomes unknown for good does not wake those behind one who can now never be served.
    LossWakesNobody,
    /// What was charged on suspicion counts as a bill that explains the counter.
    SuspicionExplains,
    /// A cost raised after a control point, of a call from before it, counts as a bill since.
    OldRaiseExplains,
    /// A raised cost is posted to the window of now, a lowered one taken from the window it settled in.
    RaiseMovesOn,
}
