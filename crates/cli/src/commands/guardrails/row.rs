//! A guardrail in JSON, in a table, and as facts.

use openrouter::account::{Assigned, Guardrail};
use serde::Serialize;

use crate::commands::keys::limit_words;
use crate::facts::Facts;
use crate::listing::{self, Column, Shown, left};
use crate::table::printable;
use crate::terminal::Terminal;

/// One guardrail in `--json`. Money is decimal text, USD.
#[derive(Debug, Serialize)]
pub(crate) struct GuardrailRow {
    id: String,
    name: String,
    description: Option<String>,
    workspace_id: Option<String>,
    limit_usd: Option<String>,
    reset_interval: Option<String>,
    include_byok_in_budgets: Option<bool>,
    allowed_models: Option<Vec<String>>,
    ignored_models: Option<Vec<String>>,
    allowed_providers: Option<Vec<String>>,
    ignored_providers: Option<Vec<String>>,
    created_at: Option<String>,
    updated_at: Option<String>,
}

impl From<&Guardrail> for GuardrailRow {
    fn from(row: &Guardrail) -> Self {
        GuardrailRow {
            id: row.id.clone(),
            name: row.name.clone(),
            description: row.description.clone(),
            workspace_id: row.workspace_id.clone(),
            limit_usd: row.limit_usd.map(|limit| limit.to_string()),
            reset_interval: row.reset_interval.as_ref().map(ToString::to_string),
            include_byok_in_budgets: row.include_byok_in_budgets,
            allowed_models: row.allowed_models.clone(),
            ignored_models: row.ignored_models.clone(),
            allowed_providers: row.allowed_providers.clone(),
            ignored_providers: row.ignored_providers.clone(),
            created_at: row.created_at.clone(),
            updated_at: row.updated_at.clone(),
        }
    }
}

/// Who carries one, in `--json`.
#[derive(Debug, Serialize)]
pub(crate) struct AssignedRow {
    key_hash: Option<String>,
    key_name: Option<String>,
    user_id: Option<String>,
    since: Option<String>,
}

impl From<&Assigned> for AssignedRow {
    fn from(row: &Assigned) -> Self {
        AssignedRow {
            key_hash: row.key_hash.clone(),
            key_name: row.key_name.clone(),
            user_id: row.user_id.clone(),
            since: row.created_at.clone(),
        }
    }
}

const COLUMNS: [Column; 5] =
    [left("NAME", 0), left("BUDGET, EACH", 1), left("MODELS", 2), left("PROVIDERS", 3), left("ID", 4)];

/// Guardrails as a table.
pub(crate) fn table(rows: &[Guardrail], terminal: &Terminal) -> String {
    if rows.is_empty() {
        return "there are no guardrails\n".to_owned();
    }
    let rows: Vec<Vec<Shown>> = rows
        .iter()
        .map(|row| {
            vec![
                printable(&row.name).into(),
                budget(row).into(),
                allowed(row.allowed_models.as_deref(), row.ignored_models.as_deref()).into(),
                allowed(row.allowed_providers.as_deref(), row.ignored_providers.as_deref()).into(),
                printable(&row.id).into(),
            ]
        })
        .collect();
    listing::render(&COLUMNS, &rows, terminal)
}

/// One guardrail as facts; `carriers` where they were asked for.
pub(crate) fn facts(row: &Guardrail, carriers: Option<&[Assigned]>, terminal: &Terminal) -> String {
    let mut facts = Facts::new(terminal, 9);
    facts.title(&printable(&row.name));
    facts.fact("id", &printable(&row.id));
    facts.maybe("for", row.description.as_deref().map(printable));
    let each = if row.limit_usd.is_some() { ", for each key and member that carries it" } else { "" };
    facts.fact("budget", &format!("{}{each}", budget(row)));
    if row.include_byok_in_budgets == Some(true) {
        facts.fact("BYOK", "spend with own keys at providers counts");
    }
    facts.fact("models", &every(row.allowed_models.as_deref(), row.ignored_models.as_deref()));
    facts.fact("providers", &every(row.allowed_providers.as_deref(), row.ignored_providers.as_deref()));
    facts.maybe("workspace", row.workspace_id.as_deref().map(printable));
    if let Some(carriers) = carriers {
        facts.fact("carried", &carried_by(carriers));
    }
    facts.text()
}

fn budget(row: &Guardrail) -> String {
    match row.limit_usd {
        Some(_) => limit_words(row.limit_usd, row.reset_interval.as_ref()),
        None => "none".to_owned(),
    }
}

/// How many, for a table.
fn allowed(only: Option<&[String]>, not: Option<&[String]>) -> String {
    match (only, not.filter(|not| !not.is_empty())) {
        (Some([one]), _) => printable(one),
        (Some(only), _) => format!("{} allowed", only.len()),
        (None, Some(not)) => format!("all but {}", not.len()),
        (None, None) => "all".to_owned(),
    }
}

/// Each of them, for one guardrail.
fn every(only: Option<&[String]>, not: Option<&[String]>) -> String {
    let names = |list: &[String]| list.iter().map(|name| printable(name)).collect::<Vec<_>>().join(", ");
    match (only, not.filter(|not| !not.is_empty())) {
        (Some([]), _) => "none at all".to_owned(),
        (Some(only), Some(not)) => format!("only {}; not {}", names(only), names(not)),
        (Some(only), None) => format!("only {}", names(only)),
        (None, Some(not)) => format!("all but {}", names(not)),
        (None, None) => "all".to_owned(),
    }
}

fn carried_by(carriers: &[Assigned]) -> String {
    let name = |row: &Assigned| match (&row.key_name, &row.key_hash, &row.user_id) {
        (Some(name), Some(hash), _) => {
            format!("key '{}' ({})", printable(name), hash.get(..12).unwrap_or(hash))
        }
        (None, Some(hash), _) => format!("key {}", hash.get(..12).unwrap_or(hash)),
        (_, None, Some(user)) => format!("member {}", printable(user)),
        (_, None, None) => "somebody".to_owned(),
    };
    match carriers {
        [] => "by nobody, so it does nothing; farebox guardrails assign".to_owned(),
        carriers => format!("by {}", carriers.iter().map(name).collect::<Vec<_>>().join(", ")),
    }
}
