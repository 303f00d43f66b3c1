//! Routes and fallbacks: `[routes]`, and `fallbacks` of a budget.

use std::collections::BTreeMap;
use std::fmt;

use gateway::{Fallback, Fallbacks, ModelRoute, Routes};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use super::ConfigError;
use super::place::Source;
use super::raw::RawBudget;

/// Fallbacks of one budget, at most; no more would ever be tried.
const FALLBACKS_MAX: usize = 16;
const MEMBERS: &str = "models, instead_of, hides_model";

/// What a name stands for: a model, a list of them, or a table.
#[derive(Debug, Default)]
pub(super) struct RawRoute {
    models: Vec<String>,
    instead_of: Option<String>,
    hides_model: bool,
}

/// What `[routes]` means.
pub(super) fn routes_of_file(
    raw: BTreeMap<String, Spanned<RawRoute>>,
    source: Source<'_>,
) -> Result<Routes, ConfigError> {
    let spans: BTreeMap<String, _> = raw.iter().map(|(name, route)| (name.clone(), route.span())).collect();
    let route = |(name, raw): (String, Spanned<RawRoute>)| {
        let RawRoute { models, instead_of, hides_model } = raw.into_inner();
        ModelRoute { name, models, instead_of, hides_model }
    };
    Routes::new(raw.into_iter().map(route).collect())
        .map_err(|error| source.wrong(spans.get(error.route()).cloned().unwrap_or(0..0), &error))
}

/// What the budgets of a file allow instead of a refusal.
pub(super) fn fallbacks_of_file(
    budgets: &mut [RawBudget],
    source: Source<'_>,
) -> Result<Fallbacks, ConfigError> {
    let mut fallbacks = Fallbacks::default();
    for budget in budgets {
        let given = std::mem::take(&mut budget.fallbacks);
        if let Some(more) = given.get(FALLBACKS_MAX) {
            let sentence = format_args!("a budget has at most {FALLBACKS_MAX} fallbacks");
            return Err(source.wrong(more.span(), sentence));
        }
        let mut list = Vec::with_capacity(given.len());
        for text in given {
            if text.get_ref().is_empty() || text.get_ref().contains(char::is_whitespace) {
                let sentence =
                    format_args!("'{}' is no model; a fallback is a model or \"free\"", text.get_ref());
                return Err(source.wrong(text.span(), sentence));
            }
            list.push(Fallback::read(text.get_ref()));
        }
        if !list.is_empty() {
            fallbacks.insert(budget.name.get_ref().clone(), list);
        }
    }
    Ok(fallbacks)
}

impl<'de> Deserialize<'de> for RawRoute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Route;
        impl<'de> Visitor<'de> for Route {
            type Value = RawRoute;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a model, a list of models, or { models = [...] }")
            }

            fn visit_str<E: Error>(self, model: &str) -> Result<RawRoute, E> {
                Ok(RawRoute { models: vec![model.to_owned()], ..RawRoute::default() })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawRoute, A::Error> {
                let mut route = RawRoute::default();
                while let Some(model) = list.next_element()? {
                    route.models.push(model);
                }
                Ok(route)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawRoute, A::Error> {
                let mut route = RawRoute::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "models" => route.models = map.next_value()?,
                        "instead_of" => route.instead_of = Some(map.next_value()?),
                        "hides_model" => route.hides_model = map.next_value()?,
                        _ => {
                            let _ = map.next_value::<IgnoredAny>()?;
                            return Err(A::Error::custom(format!(
                                "a route has no '{key}'; known here: {MEMBERS}"
                            )));
                        }
                    }
                }
                Ok(route)
            }
        }
        deserializer.deserialize_any(Route)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Layer;
    use super::*;

    fn layer(text: &str) -> Result<Layer, ConfigError> {
        Layer::of_file("f.toml".as_ref(), text)
    }

    #[test]
    fn three_ways_to_write_a_route() {
        let text = "[routes]\n\"task/a\" = \"a/b:floor\"\n\"task/b\" = [\"a/b\", \"c/d\"]\nchat = { models = [\"a/b\"], instead_of = \"c/d\", hides_model = true }";
        let routes = layer(text).unwrap().routes.unwrap();
        let told: Vec<_> = routes
            .sorted()
            .into_iter()
            .map(|route| (route.name.as_str(), route.models.join(" "), route.baseline(), route.hides_model))
            .collect();
        assert_eq!(
            told,
            [
                ("chat", "a/b".to_owned(), "c/d", true),
                ("task/a", "a/b:floor".to_owned(), "a/b", false),
                ("task/b", "a/b c/d".to_owned(), "a/b", false),
            ]
        );
    }

    #[test]
    fn mistakes_have_a_place() {
        let budget =
            |more: &str| format!("[[budget]]\nname = \"b\"\nlimit = \"1\"\nwindow = \"day\"\n{more}");
        for (text, told) in [
            ("[routes]\n\"\" = \"a/b\"".to_owned(), "f.toml:2: '' cannot name a route"),
            ("[routes]\nx = []".to_owned(), "f.toml:2: route 'x' needs 1 to 16 models"),
            ("[routes]\nx = [\"a/b\"]\ny = [\"x\"]".to_owned(), "f.toml:3: route 'y' leads to 'x'"),
            ("[routes]\nx = { model = \"a/b\" }".to_owned(), "f.toml:2: a route has no 'model'"),
            ("[routes]\nx = 7".to_owned(), "f.toml:2: invalid type"),
            (budget("fallbacks = [\"a b\"]"), "f.toml:5: 'a b' is no model"),
            (budget("fallbacks = \"free\""), "f.toml:5: invalid type"),
        ] {
            let error = layer(&text).expect_err(told).to_string();
            assert!(error.contains(told), "{error}\n{text}");
        }
    }

    #[test]
    fn fallbacks_belong_to_their_budget_and_its_file() {
        let budget = |name: &str, more: &str| {
            format!("[[budget]]\nname = \"{name}\"\nlimit = \"1\"\nwindow = \"day\"\n{more}\n")
        };
        let high = layer(&budget("a", "fallbacks = [\"x/y\", \"free\"]")).unwrap();
        let low = layer(&budget("b", "fallbacks = [\"z/z\"]")).unwrap();
        let allowed = high.fallbacks.clone();
        assert_eq!(allowed["a"], [Fallback::Model("x/y".to_owned()), Fallback::Free]);
        assert_eq!(
            high.over(low.clone()).fallbacks,
            allowed,
            "the budgets are those of one file, and so are these"
        );
        assert_eq!(Layer::default().over(low.clone()).fallbacks, low.fallbacks);
    }
}
