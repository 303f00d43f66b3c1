//! Money after the answer: late charges, corrections, second bills, and promises that a provider breaks.

#[expect(dead_code, reason = "each test file uses a part")]
mod support;

use std::time::Duration;

use sandbox::{Bill, Config, Faults, Latency, Millis, Misbehave, Sandbox};
use serde_json::{Value, json};
use support::{Answer, MANAGEMENT, ask, body, chat, clock, get, posting, settled, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The clock of the sandbox is put past what is due; nothing is due by itself.
const LATER_MS: u64 = 60_000;

fn quick(faults: Faults) -> Config {
    let faults = Faults { late_charge_ms: LATER_MS, corrected_ms: LATER_MS, ..faults };
    Config { generation_delay: Millis::new(0, 0), exponents: 0.0, faults, ..Config::default() }
}

/// A request of exactly 100 tokens that permits 400.
fn fixed() -> Value {
    body(
        json!({ "max_tokens": 400, "metadata": { "sandbox_tokens": "100" }, "provider": { "only": ["openai"] } }),
    )
}

async fn rows(sandbox: &Sandbox) -> Vec<Value> {
    get(sandbox, "/sandbox/generations").await.json()["data"].as_array().cloned().expect("rows")
}

async fn later(sandbox: &Sandbox) -> Bill {
    clock(sandbox, LATER_MS as i64 + 1000).await;
    sandbox.bill()
}

async fn generation(sandbox: &Sandbox, id: &str) -> Answer {
    get(sandbox, &format!("/api/v1/generation?id={id}")).await
}

async fn used(sandbox: &Sandbox) -> String {
    number(&get(sandbox, "/api/v1/key").await, "usage")
}

/// The digits of a number in an answer, as written.
fn number(answer: &Answer, name: &str) -> String {
    let text = answer.text();
    let rest = text.split(&format!("\"{name}\":")).nth(1).unwrap_or_else(|| panic!("no {name}: {text}"));
    rest.split([',', '}']).next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_error_is_billed_late() {
    let sandbox = start(quick(Faults { late_charge: 1.0, ..Faults::default() })).await;
    let (mut zero, mut unknown, mut empty) = (0, 0, 0);
    let mut ids = Vec::new();
    for turn in 0..24 {
        let mut ask = fixed();
        ask["stream"] = json!(turn % 2 == 0);
        ask["user"] = json!(turn.to_string());
        let answer = chat(&sandbox, &ask).await;
        if answer.status == 200 {
            empty += 1;
            assert!(answer.complete && answer.events().is_empty(), "{}", answer.text());
        } else {
            assert!(answer.json()["error"].is_object(), "{}", answer.text());
        }
        let id = answer.header("x-generation-id").expect("an id").to_owned();
        let told = generation(&sandbox, &id).await;
        match told.status {
            404 => unknown += 1,
            200 => {
                zero += 1;
                assert_eq!(number(&told, "total_cost"), "0");
            }
            status => panic!("{status}"),
        }
        ids.push(id);
    }
    assert!(zero > 0 && unknown > 0 && empty > 0, "{zero} {unknown} {empty}");
    let bill = sandbox.bill();
    assert_eq!((bill.total.as_str(), bill.pending, bill.late), ("0", 24, 0));
    assert_eq!(used(&sandbox).await, "0");
    let bill = later(&sandbox).await;
    assert_eq!((bill.pending, bill.late), (0, 24));
    let rows = rows(&sandbox).await;
    assert_eq!(rows.len(), 24);
    for (row, id) in rows.iter().zip(&ids) {
        assert_eq!((&row["id"], &row["completion_tokens"]), (&json!(id), &json!(100)));
        assert_eq!(row["faults"], json!(["late_charge"]));
        assert_eq!(row["cost_usd"], json!(number(&generation(&sandbox, id).await, "total_cost")));
    }
    assert_eq!(used(&sandbox).await, bill.total);
    sandbox.stop().await;
}

#[tokio::test]
async fn errors_of_other_faults_are_billed_late_too() {
    let faults = Faults { server_error: 1.0, late_charge: 1.0, ..Faults::default() };
    let sandbox = start(quick(faults)).await;
    let answer = chat(&sandbox, &fixed()).await;
    assert!(answer.status >= 500, "{}", answer.status);
    assert_eq!(sandbox.bill().pending, 1);
    assert_ne!(later(&sandbox).await.total, "0");
    // What is refused for good reason is not.
    let nothing = chat(&sandbox, &body(json!({ "model": "no/such" }))).await;
    assert!(nothing.status >= 400 && sandbox.bill().pending == 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_cost_is_corrected_either_way() {
    let sandbox = start(quick(Faults { corrected: 1.0, ..Faults::default() })).await;
    let (mut raised, mut lowered) = (0, 0);
    for turn in 0..16 {
        let mut ask = fixed();
        ask["user"] = json!(turn.to_string());
        let answer = chat(&sandbox, &ask).await;
        let id = answer.json()["id"].as_str().expect("an id").to_owned();
        let told = number(&answer, "cost");
        assert_eq!(number(&generation(&sandbox, &id).await, "total_cost"), told, "not yet");
    }
    let before = sandbox.bill();
    assert_eq!((before.pending, used(&sandbox).await), (16, before.total.clone()));
    let told: Vec<Value> = rows(&sandbox).await;
    let after = later(&sandbox).await;
    assert_eq!((after.pending, after.corrected), (0, 16));
    for (was, is) in told.iter().zip(rows(&sandbox).await) {
        // 400 tokens cost 4 times what 100 do, the prompt apart: the ceiling is below that.
        let cost = |row: &Value| row["cost_usd"].as_str().expect("a cost").parse::<f64>().expect("a number");
        assert!(cost(&is) < 4.0 * cost(was), "{is}");
        raised += u64::from(cost(&is) > cost(was));
        lowered += u64::from(cost(&is) < cost(was));
        let id = is["id"].as_str().expect("an id");
        assert_eq!(json!(number(&generation(&sandbox, id).await, "total_cost")), is["cost_usd"]);
    }
    assert!(raised > 2 && lowered > 2 && raised + lowered == 16, "{raised} {lowered}");
    assert_eq!(used(&sandbox).await, after.total);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_request_is_billed_twice() {
    for beyond in [false, true] {
        let faults = Faults { duplicated: 1.0, duplicated_beyond: beyond, ..Faults::default() };
        let sandbox = start(quick(faults)).await;
        let mut ask = fixed();
        // 100 tokens of 150: the second bill has what 50 cost, or is as dear as the first.
        ask["max_tokens"] = json!(150);
        let answer = chat(&sandbox, &ask).await;
        let id = answer.json()["id"].as_str().expect("an id").to_owned();
        let rows = rows(&sandbox).await;
        assert_eq!((rows.len(), &rows[0]["id"], &rows[1]["twin_of"]), (2, &json!(id), &json!(id)));
        assert!(rows[0]["twin_of"].is_null() && rows[1]["id"] != rows[0]["id"]);
        let cost = |row: &Value| row["cost_usd"].as_str().expect("a cost").to_owned();
        assert_eq!(cost(&rows[0]) == cost(&rows[1]), beyond, "{rows:?}");
        let twin = rows[1]["id"].as_str().expect("an id");
        assert_eq!(number(&generation(&sandbox, twin).await, "total_cost"), cost(&rows[1]));
        let bill = sandbox.bill();
        assert_eq!((bill.requests, bill.duplicated), (2, 1));
        assert_eq!(used(&sandbox).await, bill.total);
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn nothing_is_left_for_a_second_bill() {
    let faults = Faults { duplicated: 1.0, ..Faults::default() };
    let sandbox = start(Config { adversarial: true, ..quick(faults) }).await;
    chat(&sandbox, &body(json!({ "max_tokens": 20 }))).await;
    assert_eq!(settled(&sandbox).await.duplicated, 0, "the first one took all that was permitted");
    sandbox.stop().await;
}

#[tokio::test]
async fn one_provider_breaks_its_word() {
    let groq = |own: Misbehave| Misbehave { provider: Some("groq".to_owned()), ..own };
    let misbehave = vec![groq(Misbehave { cap_broken: 1.0, usage_never: 1.0, ..Misbehave::default() })];
    let sandbox = start(quick(Faults { misbehave, ..Faults::default() })).await;
    let at = |provider: &str| {
        body(json!({ "model": "meta-llama/llama-3.1-8b-instruct", "max_tokens": 50,
            "metadata": { "sandbox_tokens": "50" }, "provider": { "only": [provider] } }))
    };
    let broken = chat(&sandbox, &at("groq")).await.json();
    let good = chat(&sandbox, &at("deepinfra")).await.json();
    assert!(broken["usage"].is_null() && good["usage"]["completion_tokens"] == 50);
    let rows = rows(&sandbox).await;
    assert_eq!((&rows[0]["completion_tokens"], &rows[1]["completion_tokens"]), (&json!(75), &json!(50)));
    assert_eq!(
        (&rows[0]["faults"], &rows[1]["faults"]),
        (&json!(["missing_usage", "cap_broken"]), &json!([]))
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_cancel_is_not_obeyed() {
    let misbehave = vec![Misbehave { cancel_broken: 1.0, ..Misbehave::default() }];
    let slow = Latency { first_byte: Millis::new(0, 0), between_chunks: Millis::new(100, 100) };
    let config = Config { latency: slow, ..quick(Faults { misbehave, ..Faults::default() }) };
    let sandbox = start(config).await;
    let mut ask = fixed();
    ask["stream"] = json!(true);
    let mut socket = TcpStream::connect(sandbox.addr()).await.expect("a connection");
    socket.write_all(posting("/v1/chat/completions", &ask.to_string()).as_bytes()).await.expect("written");
    let mut buffer = [0; 4096];
    assert!(socket.read(&mut buffer).await.expect("bytes") > 0);
    drop(socket);
    settled(&sandbox).await;
    let row = &rows(&sandbox).await[0];
    assert_eq!((&row["status"], &row["completion_tokens"]), (&json!("done"), &json!(100)), "{row}");
    sandbox.stop().await;
}

#[tokio::test]
async fn an_answer_is_lost_before_its_headers() {
    let sandbox = start(quick(Faults { lose_answer: 1.0, ..Faults::default() })).await;
    let answer = chat(&sandbox, &fixed()).await;
    assert_eq!((answer.status, answer.head.as_str()), (0, ""), "not one byte");
    let row = &rows(&sandbox).await[0];
    assert_eq!((&row["completion_tokens"], &row["faults"]), (&json!(100), &json!(["lose_answer"])));
    let range = json!({ "metrics": ["total_usage"], "dimensions": ["generation_id"] });
    let found = ask(&sandbox, "POST", "/api/v1/analytics/query", MANAGEMENT, Some(&range)).await;
    assert_eq!(
        found.json()["data"]["data"][0]["generation_id"],
        row["id"],
        "the id can be learnt all the same"
    );
    tokio::time::sleep(Duration::from_millis(1)).await;
    sandbox.stop().await;
}
