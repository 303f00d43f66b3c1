//! [`DeclaredKey`] and [`PlainCredits`]: what a configuration says about the account.

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::account::key::Key;
use crate::account::window::Interval;
use crate::clock::Moment;
use crate::config::ConfigError;
use crate::exact::Exact;

/// A key that exists from the start: `[[keys]]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeclaredKey {
    /// What it is called.
    pub name: String,
    /// The plaintext that callers bear.
    pub key: String,
    /// USD as decimal text; none for no limit.
    pub limit: Option<String>,
    /// The window of the limit; none for the whole life.
    pub limit_reset: Option<Interval>,
    /// Whether spending at providers counts to the limit.
    pub include_byok_in_limit: bool,
    /// `2027-12-31T23:59:59Z`.
    pub expires_at: Option<String>,
    /// Refused until it is enabled.
    pub disabled: bool,
    /// The member it belongs to.
    pub creator_user_id: Option<String>,
}

/// What `GET /credits` tells an ordinary key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlainCredits {
    /// 200 and two zeros, as was observed (CONTRACT 3, 2026-09).
    #[default]
    Zeros,
    /// 403, as is documented.
    Forbidden,
    /// 200 and the real numbers.
    Real,
}

impl DeclaredKey {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |what: &str| Err(ConfigError::Range(format!("keys: {what}")));
        if self.name.is_empty() || self.key.is_empty() {
            return wrong("each needs a name and a key");
        }
        if self.limit.as_ref().is_some_and(|limit| Exact::parse(limit).is_none()) {
            return wrong("limit is decimal text, at least 0");
        }
        if self.expires_at.as_ref().is_some_and(|at| Moment::parse(at).is_none()) {
            return wrong("expires_at is like 2027-12-31T23:59:59Z");
        }
        Ok(())
    }

    pub(crate) fn key(&self, account: &Account, now: Moment) -> Key {
        let mut key = account.unlimited(self.key.as_bytes(), &self.name, now);
        key.limit = self.limit.as_deref().and_then(Exact::parse);
        key.reset = self.limit_reset;
        key.include_byok = self.include_byok_in_limit;
        key.expires = self.expires_at.as_deref().and_then(Moment::parse);
        key.disabled = self.disabled;
        if let Some(creator) = &self.creator_user_id {
            key.creator = creator.as_str().into();
        }
        key
    }
}
