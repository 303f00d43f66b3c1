//! What goes over the wire: shapes, headers, errors, and the same from the same seed.

#[expect(dead_code, reason = "each test file uses a part")]
mod support;

use sandbox::{Config, UsageTail};
use serde_json::json;
use support::{body, chat, exchange, get, post, start};

#[tokio::test]
async fn a_plain_answer() {
    let sandbox = start(Config { exponents: 0.0, ..Config::default() }).await;
    let answer = chat(&sandbox, &body(json!({ "metadata": { "sandbox_tokens": "12" } }))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(
        answer.head.contains("transfer-encoding: chunked") && !answer.head.contains("content-length"),
        "{}",
        answer.head
    );
    let json = answer.json();
    assert_eq!(answer.header("x-generation-id"), json["id"].as_str());
    assert_eq!(
        (json["object"].as_str(), json["model"].as_str()),
        (Some("chat.completion"), Some("openai/gpt-4o-mini"))
    );
    assert_eq!(json["choices"][0]["finish_reason"], "stop");
    assert!(json["system_fingerprint"].is_null());
    let usage = &json["usage"];
    let prompt = usage["prompt_tokens"].as_u64().expect("tokens");
    let cached = usage["prompt_tokens_details"]["cached_tokens"].as_u64().expect("tokens");
    assert_eq!(usage["completion_tokens"], 12);
    assert_eq!(usage["total_tokens"], prompt + 12);
    for field in
        ["upstream_inference_cost", "upstream_inference_prompt_cost", "upstream_inference_completions_cost"]
    {
        assert!(usage["cost_details"][field].is_number(), "{field}");
    }
    // By hand: 0.15, 0.075 and 0.60 dollars a million, in units of 1e-9 dollars: 150, 75, 600.
    let nano = (prompt - cached) * 150 + cached * 75 + 12 * 600;
    let by_hand = format!("{}", format_args!("0.{nano:09}")).trim_end_matches('0').to_owned();
    assert_eq!(sandbox.bill().total, by_hand);
    let printed = answer.text();
    assert!(printed.contains(&format!("\"cost\":{by_hand},")), "the cost is printed as booked: {printed}");
    let bill = get(&sandbox, "/sandbox/bill").await.json();
    assert_eq!((bill["total_usd"].as_str(), bill["requests"].as_u64()), (Some(by_hand.as_str()), Some(1)));
    assert_eq!(bill["by_model"]["openai/gpt-4o-mini"], by_hand);
    // The SHA-256 of "k".
    assert_eq!(bill["by_key"]["8254c329a92850f6"], by_hand);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_stream() {
    for (tail, choices) in [(UsageTail::TwoChunk, 1), (UsageTail::EmptyChoices, 0)] {
        let sandbox = start(Config { usage_tail: tail, ..Config::default() }).await;
        let answer = chat(
            &sandbox,
            &body(json!({ "stream": true, "max_tokens": 300, "metadata": { "sandbox_tokens": "300" } })),
        )
        .await;
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        assert!(answer.complete && answer.text().ends_with("data: [DONE]\n\n"));
        let events = answer.events();
        assert!(events.len() <= 22, "at most twenty chunks of text");
        let last = events.last().expect("events");
        assert_eq!(last["usage"]["completion_tokens"], 300);
        assert_eq!(last["choices"].as_array().map(Vec::len), Some(choices));
        let finish = &events[events.len() - 2];
        assert_eq!(finish["choices"][0]["finish_reason"], "length");
        assert!(finish.get("usage").is_none());
        let text: String =
            events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(bpe_openai::o200k_base().count(text.as_str()), 300, "as many tokens as it says");
        assert!(events.iter().all(|event| event["id"].as_str() == answer.header("x-generation-id")));
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn tools() {
    let sandbox = start(Config::default()).await;
    let tool = json!({ "type": "function", "function": { "name": "weather", "parameters": { "type": "object",
        "properties": { "city": { "type": "string" }, "days": { "type": "integer" } } } } });
    let fields = json!({ "tools": [tool], "tool_choice": "required" });
    let answer = chat(&sandbox, &body(fields.clone())).await.json();
    let call = &answer["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(
        (&answer["choices"][0]["finish_reason"], &call["function"]["name"]),
        (&json!("tool_calls"), &json!("weather"))
    );
    let arguments = call["function"]["arguments"].as_str().expect("text");
    assert_eq!(serde_json::from_str::<serde_json::Value>(arguments).expect("JSON")["days"], 7);
    let mut streamed = body(fields);
    streamed["stream"] = json!(true);
    let events = chat(&sandbox, &streamed).await.events();
    assert!(events.iter().any(|event| event["choices"][0]["delta"]["tool_calls"][0]["id"].is_string()));
    assert_eq!(events.last().expect("events")["choices"][0]["finish_reason"], "tool_calls");
    sandbox.stop().await;
}

#[tokio::test]
async fn free_and_falsely_free() {
    let sandbox = start(Config::default()).await;
    let ask = |model: &str| body(json!({ "model": model, "max_tokens": 5 }));
    let free = chat(&sandbox, &ask("google/gemma-2-9b-it:free")).await;
    assert!(free.text().contains("\"cost\":0,"), "{}", free.text());
    assert_eq!(sandbox.bill().total, "0");
    let falsely = chat(&sandbox, &ask("google/lyria-3-pro-preview")).await;
    assert_eq!((falsely.status, sandbox.bill().total.as_str()), (200, "0.08"));
    let routed = chat(&sandbox, &ask("openrouter/auto")).await.json();
    assert_eq!(routed["model"], "openai/gpt-5.5-pro");
    sandbox.stop().await;
}

#[tokio::test]
async fn refusals() {
    let sandbox = start(Config { body_bytes_max: 4096, ..Config::default() }).await;
    for (fields, status, words) in [
        (json!({ "model": "nobody/nothing" }), 400, "nobody/nothing is not a valid model ID"),
        (json!({ "messages": null }), 400, "Input required: specify"),
        (json!({ "model": "openai/whisper-1" }), 400, "wrong_endpoint"),
        (json!({ "provider": { "only": ["nobody"] } }), 404, "No allowed providers"),
        (
            json!({ "provider": { "max_price": { "prompt": 0.1, "completion": 9 } } }),
            404,
            "No endpoints found that satisfy the max price for this request",
        ),
        (
            json!({ "model": "meta-llama/llama-3.1-8b-instruct", "metadata": "x".repeat(5000) }),
            413,
            "too large",
        ),
    ] {
        let answer = chat(&sandbox, &body(fields)).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains(words), "{}", answer.text());
        assert!(answer.header("x-generation-id").is_some_and(|id| id.starts_with("gen-")));
        assert!(answer.header("content-length").is_none());
    }
    let answer =
        chat(&sandbox, &body(json!({ "provider": { "max_price": { "prompt": 0.15, "completion": 0.6 } } })))
            .await;
    assert_eq!(answer.status, 200);
    let answer =
        chat(&sandbox, &body(json!({ "provider": { "max_price": { "prompt": 0.1 } } }))).await.json();
    assert_eq!(
        (&answer["error"]["code"], &answer["error"]["availability"]["code"]),
        (&json!(404), &json!("constraint_filtered"))
    );
    let nobody =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
    assert_eq!(exchange(&sandbox, nobody).await.status, 401);
    assert_eq!(post(&sandbox, "/api/v1/completions", "{}").await.status, 404);
    assert_eq!(sandbox.bill().requests, 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn too_long_a_prompt() {
    let sandbox = start(Config::default()).await;
    let long = body(
        json!({ "model": "google/gemma-2-9b-it", "messages": [{ "role": "user", "content": "word ".repeat(9000) }] }),
    );
    let answer = chat(&sandbox, &long).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["metadata"]["error_type"], "context_length_exceeded");
    sandbox.stop().await;
}

#[tokio::test]
async fn pages() {
    let sandbox = start(Config::default()).await;
    let models = get(&sandbox, "/api/v1/models").await.json();
    assert_eq!((models["data"].as_array().map(Vec::len), &models["total_count"]), (Some(87), &json!(87)));
    for row in models["data"].as_array().expect("rows") {
        let id = row["id"].as_str().expect("an id");
        let page = get(&sandbox, &format!("/v1/models/{id}/endpoints")).await;
        assert_eq!(page.status, 200, "{id}");
        assert_eq!(
            get(&sandbox, row["links"]["details"].as_str().expect("a link")).await.status,
            200,
            "{id}"
        );
        for endpoint in page.json()["data"]["endpoints"].as_array().expect("endpoints") {
            for field in [
                "tag",
                "provider_name",
                "pricing",
                "context_length",
                "max_completion_tokens",
                "max_prompt_tokens",
                "quantization",
                "supported_parameters",
                "supports_implicit_caching",
                "native_tools",
                "service_tier",
                "supports_diarization",
                "supports_tool_choice",
                "uptime_last_5m",
                "latency_last_30m",
            ] {
                assert!(endpoint.get(field).is_some(), "{id}: {field}");
            }
        }
    }
    assert_eq!(get(&sandbox, "/api/v1/models/count").await.json()["data"]["count"], 87);
    assert!(
        get(&sandbox, "/api/v1/providers").await.json()["data"]
            .as_array()
            .is_some_and(|rows| rows.len() > 20)
    );
    let retaining_nothing = get(&sandbox, "/v1/endpoints/zdr").await.json()["data"].clone();
    for field in ["name", "model_id", "tag", "provider_name", "pricing", "supported_parameters"] {
        assert!(
            retaining_nothing.as_array().is_some_and(|rows| rows.iter().all(|row| row.get(field).is_some())),
            "{field}"
        );
    }
    for path in ["/api/v1/key", "/v1/auth/key"] {
        let key = get(&sandbox, path).await.json()["data"].clone();
        for field in [
            "label",
            "limit",
            "limit_remaining",
            "limit_reset",
            "usage",
            "usage_daily",
            "usage_weekly",
            "usage_monthly",
            "byok_usage",
            "byok_usage_daily",
            "byok_usage_weekly",
            "byok_usage_monthly",
            "include_byok_in_limit",
            "is_free_tier",
            "is_management_key",
            "is_provisioning_key",
            "rate_limit",
            "free_model_daily_requests",
            "allowed_data_regions",
            "creator_user_id",
            "organization_id",
            "workspace_id",
            "budgets",
            "effective_budget",
        ] {
            assert!(key.get(field).is_some(), "{field}");
        }
    }
    assert_eq!(get(&sandbox, "/api/v1/credits").await.json()["data"]["total_usage"], 0);
    assert_eq!(get(&sandbox, "/api/v1/nothing").await.json()["error"]["code"], 404);
    assert_eq!(
        exchange(&sandbox, "HEAD /api/v1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.status,
        200
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn the_same_from_the_same_seed() {
    async fn run(seed: u64, backwards: bool) -> (Vec<String>, String) {
        let sandbox = start(Config { seed, ..Config::default() }).await;
        let mut questions: Vec<usize> = (0..24).collect();
        if backwards {
            questions.reverse();
        }
        let mut rows = Vec::new();
        for question in questions {
            let fields = json!({ "model": "meta-llama/llama-3.1-8b-instruct", "seed": question / 2 });
            let mut answer = chat(&sandbox, &body(fields)).await.json();
            answer["id"] = json!("");
            answer["created"] = json!(0);
            rows.push(answer.to_string());
        }
        rows.sort();
        let total = sandbox.bill().total;
        sandbox.stop().await;
        (rows, total)
    }
    let (first, total) = run(7, false).await;
    assert_eq!(run(7, true).await, (first.clone(), total), "whatever the order");
    assert_ne!(run(8, false).await.0, first);
    let providers =
        |row: &String| serde_json::from_str::<serde_json::Value>(row).expect("JSON")["provider"].to_string();
    assert!(
        first.iter().map(providers).collect::<std::collections::BTreeSet<_>>().len() > 1,
        "several providers"
    );
}

#[tokio::test]
async fn the_cheapest_when_asked() {
    let sandbox = start(Config::default()).await;
    for (seed, fields) in [
        json!({ "model": "openai/o3:floor" }),
        json!({ "model": "openai/o3", "provider": { "sort": "price" } }),
    ]
    .iter()
    .cycle()
    .take(12)
    .enumerate()
    {
        let mut ask = body(fields.clone());
        ask["seed"] = json!(seed);
        assert_eq!(chat(&sandbox, &ask).await.json()["provider"], "OpenAI");
    }
    sandbox.stop().await;
}
