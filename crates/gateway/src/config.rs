//! What the gateway is told at its start: every value is meant, none is optional by accident.

use std::net::SocketAddr;
use std::time::Duration;

use money::{Exact, Nano};
pub use openrouter::secret::Secret;
use pricing::BoundPolicy;

use crate::clock::Clock;
use crate::honesty::OnOverrun;
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
    /// What is decided about bounds.
    pub bounds: BoundPolicy,
    /// Fields of a body that may hold objects or lists although nobody here knows them, as paths.
    pub allow_fields: Vec<String>,
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
    /// Whether a prompt may be counted where its bytes do not fit the money, at providers that have been seen to count as
    /// the model's public tokenizer does.
    pub count_prompts: bool,
    /// Names that stand for chains of models.
    pub routes: Routes,
    /// What budgets allow instead of a refusal.
    pub fallbacks: Fallbacks,
    /// How hard costs that are not known are looked for.
    pub evidence: EvidenceRules,
    /// A management key of the account, to read its bill call by call; never lent, never used to change anything.
    pub management_key: Option<Secret>,
    /// What to do about providers that bill more than their holds.
    pub on_overrun: OnOverrun,
    /// Where the time is read.
    pub clock: Clock,
    /// Bounds on everything.
    pub limits: Limits,
}

impl Config {
    /// The defaults of DESIGN.md, on this address.
    pub fn new(listen: SocketAddr) -> Self {
        Config {
            listen,
            upstream_key: None,
            bounds: BoundPolicy::DEFAULT,
            allow_fields: Vec::new(),
            clamp_min: Some(4_096),
            park_max: Duration::from_secs(20),
            per_request: None,
            on_client_gone: ClientGone::Auto,
            prices_age_max: Duration::from_secs(90 * 24 * 3600),
            count_prompts: true,
            routes: Routes::default(),
            fallbacks: Fallbacks::default(),
            evidence: EvidenceRules::default(),
            management_key: None,
            clock: Clock::default(),
            on_overrun: OnOverrun::Guard,
            limits: Limits::default(),
        }
    }
}

/// When the rungs of the evidence ladder (LEDGER.md 5.8) are climbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvidenceRules {
    /// How long OpenRouter is given to bill a call: before, its silence means nothing.
    pub final_after: Duration,
    /// No attempt on a key for so long before its counter is read, and as long between the two readings.
    pub quiet_after: Duration,
    /// Holds voided by an assumption are asked for once more so long after.
    pub recheck_after: Duration,
    /// With a management key, the books are held against the bill so often.
    pub audit_every: Duration,
    /// What OpenRouter's counter of a key can show at the least, USD.
    pub counter_resolution: Exact,
}

impl Default for EvidenceRules {
    fn default() -> Self {
        EvidenceRules {
            final_after: Duration::from_secs(15 * 60),
            quiet_after: Duration::from_secs(2 * 60),
            recheck_after: Duration::from_secs(3_600),
            audit_every: Duration::from_secs(3_600),
            counter_resolution: Exact::from(Nano::from_nanos(10)),
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
