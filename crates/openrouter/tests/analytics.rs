//! What the analytics tell of single generations: the sandbox's, and those of servers that cut, wait and refuse.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use openrouter::account::{AccountError, Admin, BilledGenerations};
use openrouter::client::Upstream;
use sandbox::{Config, DeclaredKey, Faults, Sandbox};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const MANAGEMENT: &str = "sk-or-v1-sandbox-management";
const EVER: i64 = 4_000_000_000_000;
const MINUTE_MS: i64 = 60_000;

/// One exchange over a socket of its own; the body of the answer.
async fn ask(address: SocketAddr, method: &str, path: &str, key: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "{method} {path} HTTP/1.0\r\nauthorization: Bearer {key}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.expect("written");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

async fn chat(sandbox: &Sandbox, key: &str, turn: u32) {
    let body = json!({ "model": "openai/gpt-4o-mini", "max_tokens": 200, "user": turn.to_string(),
        "messages": [{ "role": "user", "content": "Say something." }] });
    ask(sandbox.addr(), "POST", "/api/v1/chat/completions", key, &body.to_string()).await;
}

/// Ids and costs in the sandbox's own books, of one key (16 hex digits) or of all.
async fn billed(sandbox: &Sandbox, key: Option<&str>) -> Vec<(String, String)> {
    let text = ask(sandbox.addr(), "GET", "/sandbox/generations", "", "").await;
    let rows: Value = serde_json::from_str(&text).expect("JSON");
    let text = |row: &Value, name: &str| row[name].as_str().expect(name).to_owned();
    let rows = rows["data"].as_array().expect("rows").iter();
    let mut billed: Vec<_> = rows
        .filter(|row| key.is_none_or(|key| row["key"] == key))
        .map(|row| (text(row, "id"), text(row, "cost_usd")))
        .collect();
    billed.sort();
    billed
}

fn told(found: &BilledGenerations) -> Vec<(String, String)> {
    let mut told: Vec<_> = found.rows.iter().map(|row| (row.id.clone(), row.charge.text.clone())).collect();
    told.sort();
    told
}

fn admin(address: SocketAddr, key: &str) -> Admin {
    Admin::new(Upstream::new(&format!("http://{address}/api/v1")).expect("a base"), key)
}

#[tokio::test]
async fn every_generation_of_the_sandbox() {
    let faults = Faults {
        generation_lost: 0.3,
        lose_answer: 0.2,
        duplicated: 0.3,
        late_charge: 0.2,
        late_charge_ms: 0,
        ..Faults::default()
    };
    let keys = vec![DeclaredKey {
        name: "one".to_owned(),
        key: "sk-or-v1-one".to_owned(),
        ..DeclaredKey::default()
    }];
    let config = Config { faults, keys, exponents: 0.0, ..Config::default() };
    let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into(), config).await.expect("a sandbox");
    for turn in 0..60 {
        chat(&sandbox, if turn % 2 == 0 { "sk-or-v1-one" } else { "sk-or-v1-two" }, turn).await;
    }
    let admin = admin(sandbox.addr(), MANAGEMENT);
    let now = openrouter_now(&sandbox).await;
    let all =
        admin.generations_billed(now - 40 * 24 * 60 * MINUTE_MS, now + MINUTE_MS, None).await.expect("rows");
    assert!(all.complete);
    assert_eq!(told(&all), billed(&sandbox, None).await);
    assert!(all.rows.len() > 60, "second bills are among them");
    assert!(
        all.rows.iter().all(|row| row.created_ms % MINUTE_MS == 0 && (now - row.created_ms) < 5 * MINUTE_MS)
    );

    let keys: Value =
        serde_json::from_str(&ask(sandbox.addr(), "GET", "/sandbox/keys", "", "").await).expect("JSON");
    let hash = keys["keys"][0]["hash"].as_str().expect("a hash");
    let own =
        admin.generations_billed(now - MINUTE_MS * 60, now + MINUTE_MS, Some(hash)).await.expect("rows");
    assert_eq!(told(&own), billed(&sandbox, Some(&hash[..16])).await);
    assert!(own.rows.len() < all.rows.len());
    let none = admin.generations_billed(0, 1000, None).await.expect("rows");
    assert!(none.rows.is_empty() && none.complete);

    let info = Upstream::new(&format!("http://{}/api/v1", sandbox.addr())).expect("a base");
    let info = info.key("sk-or-v1-one").await.expect("a key");
    let sum: money::Exact =
        own.rows.iter().map(|row| money::Exact::parse_ceil(&row.charge.text).expect("a cost")).sum();
    assert_eq!(info.charged(), Some(sum), "the counter, to the last digit");
    sandbox.stop().await;
}

async fn openrouter_now(sandbox: &Sandbox) -> i64 {
    let rows: Value = serde_json::from_str(&ask(sandbox.addr(), "GET", "/sandbox/generations", "", "").await)
        .expect("JSON");
    let created = rows["data"].as_array().and_then(|rows| rows.last()).map(|row| row["created"].as_i64());
    created.flatten().expect("a time")
}

#[tokio::test]
async fn an_ordinary_key_may_not_ask() {
    let config = Config { strict_keys: false, ..Config::default() };
    let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into(), config).await.expect("a sandbox");
    let refused = admin(sandbox.addr(), "sk-or-v1-plain").generations_billed(0, 1, None).await;
    assert!(matches!(refused, Err(AccountError::Forbidden(_))), "{refused:?}");
    sandbox.stop().await;
}

/// A server that has `count` generations, one each `step_ms` from 0 on, and answers as it is told.
struct Scripted {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<(i64, i64)>>>,
}

#[derive(Clone, Copy)]
struct Script {
    count: i64,
    step_ms: i64,
    rows_max: usize,
    /// Ranges longer than this time out.
    patience_ms: i64,
    status: u16,
}

const PATIENT: Script =
    Script { count: 1000, step_ms: 500, rows_max: 100, patience_ms: i64::MAX, status: 200 };

impl Scripted {
    async fn start(script: Script) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                serve(socket, script, &seen).await;
            }
        });
        Scripted { address, asked }
    }

    fn questions(&self) -> Vec<(i64, i64)> {
        self.asked.lock().expect("no panic").clone()
    }
}

async fn serve(mut socket: TcpStream, script: Script, seen: &Mutex<Vec<(i64, i64)>>) {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    let query: Value = loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && let Ok(query) = serde_json::from_str(body)
        {
            break query;
        }
        match socket.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    };
    let (status, body) = script.answer(&query, seen);
    let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    let _ = socket.write_all((head + &body).as_bytes()).await;
}

impl Script {
    fn answer(&self, query: &Value, seen: &Mutex<Vec<(i64, i64)>>) -> (u16, String) {
        let time = |name: &str| {
            let text = query["time_range"][name].as_str().expect("a time");
            text.parse::<jiff::Timestamp>().expect("RFC 3339").as_millisecond()
        };
        let (start, end) = (time("start"), time("end"));
        seen.lock().expect("no panic").push((start, end));
        let status = if end - start > self.patience_ms { 408 } else { self.status };
        if status != 200 {
            return (status, format!(r#"{{"error":{{"code":{status},"message":"why"}}}}"#));
        }
        let times = (0..self.count).map(|at| at * self.step_ms).filter(|at| (start..end).contains(at));
        let mut rows: Vec<Value> =
            times.map(|at| json!({ "generation_id": format!("gen-{at}"), "total_usage": 0.5 })).collect();
        let truncated = rows.len() > self.rows_max;
        rows.truncate(self.rows_max);
        (200, json!({ "data": { "data": rows, "metadata": { "truncated": truncated } } }).to_string())
    }
}

#[tokio::test]
async fn what_is_cut_is_asked_for_in_halves() {
    let server = Scripted::start(PATIENT).await;
    let found = admin(server.address, "k").generations_billed(0, 3_600_000, None).await.expect("rows");
    assert_eq!((found.rows.len(), found.complete), (1000, true));
    assert!(server.questions().len() < 40, "{:?}", server.questions());
}

#[tokio::test]
async fn what_stays_cut_is_not_complete() {
    let dense = Script { step_ms: 0, ..PATIENT };
    let server = Scripted::start(dense).await;
    let found = admin(server.address, "k").generations_billed(0, 10_000, None).await.expect("rows");
    assert!(!found.complete, "a thousand in one millisecond");

    let many = Script { count: 100_000, step_ms: 10_000, ..PATIENT };
    let server = Scripted::start(many).await;
    let found = admin(server.address, "k").generations_billed(0, EVER, None).await.expect("rows");
    assert!(!found.complete);
    assert_eq!(server.questions().len(), 128, "and no more questions than that");
}

#[tokio::test]
async fn what_takes_too_long_is_asked_for_in_halves() {
    let slow = Script { patience_ms: 600_000, ..PATIENT };
    let server = Scripted::start(slow).await;
    let found = admin(server.address, "k").generations_billed(0, 3_600_000, None).await.expect("rows");
    assert_eq!((found.rows.len(), found.complete), (1000, true));
    let never = Script { patience_ms: 0, ..PATIENT };
    let server = Scripted::start(never).await;
    let failed = admin(server.address, "k").generations_billed(0, 10_000, None).await;
    assert!(matches!(failed, Err(AccountError::TimedOut)), "{failed:?}");
}

#[tokio::test]
async fn a_refusal_is_not_nothing() {
    for (status, expect) in [
        (401, "the key is not known to OpenRouter, or it is disabled (401)"),
        (403, "not allowed with this key (403): why"),
        (429, "too many questions (429)"),
        (500, "OpenRouter fails (500): why"),
    ] {
        let server = Scripted::start(Script { status, ..PATIENT }).await;
        let failed = admin(server.address, "k").generations_billed(0, 10_000, None).await;
        assert_eq!(failed.expect_err("a refusal").to_string(), expect);
        assert_eq!(server.questions().len(), 1, "nothing is retried here");
    }
}
