//! reserve -> journal -> permit -> settle -> resolve, in the one right order.
//!
//! The money-critical order lives here and nowhere else. Runtime-free: no tokio, no HTTP; the gateway, an in-process
//! user and the simulation drive the same code. Wall time is an argument, in milliseconds since the Unix epoch, and
//! is held against a clock that nobody sets ([`BootClock`]): a clock that goes back never re-opens a window, and one
//! that jumps ahead opens none.
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
mod books;
pub mod control;
mod core;
mod correction;
mod extra;
mod flight;
mod keys;
mod listing;
mod opening;
mod permit;
mod policy;
mod queue;
mod refusal;
mod report;
mod take_up;
mod time;
mod unknown;
mod upkeep;

pub use admission::{Admission, OpenError};
pub use ask::{Ask, Clamp};
pub use books::Books;
pub use correction::{CorrectError, Correction};
pub use extra::{Extra, ExtraError};
pub use flight::Flight;
pub use permit::{Permit, Reserved};
pub use policy::Policy;
pub use queue::{Parked, Shortage, Wait};
pub use refusal::{Refusal, RefusalReason};
pub use report::{BalanceList, BalanceReport, Counters};
pub use time::{BootClock, SystemBootClock};
pub use unknown::{DueHold, UnknownHold};
