//! Plain answers: what reaches the upstream, what comes back, what is booked.

use std::collections::HashSet;

use money::Nano;

use crate::support::client::post_with;
use crate::support::upstream::{answer, answer_body, reply};
use crate::support::{House, KEY, MODEL, Setup, chat, get, post, until};

/// The members that the splice added at the end of a body.
fn added(sent: &str, arrived: &[u8]) -> serde_json::Value {
    let arrived = std::str::from_utf8(arrived).expect("still UTF-8");
    let close = sent.rfind('}').expect("an object");
    let rest = arrived.strip_prefix(&sent[..close]).expect("the caller's bytes, untouched");
    let middle = rest.strip_suffix(&sent[close..]).expect("the caller's end, untouched");
    serde_json::from_str(&format!("{{{}}}", middle.strip_prefix(',').expect("members"))).expect("JSON")
}

#[tokio::test]
async fn the_body_goes_on_byte_for_byte_but_for_the_permission() {
    let house = House::new().await;
    let odd = format!(
        " {{\r\n\t\"temperature\" : 1.50e-1,\"messages\":[ {{\"content\":\"h\\u00e9 \\\"x\\\" \u{fdfa}😀\",\"role\":\"user\"}} ] ,\"model\":\"{MODEL}\",\"seed\":7 }}\n "
    );
    let answer = house.chat(&odd).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let calls = house.upstream.chats();
    assert_eq!(calls.len(), 1);
    let added = added(&odd, &calls[0].body);
    assert_eq!(added["max_tokens"], 16_384);
    assert_eq!(
        added["plugins"],
        serde_json::json!([{"id":"web","enabled":false},{"id":"fusion","enabled":false}])
    );
    assert_eq!(added.as_object().map(serde_json::Map::len), Some(3));
    // The listed prices, a hair above: OpenRouter may compare in floating point.
    for (price, most) in [("prompt", 1.0), ("completion", 10.0)] {
        let sent = added["provider"]["max_price"][price].as_f64().expect("a number");
        assert!((most..most * 1.000_001).contains(&sent), "{price}: {sent}");
    }
    house.settles_at(1_000_000).await;
    house.end().await;
}

/// What the account has on by default is off for this call; nothing else is added.
fn with_plugins_off(body: &str) -> String {
    let off = r#","plugins":[{"id":"web","enabled":false},{"id":"fusion","enabled":false}]}"#;
    format!("{}{off}", body.strip_suffix('}').expect("an object"))
}

#[tokio::test]
async fn tools_are_held_to_what_is_held_for_them() {
    let house = House::new().await;
    let asked = chat(r#","max_tokens":5,"tools":[{"type":"openrouter:web_search"}]"#);
    let answer = house.chat(&asked).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let told = "step_count=3; web_search engine=exa max_uses=3 max_results=5 max_total_results=15 max_characters=1000";
    assert_eq!(answer.header("x-farebox-pinned"), Some(told));
    let call = house.upstream.chats().pop().expect("a call");
    let sent: serde_json::Value = serde_json::from_slice(&call.body).expect("JSON");
    assert_eq!(sent["stop_server_tools_when"], serde_json::json!([{"type":"step_count_is","step_count":3}]));
    assert_eq!(sent["tools"][0]["parameters"]["max_uses"], 3);
    assert_eq!(sent["tools"][0]["parameters"]["engine"], "exa");
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_lower_cap_and_ceiling_of_the_caller_stay() {
    let house = House::new().await;
    let own = chat(
        r#","max_completion_tokens":5,"provider":{"max_price":{"prompt":0.5,"completion":1},"sort":"price"}"#,
    );
    // The one endpoint is dearer than that: it is the upstream's to say so.
    let answer = house.chat(&own).await;
    let calls = house.upstream.chats();
    assert!(calls.len() <= 1);
    if let Some(call) = calls.first() {
        assert_eq!(String::from_utf8_lossy(&call.body), with_plugins_off(&own));
    } else {
        assert_eq!(answer.status, 402, "{}", answer.text());
    }
    let own = chat(r#","max_tokens":5,"provider":{"max_price":{"prompt":1,"completion":10}}"#);
    assert_eq!(house.chat(&own).await.status, 200);
    let last = house.upstream.chats().pop().expect("a call");
    assert_eq!(String::from_utf8_lossy(&last.body), with_plugins_off(&own));
    house.comes_to("all", house.posted(), 0).await;
    house.end().await;
}

#[tokio::test]
async fn headers_on_the_way_there_and_back() {
    let house = House::new().await;
    let headers = "x-title: My App\r\nhttp-referer: https://app.example\r\ncookie: a=b\r\nx-api-key: fb-mine\r\n\
        api-key: fb-mine\r\nx-farebox-max-cost-usd: 0.9\r\nx-farebox-anything: 1\r\naccept-encoding: gzip\r\nte: trailers\r\n\
        connection: keep-alive, x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\nproxy-authorization: Basic eA==\r\n\
        upgrade: h2c\r\nx-openrouter-metadata: enabled\r\n";
    house.upstream.next(reply(
        "200 OK",
        "x-generation-id: gen-h\r\nset-cookie: c=d\r\nkeep-alive: timeout=5\r\nconnection: keep-alive, x-up\r\nx-up: 1\r\ncf-ray: r\r\nx-farebox-clamped: 9>1\r\nx-farebox-cost-usd: 9\r\n",
        &answer_body("gen-h", r#"{"cost":0.25}"#),
    ));
    let answer = house.client().await.ask(post_with(headers, &chat(""))).await;
    let call = house.upstream.chats().pop().expect("a call");
    assert_eq!(call.method, "POST");
    assert_eq!(call.target, "/api/v1/chat/completions");
    assert_eq!(call.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(call.header("host"), Some(house.upstream.address.to_string().as_str()));
    let mut names: Vec<&str> = call.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "authorization",
            "content-length",
            "content-type",
            "host",
            "http-referer",
            "x-openrouter-metadata",
            "x-title"
        ]
    );
    assert_eq!(answer.text(), answer_body("gen-h", r#"{"cost":0.25}"#), "the answer's bytes are untouched");
    for (name, value) in [
        ("x-generation-id", "gen-h"),
        ("cf-ray", "r"),
        ("content-type", "application/json"),
        ("x-farebox-budget", "all"),
        ("x-farebox-limit-usd", "1.000000000"),
        ("x-farebox-posted-usd", "0.000000000"),
        ("x-farebox-cost-usd", "0.250000000"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    for gone in ["set-cookie", "keep-alive", "x-up", "x-farebox-clamped", "x-farebox-window-ends-at"] {
        assert_eq!(answer.header(gone), None, "{gone}");
    }
    assert!(answer.header("x-request-id").is_some_and(|id| id.starts_with("req_")));
    let amount = |name: &str| Nano::parse_ceil(answer.header(name).expect(name)).expect("an amount");
    let held_max = amount("x-farebox-held-max-usd");
    assert_eq!(amount("x-farebox-held-usd"), held_max);
    assert_eq!(amount("x-farebox-available-usd"), Nano::from_cents(100).saturating_sub(held_max));
    let sent_input = held_max.nanos() - 163_840_000;
    assert!(
        (0..1_000_000).contains(&sent_input),
        "16,384 tokens at $10 a million, and the prompt: {held_max}"
    );
    house.settles_at(250_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn three_prefixes_and_a_connection_that_stays() {
    let house = House::new().await;
    let mut client = house.client().await;
    for path in ["/v1", "/api/v1", "/openrouter.ai/api/v1"] {
        let request = post(&chat("")).replace("/api/v1/", &format!("{path}/"));
        assert_eq!(client.ask(request).await.status, 200, "{path}");
    }
    // Two at once on the same connection: answered in order.
    house.upstream.next(answer("gen-first", "0.1"));
    house.upstream.next(answer("gen-second", "0.2"));
    assert!(client.send(post(&chat("")).repeat(2)).await);
    for id in ["gen-first", "gen-second"] {
        assert_eq!(client.answer().await.header("x-generation-id"), Some(id));
    }
    let connections: HashSet<usize> = house.upstream.chats().iter().map(|call| call.connection).collect();
    assert!(connections.len() < 5, "upstream connections are used again: {connections:?}");
    house.settles_at(303_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn what_each_usage_is_booked_as() {
    let house = Setup::new().limit(Nano::from_cents(100_000)).open().await;
    let mut posted = 0;
    for (usage, nanos) in [
        (r#"{"cost":0.000001979964}"#, 1_980),
        (r#"{"cost":2.7e-6,"is_byok":false}"#, 2_700),
        (r#"{"cost":1E-12}"#, 1),
        (r#"{"cost":0}"#, 0),
        (r#"{"cost":0.001,"is_byok":false,"cost_details":{"upstream_inference_cost":0.001}}"#, 1_000_000),
        (r#"{"cost":0.000095,"is_byok":true,"cost_details":{"upstream_inference_cost":0.0019}}"#, 1_995_000),
        // Dearer than their holds: booked in full all the same.
        (r#"{"cost":"0.5"}"#, 500_000_000),
        (r#"{"cost":7}"#, 7_000_000_000),
    ] {
        let script = reply("200 OK", "x-generation-id: gen-u\r\n", &answer_body("gen-u", usage));
        let answer = house.chat_by(script, &chat("")).await;
        assert_eq!(answer.header("x-farebox-cost-usd"), Some(Nano::from_nanos(nanos).to_string().as_str()));
        posted += nanos;
        house.comes_to(usage, posted, 0).await;
    }
    assert_eq!(house.counter("overruns"), 2);
    house.end().await;
}

#[tokio::test]
async fn a_cost_that_is_not_told_is_unknown_and_asked_for() {
    let house = Setup::new().limit(Nano::from_cents(1_000)).open().await;
    let bodies = [
        answer_body("gen-0", "null"),
        answer_body("gen-1", r#"{"prompt_tokens":5}"#),
        answer_body("gen-2", r#"{"cost":null}"#),
        answer_body("gen-3", r#"{"cost":-1}"#),
        answer_body("gen-4", r#"{"cost":0,"is_byok":true,"cost_details":null}"#),
        answer_body("gen-5", r#"{"cost":"much"}"#),
        r#"{"id":"gen-6","usage":{"cost":0.1}"#.to_owned(),
        "<html>good day</html>".to_owned(),
        String::new(),
        r#"{"id":"gen-9","choices":[{"finish_reason":"error","error":{"code":502,"message":"x"}}]}"#
            .to_owned(),
    ];
    let count = bodies.len();
    for (number, body) in bodies.into_iter().enumerate() {
        let head = format!("x-generation-id: gen-{number}\r\n");
        let answer = house.chat_by(reply("200 OK", &head, &body), &chat("")).await;
        assert_eq!((answer.status, answer.text()), (200, body.clone()), "passed on as it is");
        assert_eq!(answer.header("x-farebox-cost-usd"), None);
        house.comes_to(&body, 0, number + 1).await;
    }
    for number in 0..count {
        house.upstream.tell(&format!("gen-{number}"), r#""total_cost":1.5e-3,"is_byok":false"#);
    }
    house.ask_now();
    house.settles_at(1_500_000 * i64::try_from(count).expect("few")).await;
    house.end().await;
}

#[tokio::test]
async fn an_id_in_the_body_alone_is_enough_and_none_is_stuck() {
    let house = House::new().await;
    house.upstream.tell("gen-body", r#""total_cost":0.01"#);
    house.chat_by(reply("200 OK", "", &answer_body("gen-body", "null")), &chat("")).await;
    house.settles_at(10_000_000).await;
    house.chat_by(reply("200 OK", "", r#"{"usage":null}"#), &chat("")).await;
    house.comes_to("no id", 10_000_000, 1).await;
    assert_eq!(house.admission.unknown_holds()[0].generation, None);
    house.end().await;
}

#[tokio::test]
async fn a_cap_that_is_lowered_is_disclosed() {
    let house = Setup::new().limit(Nano::from_cents(10)).open().await;
    let lowered = house.chat(&chat("")).await;
    let told = lowered.header("x-farebox-clamped").expect("disclosed").to_owned();
    let cap = house.upstream.chats()[0].json()["max_tokens"].as_u64().expect("a cap");
    assert_eq!(told, format!("16384>{cap}"));
    assert!((4_096..10_000).contains(&cap), "{cap}");
    let untouched = house.chat(&chat(r#","max_tokens":100"#)).await;
    assert_eq!(untouched.header("x-farebox-clamped"), None);
    assert_eq!(house.upstream.chats()[1].json()["max_tokens"], 100);
    let lowered = house.chat(&chat(r#","max_tokens":60000,"max_completion_tokens":20000"#)).await;
    let body = house.upstream.chats()[2].json();
    assert_eq!(body["max_tokens"], body["max_completion_tokens"]);
    let told = lowered.header("x-farebox-clamped").expect("disclosed").to_owned();
    assert!(told.ends_with(&format!(">{}", body["max_tokens"])), "{told}");
    assert_eq!(house.counter("clamped"), 2);
    house.settles_at(3_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn a_price_rise_is_met_once_under_a_new_hold() {
    let house = House::new().await;
    let over = || {
        let body = r#"{"error":{"code":404,"message":"No endpoints found that satisfy the max price for this request"}}"#;
        reply("404 Not Found", "", body)
    };
    house.upstream.price("0.000002", "0.00002");
    let answer = house.chat_by(over(), &chat("")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let caps: Vec<f64> = house
        .upstream
        .chats()
        .iter()
        .map(|call| call.json()["provider"]["max_price"]["completion"].as_f64().expect("a price"))
        .collect();
    assert_eq!(caps.len(), 2);
    assert!(caps[1] > caps[0] * 1.9, "{caps:?}");
    assert_eq!((house.counter("holds_admitted"), house.counter("holds_voided")), (2, 1));
    house.settles_at(1_000_000).await;
    // Once only: a second no is passed on.
    house.upstream.next(over());
    let answer = house.chat_by(over(), &chat("")).await;
    assert_eq!(answer.status, 404);
    assert_eq!(house.upstream.chats().len(), 4);
    house.settles_at(1_000_000).await;
    house.end().await;
}

#[tokio::test]
async fn reads_pass_through() {
    let house = House::new().await;
    for (path, arrives) in [
        ("/api/v1/models/test/plain/endpoints?x=1", "/api/v1/models/test/plain/endpoints?x=1"),
        ("/v1/providers", "/api/v1/providers"),
        ("/v1/endpoints/zdr", "/api/v1/endpoints/zdr"),
        ("/v1/key", "/api/v1/key"),
        ("/api/v1/auth/key", "/api/v1/key"),
        ("/openrouter.ai/api/v1/credits", "/api/v1/credits"),
        ("/v1/generation?id=gen-none", "/api/v1/generation?id=gen-none"),
    ] {
        let before = house.upstream.calls(|call| call.target == arrives).len();
        let answer = house.client().await.ask(get(path)).await;
        assert_eq!(answer.status, if path.contains("gen-none") { 404 } else { 200 }, "{path}");
        let calls = house.upstream.calls(|call| call.target == arrives);
        assert_eq!(calls.len(), before + 1, "{path}");
        let last = calls.last().expect("a call");
        assert_eq!(last.header("authorization"), Some(format!("Bearer {KEY}").as_str()), "{path}");
    }
    assert_eq!(house.counter("holds_admitted"), 0);
    house.end().await;
}

#[tokio::test]
async fn a_generation_of_a_moment_ago_is_waited_for() {
    let house = House::new().await;
    let answer = house.chat_by(answer("gen-late", "0.002"), &chat("")).await;
    assert_eq!(answer.status, 200);
    let asked = |id: &str| format!("/api/v1/generation?id={id}");
    // One that did not go through here is not waited for.
    let stranger = house.client().await.ask(get(&asked("gen-other"))).await;
    assert_eq!(stranger.status, 404);
    assert_eq!(house.upstream.calls(|call| call.target == asked("gen-other")).len(), 1);
    let mut client = house.client().await;
    let (found, ()) = tokio::join!(client.ask(get(&asked("gen-late"))), async {
        let calls = || house.upstream.calls(|call| call.target == asked("gen-late")).len();
        until("it is asked for twice", || calls() >= 2).await;
        house.upstream.tell("gen-late", r#"{"id":"gen-late","total_cost":0.002}"#);
    });
    assert_eq!((found.status, found.text().contains("0.002")), (200, true), "{}", found.text());
    house.settles_at(2_000_000).await;
    house.end().await;
}
