//! [`Bill`]: what was billed, for auditors.

use std::collections::BTreeMap;

use serde::Serialize;

/// Everything billed so far, as exact decimal text in USD: unrounded, without exponent.
///
/// Generations that still run are in it at their whole cost; an aborted one may become cheaper, never dearer. Late
/// charges and corrections are in it once their time has come: [`Bill::pending`] counts those to come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bill {
    /// The sum: what OpenRouter charges, and what the provider charges when the account brings its own key.
    #[serde(rename = "total_usd")]
    pub total: String,
    /// Generations that ran.
    pub requests: u64,
    /// By the first 16 hex digits of the SHA-256 of the bearer key.
    pub by_key: BTreeMap<String, String>,
    /// By the id of the model that answered.
    pub by_model: BTreeMap<String, String>,
    /// The part that OpenRouter charges.
    pub openrouter_usd: String,
    /// The part that providers charge.
    pub provider_usd: String,
    /// Generations that have not ended.
    pub running: u64,
    /// Generations that were stopped by the client.
    pub aborted: u64,
    /// Generations that failed at the provider.
    pub failed: u64,
    /// Generations that were answered with an error and billed later.
    pub late: u64,
    /// Generations whose cost was changed after their end.
    pub corrected: u64,
    /// Generations that bill another one a second time.
    pub duplicated: u64,
    /// Late charges and corrections whose time has not come.
    pub pending: u64,
}
