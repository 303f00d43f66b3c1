//! Budgets, windows, holds: what may still be spent.
//!
//! Pure: no I/O, no clock, no randomness, no threads; time is an argument in milliseconds since the Unix epoch.

mod evidence;
mod name;

pub use evidence::{BoundClass, Evidence, UnknownReason};
pub use name::{BalanceId, BalanceName, HoldId, UpstreamKeyId};
