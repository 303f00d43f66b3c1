//! [`Workspace`]: keys that share budgets (CONTRACT 6.2).

use std::sync::Arc;

use serde::Serialize;

use crate::account::usd::Usd;
use crate::account::window::Interval;
use crate::clock::Moment;
use crate::error::USER;
use crate::exact::Exact;

/// A workspace.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    pub(crate) id: Arc<str>,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) created: Moment,
    /// The guardrail that binds every key and member of it.
    pub(crate) default_guardrail: Arc<str>,
    pub(crate) include_byok: bool,
    /// At most one of each interval.
    pub(crate) budgets: Vec<Budget>,
}

/// A limit on all that a workspace spends.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    pub(crate) id: Arc<str>,
    /// None for the whole life.
    pub(crate) interval: Option<Interval>,
    pub(crate) limit: Exact,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// A budget on the wire.
#[derive(Debug, Serialize)]
pub(crate) struct ToldBudget<'a> {
    id: &'a str,
    workspace_id: &'a str,
    limit_usd: Usd,
    reset_interval: Option<Interval>,
    created_at: String,
    updated_at: String,
}

/// A workspace on the wire. Logging and defaults are not imitated.
#[derive(Debug, Serialize)]
pub(crate) struct Told<'a> {
    id: &'a str,
    name: &'a str,
    slug: &'a str,
    description: Option<&'a str>,
    default_guardrail_id: &'a str,
    default_text_model: Option<&'a str>,
    default_image_model: Option<&'a str>,
    default_provider_sort: Option<&'a str>,
    include_byok_in_budgets: bool,
    io_logging_api_key_ids: Option<Vec<u64>>,
    io_logging_sampling_rate: u8,
    is_data_discount_logging_enabled: bool,
    is_observability_broadcast_enabled: bool,
    is_observability_io_logging_enabled: bool,
    disabled_server_tools: Option<Vec<String>>,
    created_by: &'a str,
    created_at: String,
    updated_at: Option<String>,
}

impl Workspace {
    /// Lifetime, monthly, weekly, daily.
    pub(crate) fn broadest_first(&self) -> Vec<&Budget> {
        let mut budgets: Vec<&Budget> = self.budgets.iter().collect();
        budgets.sort_by_key(|budget| std::cmp::Reverse(breadth(budget.interval)));
        budgets
    }

    pub(crate) fn told_budget<'a>(&'a self, budget: &'a Budget) -> ToldBudget<'a> {
        ToldBudget {
            id: &budget.id,
            workspace_id: &self.id,
            limit_usd: budget.limit.into(),
            reset_interval: budget.interval,
            created_at: budget.created.iso(),
            updated_at: budget.updated.iso(),
        }
    }

    pub(crate) fn told(&self) -> Told<'_> {
        Told {
            id: &self.id,
            name: &self.name,
            slug: &self.slug,
            description: self.description.as_deref(),
            default_guardrail_id: &self.default_guardrail,
            default_text_model: None,
            default_image_model: None,
            default_provider_sort: None,
            include_byok_in_budgets: self.include_byok,
            io_logging_api_key_ids: None,
            io_logging_sampling_rate: 1,
            is_data_discount_logging_enabled: false,
            is_observability_broadcast_enabled: false,
            is_observability_io_logging_enabled: false,
            disabled_server_tools: None,
            created_by: USER,
            created_at: self.created.iso(),
            updated_at: None,
        }
    }
}

/// A lifetime is the broadest.
pub(crate) fn breadth(interval: Option<Interval>) -> u8 {
    match interval {
        None => 3,
        Some(Interval::Monthly) => 2,
        Some(Interval::Weekly) => 1,
        Some(Interval::Daily) => 0,
    }
}
