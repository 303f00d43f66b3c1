//! [`Routes`]: names that a program may ask for instead of a model, and the chain of models each stands for; and
//! [`Fallbacks`]: the models that may stand in when a budget has too little left.
//!
//! A route is looked up once a request, and only where there are routes. Chains name models and never routes, so
//! there is nothing to loop in.

use std::collections::HashMap;
use std::sync::Arc;

use pricing::{Book, BoundPolicy, Grounds, Shape, bound};
use thiserror::Error;

/// Models in one chain, at most: as many as one request may name.
pub(crate) const CHAIN_MAX: usize = 16;
/// The longest name, bytes.
const NAME_BYTES_MAX: usize = 128;
/// Routes named in one sentence.
const LISTED_MAX: usize = 12;

/// One name and what it stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelRoute {
    /// What programs ask for, `task/classification`.
    pub name: String,
    /// The models, the first choice first; variants are allowed.
    pub models: Vec<String>,
    /// What savings are measured against; `None`: the first model without its variant.
    pub instead_of: Option<String>,
    /// The name may be that of a model, which it then hides.
    pub hides_model: bool,
}

impl ModelRoute {
    /// What the same tokens are priced at to tell what was saved.
    pub fn baseline(&self) -> &str {
        let first = self.models.first().map_or("", String::as_str);
        self.instead_of.as_deref().unwrap_or_else(|| first.split(':').next().unwrap_or_default())
    }
}

/// Why routes cannot be used. Each text is a sentence for the person who wrote them.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RouteError {
    /// A name nobody can ask for.
    #[error("'{0}' cannot name a route: use 1 to 128 visible characters without spaces")]
    Name(String),
    /// Two routes of one name.
    #[error("two routes are named '{0}'")]
    Twice(String),
    /// A chain without a model, or with too many.
    #[error("route '{0}' needs 1 to 16 models")]
    Chain(String),
    /// A model twice in a chain.
    #[error("route '{route}' names '{model}' twice")]
    Repeated {
        /// The route.
        route: String,
        /// The model.
        model: String,
    },
    /// A chain that leads to a route.
    #[error("route '{route}' leads to '{to}', which is a route; a chain names models")]
    Nested {
        /// The route.
        route: String,
        /// What it leads to.
        to: String,
    },
    /// A name that is a model's.
    #[error("route '{0}' would hide the model of that name; rename it, or say hides_model = true")]
    HidesModel(String),
}

impl RouteError {
    /// The name of the route it is about.
    pub fn route(&self) -> &str {
        match self {
            RouteError::Name(route)
            | RouteError::Twice(route)
            | RouteError::Chain(route)
            | RouteError::HidesModel(route)
            | RouteError::Repeated { route, .. }
            | RouteError::Nested { route, .. } => route,
        }
    }
}

/// Every route, by name.
#[derive(Clone, Debug, Default)]
pub struct Routes(HashMap<String, Arc<ModelRoute>>);

impl Routes {
    /// Of these.
    ///
    /// # Errors
    /// What makes one unusable whatever the prices are.
    pub fn new(routes: Vec<ModelRoute>) -> Result<Routes, RouteError> {
        let mut table = HashMap::with_capacity(routes.len());
        for route in routes {
            check(&route)?;
            let name = route.name.clone();
            if table.insert(name.clone(), Arc::new(route)).is_some() {
                return Err(RouteError::Twice(name));
            }
        }
        for route in table.values() {
            if let Some(to) = route.models.iter().find(|model| table.contains_key(*model)) {
                return Err(RouteError::Nested { route: route.name.clone(), to: to.clone() });
            }
        }
        Ok(Routes(table))
    }

    /// Against a price book: what will not work as it stands, in sentences, by name.
    ///
    /// # Errors
    /// [`RouteError::HidesModel`].
    pub fn check(&self, book: &Book) -> Result<Vec<String>, RouteError> {
        let mut warnings = Vec::new();
        for route in self.sorted() {
            if !route.hides_model && book.model(&route.name).is_some() {
                return Err(RouteError::HidesModel(route.name.clone()));
            }
            let told = |model: &str| Some(format!("route '{}': {}", route.name, wrong_with(model, book)?));
            warnings.extend(route.models.iter().filter_map(|model| told(model)));
            if book.model(route.baseline()).is_none() {
                warnings.push(format!(
                    "route '{}': '{}' is not in the price book, so what the route saves cannot be told",
                    route.name,
                    route.baseline()
                ));
            }
        }
        Ok(warnings)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each, by name.
    pub fn sorted(&self) -> Vec<&ModelRoute> {
        let mut routes: Vec<&ModelRoute> = self.0.values().map(Arc::as_ref).collect();
        routes.sort_by(|one, other| one.name.cmp(&other.name));
        routes
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<ModelRoute>> {
        self.0.get(name)
    }

    /// For the person who asked for a name that is no model and no route.
    pub(crate) fn hint(&self, asked: &str) -> String {
        let sorted = self.sorted();
        let names: Vec<&str> = sorted.iter().take(LISTED_MAX).map(|route| route.name.as_str()).collect();
        match names.as_slice() {
            [] if asked.starts_with("task/") => {
                format!("; no route is configured: add \"{asked}\" under [routes] in farebox.toml")
            }
            [] => String::new(),
            names => {
                let more = if sorted.len() > names.len() { ", …" } else { "" };
                format!("; the routes here: {}{more}", names.join(", "))
            }
        }
    }
}

fn check(route: &ModelRoute) -> Result<(), RouteError> {
    let visible = |text: &str| {
        (1..=NAME_BYTES_MAX).contains(&text.len())
            && !text.chars().any(|c| c.is_whitespace() || c.is_control())
    };
    if !visible(&route.name) {
        return Err(RouteError::Name(route.name.clone()));
    }
    if !(1..=CHAIN_MAX).contains(&route.models.len()) || !route.models.iter().all(|model| visible(model)) {
        return Err(RouteError::Chain(route.name.clone()));
    }
    let twice = |(at, model): &(usize, &String)| route.models[..*at].contains(model);
    match route.models.iter().enumerate().find(twice) {
        Some((_, model)) => Err(RouteError::Repeated { route: route.name.clone(), model: model.clone() }),
        None => Ok(()),
    }
}

/// Why an ordinary request for this model would not pass.
fn wrong_with(model: &str, book: &Book) -> Option<String> {
    let plain = Shape { body: b"{}", messages: 1, choices: 1, ..Shape::default() };
    let refused = bound(&plain.with_models([model]), &Grounds::new(book, &BoundPolicy::default())).err();
    refused.map(|unpriced| unpriced.to_string())
}

/// What may stand in for a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// This model.
    Model(String),
    /// Free models of the price book that can do what the request needs.
    Free,
}

impl Fallback {
    /// From its text in a configuration: `free`, or a model.
    pub fn read(text: &str) -> Fallback {
        match text {
            "free" => Fallback::Free,
            model => Fallback::Model(model.to_owned()),
        }
    }
}

/// What each budget allows when money refuses the model asked for, in the order to be tried; by the budget's name.
pub type Fallbacks = HashMap<String, Vec<Fallback>>;

/// What will not work as it stands among fallbacks, in sentences.
pub(crate) fn check_fallbacks(fallbacks: &Fallbacks, book: &Book) -> Vec<String> {
    let mut budgets: Vec<_> = fallbacks.iter().collect();
    budgets.sort_by_key(|(budget, _)| *budget);
    let models = budgets.into_iter().flat_map(|(budget, list)| {
        list.iter().filter_map(move |fallback| match fallback {
            Fallback::Model(model) => Some((budget, model)),
            Fallback::Free => None,
        })
    });
    models
        .filter_map(|(budget, model)| {
            Some(format!("fallbacks of budget '{budget}': {}", wrong_with(model, book)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use openrouter::catalogue::Catalogue;

    fn route(name: &str, models: &[&str]) -> ModelRoute {
        let models = models.iter().map(|model| (*model).to_owned()).collect();
        ModelRoute { name: name.to_owned(), models, ..ModelRoute::default() }
    }

    #[test]
    fn what_cannot_be_a_route() {
        let long = "x".repeat(129);
        let many: Vec<String> = (0..17).map(|n| format!("a/{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for (routes, told) in [
            (vec![route("", &["a/b"])], "'' cannot name a route"),
            (vec![route("a b", &["a/b"])], "'a b' cannot name a route"),
            (vec![route(&long, &["a/b"])], "cannot name a route"),
            (vec![route("x", &[])], "route 'x' needs 1 to 16 models"),
            (vec![route("x", &many)], "route 'x' needs 1 to 16 models"),
            (vec![route("x", &["a/b", ""])], "route 'x' needs 1 to 16 models"),
            (vec![route("x", &["a/b", "a/b"])], "route 'x' names 'a/b' twice"),
            (vec![route("x", &["x"])], "route 'x' leads to 'x', which is a route"),
            (vec![route("x", &["a/b", "y"]), route("y", &["a/b"])], "route 'x' leads to 'y'"),
            (vec![route("x", &["a/b"]), route("x", &["a/c"])], "two routes are named 'x'"),
        ] {
            let error = Routes::new(routes).expect_err(told).to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn routes_against_a_price_book() {
        let book = Catalogue::open(None).book();
        let good = Routes::new(vec![route("task/x", &["openai/gpt-4o-mini:floor"])]).unwrap();
        assert_eq!(good.check(&book), Ok(Vec::new()));
        assert_eq!(good.get("task/x").unwrap().baseline(), "openai/gpt-4o-mini");
        let odd = Routes::new(vec![route("task/x", &["openai/gpt-4o-mini", "no/such", "openrouter/auto"])])
            .unwrap();
        let warnings = odd.check(&book).unwrap();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].contains("route 'task/x': model 'no/such' is not in the price book"));
        assert!(warnings[1].contains("picks a model at run time"));
        let mut hiding = route("openai/gpt-4o-mini", &["openai/gpt-4.1-nano"]);
        let hidden = Routes::new(vec![hiding.clone()]).unwrap().check(&book);
        assert_eq!(hidden, Err(RouteError::HidesModel("openai/gpt-4o-mini".to_owned())));
        hiding.hides_model = true;
        assert!(Routes::new(vec![hiding]).unwrap().check(&book).is_ok());
        let fallbacks = [("b".to_owned(), vec![Fallback::read("free"), Fallback::read("no/such")])].into();
        let warnings = check_fallbacks(&fallbacks, &book);
        assert!(warnings.len() == 1 && warnings[0].starts_with("fallbacks of budget 'b': model 'no/such'"));
    }

    #[test]
    fn a_name_that_is_nothing_is_told_what_there_is() {
        let routes = Routes::new(vec![route("task/b", &["a/b"]), route("task/a", &["a/b"])]).unwrap();
        assert_eq!(routes.hint("task/c"), "; the routes here: task/a, task/b");
        assert!(Routes::default().hint("task/c").contains("add \"task/c\" under [routes]"));
        assert_eq!(Routes::default().hint("a/b"), "");
    }
}
