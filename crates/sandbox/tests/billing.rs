//! What is billed: by hand, when the client leaves, when it is adversarial, when things go wrong, and when it is told.

#[expect(dead_code, reason = "each test file uses a part")]
mod support;

use std::time::Duration;

use sandbox::{Byok, Config, Faults, Latency, Millis, Sandbox};
use serde_json::{Value, json};
use support::{Answer, body, chat, get, post, posting, settled, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Reads until `marker` has come so often, then leaves.
async fn leave_after(sandbox: &Sandbox, body: &Value, marker: &str, times: usize) -> String {
    let mut socket = TcpStream::connect(sandbox.addr()).await.expect("a connection");
    socket
        .write_all(posting("/api/v1/chat/completions", &body.to_string()).as_bytes())
        .await
        .expect("written");
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while String::from_utf8_lossy(&seen).matches(marker).count() < times {
        let read = socket.read(&mut buffer).await.expect("bytes");
        assert!(read > 0, "it ended early: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

fn slow() -> Config {
    Config {
        latency: Latency { first_byte: Millis::new(0, 0), between_chunks: Millis::new(100, 100) },
        generation_delay: Millis::new(150, 150),
        exponents: 0.0,
        ..Config::default()
    }
}

async fn generations(sandbox: &Sandbox) -> Vec<Value> {
    get(sandbox, "/sandbox/generations").await.json()["data"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn leaving_where_the_provider_stops() {
    let sandbox = start(slow()).await;
    let ask = body(
        json!({ "stream": true, "metadata": { "sandbox_tokens": "2000" }, "provider": { "only": ["openai"] } }),
    );
    let seen = leave_after(&sandbox, &ask, "\"content\":\"", 3).await;
    let id = seen
        .split("x-generation-id: ")
        .nth(1)
        .and_then(|rest| rest.split("\r\n").next())
        .expect("an id")
        .to_owned();
    let bill = settled(&sandbox).await;
    let row = &generations(&sandbox).await[0];
    assert_eq!((&row["status"], bill.aborted), (&json!("aborted"), 1));
    let tokens = row["completion_tokens"].as_u64().expect("tokens");
    assert!((300..2000).contains(&tokens) && tokens.is_multiple_of(100), "{tokens}");
    assert_eq!(row["cost_usd"], bill.total);
    let found = until_found(&sandbox, &id).await;
    assert_eq!(found["data"]["cancelled"], true);
    assert_eq!(found["data"]["native_tokens_completion"], tokens);
    assert!(found["data"]["finish_reason"].is_null());
    sandbox.stop().await;
}

#[tokio::test]
async fn leaving_where_it_runs_on() {
    let sandbox = start(slow()).await;
    let llama = json!({ "model": "meta-llama/llama-3.1-8b-instruct", "metadata": { "sandbox_tokens": "2000" }, "stream": true,
        "provider": { "only": ["groq"] } });
    leave_after(&sandbox, &body(llama), "\"content\":\"", 2).await;
    settled(&sandbox).await;
    let row = &generations(&sandbox).await[0];
    assert_eq!((&row["status"], &row["completion_tokens"]), (&json!("done"), &json!(2000)));
    // Not streamed: in full, even where a stream would stop.
    let plain = body(json!({ "metadata": { "sandbox_tokens": "1000" }, "provider": { "only": ["openai"] } }));
    let mut socket = TcpStream::connect(sandbox.addr()).await.expect("a connection");
    socket.write_all(posting("/v1/chat/completions", &plain.to_string()).as_bytes()).await.expect("written");
    while sandbox.bill().requests < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(socket);
    settled(&sandbox).await;
    let row = &generations(&sandbox).await[1];
    assert_eq!((&row["status"], &row["completion_tokens"]), (&json!("done"), &json!(1000)));
    sandbox.stop().await;
}

async fn until_found(sandbox: &Sandbox, id: &str) -> Value {
    for _ in 0..200 {
        let answer = get(sandbox, &format!("/api/v1/generation?id={id}")).await;
        if answer.status == 200 {
            return answer.json();
        }
        assert_eq!(answer.json()["error"]["message"], format!("Generation {id} not found"));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{id} was never found");
}

#[tokio::test]
async fn a_generation_is_told_late() {
    let sandbox = start(slow()).await;
    let answer = chat(&sandbox, &body(json!({ "metadata": { "sandbox_tokens": "1" } }))).await;
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(get(&sandbox, &format!("/api/v1/generation?id={id}")).await.status, 404, "not yet");
    let data = until_found(&sandbox, &id).await["data"].clone();
    for field in [
        "id",
        "request_id",
        "upstream_id",
        "created_at",
        "model",
        "api_type",
        "provider_name",
        "router",
        "preset_id",
        "service_tier",
        "origin",
        "app_id",
        "http_referer",
        "user_agent",
        "external_user",
        "session_id",
        "workspace_id",
        "data_region",
        "streamed",
        "cancelled",
        "finish_reason",
        "native_finish_reason",
        "latency",
        "moderation_latency",
        "generation_time",
        "tokens_prompt",
        "tokens_completion",
        "native_tokens_prompt",
        "native_tokens_completion",
        "native_tokens_reasoning",
        "native_tokens_cached",
        "native_tokens_completion_images",
        "num_media_prompt",
        "num_input_audio_prompt",
        "num_media_completion",
        "num_search_results",
        "num_fetches",
        "web_search_engine",
        "is_byok",
        "usage",
        "total_cost",
        "cache_discount",
        "upstream_inference_cost",
        "response_cache_source_id",
        "provider_responses",
    ] {
        assert!(data.get(field).is_some(), "{field}");
    }
    let text = get(&sandbox, &format!("/api/v1/generation?id={id}")).await.text();
    assert!(text.contains(&format!("\"total_cost\":{},", sandbox.bill().total)), "{text}");
    sandbox.set_faults(Faults { generation_lost: 1.0, ..Faults::default() });
    let lost =
        chat(&sandbox, &body(json!({ "metadata": { "sandbox_tokens": "1" }, "seed": 2 }))).await.json();
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(
        get(&sandbox, &format!("/v1/generation?id={}", lost["id"].as_str().expect("an id"))).await.status,
        404
    );
    sandbox.stop().await;
}

/// Prompt tokens of an adversarial answer.
async fn prompt_tokens(answer: &Answer) -> u64 {
    answer.json()["usage"]["prompt_tokens"].as_u64().unwrap_or_else(|| panic!("{}", answer.text()))
}

#[tokio::test]
async fn adversarial() {
    let sandbox = start(Config { adversarial: true, exponents: 0.0, ..Config::default() }).await;
    // "user", a line feed, 14 bytes, 100 for the template, 8 for the message.
    let answer = chat(&sandbox, &body(json!({ "model": "meta-llama/llama-3.1-8b-instruct", "max_tokens": 1000, "max_completion_tokens": 10 }))).await;
    assert_eq!(prompt_tokens(&answer).await, 4 + 1 + 14 + 100 + 8);
    let json = answer.json();
    assert_eq!(
        (&json["provider"], &json["usage"]["completion_tokens"]),
        (&json!("Cloudflare"), &json!(1000))
    );
    // 127 x 0.152 + 1000 x 0.287 dollars a million: dearer than WandB's 0.22 and 0.22 at this length.
    assert_eq!(sandbox.bill().total, "0.000306304");
    post(&sandbox, "/sandbox/reset", "").await;

    // A cache write at its price, 1.25 times; Anthropic only when marked.
    let haiku = |cache: Value| {
        body(
            json!({ "model": "anthropic/claude-3-haiku", "max_tokens": 1, "messages": [{ "role": "user", "content": [
            { "type": "text", "text": "x", "cache_control": cache }] }] }),
        )
    };
    chat(&sandbox, &haiku(Value::Null)).await;
    // 4 + 1 + 1 + 108 = 114 tokens at 0.25 and one at 1.25 dollars a million.
    assert_eq!(sandbox.bill().total, "0.00002975");
    post(&sandbox, "/sandbox/reset", "").await;
    chat(&sandbox, &haiku(json!({ "type": "ephemeral" }))).await;
    assert_eq!(sandbox.bill().total, "0.00003545", "114 at 0.30");
    post(&sandbox, "/sandbox/reset", "").await;
    chat(&sandbox, &haiku(json!({ "type": "ephemeral", "ttl": "1h" }))).await;
    assert_eq!(sandbox.bill().total, "0.00005825", "114 at twice 0.25");
    post(&sandbox, "/sandbox/reset", "").await;

    // 23 digits: Gemini's write is storage on top of the prompt; 114 x (0.3 + 0.08333333333333334) + 2.5 a million.
    let gemini = body(
        json!({ "model": "google/gemini-2.5-flash", "max_tokens": 1, "messages": [{ "role": "user", "content": [
        { "type": "text", "text": "x", "cache_control": { "type": "ephemeral" } }] }] }),
    );
    chat(&sandbox, &gemini).await;
    assert_eq!(sandbox.bill().total, "0.00004620000000000000076");
    post(&sandbox, "/sandbox/reset", "").await;

    // Strictly more than 200,000 prompt tokens: the whole request at the override's price.
    let grok = |bytes: usize| {
        body(json!({ "model": "x-ai/grok-4.3", "max_tokens": 10, "provider": { "only": ["xai"] },
            "messages": [{ "role": "user", "content": "x".repeat(bytes) }] }))
    };
    let exactly = 200_000 - 4 - 1 - 108;
    chat(&sandbox, &grok(exactly)).await;
    assert_eq!(sandbox.bill().total, "0.250025");
    post(&sandbox, "/sandbox/reset", "").await;
    chat(&sandbox, &grok(exactly + 1)).await;
    assert_eq!(sandbox.bill().total, "0.5000525");
    post(&sandbox, "/sandbox/reset", "").await;

    // No cap: all that the endpoint can. The request fee. Never above the context.
    let sonar =
        chat(&sandbox, &body(json!({ "model": "openai/gpt-4", "provider": { "only": ["openai"] } }))).await;
    assert_eq!(sonar.json()["usage"]["completion_tokens"], 4096);
    let long = body(
        json!({ "model": "openai/gpt-4", "max_tokens": 4096, "messages": [{ "role": "user", "content": "word ".repeat(4000) }] }),
    );
    let usage = chat(&sandbox, &long).await.json()["usage"].clone();
    assert_eq!(usage["total_tokens"], 8191, "{usage}");
    sandbox.stop().await;
}

#[tokio::test]
async fn the_bill_is_the_sum_of_the_answers() {
    let sandbox = start(Config { seed: 3, ..Config::default() }).await;
    for (seed, model) in
        ["google/gemini-2.5-flash-lite", "deepseek/deepseek-chat", "perplexity/sonar", "openai/o3"]
            .iter()
            .cycle()
            .take(40)
            .enumerate()
    {
        assert_eq!(chat(&sandbox, &body(json!({ "model": model, "seed": seed }))).await.status, 200);
    }
    let bill = settled(&sandbox).await;
    assert_eq!(bill.requests, 40);
    let rows = generations(&sandbox).await;
    let units = |text: &str| {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        format!("{whole}{fraction:0<30}").parse::<u128>().expect("digits")
    };
    let sum: u128 = rows.iter().map(|row| units(row["cost_usd"].as_str().expect("text"))).sum();
    assert_eq!(sum, units(&bill.total));
    assert_eq!(bill.by_model.values().map(|text| units(text)).sum::<u128>(), sum);
    sandbox.stop().await;
}

#[tokio::test]
async fn byok() {
    let sandbox = start(Config { byok: Byok::Fee, exponents: 0.0, ..Config::default() }).await;
    let answer = chat(&sandbox, &body(json!({ "model": "openai/gpt-4", "provider": { "only": ["openai"] }, "metadata": { "sandbox_tokens": "10" } }))).await;
    let usage = answer.json()["usage"].clone();
    // 30 and 60 dollars a million.
    let micros = usage["prompt_tokens"].as_u64().expect("tokens") * 30 + 600;
    assert_eq!(
        (&usage["is_byok"], sandbox.bill().provider_usd.clone()),
        (&json!(true), format!("0.{micros:06}").trim_end_matches('0').to_owned())
    );
    let fee = format!("0.{:08}", micros * 5).trim_end_matches('0').to_owned();
    assert_eq!(sandbox.bill().openrouter_usd, fee);
    assert!(answer.text().contains(&format!("\"cost\":{fee},")), "{}", answer.text());
    sandbox.stop().await;
}

async fn with(faults: Faults) -> Sandbox {
    start(Config { faults, exponents: 0.0, ..Config::default() }).await
}

#[tokio::test]
async fn faults_before_anything_runs() {
    for (faults, statuses) in [
        (Faults { close_before_headers: 1.0, ..Faults::default() }, vec![0]),
        (Faults { server_error: 1.0, ..Faults::default() }, vec![500, 502, 503, 504, 524, 529]),
        (Faults { empty_error: 1.0, ..Faults::default() }, vec![502]),
        (Faults { rate_limit: 1.0, ..Faults::default() }, vec![429]),
        (Faults { money_error: 1.0, ..Faults::default() }, vec![402, 403]),
        (Faults { request_error: 1.0, ..Faults::default() }, vec![400, 401, 403, 404, 408, 413, 422]),
    ] {
        let sandbox = with(faults).await;
        for seed in 0..8 {
            let status = chat(&sandbox, &body(json!({ "seed": seed }))).await.status;
            assert!(statuses.contains(&status), "{status} of {statuses:?}");
        }
        assert_eq!((sandbox.bill().requests, sandbox.bill().total.as_str()), (0, "0"));
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn faults_that_are_billed() {
    let full = {
        let sandbox = with(Faults::default()).await;
        chat(&sandbox, &plain(false)).await;
        sandbox.bill().total
    };
    for (faults, stream) in [
        (Faults { lose_answer: 1.0, ..Faults::default() }, false),
        (Faults { garbage_body: 1.0, ..Faults::default() }, true),
        (Faults { close_mid_stream: 1.0, ..Faults::default() }, true),
        (Faults { close_mid_stream: 1.0, ..Faults::default() }, false),
        (Faults { missing_usage: 1.0, ..Faults::default() }, true),
        (Faults { null_cost: 1.0, ..Faults::default() }, false),
        (Faults { duplicate_usage: 1.0, ..Faults::default() }, true),
        (Faults { garbage_event: 1.0, huge_comment: 1.0, ..Faults::default() }, true),
        (Faults { hang: 1.0, hang_ms: Some(30), ..Faults::default() }, false),
    ] {
        let sandbox = with(faults.clone()).await;
        let answer = chat(&sandbox, &plain(stream)).await;
        let bill = settled(&sandbox).await;
        assert_eq!(bill.total, full, "{faults:?}");
        let text = answer.text();
        if faults.lose_answer > 0.0 {
            assert_eq!(answer.status, 0);
        }
        if faults.close_mid_stream > 0.0 {
            assert!(!text.contains("\"usage\""), "{text}");
        }
        if faults.missing_usage > 0.0 {
            assert!(!text.contains("\"usage\"") && text.contains("[DONE]"), "{text}");
        }
        if faults.null_cost > 0.0 {
            assert!(text.contains("\"cost\":null"), "{text}");
        }
        if faults.duplicate_usage > 0.0 {
            assert_eq!(text.matches("\"usage\"").count(), 2);
            assert_eq!(answer.events().last().expect("events")["usage"]["completion_tokens"], 100);
        }
        if faults.garbage_event > 0.0 {
            assert!(answer.complete && answer.body.len() > 64 << 10 && answer.body.contains(&0xff));
        }
        sandbox.stop().await;
    }
}

/// A question whose answer costs the same however it is asked.
fn plain(stream: bool) -> Value {
    body(
        json!({ "model": "openai/gpt-4", "stream": stream, "metadata": { "sandbox_tokens": "100" }, "provider": { "only": ["openai"] } }),
    )
}

#[tokio::test]
async fn a_provider_that_fails() {
    let sandbox = with(Faults { stream_error: 1.0, ..Faults::default() }).await;
    let mut billed = Vec::new();
    for seed in 0..40 {
        let mut ask = plain(true);
        ask["seed"] = json!(seed);
        let answer = chat(&sandbox, &ask).await;
        let events = answer.events();
        assert_eq!(events.last().expect("events")["choices"][0]["finish_reason"], "error");
        assert!(
            events.last().expect("events")["error"]["message"].is_string()
                && !answer.text().contains("usage")
        );
    }
    for row in generations(&sandbox).await {
        let tokens = row["completion_tokens"].as_u64().expect("tokens");
        assert_eq!(row["cost_usd"] == "0", tokens == 0, "insured before the first token only: {row}");
        billed.push(tokens);
    }
    assert!(billed.contains(&0) && billed.iter().any(|&tokens| tokens > 0), "{billed:?}");
    assert_eq!(settled(&sandbox).await.failed, 40);
    sandbox.stop().await;
}

#[tokio::test]
async fn hanging_for_ever() {
    let sandbox = with(Faults { hang: 1.0, ..Faults::default() }).await;
    let mut socket = TcpStream::connect(sandbox.addr()).await.expect("a connection");
    socket
        .write_all(posting("/api/v1/chat/completions", &plain(true).to_string()).as_bytes())
        .await
        .expect("written");
    let mut buffer = [0; 1];
    let read = tokio::time::timeout(Duration::from_millis(150), socket.read(&mut buffer)).await;
    assert!(read.is_err(), "nothing comes");
    assert_eq!(sandbox.bill().running, 1);
    drop(socket);
    assert_eq!(settled(&sandbox).await.aborted, 1);
    assert_eq!(generations(&sandbox).await[0]["completion_tokens"], 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn faults_at_run_time_and_a_price_rise() {
    let sandbox = start(Config::default()).await;
    let ask = |seed: u64| {
        body(json!({ "seed": seed, "provider": { "max_price": { "prompt": 0.15, "completion": 0.6 } } }))
    };
    assert_eq!(chat(&sandbox, &ask(1)).await.status, 200);
    let answer = post(&sandbox, "/sandbox/faults", "{\"price_factor\":\"1.5\"}").await;
    assert_eq!((answer.status, &answer.json()["price_factor"]), (200, &json!("1.5")));
    assert_eq!(chat(&sandbox, &ask(2)).await.status, 404);
    let page = get(&sandbox, "/api/v1/models/openai/gpt-4o-mini/endpoints").await.json();
    assert_eq!(page["data"]["endpoints"][0]["pricing"]["completion"], "0.0000009");
    assert_eq!(post(&sandbox, "/sandbox/faults", "{\"price_facter\":\"1\"}").await.status, 400);
    assert_eq!(
        post(&sandbox, "/sandbox/faults", "{\"price_factor\":\"1\",\"rate_limit\":1}").await.status,
        200
    );
    assert_eq!(chat(&sandbox, &ask(3)).await.status, 429);
    sandbox.stop().await;
}
