//! `farebox workspaces budgets show`

use clap::Args;
use jiff::Timestamp;
use openrouter::account::{AccountError, WorkspaceBudgets};
use serde_json::json;

use super::row::{self, BudgetRow};
use crate::account::UpstreamArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str =
    "Examples:\n  farebox workspaces budgets show prod\n  farebox workspaces budgets show prod --json";

/// `workspaces budgets show`
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Its id, or its slug
    #[arg(value_name = "WORKSPACE")]
    workspace: String,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON: {budgets, include_byok_in_budgets}; money is decimal text
    #[arg(long)]
    json: bool,
}

/// Prints them.
pub(crate) async fn run(args: ShowArgs) -> Result<Exit, Failure> {
    let administrator = args.upstream.administer("the budgets of a workspace")?;
    let found = match administrator.admin.workspace_budgets(&args.workspace).await {
        // A workspace without any has answered so (CONTRACT 6.2): is there such a workspace?
        Err(AccountError::NotFound(_)) => {
            let all = administrator.admin.workspaces().await.map_err(|error| administrator.failed(error))?;
            let is_it = |slug: Option<&str>, id: &str| slug == Some(&args.workspace) || id == args.workspace;
            match all.iter().any(|row| is_it(row.slug.as_deref(), &row.id)) {
                true => WorkspaceBudgets::default(),
                false => {
                    let what = format!("there is no workspace '{}'", args.workspace.escape_debug());
                    return Err(Failure::failed(what).hint("farebox workspaces list shows those there are"));
                }
            }
        }
        answer => answer.map_err(|error| administrator.failed(error))?,
    };
    let now = Timestamp::now();
    if args.json {
        let rows: Vec<BudgetRow> = found.budgets.iter().map(|budget| BudgetRow::new(budget, now)).collect();
        let byok = found.include_byok_in_budgets;
        return output::json(&json!({ "budgets": rows, "include_byok_in_budgets": byok }));
    }
    if found.budgets.is_empty() {
        return output::text("this workspace has no budget\n");
    }
    output::text(&row::table(&found.budgets, &Terminal::of_stdout(), now))?;
    if found.include_byok_in_budgets == Some(true) {
        output::text("spend with own keys at providers (BYOK) counts\n")?;
    }
    Ok(Exit::Ok)
}
