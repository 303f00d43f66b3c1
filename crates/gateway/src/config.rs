//! What the gateway is told at its start: every value is meant, none is optional by accident.

use std::net::SocketAddr;
use std::time::Duration;

use money::Nano;
pub use openrouter::secret::Secret;

use crate::route_table::{Fallbacks, Routes};

/// What to do with a stream whose client has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientGone {
    /// Abort where the provider stops billing then (CONTRACT 11.6), read on to learn the cost elsewhere.
    #[default]
    Auto,
    /// Always abort; the cost is asked for by its generation id.
    Abort,
    /// Always read to the end.
    ReadOn,
}

/// The gateway's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens; decides which `Host` headers are ours.
    pub listen: SocketAddr,
    /// The key that requests are sent and billed with; without one, callers bring their own.
    pub upstream_key: Option<Secret>,
    /// The output cap of a request that sets none, tokens.
    pub default_output: u64,
    /// How far an output cap may be lowered to fit the money, tokens; `None`: never lowered.
    pub clamp_min: Option<u64>,
    /// How long a request may wait for other requests' holds; zero: not at all.
    pub park_max: Duration,
    /// A ceiling on the bound of any one request, USD.
    pub per_request: Option<Nano>,
    /// What to do with a stream whose client has left.
    pub on_client_gone: ClientGone,
    /// Beyond this age of the price book nothing is admitted.
    pub prices_age_max: Duration,
    /// Names that stand for chains of models.
    pub routes: Routes,
    /// What budgets allow instead of a refusal.
    pub fallbacks: Fallbacks,
    /// After this long without a trace in `/generation`, a server error is taken as not billed.
    pub final_after: Duration,
    /// Bounds on everything.
    pub limits: Limits,
}

impl Config {
    /// The defaults of DESIGN.md, on this address.
    pub fn new(listen: SocketAddr) -> Self {
        Config {
            listen,
            upstream_key: None,
            default_output: 16_384,
            clamp_min: Some(4_096),
            park_max: Duration::from_secs(20),
            per_request: None,
            on_client_gone: ClientGone::Auto,
            prices_age_max: Duration::from_secs(90 * 24 * 3600),
            routes: Routes::default(),
            fallbacks: Fallbacks::default(),
            final_after: Duration::from_secs(900),
            limits: Limits::default(),
        }
    }
}

/// Bounds on everything a caller or the upstream can make us keep.
#[derive(Clone, Debug)]
pub struct Limits {
    /// One request body, bytes.
    pub body_bytes_max: usize,
    /// All request bodies in memory, bytes.
    pub bodies_bytes_max: usize,
    /// All parked request bodies, bytes.
    pub parked_bytes_max: usize,
    /// One non-streamed answer, bytes.
    pub answer_bytes_max: usize,
    /// All non-streamed answers in memory, bytes.
    pub answers_bytes_max: usize,
    /// Connections at the same time.
    pub connections_max: usize,
    /// All header lines of one request, bytes.
    pub header_bytes_max: usize,
    /// From the end of one request (or the connection's start) to the end of the next one's headers.
    pub header_timeout: Duration,
    /// Between two pieces of a request body.
    pub body_idle: Duration,
    /// From the first to the last byte of a request body.
    pub body_timeout: Duration,
    /// From the request to the upstream's response headers.
    pub upstream_header_timeout: Duration,
    /// Between two pieces of an upstream's answer.
    pub upstream_idle: Duration,
    /// How long a client may not take anything of an answer.
    pub write_stall: Duration,
    /// How long a stop waits for requests in flight.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1 << 20;
        Limits {
            body_bytes_max: 32 * MIB,
            bodies_bytes_max: 256 * MIB,
            parked_bytes_max: 64 * MIB,
            answer_bytes_max: 16 * MIB,
            answers_bytes_max: 256 * MIB,
            connections_max: 8_192,
            header_bytes_max: 64 << 10,
            header_timeout: Duration::from_secs(75),
            body_idle: Duration::from_secs(30),
            body_timeout: Duration::from_secs(300),
            upstream_header_timeout: Duration::from_secs(600),
            upstream_idle: Duration::from_secs(300),
            write_stall: Duration::from_secs(120),
            drain: Duration::from_secs(30),
        }
    }
}
