//! The honesty register: who keeps to what was agreed, per model and provider (LEDGER.md 5.9,
//! docs/decisions/honesty.md).
//!
//! Overruns, output caps that were not obeyed, cancels that did not stop the bill, answers without their cost, prompts of
//! more tokens than there are. Each is counted and shown; overruns, cancels and counts change what later requests may do. What it is not: evidence. The books have
//! every overrun in full, whatever this register makes of it.
//!
//! On the walk an empty register costs one relaxed load, and one that is not costs a read lock and a count.

mod finding;
mod policy;
mod register;

pub(crate) use finding::Finding;
pub use policy::OnOverrun;
pub(crate) use register::Register;
