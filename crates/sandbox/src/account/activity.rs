//! `GET /activity`: the last 30 completed UTC days, by day, model and endpoint (CONTRACT 7.2).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::account::credits::Data;
use crate::account::fields::expected;
use crate::account::tally::{Place, Traffic};
use crate::account::usd::{Usd, text};
use crate::clock::{Moment, date, parse_day};
use crate::error::Failure;
use crate::query::Query;
use crate::server::State;

const DAYS: u64 = 30;

#[derive(Debug, Serialize)]
struct Row {
    date: String,
    model: String,
    model_permaslug: String,
    endpoint_id: String,
    provider_name: String,
    usage: Usd,
    byok_usage_inference: Usd,
    requests: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    reasoning_tokens: u64,
    cached_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace_id: Option<String>,
}

/// What makes a row: day, model, endpoint, and the workspace when it is asked for.
type Group = (u64, Arc<str>, Arc<str>, Option<Arc<str>>);

/// Today is never in it.
pub(crate) fn list(state: &State, query: &Query, now: Moment) -> Result<String, Failure> {
    let (first, last) = days(query, now)?;
    let by_workspace = match query.get("group_by").as_deref() {
        None => false,
        Some("workspace") => true,
        Some(_) => return Err(expected("group_by", "workspace")),
    };
    let wanted = |name: &str, own: &str| query.get(name).is_none_or(|value| value == own);
    let books = state.books();
    let mut sums: BTreeMap<Group, (&Place, Traffic)> = BTreeMap::new();
    for (place, traffic) in books.tallies.activity(first, last) {
        let payer = &place.payer;
        if wanted("api_key_hash", &payer.key)
            && wanted("user_id", &payer.member)
            && wanted("workspace_id", &payer.workspace)
        {
            let workspace = by_workspace.then(|| Arc::clone(&payer.workspace));
            let group = (place.day, Arc::clone(&place.model), Arc::clone(&place.endpoint), workspace);
            let (_, sum) = sums.entry(group).or_insert((place, Traffic::default()));
            *sum = sum.plus(traffic);
        }
    }
    // The newest day first.
    let rows: Vec<Row> =
        sums.into_iter().rev().map(|((.., workspace), (place, sum))| row(place, &sum, workspace)).collect();
    Ok(text(&Data { data: rows }))
}

/// The days asked for, both included.
fn days(query: &Query, now: Moment) -> Result<(u64, u64), Failure> {
    let (first, last) = (now.day().saturating_sub(DAYS), now.day().saturating_sub(1));
    let Some(date) = query.get("date") else { return Ok((first, last)) };
    let day = parse_day(&date).filter(|day| (first..=last).contains(day));
    day.map(|day| (day, day)).ok_or_else(|| {
        Failure::invalid("Date must be within the last 30 (completed) UTC days, as YYYY-MM-DD".to_owned())
    })
}

fn row(place: &Place, sum: &Traffic, workspace: Option<Arc<str>>) -> Row {
    Row {
        date: date(place.day),
        model: place.model.to_string(),
        model_permaslug: place.canonical.to_string(),
        endpoint_id: place.endpoint.to_string(),
        provider_name: place.provider.to_string(),
        usage: sum.spent.openrouter.into(),
        byok_usage_inference: sum.spent.byok.into(),
        requests: sum.requests,
        prompt_tokens: sum.prompt,
        completion_tokens: sum.completion,
        reasoning_tokens: sum.reasoning,
        cached_tokens: sum.cached,
        workspace_id: workspace.map(|id| id.to_string()),
    }
}
