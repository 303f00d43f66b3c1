//! `farebox workspaces budgets set`

use clap::Args;
use jiff::Timestamp;
use money::Nano;

use super::row::{self, BudgetRow};
use super::window::WindowFlag;
use crate::account::UpstreamArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::{amount, output};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox workspaces budgets set prod monthly 500\n  farebox workspaces budgets set prod daily 50 --include-byok true";

/// `workspaces budgets set`
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// Its id, or its slug
    #[arg(value_name = "WORKSPACE")]
    workspace: String,
    /// Which budget; limits must fall from lifetime over monthly and weekly to daily
    #[arg(value_enum)]
    window: WindowFlag,
    /// How much per window, USD
    #[arg(value_name = "USD", value_parser = amount::limit)]
    limit: Nano,
    /// Whether spend with own keys at providers (BYOK) counts, for all windows
    #[arg(long, value_name = "true|false")]
    include_byok: Option<bool>,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Sets it.
pub(crate) async fn run(args: SetArgs) -> Result<Exit, Failure> {
    let administrator = args.upstream.administer("the budget of a workspace")?;
    let reset = args.window.reset();
    let set = administrator
        .admin
        .set_workspace_budget(&args.workspace, reset.as_ref(), args.limit, args.include_byok)
        .await;
    let find_out = format!("farebox workspaces budgets show {}", args.workspace);
    let set = set.map_err(|error| administrator.not_changed(error, &find_out))?;
    let now = Timestamp::now();
    match args.json {
        true => output::json(&BudgetRow::new(&set, now)),
        false => output::text(&row::table(&[set], &Terminal::of_stdout(), now)),
    }
}
