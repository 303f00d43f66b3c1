//! Load: clients that together want far more than the budget has, each until it is told that nothing is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use fastrand::Rng;
use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use money::Nano;
use serde_json::json;
use tokio::task::JoinSet;

use crate::http::Http;

/// Models with the output caps that put their bounds between about $0.005 and $0.10.
const MENU: [(&str, u64, u64); 6] = [
    ("openai/gpt-4o-mini", 8_192, 65_536),
    ("openai/gpt-5-mini", 4_096, 32_768),
    ("openai/gpt-4.1-mini", 4_096, 32_768),
    ("google/gemini-2.5-flash", 4_096, 24_576),
    ("anthropic/claude-haiku-4.5", 4_096, 10_240),
    ("deepseek/deepseek-v3.2", 16_384, 65_536),
];

/// How a client asks and behaves.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Clients at the same time.
    pub clients: u64,
    /// Requests of one client, at most.
    pub requests_each: u64,
    /// Of a hundred streams, how many the client leaves in the middle.
    pub aborts_percent: u8,
    /// How often a client asks again after a 503, in all.
    pub patience: u32,
}

/// A final no.
#[derive(Clone, Debug)]
pub struct Refused {
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The bound at the lowest useful cap, USD, as the refusal said.
    pub needed: Nano,
    /// The HTTP status.
    pub status: u16,
}

/// What all clients saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Answers that came to their end.
    pub served: u64,
    /// Streams that the client left.
    pub aborted: u64,
    /// Exchanges that broke off: the gateway was killed.
    pub broken: u64,
    /// Final refusals.
    pub refused: Vec<Refused>,
    /// Answers that nobody should get.
    pub surprises: Vec<String>,
    /// Output caps that were lowered.
    pub clamped: u64,
    /// The bounds that were held, USD, summed.
    pub held: Nano,
    /// How many of those there were.
    pub holds: u64,
}

impl Seen {
    /// Requests with an outcome.
    pub fn requests(&self) -> u64 {
        self.served + self.aborted + self.broken + self.refused.len() as u64
    }

    fn add(&mut self, other: Seen) {
        self.served += other.served;
        self.aborted += other.aborted;
        self.broken += other.broken;
        self.clamped += other.clamped;
        self.held = self.held.saturating_add(other.held);
        self.holds += other.holds;
        self.refused.extend(other.refused);
        self.surprises.extend(other.surprises);
    }
}

/// Runs every client to its end. `progress` counts outcomes on the way.
pub async fn run(http: &Http, base: &str, plan: Plan, seed: u64, progress: Arc<AtomicU64>) -> Seen {
    let url: Arc<str> = format!("{base}/chat/completions").into();
    let mut clients = JoinSet::new();
    for number in 0..plan.clients {
        let random = Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(number));
        clients.spawn(client(http.clone(), Arc::clone(&url), plan, random, Arc::clone(&progress)));
    }
    let mut all = Seen::default();
    while let Some(seen) = clients.join_next().await {
        match seen {
            Ok(seen) => all.add(seen),
            Err(error) => all.surprises.push(format!("a client died: {error}")),
        }
    }
    all
}

async fn client(http: Http, url: Arc<str>, plan: Plan, mut random: Rng, progress: Arc<AtomicU64>) -> Seen {
    let mut seen = Seen::default();
    let mut patience = plan.patience;
    for _ in 0..plan.requests_each {
        let request = Request::draw(&mut random, plan.aborts_percent);
        loop {
            let Ok(response) = http.post(&url, request.body.clone()).await else {
                // Refused connections and broken ones: the gateway is being killed or started.
                seen.broken += 1;
                tokio::time::sleep(Duration::from_millis(20 + random.u64(0..80))).await;
                break;
            };
            let status = response.status().as_u16();
            if status == 503 && patience > 0 {
                patience -= 1;
                tokio::time::sleep(Duration::from_millis(200 + random.u64(0..300))).await;
                continue;
            }
            match status {
                200 => request.take(response, &mut seen, &mut random).await,
                402 | 503 => {
                    seen.refused.push(refused(status, response.headers()));
                    return seen;
                }
                _ => seen.surprises.push(surprise(status, response).await),
            }
            break;
        }
        progress.fetch_add(1, Ordering::Relaxed);
    }
    seen
}

struct Request {
    body: String,
    stream: bool,
    /// After how many pieces of a stream the client leaves.
    leaves_after: Option<u32>,
    /// Whether it leaves even a plain request, before it is answered.
    leaves_early: bool,
}

impl Request {
    fn draw(random: &mut Rng, aborts_percent: u8) -> Self {
        let (model, cap_min, cap_max) = MENU[random.usize(0..MENU.len())];
        let stream = random.bool();
        let aborting = random.u8(0..100) < aborts_percent;
        let words = random.usize(5..400);
        let prompt: String = (0..words)
            .map(|_| ["the ", "fare ", "is ", "paid, ", "größer ", "出租 "][random.usize(0..6)])
            .collect();
        let mut body = json!({
            "model": model,
            "messages": [{"role": "system", "content": "Answer."}, {"role": "user", "content": prompt}],
            "stream": stream,
        });
        match random.u8(0..10) {
            0..=6 => body["max_tokens"] = random.u64(cap_min..=cap_max).into(),
            7 => body["max_completion_tokens"] = random.u64(cap_min..=cap_max).into(),
            _ => {}
        }
        if random.u8(0..10) == 0 {
            body["tools"] = json!([{"type": "function", "function": {
                "name": "look_up", "description": "Looks a fare up", "parameters": {
                    "type": "object", "properties": {"line": {"type": "string"}}, "required": ["line"]}}}]);
        }
        Request {
            body: body.to_string(),
            stream,
            leaves_after: (aborting && stream).then(|| random.u32(0..6)),
            leaves_early: aborting && !stream,
        }
    }

    async fn take(&self, response: Response<Incoming>, seen: &mut Seen, random: &mut Rng) {
        let headers = response.headers();
        seen.clamped += u64::from(headers.contains_key("x-farebox-clamped"));
        if let Some(held) = amount(headers, "x-farebox-held-max-usd") {
            seen.held = seen.held.saturating_add(held);
            seen.holds += 1;
        }
        let mut body = response.into_body();
        let mut pieces = 0;
        loop {
            if self.leaves_after.is_some_and(|leaves| pieces >= leaves) || self.leaves_early && random.bool()
            {
                seen.aborted += 1;
                return;
            }
            match body.frame().await {
                Some(Ok(_)) => pieces += 1,
                Some(Err(_)) => {
                    seen.broken += 1;
                    return;
                }
                None => {
                    seen.served += 1;
                    if self.stream && pieces == 0 {
                        seen.surprises.push("an empty stream".to_owned());
                    }
                    return;
                }
            }
        }
    }
}

fn refused(status: u16, headers: &HeaderMap) -> Refused {
    Refused { at_ms: now_ms(), needed: amount(headers, "x-farebox-needed-usd").unwrap_or_default(), status }
}

fn amount(headers: &HeaderMap, name: &str) -> Option<Nano> {
    headers.get(name).and_then(|value| value.to_str().ok()).and_then(|text| Nano::parse_ceil(text).ok())
}

async fn surprise(status: u16, response: Response<Incoming>) -> String {
    let body: Result<_, _> = response.into_body().collect().await;
    let body = body.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned()).unwrap_or_default();
    format!("{status}: {body}")
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
