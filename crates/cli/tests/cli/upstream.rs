//! Commands about the account against a server that answers as a script says: what the sandbox does not do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::time::Duration;

use serde_json::Value;

use crate::program::{farebox, golden, told};
use crate::sandbox::masked;

/// Status and body for the first line of a request; a status of 0 hangs up.
type Script = fn(&str) -> (u16, &'static str);

/// Answers until the test ends.
struct Scripted {
    home: tempfile::TempDir,
    base: String,
}

impl Scripted {
    fn start(script: Script) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/api/v1", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                answer(socket.unwrap(), script);
            }
        });
        Scripted { home: tempfile::tempdir().unwrap(), base }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        farebox(self.home.path())
            .args(arguments)
            .env("OPENROUTER_BASE_URL", &self.base)
            .env("OPENROUTER_API_KEY", "sk-or-v1-key")
            .env("OPENROUTER_MANAGEMENT_KEY", "sk-or-v1-management")
            .output()
            .unwrap()
    }

    fn told(&self, name: &str, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = told(&output, self.home.path()).replace(&self.base, "BASE");
        assert!(!told.contains("sk-or-v1-key") && !told.contains("sk-or-v1-management"), "{told}");
        format!("== {name}: farebox {}\n{}\n", arguments.join(" "), masked(&told))
    }
}

fn answer(mut socket: TcpStream, script: Script) {
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    // To its end, or hanging up would be a reset.
    while !is_whole(&bytes) {
        match socket.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (status, body) = script(text.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1"));
    if status != 0 {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} X\r\nconnection: close\r\nretry-after: 30\r\ncontent-length: {length}\r\n\r\n"
        );
        let _ = socket.write_all((head + body).as_bytes());
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

/// A key that several layers hold, in the shape of CONTRACT 2.
const KEY: &str = r#"{"data":{"label":"sk-or-v1-aaa...111","limit":30,"limit_remaining":-0.0142,"limit_reset":null,
 "include_byok_in_limit":true,"usage":30.0142,"usage_daily":0.0000018,"usage_weekly":1.2,"usage_monthly":30.0142,
 "byok_usage":2.5,"byok_usage_daily":0,"byok_usage_weekly":0,"byok_usage_monthly":0,"is_free_tier":true,
 "is_management_key":false,"creator_user_id":"user_X","expires_at":"2099-01-01T00:00:00Z","allowed_data_regions":["global"],
 "free_model_daily_requests":{"used":50,"limit":50,"remaining":0},
 "budgets":[
  {"scope":"member","guardrail_id":"g","budget_id":null,"limit_usd":100,"spend_usd":10.5,"remaining_usd":89.5,"reset_interval":"monthly","resets_at":"2026-12-01T00:00:00Z","include_byok":false},
  {"scope":"moon_base","limit_usd":7,"reset_interval":"lunar"},
  {"scope":"key_limit","guardrail_id":null,"budget_id":null,"limit_usd":30,"spend_usd":30.0142,"remaining_usd":-0.0142,"reset_interval":null,"resets_at":null,"include_byok":true}],
 "effective_budget":{"scope":"key_limit","guardrail_id":null,"budget_id":null,"limit_usd":30,"spend_usd":30.0142,"remaining_usd":-0.0142,"reset_interval":null,"resets_at":null,"include_byok":true},
 "rate_limit":{"requests":-1,"interval":"10s","note":"This field is deprecated and safe to ignore."},"tomorrow":{"new":true}}}"#;
const MANAGEMENT: &str = r#"{"data":{"limit":null,"is_management_key":true}}"#;

#[test]
fn a_key_that_is_used_up_behind_several_layers() {
    let server = Scripted::start(|line| match line {
        "GET /api/v1/key" => (200, KEY),
        _ => (403, r#"{"error":{"code":403,"message":"Only management keys can perform this operation"}}"#),
    });
    let run = |more: &[&str], columns: &str| {
        let output = farebox(server.home.path())
            .arg("balance")
            .args(more)
            .envs([("OPENROUTER_BASE_URL", server.base.as_str()), ("OPENROUTER_API_KEY", "sk-or-v1-key")])
            .env("COLUMNS", columns)
            .output()
            .unwrap();
        masked(&told(&output, server.home.path()))
    };
    let text = format!(
        "== wide\n{}\n== 60 columns\n{}\n== json\n{}",
        run(&[], "200"),
        run(&[], "60"),
        run(&["--json"], "")
    );
    golden("balance-layers.txt", &text);
}

#[test]
fn a_pace_from_the_days_that_are_over() {
    let server = Scripted::start(|line| match line {
        "GET /api/v1/key" => (200, MANAGEMENT),
        "GET /api/v1/credits" => (200, r#"{"data":{"total_credits":100.5,"total_usage":25.75}}"#),
        "GET /api/v1/activity" => (200, r#"{"data":[{"date":"2020-01-01","usage":5}]}"#),
        _ => (500, ""),
    });
    let told: Value = serde_json::from_slice(&server.run(&["balance", "--json"]).stdout).unwrap();
    assert_eq!(told["credits"]["last_7_days_usd"], "0.000000000");
    assert_eq!(
        (&told["credits"]["left_usd"], &told["credits"]["runway"]),
        (&"74.750000000".into(), &Value::Null)
    );
}

#[test]
fn servers_that_fail() {
    let mut text = String::new();
    let failing = Scripted::start(|_| (503, r#"{"error":{"message":"No instances\u001b[2J available"}}"#));
    text += &failing.told("503", &["balance"]);
    text += &failing.told("503 to keys", &["keys", "list"]);
    text += &failing.told("503 to a new key", &["keys", "create", "a", "--limit", "1"]);
    text += &failing.told("503 for as long as it waits", &["generation", "gen-1", "--wait", "0s"]);
    let busy = Scripted::start(|_| (429, "{}"));
    text += &busy.told("429", &["keys", "list"]);
    let another = Scripted::start(|_| (200, "<html>hello</html>"));
    text += &another.told("somebody else's page", &["balance"]);
    text += &another.told("somebody else's page for keys", &["guardrails", "list"]);
    let cut = Scripted::start(|line| match line.starts_with("GET") {
        true => (200, r#"{"data":[{"hash":"abcdef012345","name":"a","limit":1}]}"#),
        false => (0, ""),
    });
    text += &cut.told("a new key without an answer", &["keys", "create", "a", "--limit", "1"]);
    text += &cut.told("a change without an answer", &["keys", "disable", "a"]);
    text += &cut.told("a rotation without an answer", &["keys", "rotate", "a"]);
    let half = Scripted::start(|line| match line.split(' ').next() {
        Some("GET") => (200, r#"{"data":[{"hash":"abcdef012345","name":"a","limit":1}]}"#),
        Some("POST") => {
            (201, r#"{"key":"sk-or-v1-new","data":{"hash":"fedcba543210","name":"a","limit":1}}"#)
        }
        _ => (409, r#"{"error":{"message":"The key is being changed"}}"#),
    });
    text += &half.told("a rotation that stops half way", &["keys", "rotate", "a"]);
    golden("upstream.txt", &text);
}
