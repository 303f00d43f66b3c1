//! Control plane: health, readiness, budgets and explanations over HTTP.
//!
//! What people and programs ask a running gateway about; nothing here spends or changes money, and nothing here
//! is on the way of a request. Read-only so far: `GET` and `HEAD`.
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` | the process lives |
//! | `/readyz` | 200 when money can move and prices are known, else 503 with the reasons |
//! | `/version` | name and version |
//! | `/budgets` | an array of [`BudgetRow`], the same as `farebox budgets list --json` |
//! | `/unknown` | an array of [`UnknownRow`]: holds whose cost is not known yet |
//! | `/explain/last`, `/explain/{request}` | why a call cost what it did, or was refused |
//! | `/generation/{id}` | a [`GenerationRow`]: what was held and booked for a generation of OpenRouter's |
//! | `/routes` | an array of [`RouteRow`], the same as `farebox routes list --json` |
//! | `/stats` | counters since the start |
//! | `/alerts` | open alerts, what was said of late, how each channel does: an [`alerts::Report`] |
//!
//! Failing closed: a request with a foreign `Host` (DNS rebinding) or `Origin` is refused.

mod amount;
mod console;
mod generation;
mod guard;
mod reply;
mod router;
mod routes;
mod row;
mod unknown;

pub use console::Console;
pub use generation::{ChargedBudget, GenerationRow};
pub use routes::{DayRow, RouteRow, Saving, day_of};
pub use row::BudgetRow;
pub use unknown::UnknownRow;
