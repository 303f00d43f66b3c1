//! The wire: request bodies, SSE scanning, usage, errors, HTTP client, catalogue fetch and cache.
//!
//! What OpenRouter says and how it is read, and nothing about what to do with it: no policy lives here. Readers
//! are lenient where a field is only shown (open enums, unknown keys) and strict where money depends on it. Facts
//! about OpenRouter are of 2026-10-02 unless they say otherwise.

pub mod account;
pub mod answer;
pub mod catalogue;
pub mod chat;
pub mod client;
mod connector;
pub mod error;
mod generation;
pub mod https;
pub mod providers;
pub mod secret;
pub mod sse;
pub mod usage;
