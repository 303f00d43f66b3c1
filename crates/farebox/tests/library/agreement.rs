//! In the program and through the gateway, the same traffic on the same budgets comes to the same money, to the nano.
//!
//! Two sandboxes of one seed answer alike: what they draw depends on the body and how often it has come. One house
//! is asked from within, the other over a socket.

use farebox::{Budget, Call, Error, Farebox, Label, Nano, Outcome, RefusalReason, Window};
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
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    /// The status of the gateway, or what it would be.
    status: u16,
    /// The cost, where the answer says it.
    cost: Option<String>,
    clamped: Option<String>,
    /// Our own word on an error of ours.
    reason: Option<String>,
    /// It broke off in the middle.
    broken: bool,
}

fn draw(random: &mut Rng, number: usize) -> Ask {
    let model = *random.choice(&MODELS).unwrap();
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
        labels.push(("x-farebox-max-cost-usd", "0.002".to_owned()));
    }
    Ask { body: body.to_string(), stream, labels }
}

fn budgets() -> Vec<Budget> {
    let budget = |name: &str, selector: &[(Label, &str)], per: &[Label], cents: i32| Budget {
        name: name.to_owned(),
        selector: selector.iter().map(|(label, value)| (*label, (*value).to_owned())).collect(),
        per: per.iter().copied().collect(),
        limit: Nano::from_cents(cents),
        window: Window::lifetime(),
    };
    vec![
        budget("all", &[], &[], 10),
        budget("each", &[], &[Label::User], 3),
        budget("haiku", &[(Label::Model, "anthropic/claude-haiku-4.5")], &[], 2),
    ]
}

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
        let house =
            support::builder(data.path(), &support::url(&sandbox)).budgets(budgets()).clamp_min(Some(64));
        let house = house.per_request(Nano::from_cents(3)).open().await.unwrap();
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
            Ok(done) => {
                let cost = done.cost.map(|cost| cost.to_string());
                Told { status: 200, cost, clamped: clamp(done.clamped()), reason: None, broken: false }
            }
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
    Told { status: 200, cost: None, clamped: clamp(events.receipt().clamped()), reason: None, broken }
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
        Error::Upstream { status, .. } => (status.as_u16(), None),
        Error::Broken { .. } => (502, None),
        Error::Closed => panic!("closed"),
    };
    // A stream that was asked for and is none is an error here, and an answer there.
    let clamped = match error {
        Error::Upstream { status, receipt: Some(receipt), .. } if status.is_success() => receipt.clamped(),
        _ => None,
    };
    Told { status, cost: None, clamped: clamp(clamped), reason, broken: false }
}

fn clamp(clamped: Option<(u64, u64)>) -> Option<String> {
    clamped.map(|(from, to)| format!("{from}>{to}"))
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
    let clamped = text("x-farebox-clamped").filter(|_| status == 200);
    Told { status, cost: text("x-farebox-cost-usd"), clamped, reason, broken: body.is_err() }
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
    serving.abort();
    gateway.house.close().await.unwrap();
    (within, all)
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

#[tokio::test]
async fn a_refusal_is_a_value() {
    let side = Side::open(&Config::default()).await;
    let call = Call::new(support::body("too dear", 20_000).to_string()).max_cost(usd("0.000001"));
    let Err(Error::Refused(refusal)) = side.house.chat(call).await else { panic!("it passed") };
    assert_eq!(refusal.reason, RefusalReason::PerRequest);
    assert!(refusal.needed.unwrap() > usd("0.000001"));
    let used_up = support::body("x", 20_000);
    let haiku =
        json!({"model": "anthropic/claude-haiku-4.5", "messages": used_up["messages"], "max_tokens": 20_000});
    let house = &side.house;
    let refusal = loop {
        match house.chat(haiku.clone()).await {
            Ok(done) => assert_eq!(done.receipt.outcome(), Outcome::Settled(done.cost.unwrap())),
            Err(Error::Refused(refusal)) => break refusal,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!((refusal.reason, refusal.budget()), (RefusalReason::UsedUp, Some("haiku")));
    assert!(refusal.needed.unwrap() > refusal.balance.as_ref().unwrap().available);
    assert!(refusal.sentence.contains("budget 'haiku' allows"), "{}", refusal.sentence);
    let explained = house.explain_last().unwrap();
    assert_eq!(
        (explained["outcome"].as_str(), explained["request"].as_str()),
        (Some("refused"), refusal.request.as_deref())
    );
    side.house.close().await.unwrap();
}
