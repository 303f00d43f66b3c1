//! Errors as OpenRouter words them (CONTRACT 10).

/// An error body, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamError {
    /// HTTP status of the answer.
    pub status: u16,
    /// `error.code`, number or string, as text; empty when there is none.
    pub code: String,
    /// `error.message`; the validation shape's message when that is what came.
    pub message: String,
    /// Whose limit was hit.
    pub limit_source: Option<LimitSource>,
    /// `error_type`, wherever the skin puts it.
    pub error_type: Option<String>,
    /// `error.availability.code`.
    pub availability: Option<String>,
    /// `error.metadata.reason`.
    pub reason: Option<String>,
    /// When the limit opens again, as written.
    pub resets_at: Option<String>,
    /// The provider it came from.
    pub provider: Option<String>,
}

/// Whose money or rate limit refused a request (CONTRACT 10.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitSource {
    /// The account's credits.
    Credits,
    /// The limit of the upstream key.
    Key,
    /// A guardrail's budget.
    Guardrail,
    /// A workspace's budget.
    Workspace,
    /// OpenRouter's own in-flight budget; passes by itself.
    InFlight,
    /// The daily count of free requests.
    FreeTier,
    /// The provider's shared pool; passes by itself.
    Provider,
    /// One we do not know, as written.
    Other(String),
}

impl UpstreamError {
    /// Reads an error body; `None` when it is not one of OpenRouter's.
    pub fn read(status: u16, body: &[u8]) -> Option<UpstreamError> {
        let _ = (status, body);
        None
    }

    /// Whether no endpoint is left within `provider.max_price`: the price book may be stale.
    pub fn is_max_price(&self) -> bool {
        false
    }

    /// Whether the same request may succeed a little later without anyone doing anything.
    pub fn is_retryable(&self) -> bool {
        false
    }

    /// Whose money is used up, when that is what the error says.
    pub fn money_limit(&self) -> Option<&LimitSource> {
        None
    }
}
