//! A scanner over a relayed event stream: it sees every byte, changes none and keeps almost nothing.

use crate::usage::Billed;

/// Watches a stream for its id, provider, usage, error and end. Feed it every chunk in order.
#[derive(Debug, Default)]
pub struct Scanner {
    outcome: Outcome,
}

/// What a stream has said so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What it cost; the last usage wins.
    pub billed: Billed,
    /// The generation id.
    pub id: Option<String>,
    /// The provider that serves it.
    pub provider: Option<String>,
    /// An error in the middle of the stream.
    pub error: Option<StreamError>,
    /// `[DONE]` was seen.
    pub done: bool,
    /// An event with choices was seen: the model has begun.
    pub content_seen: bool,
    /// An event was too long to look into.
    pub oversize: bool,
}

/// An error event in a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamError {
    /// Number or string, as text.
    pub code: String,
    /// The message.
    pub message: String,
}

impl Scanner {
    /// A scanner at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes, cut anywhere.
    pub fn feed(&mut self, chunk: &[u8]) {
        let _ = chunk;
    }

    /// The provider, as soon as an event named it.
    pub fn provider(&self) -> Option<&str> {
        self.outcome.provider.as_deref()
    }

    /// The generation id, as soon as an event named it.
    pub fn id(&self) -> Option<&str> {
        self.outcome.id.as_deref()
    }

    /// What the stream has said so far.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// What the stream said; an event that its end cut short is looked at too.
    pub fn finish(self) -> Outcome {
        self.outcome
    }
}
