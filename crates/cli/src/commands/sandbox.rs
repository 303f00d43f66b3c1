//! `farebox sandbox`: a fake OpenRouter with real prices and its own books.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use farebox::config;
use sandbox::Sandbox;

use super::serve::{sandbox_url, signals::Signals};
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox sandbox\n  farebox sandbox --listen 127.0.0.1:0 --seed 7 --adversarial\n  curl http://127.0.0.1:4750/sandbox/bill    what it has billed, exactly\n  curl -H 'Authorization: Bearer sk-or-v1-sandbox-management' http://127.0.0.1:4750/api/v1/keys";

/// `sandbox`
#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    /// Where it listens; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4750", value_parser = config::socket_address)]
    listen: SocketAddr,
    /// The same seed gives the same answers, costs and faults
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Read its settings (latency, faults, keys, credits) from this file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Bill the most that each call permits: every token, the dearest endpoint
    #[arg(long)]
    adversarial: bool,
}

/// Runs it until a signal comes.
pub(crate) async fn run(args: SandboxArgs) -> Result<Exit, Failure> {
    super::log();
    let mut settings = match &args.config {
        Some(path) => read(path)?,
        None => sandbox::Config::default(),
    };
    if let Some(seed) = args.seed {
        settings.seed = seed;
    }
    settings.adversarial |= args.adversarial;
    let mut signals = Signals::listen()?;
    let sandbox = Sandbox::start(args.listen, settings)
        .await
        .map_err(|error| Failure::caused(&format!("cannot listen on {}", args.listen), &error))?;
    let terminal = Terminal::of_stderr();
    let address = sandbox.addr();
    eprintln!("{} no real money here", terminal.bold("farebox sandbox"));
    eprintln!("  {} {}", terminal.dim("base URL "), terminal.bold(&sandbox_url(address)));
    eprintln!("  {} http://{address}/sandbox/bill", terminal.dim("bill     "));
    signals.next().await;
    tokio::select! {
        () = sandbox.stop() => Ok(Exit::Ok),
        () = signals.next() => std::process::exit(i32::from(Exit::Interrupted as u8)),
    }
}

fn read(path: &Path) -> Result<sandbox::Config, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {}", path.display(), chain(&error))))?;
    sandbox::Config::from_toml(&text)
        .map_err(|error| Failure::usage(format!("{}: {}", path.display(), chain(&error))))
}
