//! `…/assignments/keys` and `…/assignments/members`: whom guardrails bind (CONTRACT 6.1).

use std::sync::Arc;

use serde::Serialize;

use crate::account::fields::{Fields, expected};
use crate::account::page::Page;
use crate::account::usd::text;
use crate::account::{Account, Assignment, Target};
use crate::clock::Moment;
use crate::error::{Failure, ORGANIZATION, USER};
use crate::query::Query;
use crate::server::State;

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

/// The assignments of one guardrail, or of all.
pub(crate) fn list(state: &State, of: Option<&str>, to: Target, query: &Query) -> Result<String, Failure> {
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
