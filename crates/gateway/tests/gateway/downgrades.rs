//! Stand-ins: when money refuses the model asked for, what the user allows is tried, each with a hold of its own.

use gateway::{Fallback, ModelRoute, Routes};
use money::Nano;
use serde_json::{Value, json};

use crate::support::client::post_with;
use crate::support::upstream::{answer, answer_body, reply};
use crate::support::{Answer, CHEAP, Gate, House, MODEL, Script, Setup, Step, asking, chat, ms, post, until};

const CREDITS: &str = r#"{"error":{"code":402,"message":"Insufficient credits. Add more using https://openrouter.ai/settings/credits","metadata":{"limit_source":"openrouter_credits"}}}"#;

fn allowing(fallbacks: &[&str], limit: Nano) -> Setup {
    let list: Vec<Fallback> = fallbacks.iter().map(|text| Fallback::read(text)).collect();
    Setup::new().limit(limit).with(|config| {
        config.fallbacks = [("all".to_owned(), list)].into();
    })
}

fn routed(setup: Setup, chain: &[&str]) -> Setup {
    let models = chain.iter().map(|model| (*model).to_owned()).collect();
    let route = ModelRoute { name: "task/x".to_owned(), models, ..ModelRoute::default() };
    setup.with(|config| config.routes = Routes::new(vec![route]).expect("a route"))
}

fn told(answer: &Answer) -> (u16, Option<&str>, Option<&str>) {
    (answer.status, answer.header("x-farebox-model"), answer.header("x-farebox-downgraded"))
}

fn explained(house: &House) -> Value {
    house.gateway.explanations(1).remove(0)
}

/// The models of each attempt that reached the upstream.
fn sent(house: &House) -> Vec<(String, Value)> {
    let calls = house.upstream.chats().into_iter().map(|call| call.json());
    calls
        .map(|json| (json["model"].as_str().unwrap_or_default().to_owned(), json["models"].clone()))
        .collect()
}

/// What a free model answers.
fn free() -> Script {
    let body = answer_body("gen-free", r#"{"cost":0}"#).replace(MODEL, "test/large:free");
    reply("200 OK", "x-generation-id: gen-free\r\n", &body)
}

fn credits(status: &str, body: &str) -> Script {
    reply(status, "x-generation-id: gen-m\r\n", body)
}

#[tokio::test]
async fn without_the_users_word_nothing_stands_in() {
    let house = Setup::new().limit(Nano::from_cents(1)).open().await;
    for body in [chat(""), chat(&format!(r#","models":["{CHEAP}"]"#))] {
        let refused = house.chat(&body).await;
        assert_eq!(told(&refused), (402, None, None));
        assert_eq!(refused.header("x-farebox-budget"), Some("all"));
    }
    house.upstream.next(credits("402 Payment Required", CREDITS));
    let refused = house.chat(&asking(CHEAP, "")).await;
    assert_eq!(told(&refused), (402, None, None));
    assert_eq!((house.upstream.chats().len(), house.counter("downgraded")), (1, 0));
    assert_eq!(explained(&house).get("tried"), None);
    house.settles_at(0).await;
    house.end().await;
}

#[tokio::test]
async fn a_used_up_budget_falls_back_to_a_cheaper_model() {
    let house = allowing(&[CHEAP, "free"], Nano::from_cents(1)).open().await;
    let answer = house.chat(&chat(r#","max_tokens":16384"#)).await;
    assert_eq!(told(&answer), (200, Some(CHEAP), Some("test/plain>test/cheap")), "{}", answer.text());
    let clamped = answer.header("x-farebox-clamped").expect("clamped, before the next model is tried");
    assert!(clamped.starts_with("16384>"), "{clamped}");
    assert_eq!(sent(&house), [(CHEAP.to_owned(), Value::Null)]);
    let ceiling = house.upstream.chats()[0].json()["provider"]["max_price"]["completion"].clone();
    assert!(ceiling.as_f64().is_some_and(|price| price < 1.1), "its own ceiling: {ceiling}");
    let told = explained(&house);
    assert_eq!(told["downgraded"], json!({"from": MODEL, "to": CHEAP}));
    assert_eq!(
        (&told["tried"][0]["models"], &told["tried"][0]["reason"]),
        (&json!([MODEL]), &json!("used-up"))
    );
    assert_eq!((house.counter("downgraded"), house.counter("holds_admitted")), (1, 1));
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn free_models_come_last_and_the_largest_first() {
    let house = allowing(&[CHEAP, "free"], Nano::from_nanos(100_000)).open().await;
    house.upstream.next(free());
    let freely = house.chat(&chat("")).await;
    assert_eq!(told(&freely), (200, Some("test/large:free"), Some("test/plain>test/large:free")));
    assert_eq!(freely.header("x-farebox-held-max-usd"), Some("0.000000000"));
    assert_eq!(sent(&house), [("test/large:free".to_owned(), json!(["test/small:free"]))]);
    assert_eq!(house.upstream.chats()[0].json()["provider"]["max_price"]["prompt"], 0);
    // A prompt that only the larger one has room for, and one that none has.
    house.upstream.next(free());
    let long = |bytes: usize| chat(&format!(r#","user":"{}""#, "x".repeat(bytes)));
    assert_eq!(house.chat(&long(90_000)).await.status, 200);
    assert_eq!(sent(&house)[1], ("test/large:free".to_owned(), Value::Null));
    assert_eq!(house.chat(&long(900_000)).await.status, 402);
    assert_eq!(house.counter("downgraded"), 2);
    house.settles_at(0).await;
    house.end().await;
}

#[tokio::test]
async fn a_ceiling_on_one_request_falls_back_too() {
    let house = allowing(&["no/such", CHEAP], Nano::from_cents(100)).open().await;
    let ask = async |ceiling: &str| {
        let headers = format!("x-farebox-max-cost-usd: {ceiling}\r\n");
        house.client().await.ask(post_with(&headers, &chat(""))).await
    };
    assert_eq!(told(&ask("0.01").await), (200, Some(CHEAP), Some("test/plain>test/cheap")));
    assert_eq!(
        explained(&house)["tried"][1]["reason"],
        "unknown_model",
        "a name that is nothing is passed over"
    );
    let refused = ask("0.000001").await;
    assert_eq!((refused.status, refused.reason()), (402, "per-request"));
    assert_eq!(
        refused.header("x-farebox-needed-usd").map(|text| text > "0.04"),
        Some(true),
        "of the model asked for"
    );
    let tried = explained(&house)["tried"].clone();
    assert_eq!(
        (tried[0]["models"][0].as_str(), tried[1]["models"][0].as_str()),
        (Some("no/such"), Some(CHEAP))
    );
    house.settles_at(1_000_000).await;
    house.end().await;
}

/// All of them at the same time.
async fn futures_of<F: Future<Output = Answer>>(futures: impl Iterator<Item = F>) -> Vec<Answer> {
    let mut futures: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |cx| {
        let mut pending = false;
        for (future, answer) in futures.iter_mut().filter(|(_, answer)| answer.is_none()) {
            match future.as_mut().poll(cx) {
                std::task::Poll::Ready(ready) => *answer = Some(ready),
                std::task::Poll::Pending => pending = true,
            }
        }
        match pending {
            true => std::task::Poll::Pending,
            false => {
                std::task::Poll::Ready(futures.iter_mut().filter_map(|(_, answer)| answer.take()).collect())
            }
        }
    })
    .await
}

#[tokio::test]
async fn parking_comes_before_another_model() {
    let setup = allowing(&["free"], Nano::from_cents(17)).with(|config| {
        config.park_max = ms(150);
        config.clamp_min = Some(16_384);
    });
    let house = setup.open().await;
    let gate = Gate::new();
    let mut script = vec![Step::Wait(gate.clone())];
    script.extend(answer("gen-long", "0.001"));
    house.upstream.next(script);
    let mut first = house.client().await;
    assert!(first.send(post(&chat(""))).await);
    until("the first to run", || house.upstream.chats().len() == 1).await;
    // Several, so that others still wait while one of them goes on.
    let others = (0..5).map(|_| async {
        house.upstream.next(free());
        house.chat(&chat("")).await
    });
    for other in futures_of(others).await {
        assert_eq!(told(&other), (200, Some("test/large:free"), Some("test/plain>test/large:free")));
    }
    assert_eq!((house.counter("parked"), house.counter("held_out")), (5, 0));
    assert_eq!(explained(&house)["tried"][0]["reason"], "held");
    gate.open();
    assert_eq!(first.answer().await.status, 200);
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn the_tail_of_a_routes_chain_is_the_users_word() {
    let house = routed(Setup::new().limit(Nano::from_cents(1)), &[MODEL, CHEAP]).open().await;
    let answer = house.chat(&asking("task/x", "")).await;
    assert_eq!(told(&answer), (200, Some(CHEAP), Some("task/x>test/cheap")), "{}", answer.text());
    assert_eq!(answer.header("x-farebox-route"), Some("task/x"));
    assert_eq!(sent(&house), [(CHEAP.to_owned(), Value::Null)]);
    assert_eq!(explained(&house)["tried"][0]["models"], json!([MODEL, CHEAP]));
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn openrouters_no_money_falls_back_with_a_new_hold_each() {
    let key = r#"{"error":{"code":403,"message":"Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys"}}"#;
    let guardrail =
        r#"{"error":{"code":403,"message":"x","metadata":{"limit_source":"openrouter_guardrail_budget"}}}"#;
    let workspace =
        r#"{"error":{"code":403,"message":"x","metadata":{"limit_source":"openrouter_workspace_budget"}}}"#;
    for (status, body) in [
        ("402 Payment Required", CREDITS),
        ("403 Forbidden", key),
        ("403 Forbidden", guardrail),
        ("403 Forbidden", workspace),
    ] {
        let house = allowing(&[CHEAP, "free"], Nano::from_cents(100)).open().await;
        house.upstream.next(credits(status, body));
        house.upstream.next(credits(status, body));
        house.upstream.next(free());
        let answer = house.chat(&chat("")).await;
        assert_eq!(
            told(&answer),
            (200, Some("test/large:free"), Some("test/plain>test/large:free")),
            "{body}"
        );
        let models: Vec<String> = sent(&house).into_iter().map(|(model, _)| model).collect();
        assert_eq!(models, [MODEL, CHEAP, "test/large:free"]);
        assert_eq!((house.counter("holds_admitted"), house.counter("holds_voided")), (3, 2));
        assert_eq!(house.counter("downgraded"), 1);
        house.settles_at(0).await;
        house.end().await;
    }
}

#[tokio::test]
async fn what_passes_by_itself_does_not_fall_back() {
    let house = allowing(&["free"], Nano::from_cents(100)).open().await;
    let in_flight = r#"{"error":{"code":402,"message":"x","metadata":{"limit_source":"openrouter_in_flight_budget","reason":"in_flight_budget_exhausted"}}}"#;
    assert_eq!(house.chat_by(credits("402 Payment Required", in_flight), &chat("")).await.status, 503);
    let pool = r#"{"error":{"code":429,"message":"Provider returned error","metadata":{"limit_source":"upstream_provider_shared_pool"}}}"#;
    assert_eq!(house.chat_by(credits("429 Too Many Requests", pool), &chat("")).await.status, 429);
    assert_eq!((house.upstream.chats().len(), house.counter("downgraded")), (2, 0));
    house.settles_at(0).await;
    house.end().await;
}

#[tokio::test]
async fn no_free_requests_left_today() {
    let spent = r#"{"error":{"code":429,"message":"Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day","metadata":{"limit_source":"openrouter_free_tier_daily"}}}"#;
    let house = allowing(&[CHEAP], Nano::from_cents(100)).open().await;
    house.upstream.next(credits("429 Too Many Requests", spent));
    let answer = house.chat(&asking("test/large:free", "")).await;
    assert_eq!(told(&answer), (200, Some(CHEAP), Some("test/large:free>test/cheap")), "{}", answer.text());
    house.settles_at(1_000_000).await;
    house.end().await;
}

/// A 402 that says how many tokens are affordable.
fn afford(tokens: u64) -> Script {
    let body = format!(
        r#"{{"error":{{"code":402,"message":"This request requires more credits, or fewer max_tokens. You requested up to 16384 tokens, but can only afford {tokens}. To increase, visit https://openrouter.ai/settings/credits","metadata":{{"limit_source":"openrouter_credits"}}}}}}"#
    );
    credits("402 Payment Required", &body)
}

#[tokio::test]
async fn what_openrouter_can_afford_is_asked_for_once() {
    let house = Setup::new().open().await;
    house.upstream.next(afford(5_000));
    let answer = house.chat(&chat("")).await;
    assert_eq!(
        (answer.status, answer.header("x-farebox-clamped")),
        (200, Some("16384>5000")),
        "{}",
        answer.text()
    );
    assert_eq!(told(&answer), (200, None, None), "the same model");
    let caps: Vec<u64> =
        house.upstream.chats().iter().filter_map(|call| call.json()["max_tokens"].as_u64()).collect();
    assert_eq!(caps, [16_384, 5_000]);
    assert_eq!((house.counter("holds_admitted"), house.counter("holds_voided")), (2, 1));
    // Once and not again.
    house.upstream.next(afford(6_000));
    house.upstream.next(afford(5_000));
    assert_eq!(house.chat(&chat("")).await.status, 402);
    assert_eq!(house.upstream.chats().len(), 4);
    // Never below what the user calls useful, never above what was asked.
    for tokens in [4_095, 0, 16_384, 99_999] {
        let before = house.upstream.chats().len();
        assert_eq!(house.chat_by(afford(tokens), &chat("")).await.status, 402, "{tokens}");
        assert_eq!(house.upstream.chats().len(), before + 1, "{tokens}");
    }
    house.settles_at(1_000_000).await;
    house.end().await;
    let house = Setup::new().with(|config| config.clamp_min = None).open().await;
    assert_eq!(house.chat_by(afford(5_000), &chat("")).await.status, 402, "the user wants no cap lowered");
    house.settles_at(0).await;
    house.end().await;
}

#[tokio::test]
async fn a_stand_in_that_nobody_serves_is_passed_over() {
    let house = allowing(&[CHEAP, "free"], Nano::from_cents(1)).open().await;
    let gone = r#"{"error":{"code":404,"message":"No endpoints found that support tool use"}}"#;
    house.upstream.next(credits("404 Not Found", gone));
    house.upstream.next(free());
    let answer = house.chat(&chat("")).await;
    assert_eq!(told(&answer), (200, Some("test/large:free"), Some("test/plain>test/large:free")));
    house.settles_at(0).await;
    house.end().await;
    // Of the model asked for, a 404 is the client's.
    let house = allowing(&[CHEAP], Nano::from_cents(100)).open().await;
    assert_eq!(house.chat_by(credits("404 Not Found", gone), &chat("")).await.status, 404);
    assert_eq!(house.upstream.chats().len(), 1);
    house.settles_at(0).await;
    house.end().await;
}

#[tokio::test]
async fn attempts_are_bounded_and_the_first_refusal_is_told() {
    let many: Vec<String> =
        (0..30).map(|n| format!("{CHEAP}{}", [":floor", ":exacto", ":nitro", ""][n % 4])).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let house = allowing(&many, Nano::from_cents(100)).open().await;
    for _ in 0..20 {
        house.upstream.next(credits("402 Payment Required", CREDITS));
    }
    let refused = house.chat(&chat("")).await;
    assert_eq!((refused.status, refused.reason()), (402, "openrouter-credits"), "{}", refused.text());
    assert_eq!(house.upstream.chats().len(), 5, "each of the four once, after the one asked for");
    assert_eq!((house.counter("refused"), house.counter("downgraded")), (1, 0));
    assert_eq!((house.counter("holds_admitted"), house.counter("holds_voided")), (5, 5));
    house.settles_at(0).await;
    house.end().await;
}
