//! [`Guardrail`]: a budget per key and per member, and lists of models and providers (CONTRACT 6.1).
//!
//! Content filters, regions and data policies are kept and told, not applied: nothing here reads what is said.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::account::usd::Usd;
use crate::account::window::Interval;
use crate::catalogue::{Endpoint, Model};
use crate::clock::Moment;
use crate::exact::Exact;

/// A guardrail.
#[derive(Clone, Debug)]
pub(crate) struct Guardrail {
    pub(crate) id: Arc<str>,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// Where it is filed; that alone does nothing.
    pub(crate) workspace: Option<Arc<str>>,
    /// USD within each window, for each key and each member who carry it.
    pub(crate) limit: Option<(Exact, Interval)>,
    pub(crate) include_byok: bool,
    pub(crate) lists: Lists,
    /// Whatever else it says.
    pub(crate) rest: Map<String, Value>,
    pub(crate) created: Moment,
    pub(crate) updated: Option<Moment>,
}

/// What may be used. Models by their dated slugs, providers by slug or name.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Lists {
    pub(crate) allowed_models: Option<Vec<String>>,
    pub(crate) ignored_models: Option<Vec<String>>,
    pub(crate) allowed_providers: Option<Vec<String>>,
    pub(crate) ignored_providers: Option<Vec<String>>,
}

/// A guardrail on the wire.
#[derive(Debug, Serialize)]
pub(crate) struct Told<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    workspace_id: Option<&'a str>,
    limit_usd: Option<Usd>,
    reset_interval: Option<Interval>,
    include_byok_in_budgets: bool,
    #[serde(flatten)]
    lists: &'a Lists,
    #[serde(flatten)]
    rest: &'a Map<String, Value>,
    created_at: String,
    updated_at: Option<String>,
}

/// All lists that bind a key. Allow-lists intersect.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules(pub(crate) Vec<Lists>);

impl Guardrail {
    pub(crate) fn told(&self) -> Told<'_> {
        Told {
            id: &self.id,
            name: &self.name,
            description: self.description.as_deref(),
            workspace_id: self.workspace.as_deref(),
            limit_usd: self.limit.map(|(limit, _)| limit.into()),
            reset_interval: self.limit.map(|(_, interval)| interval),
            include_byok_in_budgets: self.include_byok,
            lists: &self.lists,
            rest: &self.rest,
            created_at: self.created.iso(),
            updated_at: self.updated.map(Moment::iso),
        }
    }
}

impl Lists {
    fn says_anything(&self) -> bool {
        [&self.allowed_models, &self.ignored_models, &self.allowed_providers, &self.ignored_providers]
            .iter()
            .any(|list| list.is_some())
    }
}

impl Rules {
    pub(crate) fn of<'a>(guardrails: impl Iterator<Item = &'a Guardrail>) -> Rules {
        let lists = guardrails.map(|guardrail| &guardrail.lists);
        Rules(lists.filter(|lists| lists.says_anything()).cloned().collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn allow_model(&self, model: &Model) -> bool {
        let named =
            |list: &Vec<String>| list.iter().any(|name| **name == *model.canonical || **name == *model.id);
        self.0.iter().all(|lists| {
            lists.allowed_models.as_ref().is_none_or(named)
                && !lists.ignored_models.as_ref().is_some_and(named)
        })
    }

    pub(crate) fn allow_endpoint(&self, endpoint: &Endpoint) -> bool {
        let named = |list: &Vec<String>| list.iter().any(|name| endpoint.is_called(name));
        self.0.iter().all(|lists| {
            lists.allowed_providers.as_ref().is_none_or(named)
                && !lists.ignored_providers.as_ref().is_some_and(named)
        })
    }
}
