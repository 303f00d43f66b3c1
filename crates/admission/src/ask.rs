//! What a request asks of the ledger.

use ledger::{Scope, UpstreamKeyId};
use money::Nano;
use pricing::Bound;

/// One attempt that wants money.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Who and what it is charged to.
    pub scope: Scope<'a>,
    /// The most it can be billed, as a function of its output cap.
    pub bound: &'a Bound,
    /// The key it will be billed on.
    pub upstream_key: UpstreamKeyId,
    /// A ceiling on this one bound, USD: the smaller of `limits.per_request` and the caller's own.
    pub ceiling: Option<Nano>,
    /// How far the output cap may be lowered, tokens; the reasoning budget comes on top.
    pub clamp: Clamp,
}

/// Whether and how far an output cap may be lowered to fit the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clamp {
    /// Not at all: the whole bound or nothing.
    Never,
    /// Down to this many tokens plus the reasoning budget.
    DownTo(u64),
}

impl Ask<'_> {
    /// The lowest output cap that is still worth sending.
    pub fn cap_floor(&self) -> u64 {
        let cap = self.bound.output_cap;
        match self.clamp {
            Clamp::Never => cap,
            Clamp::DownTo(tokens) => cap.min(tokens.saturating_add(self.bound.reasoning_budget)),
        }
    }

    /// The least and the most to reserve, USD; `None` when even the least is above the ceiling.
    pub(crate) fn amounts(&self) -> Option<(Nano, Nano)> {
        let (floor, want) = (self.bound.usd_at(self.cap_floor()), self.bound.usd());
        match self.ceiling {
            Some(ceiling) if floor > ceiling => None,
            Some(ceiling) => Some((floor, want.min(ceiling))),
            None => Some((floor, want)),
        }
    }
}
