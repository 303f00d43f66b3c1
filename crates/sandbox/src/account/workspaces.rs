//! `/workspaces`: listing and making them, and their budgets (CONTRACT 6.2).

use std::sync::Arc;

use serde::Serialize;

use crate::account::credits::Data;
use crate::account::fields::{Fields, expected};
use crate::account::page::Page;
use crate::account::usd::text;
use crate::account::window::Interval;
use crate::account::workspace::{Budget, ToldBudget, Workspace, breadth};
use crate::clock::Moment;
use crate::error::Failure;
use crate::query::Query;
use crate::server::State;

const NAME_MAX: usize = 100;
const SLUG_MAX: usize = 50;

#[derive(Debug, Serialize)]
struct Budgets<T> {
    data: T,
    include_byok_in_budgets: bool,
}

/// A page of workspaces.
pub(crate) fn list(state: &State, query: &Query) -> Result<String, Failure> {
    let account = state.account.read();
    Ok(text(&Page::of(account.workspaces().iter().map(Workspace::told), query)?))
}

/// A new workspace.
pub(crate) fn create(state: &State, body: &[u8], now: Moment) -> Result<String, Failure> {
    let fields = Fields::read(body)?;
    let name =
        fields.name("name", NAME_MAX)?.ok_or_else(|| expected("name", "a string that is not empty"))?;
    let slug = fields.name("slug", SLUG_MAX)?.filter(|slug| is_slug(slug));
    let slug = slug.ok_or_else(|| expected("slug", "small letters, digits and hyphens"))?;
    let description = fields.text("description")?.flatten();
    let mut account = state.account.write();
    if account.workspace(&slug).is_some() {
        return Err(Failure::invalid(format!("A workspace with slug {slug} exists already")));
    }
    let workspace = account.add_workspace(slug, name, description, now);
    Ok(text(&Data { data: workspace.told() }))
}

/// One, by id or slug.
pub(crate) fn show(state: &State, name: &str) -> Result<String, Failure> {
    let account = state.account.read();
    let workspace = account.workspace(name).ok_or_else(Failure::no_resource)?;
    Ok(text(&Data { data: workspace.told() }))
}

/// Its budgets, the broadest first.
pub(crate) fn budgets(state: &State, name: &str) -> Result<String, Failure> {
    let account = state.account.read();
    let workspace = account.workspace(name).ok_or_else(Failure::no_resource)?;
    let data: Vec<ToldBudget<'_>> =
        workspace.broadest_first().into_iter().map(|budget| workspace.told_budget(budget)).collect();
    Ok(text(&Budgets { data, include_byok_in_budgets: workspace.include_byok }))
}

/// The budget of one interval.
pub(crate) fn budget(state: &State, name: &str, interval: &str) -> Result<String, Failure> {
    let interval = read(interval)?;
    let account = state.account.read();
    let workspace = account.workspace(name).ok_or_else(Failure::no_resource)?;
    let found = workspace.budgets.iter().find(|budget| budget.interval == interval);
    Ok(told(workspace, found.ok_or_else(Failure::no_resource)?))
}

/// Sets the budget of one interval.
pub(crate) fn set(
    state: &State,
    name: &str,
    interval: &str,
    body: &[u8],
    now: Moment,
) -> Result<String, Failure> {
    let interval = read(interval)?;
    let mut account = state.account.write();
    let id = account.uuid();
    let workspace = account.workspace_mut(name).ok_or_else(Failure::no_resource)?;
    let fields = Fields::read(body)?;
    let limit = fields.usd("limit_usd")?.flatten().filter(|limit| !limit.is_zero());
    let limit = limit.ok_or_else(|| expected("limit_usd", "a number above 0"))?;
    let include = fields.flag("include_byok_in_budgets")?;
    let before = workspace.budgets.iter().position(|budget| budget.interval == interval);
    let mut budget = Budget { id, interval, limit, created: now, updated: now };
    if let Some(before) = before.map(|index| &workspace.budgets[index]) {
        budget = Budget { id: Arc::clone(&before.id), created: before.created, ..budget };
    }
    if workspace.budgets.iter().any(|other| !falls(other, &budget)) {
        return Err(Failure::invalid(
            "Budget limits must strictly decrease: lifetime > monthly > weekly > daily".to_owned(),
        ));
    }
    workspace.include_byok = include.unwrap_or(workspace.include_byok);
    match before {
        Some(index) => workspace.budgets[index] = budget.clone(),
        None => workspace.budgets.push(budget.clone()),
    }
    Ok(told(workspace, &budget))
}

/// Takes the budget of one interval away, if there is one.
pub(crate) fn delete(state: &State, name: &str, interval: &str) -> Result<String, Failure> {
    let interval = read(interval)?;
    let mut account = state.account.write();
    let workspace = account.workspace_mut(name).ok_or_else(Failure::no_resource)?;
    workspace.budgets.retain(|budget| budget.interval != interval);
    Ok(r#"{"deleted":true}"#.to_owned())
}

fn told(workspace: &Workspace, budget: &Budget) -> String {
    let include_byok_in_budgets = workspace.include_byok;
    text(&Budgets { data: workspace.told_budget(budget), include_byok_in_budgets })
}

/// Whether the broader one of two is the larger one.
fn falls(a: &Budget, b: &Budget) -> bool {
    match breadth(a.interval).cmp(&breadth(b.interval)) {
        std::cmp::Ordering::Equal => true,
        std::cmp::Ordering::Greater => a.limit > b.limit,
        std::cmp::Ordering::Less => a.limit < b.limit,
    }
}

/// `daily`, `weekly`, `monthly`, or `lifetime` for none.
fn read(word: &str) -> Result<Option<Interval>, Failure> {
    match (Interval::read(word), word) {
        (Some(interval), _) => Ok(Some(interval)),
        (None, "lifetime") => Ok(None),
        _ => Err(expected("interval", "daily, weekly, monthly or lifetime")),
    }
}

fn is_slug(text: &str) -> bool {
    let legal = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.split('-').all(legal)
}
