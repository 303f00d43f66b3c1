//! `farebox workspaces budgets`: the one budget of OpenRouter's that several keys share (Enterprise).

pub(crate) mod remove;
mod row;
pub(crate) mod set;
pub(crate) mod show;
mod window;

use clap::{Args, Subcommand};

use crate::cli::TEMPLATE;
use crate::exit::Exit;
use crate::failure::Failure;

/// `workspaces budgets …`
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct BudgetsArgs {
    #[command(subcommand)]
    command: BudgetsCommand,
}

/// What to do with them.
#[derive(Debug, Subcommand)]
enum BudgetsCommand {
    /// Show the budgets of a workspace
    #[command(help_template = TEMPLATE, before_help = show::EXAMPLES)]
    Show(show::ShowArgs),
    /// Set the budget of one window
    #[command(help_template = TEMPLATE, before_help = set::EXAMPLES)]
    Set(set::SetArgs),
    /// Remove the budget of one window
    #[command(help_template = TEMPLATE, before_help = remove::EXAMPLES)]
    Remove(remove::RemoveArgs),
}

/// Does it.
pub(crate) async fn run(args: BudgetsArgs) -> Result<Exit, Failure> {
    match args.command {
        BudgetsCommand::Show(args) => show::run(args).await,
        BudgetsCommand::Set(args) => set::run(args).await,
        BudgetsCommand::Remove(args) => remove::run(args).await,
    }
}
