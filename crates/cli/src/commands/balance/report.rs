//! [`Report`]: everything that was found out, and its JSON.

use jiff::Timestamp;
use money::Nano;
use openrouter::account::{KeyBudget, KeyInfo};
use serde_json::{Value, json};

use super::books::Held;
use super::credits::Account;
use super::pace::Runway;
use crate::instant;

/// What was found out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report<'a> {
    pub(crate) now: Timestamp,
    pub(crate) key: Option<&'a KeyInfo>,
    pub(crate) account: &'a Account,
    pub(crate) books: Option<&'a Held>,
}

impl Report<'_> {
    /// What `--json` prints. `null`: not told, or there is none.
    pub(crate) fn json(&self) -> Value {
        json!({
            "as_of": instant::seconds(self.now),
            "key": self.key.map(|key| key_json(key, self.now)),
            "credits": self.credits(),
            "books": self.books.map(|held| json!({
                "held_usd": held.running.to_string(),
                "held_calls": held.running_count,
                "unknown_usd": held.unknown.to_string(),
                "unknown_calls": held.unknown_count,
            })),
        })
    }

    /// `status` is `told`, or why there are no numbers.
    fn credits(&self) -> Value {
        match self.account {
            Account::Told { credits, last_week } => {
                let runway = last_week.and_then(|spent| Runway::of_credits(spent, credits.left()));
                json!({
                    "status": "told",
                    "bought_usd": credits.bought.to_string(),
                    "used_usd": credits.used.to_string(),
                    "left_usd": credits.left().to_string(),
                    "last_7_days_usd": usd(*last_week),
                    "runway": runway.map(|runway| runway_json(&runway, self.now)),
                })
            }
            Account::NoManagementKey => json!({ "status": "needs-management-key" }),
            Account::Zeros { .. } => json!({ "status": "zeros-to-an-ordinary-key" }),
            Account::Ordinary { .. } => json!({ "status": "told-to-an-ordinary-key" }),
            Account::NotTold => json!({ "status": "failed" }),
        }
    }
}

fn key_json(key: &KeyInfo, now: Timestamp) -> Value {
    let resets_at = key.limit.and_then(|_| instant::resets_at(key.limit_reset.as_ref(), now));
    json!({
        "label": key.label,
        "is_management_key": key.is_management_key(),
        "is_free_tier": key.is_free_tier,
        "limit_usd": usd(key.limit),
        "limit_remaining_usd": usd(key.limit_remaining),
        "window_spent_usd": usd(key.window_spent()),
        "limit_reset": key.limit_reset.as_ref().map(ToString::to_string),
        "resets_at": resets_at.map(|at| at.to_string()),
        "expires_at": key.expires_at,
        "usage_usd": usd(key.usage),
        "usage_daily_usd": usd(key.usage_daily),
        "usage_weekly_usd": usd(key.usage_weekly),
        "usage_monthly_usd": usd(key.usage_monthly),
        "byok_usage_usd": usd(key.byok_usage),
        "include_byok_in_limit": key.include_byok_in_limit,
        "workspace_id": key.workspace_id,
        "free_model_requests_today": key.free_model_daily_requests.as_ref().map(|free| json!({
            "used": free.used, "limit": free.limit, "remaining": free.remaining,
        })),
        "budgets": key.budgets.iter().map(budget_json).collect::<Vec<_>>(),
        "blocks_first": key.effective_budget.as_ref().map(budget_json),
        "runway": Runway::of_key(key, now).map(|runway| runway_json(&runway, now)),
    })
}

fn budget_json(budget: &KeyBudget) -> Value {
    json!({
        "scope": budget.scope,
        "guardrail_id": budget.guardrail_id,
        "budget_id": budget.budget_id,
        "limit_usd": budget.limit_usd.to_string(),
        "spent_usd": usd(budget.spend_usd),
        "remaining_usd": usd(budget.remaining_usd),
        "limit_reset": budget.reset_interval.as_ref().map(ToString::to_string),
        "resets_at": budget.resets_at,
        "include_byok": budget.include_byok,
    })
}

fn runway_json(runway: &Runway, now: Timestamp) -> Value {
    json!({
        "pace_of": runway.over,
        "lasts_seconds": runway.lasts_ms / 1_000,
        "ends_at": runway.ends_at(now).map(instant::seconds),
        "lasts_the_window": runway.outlasts_window,
    })
}

fn usd(amount: Option<Nano>) -> Option<String> {
    amount.map(|amount| amount.to_string())
}
