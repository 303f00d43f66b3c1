//! A workspace's budget in JSON and in a table.

use jiff::Timestamp;
use openrouter::account::WorkspaceBudget;
use serde::Serialize;

use crate::instant;
use crate::listing::{self, Column, Shown, left, right};
use crate::table::printable;
use crate::terminal::Terminal;

/// One budget in `--json`. Money is decimal text, USD.
#[derive(Debug, Serialize)]
pub(crate) struct BudgetRow {
    window: String,
    limit_usd: String,
    resets_at: Option<String>,
    id: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
}

impl BudgetRow {
    /// As of `now`.
    pub(crate) fn new(budget: &WorkspaceBudget, now: Timestamp) -> Self {
        let resets_at = instant::resets_at(budget.reset_interval.as_ref(), now);
        BudgetRow {
            window: window(budget),
            limit_usd: budget.limit_usd.to_string(),
            resets_at: resets_at.map(|at| at.to_string()),
            id: budget.id.clone(),
            created_at: budget.created_at.clone(),
            updated_at: budget.updated_at.clone(),
        }
    }
}

const COLUMNS: [Column; 4] = [left("WINDOW", 0), right("LIMIT", 0), left("ENDS", 1), left("CHANGED", 2)];

/// Budgets as a table.
pub(crate) fn table(budgets: &[WorkspaceBudget], terminal: &Terminal, now: Timestamp) -> String {
    let rows: Vec<Vec<Shown>> = budgets
        .iter()
        .map(|budget| {
            let ends = instant::resets_at(budget.reset_interval.as_ref(), now);
            let cells = [
                printable(&window(budget)),
                budget.limit_usd.for_people(),
                ends.map_or("never".to_owned(), |at| instant::until(now, at)),
                budget.updated_at.as_deref().map_or(String::new(), printable),
            ];
            cells.map(Shown::from).to_vec()
        })
        .collect();
    listing::render(&COLUMNS, &rows, terminal)
}

fn window(budget: &WorkspaceBudget) -> String {
    budget.reset_interval.as_ref().map_or("lifetime".to_owned(), ToString::to_string)
}
