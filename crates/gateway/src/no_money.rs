//! OpenRouter's own "no money" in the same form as ours: whose limit it was, for people mix them up, and what to do
//! about it (CONTRACT 10.2; the table is in docs/reference/errors.md).

use openrouter::error::{LimitSource, UpstreamError};

use crate::refuse::Problem;

/// A no for money from OpenRouter. Nothing was billed.
#[derive(Debug)]
pub(crate) struct NoMoney {
    pub(crate) problem: Problem,
    /// The output tokens that it says are still affordable.
    pub(crate) affordable: Option<u64>,
    /// The cap at which another attempt is worth it.
    pub(crate) lower_to: Option<u64>,
}

const TOP_UP: &str = "Top up at https://openrouter.ai/settings/credits, or ask for a ':free' model";
const RAISE_KEY: &str =
    "Raise it with 'farebox keys update' or at https://openrouter.ai/settings/keys, or use another key";

/// What passes by itself in a moment.
pub(crate) fn passing(error: &UpstreamError) -> Option<Problem> {
    (error.limit_source == Some(LimitSource::InFlight) && error.is_retryable()).then(|| {
        let message = "OpenRouter is still settling earlier requests of this account";
        Problem::later(2, "openrouter-in-flight", message)
    })
}

/// What does not. `free`: the model asked for was a free one.
pub(crate) fn read(error: &UpstreamError, free: bool) -> Option<NoMoney> {
    let source = error.limit_source.as_ref()?;
    let is_about_money = error.money_limit().is_some()
        || matches!(source, LimitSource::InFlight)
        || (*source == LimitSource::FreeTier && error.effective_status() == 429);
    if !is_about_money {
        return None;
    }
    let (whose, code, fix) = words(source, error, free)?;
    let affordable = error.affordable_tokens();
    let opens = error.resets_at.as_deref().map(|at| format!(" It opens again at {at}.")).unwrap_or_default();
    let fewer = affordable.filter(|&tokens| tokens > 0);
    let fewer = fewer.map(|tokens| format!(" With max_tokens {tokens} it would fit.")).unwrap_or_default();
    let short =
        format!("Insufficient credits: {whose}. This is not a Farebox budget. {fix}. See: farebox balance");
    let message = format!("{short}.{opens}{fewer} OpenRouter says: {}", error.message);
    let problem = Problem { short: Some(short), ..Problem::stop(code, code, message) };
    Some(NoMoney { problem, affordable, lower_to: None })
}

/// Whose limit it is, the code, and the way on.
fn words(
    source: &LimitSource,
    error: &UpstreamError,
    free: bool,
) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match source {
        LimitSource::Credits if error.reason.as_deref() == Some("weight_exceeds_budget") => too_large(),
        LimitSource::InFlight => too_large(),
        LimitSource::Credits if free => (
            "the credits of the OpenRouter account are below zero, which blocks free models too",
            "openrouter-credits",
            "Top up at https://openrouter.ai/settings/credits",
        ),
        LimitSource::Credits if error.affordable_tokens().is_some() => (
            "the credits of the OpenRouter account are too few for an answer of this length",
            "openrouter-credits",
            TOP_UP,
        ),
        LimitSource::Credits => {
            ("the credits of the OpenRouter account are used up", "openrouter-credits", TOP_UP)
        }
        LimitSource::Key if error.affordable_tokens().is_some() => (
            "the limit of the OpenRouter key leaves too little for an answer of this length",
            "openrouter-key-limit",
            RAISE_KEY,
        ),
        LimitSource::Key => ("the limit of the OpenRouter key is reached", "openrouter-key-limit", RAISE_KEY),
        LimitSource::Guardrail => (
            "the budget of an OpenRouter guardrail is reached",
            "openrouter-guardrail",
            "See 'farebox guardrails list', or ask whoever runs the OpenRouter account",
        ),
        LimitSource::Workspace => (
            "the budget of the OpenRouter workspace is reached",
            "openrouter-workspace",
            "See 'farebox workspaces', or ask whoever runs the OpenRouter account",
        ),
        LimitSource::FreeTier => (
            "the free requests of the OpenRouter account are used up for today",
            "openrouter-free-tier",
            "They begin anew at midnight UTC; ask for the model without ':free'",
        ),
        LimitSource::Other(_) => (
            "OpenRouter has no money for this request",
            "openrouter-other",
            "Look at https://openrouter.ai/settings/credits",
        ),
        LimitSource::Provider => return None,
    })
}

fn too_large() -> (&'static str, &'static str, &'static str) {
    (
        "this call alone is larger than what OpenRouter lets the account have under way",
        "openrouter-call-too-large",
        "Ask for a smaller max_tokens, or top up at https://openrouter.ai/settings/credits",
    )
}
