//! `/workspaces` and the budgets of one: the only shared budget OpenRouter has, for enterprises (CONTRACT 6.2; spec of
//! 2026-08-22). It is checked before routing and lets calls in flight end, so spend may overshoot it by design.

use http::Method;
use money::Nano;
use serde::{Deserialize, Serialize};

use super::read;
use super::reset::{self, Reset};
use super::{AccountError, Admin, PAGE_ROWS, part, write};

/// A workspace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Workspace {
    /// Its id, a UUID.
    pub id: String,
    /// Its short name in addresses.
    #[serde(default, deserialize_with = "read::text")]
    pub slug: Option<String>,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    #[serde(default, deserialize_with = "read::text")]
    pub description: Option<String>,
    /// The guardrail that covers all its traffic.
    #[serde(default, deserialize_with = "read::text")]
    pub default_guardrail_id: Option<String>,
    /// When it was made, RFC 3339 as written.
    #[serde(default, deserialize_with = "read::text")]
    pub created_at: Option<String>,
}

/// One budget of a workspace, USD.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WorkspaceBudget {
    /// Its id.
    #[serde(default, deserialize_with = "read::text")]
    pub id: Option<String>,
    /// How much per window.
    #[serde(deserialize_with = "read::some_limit")]
    pub limit_usd: Nano,
    /// How often it begins anew; `None`: never, it is for a lifetime.
    #[serde(default, deserialize_with = "reset::read")]
    pub reset_interval: Option<Reset>,
    /// When it was made, RFC 3339 as written.
    #[serde(default, deserialize_with = "read::text")]
    pub created_at: Option<String>,
    /// When it was last changed.
    #[serde(default, deserialize_with = "read::text")]
    pub updated_at: Option<String>,
}

/// The budgets of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct WorkspaceBudgets {
    /// One per window at most.
    #[serde(rename = "data")]
    pub budgets: Vec<WorkspaceBudget>,
    /// Whether BYOK spend counts, for all of them.
    #[serde(default, deserialize_with = "read::flag")]
    pub include_byok_in_budgets: Option<bool>,
}

#[derive(Deserialize)]
struct One {
    data: WorkspaceBudget,
}

#[derive(Serialize)]
struct Put {
    #[serde(serialize_with = "write::number")]
    limit_usd: Nano,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_byok_in_budgets: Option<bool>,
}

impl Admin {
    /// Every workspace.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn workspaces(&self) -> Result<Vec<Workspace>, AccountError> {
        let path = |offset| format!("/workspaces?offset={offset}&limit={PAGE_ROWS}");
        self.pages(path, |row: &Workspace| row.id.clone()).await
    }

    /// The budgets of a workspace, by its id or slug. A fresh workspace may answer 404 (CONTRACT 6.2).
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn workspace_budgets(&self, workspace: &str) -> Result<WorkspaceBudgets, AccountError> {
        self.get(&format!("/workspaces/{}/budgets", part(workspace))).await
    }

    /// Sets the budget of one window (`None`: lifetime). Limits must strictly fall from lifetime over monthly and
    /// weekly to daily, or the answer is 400.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn set_workspace_budget(
        &self,
        workspace: &str,
        interval: Option<&Reset>,
        limit_usd: Nano,
        include_byok_in_budgets: Option<bool>,
    ) -> Result<WorkspaceBudget, AccountError> {
        let body = Put { limit_usd, include_byok_in_budgets };
        let answer: One = self.send(Method::PUT, &path(workspace, interval), &body).await?;
        Ok(answer.data)
    }

    /// Takes the budget of one window away; one that is not there is no error.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn remove_workspace_budget(
        &self,
        workspace: &str,
        interval: Option<&Reset>,
    ) -> Result<(), AccountError> {
        self.delete(&path(workspace, interval)).await
    }
}

fn path(workspace: &str, interval: Option<&Reset>) -> String {
    let word = interval.map_or("lifetime", Reset::word);
    format!("/workspaces/{}/budgets/{}", part(workspace), part(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_bodies() {
        // CONTRACT A.4.
        let body = r#"{"data":{"id":"00000000-0000-0000-0000-000000000002","workspace_id":"00000000-0000-0000-0000-000000000001","limit_usd":500,
            "reset_interval":"monthly","created_at":"2026-11-01T00:00:00Z","updated_at":"2026-11-23T10:00:00Z"},"include_byok_in_budgets":false}"#;
        let one = serde_json::from_str::<One>(body).expect("a budget").data;
        assert_eq!((one.limit_usd, one.reset_interval), (Nano::from_cents(50_000), Some(Reset::Monthly)));
        let list = r#"{"data":[{"limit_usd":1,"reset_interval":null}],"include_byok_in_budgets":true}"#;
        let list: WorkspaceBudgets = serde_json::from_str(list).expect("budgets");
        assert_eq!(
            (list.budgets[0].reset_interval.clone(), list.include_byok_in_budgets),
            (None, Some(true))
        );
        let put = Put { limit_usd: Nano::from_cents(12_345), include_byok_in_budgets: None };
        assert_eq!(serde_json::to_string(&put).expect("JSON"), r#"{"limit_usd":123.45}"#);
        assert_eq!(path("a/b", None), "/workspaces/a%2Fb/budgets/lifetime");
        assert_eq!(path("prod", Some(&Reset::Weekly)), "/workspaces/prod/budgets/weekly");
    }
}
