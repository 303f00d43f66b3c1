//! [`Grounds`]: what a bound rests on beside the request: prices, the operator's word, the time.

use std::collections::BTreeMap;

use crate::allowance::Allowances;
use crate::book::Book;
use crate::distrust::{Distrust, Growth};
use crate::schedule::Span;
use crate::shape::Shape;

/// A call may be billed this much after it was sent, milliseconds: prices by the clock are taken as they are until
/// then. And this much before, for clocks differ.
const CALL_MS_MAX: i64 = 4 * 60 * 60 * 1000;
const CLOCK_SLACK_MS: i64 = 10 * 60 * 1000;

/// OpenRouter's fee where a provider is asked with the account's own key (BYOK): 5 % on top of what the call would have
/// cost, once the month's allowance is used up (CONTRACT 9.4, OpenRouter's guide to BYOK).
pub const BYOK_FEE: Growth = Growth::from_thousandths(1_050);

/// What the operator decides about bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundPolicy {
    /// The output cap, in tokens, of a request that sets none.
    pub default_output: u64,
    /// Steps of a server-tool loop that sets none, and the most it may have.
    pub tool_steps: u32,
    /// Searches and fetches of a server tool that sets none, and the most it may have.
    pub tool_uses: u32,
    /// Whether plugins that the account has on by default are left on: what they cost is then in no bound.
    pub keep_plugin_defaults: bool,
    /// Whether providers may be asked with the account's own keys (BYOK), for which OpenRouter takes [`BYOK_FEE`].
    pub byok: bool,
    /// Figures for what nobody can bound.
    pub allowances: Allowances,
}

impl BoundPolicy {
    /// Of a configuration that says nothing.
    pub const DEFAULT: BoundPolicy = BoundPolicy {
        default_output: 16_384,
        tool_steps: 3,
        tool_uses: 3,
        keep_plugin_defaults: false,
        byok: false,
        allowances: Allowances { usd: BTreeMap::new(), router: None },
    };

    /// The output cap that a request asks for, tokens; the default where it sets none, and beside the reasoning it wants:
    /// a cap below that leaves no answer, and providers refuse it.
    pub fn output_cap(&self, shape: &Shape<'_>) -> u64 {
        shape.output_cap.unwrap_or_else(|| self.default_output.saturating_add(shape.reasoning_budget))
    }
}

impl Default for BoundPolicy {
    fn default() -> Self {
        BoundPolicy::DEFAULT
    }
}

/// What a bound rests on.
#[derive(Clone, Copy, Debug)]
pub struct Grounds<'g> {
    /// The prices.
    pub book: &'g Book,
    /// What the operator decides.
    pub policy: &'g BoundPolicy,
    /// Providers that have not kept to their bounds; none when `None`.
    pub distrust: Option<&'g Distrust>,
    /// When it is asked for, milliseconds since 1970 (UTC); `None`: at any time, so that every price by the clock may
    /// be met.
    pub now_ms: Option<i64>,
    /// Whether an answer or a key has shown that the account has own keys at providers: as [`BoundPolicy::byok`].
    pub byok: bool,
}

impl<'g> Grounds<'g> {
    /// Of these, at any time, trusting everybody.
    pub const fn new(book: &'g Book, policy: &'g BoundPolicy) -> Grounds<'g> {
        Grounds { book, policy, distrust: None, now_ms: None, byok: false }
    }

    /// The time in which a call that is sent now may be billed.
    pub(crate) fn span(&self) -> Option<Span> {
        self.now_ms.map(|now| Span {
            from_ms: now.saturating_sub(CLOCK_SLACK_MS),
            to_ms: now.saturating_add(CALL_MS_MAX),
        })
    }
}
