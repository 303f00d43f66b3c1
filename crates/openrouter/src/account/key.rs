//! `GET /key`: what OpenRouter says about the key it is asked with (CONTRACT 2; SDK of 2026-10-27, live body of
//! 2026-10-02).

use http::Method;
use money::{Exact, Nano};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::AccountError;
use super::error::clean;
use super::read::{self, Data};
use super::reset::{self, Reset};
use crate::client::Upstream;

/// A key as it sees itself. Amounts are USD; the counters lag by seconds to minutes (CONTRACT 2).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct KeyInfo {
    /// The masked key, or the name it was given.
    #[serde(default, deserialize_with = "read::text")]
    pub label: Option<String>,
    /// The key's own limit per window; `None`: it has none.
    #[serde(deserialize_with = "read::limit")]
    pub limit: Option<Nano>,
    /// What is left of that limit in the current window; below zero after an overshoot. `None` without a limit.
    #[serde(default, deserialize_with = "read::left")]
    pub limit_remaining: Option<Nano>,
    /// How often the limit begins anew; `None`: never, it is for a lifetime.
    #[serde(default, deserialize_with = "reset::read")]
    pub limit_reset: Option<Reset>,
    /// Whether what own keys at providers (BYOK) would cost counts towards the limit.
    #[serde(default, deserialize_with = "read::flag")]
    pub include_byok_in_limit: Option<bool>,
    /// Credits spent since the key was made. Not what the limit is held against: that is [`KeyInfo::window_spent`].
    #[serde(default, deserialize_with = "read::spent")]
    pub usage: Option<Nano>,
    /// Credits spent today (UTC).
    #[serde(default, deserialize_with = "read::spent")]
    pub usage_daily: Option<Nano>,
    /// Credits spent this week (Monday to Sunday, UTC).
    #[serde(default, deserialize_with = "read::spent")]
    pub usage_weekly: Option<Nano>,
    /// Credits spent this calendar month (UTC).
    #[serde(default, deserialize_with = "read::spent")]
    pub usage_monthly: Option<Nano>,
    /// Spent at providers with own keys (BYOK) since the key was made.
    #[serde(default, deserialize_with = "read::spent")]
    pub byok_usage: Option<Nano>,
    /// [`KeyInfo::usage`], digits as written, for comparisons to the last of them.
    #[serde(skip)]
    pub usage_text: Option<String>,
    /// [`KeyInfo::byok_usage`], digits as written.
    #[serde(skip)]
    pub byok_usage_text: Option<String>,
    /// The same today.
    #[serde(default, deserialize_with = "read::spent")]
    pub byok_usage_daily: Option<Nano>,
    /// The same this week.
    #[serde(default, deserialize_with = "read::spent")]
    pub byok_usage_weekly: Option<Nano>,
    /// The same this month.
    #[serde(default, deserialize_with = "read::spent")]
    pub byok_usage_monthly: Option<Nano>,
    /// Whether the account has never paid.
    #[serde(default, deserialize_with = "read::flag")]
    pub is_free_tier: Option<bool>,
    #[serde(default, deserialize_with = "read::flag")]
    is_management_key: Option<bool>,
    #[serde(default, deserialize_with = "read::flag")]
    is_provisioning_key: Option<bool>,
    /// Who made it.
    #[serde(default, deserialize_with = "read::text")]
    pub creator_user_id: Option<String>,
    /// When it ends, RFC 3339 as written; `None`: it does not say, or never.
    #[serde(default, deserialize_with = "read::text")]
    pub expires_at: Option<String>,
    /// The organisation it belongs to.
    #[serde(default, deserialize_with = "read::text")]
    pub organization_id: Option<String>,
    /// The workspace it belongs to.
    #[serde(default, deserialize_with = "read::text")]
    pub workspace_id: Option<String>,
    /// Regions it may send data to: `global`, `europe`, `us`.
    #[serde(default, deserialize_with = "read::list")]
    pub allowed_data_regions: Vec<String>,
    /// Deprecated by OpenRouter.
    #[serde(default, deserialize_with = "read::lenient")]
    pub rate_limit: Option<RateLimit>,
    /// The account's count of requests to `:free` models.
    #[serde(default, deserialize_with = "read::lenient")]
    pub free_model_daily_requests: Option<FreeModels>,
    /// Every layer that can block this key, in the order in which they are checked. Newer than 2026-10-02.
    #[serde(default, deserialize_with = "read::list")]
    pub budgets: Vec<KeyBudget>,
    /// The layer that blocks first: one already spent, else the one with the least left. Newer than 2026-10-02.
    #[serde(default, deserialize_with = "read::lenient")]
    pub effective_budget: Option<KeyBudget>,
}

#[derive(Deserialize)]
struct Written {
    #[serde(default, deserialize_with = "read::number")]
    usage: Option<String>,
    #[serde(default, deserialize_with = "read::number")]
    byok_usage: Option<String>,
}

/// A limit on a key: its own, its guardrail's, its workspace's. Amounts are USD.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct KeyBudget {
    /// Whose: `workspace_default_member`, `workspace_default_key`, `member`, `api_key`, `workspace`, `key_limit`.
    #[serde(default, deserialize_with = "read::text")]
    pub scope: Option<String>,
    /// The guardrail that sets it.
    #[serde(default, deserialize_with = "read::text")]
    pub guardrail_id: Option<String>,
    /// The workspace's budget that sets it.
    #[serde(default, deserialize_with = "read::text")]
    pub budget_id: Option<String>,
    /// How much per window.
    #[serde(deserialize_with = "read::some_limit")]
    pub limit_usd: Nano,
    /// Spent in the window.
    #[serde(default, deserialize_with = "read::spent")]
    pub spend_usd: Option<Nano>,
    /// Left in the window; zero and below means 403 until it begins anew.
    #[serde(default, deserialize_with = "read::left")]
    pub remaining_usd: Option<Nano>,
    /// How often it begins anew.
    #[serde(default, deserialize_with = "reset::read")]
    pub reset_interval: Option<Reset>,
    /// When it does next, RFC 3339 as written.
    #[serde(default, deserialize_with = "read::text")]
    pub resets_at: Option<String>,
    /// Whether BYOK spend counts.
    #[serde(default, deserialize_with = "read::flag")]
    pub include_byok: Option<bool>,
}

/// Requests to `:free` models today (UTC), of the whole account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FreeModels {
    /// Made.
    #[serde(default, deserialize_with = "read::count")]
    pub used: Option<u64>,
    /// Allowed.
    #[serde(default, deserialize_with = "read::count")]
    pub limit: Option<u64>,
    /// Left.
    #[serde(default, deserialize_with = "read::count")]
    pub remaining: Option<u64>,
}

/// The old rate limit; OpenRouter calls it deprecated and safe to ignore.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RateLimit {
    /// Requests per interval; -1: none.
    #[serde(default, deserialize_with = "read::signed")]
    pub requests: Option<i64>,
    /// Such as `10s`.
    #[serde(default, deserialize_with = "read::text")]
    pub interval: Option<String>,
    /// What OpenRouter says about it.
    #[serde(default, deserialize_with = "read::text")]
    pub note: Option<String>,
}

impl KeyInfo {
    /// Reads a key, and its two counters for a lifetime once more as they are written.
    fn read(text: &str) -> serde_json::Result<KeyInfo> {
        let written: Written = serde_json::from_str(text)?;
        let info: KeyInfo = serde_json::from_str(text)?;
        Ok(KeyInfo { usage_text: written.usage, byok_usage_text: written.byok_usage, ..info })
    }

    /// All that was ever charged for this key, own keys at providers included, to the last digit; what is finer than
    /// [`Exact`] rounds up. `None` when either counter does not say.
    pub fn charged(&self) -> Option<Exact> {
        let read = |text: &Option<String>| Exact::parse_ceil(text.as_deref()?).ok();
        Some(read(&self.usage_text)? + read(&self.byok_usage_text)?)
    }

    /// Whether it is a management key, which administers and cannot do inference.
    pub fn is_management_key(&self) -> bool {
        self.is_management_key == Some(true) || self.is_provisioning_key == Some(true)
    }

    /// Spent of the limit in its window: `limit - limit_remaining`, not `usage`, which is for a lifetime
    /// (CONTRACT 2: several tools shipped that mistake). `None` without a limit, or when it does not say.
    pub fn window_spent(&self) -> Option<Nano> {
        self.limit?.checked_sub(self.limit_remaining?)
    }
}

impl Upstream {
    /// `GET /key`: what OpenRouter says about `key`, of any kind.
    ///
    /// # Errors
    /// [`AccountError`]; statuses seen are 200, 401 and 500.
    pub async fn key(&self, key: &str) -> Result<KeyInfo, AccountError> {
        let answer: Data<Box<RawValue>> = self.ask_json(Method::GET, "/key", key, None).await?;
        KeyInfo::read(answer.data.get()).map_err(|error| AccountError::Unreadable(clean(&error.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CONTRACT 2.
    const BODY: &str = r#"{"data":{"label":"sk-or-v1-aaa...111","limit":30,"limit_remaining":29.9999982,"limit_reset":"daily",
        "include_byok_in_limit":false,"usage":3.17561396,"usage_daily":0.0000018,"usage_weekly":1.2,"usage_monthly":3.17561396,
        "byok_usage":0,"byok_usage_daily":0,"byok_usage_weekly":0,"byok_usage_monthly":0,"is_free_tier":false,
        "is_management_key":false,"is_provisioning_key":false,"creator_user_id":"user_X","organization_id":null,
        "workspace_id":"00000000-0000-0000-0000-000000000000","expires_at":null,"allowed_data_regions":["global"],
        "free_model_daily_requests":{"used":2,"limit":1000,"remaining":998},
        "budgets":[{"scope":"key_limit","guardrail_id":null,"budget_id":null,"limit_usd":30,"spend_usd":0.0000018,
          "remaining_usd":29.9999982,"reset_interval":"daily","resets_at":"2026-11-24T00:00:00Z","include_byok":false}],
        "effective_budget":{"scope":"key_limit","guardrail_id":null,"budget_id":null,"limit_usd":30,"spend_usd":0.0000018,
          "remaining_usd":29.9999982,"reset_interval":"daily","resets_at":"2026-11-24T00:00:00Z","include_byok":false},
        "rate_limit":{"requests":-1,"interval":"10s","note":"This field is deprecated and safe to ignore."}}}"#;

    fn read(body: &str) -> Result<KeyInfo, String> {
        serde_json::from_str::<Data<Box<RawValue>>>(body)
            .and_then(|answer| KeyInfo::read(answer.data.get()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_whole_answer() {
        let info = read(BODY).expect("a key");
        assert_eq!(info.label.as_deref(), Some("sk-or-v1-aaa...111"));
        assert_eq!(info.window_spent(), Some(Nano::from_nanos(1_800)), "not the lifetime's 3.17561396");
        assert_eq!(info.usage, Some(Nano::from_nanos(3_175_613_960)));
        assert_eq!(info.usage_text.as_deref(), Some("3.17561396"));
        assert_eq!(info.charged().map(|sum| sum.to_string()).as_deref(), Some("3.175613960"));
        assert_eq!(info.limit_reset, Some(Reset::Daily));
        assert_eq!((info.is_free_tier, info.is_management_key()), (Some(false), false));
        assert_eq!(info.free_model_daily_requests.as_ref().and_then(|free| free.remaining), Some(998));
        assert_eq!(info.rate_limit.as_ref().and_then(|limit| limit.requests), Some(-1));
        assert_eq!(info.budgets.len(), 1);
        assert_eq!(info.effective_budget.as_ref(), info.budgets.first());
    }

    #[test]
    fn an_older_body_and_one_of_tomorrow() {
        let info = read(r#"{"data":{"limit":null,"usage":0.5,"is_provisioning_key":true}}"#).expect("a key");
        assert_eq!((info.limit, info.window_spent(), info.usage_daily), (None, None, None));
        assert_eq!(info.charged(), None, "a counter is missing, which is not zero");
        assert!(info.is_management_key() && info.budgets.is_empty() && info.effective_budget.is_none());
        let info = read(
            r#"{"data":{"limit":"2.5e1","limit_remaining":-0.0142,"limit_reset":"hourly","usage":"0.1","usage_daily":{},
                "is_free_tier":"yes","free_model_daily_requests":7,"budgets":[{"limit_usd":null},{"limit_usd":1,"scope":"moon"}],
                "effective_budget":[],"something_new":[1,{"a":2}]}}"#,
        )
        .expect("a key");
        assert_eq!(info.window_spent(), Some(Nano::from_nanos(25_014_200_000)));
        assert_eq!(info.limit_reset, Some(Reset::Other("hourly".to_owned())));
        assert_eq!((info.is_free_tier, info.usage_daily), (None, None), "what cannot be read is not there");
        assert_eq!(info.budgets.len(), 1);
        assert_eq!(info.budgets[0].scope.as_deref(), Some("moon"));
    }

    #[test]
    fn charged_to_the_last_digit() {
        let body = r#"{"data":{"limit":null,"usage":"1.5e-12","byok_usage":0.00000000000000001}}"#;
        let info = read(body).expect("a key");
        assert_eq!(info.charged().map(|sum| sum.to_string()).as_deref(), Some("0.00000000000150001"));
        assert_eq!(info.usage, Some(Nano::from_nanos(1)), "rounded up for people");
    }

    #[test]
    fn no_limit_is_a_statement() {
        assert!(read(r#"{"data":{"usage":1}}"#).expect_err("no limit").contains("limit"));
        assert!(read(r#"{"data":{"limit":"much"}}"#).expect_err("no amount").contains("decimal"));
        assert!(read(r#"{"data":null}"#).is_err());
    }
}
