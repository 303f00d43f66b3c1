//! `farebox guardrails show`

use clap::Args;
use openrouter::account::{Assigned, Assignee};
use serde_json::json;

use super::find::find;
use super::row::{self, AssignedRow, GuardrailRow};
use crate::account::{Administrator, UpstreamArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str =
    "Examples:\n  farebox guardrails show eng-default\n  farebox guardrails show eng-default --json";

/// `guardrails show`
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Its id, or its name
    #[arg(value_name = "GUARDRAIL")]
    guardrail: String,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON: {guardrail, carriers}
    #[arg(long)]
    json: bool,
}

/// Prints it.
pub(crate) async fn run(args: ShowArgs) -> Result<Exit, Failure> {
    let administrator = args.upstream.administer("showing a guardrail")?;
    let found = find(&administrator, &args.guardrail).await?;
    let carriers = carriers(&administrator, &found.id).await?;
    if args.json {
        let rows: Vec<AssignedRow> = carriers.iter().map(AssignedRow::from).collect();
        return output::json(&json!({ "guardrail": GuardrailRow::from(&found), "carriers": rows }));
    }
    output::text(&row::facts(&found, Some(&carriers), &Terminal::of_stdout()))
}

async fn carriers(administrator: &Administrator, id: &str) -> Result<Vec<Assigned>, Failure> {
    let mut carriers = Vec::new();
    for who in [Assignee::Keys, Assignee::Members] {
        let some = administrator.admin.assigned(id, who).await;
        carriers.extend(some.map_err(|error| administrator.failed(error))?);
    }
    Ok(carriers)
}
