//! The gateway of the demo: this same program in a process of its own, so that it can be killed.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use http::StatusCode;
use money::Nano;
use rustix::process::{Pid, Signal, kill_process};
use store::Recovered;
use tokio::process::{Child, Command};

use crate::failure::{Failure, chain};
use crate::live;
use farebox::config::loopback_address;

/// How long a start may take.
const START_MAX: Duration = Duration::from_secs(10);
/// How long a clean stop may take.
const STOP_MAX: Duration = Duration::from_secs(10);
const POLL_EVERY: Duration = Duration::from_millis(10);
/// Below the range from which the system gives clients their ports: while the gateway is down, a client that
/// knocks at its port must not be given that very port, and so connect to itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// What the demo changes of the defaults: it has less time than people have.
const CONFIG: &str = "[limits]\npark_max = \"8s\"\n";

/// The process and what it takes to start it again.
#[derive(Debug)]
pub(crate) struct GatewayProcess {
    child: Child,
    launch: Launch,
}

#[derive(Debug)]
struct Launch {
    program: PathBuf,
    config: PathBuf,
    books: PathBuf,
    log: PathBuf,
    upstream: String,
    budget: String,
    listen: SocketAddr,
    console: SocketAddr,
}

impl GatewayProcess {
    /// Starts it on free ports, with its books in `folder`.
    pub(crate) async fn start(folder: &Path, upstream: &str, budget: Nano) -> Result<Self, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::caused("cannot find this program to start it once more", &error))?;
        let config = folder.join("farebox.toml");
        std::fs::write(&config, CONFIG)
            .map_err(|error| Failure::caused("cannot write the demo's settings", &error))?;
        let (listen, console) = free_addresses()?;
        let launch = Launch {
            program,
            config,
            books: folder.join("books"),
            log: folder.join("gateway.log"),
            upstream: upstream.to_owned(),
            budget: format!("{budget}/lifetime"),
            listen,
            console,
        };
        let mut child = launch.spawn()?;
        launch.wait_until_ready(&mut child).await?;
        Ok(GatewayProcess { child, launch })
    }

    /// Where clients connect.
    pub(crate) fn listen(&self) -> SocketAddr {
        self.launch.listen
    }

    /// Where its console is.
    pub(crate) fn console(&self) -> SocketAddr {
        self.launch.console
    }

    /// `kill -9`, then again on the same books and ports; returns how long nobody answered.
    pub(crate) async fn kill_and_restart(&mut self) -> Result<Duration, Failure> {
        let died = Instant::now();
        self.child.kill().await.map_err(|error| Failure::caused("cannot kill the gateway", &error))?;
        self.child = self.launch.spawn()?;
        self.launch.wait_until_ready(&mut self.child).await?;
        Ok(died.elapsed())
    }

    /// SIGTERM, a clean end, and what the books then say.
    pub(crate) async fn stop(mut self) -> Result<Recovered, Failure> {
        if let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM)
                .map_err(|error| Failure::caused("cannot stop the gateway", &error))?;
        }
        let ended = tokio::time::timeout(STOP_MAX, self.child.wait()).await;
        let status = ended
            .map_err(|_| self.launch.failed("the gateway does not stop"))?
            .map_err(|error| Failure::caused("cannot wait for the gateway", &error))?;
        if !status.success() {
            return Err(self.launch.failed(&format!("the gateway did not stop cleanly ({status})")));
        }
        store::read(&self.launch.books).map_err(|error| Failure::failed(chain(&error)))
    }
}

impl Launch {
    fn spawn(&self) -> Result<Child, Failure> {
        let log = std::fs::File::options().create(true).append(true).open(&self.log);
        let log = log.map_err(|error| Failure::caused("cannot write the gateway's log", &error))?;
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("FAREBOX_") || text.starts_with("OPENROUTER_") {
                command.env_remove(&name);
            }
        }
        command
            .env("OPENROUTER_API_KEY", "sk-or-v1-demo")
            .arg("serve")
            .args(["--upstream", &self.upstream, "--budget", &self.budget])
            .args(["--listen", &self.listen.to_string(), "--console", &self.console.to_string()])
            .arg("--data")
            .arg(&self.books)
            .arg("--config")
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Failure::caused("cannot start the gateway", &error))
    }

    async fn wait_until_ready(&self, child: &mut Child) -> Result<(), Failure> {
        let started = Instant::now();
        let console = self.console.to_string();
        while started.elapsed() < START_MAX {
            if let Ok((StatusCode::OK, _)) = live::get(&console, "/readyz").await {
                return Ok(());
            }
            if let Ok(Some(status)) = child.try_wait() {
                return Err(self.failed(&format!("the gateway did not start ({status})")));
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
        Err(self.failed("the gateway does not become ready"))
    }

    /// With the last that the gateway said.
    fn failed(&self, what: &str) -> Failure {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last = log.lines().rev().find(|line| line.contains("error") || line.contains("ERROR"));
        let failure = Failure::failed(what);
        match last.or_else(|| log.lines().next_back()) {
            Some(line) => failure.hint(format!("it said: {line}")),
            None => failure,
        }
    }
}

fn free_addresses() -> Result<(SocketAddr, SocketAddr), Failure> {
    let mut rng = fastrand::Rng::new();
    let mut found = Vec::new();
    for _ in 0..1_000 {
        let port = rng.u16(PORTS);
        if let Ok(held) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            found.push((loopback_address(port), held));
        }
        if let [(listen, _), (console, _)] = found[..] {
            return Ok((listen, console));
        }
    }
    Err(Failure::failed("there is no free port for the demo"))
}
