//! Budgets, windows, holds: what may still be spent.
//!
//! Pure: no I/O, no clock, no randomness, no threads; time is an argument, in milliseconds since the Unix epoch.
//!
//! * [`Budget`]: a limit on the requests that match a selector, per [`Window`], as configured;
//! * [`Index`]: which balances a request is charged to ([`Scope`] in, [`HoldSet`] out);
//! * [`Balances`]: the money itself; reserve on all balances of a set or on none, settle, keep unknown;
//! * [`Clock`]: which instant to go by, and whether a window may open on it;
//! * [`invariants`]: what must hold of all that, for whoever checks;
//! * [`runway`]: how long what is left lasts at a pace.
//!
//! Index and balances are apart so that the caller can keep the money under one short mutex: nothing in
//! [`Balances`] allocates on the way of a request, and nothing here can wait.

mod balance;
mod balances;
mod budget;
mod clock;
mod evidence;
mod hold_set;
mod index;
pub mod invariants;
#[doc(hidden)]
pub mod mutants;
mod name;
mod ring;
mod rolling;
mod rows;
mod runway;
mod selectors;
mod values;
mod window;

pub use balance::Balance;
pub use balances::{Balances, LedgerFull, Share, Short, Slot};
pub use budget::{Budget, Label, Scope, Straddle};
pub use clock::{Clock, Reading, TRUST_MS};
pub use evidence::{BoundClass, Evidence, UnknownReason};
pub use hold_set::{HoldSet, Seat};
pub use index::{Found, Gap, Index, Missing, Places};
pub use name::{BalanceId, BalanceName, HoldId, Member, SetId, UpstreamKeyId};
pub use rolling::Rolling;
pub use runway::runway;
pub use window::{Span, Window, WindowError, WindowKind};
