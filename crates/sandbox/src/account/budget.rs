//! [`Layer`]: one limit that can block a key, as `budgets[]` tells it and as a refusal names it (CONTRACT 2, 6).

use std::sync::Arc;

use serde::Serialize;

use crate::account::Account;
use crate::account::guardrail::Guardrail;
use crate::account::key::Key;
use crate::account::tally::{Subject, Tallies};
use crate::account::usd::Usd;
use crate::account::window::{Interval, first_day, limit_name};
use crate::clock::Moment;
use crate::error::Failure;
use crate::exact::Exact;

const ENTERPRISE: &str = "Ask an administrator to raise the budget, or wait until it begins anew.";

/// Where a limit stands, in the order in which they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    WorkspaceDefaultMember,
    WorkspaceDefaultKey,
    Member,
    ApiKey,
    Workspace,
    KeyLimit,
}

/// One limit, and what counts to it.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    scope: Scope,
    guardrail: Option<Arc<str>>,
    budget: Option<Arc<str>>,
    limit: Exact,
    spent: Exact,
    interval: Option<Interval>,
    include_byok: bool,
    resets_at: Option<Moment>,
}

/// A layer on the wire.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct KeyBudget {
    scope: Scope,
    guardrail_id: Option<String>,
    budget_id: Option<String>,
    limit_usd: Usd,
    spend_usd: Usd,
    remaining_usd: Usd,
    reset_interval: Option<Interval>,
    resets_at: Option<String>,
    include_byok: bool,
}

/// `error.metadata` of a 403.
#[derive(Debug, Serialize)]
struct Blocked {
    error_type: &'static str,
    limit_source: &'static str,
    scope: Scope,
    limit_usd: Usd,
    spend_usd: Usd,
    resets_at: Option<String>,
    remedy_hint: &'static str,
}

/// Every limit over a key, in the order in which they are checked.
pub(crate) fn layers(account: &Account, tallies: &mut Tallies, key: &Key, now: Moment) -> Vec<Layer> {
    let payer = key.payer();
    let (of_key, of_member) = (key.subject(), Subject::Member(payer.member));
    let of_workspace = Subject::Workspace(payer.workspace);
    let mut layers = Vec::new();
    let mut put = |scope, guardrail: Option<&Guardrail>, subject: &Subject| {
        if let Some(guardrail) = guardrail
            && let Some((limit, interval)) = guardrail.limit
        {
            let byok = guardrail.include_byok;
            let spent = tallies.shown(subject, interval.first_day(now), now).counted(byok);
            let mut layer = Layer::new(scope, limit, spent, Some(interval), byok, now);
            layer.guardrail = Some(Arc::clone(&guardrail.id));
            layers.push(layer);
        }
    };
    let workspace = account.workspace(&key.workspace);
    put(Scope::WorkspaceDefaultMember, account.default_guardrail(&key.workspace), &of_member);
    put(Scope::WorkspaceDefaultKey, account.default_guardrail(&key.workspace), &of_key);
    put(Scope::Member, account.member_guardrail(&key.creator), &of_member);
    put(Scope::ApiKey, account.key_guardrail(&key.hash), &of_key);
    for budget in workspace.map(|workspace| workspace.broadest_first()).into_iter().flatten() {
        let byok = workspace.is_some_and(|workspace| workspace.include_byok);
        let spent = tallies.shown(&of_workspace, first_day(budget.interval, now), now).counted(byok);
        let mut layer = Layer::new(Scope::Workspace, budget.limit, spent, budget.interval, byok, now);
        layer.budget = Some(Arc::clone(&budget.id));
        layers.push(layer);
    }
    if let Some(limit) = key.limit {
        let spent = key.spent(tallies, now);
        layers.push(Layer::new(Scope::KeyLimit, limit, spent, key.reset, key.include_byok, now));
    }
    layers
}

/// The layer that blocks first: one already spent, else the one with the least left.
pub(crate) fn effective(layers: &[Layer]) -> Option<&Layer> {
    let spent = layers.iter().find(|layer| layer.is_spent());
    spent.or_else(|| layers.iter().min_by_key(|layer| layer.limit.above(layer.spent)))
}

impl Layer {
    fn new(
        scope: Scope,
        limit: Exact,
        spent: Exact,
        interval: Option<Interval>,
        include_byok: bool,
        now: Moment,
    ) -> Layer {
        let resets_at = interval.map(|interval| interval.resets_at(now));
        Layer { scope, guardrail: None, budget: None, limit, spent, interval, include_byok, resets_at }
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.spent >= self.limit
    }

    pub(crate) fn told(&self) -> KeyBudget {
        KeyBudget {
            scope: self.scope,
            guardrail_id: self.guardrail.as_deref().map(str::to_owned),
            budget_id: self.budget.as_deref().map(str::to_owned),
            limit_usd: self.limit.into(),
            spend_usd: self.spent.into(),
            remaining_usd: Usd::left(self.limit, self.spent),
            reset_interval: self.interval,
            resets_at: self.resets_at.map(Moment::iso_seconds),
            include_byok: self.include_byok,
        }
    }

    /// What OpenRouter says when it is spent. The texts of the guardrails are not recorded anywhere.
    pub(crate) fn refusal(&self) -> Failure {
        let name = limit_name(self.interval);
        let (limit_source, message, remedy_hint) = match self.scope {
            Scope::KeyLimit => (
                "openrouter_key_limit",
                format!("Key limit exceeded ({name}). Manage it using https://openrouter.ai/settings/keys"),
                "Raise the limit of the key, or use another key.",
            ),
            Scope::Workspace => (
                "openrouter_workspace_budget",
                format!(
                    "Workspace {} budget of ${} exceeded. Contact your org admin.",
                    self.interval.map_or("lifetime", Interval::word),
                    self.limit.cents(),
                ),
                ENTERPRISE,
            ),
            _ => (
                "openrouter_guardrail_budget",
                format!(
                    "Guardrail budget exceeded ({name} of ${}). Contact your org admin.",
                    self.limit.cents()
                ),
                ENTERPRISE,
            ),
        };
        let blocked = Blocked {
            error_type: "permission_denied",
            limit_source,
            scope: self.scope,
            limit_usd: self.limit.into(),
            spend_usd: self.spent.into(),
            resets_at: self.resets_at.map(Moment::iso_seconds),
            remedy_hint,
        };
        Failure::exact(403, &message, &blocked)
    }
}
