//! [`World`]: a sandbox and a gateway over it, as processes of the real binary.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::http::Http;

const START_MAX: Duration = Duration::from_secs(30);

/// How the sandbox behaves: the text of its configuration file, and its seed.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// TOML.
    pub config: String,
    /// Seed of everything it chooses.
    pub seed: u64,
    /// One token per byte, dearest endpoint, full cap.
    pub adversarial: bool,
}

/// How the gateway is told to behave.
#[derive(Clone, Copy, Debug)]
pub struct Gateway {
    /// Its one budget, such as `1.00/lifetime`.
    pub budget: &'static str,
    /// TOML of its configuration file.
    pub config: &'static str,
}

impl Gateway {
    /// A dollar, and the built-in settings.
    pub const ONE_DOLLAR: Gateway = Gateway { budget: "1.00/lifetime", config: "" };
}

/// Both processes, killed when dropped.
#[derive(Debug)]
pub struct World {
    /// To talk to either.
    pub http: Http,
    /// Where programs call: `http://…/api/v1`.
    pub base: String,
    budget: &'static str,
    listen: String,
    console: String,
    sandbox_address: String,
    folder: TempDir,
    sandbox: Child,
    gateway: Option<Child>,
}

impl World {
    /// Starts both.
    ///
    /// # Errors
    /// When either does not come up.
    pub async fn start(sandbox: &Sandbox, gateway: Gateway) -> Result<World> {
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("sandbox.toml");
        std::fs::write(&config, &sandbox.config)?;
        std::fs::write(folder.path().join("gateway.toml"), gateway.config)?;
        let [listen, console, sandbox_address] = free_addresses()?;
        let mut command = binary()?;
        command.args(["sandbox", "--listen", &sandbox_address, "--seed", &sandbox.seed.to_string()]);
        command.arg("--config").arg(&config);
        if sandbox.adversarial {
            command.arg("--adversarial");
        }
        let child = spawn(command, &folder.path().join("sandbox.log"))?;
        let mut world = World {
            http: Http::default(),
            base: format!("http://{listen}/api/v1"),
            budget: gateway.budget,
            listen,
            console,
            sandbox_address,
            folder,
            sandbox: child,
            gateway: None,
        };
        let bill = format!("http://{}/sandbox/bill", world.sandbox_address);
        world.until_answered(&bill, "the sandbox").await?;
        world.start_gateway().await?;
        Ok(world)
    }

    /// Starts the gateway, or starts it again on the same folder and addresses.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start_gateway(&mut self) -> Result<()> {
        self.start_gateway_until("readyz").await
    }

    /// Starts the gateway, and waits until this page of its console answers with 200.
    ///
    /// # Errors
    /// When it does not.
    pub async fn start_gateway_until(&mut self, page: &str) -> Result<()> {
        let mut command = binary()?;
        command.args(["serve", "--listen", &self.listen, "--console", &self.console]);
        command.arg("--data").arg(self.data());
        command.arg("--config").arg(self.folder.path().join("gateway.toml"));
        command.args(["--budget", self.budget, "--durability", "process"]);
        command.envs(self.surroundings()).current_dir(self.folder.path());
        self.gateway = Some(spawn(command, &self.folder.path().join("gateway.log"))?);
        let page = format!("http://{}/{page}", self.console);
        self.until_answered(&page, "the gateway").await
    }

    /// Starts the gateway on books that it may refuse: whether it came up, or else what it said.
    ///
    /// # Errors
    /// When it neither comes up nor ends.
    pub async fn try_gateway(&mut self) -> Result<Option<String>> {
        let said_before = self.log("gateway.log").len();
        match self.start_gateway().await {
            Ok(()) => Ok(None),
            Err(error) => match self.gateway.as_mut().map(Child::try_wait) {
                Some(Ok(Some(_))) => {
                    self.gateway = None;
                    Ok(Some(self.log("gateway.log").split_off(said_before)))
                }
                _ => Err(error),
            },
        }
    }

    /// Runs one of farebox's commands on the books of this world; it may fail.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn command(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = binary()?;
        command.args(arguments).arg("--data").arg(self.data());
        command.envs(self.surroundings()).current_dir(self.folder.path());
        Ok(tokio::task::spawn_blocking(move || command.output()).await??)
    }

    /// What `farebox verify` says is wrong with the books, while no gateway runs.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn faults_of_books(&self) -> Result<Option<String>> {
        let output = self.command(&["verify"]).await?;
        let told = [output.stdout, output.stderr].concat();
        Ok((!output.status.success()).then(|| format!("verify: {}", String::from_utf8_lossy(&told))))
    }

    /// The folder of the books.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn surroundings(&self) -> [(&'static str, String); 3] {
        [
            ("OPENROUTER_API_KEY", "sk-or-v1-trial".to_owned()),
            ("OPENROUTER_MANAGEMENT_KEY", "sk-or-v1-sandbox-management".to_owned()),
            ("OPENROUTER_BASE_URL", format!("http://{}/api/v1", self.sandbox_address)),
        ]
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// When there is nothing to kill.
    pub fn kill_gateway(&mut self) -> Result<()> {
        let mut gateway = self.gateway.take().context("no gateway is running")?;
        gateway.kill()?;
        gateway.wait()?;
        Ok(())
    }

    /// Asks the gateway to stop, and waits until it has.
    ///
    /// # Errors
    /// When it does not end, or not well.
    pub async fn stop_gateway(&mut self) -> Result<()> {
        let mut gateway = self.gateway.take().context("no gateway is running")?;
        let status = Command::new("kill").args(["-TERM", &gateway.id().to_string()]).status()?;
        anyhow::ensure!(status.success(), "cannot send SIGTERM");
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline {
            if let Some(status) = gateway.try_wait()? {
                anyhow::ensure!(
                    status.success(),
                    "the gateway ended with {status}: {}",
                    self.log("gateway.log")
                );
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("the gateway does not stop")
    }

    /// A document of the console, such as `budgets`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn console(&self, path: &str) -> Result<Value> {
        self.http.json(&format!("http://{}/{path}", self.console)).await
    }

    /// A document of the sandbox's own, such as `bill`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn sandbox(&self, path: &str) -> Result<Value> {
        self.http.json(&format!("http://{}/sandbox/{path}", self.sandbox_address)).await
    }

    /// Changes the sandbox's faults: a JSON object of the fields to set.
    ///
    /// # Errors
    /// When it does not take them.
    pub async fn fault(&self, fields: &str) -> Result<()> {
        let url = format!("http://{}/sandbox/faults", self.sandbox_address);
        let answer = self.http.post(&url, fields.to_owned()).await?;
        anyhow::ensure!(answer.status() == 200, "the sandbox answered {}", answer.status());
        Ok(())
    }

    async fn until_answered(&mut self, url: &str, who: &str) -> Result<()> {
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline {
            if self.http.json(url).await.is_ok() {
                return Ok(());
            }
            let gone = match &mut self.gateway {
                Some(gateway) => gateway.try_wait()?,
                None => self.sandbox.try_wait()?,
            };
            if let Some(status) = gone {
                bail!("{who} ended with {status}\n{}\n{}", self.log("gateway.log"), self.log("sandbox.log"));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!("{who} does not answer at {url}\n{}", self.log("gateway.log"))
    }

    fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for child in self.gateway.iter_mut().chain([&mut self.sandbox]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn spawn(mut command: Command, log: &Path) -> Result<Child> {
    let log = std::fs::File::options().create(true).append(true).open(log)?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.spawn().with_context(|| format!("cannot start {command:?}"))
}

/// The real binary, beside the test binaries of the same build.
fn binary() -> Result<Command> {
    let here = std::env::current_exe()?;
    let folders = here.ancestors().skip(1).take(3);
    let found: Option<PathBuf> = folders.map(|folder| folder.join("farebox")).find(|path| path.is_file());
    let path = found.context("no farebox binary is beside the tests; build it first: cargo build -p cli")?;
    let mut command = Command::new(path);
    for name in ["FAREBOX_CONFIG", "FAREBOX_BUDGET", "OPENROUTER_BASE_URL", "OPENROUTER_API_KEY_FILE"] {
        command.env_remove(name);
    }
    Ok(command)
}

/// Three loopback addresses that nobody listens on, all found before any is let go.
fn free_addresses() -> Result<[String; 3]> {
    let find = || TcpListener::bind("127.0.0.1:0");
    let listeners = [find()?, find()?, find()?];
    let mut addresses = [const { String::new() }; 3];
    for (address, listener) in addresses.iter_mut().zip(&listeners) {
        *address = listener.local_addr()?.to_string();
    }
    Ok(addresses)
}
