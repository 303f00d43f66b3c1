//! `farebox guardrails list`

use clap::Args;

use super::row::{self, GuardrailRow};
use crate::account::UpstreamArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox guardrails list\n  farebox guardrails list --json\n\nThe management key comes from OPENROUTER_MANAGEMENT_KEY.";

/// `guardrails list`
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those filed under this workspace
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON: an array of guardrails; money is decimal text
    #[arg(long)]
    json: bool,
}

/// Prints them.
pub(crate) async fn run(args: ListArgs) -> Result<Exit, Failure> {
    let administrator = args.upstream.administer("listing guardrails")?;
    let found = administrator.admin.guardrails(args.workspace.as_deref()).await;
    let found = found.map_err(|error| administrator.failed(error))?;
    match args.json {
        true => output::json(&found.iter().map(GuardrailRow::from).collect::<Vec<_>>()),
        false => output::text(&row::table(&found, &Terminal::of_stdout())),
    }
}
