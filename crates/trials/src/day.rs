//! A day of short, cheap calls, as many as one wants and as fast as they go: what matters is what becomes of each one's
//! cost, not who may call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use http_body_util::BodyExt;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::http::Http;

/// Cheap models of several providers: some stop when the client leaves, some do not.
const MENU: [&str; 5] = [
    "openai/gpt-4o-mini",
    "meta-llama/llama-3.1-8b-instruct",
    "google/gemini-2.5-flash",
    "deepseek/deepseek-v3.2",
    "anthropic/claude-haiku-4.5",
];
const CLIENTS: u64 = 96;
/// Of a hundred calls, how many the client leaves.
const LEAVES_PERCENT: u8 = 4;

/// What the callers saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Answers by their status; 0 for those that never began.
    pub statuses: BTreeMap<u16, u64>,
    /// Calls that the client left before their end.
    pub left: u64,
    /// Answers that broke off.
    pub broken: u64,
}

impl Seen {
    fn add(&mut self, other: Seen) {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.left += other.left;
        self.broken += other.broken;
    }
}

/// Makes so many calls. A client that panics takes the trial with it.
pub async fn run(http: &Http, base: &str, calls: u64, seed: u64) -> Seen {
    let url: Arc<str> = format!("{base}/chat/completions").into();
    let next = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let random = Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(number));
        clients.spawn(client(http.clone(), Arc::clone(&url), Arc::clone(&next), calls, random));
    }
    let mut all = Seen::default();
    for seen in clients.join_all().await {
        all.add(seen);
    }
    all
}

async fn client(http: Http, url: Arc<str>, next: Arc<AtomicU64>, calls: u64, mut random: Rng) -> Seen {
    let mut seen = Seen::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= calls {
            return seen;
        }
        call(&http, &url, number, &mut random, &mut seen).await;
    }
}

async fn call(http: &Http, url: &str, number: u64, random: &mut Rng, seen: &mut Seen) {
    let body = json!({
        "model": MENU[random.usize(0..MENU.len())],
        "messages": [{ "role": "user", "content": format!("Call {number}: what is the fare?") }],
        "max_tokens": random.u64(20..400),
        "stream": random.bool(),
    });
    let leaves = random.u8(0..100) < LEAVES_PERCENT;
    let answer = http.post(url, body.to_string());
    let response = if leaves && random.bool() {
        // Gone before the answer begins.
        tokio::select! {
            response = answer => response,
            () = sleep(Duration::from_micros(random.u64(0..4_000))) => {
                seen.left += 1;
                return;
            }
        }
    } else {
        answer.await
    };
    let Ok(response) = response else {
        *seen.statuses.entry(0).or_default() += 1;
        return;
    };
    *seen.statuses.entry(response.status().as_u16()).or_default() += 1;
    let mut body = response.into_body();
    let mut pieces = if leaves { random.u32(1..4) } else { u32::MAX };
    while let Some(piece) = body.frame().await {
        if piece.is_err() {
            seen.broken += 1;
            return;
        }
        pieces -= 1;
        if pieces == 0 {
            seen.left += 1;
            return;
        }
    }
}
