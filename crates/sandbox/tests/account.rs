//! Keys, credits and what is refused for money: over real sockets, against the books.

#[expect(dead_code, reason = "each test file uses a part")]
mod support;

use std::collections::BTreeSet;

use sandbox::{Config, DeclaredKey, Interval, PlainCredits, Sandbox};
use serde_json::{Value, json};
use support::{Answer, MANAGEMENT, ask, body, chat_as, clock, hanging, noon, settled, start};

const DAY_MS: i64 = 86_400_000;

/// A key of this name and further fields: its hash and its plaintext.
async fn made(sandbox: &Sandbox, name: &str, fields: Value) -> (String, String) {
    let mut body = fields;
    body["name"] = json!(name);
    let answer = ask(sandbox, "POST", "/api/v1/keys", MANAGEMENT, Some(&body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (text(&answer.json()["data"]["hash"]), text(&answer.json()["key"]))
}

async fn about(sandbox: &Sandbox, key: &str) -> Value {
    let answer = ask(sandbox, "GET", "/api/v1/key", key, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["data"].clone()
}

/// So many tokens of a model at 30 and 60 dollars a million, at one endpoint.
fn dear(tokens: u32) -> Value {
    body(json!({ "model": "openai/gpt-4", "provider": { "only": ["openai"] }, "max_tokens": tokens,
        "metadata": { "sandbox_tokens": tokens.to_string() } }))
}

async fn spend(sandbox: &Sandbox, key: &str, tokens: u32) -> Answer {
    chat_as(sandbox, key, &dear(tokens)).await
}

/// The text of a number in an answer, every digit of it.
fn number(answer: &Answer, field: &str) -> String {
    let text = answer.text();
    let from = text.find(&format!("\"{field}\":")).expect(field) + field.len() + 3;
    text[from..].chars().take_while(|c| !",}".contains(*c)).collect()
}

fn exact() -> Config {
    Config { exponents: 0.0, ..Config::default() }
}

#[tokio::test]
async fn who_may_ask_what() {
    let sandbox = start(exact()).await;
    for (method, path, key, status, words) in [
        ("GET", "/api/v1/key", "", 401, "No cookie auth credentials found"),
        ("GET", "/api/v1/key", "anything", 200, "\"limit\":null"),
        ("GET", "/v1/auth/key", "anything", 200, "\"is_management_key\":false"),
        ("GET", "/api/v1/key", MANAGEMENT, 200, "\"is_management_key\":true"),
        ("GET", "/api/v1/keys", "", 401, "401"),
        ("GET", "/api/v1/keys", "anything", 403, "Only management keys can perform this operation"),
        ("GET", "/api/v1/guardrails", "anything", 403, "Only management keys"),
        ("GET", "/api/v1/workspaces/default/budgets", "anything", 403, "Only management keys"),
        ("GET", "/api/v1/activity", "anything", 403, "Only management keys"),
        ("GET", "/api/v1/keys", MANAGEMENT, 200, "\"data\":["),
        ("GET", "/api/v1/keys/nothing", MANAGEMENT, 404, "Resource not found"),
        ("DELETE", "/api/v1/keys/nothing", MANAGEMENT, 404, "Resource not found"),
        ("PUT", "/api/v1/keys", MANAGEMENT, 404, "Not found"),
        ("GET", "/api/v1/models", "", 200, "openai/gpt-4o-mini"),
        ("GET", "/api/v1/models/user", "", 401, "401"),
        ("GET", "/api/v1/models/user", "anything", 200, "openai/gpt-4o-mini"),
        ("GET", "/api/v1/generation?id=gen-1", "", 401, "401"),
        ("GET", "/api/v1/generation?id=gen-1", "anything", 404, "Generation gen-1 not found"),
        ("POST", "/api/v1/credits/coinbase", "", 410, "deprecated"),
    ] {
        let answer = ask(&sandbox, method, path, key, None).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert!(answer.text().contains(words), "{method} {path}: {}", answer.text());
    }
    let refused = spend(&sandbox, MANAGEMENT, 5).await;
    assert_eq!((refused.status, refused.header("x-generation-id").is_some()), (403, true));
    assert!(refused.text().contains("Management keys cannot"), "{}", refused.text());
    let told = ask(&sandbox, "GET", "/api/v1/key", "anything", None).await;
    assert_eq!(told.header("cache-control"), Some("private, no-store"));
    assert_eq!(sandbox.bill().requests, 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn strangers_are_refused_when_it_is_strict() {
    let keys =
        vec![DeclaredKey { name: "team".to_owned(), key: "sk-team".to_owned(), ..DeclaredKey::default() }];
    let sandbox = start(Config { strict_keys: true, keys, ..exact() }).await;
    assert_eq!(spend(&sandbox, "stranger", 5).await.status, 401);
    let refused = ask(&sandbox, "GET", "/api/v1/key", "stranger", None).await;
    assert_eq!((refused.status, refused.text().contains("User not found.")), (401, true));
    assert_eq!(spend(&sandbox, "sk-team", 5).await.status, 200);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_life_of_a_key() {
    let sandbox = start(exact()).await;
    noon(&sandbox).await;
    let fields = json!({ "limit": 50.10, "limit_reset": "monthly", "include_byok_in_limit": true,
        "expires_at": "2099-12-31T23:59:59Z", "creator_user_id": "user_ann" });
    let made = ask(
        &sandbox,
        "POST",
        "/api/v1/keys",
        MANAGEMENT,
        Some(&{
            let mut body = fields;
            body["name"] = json!("backend-prod");
            body
        }),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(
        (number(&made, "limit"), number(&made, "limit_remaining")),
        ("50.1".to_owned(), "50.1".to_owned())
    );
    let (key, row) = (made.json()["key"].clone(), made.json()["data"].clone());
    let key = key.as_str().expect("the plaintext");
    assert!(key.starts_with("sk-or-v1-") && key.len() == 9 + 64, "{key}");
    let hash = row["hash"].as_str().expect("a hash");
    assert!(!made.json()["data"].to_string().contains(&key[12..60]), "told only beside data");
    for (field, expect) in [
        ("name", json!("backend-prod")),
        ("label", json!(format!("{}...{}", &key[..12], &key[70..]))),
        ("disabled", json!(false)),
        ("limit_reset", json!("monthly")),
        ("include_byok_in_limit", json!(true)),
        ("usage", json!(0)),
        ("byok_usage_monthly", json!(0)),
        ("updated_at", json!(null)),
        ("last_used_at", json!(null)),
        ("expires_at", json!("2099-12-31T23:59:59Z")),
        ("creator_user_id", json!("user_ann")),
        ("external_user", json!(null)),
    ] {
        assert_eq!(row[field], expect, "{field}");
    }
    let path = format!("/api/v1/keys/{hash}");
    assert_eq!(spend(&sandbox, key, 10).await.status, 200);
    let shown = ask(&sandbox, "GET", &path, MANAGEMENT, None).await;
    let billed = sandbox.bill().total;
    for field in ["usage", "usage_daily", "usage_weekly", "usage_monthly"] {
        assert_eq!(number(&shown, field), billed, "{field}");
    }
    assert!(shown.json()["data"]["last_used_at"].is_string());

    let patched = ask(
        &sandbox,
        "PATCH",
        &path,
        MANAGEMENT,
        Some(&json!({ "limit": null, "limit_reset": null, "name": "b" })),
    )
    .await;
    assert_eq!((patched.status, &patched.json()["data"]["limit"]), (200, &json!(null)));
    assert_eq!(patched.json()["data"]["name"], "b");
    assert!(patched.json()["data"]["updated_at"].is_string());
    assert_eq!(about(&sandbox, key).await["limit_remaining"], json!(null));

    for (disabled, status) in [(true, 401), (false, 200)] {
        ask(&sandbox, "PATCH", &path, MANAGEMENT, Some(&json!({ "disabled": disabled }))).await;
        assert_eq!(ask(&sandbox, "GET", "/api/v1/key", key, None).await.status, status);
        assert_eq!(spend(&sandbox, key, 5).await.status, status);
    }
    let deleted = ask(&sandbox, "DELETE", &path, MANAGEMENT, None).await;
    assert_eq!((deleted.status, deleted.json()), (200, json!({ "deleted": true })));
    for (method, path) in [("GET", path.as_str()), ("DELETE", &path)] {
        assert_eq!(ask(&sandbox, method, path, MANAGEMENT, None).await.status, 404);
    }
    assert_eq!(spend(&sandbox, key, 5).await.status, 401, "it does not come back as a stranger");
    assert_eq!(ask(&sandbox, "GET", "/api/v1/key", key, None).await.status, 401);
    sandbox.stop().await;
}

#[tokio::test]
async fn bodies_that_are_refused() {
    let sandbox = start(exact()).await;
    let (hash, _) = made(&sandbox, "a", json!({})).await;
    let patch = format!("/api/v1/keys/{hash}");
    for (method, path, body, words) in [
        ("POST", "/api/v1/keys", json!({}), "name"),
        ("POST", "/api/v1/keys", json!({ "name": "" }), "name"),
        ("POST", "/api/v1/keys", json!({ "name": 7 }), "name"),
        ("POST", "/api/v1/keys", json!({ "name": "a", "limit": -1 }), "limit"),
        ("POST", "/api/v1/keys", json!({ "name": "a", "limit": "50" }), "limit"),
        ("POST", "/api/v1/keys", json!({ "name": "a", "limit_reset": "hourly" }), "limit_reset"),
        ("POST", "/api/v1/keys", json!({ "name": "a", "expires_at": "2099-12-31T23:59Z" }), "expires_at"),
        (
            "POST",
            "/api/v1/keys",
            json!({ "name": "a", "expires_at": "2099-12-31T23:59:59+01:00" }),
            "expires_at",
        ),
        ("POST", "/api/v1/keys", json!({ "name": "a", "workspace_id": "nowhere" }), "workspace_id"),
        (
            "POST",
            "/api/v1/keys",
            json!({ "name": "a", "external": { "user": "u", "api_key": "short" } }),
            "api_key",
        ),
        ("POST", "/api/v1/keys", json!([]), "JSON object"),
        ("PATCH", &patch, json!({}), "No update fields provided"),
        ("PATCH", &patch, json!({ "hash": "x" }), "No update fields provided"),
        ("PATCH", &patch, json!({ "limit": -0.01 }), "limit"),
        ("PATCH", &patch, json!({ "name": "" }), "name"),
        ("PATCH", &patch, json!({ "disabled": "yes" }), "disabled"),
        ("GET", "/api/v1/keys?offset=-1", json!(null), "offset"),
    ] {
        let answer = ask(&sandbox, method, path, MANAGEMENT, Some(&body)).await;
        assert_eq!(answer.status, 400, "{method} {path} {body}: {}", answer.text());
        let message = answer.json()["error"]["message"].as_str().expect("a message").to_owned();
        assert!(message.contains(words), "{method} {path} {body}: {message}");
    }
    let listed = ask(&sandbox, "GET", "/api/v1/keys", MANAGEMENT, None).await.json();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1), "nothing was made of them");
    sandbox.stop().await;
}

#[tokio::test]
async fn pages_of_a_hundred() {
    let sandbox = start(exact()).await;
    let mut all = BTreeSet::new();
    for index in 0..205 {
        let fields = match index {
            0 => json!({ "expires_at": "2020-01-01T00:00:00Z" }),
            _ => json!({}),
        };
        all.insert(made(&sandbox, &format!("key {index}"), fields).await.0);
    }
    let second = all.iter().next().expect("keys").clone();
    let first_hash = {
        let rows = ask(&sandbox, "GET", "/api/v1/keys?include_expired=true", MANAGEMENT, None).await.json();
        rows["data"][0]["hash"].as_str().expect("a hash").to_owned()
    };
    let disabled = if second == first_hash { all.iter().nth(1).expect("keys").clone() } else { second };
    ask(
        &sandbox,
        "PATCH",
        &format!("/api/v1/keys/{disabled}"),
        MANAGEMENT,
        Some(&json!({ "disabled": true })),
    )
    .await;
    for (query, expect) in [
        ("", 203),
        ("include_disabled=true&", 204),
        ("include_expired=true&", 204),
        ("include_disabled=true&include_expired=true&", 205),
        ("include_disabled=false&", 203),
    ] {
        let mut seen = BTreeSet::new();
        for offset in (0..400).step_by(100) {
            let path = format!("/api/v1/keys?{query}offset={offset}");
            let page = ask(&sandbox, "GET", &path, MANAGEMENT, None).await.json();
            let rows = page["data"].as_array().expect("rows").clone();
            assert_eq!(rows.len(), (expect - seen.len()).min(100), "{path}");
            assert!(page.get("total_count").is_none(), "there is none here");
            seen.extend(rows.iter().map(|row| row["hash"].as_str().expect("a hash").to_owned()));
        }
        assert_eq!(seen.len(), expect, "{query}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn limits_are_checked_before_and_overshot() {
    let sandbox = start(exact()).await;
    let (_, key) = made(&sandbox, "tight", json!({ "limit": 0.01 })).await;
    // Each costs some 0.0067; three at a time pass a limit of 0.01, for none has ended.
    drop(hanging(&sandbox, &key, &dear(100), 3).await);
    settled(&sandbox).await;
    let refused = spend(&sandbox, &key, 1).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    let error = refused.json()["error"].clone();
    assert_eq!(
        error["message"],
        "Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys"
    );
    let metadata = &error["metadata"];
    assert_eq!(
        (&metadata["limit_source"], &metadata["scope"], &metadata["resets_at"]),
        (&json!("openrouter_key_limit"), &json!("key_limit"), &json!(null))
    );
    assert_eq!(
        (number(&refused, "limit_usd"), number(&refused, "spend_usd")),
        ("0.01".to_owned(), sandbox.bill().total)
    );
    assert!(refused.header("retry-after").is_none() && refused.header("x-generation-id").is_some());
    let told = ask(&sandbox, "GET", "/api/v1/key", &key, None).await;
    assert!(number(&told, "limit_remaining").starts_with("-0.0"), "{}", told.text());
    let about = told.json()["data"].clone();
    assert_eq!(about["budgets"][0]["scope"], "key_limit");
    assert_eq!(about["effective_budget"], about["budgets"][0]);
    sandbox.stop().await;
}

#[tokio::test]
async fn windows_turn_with_the_clock() {
    for (reset, name) in [("daily", "daily limit"), ("weekly", "weekly limit"), ("monthly", "monthly limit")]
    {
        let sandbox = start(Config { counter_lag_ms: 600_000, ..exact() }).await;
        let noon = noon(&sandbox).await;
        let (_, key) = made(&sandbox, "window", json!({ "limit": 0.002, "limit_reset": reset })).await;
        for _ in 0..2 {
            assert_eq!(spend(&sandbox, &key, 20).await.status, 200, "the counters have not seen the first");
        }
        clock(&sandbox, noon + 601_000).await;
        let refused = spend(&sandbox, &key, 20).await;
        assert!(refused.text().contains(name), "{}", refused.text());
        let resets = refused.json()["error"]["metadata"]["resets_at"].as_str().expect("a time").to_owned();
        assert!(resets.ends_with("T00:00:00Z"), "{resets}");
        let before = about(&sandbox, &key).await;
        clock(&sandbox, noon + 31 * DAY_MS).await;
        let after = about(&sandbox, &key).await;
        assert_eq!(after["usage"], before["usage"], "that of its life stays");
        assert_eq!((&after["usage_monthly"], &after["usage_daily"]), (&json!(0), &json!(0)));
        assert_eq!((&after["limit_remaining"], &before["limit_reset"]), (&json!(0.002), &json!(reset)));
        assert_eq!(spend(&sandbox, &key, 20).await.status, 200);
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn expiry() {
    let sandbox = start(exact()).await;
    let (_, key) = made(&sandbox, "short", json!({ "expires_at": "2099-01-01T00:00:00Z" })).await;
    assert_eq!(spend(&sandbox, &key, 5).await.status, 200);
    clock(&sandbox, 80 * 366 * DAY_MS).await;
    assert_eq!(spend(&sandbox, &key, 5).await.status, 401);
    sandbox.stop().await;
}

#[tokio::test]
async fn counters_lag() {
    let sandbox = start(Config { counter_lag_ms: 600_000, ..exact() }).await;
    let (_, key) = made(&sandbox, "lagging", json!({ "limit": 0.002 })).await;
    for _ in 0..3 {
        assert_eq!(spend(&sandbox, &key, 20).await.status, 200, "nobody has seen it yet");
    }
    assert_eq!(about(&sandbox, &key).await["usage"], json!(0));
    let books = ask(&sandbox, "GET", "/sandbox/keys", "", None).await.json();
    let row = &books["keys"][0];
    assert_eq!((&row["used_usd"], &row["shown_usd"]), (&json!(sandbox.bill().total), &json!("0")));
    clock(&sandbox, 601_000).await;
    let told = ask(&sandbox, "GET", "/api/v1/key", &key, None).await;
    assert_eq!(number(&told, "usage"), sandbox.bill().total);
    assert_eq!(spend(&sandbox, &key, 20).await.status, 403);
    sandbox.stop().await;
}

#[tokio::test]
async fn credits() {
    for (plain, status, body) in [
        (PlainCredits::Zeros, 200, "{\"data\":{\"total_credits\":0,\"total_usage\":0}}"),
        (PlainCredits::Forbidden, 403, "Only management keys can perform this operation"),
        (PlainCredits::Real, 200, "{\"data\":{\"total_credits\":25.5,\"total_usage\":0.0"),
    ] {
        let sandbox = start(Config { credits: "25.50".to_owned(), plain_credits: plain, ..exact() }).await;
        assert_eq!(spend(&sandbox, "k", 10).await.status, 200);
        let answer = ask(&sandbox, "GET", "/api/v1/credits", "k", None).await;
        assert_eq!(answer.status, status);
        assert!(answer.text().contains(body), "{}", answer.text());
        let real = ask(&sandbox, "GET", "/api/v1/credits", MANAGEMENT, None).await;
        assert_eq!(
            (number(&real, "total_credits"), number(&real, "total_usage")),
            ("25.5".to_owned(), sandbox.bill().total)
        );
        assert_eq!(ask(&sandbox, "GET", "/api/v1/credits", "", None).await.status, 401);
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn what_is_affordable() {
    // gpt-4: 30 and 60 dollars a million, and 4096 tokens of output at the most.
    let one = |tokens: &str| {
        body(json!({ "model": "openai/gpt-4", "provider": { "only": ["openai"] }, "max_tokens": 1000,
        "metadata": { "sandbox_tokens": tokens } }))
    };
    let sandbox = start(Config { credits: "0.05".to_owned(), ..exact() }).await;
    let refused = chat_as(&sandbox, "k", &one("1")).await;
    assert_eq!(refused.status, 402, "{}", refused.text());
    let error = refused.json()["error"].clone();
    let message = error["message"].as_str().expect("a message");
    let prefix = "This request requires more credits, or fewer max_tokens. You requested up to 1000 tokens, but can only afford ";
    let affordable: u64 = message
        .strip_prefix(prefix)
        .and_then(|rest| rest.split('.').next())
        .and_then(|count| count.parse().ok())
        .unwrap_or_else(|| panic!("{message}"));
    assert!(message.contains("https://openrouter.ai/settings/credits"), "{message}");
    assert_eq!(error["metadata"]["limit_source"], "openrouter_credits");
    assert_eq!(error["metadata"]["error_type"], "payment_required");
    // What it says can be afforded is, and not a token more.
    for (tokens, status) in [(affordable + 1, 402), (affordable, 200)] {
        let mut body = one("1");
        body["max_tokens"] = json!(tokens);
        assert_eq!(chat_as(&sandbox, "k", &body).await.status, status, "{tokens}");
    }
    let mut capless = one("1");
    capless.as_object_mut().expect("fields").remove("max_tokens");
    let refused = chat_as(&sandbox, "k", &capless).await;
    assert!(refused.text().contains("You requested up to 4096 tokens"), "{}", refused.text());

    // The smaller of balance and what the key's limit leaves.
    let (_, key) = made(&sandbox, "small", json!({ "limit": 0.001, "limit_reset": "daily" })).await;
    let refused = chat_as(&sandbox, &key, &one("1")).await;
    assert_eq!(refused.json()["error"]["metadata"]["limit_source"], "openrouter_key_limit");
    assert!(refused.text().contains("settings/keys and adjust the key's daily limit"), "{}", refused.text());
    let long = body(json!({ "model": "openai/gpt-4", "provider": { "only": ["openai"] }, "max_tokens": 1,
        "messages": [{ "role": "user", "content": "word ".repeat(200) }] }));
    let refused = chat_as(&sandbox, &key, &long).await;
    assert_eq!(refused.status, 402);
    assert!(refused.text().contains("Prompt tokens limit exceeded: 210 > 33"), "{}", refused.text());
    sandbox.stop().await;
}

#[tokio::test]
async fn other_endpoints_are_tried() {
    let sandbox = start(Config { credits: "0.0005".to_owned(), ..exact() }).await;
    // Five endpoints between 0.02 and 0.22 dollars a million: a cap that only some of them allow.
    let fields = |cap: u64| {
        body(
            json!({ "model": "meta-llama/llama-3.1-8b-instruct", "max_tokens": cap, "metadata": { "sandbox_tokens": "1" } }),
        )
    };
    let refused = chat_as(&sandbox, "k", &fields(100_000)).await;
    assert_eq!(refused.status, 402, "{}", refused.text());
    let previous = refused.json()["error"]["metadata"]["previous_errors"].clone();
    assert!(previous.as_array().is_some_and(|list| !list.is_empty()), "{}", refused.text());
    assert!(previous[0]["message"].is_string() && previous[0]["code"] == 402);
    assert_eq!(chat_as(&sandbox, "k", &fields(5_000)).await.status, 200, "a cheap one takes it");
    sandbox.stop().await;
}

#[tokio::test]
async fn empty_accounts() {
    let free = body(json!({ "model": "google/gemma-2-9b-it:free", "max_tokens": 5 }));
    let sandbox = start(Config { credits: "0".to_owned(), ..exact() }).await;
    let refused = spend(&sandbox, "k", 5).await;
    assert_eq!(refused.status, 402);
    assert!(refused.text().contains("This account never purchased credits"), "{}", refused.text());
    assert_eq!(chat_as(&sandbox, "k", &free).await.status, 200, "nothing is owed");
    let told = about(&sandbox, "k").await;
    assert_eq!(
        (&told["is_free_tier"], &told["free_model_daily_requests"]),
        (&json!(true), &json!({ "used": 1, "limit": 50, "remaining": 49 }))
    );
    sandbox.stop().await;

    // Two at once, each of which the balance pays for alone.
    let sandbox = start(Config { credits: "0.01".to_owned(), ..exact() }).await;
    drop(hanging(&sandbox, "k", &dear(100), 2).await);
    settled(&sandbox).await;
    for body in [&free, &body(json!({ "max_tokens": 1 }))] {
        let refused = chat_as(&sandbox, "k", body).await;
        assert_eq!(refused.status, 402, "below zero even what is free: {}", refused.text());
        assert!(refused.text().contains("Insufficient credits. Add more using"), "{}", refused.text());
        assert_eq!(refused.json()["error"]["metadata"]["limit_source"], "openrouter_credits");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn free_models_are_counted() {
    let free = body(json!({ "model": "google/gemma-2-9b-it:free", "max_tokens": 5 }));
    let sandbox = start(Config { free_per_minute: 3, free_per_day: Some(5), ..exact() }).await;
    let base = noon(&sandbox).await + 20_000;
    for (minute, statuses) in [(0, [200, 200, 200, 429]), (1, [200, 200, 429, 429])] {
        clock(&sandbox, base + minute * 60_000).await;
        for status in statuses {
            let answer = chat_as(&sandbox, "k", &free).await;
            assert_eq!(answer.status, status, "{}", answer.text());
        }
    }
    let refused = chat_as(&sandbox, "another key, the same account", &free).await;
    let error = refused.json()["error"].clone();
    assert!(error["message"].as_str().expect("a message").contains("free-models-per-day-high-balance"));
    assert_eq!(error["metadata"]["limit_source"], "openrouter_free_tier_daily");
    let headers = &error["metadata"]["headers"];
    for (name, header) in [
        ("X-RateLimit-Limit", "x-ratelimit-limit"),
        ("X-RateLimit-Remaining", "x-ratelimit-remaining"),
        ("X-RateLimit-Reset", "x-ratelimit-reset"),
    ] {
        assert_eq!(headers[name].as_str(), refused.header(header), "{name}");
    }
    assert_eq!(
        (&headers["X-RateLimit-Limit"], &headers["X-RateLimit-Remaining"]),
        (&json!("5"), &json!("0"))
    );
    let reset: i64 = headers["X-RateLimit-Reset"].as_str().expect("text").parse().expect("milliseconds");
    assert_eq!(reset % DAY_MS, 0, "midnight");
    assert_eq!(
        about(&sandbox, "k").await["free_model_daily_requests"],
        json!({ "used": 5, "limit": 5, "remaining": 0 })
    );
    clock(&sandbox, base + DAY_MS).await;
    let answer = chat_as(&sandbox, "k", &free).await;
    assert_eq!(answer.status, 200, "a new day");
    assert!(answer.header("x-ratelimit-limit").is_none(), "only on refusals");
    sandbox.stop().await;
}

#[tokio::test]
async fn in_flight() {
    let sandbox = start(Config { in_flight_budget: Some("0.02".to_owned()), ..exact() }).await;
    // Some 0.012 each.
    let running = hanging(&sandbox, "k", &dear(200), 1).await;
    let refused = spend(&sandbox, "k", 200).await;
    assert_eq!(refused.status, 402, "{}", refused.text());
    assert_eq!(refused.header("retry-after"), Some("1"));
    let metadata = refused.json()["error"]["metadata"].clone();
    assert_eq!(
        (&metadata["limit_source"], &metadata["reason"]),
        (&json!("openrouter_in_flight_budget"), &json!("in_flight_budget_exhausted"))
    );
    drop(running);
    settled(&sandbox).await;
    assert_eq!(spend(&sandbox, "k", 200).await.status, 200, "what ended has given its part back");
    let refused = spend(&sandbox, "k", 400).await;
    assert_eq!((refused.status, refused.header("retry-after")), (402, None));
    assert_eq!(refused.json()["error"]["metadata"]["reason"], "weight_exceeds_budget");
    sandbox.stop().await;
}

#[tokio::test]
async fn declared_keys_and_a_reset() {
    let declared = DeclaredKey {
        name: "declared".to_owned(),
        key: "sk-declared".to_owned(),
        limit: Some("7.25".to_owned()),
        limit_reset: Some(Interval::Weekly),
        ..DeclaredKey::default()
    };
    let sandbox = start(Config { keys: vec![declared], key_budgets: false, ..exact() }).await;
    let fresh = about(&sandbox, "sk-declared").await;
    assert_eq!((&fresh["limit"], &fresh["limit_reset"]), (&json!(7.25), &json!("weekly")));
    assert!(
        fresh.get("budgets").is_none() && fresh.get("effective_budget").is_none(),
        "as in the probe of October"
    );
    made(&sandbox, "made", json!({})).await;
    assert_eq!(spend(&sandbox, "sk-declared", 10).await.status, 200);
    clock(&sandbox, DAY_MS).await;
    let rows = |answer: &Answer| answer.json()["keys"].as_array().map(Vec::len);
    assert_eq!(rows(&ask(&sandbox, "GET", "/sandbox/keys", "", None).await), Some(2));
    assert_eq!(ask(&sandbox, "POST", "/sandbox/reset", "", None).await.status, 200);
    let after = ask(&sandbox, "GET", "/sandbox/keys", "", None).await;
    assert_eq!((rows(&after), &after.json()["used_usd"]), (Some(1), &json!("0")));
    assert_eq!(ask(&sandbox, "GET", "/sandbox/clock", "", None).await.json()["offset_ms"], 0);
    assert_eq!(about(&sandbox, "sk-declared").await, fresh);
    for bad in [json!({}), json!({ "offset_ms": "x" }), json!(7)] {
        assert_eq!(ask(&sandbox, "POST", "/sandbox/clock", "", Some(&bad)).await.status, 400);
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn every_key_adds_up_to_the_bill() {
    let sandbox = start(exact()).await;
    let calls = (0..60).map(|index| {
        let sandbox = &sandbox;
        async move {
            let fields = json!({ "stream": index % 3 == 0, "max_tokens": 50 + index, "seed": index });
            chat_as(sandbox, &format!("key {}", index % 7), &body(fields)).await
        }
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.status, 200);
    }
    let bill = settled(&sandbox).await;
    let books = ask(&sandbox, "GET", "/sandbox/keys", "", None).await.json();
    assert_eq!(books["used_usd"], json!(bill.total));
    for row in books["keys"].as_array().expect("keys") {
        let short = &row["hash"].as_str().expect("a hash")[..16];
        assert_eq!(row["used_usd"], json!(bill.by_key[short]));
    }
    sandbox.stop().await;
}
