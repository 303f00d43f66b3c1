//! `serve --sandbox` and what can be asked about it, running and stopped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::program::farebox;

/// A running gateway with its banner read.
pub(crate) struct Serving {
    child: Child,
    _stderr: BufReader<ChildStderr>,
    pub(crate) banner: String,
    pub(crate) listen: String,
    pub(crate) console: String,
}

impl Serving {
    pub(crate) fn start(home: &Path, data: &Path, more: &[&str]) -> Serving {
        let mut child = farebox(home)
            .args(["serve", "--sandbox", "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0"])
            .arg("--data")
            .arg(data)
            .args(more)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut banner = String::new();
        while !banner.contains("\n  books ") {
            assert_ne!(stderr.read_line(&mut banner).unwrap(), 0, "it ended: {banner}");
        }
        let after = |what: &str| {
            let line = banner.lines().find(|line| line.trim_start().starts_with(what)).unwrap();
            line.split("http://").nth(1).unwrap().trim_end_matches("/api/v1").to_owned()
        };
        let (listen, console) = (after("base URL"), after("console"));
        let serving = Serving { child, _stderr: stderr, banner, listen, console };
        let since = Instant::now();
        while get(&serving.console, "/readyz", "").0 != 200 {
            assert!(since.elapsed() < Duration::from_secs(10), "it does not become ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        serving
    }

    pub(crate) fn ask(&self, body: &str) -> (u16, String) {
        let head = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
        http(&self.listen, "POST", "/api/v1/chat/completions", &head, body)
    }

    pub(crate) fn stop(mut self) -> Option<i32> {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn http(address: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let host = if headers.to_ascii_lowercase().contains("host:") {
        String::new()
    } else {
        format!("host: {address}\r\n")
    };
    // Who is refused early may find the connection closed while still writing.
    let _ = write!(stream, "{method} {path} HTTP/1.1\r\n{host}connection: close\r\n{headers}\r\n{body}");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

fn get(address: &str, path: &str, headers: &str) -> (u16, String) {
    http(address, "GET", path, headers, "")
}

pub(crate) fn json(home: &Path, arguments: &[&str]) -> Value {
    let output = farebox(home).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

const CALL: &str =
    r#"{"model":"openai/gpt-4o-mini","max_tokens":4096,"messages":[{"role":"user","content":"say hello"}]}"#;

#[test]
fn a_life() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("books");
    let folder = data.to_str().unwrap();
    let list = ["budgets", "list", "--json", "--data", folder];

    let gateway = Serving::start(home.path(), &data, &["--budget", "1/lifetime,5/day"]);
    assert!(gateway.banner.contains("$1.00 for a lifetime") && gateway.banner.contains("$5.00 per day"));
    let untouched = json(home.path(), &list);
    assert_eq!(untouched.as_array().unwrap().len(), 2);
    assert_eq!(untouched[0]["posted_usd"], "0.000000000");

    let (status, answer) = gateway.ask(CALL);
    assert_eq!(status, 200, "{answer}");
    let live = json(home.path(), &list);
    assert_eq!(live, json(home.path(), &["budgets", "list", "--json", "--console", &gateway.console]));
    let row = &live[0];
    assert_eq!((&row["name"], &row["window"]), (&"lifetime".into(), &"lifetime".into()));
    assert_eq!((&row["limit_usd"], &row["held_usd"]), (&"1.000000000".into(), &"0.000000000".into()));
    assert_ne!(row["posted_usd"], "0.000000000");
    assert_eq!((&row["ends_at"], &row["scope"]), (&Value::Null, &serde_json::json!({})));
    assert!(live[1]["ends_at"].as_str().unwrap().ends_with("T00:00:00Z"));

    let told = json(home.path(), &["explain", "last", "--json", "--data", folder]);
    assert_eq!((&told["outcome"], &told["cost_usd"]), (&"settled".into(), &row["posted_usd"]));
    let id = told["request"].as_str().unwrap();
    assert_eq!(json(home.path(), &["explain", id, "--json", "--console", &gateway.console]), told);

    let second = farebox(home.path())
        .args([
            "serve",
            "--budget",
            "1",
            "--listen",
            "127.0.0.1:0",
            "--console",
            "127.0.0.1:0",
            "--data",
            folder,
        ])
        .output()
        .unwrap();
    let refused = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(
        refused.contains(&format!("in use by process {} at {}", gateway.child.id(), gateway.console)),
        "{refused}"
    );

    assert_eq!(gateway.stop(), Some(0), "SIGTERM ends it well");
    let mut books = json(home.path(), &list);
    books.as_array_mut().unwrap().sort_by_key(|row| row["name"] != "lifetime");
    assert_eq!(books, live, "the books say what the gateway said");
    let kept = json(home.path(), &["explain", "last", "--json", "--data", folder]);
    assert_eq!(kept["request"], told["request"]);

    let again = Serving::start(home.path(), &data, &["--budget", "1/lifetime,5/day"]);
    assert_eq!(json(home.path(), &list), live, "and a new one goes on from there");
    assert_eq!(again.stop(), Some(0));
}

#[test]
fn the_console_knows_its_own() {
    let home = tempfile::tempdir().unwrap();
    let gateway = Serving::start(home.path(), &home.path().join("books"), &["--budget", "1"]);
    let console = gateway.console.as_str();
    for path in ["/healthz", "/readyz", "/version", "/budgets", "/unknown", "/stats", "/"] {
        let (status, body) = get(console, path, "");
        assert_eq!(status, 200, "{path}");
        assert!(serde_json::from_str::<Value>(&body).is_ok(), "{path}: {body}");
        assert_eq!(http(console, "HEAD", path, "", ""), (200, String::new()), "{path}");
    }
    assert_eq!(get(console, "/readyz", "").1, r#"{"ready":true}"#);
    assert_eq!(get(console, "/explain/last", "").0, 404);
    assert_eq!(get(console, "/nowhere", "").0, 404);
    assert_eq!(get(console, "/budgets", "host: evil.example\r\n").0, 403);
    assert_eq!(get(console, "/budgets", "origin: https://evil.example\r\n").0, 403);
    assert_eq!(http(console, "POST", "/budgets", "content-length: 2\r\n", "{}").0, 401, "no token");
    assert_eq!(http(console, "PUT", "/budgets", "content-length: 2\r\n", "{}").0, 405);
    let (status, page) = get(console, "/metrics", "");
    assert!(status == 200 && page.contains("farebox_budget_limit_usd{"), "{page}");
    let flooded = get(console, "/budgets", &format!("x-long: {}\r\n", "a".repeat(100_000))).0;
    assert!([0, 431].contains(&flooded), "refused, or cut off: {flooded}");
    assert_eq!(get(console, "/healthz", "").0, 200, "and nobody else noticed");
    assert_eq!(gateway.stop(), Some(0));
}

#[test]
fn a_refusal_is_explained() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("books");
    let gateway = Serving::start(home.path(), &data, &["--budget", "0.000001"]);
    let (status, answer) = gateway.ask(CALL);
    assert_eq!(status, 402, "{answer}");
    let folder = data.to_str().unwrap();
    let explain = |home: &Path| {
        let output = farebox(home).args(["explain", "last", "--data", folder]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let live = explain(home.path());
    assert!(
        live.starts_with("Refused: ") && live.contains("Budget lifetime allows $0.000001 for a lifetime"),
        "{live}"
    );
    assert!(live.contains("answer, at most  4,096 tokens × "), "{live}");
    assert_eq!(gateway.stop(), Some(0));
    assert_eq!(explain(home.path()), live, "from the books as well");
}
