//! A scripted upstream: a raw TCP server that answers as it is told, byte by byte, and remembers what it was sent.
//!
//! Chat completions are answered by the scripts in line ([`Upstream::next`]), or with a small good answer when there
//! are none. `/models`, endpoints and `/generation` are answered from tables, each on a connection of its own.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::{CHEAP, MODEL};

/// One thing the upstream does.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Writes these bytes.
    Send(Vec<u8>),
    /// Writes this piece again and again, so many bytes in all, or until the peer is gone.
    Flood(Vec<u8>, usize),
    /// Waits.
    Pause(Duration),
    /// Waits until the test opens the gate.
    Wait(Gate),
    /// Waits until the peer closes.
    Hang,
    /// Closes the connection.
    Close,
}

/// What the upstream does with one request; without [`Step::Close`] the connection stays.
pub(crate) type Script = Vec<Step>;

/// Opened by the test, waited for by a script.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    pub(crate) fn new() -> Self {
        Gate(Arc::new(Semaphore::new(0)))
    }

    pub(crate) fn open(&self) {
        self.0.add_permits(1);
    }

    async fn wait(&self) {
        self.0.acquire().await.expect("the gate is never closed").forget();
    }
}

/// What the upstream does with a connection before it reads anything.
#[derive(Clone, Debug)]
pub(crate) enum Greeting {
    /// Closes it.
    Close,
    /// Says this, and waits.
    Say(Vec<u8>),
    /// Reads nothing.
    Deaf,
}

/// One request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The number of its connection.
    pub(crate) connection: usize,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(named, _)| named == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    fn is_chat(&self) -> bool {
        self.target.ends_with("/chat/completions")
    }
}

#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    scripts: Mutex<VecDeque<Script>>,
    greetings: Mutex<VecDeque<Greeting>>,
    calls: Mutex<Vec<Call>>,
    generations: Mutex<HashMap<String, String>>,
    prices: Mutex<(String, String)>,
    reads: Mutex<Option<Script>>,
    also: AtomicBool,
    counter: Mutex<Option<String>>,
    date: Mutex<Option<String>>,
    priceless: AtomicBool,
    connections: AtomicUsize,
    pushed: AtomicUsize,
    aborted: AtomicUsize,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State::default());
        *state.prices.lock() = ("0.000001".into(), "0.00001".into());
        let accepting = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(connection(Arc::clone(&accepting), socket));
            }
        });
        Upstream { address, state }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}/api/v1", self.address)
    }

    /// Puts a script in line for a chat completion.
    pub(crate) fn next(&self, script: Script) {
        self.state.scripts.lock().push_back(script);
    }

    /// Takes the scripts in line away, which nobody came for.
    pub(crate) fn forget_scripts(&self) {
        self.state.scripts.lock().clear();
    }

    /// Puts a greeting in line for a new connection.
    pub(crate) fn greet(&self, greeting: Greeting) {
        self.state.greetings.lock().push_back(greeting);
    }

    /// Answers every read that has no table by this script from now on.
    pub(crate) fn reads(&self, script: Script) {
        *self.state.reads.lock() = Some(script);
    }

    /// What `/generation` answers for an id from now on: the members of `data`.
    pub(crate) fn tell(&self, id: &str, data: &str) {
        self.state.generations.lock().insert(id.to_owned(), format!("{{\"data\":{{{data}}}}}"));
    }

    /// The prices of the one model, per token.
    pub(crate) fn price(&self, prompt: &str, completion: &str) {
        *self.state.prices.lock() = (prompt.into(), completion.into());
    }

    /// What time it is, as `Date` of every answer from a table: milliseconds since the Unix epoch.
    pub(crate) fn date(&self, now_ms: i64) {
        let now = jiff::Timestamp::from_millisecond(now_ms).expect("a time");
        *self.state.date.lock() = Some(now.strftime("date: %a, %d %b %Y %H:%M:%S GMT\r\n").to_string());
    }

    /// What `/key` says was ever charged; with own keys at providers nothing.
    pub(crate) fn count(&self, usage: &str) {
        self.count_with_byok(usage, "0");
    }

    /// What `/key` says was ever charged, and what own keys at providers were.
    pub(crate) fn count_with_byok(&self, usage: &str, byok: &str) {
        *self.state.counter.lock() = Some(format!(r#""usage":{usage},"byok_usage":{byok}"#));
    }

    /// How often `/key` was asked.
    pub(crate) fn counted(&self) -> usize {
        self.calls(|call| call.target.ends_with("/key")).len()
    }

    /// Whether Azure serves the model as well, from the next look on.
    pub(crate) fn serve_twice(&self, twice: bool) {
        self.state.also.store(twice, Ordering::SeqCst);
    }

    /// Whether `/models` tells nothing.
    pub(crate) fn hide_prices(&self, hidden: bool) {
        self.state.priceless.store(hidden, Ordering::SeqCst);
    }

    pub(crate) fn chats(&self) -> Vec<Call> {
        self.calls(Call::is_chat)
    }

    pub(crate) fn calls(&self, which: impl Fn(&Call) -> bool) -> Vec<Call> {
        self.state.calls.lock().iter().filter(|call| which(call)).cloned().collect()
    }

    /// Bytes that scripts could write.
    pub(crate) fn pushed(&self) -> usize {
        self.state.pushed.load(Ordering::SeqCst)
    }

    /// Scripts during which the peer closed.
    pub(crate) fn aborted(&self) -> usize {
        self.state.aborted.load(Ordering::SeqCst)
    }
}

async fn connection(state: Arc<State>, mut socket: TcpStream) {
    let number = state.connections.fetch_add(1, Ordering::SeqCst);
    let _ = socket.set_nodelay(true);
    let greeting = state.greetings.lock().pop_front();
    match greeting {
        Some(Greeting::Close) => return,
        Some(Greeting::Say(bytes)) => {
            let _ = socket.write_all(&bytes).await;
            return closed(&mut socket).await;
        }
        Some(Greeting::Deaf) => return sleep(Duration::from_secs(60)).await,
        None => {}
    }
    let mut buffer = Vec::new();
    while let Some(call) = read_call(&mut socket, &mut buffer, number).await {
        let script = state.script(&call);
        state.calls.lock().push(call);
        for step in script {
            match play(&state, &mut socket, step).await {
                Played::On => {}
                Played::Closed => return,
                Played::Aborted => {
                    state.aborted.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
        }
    }
}

enum Played {
    On,
    Closed,
    Aborted,
}

async fn play(state: &State, socket: &mut TcpStream, step: Step) -> Played {
    match step {
        Step::Send(bytes) => {
            if socket.write_all(&bytes).await.is_err() {
                return Played::Aborted;
            }
            state.pushed.fetch_add(bytes.len(), Ordering::SeqCst);
        }
        Step::Flood(piece, bytes) => {
            let mut sent = 0;
            while sent < bytes {
                if socket.write_all(&piece).await.is_err() {
                    return Played::Aborted;
                }
                sent += piece.len();
                state.pushed.fetch_add(piece.len(), Ordering::SeqCst);
            }
        }
        Step::Pause(time) => sleep(time).await,
        Step::Wait(gate) => {
            tokio::select! {
                () = gate.wait() => {}
                () = closed(socket) => return Played::Aborted,
            }
        }
        Step::Hang => {
            closed(socket).await;
            return Played::Aborted;
        }
        Step::Close => return Played::Closed,
    }
    Played::On
}

/// Ends when the peer has closed.
async fn closed(socket: &mut TcpStream) {
    let mut bytes = [0; 4096];
    while socket.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
}

impl State {
    fn script(&self, call: &Call) -> Script {
        let path = call.target.split('?').next().unwrap_or_default();
        if call.is_chat() {
            return self.scripts.lock().pop_front().unwrap_or_else(|| answer("gen-good", "0.001"));
        }
        let (status, body) = if path.ends_with("/generation") {
            let id = call.target.rsplit("id=").next().unwrap_or_default();
            match self.generations.lock().get(id) {
                Some(body) => ("200 OK", body.clone()),
                None => ("404 Not Found", r#"{"error":{"code":404,"message":"not found"}}"#.to_owned()),
            }
        } else if (path.ends_with("/models") || path.ends_with("/endpoints"))
            && self.priceless.load(Ordering::SeqCst)
        {
            ("500 Internal Server Error", r#"{"error":{"code":500,"message":"out of order"}}"#.to_owned())
        } else if path.ends_with("/models") {
            let others =
                OTHERS.map(|(id, prompt, completion, context)| row(&named(id), prompt, completion, context));
            ("200 OK", format!(r#"{{"data":[{},{}]}}"#, self.row(true), others.join(",")))
        } else if let Some(other) = path.strip_suffix("/endpoints").and_then(other) {
            let (id, prompt, completion, context) = other;
            let served = row(SERVED, prompt, completion, *context);
            ("200 OK", format!(r#"{{"data":{{"id":"{id}","endpoints":[{served}]}}}}"#))
        } else if path.ends_with("/endpoints") {
            let mut served = self.row(false);
            if self.also.load(Ordering::SeqCst) {
                served = format!("{served},{}", served.replace("OpenAI", "Azure").replace("openai", "azure"));
            }
            ("200 OK", format!(r#"{{"data":{{"id":"{MODEL}","endpoints":[{served}]}}}}"#))
        } else if let Some(usage) = self.counter.lock().clone().filter(|_| path.ends_with("/key")) {
            ("200 OK", format!(r#"{{"data":{{"limit":null,{usage}}}}}"#))
        } else if let Some(script) = self.reads.lock().clone() {
            return script;
        } else {
            ("200 OK", format!(r#"{{"path":"{}"}}"#, call.target))
        };
        let length = body.len();
        let date = self.date.lock().clone().unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {status}\r\n{date}content-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        vec![Step::Send(format!("{head}{body}").into_bytes()), Step::Close]
    }

    fn row(&self, model: bool) -> String {
        let (prompt, completion) = self.prices.lock().clone();
        let own = if model { named(MODEL) } else { SERVED.to_owned() };
        row(&own, &prompt, &completion, 100_000_000)
    }
}

/// Other models: a tenth of the price, and two free ones. Id, price of prompt and of completion, context length.
const OTHERS: [(&str, &str, &str, u32); 3] = [
    (CHEAP, "0.0000001", "0.000001", 1_000_000),
    ("test/small:free", "0", "0", 20_000),
    ("test/large:free", "0", "0", 200_000),
];
const SERVED: &str = r#""provider_name":"OpenAI","tag":"openai","max_completion_tokens":65536"#;

fn other(path: &str) -> Option<&'static (&'static str, &'static str, &'static str, u32)> {
    OTHERS.iter().find(|(id, ..)| path.ends_with(id))
}

/// What a row says before its price.
fn named(id: &str) -> String {
    format!(
        r#""id":"{id}","architecture":{{"tokenizer":"GPT","output_modalities":["text"]}},"top_provider":{{"max_completion_tokens":65536}}"#
    )
}

fn row(own: &str, prompt: &str, completion: &str, context: u32) -> String {
    format!(
        r#"{{{own},"context_length":{context},"pricing":{{"prompt":"{prompt}","completion":"{completion}"}},"supported_parameters":["max_tokens","tools"]}}"#
    )
}

async fn read_call(socket: &mut TcpStream, buffer: &mut Vec<u8>, connection: usize) -> Option<Call> {
    let end = loop {
        if let Some(at) = memchr::memmem::find(buffer, b"\r\n\r\n") {
            break at + 4;
        }
        more(socket, buffer).await?;
    };
    let head: Vec<u8> = buffer.drain(..end).collect();
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    while buffer.len() < length {
        more(socket, buffer).await?;
    }
    let body = buffer.drain(..length).collect();
    Some(Call { method, target, headers, body, connection })
}

async fn more(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut bytes = vec![0; 64 << 10];
    let read = socket.read(&mut bytes).await.ok().filter(|read| *read > 0)?;
    buffer.extend_from_slice(&bytes[..read]);
    Some(())
}

/// An answer with a length, on a connection that stays.
pub(crate) fn reply(status: &str, headers: &str, body: &str) -> Script {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n"
    );
    vec![Step::Send(format!("{head}{body}").into_bytes())]
}

/// A good answer that is not streamed.
pub(crate) fn answer(id: &str, cost: &str) -> Script {
    reply("200 OK", &format!("x-generation-id: {id}\r\n"), &answer_body(id, &format!("{{\"cost\":{cost}}}")))
}

/// The body of an answer that is not streamed.
pub(crate) fn answer_body(id: &str, usage: &str) -> String {
    format!(
        r#"{{"id":"{id}","provider":"OpenAI","model":"{MODEL}","choices":[{{"index":0,"message":{{"role":"assistant","content":"hello"}},"finish_reason":"stop"}}],"usage":{usage}}}"#
    )
}

/// The head of a stream.
pub(crate) fn stream_head(id: &str) -> Step {
    let named = if id.is_empty() { String::new() } else { format!("x-generation-id: {id}\r\n") };
    Step::Send(
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n{named}transfer-encoding: chunked\r\n\r\n"
        )
        .into_bytes(),
    )
}

/// A piece of a stream, as one HTTP chunk.
pub(crate) fn piece(data: &str) -> Step {
    Step::Send(format!("{:x}\r\n{data}\r\n", data.len()).into_bytes())
}

/// The proper end of a stream.
pub(crate) fn stream_end() -> Step {
    Step::Send(b"0\r\n\r\n".to_vec())
}

/// An event with content, of a provider.
pub(crate) fn content(id: &str, provider: &str) -> String {
    format!(
        "data: {{\"id\":\"{id}\",\"provider\":\"{provider}\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"hel\"}},\"finish_reason\":null}}]}}\n\n"
    )
}

/// The last event with the cost, and the end mark.
pub(crate) fn tail(id: &str, cost: &str) -> String {
    format!(
        "data: {{\"id\":\"{id}\",\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}],\"usage\":{{\"cost\":{cost}}}}}\n\ndata: [DONE]\n\n"
    )
}
