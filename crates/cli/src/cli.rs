//! The command line: what can be typed. What it means is in `commands`.

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    alerts, audit, backup, balance, budgets, demo, estimate, explain, generation, guardrails, honesty, keys,
    models, reconcile, repair, report, routes, sandbox, serve, unknown, verify, workspaces,
};

/// Examples come first: they are what people look for.
pub(crate) const TEMPLATE: &str =
    "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

/// A budget for OpenRouter that holds
#[derive(Debug, Parser)]
#[command(
    name = "farebox",
    version,
    help_template = TEMPLATE,
    disable_help_subcommand = true,
    before_help = "Examples:\n  farebox demo                      see it hold, no account needed\n  farebox serve --budget 10/day     then point programs at http://127.0.0.1:4747/api/v1\n  farebox budgets list              what is spent, held and left",
    after_help = "More: farebox help exit-codes | env | config"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway: programs spend through it, budgets hold
    #[command(help_template = TEMPLATE, before_help = serve::EXAMPLES)]
    Serve(Box<serve::ServeArgs>),
    /// See a budget hold: 200 clients, a kill -9, and the bill
    #[command(help_template = TEMPLATE, before_help = demo::EXAMPLES)]
    Demo(demo::DemoArgs),
    /// Run a fake OpenRouter with real prices and its own books
    #[command(help_template = TEMPLATE, before_help = sandbox::EXAMPLES)]
    Sandbox(sandbox::SandboxArgs),
    /// Look at budgets
    Budgets(BudgetsArgs),
    /// Say what a call will cost before it is sent
    #[command(help_template = TEMPLATE, before_help = estimate::EXAMPLES)]
    Estimate(Box<estimate::EstimateArgs>),
    /// Look at models and their prices
    Models(ModelsArgs),
    /// Look at routes and what they saved
    Routes(RoutesArgs),
    /// Say why a call cost what it did, or was refused
    #[command(help_template = TEMPLATE, before_help = explain::EXAMPLES)]
    Explain(explain::ExplainArgs),
    /// What the OpenRouter key and account have left, and what runs
    #[command(help_template = TEMPLATE, before_help = balance::EXAMPLES)]
    Balance(balance::BalanceArgs),
    /// Keys of the OpenRouter account, each with its limit
    Keys(keys::KeysArgs),
    /// OpenRouter's own budgets and allow-lists for keys and members
    Guardrails(guardrails::GuardrailsArgs),
    /// Workspaces of the OpenRouter account and their shared budgets
    Workspaces(workspaces::WorkspacesArgs),
    /// The exact cost of one generation, and what these books say of it
    #[command(help_template = TEMPLATE, before_help = generation::EXAMPLES)]
    Generation(generation::GenerationArgs),
    /// What was spent, by day, model, key or budget
    #[command(help_template = TEMPLATE, before_help = report::EXAMPLES)]
    Report(report::ReportArgs),
    /// Calls whose cost is not known yet, and how long already
    #[command(help_template = TEMPLATE, before_help = unknown::EXAMPLES)]
    Unknown(unknown::UnknownArgs),
    /// Say what a call cost, where no other evidence will come
    #[command(help_template = TEMPLATE, before_help = reconcile::EXAMPLES)]
    Reconcile(reconcile::ReconcileArgs),
    /// Hold the books against OpenRouter's own bill
    #[command(help_template = TEMPLATE, before_help = audit::EXAMPLES)]
    Audit(audit::AuditArgs),
    /// Which provider kept to its word, and letting one in again
    #[command(help_template = TEMPLATE, before_help = honesty::EXAMPLES)]
    Honesty(honesty::HonestyArgs),
    /// Check the books against themselves and the journal, while no gateway runs
    #[command(help_template = TEMPLATE, before_help = verify::EXAMPLES)]
    Verify(verify::VerifyArgs),
    /// Copy the books into one file, while a gateway runs or not
    #[command(help_template = TEMPLATE, before_help = backup::EXAMPLES)]
    Backup(backup::BackupArgs),
    /// Put a backup in place
    #[command(help_template = TEMPLATE, before_help = backup::RESTORE_EXAMPLES)]
    Restore(backup::RestoreArgs),
    /// Make books usable again whose journal is damaged
    #[command(help_template = TEMPLATE, before_help = repair::EXAMPLES)]
    Repair(repair::RepairArgs),
    /// Say when money runs low: check from cron, test and list alerts
    Alerts(alerts::AlertsArgs),
    /// Print the version
    Version(VersionArgs),
    /// Print help for a command, or about exit-codes, env or config
    Help(HelpArgs),
}

/// `budgets …`
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct BudgetsArgs {
    #[command(subcommand)]
    pub(crate) command: BudgetsCommand,
}

/// What to do with budgets.
#[derive(Debug, Subcommand)]
pub(crate) enum BudgetsCommand {
    /// List every budget: limit, spent, held, left
    #[command(help_template = TEMPLATE, before_help = budgets::list::EXAMPLES)]
    List(budgets::list::ListArgs),
}

/// `models …`
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    pub(crate) command: ModelsCommand,
}

/// What to do with models.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// List models: context, prices, what they can do
    #[command(help_template = TEMPLATE, before_help = models::list::EXAMPLES)]
    List(Box<models::list::ListArgs>),
    /// Show one model: its prices, its providers, what farebox makes of it
    #[command(help_template = TEMPLATE, before_help = models::show::EXAMPLES)]
    Show(Box<models::show::ShowArgs>),
    /// Say where a request is cheapest
    #[command(help_template = TEMPLATE, before_help = models::cheapest::EXAMPLES)]
    Cheapest(Box<models::cheapest::CheapestArgs>),
    /// Put models side by side, by what a request costs there
    #[command(help_template = TEMPLATE, before_help = models::compare::EXAMPLES)]
    Compare(Box<models::compare::CompareArgs>),
    /// Say how prices and limits moved, the newest first
    #[command(help_template = TEMPLATE, before_help = models::history::EXAMPLES)]
    History(Box<models::history::HistoryArgs>),
    /// Ask OpenRouter again and again, and say what has changed
    #[command(help_template = TEMPLATE, before_help = models::watch::EXAMPLES)]
    Watch(Box<models::watch::WatchArgs>),
    /// Read the prices anew, and say what has changed
    #[command(help_template = TEMPLATE, before_help = models::refresh::EXAMPLES)]
    Refresh(Box<models::refresh::RefreshArgs>),
}

/// `routes …`
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct RoutesArgs {
    #[command(subcommand)]
    pub(crate) command: RoutesCommand,
}

/// What to do with routes.
#[derive(Debug, Subcommand)]
pub(crate) enum RoutesCommand {
    /// List every route: calls, cost, what it would have cost, saved
    #[command(help_template = TEMPLATE, before_help = routes::list::EXAMPLES)]
    List(routes::list::ListArgs),
}

/// `version`
#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `help`
#[derive(Debug, Args)]
pub(crate) struct HelpArgs {
    /// A command, or exit-codes, env, config
    #[arg(value_name = "COMMAND|TOPIC")]
    pub(crate) words: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }
}
