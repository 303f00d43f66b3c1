//! `farebox workspaces budgets remove`

use clap::{Args, ValueEnum};
use serde_json::json;

use super::window::WindowFlag;
use crate::account::UpstreamArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::table::printable;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox workspaces budgets remove prod daily";

/// `workspaces budgets remove`
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// Its id, or its slug
    #[arg(value_name = "WORKSPACE")]
    workspace: String,
    /// Which budget
    #[arg(value_enum)]
    window: WindowFlag,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Removes it. One that is not there is removed already.
pub(crate) async fn run(args: RemoveArgs) -> Result<Exit, Failure> {
    let administrator = args.upstream.administer("the budget of a workspace")?;
    let reset = args.window.reset();
    let removed = administrator.admin.remove_workspace_budget(&args.workspace, reset.as_ref()).await;
    let find_out = format!("farebox workspaces budgets show {}", args.workspace);
    removed.map_err(|error| administrator.not_changed(error, &find_out))?;
    let window = args.window.to_possible_value().map_or(String::new(), |value| value.get_name().to_owned());
    match args.json {
        true => output::json(&json!({ "removed": true, "workspace": args.workspace, "window": window })),
        false => output::text(&format!("{} has no {window} budget now\n", printable(&args.workspace))),
    }
}
