//! `farebox demo`: see a budget hold, without an account.
//!
//! ```text
//! sandbox (here) <- gateway (a process of its own) <- 200 clients (here)
//!                        '- kill -9 in the middle, restarted on the same folder and ports
//! ```
//!
//! The clients spend until the budget is used up; then what the *sandbox* billed is compared with the budget and
//! with the books. Nothing of this runs against real money, and the folder is removed at the end.

mod call;
mod client;
mod crowd;
mod gateway_process;
mod judge;
mod plan;
mod progress;
mod tally;

use std::time::{Duration, Instant};

use clap::Args;
use farebox::config;
use money::Nano;
use sandbox::{Millis, Sandbox};

use self::client::Clients;
use self::crowd::Crowd;
use self::gateway_process::GatewayProcess;
use self::judge::Judge;
use self::plan::Menu;
use self::progress::Progress;
use self::tally::Tally;
use super::serve::{sandbox_url, signals::Signals};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::{amount, output};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox demo\n  farebox demo --budget 0.25 --clients 50 --seed 7\n  farebox demo --json | tail -n 1";

/// When all clients go home, whatever is left.
const RUN_MAX: Duration = Duration::from_secs(18);
/// How long unknown costs are waited for at the end.
const SETTLE_MAX: Duration = Duration::from_secs(8);
/// The gateway is killed once this much of the budget is billed, percent.
const KILL_AT_PERCENT: i64 = 40;
const TICK: Duration = Duration::from_millis(50);

/// `demo`
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The budget, USD
    #[arg(long, value_name = "AMOUNT", default_value = "1.00", value_parser = amount::limit)]
    budget: Nano,
    /// Clients at the same time
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    clients: u32,
    /// Calls at most; the budget is usually used up before
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    requests: u32,
    /// Another seed makes other calls, answers and costs
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// End with a line of JSON: {budget_usd, billed_usd, booked_usd, unknown_usd,
    /// overshoot_usd, served, refused, starved, kills, seed}; money is decimal text
    #[arg(long, verbatim_doc_comment)]
    json: bool,
}

/// Runs it, and says how it went.
pub(crate) async fn run(args: DemoArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    tokio::select! {
        exit = show(args) => exit,
        () = signals.next() => Ok(Exit::Interrupted),
    }
}

async fn show(args: DemoArgs) -> Result<Exit, Failure> {
    let progress = Progress::new(args.budget, Terminal::of_stderr());
    let folder = tempfile::Builder::new()
        .prefix("farebox-demo-")
        .tempdir()
        .map_err(|error| Failure::caused("cannot make a folder for the demo", &error))?;
    let sandbox = Sandbox::start(config::loopback_address(0), settings(args.seed))
        .await
        .map_err(|error| Failure::caused("cannot start the sandbox", &error))?;
    let menu = Menu::of_sandbox(sandbox.addr()).await?;
    let mut gateway = GatewayProcess::start(folder.path(), &sandbox_url(sandbox.addr()), args.budget).await?;
    progress.say(&format!("one budget of {}, clients: {}", args.budget.for_people(), args.clients));

    let judge = Judge::new(sandbox.addr());
    let tally = Tally::default();
    let crowd = Crowd::new(args.requests, Instant::now() + RUN_MAX);
    let mut clients =
        Clients::start(args.clients, args.seed, menu, gateway.listen(), crowd.clone(), tally.clone());
    let mut kills = 0;
    let mut sent_home = 0;
    while !clients.tick(TICK).await {
        if crowd.is_over() {
            sent_home = clients.send_home().await;
            progress.say(&format!("time is up: {sent_home} clients go home"));
            break;
        }
        let billed = judge.billed().await?;
        progress.show(billed.rounded_up, &tally);
        if kills == 0 && is_time_to_kill(billed.rounded_up, args.budget, crowd.begun(), args.requests) {
            let down = gateway.kill_and_restart().await?;
            kills += 1;
            progress.say(&format!(
                "kill -9 at {}; back on the same books after {} ms",
                billed.rounded_up.for_people(),
                down.as_millis()
            ));
        }
    }
    if sent_home == 0 {
        let all = crowd.begun() == args.requests;
        progress.say(if all { "all calls are made" } else { "every client has been told no" });
    }
    judge.wait_until_settled(gateway.console(), SETTLE_MAX, &progress).await?;
    let books = gateway.stop().await?;
    let verdict = judge.verdict(&args, &books, &tally, kills).await?;
    progress.end();
    sandbox.stop().await;
    match args.json {
        true => output::json_line(&verdict.line())?,
        false => output::text(&verdict.text(&Terminal::of_stdout()))?,
    };
    Ok(if verdict.held() { Exit::Ok } else { Exit::Failed })
}

/// A sandbox that takes its time as a model does, only faster.
fn settings(seed: u64) -> sandbox::Config {
    let latency = sandbox::Latency { first_byte: Millis::new(5, 30), between_chunks: Millis::new(1, 6) };
    sandbox::Config { seed, latency, generation_delay: Millis::new(20, 120), ..sandbox::Config::default() }
}

/// In the middle: of the money, or of the calls.
fn is_time_to_kill(billed: Nano, budget: Nano, begun: u32, requests: u32) -> bool {
    billed.nanos() / KILL_AT_PERCENT >= budget.nanos() / 100 || begun >= requests / 2
}
