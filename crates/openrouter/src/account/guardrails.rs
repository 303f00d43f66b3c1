//! `/guardrails`: budgets and allow-lists that OpenRouter holds keys and members to (CONTRACT 6.1; spec of 2026-08-22).
//!
//! A guardrail does nothing until it is assigned. Its budget is *per key and per member*, never shared by those who
//! carry it; one guardrail per key, and assigning another replaces it.

use std::fmt;

use http::Method;
use money::Nano;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::read::{self, Data};
use super::reset::{self, Reset};
use super::{AccountError, Admin, PAGE_ROWS, part, write};

/// A guardrail. Amounts are USD.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Guardrail {
    /// Its id, a UUID.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    #[serde(default, deserialize_with = "read::text")]
    pub description: Option<String>,
    /// The workspace it is filed under.
    #[serde(default, deserialize_with = "read::text")]
    pub workspace_id: Option<String>,
    /// The budget of each key and each member that carries it; `None`: no budget.
    #[serde(default, deserialize_with = "read::limit")]
    pub limit_usd: Option<Nano>,
    /// How often that budget begins anew.
    #[serde(default, deserialize_with = "reset::read")]
    pub reset_interval: Option<Reset>,
    /// Whether BYOK spend counts.
    #[serde(default, deserialize_with = "read::flag")]
    pub include_byok_in_budgets: Option<bool>,
    /// The only models allowed; `None`: all.
    #[serde(default, deserialize_with = "read::lenient")]
    pub allowed_models: Option<Vec<String>>,
    /// Models not allowed.
    #[serde(default, deserialize_with = "read::lenient")]
    pub ignored_models: Option<Vec<String>>,
    /// The only providers allowed; `None`: all.
    #[serde(default, deserialize_with = "read::lenient")]
    pub allowed_providers: Option<Vec<String>>,
    /// Providers not allowed.
    #[serde(default, deserialize_with = "read::lenient")]
    pub ignored_providers: Option<Vec<String>>,
    /// When it was made, RFC 3339 as written.
    #[serde(default, deserialize_with = "read::text")]
    pub created_at: Option<String>,
    /// When it was last changed.
    #[serde(default, deserialize_with = "read::text")]
    pub updated_at: Option<String>,
}

/// A guardrail to be made. A budget needs both `limit_usd` and `reset_interval`, or OpenRouter answers 400.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NewGuardrail {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The workspace to file it under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// The budget of each key and each member.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "write::number_or_null")]
    pub limit_usd: Option<Nano>,
    /// How often it begins anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_interval: Option<Reset>,
    /// Whether BYOK spend counts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub include_byok_in_budgets: bool,
    /// The only models allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_models: Option<Vec<String>>,
    /// The only providers allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_providers: Option<Vec<String>>,
}

/// What to change on a guardrail: `None` stays, `Some(None)` takes it away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GuardrailChange {
    /// Another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Another budget.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "write::number_changed")]
    pub limit_usd: Option<Option<Nano>>,
    /// Another window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_interval: Option<Option<Reset>>,
    /// Whether BYOK spend counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_byok_in_budgets: Option<bool>,
    /// Other models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_models: Option<Option<Vec<String>>>,
    /// Other providers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_providers: Option<Option<Vec<String>>>,
}

impl GuardrailChange {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == GuardrailChange::default()
    }
}

/// Who carries a guardrail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignee {
    /// Keys, by their hashes.
    Keys,
    /// Members, by their user ids.
    Members,
}

impl Assignee {
    fn word(self) -> &'static str {
        match self {
            Assignee::Keys => "keys",
            Assignee::Members => "members",
        }
    }

    fn field(self) -> &'static str {
        match self {
            Assignee::Keys => "key_hashes",
            Assignee::Members => "member_user_ids",
        }
    }
}

impl fmt::Display for Assignee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One key or member that carries a guardrail.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Assigned {
    /// Which guardrail.
    #[serde(default, deserialize_with = "read::text")]
    pub guardrail_id: Option<String>,
    /// The key's hash.
    #[serde(default, deserialize_with = "read::text")]
    pub key_hash: Option<String>,
    /// The key's name.
    #[serde(default, deserialize_with = "read::text")]
    pub key_name: Option<String>,
    /// The masked key.
    #[serde(default, deserialize_with = "read::text")]
    pub key_label: Option<String>,
    /// The member.
    #[serde(default, deserialize_with = "read::text")]
    pub user_id: Option<String>,
    /// Since when, RFC 3339 as written.
    #[serde(default, deserialize_with = "read::text")]
    pub created_at: Option<String>,
}

#[derive(Deserialize)]
struct Count {
    #[serde(default, deserialize_with = "read::count", alias = "unassigned_count")]
    assigned_count: Option<u64>,
}

impl Admin {
    /// Every guardrail, of one workspace when given.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn guardrails(&self, workspace: Option<&str>) -> Result<Vec<Guardrail>, AccountError> {
        let more = workspace.map_or(String::new(), |id| format!("&workspace_id={}", part(id)));
        let path = |offset| format!("/guardrails?offset={offset}&limit={PAGE_ROWS}{more}");
        self.pages(path, |row: &Guardrail| row.id.clone()).await
    }

    /// One guardrail.
    ///
    /// # Errors
    /// [`AccountError::NotFound`] when there is none.
    pub async fn guardrail(&self, id: &str) -> Result<Guardrail, AccountError> {
        let answer: Data<Guardrail> = self.get(&format!("/guardrails/{}", part(id))).await?;
        Ok(answer.data)
    }

    /// Makes one. It does nothing until it is assigned.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn create_guardrail(&self, new: &NewGuardrail) -> Result<Guardrail, AccountError> {
        let answer: Data<Guardrail> = self.send(Method::POST, "/guardrails", new).await?;
        Ok(answer.data)
    }

    /// Changes one.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn update_guardrail(
        &self,
        id: &str,
        change: &GuardrailChange,
    ) -> Result<Guardrail, AccountError> {
        let path = format!("/guardrails/{}", part(id));
        let answer: Data<Guardrail> = self.send(Method::PATCH, &path, change).await?;
        Ok(answer.data)
    }

    /// Deletes one; whoever carried it is held by it no longer.
    ///
    /// # Errors
    /// [`AccountError::NotFound`] when there is none.
    pub async fn delete_guardrail(&self, id: &str) -> Result<(), AccountError> {
        self.delete(&format!("/guardrails/{}", part(id))).await
    }

    /// Who carries a guardrail.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn assigned(&self, id: &str, who: Assignee) -> Result<Vec<Assigned>, AccountError> {
        let path =
            |offset| format!("/guardrails/{}/assignments/{who}?offset={offset}&limit={PAGE_ROWS}", part(id));
        let name = |row: &Assigned| format!("{:?}{:?}", row.key_hash, row.user_id);
        self.pages(path, name).await
    }

    /// Assigns a guardrail, in place of the one that each had. How many were assigned, when it says.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn assign(
        &self,
        id: &str,
        who: Assignee,
        names: &[String],
    ) -> Result<Option<u64>, AccountError> {
        let path = format!("/guardrails/{}/assignments/{who}", part(id));
        let count: Count = self.send(Method::POST, &path, &json!({ who.field(): names })).await?;
        Ok(count.assigned_count)
    }

    /// Takes it away again. How many it was taken from, when it says.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn unassign(
        &self,
        id: &str,
        who: Assignee,
        names: &[String],
    ) -> Result<Option<u64>, AccountError> {
        let path = format!("/guardrails/{}/assignments/{who}/remove", part(id));
        let count: Count = self.send(Method::POST, &path, &json!({ who.field(): names })).await?;
        Ok(count.assigned_count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let body = r#"{"data":{"id":"550e8400","name":"eng-default","limit_usd":20,"reset_interval":"daily","include_byok_in_budgets":false,
            "allowed_models":["openai/gpt-4o-mini","anthropic/claude-haiku-4.5"],"allowed_providers":null,"enforce_zdr_other":true,
            "content_filter_builtins":[{"slug":"email","action":"redact"}]}}"#;
        let row = serde_json::from_str::<Data<Guardrail>>(body).expect("a guardrail").data;
        assert_eq!((row.limit_usd, row.reset_interval), (Some(Nano::from_cents(2_000)), Some(Reset::Daily)));
        assert_eq!(row.allowed_models.map(|models| models.len()), Some(2));
        assert!(
            serde_json::from_str::<Data<Guardrail>>(r#"{"data":{"id":"x","limit_usd":"lots"}}"#).is_err()
        );
    }

    #[test]
    fn bodies() {
        let new = NewGuardrail {
            name: "eng".to_owned(),
            limit_usd: Some(Nano::from_cents(2_000)),
            reset_interval: Some(Reset::Daily),
            allowed_models: Some(vec!["a".to_owned()]),
            ..NewGuardrail::default()
        };
        let json = serde_json::to_string(&new).expect("JSON");
        assert_eq!(json, r#"{"name":"eng","limit_usd":20,"reset_interval":"daily","allowed_models":["a"]}"#);
        let change = GuardrailChange {
            limit_usd: Some(None),
            reset_interval: Some(None),
            allowed_models: Some(None),
            ..GuardrailChange::default()
        };
        let json = serde_json::to_string(&change).expect("JSON");
        assert_eq!(json, r#"{"limit_usd":null,"reset_interval":null,"allowed_models":null}"#);
    }
}
