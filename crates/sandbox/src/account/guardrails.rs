//! `/guardrails`: making, listing, changing and deleting them (CONTRACT 6.1).

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::account::credits::Data;
use crate::account::fields::{Fields, Given, expected};
use crate::account::guardrail::{Guardrail, Lists, Told};
use crate::account::page::Page;
use crate::account::usd::text;
use crate::catalogue::Catalogue;
use crate::clock::Moment;
use crate::error::Failure;
use crate::query::Query;
use crate::server::State;

const NAME_MAX: usize = 200;
/// Kept and told as they are given.
const FLAGS: [&str; 11] = [
    "enforce_zdr",
    "enforce_zdr_anthropic",
    "enforce_zdr_openai",
    "enforce_zdr_google",
    "enforce_zdr_xai",
    "enforce_zdr_other",
    "allow_safety_retention_google",
    "allow_safety_retention_other",
    "enable_paid_model_training",
    "enable_free_model_training",
    "enable_free_model_publication",
];
const OBJECTS: [&str; 3] = ["allowed_data_regions", "content_filters", "content_filter_builtins"];
const FIELDS: [&str; 9] = [
    "name",
    "description",
    "limit_usd",
    "reset_interval",
    "include_byok_in_budgets",
    "allowed_models",
    "ignored_models",
    "allowed_providers",
    "ignored_providers",
];

/// A page, oldest first. A workspace's own default is not in it.
pub(crate) fn list(state: &State, query: &Query) -> Result<String, Failure> {
    let account = state.account.read();
    let workspace = query.get("workspace_id");
    let filed = |guardrail: &&Guardrail| {
        workspace.as_deref().is_none_or(|id| guardrail.workspace.as_deref() == Some(id))
    };
    let rows: Page<Told<'_>> =
        Page::of(account.guardrails().iter().filter(filed).map(Guardrail::told), query)?;
    Ok(text(&rows))
}

/// A new one, which binds nobody yet.
pub(crate) fn create(state: &State, body: &[u8], now: Moment) -> Result<String, Failure> {
    let fields = Fields::read(body)?;
    let name =
        fields.name("name", NAME_MAX)?.ok_or_else(|| expected("name", "a string that is not empty"))?;
    let mut account = state.account.write();
    let workspace = match fields.text("workspace_id")?.flatten() {
        None => Arc::clone(&account.workspaces()[0].id),
        Some(id) => match account.workspace(&id) {
            Some(workspace) => Arc::clone(&workspace.id),
            None => return Err(expected("workspace_id", "a workspace of the account")),
        },
    };
    let mut guardrail = Guardrail {
        id: account.uuid(),
        name,
        description: None,
        workspace: Some(workspace),
        limit: None,
        include_byok: false,
        lists: Lists::default(),
        rest: blank(),
        created: now,
        updated: None,
    };
    put(&fields, &mut guardrail, &state.catalogue())?;
    let answer = text(&Data { data: guardrail.told() });
    account.add_guardrail(guardrail);
    Ok(answer)
}

/// One of them; a workspace's default too.
pub(crate) fn show(state: &State, id: &str) -> Result<String, Failure> {
    let account = state.account.read();
    let guardrail = account.guardrail(id).ok_or_else(Failure::no_resource)?;
    Ok(text(&Data { data: guardrail.told() }))
}

/// Changes what is given.
pub(crate) fn update(state: &State, id: &str, body: &[u8], now: Moment) -> Result<String, Failure> {
    let mut account = state.account.write();
    let own = account.guardrail_mut(id).ok_or_else(Failure::no_resource)?;
    let fields = Fields::read(body)?;
    if ![&FIELDS[..], &FLAGS, &OBJECTS].iter().any(|names| fields.has_any(names)) {
        return Err(Failure::invalid("No update fields provided".to_owned()));
    }
    let mut changed = own.clone();
    if let Some(name) = fields.name("name", NAME_MAX)? {
        changed.name = name;
    }
    put(&fields, &mut changed, &state.catalogue())?;
    changed.updated = Some(now);
    *own = changed;
    Ok(text(&Data { data: own.told() }))
}

/// Deletes it and its assignments. A workspace's default cannot be deleted.
pub(crate) fn delete(state: &State, id: &str) -> Result<String, Failure> {
    let deleted = state.account.write().delete_guardrail(id);
    if deleted { Ok(r#"{"deleted":true}"#.to_owned()) } else { Err(Failure::no_resource()) }
}

/// All that both bodies may say.
fn put(fields: &Fields, guardrail: &mut Guardrail, catalogue: &Catalogue) -> Result<(), Failure> {
    if let Some(description) = fields.text("description")? {
        guardrail.description = description;
    }
    if let Some(include) = fields.flag("include_byok_in_budgets")? {
        guardrail.include_byok = include;
    }
    put_limit(fields, guardrail)?;
    let models = |list: Given<Vec<String>>| list.map(|list| list.map(|list| canonical(list, catalogue)));
    let lists = &mut guardrail.lists;
    for (own, given) in [
        (&mut lists.allowed_models, models(fields.list("allowed_models")?)),
        (&mut lists.ignored_models, models(fields.list("ignored_models")?)),
        (&mut lists.allowed_providers, fields.list("allowed_providers")?),
        (&mut lists.ignored_providers, fields.list("ignored_providers")?),
    ] {
        if let Some(given) = given {
            *own = given;
        }
    }
    for name in FLAGS {
        if let Some(flag) = fields.read_as::<bool>(name, "a boolean")? {
            guardrail.rest.insert(name.to_owned(), flag.into());
        }
    }
    for name in OBJECTS {
        if let Some(list) = fields.read_as::<Vec<Value>>(name, "an array")? {
            guardrail.rest.insert(name.to_owned(), list.into());
        }
    }
    Ok(())
}

/// An amount needs an interval, and an interval an amount.
fn put_limit(fields: &Fields, guardrail: &mut Guardrail) -> Result<(), Failure> {
    let (amount, interval) = (fields.usd("limit_usd")?, fields.interval("reset_interval")?);
    let amount = amount.unwrap_or(guardrail.limit.map(|(amount, _)| amount));
    let interval = interval.unwrap_or(guardrail.limit.map(|(_, interval)| interval));
    guardrail.limit = match (amount, interval) {
        (Some(amount), Some(interval)) => Some((amount, interval)),
        (None, None) => None,
        (Some(_), None) => return Err(expected("reset_interval", "given with limit_usd")),
        (None, Some(_)) => return Err(expected("limit_usd", "given with reset_interval")),
    };
    Ok(())
}

/// Dated slugs; a name that is in no catalogue stays as it is.
fn canonical(list: Vec<String>, catalogue: &Catalogue) -> Vec<String> {
    let dated = |name: String| catalogue.canonical(&name).map_or(name, |slug| slug.to_string());
    list.into_iter().map(dated).collect()
}

/// Everything null, as it is told when nothing was said.
fn blank() -> Map<String, Value> {
    FLAGS.iter().chain(&OBJECTS).map(|name| ((*name).to_owned(), Value::Null)).collect()
}
