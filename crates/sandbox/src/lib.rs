//! A faithful OpenRouter to run against: prices, errors, faults, its own books.
//!
//! It answers as OpenRouter was seen to answer (facts of 2026-10-02), only dearer and ruder: every endpoint of a model
//! has its own price and one is chosen by a seed; what is billed is known exactly and shown at `GET /sandbox/bill`. It is
//! the judge of the gateway, so it shares no code with it: not the money, not the prices, not the wire. Only the
//! catalogue data is common, as text.
//!
//! What it is not: a language model. Answers are common words, counted by construction.
//!
//! A chat completion, in steps:
//!
//! 1. `router` reads the body whole and `request` reads what OpenRouter would;
//! 2. `account` finds whose key it is and refuses what is spent, empty, forbidden or too often free, from counters that
//!    may lag; requests that run are not seen, so a limit can be overshot as the real ones can;
//! 3. `route` finds the endpoints that may serve it, `provider.max_price` among the filters, and `plan` chooses one and
//!    fixes tokens and cost, all drawn from the seed, the body and how often that body has come; what the caller could
//!    not pay in full is refused;
//! 4. `books` book the whole cost before anything runs, so that no charge is ever lost;
//! 5. `stream` or `answer` say it, with the faults that were drawn; a client that leaves stops the billing only where
//!    the provider can stop;
//! 6. `generation` tells the cost afterwards, late, and `account` counts it to key, member, workspace and account;
//!    faults may have it charged later, again or otherwise, which `books` do when the time has come.
//!
//! Routes, under `/api/v1` and `/v1`: `POST /chat/completions`; `GET /models`, `/models/user`, `/models/count`,
//! `/models/{author}/{slug}/endpoints`, `/providers`, `/generation?id=`, `/key`, `/auth/key`, `/credits`; for management
//! keys `/keys`, `/guardrails` with their assignments, `/workspaces` with their budgets, `/activity`, `/analytics`. Beside them
//! `GET /sandbox/bill`, `GET /sandbox/generations`, `GET /sandbox/keys`, `GET` and `POST /sandbox/faults` (a JSON object of
//! the fields of [`Faults`], merged into those in force), `GET` and `POST /sandbox/clock` (`{"offset_ms": N}`), `POST
//! /sandbox/reset` (empties the books, and makes the account what the configuration says).
//!
//! A body with `"metadata":{"sandbox_tokens":"123"}` gets exactly 123 tokens, or its output cap when that is smaller.

mod account;
mod anew;
mod answer;
mod asks;
mod bill;
mod books;
mod catalogue;
mod chat;
mod clock;
mod config;
mod cost;
mod entry;
mod error;
mod exact;
mod faults;
mod generation;
mod judge;
mod misbehave;
mod own;
mod plan;
mod prices;
mod query;
mod reply;
mod request;
mod route;
mod router;
mod run;
mod server;
mod stream;
mod tokens;
mod toll;
mod vocabulary;
mod words;

pub use account::settings::{DeclaredKey, PlainCredits};
pub use account::window::Interval;
pub use bill::Bill;
pub use config::{Byok, Config, ConfigError, Latency, Millis, UsageTail};
pub use faults::Faults;
pub use judge::{Judge, Line, Refused, Verdict};
pub use misbehave::Misbehave;
pub use server::Sandbox;
pub use toll::Counting;
