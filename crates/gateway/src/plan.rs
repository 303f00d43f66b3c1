//! [`Plan`]: which models a request is sent to: those asked for, with routes put in their place; then, where money
//! refuses them and the user allows it, others. Each stage is priced, held and sent on its own.

use std::borrow::Cow;
use std::sync::Arc;

use admission::Refusal;
use money::Nano;
use pricing::{Book, Bound};
use serde_json::{Value, json};

use crate::no_money::NoMoney;
use crate::route_table::{CHAIN_MAX, Fallback, ModelRoute, Routes};

/// Attempts upstream for one request that are not mere repeats, at most.
pub(crate) const STAGES_MAX: usize = 8;
/// Free models tried together, as one chain.
const FREE_MAX: usize = 3;

/// What a request asks for, routes resolved. Without routes it allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The route asked for first.
    pub(crate) route: Option<Arc<ModelRoute>>,
    /// The models in place of those named; `None`: as named.
    pub(crate) models: Option<Vec<String>>,
}

impl Plan {
    /// Puts chains in the place of routes. Models of a chain that the book does not have are left out, as long as one
    /// remains.
    pub(crate) fn of(named: &[Cow<'_, str>], routes: &Routes, book: impl Fn() -> Arc<Book>) -> Plan {
        if routes.is_empty() || !named.iter().any(|name| routes.get(name).is_some()) {
            return Plan::default();
        }
        let book = book();
        let mut models: Vec<String> = Vec::new();
        for name in named {
            let chain: Vec<&str> = match routes.get(name) {
                Some(route) => known(route, &book),
                None => vec![name.as_ref()],
            };
            for model in chain {
                if models.len() < CHAIN_MAX && !models.iter().any(|there| there == model) {
                    models.push(model.to_owned());
                }
            }
        }
        let route = named.first().and_then(|name| routes.get(name)).cloned();
        Plan { route, models: Some(models) }
    }

    /// What may be tried after these models were refused: shorter and shorter tails of the chain, then each fallback.
    pub(crate) fn others(
        &self,
        named: &[Cow<'_, str>],
        fallbacks: &[Fallback],
        free: impl FnOnce() -> Vec<String>,
    ) -> Vec<Vec<String>> {
        let asked: Vec<String> = match &self.models {
            Some(models) => models.clone(),
            None => named.iter().map(|name| name.to_string()).collect(),
        };
        let mut others: Vec<Vec<String>> = Vec::new();
        // A route's chain is the user's own word for what may stand in; a caller's list only where the budget allows
        // others anyway, and then it comes first.
        if self.models.is_some() || !fallbacks.is_empty() {
            others.extend((1..asked.len()).map(|at| asked[at..].to_vec()));
        }
        let mut free = Some(free);
        for fallback in fallbacks {
            match fallback {
                Fallback::Model(model) => others.push(vec![model.clone()]),
                Fallback::Free => others.extend(free.take().map(|free| free())),
            }
        }
        let mut seen: Vec<Vec<String>> = vec![asked];
        others.retain(|models| {
            let fresh = !models.is_empty() && !seen.contains(models);
            seen.push(models.clone());
            fresh
        });
        others.truncate(STAGES_MAX - 1);
        others
    }
}

fn known<'r>(route: &'r ModelRoute, book: &Book) -> Vec<&'r str> {
    let all = || route.models.iter().map(String::as_str);
    let known: Vec<&str> = all().filter(|model| book.model(model).is_some()).collect();
    if known.is_empty() { all().collect() } else { known }
}

/// The free models that can do it, the largest context first.
pub(crate) fn free_models(book: &Book, can: impl Fn(&pricing::Model) -> bool) -> Vec<String> {
    let mut free: Vec<&pricing::Model> =
        book.models().filter(|model| model.id.ends_with(":free") && can(model)).collect();
    free.sort_by(|one, other| {
        other.context_length.cmp(&one.context_length).then_with(|| one.id.cmp(&other.id))
    });
    free.into_iter().take(FREE_MAX).map(|model| model.id.clone()).collect()
}

/// One go at a list of models.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stage<'p> {
    /// To send; `None`: those named in the body.
    pub(crate) models: Option<&'p [String]>,
    /// The output tokens that OpenRouter said it can afford.
    pub(crate) cap_max: Option<u64>,
    /// Whether its prompt is held for by its bytes, whatever was seen: nobody was there to serve it counted.
    pub(crate) by_bytes: bool,
    /// The earlier stages that money refused.
    pub(crate) tried: &'p [Tried],
}

impl Stage<'_> {
    pub(crate) fn is_downgrade(&self) -> bool {
        !self.tried.is_empty()
    }
}

/// Why a stage came to nothing, in a way that another may cure.
#[derive(Debug)]
pub(crate) enum Short {
    /// One of our budgets said no.
    Ours(Box<Refusal>, Box<Bound>),
    /// OpenRouter did.
    Theirs(Box<NoMoney>),
    /// The stand-in cannot be had: no price, no provider.
    Unfit(&'static str),
}

/// A stage that came to nothing, for the explanation.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    pub(crate) models: Vec<String>,
    pub(crate) reason: &'static str,
    pub(crate) needed: Option<Nano>,
}

impl Tried {
    pub(crate) fn new(models: Vec<String>, short: &Short) -> Tried {
        let (reason, needed) = match short {
            Short::Ours(refusal, _) => (refusal.reason.text(), Some(refusal.needed)),
            Short::Theirs(no) => (no.problem.code, None),
            Short::Unfit(code) => (*code, None),
        };
        Tried { models, reason, needed }
    }
}

/// What was made of the name asked for, where it is not simply the model used.
#[derive(Clone, Debug)]
pub(crate) struct Routed {
    /// The name that the caller asked for.
    pub(crate) asked: String,
    /// The first model sent.
    pub(crate) model: String,
    /// The route that the name stands for.
    pub(crate) route: Option<Arc<ModelRoute>>,
    /// What money refused before.
    pub(crate) tried: Vec<Tried>,
}

impl Routed {
    pub(crate) fn is_downgrade(&self) -> bool {
        !self.tried.is_empty()
    }

    /// Its members in an explanation.
    pub(crate) fn tell(&self, json: &mut Value) {
        json["asked"] = self.asked.as_str().into();
        json["route"] = self.route.as_ref().map(|route| route.name.as_str()).into();
        if self.is_downgrade() {
            json["downgraded"] = json!({"from": self.asked, "to": self.model});
        }
        if !self.tried.is_empty() {
            json["tried"] = self.tried.iter().map(tried_json).collect();
        }
    }
}

pub(crate) fn tried_json(tried: &Tried) -> Value {
    json!({
        "models": tried.models,
        "reason": tried.reason,
        "needed_usd": tried.needed.map(|needed| needed.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use openrouter::catalogue::Catalogue;

    fn routes() -> Routes {
        let chain = ["openai/gpt-4o", "no/such", "openai/gpt-4o-mini:floor"];
        let route = ModelRoute {
            name: "task/x".to_owned(),
            models: chain.map(str::to_owned).to_vec(),
            ..ModelRoute::default()
        };
        Routes::new(vec![route]).unwrap()
    }

    fn plan(named: &[&str]) -> (Plan, Vec<Cow<'static, str>>) {
        let named: Vec<Cow<'static, str>> = named.iter().map(|name| Cow::Owned((*name).to_owned())).collect();
        (Plan::of(&named, &routes(), || Catalogue::open(None).book()), named)
    }

    #[test]
    fn chains_take_the_place_of_routes() {
        let (plain, _) = plan(&["openai/gpt-4o", "a/b"]);
        assert!(plain.models.is_none() && plain.route.is_none());
        for (named, models) in [
            (vec!["task/x"], vec!["openai/gpt-4o", "openai/gpt-4o-mini:floor"]),
            (
                vec!["task/x", "openai/gpt-4o", "a/b"],
                vec!["openai/gpt-4o", "openai/gpt-4o-mini:floor", "a/b"],
            ),
            (vec!["a/b", "task/x"], vec!["a/b", "openai/gpt-4o", "openai/gpt-4o-mini:floor"]),
        ] {
            let (routed, _) = plan(&named);
            assert_eq!(routed.models.unwrap(), models, "{named:?}");
            assert_eq!(routed.route.is_some(), named[0] == "task/x", "{named:?}");
        }
    }

    #[test]
    fn what_may_be_tried_next() {
        let fallbacks = |list: &[&str]| list.iter().map(|text| Fallback::read(text)).collect::<Vec<_>>();
        let free = || vec!["f/1:free".to_owned(), "f/2:free".to_owned()];
        let mini = "openai/gpt-4o-mini:floor";
        for (named, list, expect) in [
            (vec!["a/b", "c/d"], vec![], vec![]),
            (vec!["a/b"], vec!["c/d", "free"], vec![vec!["c/d"], vec!["f/1:free", "f/2:free"]]),
            (vec!["a/b", "c/d"], vec!["e/f"], vec![vec!["c/d"], vec!["e/f"]]),
            (vec!["a/b"], vec!["a/b"], vec![]),
            (vec!["a/b"], vec!["free", "free"], vec![vec!["f/1:free", "f/2:free"]]),
            (vec!["task/x"], vec![], vec![vec![mini]]),
            (vec!["task/x"], vec![mini, "c/d"], vec![vec![mini], vec!["c/d"]]),
        ] {
            let (plan, named) = plan(&named);
            assert_eq!(plan.others(&named, &fallbacks(&list), free), expect, "{named:?} {list:?}");
        }
        let many: Vec<Fallback> = (0..50).map(|n| Fallback::Model(format!("a/{n}"))).collect();
        let (plan, named) = plan(&["x/y"]);
        assert_eq!(plan.others(&named, &many, free).len(), STAGES_MAX - 1);
    }

    #[test]
    fn free_models_with_the_largest_context_come_first() {
        let book = Catalogue::open(None).book();
        let free = free_models(&book, |_| true);
        assert!(!free.is_empty() && free.len() <= FREE_MAX);
        let context = |id: &String| book.model(id).unwrap().context_length;
        assert!(free.windows(2).all(|pair| context(&pair[0]) >= context(&pair[1])), "{free:?}");
        assert!(free.iter().all(|id| book.model(id).unwrap().is_free()));
        assert!(free_models(&book, |_| false).is_empty());
    }
}
