//! Decisions kept for `farebox explain`: best effort, bounded, never in the way of a request.

use std::borrow::Cow;

/// One decision about one request, as it will be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The public request id.
    pub request: String,
    /// One word: what was decided.
    pub outcome: Cow<'static, str>,
    /// The explanation, a JSON object. Never prompts, never keys.
    pub json: String,
}
