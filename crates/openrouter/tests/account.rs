//! The account client over real sockets: what it asks, and what it makes of every answer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use money::Nano;
use openrouter::account::{
    AccountError, Admin, Assignee, GuardrailChange, KeyChange, KeyFilter, NewKey, Reset,
};
use openrouter::client::{SendError, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that answers as a script says, and remembers what it was asked.
struct Scripted {
    upstream: Upstream,
    asked: Arc<Mutex<Vec<String>>>,
}

type Script = fn(&str) -> (u16, String);

impl Scripted {
    async fn start(script: Script) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                answer(socket, script, &seen).await;
            }
        });
        let upstream = Upstream::new(&format!("http://{address}/api/v1")).expect("a base");
        Scripted { upstream, asked }
    }

    fn admin(&self) -> Admin {
        Admin::new(self.upstream.clone(), "sk-or-v1-management")
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

async fn answer(mut socket: TcpStream, script: Script, seen: &Mutex<Vec<String>>) {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let whole = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
        (body.len() >= length).then_some(text)
    };
    let text = loop {
        if let Some(text) = whole(&bytes) {
            break text;
        }
        match socket.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    };
    let line = text.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    let (status, body) = script(&line);
    seen.lock().expect("no panic").push(text);
    let head = format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\nretry-after: 7\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _ = socket.write_all((head + &body).as_bytes()).await;
}

fn rows(numbers: impl Iterator<Item = usize>) -> String {
    let row = |at| format!(r#"{{"hash":"h{at}","name":"key {at}","limit":null,"new_field":[{at}]}}"#);
    let rows: Vec<String> = numbers.map(row).collect();
    format!(r#"{{"data":[{}]}}"#, rows.join(","))
}

#[tokio::test]
async fn keys_are_read_page_by_page_and_each_once() {
    let server = Scripted::start(|line| match line {
        "GET /api/v1/keys?offset=0&include_disabled=true" => (200, rows(0..100)),
        // Somebody made a key meanwhile: the last row of the page before comes again.
        "GET /api/v1/keys?offset=100&include_disabled=true" => (200, rows(99..199)),
        "GET /api/v1/keys?offset=200&include_disabled=true" => (200, rows(199..202)),
        line => (500, line.to_owned()),
    })
    .await;
    let filter = KeyFilter { include_disabled: true, ..KeyFilter::default() };
    let keys = server.admin().keys(&filter).await.expect("keys");
    assert_eq!(keys.len(), 202);
    assert_eq!((keys[99].name.as_str(), keys[100].name.as_str()), ("key 99", "key 100"));
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_server_that_repeats_itself_is_not_followed_for_ever() {
    let server = Scripted::start(|_| (200, rows(0..100))).await;
    assert_eq!(server.admin().keys(&KeyFilter::default()).await.expect("keys").len(), 100);
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_failing_page_fails_the_list() {
    let server = Scripted::start(|line| match line {
        "GET /api/v1/keys?offset=0" => (200, rows(0..100)),
        _ => (502, String::new()),
    })
    .await;
    let failed = server.admin().keys(&KeyFilter::default()).await;
    assert!(matches!(failed, Err(AccountError::Server { status: 502, .. })), "no half list: {failed:?}");
}

#[tokio::test]
async fn lists_with_a_total_end_with_it() {
    let server = Scripted::start(|line| match line {
        "GET /api/v1/guardrails?offset=0&limit=100&workspace_id=w%2F1" => {
            (200, r#"{"data":[{"id":"a","name":"x"},{"id":"b"}],"total_count":3}"#.to_owned())
        }
        "GET /api/v1/guardrails?offset=2&limit=100&workspace_id=w%2F1" => {
            (200, r#"{"data":[{"id":"c"}],"total_count":3}"#.to_owned())
        }
        line => (500, line.to_owned()),
    })
    .await;
    let found = server.admin().guardrails(Some("w/1")).await.expect("guardrails");
    assert_eq!(found.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[tokio::test]
async fn what_changes_is_sent_as_it_should_be() {
    let server = Scripted::start(|line| match line.split(' ').next() {
        Some("POST") if line.ends_with("/keys") && line.contains("/assignments/") => {
            (200, r#"{"assigned_count":"2"}"#.to_owned())
        }
        Some("POST") => (201, r#"{"data":{"hash":"h","limit":5.5},"key":"sk-or-v1-new"}"#.to_owned()),
        Some("PATCH") => (200, r#"{"data":{"hash":"h","id":"g","limit":null}}"#.to_owned()),
        Some("PUT") => (200, r#"{"data":{"limit_usd":1e3},"include_byok_in_budgets":false}"#.to_owned()),
        _ => (200, r#"{"deleted":true}"#.to_owned()),
    })
    .await;
    let admin = server.admin();
    let new = NewKey { name: "a".to_owned(), limit: Some(Nano::from_cents(550)), ..NewKey::default() };
    let created = admin.create_key(&new).await.expect("a key");
    assert_eq!((created.plaintext.as_str(), created.key.limit), ("sk-or-v1-new", new.limit));
    let change = KeyChange { disabled: Some(true), ..KeyChange::default() };
    admin.update_key("h/../x", &change).await.expect("a change");
    admin.delete_key("h").await.expect("deleted");
    let named = ["h1".to_owned(), "h2".to_owned()];
    assert_eq!(admin.assign("g", Assignee::Keys, &named).await.expect("assigned"), Some(2));
    let change = GuardrailChange { limit_usd: Some(None), ..GuardrailChange::default() };
    admin.update_guardrail("g", &change).await.expect("a change");
    let set = admin.set_workspace_budget("w", Some(&Reset::Daily), Nano::from_cents(100_000), None).await;
    assert_eq!(set.expect("a budget").limit_usd, Nano::from_cents(100_000));
    admin.remove_workspace_budget("w", None).await.expect("removed");

    let expected = [
        (
            "POST /api/v1/keys ",
            r#"{"name":"a","limit":5.5,"limit_reset":null,"include_byok_in_limit":false}"#,
        ),
        ("PATCH /api/v1/keys/h%2F..%2Fx ", r#"{"disabled":true}"#),
        ("DELETE /api/v1/keys/h ", ""),
        ("POST /api/v1/guardrails/g/assignments/keys ", r#"{"key_hashes":["h1","h2"]}"#),
        ("PATCH /api/v1/guardrails/g ", r#"{"limit_usd":null}"#),
        ("PUT /api/v1/workspaces/w/budgets/daily ", r#"{"limit_usd":1000}"#),
        ("DELETE /api/v1/workspaces/w/budgets/lifetime ", ""),
    ];
    let asked = server.asked();
    assert_eq!(asked.len(), expected.len());
    for (asked, (line, body)) in asked.iter().zip(expected) {
        assert!(asked.starts_with(line), "{asked}");
        assert!(asked.ends_with(&format!("\r\n\r\n{body}")), "{asked}");
        assert!(asked.contains("authorization: Bearer sk-or-v1-management\r\n"), "{asked}");
        assert_eq!(asked.contains("content-type: application/json\r\n"), !body.is_empty(), "{asked}");
    }
    assert!(!format!("{admin:?}").contains("sk-or-v1-management"), "a key is never printed by accident");
}

#[tokio::test]
async fn every_status_is_told_apart() {
    let script: Script = |line| {
        let status: u16 = line.rsplit('=').next().and_then(|text| text.parse().ok()).unwrap_or(404);
        (status, format!(r#"{{"error":{{"code":{status},"message":"why {status}"}}}}"#))
    };
    let server = Scripted::start(script).await;
    let ask = async |id: &str| server.upstream.generation_details(id, "k").await.expect_err("an error");
    assert!(matches!(ask("401").await, AccountError::Unauthenticated));
    assert!(matches!(ask("403").await, AccountError::Forbidden(why) if why == "why 403"));
    assert!(matches!(ask("404").await, AccountError::NotFound(why) if why == "why 404"));
    assert!(matches!(ask("400").await, AccountError::Invalid { status: 400, .. }));
    assert!(matches!(ask("409").await, AccountError::Conflict(_)));
    let seven = Some(Duration::from_secs(7));
    assert!(matches!(ask("429").await, AccountError::TooMany { retry_after } if retry_after == seven));
    for status in ["500", "524", "529", "302"] {
        assert!(matches!(ask(status).await, AccountError::Server { .. }), "{status}");
    }
}

#[tokio::test]
async fn answers_that_are_none() {
    let unreadable = |body: &'static str| async move {
        let script: Script = match body {
            "html" => |_| (200, "<html>".to_owned()),
            "empty" => |_| (200, String::new()),
            "no limit" => |_| (200, r#"{"data":{"usage":1}}"#.to_owned()),
            _ => |_| (200, format!(r#"{{"data":{{"limit":null,"label":"{}"}}}}"#, "x".repeat(9 << 20))),
        };
        Scripted::start(script).await.upstream.key("k").await.expect_err(body)
    };
    for body in ["html", "empty", "no limit"] {
        assert!(matches!(unreadable(body).await, AccountError::Unreadable(_)), "{body}");
    }
    assert!(matches!(unreadable("too long").await, AccountError::NoAnswer(_)));

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let nobody = Upstream::new(&format!("http://{address}/api/v1")).expect("a base");
    let error = nobody.credits("k").await.expect_err("nobody is there");
    assert!(matches!(error, AccountError::Send(SendError::NeverSent(_))) && error.is_unreachable());
    assert!(!error.may_have_happened());
    assert!(
        matches!(nobody.credits("a\nb").await, Err(AccountError::Unreadable(_))),
        "no key with a line in it"
    );
}
