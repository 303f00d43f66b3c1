//! Exact dollars and rates: parse, add, multiply, round up, print.
//!
//! Two integers carry all money in Farebox and no float ever touches either:
//!
//! * [`Nano`]: an amount, in billionths of a US dollar (1e-9 USD);
//! * [`Rate`]: a price per unit, in femto-dollars (1e-15 USD).
//!
//! A third, [`Exact`], only sums costs as they were written, for the audit. What people read besides money is counts:
//! [`grouped`] tells them.
//!
//! A debit rounds up and a credit rounds down, so that a rounding error can only ever make us hold or book a
//! little too much. Parsing says which way it rounds in its name.

mod decimal;
mod exact;
mod grouped;
mod nano;
mod rate;

pub use decimal::MoneyError;
pub use exact::Exact;
pub use grouped::grouped;
pub use nano::Nano;
pub use rate::Rate;
