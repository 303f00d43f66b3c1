//! `farebox workspaces`: the workspaces of an OpenRouter account, and their shared budgets.

pub(crate) mod budgets;
pub(crate) mod list;

use clap::{Args, Subcommand};

use crate::cli::TEMPLATE;
use crate::exit::Exit;
use crate::failure::Failure;

/// `workspaces …`
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct WorkspacesArgs {
    #[command(subcommand)]
    command: WorkspacesCommand,
}

/// What to do with workspaces.
#[derive(Debug, Subcommand)]
enum WorkspacesCommand {
    /// List workspaces
    #[command(help_template = TEMPLATE, before_help = list::EXAMPLES)]
    List(list::ListArgs),
    /// Show, set or remove the budgets of a workspace
    Budgets(budgets::BudgetsArgs),
}

/// Does it.
pub(crate) async fn run(args: WorkspacesArgs) -> Result<Exit, Failure> {
    match args.command {
        WorkspacesCommand::List(args) => list::run(args).await,
        WorkspacesCommand::Budgets(args) => budgets::run(args).await,
    }
}
