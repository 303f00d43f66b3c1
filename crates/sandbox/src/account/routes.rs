//! The routes that administer: which function answers which.

use http::Method;

use crate::account::{Target, activity, analytics, assignments, guardrails, keys, workspaces};
use crate::clock::Moment;
use crate::error::Failure;
use crate::query::Query;
use crate::server::State;

/// A request for one of them, whole.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    /// Without the base, such as `/keys`.
    pub(crate) route: &'a str,
    pub(crate) query: Query,
    pub(crate) body: &'a [u8],
    pub(crate) now: Moment,
}

/// Whether a route administers.
pub(crate) fn is_administrative(route: &str) -> bool {
    let first = route.split('/').nth(1).unwrap_or_default();
    matches!(first, "keys" | "guardrails" | "workspaces" | "activity" | "analytics")
}

/// The status and the body.
pub(crate) fn answer(state: &State, asked: &Asked<'_>) -> Result<(u16, String), Failure> {
    let parts: Vec<&str> = asked.route.trim_matches('/').split('/').collect();
    let Asked { query, body, now, .. } = asked;
    let now = *now;
    let ok = |answer: Result<String, Failure>| answer.map(|body| (200, body));
    let made = |answer: Result<String, Failure>| answer.map(|body| (201, body));
    match (asked.method.as_str(), parts.as_slice()) {
        ("GET", ["activity"]) => ok(activity::list(state, query, now)),
        ("GET", ["analytics", "meta"]) => ok(Ok(analytics::meta())),
        ("POST", ["analytics", "query"]) => ok(analytics::query(state, body, now)),
        ("GET", ["keys"]) => ok(keys::list(state, query, now)),
        ("POST", ["keys"]) => made(keys::create(state, body, now)),
        ("GET", ["keys", hash]) => ok(keys::show(state, hash, now)),
        ("PATCH", ["keys", hash]) => ok(keys::update(state, hash, body, now)),
        ("DELETE", ["keys", hash]) => ok(keys::delete(state, hash)),
        ("GET", ["guardrails"]) => ok(guardrails::list(state, query)),
        ("POST", ["guardrails"]) => made(guardrails::create(state, body, now)),
        ("GET", ["guardrails", "assignments", to]) => {
            ok(assignments::list(state, None, target(to, asked)?, query))
        }
        ("GET", ["guardrails", id]) => ok(guardrails::show(state, id)),
        ("PATCH", ["guardrails", id]) => ok(guardrails::update(state, id, body, now)),
        ("DELETE", ["guardrails", id]) => ok(guardrails::delete(state, id)),
        ("GET", ["guardrails", id, "assignments", to]) => {
            ok(assignments::list(state, Some(id), target(to, asked)?, query))
        }
        ("POST", ["guardrails", id, "assignments", to]) => {
            ok(assignments::assign(state, id, target(to, asked)?, body, now))
        }
        ("POST", ["guardrails", id, "assignments", to, "remove"]) => {
            ok(assignments::unassign(state, id, target(to, asked)?, body))
        }
        ("GET", ["workspaces"]) => ok(workspaces::list(state, query)),
        ("POST", ["workspaces"]) => made(workspaces::create(state, body, now)),
        ("GET", ["workspaces", name]) => ok(workspaces::show(state, name)),
        ("GET", ["workspaces", name, "budgets"]) => ok(workspaces::budgets(state, name)),
        ("GET", ["workspaces", name, "budgets", interval]) => ok(workspaces::budget(state, name, interval)),
        ("PUT", ["workspaces", name, "budgets", interval]) => {
            ok(workspaces::set(state, name, interval, body, now))
        }
        ("DELETE", ["workspaces", name, "budgets", interval]) => {
            ok(workspaces::delete(state, name, interval))
        }
        _ => Err(Failure::not_found(asked.route)),
    }
}

fn target(word: &str, asked: &Asked<'_>) -> Result<Target, Failure> {
    match word {
        "keys" => Ok(Target::Keys),
        "members" => Ok(Target::Members),
        _ => Err(Failure::not_found(asked.route)),
    }
}
