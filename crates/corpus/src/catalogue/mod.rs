//! [`catalogue`]: 650 models and 1,000 endpoints, as OpenRouter would list them.
//!
//! Shapes and spreads are those of the rows recorded on 2026-05-31 and 2026-10-02 (CONTRACT 8): variants, `~latest`
//! aliases, routers at `-1`, rows at zero that cost money, prices of 23 digits, conditional prices by length and by the
//! clock, discounts, tiers, endpoints that list no output cap or no limits, and price keys that nobody knows yet. What
//! is rare there is rare here, so that most requests meet ordinary rows.
//!
//! It is not a copy: names beyond the first of each line and all prices are made up.

mod endpoints;
mod families;
mod prices;
mod rows;
mod special;

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::{Value, json};

use families::LINES;

/// How many rows `/models` lists.
pub const MODELS: usize = 650;
/// How many endpoints are listed in all.
pub const ENDPOINTS: usize = 1_000;

/// What OpenRouter would answer with.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// `GET /models`.
    pub models: String,
    /// `GET /models/{author}/{slug}/endpoints`, by id; models that are seldom asked for have none here.
    pub endpoints: BTreeMap<String, String>,
    /// The ids of all rows, in the order listed.
    pub ids: Vec<String>,
}

impl Catalogue {
    /// All answers of `/endpoints` as one JSON object, by id.
    pub fn endpoints_text(&self) -> String {
        let members: Vec<String> = self
            .endpoints
            .iter()
            .map(|(id, answer)| format!("{}:{answer}", Value::from(id.as_str())))
            .collect();
        format!("{{{}}}", members.join(","))
    }
}

/// A catalogue, the same for the same seed.
pub fn catalogue(seed: u64) -> Catalogue {
    let mut rng = Rng::with_seed(seed ^ 0x6361_7461_6c6f_6775);
    let mut rows = special::rows(&mut rng);
    let mut round = 1;
    while rows.len() < MODELS {
        for line in LINES {
            if rows.len() < MODELS && rng.u8(..10) < line.often {
                rows.push(rows::row(line, round, &mut rng));
                if rows.len() < MODELS && line.free && rng.u8(..6) == 0 {
                    let last = rows.last().cloned().unwrap_or_default();
                    rows.push(special::free(&last));
                }
            }
        }
        round += 1;
    }
    let endpoints = listed(&rows, &mut rng);
    let ids = rows.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)).collect();
    let listing = json!({ "data": rows, "total_count": rows.len(), "links": { "next": null } });
    Catalogue { models: listing.to_string(), endpoints, ids }
}

/// The endpoints of the popular ones, the first rows, until there are enough.
fn listed(rows: &[Value], rng: &mut Rng) -> BTreeMap<String, String> {
    let mut left = ENDPOINTS;
    let mut listed = BTreeMap::new();
    for row in rows {
        let id = row["id"].as_str().unwrap_or_default();
        if left == 0 {
            break;
        }
        let routed = id.starts_with("openrouter/") || id.starts_with('~');
        let count = if routed { 0 } else { endpoints::count(row, rng).min(left) };
        let endpoints = endpoints::of(row, count, rng);
        left -= endpoints.len();
        let answer = json!({ "data": { "id": id, "name": row["name"], "created": row["created"],
            "description": row["description"], "architecture": row["architecture"], "endpoints": endpoints } });
        listed.insert(id.to_owned(), answer.to_string());
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn it_is_as_large_and_as_varied_as_promised() {
        let made = catalogue(1);
        let listing = parsed(&made.models);
        let rows = listing["data"].as_array().expect("rows");
        assert_eq!((rows.len(), made.ids.len()), (MODELS, MODELS));
        assert_eq!(made.ids.iter().collect::<BTreeSet<_>>().len(), MODELS, "ids are unique");
        let answers: Vec<Value> = made.endpoints.values().map(|text| parsed(text)).collect();
        let endpoints: Vec<&Value> = answers
            .iter()
            .flat_map(|answer| answer["data"]["endpoints"].as_array().expect("a list"))
            .collect();
        assert_eq!(endpoints.len(), ENDPOINTS);
        let count =
            |holds: &dyn Fn(&Value) -> bool| endpoints.iter().filter(|endpoint| holds(endpoint)).count();
        for (what, number) in [
            ("tiers", count(&|e| !e["service_tier"].is_null())),
            ("no cap", count(&|e| !e["supported_parameters"].to_string().contains("max_"))),
            ("no limit", count(&|e| e["max_completion_tokens"].is_null())),
            ("no context", count(&|e| e["context_length"].is_null())),
            ("discounts", count(&|e| e["pricing"]["discount"].as_f64() != Some(0.0))),
            ("lengths", count(&|e| e["pricing"].to_string().contains("min_prompt_tokens"))),
            ("clocks", count(&|e| e["pricing"].to_string().contains("utc_start"))),
            ("unknown keys", count(&|e| e["pricing"].to_string().contains("quantum"))),
            ("images", count(&|e| e["pricing"].get("image").is_some())),
            ("audio", count(&|e| e["pricing"].get("audio").is_some())),
            ("searches", count(&|e| e["pricing"].get("web_search").is_some())),
            ("hours", count(&|e| e["pricing"].get("input_cache_write_1h").is_some())),
            ("thoughts", count(&|e| e["pricing"].get("internal_reasoning").is_some())),
            ("23 digits", count(&|e| e["pricing"]["prompt"].as_str().is_some_and(|p| p.len() > 20))),
        ] {
            assert!(number >= 5, "{what}: {number}");
        }
        for (what, holds) in
            [("~", "~"), ("free", ":free"), ("extended", ":extended"), ("routers", "openrouter/")]
        {
            assert!(made.ids.iter().any(|id| id.contains(holds)), "{what}");
        }
        assert!(
            rows.iter().any(|row| row["context_length"] == 0)
                && rows.iter().any(|row| row["context_length"].is_null())
        );
    }

    #[test]
    fn a_seed_is_a_catalogue() {
        let (one, same, other) = (catalogue(7), catalogue(7), catalogue(8));
        assert_eq!((&one.models, &one.endpoints), (&same.models, &same.endpoints));
        assert_ne!(one.models, other.models);
    }
}
