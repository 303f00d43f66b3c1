//! The real binary, from outside: what it prints, how it ends, and what it does with money.
//!
//! `golden/` holds every page of help and every error as reviewed text; `FAREBOX_BLESS=1 cargo test -p cli` writes
//! them anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alerts;
mod balance;
mod batches;
mod books;
mod demo;
mod errors;
mod estimates;
mod gateway;
mod generation;
mod guardrails;
mod help;
mod keys;
mod pictures;
mod program;
mod routes;
mod sandbox;
mod transcripts;
mod upstream;
