//! In the program and through the gateway, the same traffic on the same budgets comes to the same money, to the nano.
//!
//! Two sandboxes of one seed answer alike: what they draw depends on the body and how often it has come. One house
//! is asked from within, the other over a socket.

use std::time::Duration;

use farebox::config::Layer;
use farebox::{Call, Durability, Error, Farebox, Nano, Receipt};
use fastrand::Rng;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sandbox::{Config, Faults, Millis, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::support::{self, Http};

const MODELS: [&str; 5] = [
    "openai/gpt-4o-mini",
    "openai/gpt-4.1-mini",
    "google/gemini-2.5-flash",
    "anthropic/claude-haiku-4.5",
    "deepseek/deepseek-v3.2",
];
const ROUTES: [&str; 2] = ["task/classification", "task/summarization"];
const WORDS: [&str; 10] =
    ["budget", "river", "compare", "table", "explain", "green", "seven", "light", "summary", "please"];

/// One call, as both sides are asked.
#[derive(Clone, Debug)]
struct Ask {
    body: String,
    stream: bool,
    labels: Vec<(&'static str, String)>,
}

fn usd(text: &str) -> Nano {
    Nano::parse_floor(text).unwrap()
}

/// What the caller was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    /// The status of the gateway, or what it would be.
    status: u16,
    /// The cost, where the answer says it.
    cost: Option<String>,
    clamped: Option<String>,
    /// What stood in for what.
    downgraded: Option<String>,
    /// Our own word on an error of ours.
    reason: Option<String>,
    /// It broke off in the middle.
    broken: bool,
}

fn draw(random: &mut Rng, number: usize) -> Ask {
    let names = if random.u8(0..5) == 0 { &ROUTES[..] } else { &MODELS[..] };
    let model = *random.choice(names).unwrap();
    let words: Vec<&str> = (0..random.usize(3..120)).map(|_| *random.choice(&WORDS).unwrap()).collect();
    let mut body = json!({
        "model": model,
        "messages": [{"role": "user", "content": format!("{number} {}", words.join(" "))}],
    });
    if random.u8(0..10) > 0 {
        body["max_tokens"] = random.u64(16..20_000).into();
    }
    match random.u8(0..24) {
        0 => body["model"] = "nobody/nothing".into(),
        1 => body["plugins"] = json!([{"id": "web"}]),
        2 => body["max_tokens"] = json!("many"),
        _ => {}
    }
    let stream = random.bool();
    if stream {
        body["stream"] = true.into();
    }
    let mut labels = Vec::new();
    match random.u8(0..5) {
        0 => body["user"] = "in-the-body".into(),
        user => labels.push(("x-farebox-user", format!("user-{user}"))),
    }
    if random.bool() {
        labels.push(("x-openrouter-title", "App".to_owned()));
    }
    if random.u8(0..6) == 0 {
        labels.push(("x-farebox-max-cost-usd", "0.0002".to_owned()));
    }
    Ask { body: body.to_string(), stream, labels }
}

/// The file that both sides go by.
const FILE: &str = r#"
    [[budget]]
    name = "all"
    limit = "0.10"
    window = "lifetime"

    [[budget]]
    name = "each"
    per = ["user"]
    limit = "0.03"
    window = "lifetime"

    [[budget]]
    name = "haiku"
    match = { model = "anthropic/claude-haiku-4.5" }
    limit = "0.02"
    window = "lifetime"
    fallbacks = ["google/gemini-2.5-flash"]

    [routes]
    "task/classification" = "openai/gpt-4o-mini:floor"
    "task/summarization" = ["anthropic/claude-haiku-4.5", "openai/gpt-4.1-mini"]

    [limits]
    clamp_min = 64
    per_request = "0.03"
    park_max = "0s"
"#;

/// One side: a house with its sandbox.
struct Side {
    house: Farebox,
    sandbox: Sandbox,
    http: Http,
    _data: TempDir,
}

impl Side {
    async fn open(config: &Config) -> Side {
        let sandbox = support::sandbox(config.clone()).await;
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("farebox.toml");
        std::fs::write(&file, FILE).unwrap();
        let settings = farebox::Config::load(Layer::default(), Some(file)).unwrap();
        let house = Farebox::builder().config(settings).data(data.path()).upstream(support::url(&sandbox));
        let house = house.upstream_key(support::KEY).durability(Durability::Process).open().await.unwrap();
        // Until a model's endpoints are known its bound is wider, and when they come is a matter of chance.
        house.refresh_prices(&MODELS).await.unwrap();
        Side { house, sandbox, http: support::http(), _data: data }
    }

    async fn settled(&self) {
        support::settled(&self.house, &self.http, &self.sandbox).await;
    }
}

async fn ask_within(house: &Farebox, ask: &Ask) -> Told {
    let mut call = Call::new(ask.body.clone());
    for (name, value) in &ask.labels {
        call = match *name {
            "x-farebox-user" => call.user(value),
            "x-openrouter-title" => call.app(value),
            _ => call.max_cost(usd(value)),
        };
    }
    if !ask.stream {
        return match house.chat(call).await {
            Ok(done) => Told { cost: done.cost.map(|cost| cost.to_string()), ..answered(&done.receipt) },
            Err(error) => told(&error),
        };
    }
    let mut events = match house.chat_stream(call).await {
        Ok(events) => events,
        Err(error) => return told(&error),
    };
    let mut broken = false;
    while let Some(event) = events.next().await {
        broken |= event.is_err();
    }
    // Over the socket a stream does not tell its cost either.
    Told { broken, ..answered(events.receipt()) }
}

fn answered(receipt: &Receipt) -> Told {
    let clamped = receipt.clamped().map(|(from, to)| format!("{from}>{to}"));
    let downgraded = receipt.is_downgraded().then(|| format!("{}>{}", receipt.asked(), receipt.sent()));
    Told { status: 200, clamped, downgraded, ..Told::default() }
}

/// An error in the words of the gateway.
fn told(error: &Error) -> Told {
    let (status, reason) = match error {
        Error::Refused(refusal) => {
            let status = if refusal.reason.passes_by_itself() { 503 } else { 402 };
            (status, Some(refusal.reason.text().to_owned()))
        }
        Error::Unbounded { code, .. } => (402, Some(code.clone())),
        Error::NotNow { code, .. } => (503, Some(code.clone())),
        Error::Invalid { code, .. } => (400, Some(code.clone())),
        // A stream that was asked for and is none is an error here, and an answer there.
        Error::Upstream { status, receipt: Some(receipt), .. } if status.is_success() => {
            return answered(receipt);
        }
        Error::Upstream { status, .. } => (status.as_u16(), None),
        Error::Broken { .. } => (502, None),
        Error::Closed => panic!("closed"),
    };
    Told { status, reason, ..Told::default() }
}

async fn ask_over_socket(side: &Side, base: &str, ask: &Ask) -> Told {
    let mut headers = HeaderMap::new();
    for (name, value) in &ask.labels {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let url = format!("{base}/chat/completions");
    let (response, body) = support::exchange(&side.http, Method::POST, &url, &headers, &ask.body).await;
    let text = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    // Upstream's errors are told apart by their status alone, on both sides.
    let reason = text("x-farebox-reason").filter(|_| matches!(status, 400 | 402 | 503));
    let reason = reason.filter(|reason| !reason.starts_with("openrouter-"));
    let answered = |name: &str| text(name).filter(|_| status == 200);
    let (clamped, downgraded) = (answered("x-farebox-clamped"), answered("x-farebox-downgraded"));
    Told { status, cost: text("x-farebox-cost-usd"), clamped, downgraded, reason, broken: body.is_err() }
}

/// What is the same on both sides, for a seed.
async fn agree(seed: u64, faults: Faults, calls: usize) -> (Side, Vec<Told>) {
    let config = Config { seed, faults, generation_delay: Millis::new(0, 10), ..Config::default() };
    let (within, gateway) = tokio::join!(Side::open(&config), Side::open(&config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/api/v1", listener.local_addr().unwrap());
    let serving = gateway.house.gateway().clone();
    let serving = tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });

    let mut random = Rng::with_seed(seed);
    let mut all = Vec::new();
    for number in 0..calls {
        let ask = draw(&mut random, number);
        let from_within = async {
            let told = ask_within(&within.house, &ask).await;
            within.settled().await;
            told
        };
        let over_socket = async {
            let told = ask_over_socket(&gateway, &base, &ask).await;
            gateway.settled().await;
            told
        };
        let (one, other) = tokio::join!(from_within, over_socket);
        assert_eq!(one, other, "seed {seed}, call {number}: {ask:?}");
        assert_eq!(
            within.house.balances(),
            gateway.house.balances(),
            "seed {seed}, after call {number}: {ask:?}"
        );
        all.push(one);
    }
    let unknown = |side: &Side| {
        let holds = side.house.unknown();
        holds.iter().map(|hold| (hold.bound, hold.model.clone(), hold.reason)).collect::<Vec<_>>()
    };
    assert_eq!(unknown(&within), unknown(&gateway), "seed {seed}");
    assert_eq!(within.sandbox.bill().total, gateway.sandbox.bill().total, "seed {seed}: the bills");
    assert_eq!(counters(&within.house), counters(&gateway.house), "seed {seed}");
    // The books are written a moment later.
    let alike = async {
        while savings(&within.house) != savings(&gateway.house) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), alike).await.expect("routes saved the same on both sides");
    serving.abort();
    gateway.house.close().await.unwrap();
    (within, all)
}

/// What each route cost and saved, whatever the day.
fn savings(house: &Farebox) -> String {
    let rows = house.gateway().savings(0).unwrap();
    let mut rows: Vec<String> = rows.into_iter().map(|row| format!("{row:?}")).collect();
    rows.sort();
    rows.join("\n")
}

/// How often what happened to the money. A body that the library turns down itself never comes to the gateway.
fn counters(house: &Farebox) -> Vec<Value> {
    let stats = house.gateway().stats();
    let holds =
        ["holds_admitted", "holds_settled", "holds_voided", "holds_unknown", "overruns", "overrun_usd"];
    let calls = ["clamped", "refused", "held_out", "repriced", "resent", "served", "upstream_errors"];
    holds.iter().chain(&calls).map(|name| stats[*name].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_traffic_is_the_same_money() {
    let faults = Faults {
        close_before_headers: 0.02,
        empty_error: 0.005,
        server_error: 0.005,
        rate_limit: 0.03,
        money_error: 0.02,
        garbage_body: 0.02,
        stream_error: 0.03,
        missing_usage: 0.03,
        null_cost: 0.02,
        ..Faults::default()
    };
    let (side, told) = agree(11, faults, 200).await;
    // What is unknown still is what never ran: everything that was billed is posted, and nothing else.
    let billed: Nano =
        support::generations(&side.http, &side.sandbox).await.iter().map(|(_, cost)| *cost).sum();
    assert_eq!(support::posted(&side.house, "all"), billed, "posted is the bill");
    assert!(billed > Nano::ZERO);
    // The traffic was worth the name.
    let count = |what: &dyn Fn(&Told) -> bool| told.iter().filter(|told| what(told)).count();
    assert!(count(&|told| told.cost.is_some()) > 20, "answers");
    assert!(count(&|told| told.clamped.is_some()) > 3, "clamps");
    assert!(count(&|told| told.downgraded.is_some()) > 0, "stand-ins");
    assert!(count(&|told| told.reason.as_deref() == Some("used-up")) > 3, "refusals");
    assert!(count(&|told| told.reason.as_deref() == Some("per-request")) > 0, "ceilings");
    assert!(count(&|told| told.status == 400) > 2, "bad requests");
    assert!(count(&|told| told.status >= 500) > 2, "errors of the upstream");
    side.house.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_lost_stay_charged_on_both_sides() {
    let faults = Faults { lose_answer: 0.25, close_mid_stream: 0.1, ..Faults::default() };
    let (side, _) = agree(12, faults, 40).await;
    let balances = side.house.balances();
    let all = balances.iter().find(|balance| balance.name.budget == "all").unwrap();
    let billed: Nano =
        support::generations(&side.http, &side.sandbox).await.iter().map(|(_, cost)| *cost).sum();
    assert!(all.unknown > Nano::ZERO, "answers were lost");
    assert!(billed > all.posted, "and billed");
    assert!(billed <= all.posted.saturating_add(all.unknown), "within what is charged");
    assert!(all.posted.saturating_add(all.unknown) <= all.limit);
    side.house.close().await.unwrap();
}
