//! `/keys`: the keys of an account, with a management key (CONTRACT 4; SDK of 2026-10-27).

use std::fmt;

use http::Method;
use money::Nano;
use serde::{Deserialize, Serialize};

use super::read::{self, Data};
use super::reset::{self, Reset};
use super::{AccountError, Admin, part, write};

/// A key as the account sees it. Amounts are USD; counters lag.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Key {
    /// Its public identity: SHA-256 of the plaintext, 64 hex digits.
    pub hash: String,
    /// The name it was given.
    #[serde(default)]
    pub name: String,
    /// The masked key.
    #[serde(default, deserialize_with = "read::text")]
    pub label: Option<String>,
    /// Whether it is switched off.
    #[serde(default, deserialize_with = "read::flag")]
    pub disabled: Option<bool>,
    /// Its limit per window; `None`: it has none.
    #[serde(deserialize_with = "read::limit")]
    pub limit: Option<Nano>,
    /// What is left of it in the window; below zero after an overshoot.
    #[serde(default, deserialize_with = "read::left")]
    pub limit_remaining: Option<Nano>,
    /// How often the limit begins anew; `None`: never.
    #[serde(default, deserialize_with = "reset::read")]
    pub limit_reset: Option<Reset>,
    /// Whether BYOK spend counts.
    #[serde(default, deserialize_with = "read::flag")]
    pub include_byok_in_limit: Option<bool>,
    /// Credits spent since it was made.
    #[serde(default, deserialize_with = "read::spent")]
    pub usage: Option<Nano>,
    /// Today, UTC.
    #[serde(default, deserialize_with = "read::spent")]
    pub usage_daily: Option<Nano>,
    /// This week, from Monday, UTC.
    #[serde(default, deserialize_with = "read::spent")]
    pub usage_weekly: Option<Nano>,
    /// This month, UTC.
    #[serde(default, deserialize_with = "read::spent")]
    pub usage_monthly: Option<Nano>,
    /// Spent at providers with own keys since it was made.
    #[serde(default, deserialize_with = "read::spent")]
    pub byok_usage: Option<Nano>,
    /// When it was made, RFC 3339 as written.
    #[serde(default, deserialize_with = "read::text")]
    pub created_at: Option<String>,
    /// When it was last changed.
    #[serde(default, deserialize_with = "read::text")]
    pub updated_at: Option<String>,
    /// When it was last used. Newer than 2026-08-22.
    #[serde(default, deserialize_with = "read::text")]
    pub last_used_at: Option<String>,
    /// When it ends.
    #[serde(default, deserialize_with = "read::text")]
    pub expires_at: Option<String>,
    /// Who made it.
    #[serde(default, deserialize_with = "read::text")]
    pub creator_user_id: Option<String>,
    /// Its workspace.
    #[serde(default, deserialize_with = "read::text")]
    pub workspace_id: Option<String>,
}

impl Key {
    /// Spent of the limit in its window: `limit - limit_remaining`. `None` without a limit.
    pub fn window_spent(&self) -> Option<Nano> {
        self.limit?.checked_sub(self.limit_remaining?)
    }
}

/// Which keys to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// Also those that are switched off.
    pub include_disabled: bool,
    /// Also those that have ended; hidden unless asked for.
    pub include_expired: bool,
    /// Of this workspace instead of the default one.
    pub workspace_id: Option<String>,
}

impl KeyFilter {
    fn path(&self, offset: usize) -> String {
        let mut path = format!("/keys?offset={offset}");
        if self.include_disabled {
            path += "&include_disabled=true";
        }
        if self.include_expired {
            path += "&include_expired=true";
        }
        if let Some(workspace) = &self.workspace_id {
            path += &format!("&workspace_id={}", part(workspace));
        }
        path
    }
}

/// A key to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NewKey {
    /// Its name.
    pub name: String,
    /// Its limit, USD; `None`: none.
    #[serde(serialize_with = "write::number_or_null")]
    pub limit: Option<Nano>,
    /// How often the limit begins anew; `None`: never.
    pub limit_reset: Option<Reset>,
    /// Whether BYOK spend counts.
    pub include_byok_in_limit: bool,
    /// When it ends: UTC with seconds, `2027-12-31T23:59:59Z`; anything else is turned away (CONTRACT 4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The workspace it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
}

/// What to change on a key: `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeyChange {
    /// Another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// On or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// Another limit, or `Some(None)`: none.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "write::number_changed")]
    pub limit: Option<Option<Nano>>,
    /// Another window, or `Some(None)`: for a lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_reset: Option<Option<Reset>>,
    /// Whether BYOK spend counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_byok_in_limit: Option<bool>,
    /// Moves it to this workspace; the secret stays the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
}

impl KeyChange {
    /// Whether it changes nothing; OpenRouter turns such a change away.
    pub fn is_empty(&self) -> bool {
        *self == KeyChange::default()
    }
}

/// A key that was just made, with the only sight of its plaintext.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct CreatedKey {
    /// The key as it will be listed.
    #[serde(rename = "data")]
    pub key: Key,
    /// `sk-or-v1-…`; beside `data`, and never told again (CONTRACT 4).
    #[serde(rename = "key")]
    pub plaintext: String,
}

impl fmt::Debug for CreatedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedKey").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Admin {
    /// Every key that the filter lets through, page by page, each once.
    ///
    /// There is no total, and no say over the length of a page (CONTRACT 4).
    /// Pages move when a key is made meanwhile: one that is seen twice counts once. At most 100,000 keys are read.
    ///
    /// # Errors
    /// [`AccountError`], for the first page that fails.
    pub async fn keys(&self, filter: &KeyFilter) -> Result<Vec<Key>, AccountError> {
        self.pages(|offset| filter.path(offset), |key: &Key| key.hash.clone()).await
    }

    /// One key by its hash.
    ///
    /// # Errors
    /// [`AccountError::NotFound`] when there is none.
    pub async fn key(&self, hash: &str) -> Result<Key, AccountError> {
        let answer: Data<Key> = self.get(&format!("/keys/{}", part(hash))).await?;
        Ok(answer.data)
    }

    /// Makes a key. After [`AccountError::may_have_happened`] one may exist whose plaintext nobody knows.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn create_key(&self, new: &NewKey) -> Result<CreatedKey, AccountError> {
        self.send(Method::POST, "/keys", new).await
    }

    /// Changes a key.
    ///
    /// # Errors
    /// [`AccountError`]; [`AccountError::Invalid`] for a change that changes nothing.
    pub async fn update_key(&self, hash: &str, change: &KeyChange) -> Result<Key, AccountError> {
        let answer: Data<Key> = self.send(Method::PATCH, &format!("/keys/{}", part(hash)), change).await?;
        Ok(answer.data)
    }

    /// Deletes a key for good; calls with it answer 401 from then on.
    ///
    /// # Errors
    /// [`AccountError::NotFound`] when there is none.
    pub async fn delete_key(&self, hash: &str) -> Result<(), AccountError> {
        self.delete(&format!("/keys/{}", part(hash))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CONTRACT A.1.
    const CREATED: &str = r#"{"key":"sk-or-v1-1111111111111111111111111111111111111111111111111111111111111111",
        "data":{"hash":"6b1f0c2d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c","name":"team-a","label":"sk-or-v1-111...111",
        "disabled":false,"limit":50,"limit_remaining":50,"limit_reset":"monthly","include_byok_in_limit":false,
        "usage":0,"usage_daily":0,"usage_weekly":0,"usage_monthly":0,"byok_usage":0,"byok_usage_daily":0,"byok_usage_weekly":0,"byok_usage_monthly":0,
        "created_at":"2026-11-23T10:00:00.000Z","updated_at":null,"last_used_at":null,"expires_at":"2027-12-31T23:59:59Z",
        "creator_user_id":"user_X","workspace_id":"00000000-0000-0000-0000-000000000001","external_user":null}}"#;

    #[test]
    fn the_plaintext_stands_beside_the_data() {
        let created: CreatedKey = serde_json::from_str(CREATED).expect("a key");
        assert!(created.plaintext.starts_with("sk-or-v1-1111"));
        assert_eq!((created.key.name.as_str(), created.key.limit), ("team-a", Some(Nano::from_cents(5_000))));
        assert_eq!(created.key.window_spent(), Some(Nano::ZERO));
        assert!(!format!("{created:?}").contains("sk-or-v1-1111"), "a key is never printed by accident");
    }

    fn json(body: &impl Serialize) -> String {
        serde_json::to_string(body).expect("JSON")
    }

    #[test]
    fn bodies_have_exact_numbers_and_only_what_changes() {
        let new = NewKey {
            name: "backend-prod".to_owned(),
            limit: Nano::parse_floor("50.000000001").ok(),
            limit_reset: Some(Reset::Monthly),
            expires_at: Some("2027-12-31T23:59:59Z".to_owned()),
            ..NewKey::default()
        };
        assert_eq!(
            json(&new),
            r#"{"name":"backend-prod","limit":50.000000001,"limit_reset":"monthly","include_byok_in_limit":false,"expires_at":"2027-12-31T23:59:59Z"}"#
        );
        assert_eq!(
            json(&NewKey { name: "a".to_owned(), ..NewKey::default() }),
            r#"{"name":"a","limit":null,"limit_reset":null,"include_byok_in_limit":false}"#
        );
        let change = KeyChange {
            limit: Some(None),
            limit_reset: Some(None),
            disabled: Some(true),
            ..KeyChange::default()
        };
        assert_eq!(json(&change), r#"{"disabled":true,"limit":null,"limit_reset":null}"#);
        let change = KeyChange { limit: Some(Some(Nano::from_cents(7_550))), ..KeyChange::default() };
        assert_eq!(json(&change), r#"{"limit":75.5}"#);
        assert!(KeyChange::default().is_empty() && !change.is_empty());
    }

    #[test]
    fn filters() {
        let filter =
            KeyFilter { include_disabled: true, include_expired: true, workspace_id: Some("a&b".to_owned()) };
        assert_eq!(
            filter.path(200),
            "/keys?offset=200&include_disabled=true&include_expired=true&workspace_id=a%26b"
        );
        assert_eq!(KeyFilter::default().path(0), "/keys?offset=0");
    }
}
