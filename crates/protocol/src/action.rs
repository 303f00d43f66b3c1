//! [`Action`]: what can happen next.

/// One step. The number is that of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A client asks: reserved, refused, or short of money.
    Ask(u8),
    /// One that is short joins the line.
    Park(u8),
    /// One has waited so long that nobody passes it any more.
    Age(u8),
    /// One gives up waiting.
    Leave(u8),
    /// Whoever gave money back serves the line.
    Serve,
    /// The hold is journaled.
    Journal(u8),
    /// Everything written is on disk.
    Sync,
    /// The first byte leaves.
    Send(u8),
    /// A reservation or a permit is dropped.
    Drop(u8),
    /// The headers bring the id of the generation.
    Headers(u8),
    /// The answer tells the cost.
    Answer(u8),
    /// The answer is lost.
    Lose(u8),
    /// The end of a hold reaches the balances.
    Book(u8),
    /// The upstream decides what it bills.
    Bill(u8, i8),
    /// The upstream takes a part of it back.
    Refund(u8),
    /// The counter shows it.
    Count(u8),
    /// `/generation` tells the cost.
    Find(u8),
    /// `/generation` has known nothing for so long that it counts as free.
    Insure(u8),
    /// A quiet key's counter and the books become a control point.
    Point,
    /// A quiet key's counter is held against the books.
    Judge,
    /// Evidence ends an unknown hold.
    Resolve(u8),
    /// A booked cost is corrected.
    Correct(u8),
    /// The machine looks at its clocks.
    Tick,
    /// The true window turns.
    Turn,
    /// Somebody sets the wall clock.
    SetWall(u8),
    /// The process dies.
    Kill,
    /// The power goes; so many unsynced records had reached the disk.
    Cut(u8),
    /// A process starts.
    Restart,
    /// Without a rule: an unknown hold is voided by time.
    Expire(u8),
    /// Without a rule: sent again under the same hold.
    Retry(u8),
    /// Without a rule: what was sent is voided.
    Void(u8),
}
