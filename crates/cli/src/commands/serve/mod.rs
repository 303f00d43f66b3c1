//! `farebox serve`: the gateway and its console, from configuration to a clean stop.
//!
//! ```text
//! configuration -> checks -> books -> admission -> prices -> listeners -> banner -> ... -> drain -> close
//! ```
//!
//! Anything doubtful refuses to start, with a sentence on what to type instead. SIGTERM and SIGINT finish the calls
//! in flight and close the books; a second one ends at once, which the journal survives like any other death.

pub(crate) mod alerting;
mod banner;
mod checks;
pub(crate) mod signals;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use console::{Console, Token};
use farebox::config::{self, BudgetFlag, Config, Layer, Setting};
use farebox::{Farebox, OpenError};
use sandbox::Sandbox;
use store::Durability;
use tokio::net::TcpListener;
use tokio::sync::watch;

use self::banner::Banner;
pub(crate) use self::checks::is_bare_http;
use crate::commands::budgets::list;
use crate::commands::version::VERSION;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::secrets::{self, Key};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox serve --budget 10/day\n  farebox serve --budget 10/day --budget 100/month\n  farebox serve --sandbox --budget 1    try it without an account\n  farebox serve --config farebox.toml   budgets per user, model, key: farebox help config\n\nThe key comes from OPENROUTER_API_KEY, or calls bring their own.";

/// `serve`
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// A limit over all calls, AMOUNT/WINDOW: 10/day, 10/5h (in any five hours),
    /// 5/lifetime; none for no limit. Windows: hour, day, week, month, lifetime,
    /// or a length (90m, 5h, 7d). Repeatable
    #[arg(long, value_name = "LIMIT", env = "FAREBOX_BUDGET", hide_env_values = true, value_delimiter = ',')]
    budget: Vec<BudgetFlag>,
    /// Where programs connect; port 0 is any free one [default: 127.0.0.1:4747]
    #[arg(long, value_name = "ADDRESS", env = "FAREBOX_LISTEN", hide_env_values = true, value_parser = config::socket_address)]
    listen: Option<SocketAddr>,
    /// Where you and farebox's other commands look [default: 127.0.0.1:4748]
    #[arg(long, value_name = "ADDRESS", env = "FAREBOX_CONSOLE", hide_env_values = true, value_parser = config::socket_address)]
    console: Option<SocketAddr>,
    /// The folder of the books [default: $XDG_STATE_HOME/farebox]
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Where calls go [default: https://openrouter.ai/api/v1]
    #[arg(long, value_name = "URL", env = "OPENROUTER_BASE_URL", hide_env_values = true)]
    upstream: Option<String>,
    /// Read this configuration file and no other
    #[arg(long, value_name = "FILE", env = "FAREBOX_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Send calls to a built-in fake OpenRouter; the books go to a folder of their own
    #[arg(long)]
    sandbox: bool,
    /// What the books survive: a power cut, or the death of the process (faster)
    #[arg(long, value_enum)]
    durability: Option<DurabilityWord>,
    /// What to do with calls that no budget matches
    #[arg(long, value_enum)]
    unbudgeted: Option<UnbudgetedWord>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DurabilityWord {
    Power,
    Process,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum UnbudgetedWord {
    Refuse,
    Allow,
}

impl ServeArgs {
    fn layer(&self) -> Result<Layer, Failure> {
        let from = "--upstream or OPENROUTER_BASE_URL".to_owned();
        Ok(Layer {
            listen: self.listen,
            console: self.console,
            data: self.data.clone(),
            upstream: self.upstream.clone().map(|value| Setting { value, from }),
            budgets: config::budgets_of_flags(&self.budget)?,
            allow_unbudgeted: self.unbudgeted.map(|word| matches!(word, UnbudgetedWord::Allow)),
            durability: self.durability.map(|word| match word {
                DurabilityWord::Power => Durability::Power,
                DurabilityWord::Process => Durability::Process,
            }),
            ..Layer::default()
        })
    }
}

/// How long a start waits for today's prices before it says that they are old. Clients are served meanwhile.
const PRICES_WITHIN: Duration = Duration::from_secs(1);

/// Runs it until a signal comes.
pub(crate) async fn run(args: ServeArgs) -> Result<Exit, Failure> {
    crate::commands::log();
    let config = Config::load(args.layer()?, args.config.clone())?;
    checks::all(&config, args.sandbox)?;
    let key = if args.sandbox { Some(secrets::of_sandbox()) } else { secrets::api_key()? };
    let management_key =
        if args.sandbox { Some(secrets::of_sandbox_management()) } else { secrets::management_key()? };
    let data = folder(&config, args.sandbox)?;
    let mut signals = signals::Signals::listen()?;

    let clients = bind(config.listen, "--listen").await?;
    let control = bind(config.console, "--console").await?;
    let (listen, own) = (address(&clients)?, address(&control)?);

    let sandbox = match args.sandbox {
        true => Some(start_sandbox().await?),
        false => None,
    };
    let url = sandbox.as_ref().map_or(config.upstream.value.clone(), |sandbox| sandbox_url(sandbox.addr()));
    checks::no_loop(&url, &[listen, own])?;
    let house = open(&config, listen, &data, &url, (key.as_ref(), management_key.as_ref())).await?;
    let gateway = house.gateway().clone();
    let mut watched = config.alerts.clone();
    if args.sandbox && args.config.is_none() {
        // Nobody is paged for fake money, unless a file was named for it.
        watched.channels.clear();
    }
    let alerts = alerting::open(&watched, &data)?;
    let account = alerting::Account {
        url: url.clone(),
        key: key.as_ref().map(|key| key.secret.clone()),
        management_key: management_key.map(|key| key.secret),
    };
    if let Some(alerts) = &alerts {
        alerting::start(&config, alerts, house.admission().clone(), gateway.clone(), account)?;
    }
    let (stop_clients, clients_stopped) = watch::channel(false);
    let serving = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.serve(clients, told(clients_stopped)).await }
    });
    let (stop_console, console_stopped) = watch::channel(false);
    let token = Token::write(house.data())
        .map_err(|error| Failure::caused("cannot write the token of the console", &error))?;
    let console = Console::new(house.admission().clone(), gateway.clone(), own, VERSION).with_token(token);
    let console = match alerts {
        Some(alerts) => console.with_alerts(alerts),
        None => console,
    };
    let controlling = tokio::spawn(console.serve(control, told(console_stopped)));
    house
        .announce(&own.to_string())
        .map_err(|error| Failure::caused("cannot write the address of the console", &error))?;

    gateway.wait_for_prices(PRICES_WITHIN).await;
    let mut warnings = gateway.check_routes().map_err(|error| Failure::usage(error.to_string()))?;
    warnings.extend(gateway.warnings());
    let banner = Banner {
        listen,
        console: own,
        upstream: &url,
        sandbox: args.sandbox,
        key: key.as_ref(),
        config: &config,
        data: &data,
        unknown: &house.unknown(),
        warnings: &warnings,
    };
    eprint!("{}", banner.text(&crate::terminal::Terminal::of_stderr()));

    signals.next().await;
    eprintln!("stopping: calls in flight are finished first; a second signal ends at once");
    let stopping = async {
        let _ = stop_clients.send(true);
        let _ = serving.await;
        let _ = stop_console.send(true);
        let _ = controlling.await;
        if let Some(sandbox) = sandbox {
            sandbox.stop().await;
        }
        house.close_now().await.map_err(|error| Failure::caused("the books were not closed", &error))
    };
    tokio::select! {
        stopped = stopping => stopped.map(|()| Exit::Ok),
        () = signals.next() => std::process::exit(i32::from(Exit::Interrupted as u8)),
    }
}

/// Books, prices and the walk, as a program that has them in itself opens them.
async fn open(
    config: &Config,
    listen: SocketAddr,
    data: &Path,
    upstream: &str,
    (key, management_key): (Option<&Key>, Option<&Key>),
) -> Result<Farebox, Failure> {
    let house = Farebox::builder().config(Config { listen, ..config.clone() }).data(data).upstream(upstream);
    let house = match key {
        Some(key) => house.upstream_key(key.secret.expose()),
        None => house,
    };
    let house = match management_key {
        Some(key) => house.management_key(key.secret.expose()),
        None => house,
    };
    house.open().await.map_err(|error| {
        let failure = Failure::failed(chain(&error));
        match error {
            OpenError::Folder { .. } => failure.hint("another place for the books: --data DIR"),
            OpenError::Books(store::OpenError::Held { .. }) => failure
                .hint("one gateway at a time keeps the books of a folder: stop that one, or take another --data DIR"),
            OpenError::Books(store::OpenError::Damaged(_)) => failure
                .hint("nothing was changed. farebox verify tells all that is wrong, farebox repair keeps what is whole"),
            OpenError::Books(store::OpenError::TooNew { .. }) => failure.hint("use the newer farebox that wrote it"),
            OpenError::Upstream(error) => Failure::usage(chain(&error))
                .hint("an upstream is a URL such as https://openrouter.ai/api/v1"),
            _ => failure,
        }
    })
}

/// Fake money never enters the real books.
fn folder(config: &Config, sandbox: bool) -> Result<PathBuf, Failure> {
    match (&config.data, sandbox) {
        (Some(data), _) => Ok(data.clone()),
        (None, false) => list::folder(None),
        (None, true) => list::folder(None).map(|usual| usual.with_file_name("farebox-sandbox")),
    }
}

async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let failure =
            Failure::failed(format!("cannot listen on {address}: {}", crate::failure::chain(&error)));
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                failure.hint(format!("is farebox running already? or take another port: {flag} 127.0.0.1:0"))
            }
            _ => failure,
        }
    })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|error| Failure::caused("cannot listen", &error))
}

async fn start_sandbox() -> Result<Sandbox, Failure> {
    Sandbox::start(config::loopback_address(0), sandbox::Config::default())
        .await
        .map_err(|error| Failure::caused("cannot start the sandbox", &error))
}

/// The base URL of a sandbox.
pub(crate) fn sandbox_url(address: SocketAddr) -> String {
    format!("http://{address}/api/v1")
}

/// Ends when the other side says so, or is gone.
async fn told(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
