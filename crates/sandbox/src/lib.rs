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
//! 1. `server` reads the body whole and `request` reads what OpenRouter would;
//! 2. `route` finds the endpoints that may serve it, `provider.max_price` among the filters, and `plan` chooses one and
//!    fixes tokens and cost, all drawn from the seed, the body and how often that body has come;
//! 3. `books` book the whole cost before anything runs, so that no charge is ever lost;
//! 4. `stream` or `answer` say it, with the faults that were drawn; a client that leaves stops the billing only where
//!    the provider can stop;
//! 5. `generation` tells the cost afterwards, late.
//!
//! Routes, under `/api/v1` and `/v1`: `POST /chat/completions`; `GET /models`, `/models/count`,
//! `/models/{author}/{slug}/endpoints`, `/providers`, `/generation?id=`, `/key`, `/auth/key`, `/credits`. Beside them
//! `GET /sandbox/bill`, `GET /sandbox/generations`, `GET` and `POST /sandbox/faults` (a JSON object of the fields of
//! [`Faults`], merged into those in force), `POST /sandbox/reset` (empties the books).
//!
//! A body with `"metadata":{"sandbox_tokens":"123"}` gets exactly 123 tokens, or its output cap when that is smaller.

mod account;
mod answer;
mod bill;
mod books;
mod catalogue;
mod chat;
mod clock;
mod config;
mod cost;
mod error;
mod exact;
mod faults;
mod generation;
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
mod words;

pub use account::settings::{DeclaredKey, PlainCredits};
pub use account::window::Interval;
pub use bill::Bill;
pub use config::{Byok, Config, ConfigError, Latency, Millis, UsageTail};
pub use faults::Faults;
pub use server::Sandbox;
