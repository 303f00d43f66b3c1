//! A client of bare sockets: what goes over the wire is what the tests see.

use std::net::SocketAddr;
use std::time::Duration;

use sandbox::{Bill, Config, Faults, Sandbox};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    /// Decoded from its chunks, as far as it came.
    pub(crate) body: Vec<u8>,
    /// The last chunk came.
    pub(crate) complete: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(own, _)| *own == name).map(|(_, value)| value))
    }

    /// The JSON of each event.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = self.text();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter(|data| *data != "[DONE]")
            .map(|data| serde_json::from_str(data).unwrap_or(Value::Null))
            .collect()
    }
}

pub(crate) async fn start(config: Config) -> Sandbox {
    Sandbox::start(SocketAddr::from(([127, 0, 0, 1], 0)), config).await.expect("a free port")
}

/// Sends bytes and reads until the other side closes.
pub(crate) async fn exchange(sandbox: &Sandbox, request: &str) -> Answer {
    let mut socket = TcpStream::connect(sandbox.addr()).await.expect("a connection");
    socket.write_all(request.as_bytes()).await.expect("written");
    let mut bytes = Vec::new();
    let read = socket.read_to_end(&mut bytes);
    let _ = tokio::time::timeout(Duration::from_secs(20), read).await.expect("an end");
    parse(&bytes)
}

pub(crate) async fn get(sandbox: &Sandbox, path: &str) -> Answer {
    let head =
        format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\nconnection: close\r\n\r\n");
    exchange(sandbox, &head).await
}

/// The management key of the default configuration.
pub(crate) const MANAGEMENT: &str = "sk-or-v1-sandbox-management";

/// Any method, with a key (none when it is empty) and a body if there is one.
pub(crate) async fn ask(
    sandbox: &Sandbox,
    method: &str,
    path: &str,
    key: &str,
    body: Option<&Value>,
) -> Answer {
    let key = if key.is_empty() { String::new() } else { format!("authorization: Bearer {key}\r\n") };
    let body = body.filter(|body| !body.is_null()).map(Value::to_string).unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\n{key}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    exchange(sandbox, &head).await
}

/// A chat under a key.
pub(crate) async fn chat_as(sandbox: &Sandbox, key: &str, body: &Value) -> Answer {
    ask(sandbox, "POST", "/api/v1/chat/completions", key, Some(body)).await
}

/// Chats that run and are not answered until the sockets are dropped; each is then billed in full.
pub(crate) async fn hanging(sandbox: &Sandbox, key: &str, body: &Value, count: u64) -> Vec<TcpStream> {
    let hang = |chance: f64| sandbox.set_faults(Faults { hang: chance, ..Faults::default() });
    hang(1.0);
    let mut sockets = Vec::new();
    for _ in 0..count {
        let mut socket = TcpStream::connect(sandbox.addr()).await.expect("a connection");
        let head = posting("/api/v1/chat/completions", &body.to_string())
            .replace("Bearer k", &format!("Bearer {key}"));
        socket.write_all(head.as_bytes()).await.expect("written");
        sockets.push(socket);
    }
    while sandbox.bill().running < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    hang(0.0);
    sockets
}

/// Puts the sandbox's clock forward.
pub(crate) async fn clock(sandbox: &Sandbox, offset_ms: i64) {
    let body = json!({ "offset_ms": offset_ms });
    let answer = ask(sandbox, "POST", "/sandbox/clock", "", Some(&body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Puts the sandbox's clock to noon of tomorrow, where no window turns by itself; the offset, in milliseconds.
pub(crate) async fn noon(sandbox: &Sandbox) -> i64 {
    let told = ask(sandbox, "GET", "/sandbox/clock", "", None).await.json();
    let now = told["now"].as_str().expect("a time").to_owned();
    let part = |from: usize| now[from..from + 2].parse::<i64>().expect("digits");
    let offset = ((36 - part(11)) * 3600 - part(14) * 60 - part(17)) * 1000;
    clock(sandbox, offset).await;
    offset
}

pub(crate) async fn post(sandbox: &Sandbox, path: &str, body: &str) -> Answer {
    exchange(sandbox, &posting(path, body)).await
}

pub(crate) fn posting(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) async fn chat(sandbox: &Sandbox, body: &Value) -> Answer {
    post(sandbox, "/api/v1/chat/completions", &body.to_string()).await
}

/// A chat body with some fields put over it.
pub(crate) fn body(fields: Value) -> Value {
    let mut body = json!({ "model": "openai/gpt-4o-mini", "messages": [{ "role": "user", "content": "Say something." }] });
    for (key, value) in fields.as_object().expect("fields") {
        body[key] = value.clone();
    }
    body
}

/// Waits until nothing runs.
pub(crate) async fn settled(sandbox: &Sandbox) -> Bill {
    for _ in 0..500 {
        let bill = sandbox.bill();
        if bill.running == 0 {
            return bill;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("something still runs");
}

fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let Some(end) = end else {
        return Answer { status: 0, head: String::new(), body: Vec::new(), complete: false };
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let rest = &bytes[end + 4..];
    if !head.contains("transfer-encoding: chunked") {
        return Answer { status, head, body: rest.to_vec(), complete: true };
    }
    let (body, complete) = unchunk(rest);
    Answer { status, head, body, complete }
}

fn unchunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(line) = rest.windows(2).position(|window| window == b"\r\n") else { return (body, false) };
        let size =
            std::str::from_utf8(&rest[..line]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let Some(size) = size else { return (body, false) };
        if size == 0 {
            return (body, true);
        }
        let chunk = &rest[line + 2..];
        body.extend_from_slice(&chunk[..size.min(chunk.len())]);
        let Some(after) = chunk.get(size + 2..) else { return (body, false) };
        rest = after;
    }
}
