//! `/guardrails` and their assignments (CONTRACT 6.1).

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::account::credits::Data;
use crate::account::fields::{Fields, Given, expected};
use crate::account::guardrail::{Guardrail, Lists, Told};
use crate::account::usd::text;
use crate::account::{Account, Assignment, Target};
use crate::catalogue::Catalogue;
use crate::clock::Moment;
use crate::error::{Failure, ORGANIZATION, USER};
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

#[derive(Debug, Serialize)]
pub(crate) struct Page<T> {
    data: Vec<T>,
    total_count: usize,
}

impl<T> Page<T> {
    pub(crate) fn of(rows: impl Iterator<Item = T>, query: &Query) -> Result<Page<T>, Failure> {
        let (offset, limit) = query.page()?;
        let mut rows: Vec<T> = rows.collect();
        let total_count = rows.len();
        rows.drain(..offset.min(total_count));
        rows.truncate(limit);
        Ok(Page { data: rows, total_count })
    }
}

#[derive(Debug, Serialize)]
struct KeyAssignment<'a> {
    id: &'a str,
    guardrail_id: &'a str,
    key_hash: &'a str,
    key_name: &'a str,
    key_label: &'a str,
    assigned_by: &'a str,
    created_at: String,
}

#[derive(Debug, Serialize)]
struct MemberAssignment<'a> {
    id: &'a str,
    guardrail_id: &'a str,
    user_id: &'a str,
    organization_id: &'a str,
    assigned_by: &'a str,
    created_at: String,
}

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

/// The assignments of one guardrail, or of all.
pub(crate) fn assignments(
    state: &State,
    of: Option<&str>,
    to: Target,
    query: &Query,
) -> Result<String, Failure> {
    let account = state.account.read();
    if of.is_some_and(|id| account.guardrail(id).is_none()) {
        return Err(Failure::no_resource());
    }
    let all = account.assignments(to).iter();
    let chosen = all.filter(|(_, assignment)| of.is_none_or(|id| &*assignment.guardrail == id));
    match to {
        Target::Keys => Ok(text(&Page::of(
            chosen.filter_map(|(hash, assignment)| told_key(&account, hash, assignment)),
            query,
        )?)),
        Target::Members => {
            Ok(text(&Page::of(chosen.map(|(user, assignment)| told_member(user, assignment)), query)?))
        }
    }
}

/// Binds keys or members; whatever bound them before does no longer.
pub(crate) fn assign(
    state: &State,
    id: &str,
    to: Target,
    body: &[u8],
    now: Moment,
) -> Result<String, Failure> {
    let mut account = state.account.write();
    let guardrail = Arc::clone(&account.guardrail(id).ok_or_else(Failure::no_resource)?.id);
    let names = names(body, to)?;
    if to == Target::Keys && names.iter().any(|hash| account.key(hash).is_none_or(|key| key.management)) {
        return Err(Failure::invalid("Invalid request parameters: an API key was not found".to_owned()));
    }
    for name in &names {
        let assignment = Assignment { id: account.uuid(), guardrail: Arc::clone(&guardrail), created: now };
        account.assignments_mut(to).insert(name.as_str().into(), assignment);
    }
    Ok(format!("{{\"assigned_count\":{}}}", names.len()))
}

/// Lets keys or members go.
pub(crate) fn unassign(state: &State, id: &str, to: Target, body: &[u8]) -> Result<String, Failure> {
    let mut account = state.account.write();
    account.guardrail(id).ok_or_else(Failure::no_resource)?;
    let names = names(body, to)?;
    let assignments = account.assignments_mut(to);
    let before = assignments.len();
    assignments.retain(|name, assignment| {
        &*assignment.guardrail != id || !names.iter().any(|gone| **gone == **name)
    });
    Ok(format!("{{\"unassigned_count\":{}}}", before - assignments.len()))
}

fn names(body: &[u8], to: Target) -> Result<Vec<String>, Failure> {
    let name = match to {
        Target::Keys => "key_hashes",
        Target::Members => "member_user_ids",
    };
    let names = Fields::read(body)?.list(name)?.flatten();
    names.ok_or_else(|| expected(name, "an array of at least one string"))
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

fn told_key<'a>(
    account: &'a Account,
    hash: &'a str,
    assignment: &'a Assignment,
) -> Option<KeyAssignment<'a>> {
    let key = account.key(hash)?;
    Some(KeyAssignment {
        id: &assignment.id,
        guardrail_id: &assignment.guardrail,
        key_hash: hash,
        key_name: &key.name,
        key_label: &key.label,
        assigned_by: USER,
        created_at: assignment.created.iso(),
    })
}

fn told_member<'a>(user: &'a str, assignment: &'a Assignment) -> MemberAssignment<'a> {
    MemberAssignment {
        id: &assignment.id,
        guardrail_id: &assignment.guardrail,
        user_id: user,
        organization_id: ORGANIZATION,
        assigned_by: USER,
        created_at: assignment.created.iso(),
    }
}
