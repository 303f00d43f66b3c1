//! Control plane: health, readiness, budgets and explanations over HTTP.
//!
//! What people and programs ask a running gateway about, and what its operator decides; nothing here spends, and nothing
//! here is on the way of a request. `GET` and `HEAD` read; `POST` changes, for whoever shows the [`Token`] of the folder.
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
//! | `/honesty` | an array of [`HonestyRow`]: which provider kept to what |
//! | `/audit` | the last comparison with OpenRouter's bill: an [`AuditRow`] |
//! | `/stats` | counters since the start |
//! | `/metrics` | the same and the money of each budget, in Prometheus' text format |
//! | `/alerts` | open alerts, what was said of late, how each channel does: an [`alerts::Report`] |
//! | `POST /audit` | compare now: a [`RunAudit`] |
//! | `POST /honesty/clear` | trust a provider anew: a [`ClearHonesty`] |
//! | `POST /backup` | a copy of the books in one file: a [`BackUp`] |
//! | `POST /accept` | go on with books that may miss calls: an [`Accept`] |
//! | `POST /reconcile` | the operator says what an unknown hold cost: a [`Reconcile`] |
//!
//! Failing closed: a change without the token, and a request with a foreign `Host` (DNS rebinding) or `Origin` is refused.

mod amount;
mod audit;
mod change;
mod console;
mod generation;
mod guard;
mod honesty;
mod metrics;
mod reply;
mod report;
mod router;
mod routes;
mod row;
mod token;
mod unknown;

pub use audit::{AuditRow, NotAudited, RunAudit};
pub use change::{Accept, AcceptError, BackUp, BackedUp, NotReconciled, Reconcile, Reconciled};
pub use console::Console;
pub use generation::{ChargedBudget, GenerationRow};
pub use honesty::{ClearHonesty, HonestyRow};
pub use report::ReportRow;
pub use routes::{DayRow, RouteRow, Saving, day_of};
pub use row::BudgetRow;
pub use token::{TOKEN_HEADER, Token};
pub use unknown::UnknownRow;
