//! A refusal: a no, as a value, with what the caller needs next.

use money::Nano;
use thiserror::Error;

use crate::ask::Ask;
use crate::report::BalanceReport;

/// Why a request was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// The budget has too little left, and nothing in flight will bring enough back.
    UsedUp,
    /// The money is there, but held by other requests in flight. Passes by itself.
    Held,
    /// The smallest useful bound of this one request is above its ceiling.
    PerRequest,
    /// No budget matches, and `unbudgeted = "refuse"`.
    Unbudgeted,
    /// As many balances, or as many parked requests, as this machine may hold.
    Full,
    /// The journal cannot take the hold: money fails closed. Passes once the cause is gone.
    Journal,
    /// The clock jumped, or nobody can say how long the machine was off: no window opens until the clock comes back or
    /// the upstream confirms it. Windows that are open go on.
    Clock,
    /// The books come from a backup, and nobody has accepted yet that what was spent since is missing.
    Restored,
}

impl RefusalReason {
    /// The word in metrics, `--json` and the books.
    pub const fn text(self) -> &'static str {
        match self {
            RefusalReason::UsedUp => "used-up",
            RefusalReason::Held => "held",
            RefusalReason::PerRequest => "per-request",
            RefusalReason::Unbudgeted => "unbudgeted",
            RefusalReason::Full => "full",
            RefusalReason::Journal => "journal",
            RefusalReason::Clock => "clock",
            RefusalReason::Restored => "restored",
        }
    }

    /// Whether the same request may pass soon without anybody doing anything.
    pub const fn passes_by_itself(self) -> bool {
        use RefusalReason::{Clock, Full, Held, Journal};
        matches!(self, Held | Full | Journal | Clock)
    }
}

/// A no, with its amounts.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("refused: {}", .reason.text())]
pub struct Refusal {
    /// Why.
    pub reason: RefusalReason,
    /// The binding balance, where one is.
    pub balance: Option<Box<BalanceReport>>,
    /// The bound at the lowest output cap worth sending, USD.
    pub needed: Nano,
    /// The whole bound, USD.
    pub bound: Nano,
    /// The output cap that would have fitted, tokens, where one would.
    pub fitting_cap: Option<u64>,
}

impl Refusal {
    pub(crate) fn new(reason: RefusalReason, ask: &Ask<'_>, balance: Option<BalanceReport>) -> Self {
        let room = match reason {
            RefusalReason::PerRequest => ask.ceiling,
            _ => balance.as_ref().map(|balance| balance.available),
        };
        Refusal {
            reason,
            balance: balance.map(Box::new),
            needed: ask.bound.usd_at(ask.cap_floor()),
            bound: ask.bound.usd(),
            fitting_cap: room.and_then(|room| ask.bound.cap_to_ask_for(room)),
        }
    }
}
