//! reserve -> journal -> permit -> settle -> resolve, in the one right order.
//!
//! The money-critical order lives here and nowhere else. Runtime-free: no tokio, no HTTP, no clock; the gateway,
//! an in-process user and the simulation drive the same code. Time is an argument, in milliseconds since the Unix
//! epoch; only the highest time seen counts, so a clock that goes back never re-opens a window.
//!
//! ```text
//! Ask --reserve--> Reserved --permit--> Permit --sent--> Flight --settle | void | unknown
//!        |            |                   |                 |
//!        |            drop: given back    drop: voided,     drop: unknown, stays charged
//!        |            (never journaled)   never sent        until evidence resolves it
//!        '--short--> Refusal, or Wait --park--> Reserved
//! ```
//!
//! A [`Permit`] is the only way to forward a request, and it exists only once its hold is in the journal.
//! Money fails closed: when the journal fails, nothing is admitted any more.

mod admission;
mod ask;
mod flight;
mod permit;
mod queue;
mod refusal;
mod report;
mod unknown;
mod upkeep;

pub use admission::{Admission, OpenError, Policy};
pub use ask::{Ask, Clamp};
pub use flight::Flight;
pub use permit::{Permit, Reserved};
pub use queue::{Parked, Shortage, Wait};
pub use refusal::{Refusal, RefusalReason};
pub use report::{BalanceReport, Counters};
pub use unknown::{DueHold, UnknownHold};
