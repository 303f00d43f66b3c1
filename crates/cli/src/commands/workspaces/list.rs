//! `farebox workspaces list`

use clap::Args;
use openrouter::account::Workspace;
use serde::Serialize;

use crate::account::UpstreamArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing::{self, Column, Shown, left};
use crate::output;
use crate::table::printable;
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox workspaces list\n  farebox workspaces list --json\n\nThe management key comes from OPENROUTER_MANAGEMENT_KEY.";

/// `workspaces list`
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON: an array of workspaces
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct WorkspaceRow<'a> {
    id: &'a str,
    slug: Option<&'a str>,
    name: &'a str,
    description: Option<&'a str>,
    default_guardrail_id: Option<&'a str>,
    created_at: Option<&'a str>,
}

impl<'a> WorkspaceRow<'a> {
    fn new(row: &'a Workspace) -> Self {
        WorkspaceRow {
            id: &row.id,
            slug: row.slug.as_deref(),
            name: &row.name,
            description: row.description.as_deref(),
            default_guardrail_id: row.default_guardrail_id.as_deref(),
            created_at: row.created_at.as_deref(),
        }
    }
}

const COLUMNS: [Column; 4] = [left("NAME", 0), left("SLUG", 1), left("DEFAULT GUARDRAIL", 3), left("ID", 2)];

/// Prints them.
pub(crate) async fn run(args: ListArgs) -> Result<Exit, Failure> {
    let administrator = args.upstream.administer("listing workspaces")?;
    let found = administrator.admin.workspaces().await.map_err(|error| administrator.failed(error))?;
    if args.json {
        return output::json(&found.iter().map(WorkspaceRow::new).collect::<Vec<_>>());
    }
    if found.is_empty() {
        return output::text("there are no workspaces\n");
    }
    let or_none = |text: &Option<String>| text.as_deref().map_or(String::new(), printable);
    let rows: Vec<Vec<Shown>> = found
        .iter()
        .map(|row| {
            let guardrail = or_none(&row.default_guardrail_id);
            [printable(&row.name), or_none(&row.slug), guardrail, printable(&row.id)]
                .map(Shown::from)
                .to_vec()
        })
        .collect();
    output::text(&listing::render(&COLUMNS, &rows, &Terminal::of_stdout()))
}
