//! [`HonestyRow`]: which provider kept to what, as `GET /honesty` has it; and letting one in again.

use gateway::Gateway;
use http::StatusCode;
use jiff::Timestamp;
use money::Nano;
use serde::{Deserialize, Serialize};

use crate::amount;
use crate::reply::{self, Reply};
use crate::row::rfc3339;

/// What a provider did, for one model, since it was last cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HonestyRow {
    /// The model.
    pub model: String,
    /// The provider, as OpenRouter names it; empty when it did not say.
    pub provider: String,
    /// Calls that were judged.
    pub calls: u64,
    /// Calls whose output was longer than the cap that was sent.
    pub caps_broken: u64,
    /// Calls that were billed in full after they had been cancelled.
    pub cancels_broken: u64,
    /// Answers without a cost in them.
    pub usage_missing: u64,
    /// Answers that counted more prompt tokens than the model's public tokenizer can.
    pub counts_broken: u64,
    /// Calls that cost more than their bound.
    pub overruns: u64,
    /// By how much they did, USD.
    #[serde(with = "amount")]
    pub overrun_usd: Nano,
    /// The highest cost in percent of its bound, rounded up.
    pub worst_percent: u64,
    /// When the last of them happened, RFC 3339 in UTC.
    pub last_at: String,
    /// When somebody cleared it; `null`: never.
    pub cleared_at: Option<String>,
}

impl From<&store::HonestyRow> for HonestyRow {
    fn from(row: &store::HonestyRow) -> Self {
        HonestyRow {
            model: row.model.clone(),
            provider: row.provider.clone(),
            calls: row.calls,
            caps_broken: row.caps_broken,
            cancels_broken: row.cancels_broken,
            usage_missing: row.usage_missing,
            counts_broken: row.counts_broken,
            overruns: row.overruns,
            overrun_usd: row.overrun,
            worst_percent: row.worst_percent,
            last_at: rfc3339(row.last_ms),
            cleared_at: row.cleared_ms.map(rfc3339),
        }
    }
}

/// `POST /honesty/clear`: trusts a provider at a model anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClearHonesty {
    /// The model.
    pub model: String,
    /// The provider; `null`: all of that model's.
    pub provider: Option<String>,
    /// Who decides.
    pub who: String,
    /// Why; kept in the journal.
    pub why: String,
}

impl ClearHonesty {
    pub(crate) fn reply(&self, gateway: &Gateway, admission: &admission::Admission) -> Reply {
        let at = self.provider.as_ref().map_or_else(String::new, |provider| format!(" at {provider}"));
        let what = format!("trusts {}{at} anew: {}", self.model, self.why);
        if let Err(error) = admission.note_action(&self.who, &what, Timestamp::now().as_millisecond()) {
            return reply::error(StatusCode::SERVICE_UNAVAILABLE, &error.to_string());
        }
        match gateway.clear_honesty(&self.model, self.provider.as_deref()) {
            Ok(rows) if rows.is_empty() => {
                reply::error(StatusCode::NOT_FOUND, "nothing is known against it; see /honesty")
            }
            Ok(rows) => reply::json(StatusCode::OK, &rows.iter().map(HonestyRow::from).collect::<Vec<_>>()),
            Err(error) => reply::error(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
        }
    }
}
