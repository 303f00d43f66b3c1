//! `GET /analytics/meta` and `POST /analytics/query`: what was spent, by almost anything (CONTRACT 7.3).
//!
//! Shapes are those of the published document of 2026-08-22. Names of metrics and dimensions are those of OpenRouter's
//! cookbook and skills of the same time (`cookbook/administration/analytics-cost-control`: `total_usage`,
//! `generation_id`, …); `/analytics/meta` lists those that are known here. Inferred: that a generation is seen as late
//! as by the counters, and that a model is labelled by its dated slug.
//!
//! 1. [`ask`] reads a query and turns away what OpenRouter does not take;
//! 2. [`rows`] groups the generations that it is about, sums them and cuts the list.

mod ask;
mod rows;

use serde_json::json;

use self::ask::{Dimension, Granularity, Metric, Operator, Query};
use crate::clock::Moment;
use crate::error::Failure;
use crate::server::State;

/// What can be asked for.
pub(crate) fn meta() -> String {
    let metrics: Vec<_> = Metric::ALL
        .iter()
        .map(|metric| {
            let format = if *metric == Metric::Usage { "currency" } else { "number" };
            json!({ "name": metric.name(), "display_label": label(metric.name()), "is_rate": false, "display_format": format })
        })
        .collect();
    let named = |name: &str| json!({ "name": name, "display_label": label(name) });
    let dimensions: Vec<_> = Dimension::ALL.iter().map(|dimension| named(dimension.name())).collect();
    let granularities: Vec<_> =
        Granularity::ALL.iter().map(|granularity| named(granularity.name())).collect();
    let operators: Vec<_> = Operator::ALL
        .iter()
        .map(|operator| json!({ "name": operator.name(), "value_type": if operator.takes_list() { "array" } else { "scalar" } }))
        .collect();
    json!({ "data": { "metrics": metrics, "dimensions": dimensions, "operators": operators, "granularities": granularities } })
        .to_string()
}

/// Answers a query.
pub(crate) fn query(state: &State, body: &[u8], now: Moment) -> Result<String, Failure> {
    let query = Query::read(body, now)?;
    Ok(rows::answer(state, &query, now))
}

/// `Total Usage` of `total_usage`.
fn label(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').map(capital).collect::<Vec<_>>().join(" ")
}
