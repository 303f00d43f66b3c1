//! Budgets, windows, holds: what may still be spent.
//!
//! Pure: no I/O, no clock, no randomness, no threads; time is an argument, in milliseconds since the Unix epoch.
//!
//! * [`Budget`]: a limit on the requests that match a selector, per [`Window`], as configured;
//! * [`Index`]: which balances a request is charged to ([`Scope`] in, [`HoldSet`] out);
//! * [`Balances`]: the money itself; reserve on all balances of a set or on none, settle, keep unknown;
//! * [`runway`]: how long what is left lasts at a pace.
//!
//! The two halves are apart so that the caller can keep the money under one short mutex: nothing in
//! [`Balances`] allocates on the way of a request, and nothing here can wait.

mod balances;
mod budget;
mod evidence;
mod index;
mod name;
mod rolling;
mod runway;
mod window;

pub use balances::{Balance, Balances, HoldSet, LedgerFull, Share, Short, Slot};
pub use budget::{Budget, Label, Scope};
pub use evidence::{BoundClass, Evidence, UnknownReason};
pub use index::{Index, Matched, Missing};
pub use name::{BalanceId, BalanceName, HoldId, Member, SetId, UpstreamKeyId};
pub use rolling::Rolling;
pub use runway::runway;
pub use window::{Span, Window, WindowError, WindowKind};
