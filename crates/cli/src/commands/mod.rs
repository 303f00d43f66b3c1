//! The commands: each file or folder is a word that can be typed.

pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod balance;
pub(crate) mod budgets;
pub(crate) mod demo;
pub(crate) mod estimate;
pub(crate) mod explain;
pub(crate) mod generation;
pub(crate) mod guardrails;
mod help;
pub(crate) mod honesty;
pub(crate) mod keys;
pub(crate) mod models;
pub(crate) mod reconcile;
pub(crate) mod repair;
pub(crate) mod report;
pub(crate) mod routes;
pub(crate) mod sandbox;
pub(crate) mod serve;
pub(crate) mod unknown;
pub(crate) mod verify;
mod version;
pub(crate) mod workspaces;

use crate::cli::{BudgetsCommand, Cli, Command, ModelsCommand, RoutesCommand};
use crate::exit::Exit;
use crate::failure::Failure;

/// Does what was typed.
pub(crate) fn run(cli: Cli) -> Result<Exit, Failure> {
    match cli.command {
        None => help::run(&[]),
        Some(Command::Help(args)) => help::run(&args.words),
        Some(Command::Version(args)) => version::run(&args),
        Some(Command::Serve(args)) => on_all_cores(serve::run(*args)),
        Some(Command::Sandbox(args)) => on_all_cores(sandbox::run(args)),
        Some(Command::Demo(args)) => on_all_cores(demo::run(args)),
        Some(Command::Budgets(args)) => match args.command {
            BudgetsCommand::List(args) => on_one_core(budgets::list::run(args)),
        },
        Some(Command::Unknown(args)) => on_one_core(unknown::run(args)),
        Some(Command::Reconcile(args)) => on_one_core(reconcile::run(args)),
        Some(Command::Verify(args)) => on_one_core(verify::run(args)),
        Some(Command::Backup(args)) => on_one_core(backup::back_up(args)),
        Some(Command::Restore(args)) => on_one_core(backup::restore(args)),
        Some(Command::Repair(args)) => on_one_core(repair::run(args)),
        Some(Command::Report(args)) => on_one_core(report::run(args)),
        Some(Command::Audit(args)) => on_one_core(audit::run(args)),
        Some(Command::Honesty(args)) => on_one_core(honesty::run(args)),
        Some(Command::Estimate(args)) => on_one_core(estimate::run(*args)),
        Some(Command::Models(args)) => match args.command {
            ModelsCommand::List(args) => on_one_core(models::list::run(*args)),
            ModelsCommand::Show(args) => on_one_core(models::show::run(*args)),
            ModelsCommand::Cheapest(args) => on_one_core(models::cheapest::run(*args)),
            ModelsCommand::Compare(args) => on_one_core(models::compare::run(*args)),
            ModelsCommand::History(args) => on_one_core(models::history::run(*args)),
            ModelsCommand::Watch(args) => on_one_core(models::watch::run(*args)),
            ModelsCommand::Refresh(args) => on_one_core(models::refresh::run(*args)),
        },
        Some(Command::Routes(args)) => match args.command {
            RoutesCommand::List(args) => on_one_core(routes::list::run(args)),
        },
        Some(Command::Explain(args)) => on_one_core(explain::run(args)),
        Some(Command::Balance(args)) => on_one_core(balance::run(args)),
        Some(Command::Keys(args)) => on_one_core(keys::run(args)),
        Some(Command::Guardrails(args)) => on_one_core(guardrails::run(args)),
        Some(Command::Workspaces(args)) => on_one_core(workspaces::run(args)),
        Some(Command::Generation(args)) => on_one_core(generation::run(args)),
        Some(Command::Alerts(args)) => on_one_core(alerts::run(args)),
    }
}

fn on_all_cores(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    block_on(tokio::runtime::Builder::new_multi_thread(), work)
}

fn on_one_core(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    block_on(tokio::runtime::Builder::new_current_thread(), work)
}

fn block_on(
    mut builder: tokio::runtime::Builder,
    work: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let runtime = builder.enable_all().build();
    let runtime = runtime.map_err(|error| Failure::caused("cannot start the runtime", &error))?;
    let outcome = runtime.block_on(work);
    // What is still waiting must not keep the process.
    runtime.shutdown_background();
    outcome
}

/// Logs on stderr, as `FAREBOX_LOG` says; warnings unless told otherwise. Never keys, never prompts.
pub(crate) fn log() {
    use tracing_subscriber::EnvFilter;
    let filter = std::env::var("FAREBOX_LOG").ok().filter(|text| !text.is_empty());
    let filter = EnvFilter::try_new(filter.as_deref().unwrap_or("warn")).unwrap_or_else(|error| {
        eprintln!("warning: FAREBOX_LOG cannot be read ({error}); logging warnings");
        EnvFilter::new("warn")
    });
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(crate::terminal::Terminal::of_stderr().has_colour())
        .try_init();
}
