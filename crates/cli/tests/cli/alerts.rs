//! `alerts check`, `test` and `list`, and the gateway's own watch, against a sandbox and receivers on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::gateway::Serving;
use crate::program::{farebox, golden, told};

/// A sandbox with a key of a limit, and one without.
struct Sandbox {
    child: Child,
    url: String,
}

impl Sandbox {
    fn start(home: &Path) -> Sandbox {
        let settings = "credits = \"12.50\"\n[[keys]]\nname = \"limited\"\nkey = \"sk-or-v1-limited\"\nlimit = \"4.00\"\nlimit_reset = \"daily\"\n";
        std::fs::write(home.join("sandbox.toml"), settings).unwrap();
        let mut child = farebox(home)
            .args(["sandbox", "--listen", "127.0.0.1:0", "--config", "sandbox.toml"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut banner = String::new();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        while !banner.contains("bill") {
            assert_ne!(stderr.read_line(&mut banner).unwrap(), 0, "it ended: {banner}");
        }
        let line = banner.lines().find(|line| line.contains("base URL")).unwrap();
        let url = line.split_whitespace().last().unwrap().to_owned();
        Sandbox { child, url }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers every POST with a status and keeps the bodies.
struct Receiver {
    url: String,
    bodies: Arc<Mutex<Vec<Value>>>,
    status: Arc<Mutex<u16>>,
}

impl Receiver {
    fn start(status: u16) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/services/very-secret", listener.local_addr().unwrap());
        let receiver = Receiver { url, bodies: Arc::default(), status: Arc::new(Mutex::new(status)) };
        let (bodies, status) = (Arc::clone(&receiver.bodies), Arc::clone(&receiver.status));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut length = 0;
                let mut line = String::new();
                while reader.read_line(&mut line).unwrap_or(0) > 2 {
                    if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = text.trim().parse().unwrap();
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                bodies.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
                let status = *status.lock().unwrap();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nretry-after: 86400\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"
                );
            }
        });
        receiver
    }

    fn bodies(&self) -> Vec<Value> {
        self.bodies.lock().unwrap().clone()
    }
}

/// A home with channels in its configuration.
fn configured(home: &Path, receiver: &Receiver) {
    std::fs::create_dir_all(home.join(".config/farebox")).unwrap();
    std::fs::write(home.join("url"), &receiver.url).unwrap();
    let text = format!(
        "[[alerts.channel]]\nname = \"chat\"\nkind = \"slack\"\nurl_file = \"{0}/url\"\n\n\
         [[alerts.channel]]\nname = \"desk\"\nkind = \"command\"\ncommand = [\"sh\", \"-c\", \"cat >> {0}/desk.log\"]\n",
        home.display()
    );
    std::fs::write(home.join(".config/farebox/config.toml"), text).unwrap();
}

struct Run<'a> {
    home: &'a Path,
    sandbox: &'a str,
    all: String,
}

impl Run<'_> {
    fn picture(&mut self, arguments: &[&str], environment: &[(&str, &str)]) {
        let output = farebox(self.home)
            .args(arguments)
            .env("OPENROUTER_BASE_URL", self.sandbox)
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let shown = |(name, value): &(&str, &str)| format!("{name}={value} ");
        let environment: String = environment.iter().map(shown).collect();
        let told = masked(&told(&output, self.home).replace(self.sandbox, "SANDBOX"));
        self.all += &format!("== {environment}farebox {}\n{told}\n", arguments.join(" "));
        assert!(!self.all.contains("very-secret"), "{}", self.all);
    }
}

/// Without what differs from run to run: ids and instants.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    for piece in text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))) {
        let word = piece.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c)));
        let instant = word.len() > 18 && word.as_bytes()[10] == b'T' && word.ends_with('Z');
        let rest = &piece[word.len()..];
        masked += match word {
            _ if instant => "INSTANT",
            id if id.starts_with("evt_") => "EVENT",
            other => other,
        };
        masked += rest;
    }
    steady(&masked)
}

/// Without what a slow machine, or another day, would change.
fn steady(text: &str) -> String {
    let mut text = text.to_owned();
    for minutes in 1..10 {
        text = text
            .replace(&format!("  {minutes}m   "), "  now  ")
            .replace(&format!("  {minutes}m\n"), "  now\n");
    }
    for day in ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] {
        text = text.replace(day, "SOMEDAY");
    }
    let mut pieces = text.split("next try ");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        text + "next try LATER" + piece.find([')', '\n']).map_or("", |at| &piece[at..])
    })
}

const LIMITED: (&str, &str) = ("OPENROUTER_API_KEY", "sk-or-v1-limited");
const UNLIMITED: (&str, &str) = ("OPENROUTER_API_KEY", "sk-or-v1-other");
const MANAGEMENT: (&str, &str) = ("OPENROUTER_MANAGEMENT_KEY", "sk-or-v1-sandbox-management");

#[test]
fn pictures() {
    let home = tempfile::tempdir().unwrap();
    let (sandbox, receiver) = (Sandbox::start(home.path()), Receiver::start(200));
    let mut run = Run { home: home.path(), sandbox: &sandbox.url, all: String::new() };
    let check = |more: &[&'static str]| [&["alerts", "check", "--below"], more].concat();

    run.picture(&check(&["3"]), &[LIMITED]);
    run.picture(&check(&["5"]), &[LIMITED]);
    run.picture(&check(&["5"]), &[LIMITED, ("FORCE_COLOR", "1")]);
    run.picture(&check(&["5", "--json"]), &[LIMITED]);
    run.picture(&check(&["10"]), &[MANAGEMENT]);
    run.picture(&check(&["20"]), &[LIMITED, MANAGEMENT]);
    run.picture(&check(&["20", "--credits", "--json"]), &[LIMITED, MANAGEMENT]);
    run.picture(&check(&["3", "--key"]), &[LIMITED, MANAGEMENT]);
    run.picture(&check(&["20"]), &[("OPENROUTER_API_KEY", MANAGEMENT.1)]);

    run.picture(&check(&["5"]), &[UNLIMITED]);
    run.picture(&check(&["5", "--key"]), &[UNLIMITED, MANAGEMENT]);
    run.picture(&check(&["5", "--credits"]), &[LIMITED]);
    run.picture(&check(&["5"]), &[("OPENROUTER_MANAGEMENT_KEY", "sk-or-v1-limited")]);
    run.picture(&check(&["5"]), &[]);
    run.picture(&check(&["five"]), &[LIMITED]);
    run.picture(&["alerts", "check"], &[LIMITED]);
    run.picture(&check(&["5", "--key", "--credits"]), &[LIMITED]);
    run.picture(&check(&["5", "--notify"]), &[LIMITED]);
    run.picture(&["alerts", "test"], &[]);
    run.picture(&["alerts", "list"], &[]);

    configured(home.path(), &receiver);
    run.picture(&check(&["5", "--notify"]), &[LIMITED]);
    run.picture(&check(&["5", "--notify"]), &[LIMITED]);
    assert_eq!(receiver.bodies().len(), 1, "once, however often it runs");
    *receiver.status.lock().unwrap() = 503;
    run.picture(&check(&["20", "--credits", "--notify", "--json"]), &[MANAGEMENT]);
    run.picture(&["alerts", "test", "desk", "chat"], &[]);
    run.picture(&["alerts", "test", "--json", "desk"], &[]);
    run.picture(&["alerts", "test", "phone"], &[]);
    for look in
        [&[][..], &[("COLUMNS", "52")], &[("FORCE_COLOR", "1")], &[("LC_ALL", "C"), ("NO_COLOR", "1")]]
    {
        run.picture(&["alerts", "list"], look);
    }
    run.picture(&["alerts", "list", "--json"], &[]);
    run.picture(&["alerts", "list", "--console", "127.0.0.1:1"], &[]);
    std::fs::remove_file(home.path().join("url")).unwrap();
    run.picture(&["alerts", "test", "chat"], &[]);
    golden("alerts.txt", &run.all.replace('\u{1b}', "ESC"));
}

#[test]
fn it_is_over_when_the_limit_is_raised() {
    let home = tempfile::tempdir().unwrap();
    let (sandbox, receiver) = (Sandbox::start(home.path()), Receiver::start(200));
    configured(home.path(), &receiver);
    let run = |arguments: &[&str]| {
        let mut command = farebox(home.path());
        command.args(arguments).env("OPENROUTER_BASE_URL", &sandbox.url).envs([LIMITED, MANAGEMENT]);
        command.output().unwrap()
    };
    let check = ["alerts", "check", "--key", "--below", "5", "--notify"];
    assert_eq!(run(&check).status.code(), Some(7));
    let raised = run(&["keys", "update", "limited", "--limit", "50"]);
    assert!(raised.status.success(), "{}", told(&raised, home.path()));
    until("the limit", || run(&check).status.success());
    assert_eq!(run(&check).status.code(), Some(0));
    let titles: Vec<Value> =
        receiver.bodies().iter().map(|body| body["blocks"][0]["text"]["text"].clone()).collect();
    assert_eq!(titles.len(), 2, "once each: {titles:?}");
    assert!(titles[0].as_str().is_some_and(|title| title.ends_with("less than $5.00 left")), "{titles:?}");
    assert!(
        titles[1].as_str().is_some_and(|title| title.ends_with("the alert at $5.00 is over")),
        "{titles:?}"
    );
    let list = run(&["alerts", "list"]);
    assert!(
        String::from_utf8_lossy(&list.stdout).starts_with("nothing is wrong"),
        "{}",
        told(&list, home.path())
    );
}

#[test]
fn a_project_may_not_say_what_runs_here() {
    let home = tempfile::tempdir().unwrap();
    let text = "[[alerts.channel]]\nname = \"x\"\nkind = \"command\"\ncommand = [\"touch\", \"owned\"]\n";
    std::fs::write(home.path().join("farebox.toml"), text).unwrap();
    let output = farebox(home.path()).args(["alerts", "test"]).output().unwrap();
    let told = told(&output, home.path());
    assert!(
        told.starts_with("exit code 2\n") && told.contains("a project's file may come from anyone"),
        "{told}"
    );
    assert!(!home.path().join("owned").exists());
    let output = farebox(home.path()).args(["alerts", "test", "--config", "farebox.toml"]).output().unwrap();
    assert!(output.status.success() && home.path().join("owned").exists());
}

#[test]
fn the_gateway_watches_the_account_and_waits_for_no_receiver() {
    let home = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(200);
    configured(home.path(), &receiver);
    let channels = std::fs::read_to_string(home.path().join(".config/farebox/config.toml")).unwrap();
    // The sandbox's account has $10,000.
    let rules = "[alerts]\ncredits_below = [\"20000.00\", \"5.00\"]\ncheck_every = \"1s\"\n";
    let slow = "[[alerts.channel]]\nname = \"slow\"\nkind = \"command\"\ncommand = [\"sleep\", \"20\"]\ntimeout = \"30s\"\n";
    std::fs::write(home.path().join("all.toml"), format!("{rules}{slow}{channels}")).unwrap();
    let data = home.path().join("books");
    let gateway = Serving::start(home.path(), &data, &["--config", "all.toml", "--budget", "1/day"]);
    let title = |body: &Value| body["blocks"][0]["text"]["text"].as_str().unwrap_or_default().to_owned();
    until("credits", || {
        receiver.bodies().iter().any(|body| title(body) == "🔴 OpenRouter credits: less than $20000.00 left")
    });
    assert_eq!(gateway.ask(CALL).0, 200, "while a receiver is being waited for");
    assert_eq!(receiver.bodies().len(), 1, "$5.00 is not passed");
    assert_eq!(gateway.stop(), Some(0));
}

#[test]
fn a_file_that_cannot_be_used_stops_no_call() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("books");
    std::fs::create_dir_all(data.join("alerts.db")).unwrap();
    let gateway = Serving::start(home.path(), &data, &["--budget", "1/day"]);
    assert_eq!(gateway.ask(CALL).0, 200);
    assert_eq!(gateway.stop(), Some(0));
}

#[test]
fn a_secret_that_is_missing_stops_the_start() {
    let home = tempfile::tempdir().unwrap();
    let text = "[[alerts.channel]]\nname = \"chat\"\nkind = \"slack\"\nurl_env = \"SLACK_URL\"\n";
    std::fs::write(home.path().join("f.toml"), text).unwrap();
    let arguments = [
        "serve",
        "--sandbox",
        "--budget",
        "1",
        "--config",
        "f.toml",
        "--data",
        "books",
        "--listen",
        "127.0.0.1:0",
        "--console",
        "127.0.0.1:0",
    ];
    let output = farebox(home.path()).args(arguments).output().unwrap();
    assert_eq!(
        told(&output, home.path()),
        "exit code 2\n--- stderr\nerror: alert channel 'chat': the variable SLACK_URL is not set\n"
    );
}

const CALL: &str = r#"{"model":"openai/gpt-4o-mini","max_tokens":4096,"user":"ann","messages":[{"role":"user","content":"say hello"}]}"#;

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(30), "it does not come: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_gateway_watches_its_budgets() {
    let home = tempfile::tempdir().unwrap();
    let (data, receiver) = (home.path().join("books"), Receiver::start(200));
    configured(home.path(), &receiver);
    let budget = "[[budget]]\nname = \"all\"\nlimit = \"0.02\"\nwindow = \"month\"\nwarn_at = [1, 100]\n";
    let file = home.path().join(".config/farebox/config.toml");
    let channels = std::fs::read_to_string(&file).unwrap();
    std::fs::write(home.path().join("both.toml"), format!("{budget}{channels}")).unwrap();
    let gateway = Serving::start(home.path(), &data, &["--config", "both.toml"]);
    let name = |body: &Value| body["blocks"][0]["text"]["text"].as_str().unwrap_or_default().to_owned();
    while gateway.ask(CALL).0 == 200 {}
    // The last cents can no longer be spent: a refusal is as good as 100 %, from 95 % on.
    until("a threshold", || !receiver.bodies().is_empty());
    let first = name(&receiver.bodies()[0]);
    assert!(
        first.starts_with("🟠 budget all: 1% of $0.0200 used")
            || first.starts_with("🔴 budget all: $0.0200 used up"),
        "{first}"
    );
    let list = |more: &[&str]| {
        let output = farebox(home.path())
            .args(["alerts", "list", "--json", "--config", "both.toml"])
            .args(more)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", told(&output, home.path()));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let folder = data.to_str().unwrap();
    until("deliveries", || {
        let open = list(&["--data", folder])["open"].clone();
        open.as_array().is_some_and(|open| {
            !open.is_empty()
                && open
                    .iter()
                    .flat_map(|row| row["deliveries"].as_array().unwrap())
                    .all(|row| row["state"] == "delivered")
        })
    });
    assert_eq!(list(&["--data", folder])["open"], list(&["--console", &gateway.console])["open"]);
    let before = receiver.bodies().len();
    assert_eq!(gateway.stop(), Some(0));
    let again = Serving::start(home.path(), &data, &["--config", "both.toml"]);
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(again.stop(), Some(0));
    assert_eq!(receiver.bodies().len(), before, "nothing is said again after a restart");
}
