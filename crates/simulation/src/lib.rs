//! A seeded world on one thread that tries to break the ledger, and an auditor who would notice.
//!
//! ```text
//! seed ── setting ── events ──▶ world ── asks, permits, settles ──▶ admission, ledger, store (the real ones)
//!                                │                                        │ every byte
//!                             upstream (the truth) ──▶ auditor ◀── machine: disk, books, clocks
//! ```
//!
//! The same seed is the same world, event by event. A failure is a seed, a rule, and the fewest events that still break
//! it. What this is not: sockets, HTTP, threads (`trials`, the gateway's tests, the interleavings of `admission`).
//!
//! Nothing here is linked into a product; where it meets what should not be, it says so and stops.

mod auditor;
pub mod event;
pub mod machine;
pub mod run;
pub mod setting;
pub mod shrink;
mod tally;
mod tariff;
mod upstream;
mod world;
mod zones;

pub use tally::Tally;
