//! Data plane: authenticate, shape, forward with a permit, relay.
//!
//! The walk of a chat completion, one room each:
//!
//! ```text
//! server    accept, limits, graceful stop        route     which path is what
//! intake    the body, bounded                    caller    who is it, whose key, which labels
//! chat      the walk itself                      admit     reserve, clamp, park, refuse
//! exchange  one attempt upstream, one hold       relay     the stream, byte for byte, and its cost
//! verdict   what an answer means for the hold    evidence  what a call cost that no answer told
//! refuse    our own errors, as clients need them headers   what passes, what we add
//! explain   why a request cost or was refused    passage   the reads that pass through
//! receipt   the same, for the program itself
//! plan      routes and their chains        downgrade what stands in when money says no
//! no_money  OpenRouter's money errors      saving    what a route saved
//! honesty   who keeps to what was agreed     counting  prompts that fit only counted, and who counts alike
//! admin     keys and guardrails, with the caller's own management key
//! ```
//!
//! Nothing is forwarded without a permit: `exchange` consumes one per attempt, and nobody else holds the client.
//! Invariants of absence: no SQL, no prices, no budgets in this crate.

mod admin;
mod admit;
pub mod audit;
mod body;
mod byok;
mod caller;
mod chat;
mod clock;
mod config;
mod counting;
mod downgrade;
mod evidence;
mod exchange;
mod explain;
mod headers;
mod honesty;
mod intake;
mod no_money;
mod passage;
mod plan;
mod receipt;
mod refuse;
mod relay;
mod route;
mod route_table;
mod saving;
mod server;
mod shared;
mod stats;
mod verdict;

pub use body::{Body, BrokenOff};
pub use clock::Clock;
pub use config::{ClientGone, Config, EvidenceRules, Limits, Secret};
pub use evidence::{AuditError, Booking};
pub use honesty::OnOverrun;
pub use receipt::{Outcome, Receipt};
pub use route::may_spend;
pub use route_table::{Fallback, Fallbacks, ModelRoute, RouteError, Routes};
pub use shared::Gateway;
