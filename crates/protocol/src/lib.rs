//! The money protocol of one machine as a model, small enough to be exhausted. Tests only: nothing depends on it.
//!
//! It says what `ledger`, `store`, `admission` and the evidence ladder of `gateway` do, in the words of LEDGER.md,
//! and shares no code with them: where it and they differ, one of them is wrong. Two models:
//!
//! ```text
//! Machine   attempts, balances in memory, the journal as a list with a synced prefix, the upstream's truth, clocks,
//!           waiters, evidence. Assumes of the journal that what survives is a prefix, and all that was synced.
//! segments  the files behind that assumption: segments, syncs, books that a power cut may take back, recovery.
//! ```
//!
//! A [`Configuration`] opens one side of the world at a time (crashes, windows, evidence, waiters), so that each one
//! ends. [`Rule`]s can be switched off one at a time: then the checker has to find what they are there for. What is
//! modelled, what is not and what was found: `docs/decisions/protocol-model.md`.

mod action;
mod configuration;
mod configurations;
mod machine;
mod properties;
mod rules;
mod state;

mod clock;
mod evidence;
mod journal;
mod line;
mod money;
mod recovery;
mod upstream;

pub mod segments;

pub use action::Action;
pub use configuration::{Configuration, Durability, Plan, Sides};
pub use configurations::{ALL, FULL};
pub use machine::Machine;
pub use properties::Goal;
pub use rules::Rule;
pub use state::State;
