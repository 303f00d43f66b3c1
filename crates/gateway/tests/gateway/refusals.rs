//! Refusals: ours before a byte leaves, in the exact form that clients need, and the upstream's, rewritten into it.

use std::time::Duration;

use money::Nano;

use crate::support::client::post_with;
use crate::support::upstream::{answer, reply};
use crate::support::{Answer, Client, Gate, House, MODEL, Setup, Step, chat, get, ms, post, until};

/// Everything form A promises but its message.
fn assert_form_a(answer: &Answer) {
    let text = answer.text();
    assert_eq!(answer.status, 402, "{text}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-should-retry"), Some("false"));
    assert_eq!(answer.header("retry-after"), None);
    assert!(answer.header("x-request-id").is_some());
    assert!(text.contains("\"code\":402") && text.contains("Insufficient credits"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(text, json.to_string(), "compact");
    let mut keys: Vec<&str> =
        json["error"].as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["code", "message", "metadata", "param", "type"]);
    assert_eq!(json["error"]["type"], "insufficient_quota");
    assert_eq!(json["error"]["param"], serde_json::Value::Null);
    assert_eq!(json["error"]["metadata"]["error_type"], "payment_required");
    let lower = text.to_lowercase();
    for denied in
        ["429", "500", "502", "503", "504", "52", "retry", "try again", "exhausted", "timeout", "context"]
    {
        assert!(!lower.contains(denied), "'{denied}' in {text}");
    }
}

fn limit_source(answer: &Answer) -> String {
    let json: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    json["error"]["metadata"]["limit_source"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_budget_that_is_used_up() {
    let house = Setup::new().limit(Nano::from_cents(1)).open().await;
    for more in ["", r#","stream":true"#] {
        let answer = house.chat(&chat(more)).await;
        assert_form_a(&answer);
        assert_eq!(limit_source(&answer), "farebox_budget");
        assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
        for (name, value) in [
            ("x-farebox-budget", "all"),
            ("x-farebox-limit-usd", "0.010000000"),
            ("x-farebox-posted-usd", "0.000000000"),
            ("x-farebox-held-usd", "0.000000000"),
            ("x-farebox-available-usd", "0.010000000"),
            ("x-farebox-reason", "used-up"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name}");
        }
        let fitting: u64 = answer.header("x-farebox-fitting-cap").expect("a cap").parse().expect("a number");
        let fits = chat(&format!(r#","max_tokens":{fitting}"#));
        assert!(answer.text().contains(&format!("max_tokens {fitting}")), "{}", answer.text());
        // The body with the cap in it is a little longer, and each byte may be a token.
        let fits = fits.replace(&fitting.to_string(), &(fitting - 3).to_string());
        house.upstream.next(answer_free());
        assert_eq!(house.chat(&fits).await.status, 200, "what is said to fit fits");
    }
    assert_eq!(house.upstream.chats().len(), 2);
    assert_eq!((house.counter("refused"), house.counter("holds_admitted")), (2, 2));
    house.settles_at(0).await;
    house.end().await;
}

fn answer_free() -> Vec<Step> {
    answer("gen-free", "0")
}

#[tokio::test]
async fn ceilings_on_one_request() {
    let house = Setup::new().with(|config| config.per_request = Some(Nano::from_cents(12))).open().await;
    let ask = async |ceiling: &str| {
        let headers = format!("x-farebox-max-cost-usd: {ceiling}\r\n");
        house.client().await.ask(post_with(&headers, &chat(""))).await
    };
    let within = ask("0.05").await;
    assert_eq!(within.status, 200);
    let held = Nano::parse_ceil(within.header("x-farebox-held-max-usd").expect("held")).expect("an amount");
    assert!(held <= Nano::from_cents(5) && held > Nano::from_cents(4), "{held}");
    assert!(within.header("x-farebox-clamped").is_some());
    let ours = ask("5").await;
    let held = Nano::parse_ceil(ours.header("x-farebox-held-max-usd").expect("held")).expect("an amount");
    assert!(held <= Nano::from_cents(12), "the smaller of both: {held}");
    let refused = ask("0.01").await;
    assert_form_a(&refused);
    assert_eq!((limit_source(&refused).as_str(), refused.reason()), ("farebox_per_request", "per-request"));
    let least = ask("5\r\nx-farebox-max-cost-usd: 0.01").await;
    assert_eq!((least.status, least.reason()), (402, "per-request"), "the smallest of several");
    for bad in ["much", "-1", "", "1 USD", "1e400"] {
        let answer = ask(bad).await;
        assert_eq!((answer.status, answer.reason()), (400, "bad-max-cost"), "{bad}");
        assert!(answer.message().contains("x-farebox-max-cost-usd"));
    }
    assert_eq!(house.upstream.chats().len(), 2);
    house.settles_at(2_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn bodies_that_cannot_be_read_or_bounded() {
    let house = House::new().await;
    let odd = r#"{"model":"test/plain","messages":[{"role":"user","content":[{"type":"hologram","hologram":{"url":"x"}}]}]}"#;
    for (body, status) in [
        (String::new(), 400),
        ("{".to_owned(), 400),
        ("[]".to_owned(), 400),
        ("null".to_owned(), 400),
        ("\u{feff}{}".to_owned(), 400),
        ("{}".to_owned(), 400),
        (chat("").replace('}', ""), 400),
        (format!("{}x", chat("")), 400),
        (chat(r#","model":"test/plain""#), 400),
        (chat(r#","mod\u0065l":"test/plain""#), 400),
        (chat(r#","max_tokens":1,"max_tokens":99999"#), 400),
        (chat(r#","provider":{"max_price":{"prompt":1,"prompt":9}}"#), 400),
        (chat(r#","max_tokens":"many""#), 400),
        (chat(r#","max_tokens":-1"#), 400),
        (chat("").replace(MODEL, "no/such-model"), 400),
        (format!(r#"{{"model":"{MODEL}","messages":{}1{}}}"#, "[".repeat(20_000), "]".repeat(20_000)), 400),
        (odd.to_owned(), 402),
        (chat(r#","plugins":[{"id":"fusion"}]"#), 402),
        (chat(r#","tools":[{"type":"openrouter:bash"}]"#), 402),
    ] {
        let answer = house.chat(&body).await;
        let shown: String = body.chars().take(120).collect();
        assert_eq!(answer.status, status, "{shown}: {}", answer.text());
        assert_eq!(answer.header("x-should-retry"), Some("false"), "{shown}");
        assert!(!answer.message().is_empty());
        if status == 402 {
            assert_form_a(&answer);
            assert_eq!(limit_source(&answer), "farebox_bound");
        }
    }
    assert_eq!(house.upstream.chats().len(), 0, "nothing reached the upstream");
    house.settles_at(0).await;
    house.end().await;
}

#[tokio::test]
async fn bytes_that_are_no_text() {
    let house = House::new().await;
    let mut request = post(&chat(",\"user\":\"XX\"")).into_bytes();
    let at = memchr::memmem::find(&request, b"XX").expect("there");
    request[at] = 0xff;
    let answer = house.client().await.ask(request).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(house.upstream.chats().len(), 0);
    house.end().await;
}

#[tokio::test]
async fn nothing_spends_around_the_door() {
    let house = House::new().await;
    let request = |method: &str, path: &str| {
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{{}}")
    };
    for (method, path, status) in [
        ("POST", "/api/v1/responses", 404),
        ("POST", "/v1/messages?beta=true", 404),
        ("POST", "/api/v1/completions", 404),
        ("POST", "/api/v1/embeddings", 404),
        ("POST", "/api/v1/keys", 401),
        ("PUT", "/api/v1/models", 404),
        ("DELETE", "/api/v1/keys/1", 401),
        ("PATCH", "/v1/credits", 404),
        ("POST", "/chat/completions", 404),
        ("POST", "/", 405),
        ("PUT", "/api/v1/chat/completions", 405),
        ("GET", "/api/v1/chat/completions", 405),
        ("GET", "/api/v1/keys", 401),
        ("GET", "/nowhere", 404),
        ("POST", "/api/v1/../v1/chat/completions", 400),
        ("POST", "/api/v1/chat%2fcompletions", 400),
        ("POST", "/api/v1//chat/completions", 400),
        ("CONNECT", "openrouter.ai:443", 403),
        ("OPTIONS", "*", 404),
    ] {
        let answer = house.client().await.ask(request(method, path)).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        let message = answer.message();
        assert!(!message.is_empty() && !message.contains(". ."), "{message}");
        assert_eq!(answer.header("x-should-retry"), Some("false"));
    }
    assert_eq!(house.upstream.calls(|call| call.method != "GET").len(), 0, "nothing reached the upstream");
    house.settles_at(0).await;
    house.end().await;
}

#[tokio::test]
async fn the_base_paths_answer() {
    let house = House::new().await;
    let mut client = house.client().await;
    for path in ["/", "/api", "/api/v1", "/api/v1/", "/v1", "/openrouter.ai/api/v1"] {
        assert!(client.send(get(path).replacen("GET", "HEAD", 1)).await);
        assert_eq!(client.head_answer().await.status, 200, "{path}");
        let answer = client.ask(get(path)).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{path}");
    }
    house.end().await;
}

#[tokio::test]
async fn foreign_hosts_and_origins() {
    let house = House::new().await;
    for (from, to) in [
        ("host: localhost", "host: evil.example"),
        ("host: localhost", "host: localhost.evil.example"),
        ("host: localhost", "host: localhost\r\norigin: https://evil.example"),
        ("host: localhost", "host: localhost\r\norigin: null"),
        ("POST /", "POST http://evil.example/"),
        ("host: localhost", "host: localhost\r\nhost: evil.example"),
        ("host: localhost", "host: localhost\r\norigin: http://localhost\r\norigin: https://evil.example"),
    ] {
        let answer = house.client().await.ask(post(&chat("")).replace(from, to)).await;
        assert!(matches!(answer.status, 400 | 403), "{to}: {}", answer.status);
    }
    assert_eq!(house.upstream.chats().len(), 0);
    for host in ["127.0.0.1:4747", "localhost:1", "[::1]:80", "LOCALHOST"] {
        let request = post(&chat(""))
            .replace("host: localhost", &format!("host: {host}\r\norigin: http://localhost:3000"));
        assert_eq!(house.client().await.ask(request).await.status, 200, "{host}");
    }
    house.settles_at(4_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn whose_key_pays() {
    let house = Setup::new().with(|config| config.upstream_key = None).open().await;
    let answer = house.chat(&chat("")).await;
    assert_eq!((answer.status, answer.reason()), (401, "no-key"));
    assert!(answer.message().contains("OPENROUTER_API_KEY"));
    assert_eq!(house.upstream.chats().len(), 0);
    // A hold on the caller's own key is asked for with that key.
    house.upstream.next(answer_without_cost());
    let own = post(&chat("")).replace("Bearer anything", "Bearer sk-or-v1-callers");
    assert_eq!(house.client().await.ask(own).await.status, 200);
    assert_eq!(house.upstream.chats()[0].header("authorization"), Some("Bearer sk-or-v1-callers"));
    house.upstream.tell("gen-own", r#""total_cost":0.03"#);
    house.settles_at(30_000_000).await;
    let asked = house.upstream.calls(|call| call.target.contains("id=gen-own"));
    assert!(asked.iter().all(|call| call.header("authorization") == Some("Bearer sk-or-v1-callers")));
    house.end().await;
}

fn answer_without_cost() -> Vec<Step> {
    reply("200 OK", "x-generation-id: gen-own\r\n", "{\"id\":\"gen-own\"}")
}

/// A house with room for one whole request, one of which is running until the gate opens.
async fn busy(park_max: Duration, cost: &str) -> (House, Gate, Client) {
    let setup = Setup::new().limit(Nano::from_cents(17)).with(|config| {
        config.park_max = park_max;
        config.clamp_min = Some(16_384);
    });
    let house = setup.open().await;
    let gate = Gate::new();
    let mut script = vec![Step::Wait(gate.clone())];
    script.extend(answer("gen-long", cost));
    house.upstream.next(script);
    let mut client = house.client().await;
    assert!(client.send(post(&chat(""))).await);
    until("the first to run", || house.upstream.chats().len() == 1).await;
    (house, gate, client)
}

#[tokio::test]
async fn a_parked_request_is_granted_when_another_settles() {
    let (house, gate, mut first) = busy(ms(10_000), "0.001").await;
    let mut second = house.client().await;
    assert!(second.send(post(&chat(""))).await);
    until("the second to park", || house.counter("parked_now") == 1).await;
    assert_eq!(house.upstream.chats().len(), 1, "no byte leaves while parked");
    gate.open();
    assert_eq!(first.answer().await.status, 200);
    assert_eq!(second.answer().await.status, 200);
    house.settles_at(2_000_000).await;
    assert_eq!((house.counter("parked"), house.counter("parked_now")), (1, 0));
    house.end().await;
}

#[tokio::test]
async fn a_parked_request_is_told_to_come_back() {
    let (house, gate, mut first) = busy(ms(120), "0.001").await;
    for more in ["", r#","stream":true"#] {
        let answer = house.chat(&chat(more)).await;
        assert_eq!(answer.status, 503);
        assert_eq!(
            answer.text(),
            r#"{"error":{"code":503,"message":"Another request of this budget is still being settled"}}"#
        );
        let seconds: u8 = answer.header("retry-after").expect("a time").parse().expect("seconds");
        assert!((1..=5).contains(&seconds));
        assert_eq!((answer.header("x-should-retry"), answer.reason()), (None, "held"));
        assert_eq!(answer.header("x-farebox-budget"), Some("all"));
    }
    assert_eq!(house.upstream.chats().len(), 1);
    gate.open();
    assert_eq!(first.answer().await.status, 200);
    assert_eq!((house.counter("held_out"), house.counter("parked_now")), (2, 0));
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_client_that_leaves_leaves_the_queue() {
    let (house, gate, mut first) = busy(ms(10_000), "0.001").await;
    let mut second = house.client().await;
    assert!(second.send(post(&chat(""))).await);
    until("the second to park", || house.counter("parked_now") == 1).await;
    drop(second);
    until("the second to leave", || house.counter("parked_now") == 0).await;
    gate.open();
    assert_eq!(first.answer().await.status, 200);
    house.settles_at(1_000_000).await;
    assert_eq!((house.upstream.chats().len(), house.counter("holds_admitted")), (1, 1));
    house.end().await;
}

#[tokio::test]
async fn a_parked_request_is_refused_once_its_money_is_spent() {
    let (house, gate, mut first) = busy(ms(10_000), "0.1").await;
    let mut second = house.client().await;
    assert!(second.send(post(&chat(""))).await);
    until("the second to park", || house.counter("parked_now") == 1).await;
    // The first costs more than the second leaves room for.
    gate.open();
    assert_eq!(first.answer().await.status, 200);
    let refused = second.answer().await;
    assert_form_a(&refused);
    assert_eq!(refused.header("x-farebox-posted-usd"), Some("0.100000000"));
    house.settles_at(100_000_000).await;
    assert_eq!(house.upstream.chats().len(), 1);
    house.end().await;
}

#[tokio::test]
async fn the_upstreams_own_no_money_takes_our_form() {
    let house = House::new().await;
    let credits = r#"{"error":{"code":402,"message":"Insufficient credits. Add more using https://openrouter.ai/settings/credits","metadata":{"limit_source":"openrouter_credits"}}}"#;
    let key = r#"{"error":{"code":403,"message":"Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys"}}"#;
    let workspace = r#"{"error":{"code":403,"message":"Workspace monthly budget of $500.00 exceeded.","metadata":{"limit_source":"openrouter_workspace_budget"}}}"#;
    let tokens = r#"{"error":{"code":402,"message":"This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 1234.","metadata":{"limit_source":"openrouter_key_limit"}}}"#;
    for (status, body, source, words) in [
        ("402 Payment Required", credits, "openrouter-credits", "credits of the OpenRouter account"),
        ("403 Forbidden", key, "openrouter-key-limit", "limit of the OpenRouter key"),
        ("403 Forbidden", workspace, "openrouter-workspace", "OpenRouter workspace"),
        ("402 Payment Required", tokens, "openrouter-key-limit", "can only afford 1234"),
    ] {
        let answer = house
            .chat_by(reply(status, "x-generation-id: gen-m\r\nretry-after: 9\r\n", body), &chat(""))
            .await;
        assert_form_a(&answer);
        assert_eq!(limit_source(&answer), source, "{}", answer.text());
        assert!(answer.text().contains(words), "{}", answer.text());
    }
    let in_flight = r#"{"error":{"code":402,"message":"This request would exceed your available credits given your current in-flight requests.","metadata":{"limit_source":"openrouter_in_flight_budget","reason":"in_flight_budget_exhausted"}}}"#;
    let answer =
        house.chat_by(reply("402 Payment Required", "retry-after: 2\r\n", in_flight), &chat("")).await;
    assert_eq!((answer.status, answer.reason()), (503, "openrouter-in-flight"), "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert!(answer.message().contains("OpenRouter"));
    assert_eq!((house.counter("holds_admitted"), house.counter("holds_voided")), (5, 5));
    house.settles_at(0).await;
    house.end().await;
}
