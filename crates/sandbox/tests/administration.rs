//! Guardrails, workspaces and activity: what is administered, and what follows from it.

#[expect(dead_code, reason = "each test file uses a part")]
mod support;

use sandbox::{Config, Sandbox};
use serde_json::{Value, json};
use support::{Answer, MANAGEMENT, ask, body, chat_as, clock, noon, settled, start};

const DAY_MS: i64 = 86_400_000;

fn exact() -> Config {
    Config { exponents: 0.0, ..Config::default() }
}

async fn manage(sandbox: &Sandbox, method: &str, path: &str, body: Value) -> Answer {
    ask(sandbox, method, &format!("/api/v1{path}"), MANAGEMENT, Some(&body)).await
}

/// `data` of an answer that must be of this status.
async fn data(sandbox: &Sandbox, method: &str, path: &str, body: Value, status: u16) -> Value {
    let answer = manage(sandbox, method, path, body).await;
    assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    answer.json()["data"].clone()
}

/// The hash and the plaintext of a new key.
async fn key(sandbox: &Sandbox, fields: Value) -> (String, String) {
    let mut body = fields;
    body["name"] = json!("a key");
    let made = manage(sandbox, "POST", "/keys", body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (text(&made.json()["data"]["hash"]), text(&made.json()["key"]))
}

async fn guardrail(sandbox: &Sandbox, fields: Value) -> String {
    let mut body = fields;
    body["name"] = json!("a guardrail");
    text(&data(sandbox, "POST", "/guardrails", body, 201).await["id"])
}

/// Some 0.00156 dollars of gpt-4, at one endpoint.
async fn spend(sandbox: &Sandbox, key: &str) -> Answer {
    let fields = json!({ "model": "openai/gpt-4", "provider": { "only": ["openai"] }, "max_tokens": 20,
        "metadata": { "sandbox_tokens": "20" } });
    chat_as(sandbox, key, &body(fields)).await
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

fn count(value: &Value) -> usize {
    value.as_array().expect("a list").len()
}

#[tokio::test]
async fn guardrails_are_made_shown_changed_deleted() {
    let sandbox = start(Config::default()).await;
    let body = json!({ "name": "eng-default", "description": "d", "limit_usd": 20.5, "reset_interval": "daily",
        "allowed_models": ["openai/gpt-4.1", "nobody/nothing"], "allowed_providers": null, "enforce_zdr_other": true,
        "content_filter_builtins": [{ "slug": "email", "action": "redact" }] });
    let made = data(&sandbox, "POST", "/guardrails", body, 201).await;
    let path = format!("/guardrails/{}", text(&made["id"]));
    for (field, expect) in [
        ("name", json!("eng-default")),
        ("limit_usd", json!(20.5)),
        ("reset_interval", json!("daily")),
        ("include_byok_in_budgets", json!(false)),
        ("allowed_models", json!(["openai/gpt-4.1-2025-04-14", "nobody/nothing"])),
        ("allowed_providers", json!(null)),
        ("ignored_models", json!(null)),
        ("enforce_zdr_other", json!(true)),
        ("enforce_zdr", json!(null)),
        ("content_filter_builtins", json!([{ "slug": "email", "action": "redact" }])),
        ("updated_at", json!(null)),
    ] {
        assert_eq!(made[field], expect, "{field}");
    }
    assert_eq!(data(&sandbox, "GET", &path, json!(null), 200).await, made);
    let changed =
        data(&sandbox, "PATCH", &path, json!({ "limit_usd": 30, "allowed_models": null }), 200).await;
    assert_eq!((&changed["limit_usd"], &changed["allowed_models"]), (&json!(30), &json!(null)));
    assert!(changed["reset_interval"] == "daily" && changed["updated_at"].is_string());
    let changed =
        data(&sandbox, "PATCH", &path, json!({ "limit_usd": null, "reset_interval": null }), 200).await;
    assert_eq!((&changed["limit_usd"], &changed["reset_interval"]), (&json!(null), &json!(null)));
    assert_eq!(manage(&sandbox, "DELETE", &path, json!(null)).await.json(), json!({ "deleted": true }));
    for method in ["GET", "DELETE"] {
        assert_eq!(manage(&sandbox, method, &path, json!(null)).await.status, 404);
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn guardrail_bodies_that_are_refused() {
    let sandbox = start(Config::default()).await;
    let limited = guardrail(&sandbox, json!({ "limit_usd": 1, "reset_interval": "weekly" })).await;
    let path = format!("/guardrails/{limited}");
    let keys = format!("{path}/assignments/keys");
    for (method, path, body) in [
        ("POST", "/guardrails", json!({})),
        ("POST", "/guardrails", json!({ "name": "" })),
        ("POST", "/guardrails", json!({ "name": "a", "limit_usd": 1 })),
        ("POST", "/guardrails", json!({ "name": "a", "reset_interval": "daily" })),
        ("POST", "/guardrails", json!({ "name": "a", "limit_usd": -1, "reset_interval": "daily" })),
        ("POST", "/guardrails", json!({ "name": "a", "limit_usd": 1, "reset_interval": "hourly" })),
        ("POST", "/guardrails", json!({ "name": "a", "allowed_models": [] })),
        ("POST", "/guardrails", json!({ "name": "a", "enforce_zdr": "yes" })),
        ("POST", "/guardrails", json!({ "name": "a", "workspace_id": "nowhere" })),
        ("PATCH", &path, json!({})),
        ("PATCH", &path, json!({ "limit_usd": null })),
        ("PATCH", &path, json!({ "reset_interval": null })),
        ("POST", &keys, json!({})),
        ("POST", &keys, json!({ "key_hashes": [] })),
        ("POST", &keys, json!({ "key_hashes": ["nobody"] })),
        ("GET", "/guardrails?limit=0", json!(null)),
        ("GET", "/guardrails?limit=101", json!(null)),
    ] {
        let answer = manage(&sandbox, method, path, body.clone()).await;
        assert_eq!(answer.status, 400, "{method} {path} {body}: {}", answer.text());
    }
    assert_eq!(manage(&sandbox, "GET", "/guardrails/x/assignments/keys", json!(null)).await.status, 404);
    assert_eq!(data(&sandbox, "GET", &path, json!(null), 200).await["limit_usd"], 1, "unchanged");
    sandbox.stop().await;
}

#[tokio::test]
async fn assignments_and_their_pages() {
    let sandbox = start(Config::default()).await;
    let (one, two) = (guardrail(&sandbox, json!({})).await, guardrail(&sandbox, json!({})).await);
    let mut hashes = Vec::new();
    for _ in 0..7 {
        hashes.push(key(&sandbox, json!({})).await.0);
    }
    let path = |id: &str| format!("/guardrails/{id}/assignments/keys");
    let assigned = manage(&sandbox, "POST", &path(&one), json!({ "key_hashes": hashes })).await;
    assert_eq!((assigned.status, assigned.json()), (200, json!({ "assigned_count": 7 })));
    let mut seen = Vec::new();
    for offset in [0, 3, 6, 9] {
        let page = manage(&sandbox, "GET", &format!("{}?offset={offset}&limit=3", path(&one)), json!(null))
            .await
            .json();
        assert_eq!(page["total_count"], 7);
        seen.extend(page["data"].as_array().expect("rows").iter().map(|row| text(&row["key_hash"])));
    }
    let mut expect = hashes.clone();
    expect.sort();
    assert_eq!(seen, expect);
    // One guardrail a key: assigning another replaces it.
    manage(&sandbox, "POST", &path(&two), json!({ "key_hashes": hashes[..2] })).await;
    for (id, rows) in [(&one, 5), (&two, 2)] {
        assert_eq!(count(&data(&sandbox, "GET", &path(id), json!(null), 200).await), rows);
    }
    let everywhere =
        manage(&sandbox, "GET", "/guardrails/assignments/keys?limit=100", json!(null)).await.json();
    assert_eq!((&everywhere["total_count"], count(&everywhere["data"])), (&json!(7), 7));
    let row = &everywhere["data"][0];
    assert!(row["key_name"] == "a key" && row["key_label"].is_string() && row["assigned_by"].is_string());
    let removed =
        manage(&sandbox, "POST", &format!("{}/remove", path(&one)), json!({ "key_hashes": hashes })).await;
    assert_eq!(removed.json(), json!({ "unassigned_count": 5 }), "two were another's");
    let members = format!("/guardrails/{one}/assignments/members");
    let assigned =
        manage(&sandbox, "POST", &members, json!({ "member_user_ids": ["user_a", "user_b"] })).await;
    assert_eq!(assigned.json(), json!({ "assigned_count": 2 }));
    assert_eq!(data(&sandbox, "GET", &members, json!(null), 200).await[0]["user_id"], "user_a");
    let gone =
        manage(&sandbox, "POST", &format!("{members}/remove"), json!({ "member_user_ids": ["user_a"] }))
            .await;
    assert_eq!(gone.json(), json!({ "unassigned_count": 1 }));
    manage(&sandbox, "DELETE", &format!("/guardrails/{two}"), json!(null)).await;
    for (to, rows) in [("keys", 0), ("members", 1)] {
        let all = data(&sandbox, "GET", &format!("/guardrails/assignments/{to}"), json!(null), 200).await;
        assert_eq!(count(&all), rows, "{to}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn guardrail_budgets_are_per_key_and_per_member() {
    for (to, scope, other) in [("keys", "api_key", 200), ("members", "member", 403)] {
        let sandbox = start(exact()).await;
        let noon = noon(&sandbox).await;
        let (hash, bound) = key(&sandbox, json!({})).await;
        let (_, sibling) = key(&sandbox, json!({})).await;
        let id = guardrail(&sandbox, json!({ "limit_usd": 0.002, "reset_interval": "daily" })).await;
        assert_eq!(spend(&sandbox, &bound).await.status, 200);
        assert_eq!(spend(&sandbox, &bound).await.status, 200, "it binds nobody yet");
        let names = if to == "keys" {
            json!({ "key_hashes": [hash] })
        } else {
            json!({ "member_user_ids": ["user_sandbox"] })
        };
        manage(&sandbox, "POST", &format!("/guardrails/{id}/assignments/{to}"), names).await;
        let refused = spend(&sandbox, &bound).await;
        assert_eq!(refused.status, 403, "{}", refused.text());
        let metadata = refused.json()["error"]["metadata"].clone();
        assert_eq!(
            (&metadata["limit_source"], &metadata["scope"], &metadata["limit_usd"]),
            (&json!("openrouter_guardrail_budget"), &json!(scope), &json!(0.002))
        );
        assert_eq!(spend(&sandbox, &sibling).await.status, other, "{to}");
        let about = ask(&sandbox, "GET", "/api/v1/key", &bound, None).await.json()["data"].clone();
        let budget = &about["budgets"][0];
        assert_eq!((&budget["scope"], &budget["guardrail_id"]), (&json!(scope), &json!(id)));
        assert!(budget["remaining_usd"].as_f64().expect("a number") < 0.0, "{budget}");
        clock(&sandbox, noon + DAY_MS).await;
        assert_eq!(spend(&sandbox, &bound).await.status, 200, "a new day");
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn a_workspace_default_binds_every_key_of_it() {
    let sandbox = start(exact()).await;
    noon(&sandbox).await;
    let workspaces = data(&sandbox, "GET", "/workspaces", json!(null), 200).await;
    let default = text(&workspaces[0]["default_guardrail_id"]);
    assert_eq!(count(&data(&sandbox, "GET", "/guardrails", json!(null), 200).await), 0, "it is not listed");
    data(
        &sandbox,
        "PATCH",
        &format!("/guardrails/{default}"),
        json!({ "limit_usd": 0.001, "reset_interval": "monthly" }),
        200,
    )
    .await;
    assert_eq!(spend(&sandbox, "anyone").await.status, 200);
    let refused = spend(&sandbox, "anyone").await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["error"]["metadata"]["scope"], "workspace_default_member");
    sandbox.stop().await;
}

#[tokio::test]
async fn lists_of_models_and_providers() {
    let sandbox = start(Config::default()).await;
    let (hash, key) = key(&sandbox, json!({})).await;
    let lists = json!({ "allowed_models": ["openai/gpt-4o-mini", "meta-llama/llama-3.1-8b-instruct"], "ignored_providers": ["groq", "novita", "deepinfra"] });
    let id = guardrail(&sandbox, lists).await;
    manage(&sandbox, "POST", &format!("/guardrails/{id}/assignments/keys"), json!({ "key_hashes": [hash] }))
        .await;
    for (fields, status, words) in [
        (json!({ "model": "openai/gpt-4" }), 403, "openai/gpt-4 is not allowed by your guardrail"),
        (json!({ "model": "openai/gpt-4o-mini:floor" }), 200, "openai/gpt-4o-mini"),
        (
            json!({ "models": ["openai/gpt-4", "openai/gpt-4o-mini"], "model": null }),
            200,
            "\"model\":\"openai/gpt-4o-mini\"",
        ),
        (
            json!({ "model": "meta-llama/llama-3.1-8b-instruct", "provider": { "only": ["groq"] } }),
            403,
            "every provider of the model is not allowed",
        ),
    ] {
        let mut fields = fields;
        fields["max_tokens"] = json!(5);
        let answer = chat_as(&sandbox, &key, &body(fields)).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains(words), "{}", answer.text());
    }
    for seed in 0..20 {
        let fields = json!({ "model": "meta-llama/llama-3.1-8b-instruct", "max_tokens": 5, "seed": seed });
        let provider = text(&chat_as(&sandbox, &key, &body(fields)).await.json()["provider"]);
        assert!(!["Groq", "Novita", "DeepInfra"].contains(&provider.as_str()), "{provider}");
    }
    let own = ask(&sandbox, "GET", "/api/v1/models/user", &key, None).await.json();
    let ids: Vec<String> = own["data"].as_array().expect("rows").iter().map(|row| text(&row["id"])).collect();
    assert!(
        ids.contains(&"openai/gpt-4o-mini".to_owned())
            && ids.iter().all(|id| id.contains("gpt-4o-mini") || id.contains("llama-3.1-8b")),
        "{ids:?}"
    );
    assert_eq!(own["total_count"], ids.len());
    let others = ask(&sandbox, "GET", "/api/v1/models/user", "another", None).await.json();
    assert!(count(&others["data"]) > ids.len());
    sandbox.stop().await;
}

#[tokio::test]
async fn workspace_budgets() {
    let sandbox = start(exact()).await;
    noon(&sandbox).await;
    let made =
        data(&sandbox, "POST", "/workspaces", json!({ "name": "Production", "slug": "prod" }), 201).await;
    let id = text(&made["id"]);
    assert_eq!(data(&sandbox, "GET", "/workspaces/prod", json!(null), 200).await, made);
    for bad in [json!({}), json!({ "name": "x", "slug": "Bad Slug" }), json!({ "name": "x", "slug": "prod" })]
    {
        assert_eq!(manage(&sandbox, "POST", "/workspaces", bad).await.status, 400);
    }
    let budgets = "/workspaces/prod/budgets";
    let empty = manage(&sandbox, "GET", budgets, json!(null)).await;
    assert_eq!(empty.json(), json!({ "data": [], "include_byok_in_budgets": false }));
    for (interval, body, status) in [
        ("monthly", json!({ "limit_usd": 500, "include_byok_in_budgets": true }), 200),
        ("weekly", json!({ "limit_usd": 500 }), 400),
        ("weekly", json!({ "limit_usd": 499.99 }), 200),
        ("lifetime", json!({ "limit_usd": 500 }), 400),
        ("lifetime", json!({ "limit_usd": 500.01 }), 200),
        ("daily", json!({ "limit_usd": 0 }), 400),
        ("daily", json!({ "limit_usd": -1 }), 400),
        ("daily", json!({}), 400),
        ("hourly", json!({ "limit_usd": 1 }), 400),
        ("monthly", json!({ "limit_usd": 400 }), 400),
    ] {
        let answer = manage(&sandbox, "PUT", &format!("{budgets}/{interval}"), body.clone()).await;
        assert_eq!(answer.status, status, "{interval} {body}: {}", answer.text());
    }
    assert_eq!(manage(&sandbox, "GET", "/workspaces/nowhere/budgets", json!(null)).await.status, 404);
    assert_eq!(manage(&sandbox, "GET", &format!("{budgets}/daily"), json!(null)).await.status, 404);
    let listed = manage(&sandbox, "GET", &format!("/workspaces/{id}/budgets"), json!(null)).await.json();
    let intervals: Vec<&Value> =
        listed["data"].as_array().expect("rows").iter().map(|row| &row["reset_interval"]).collect();
    assert_eq!(intervals, [&json!(null), &json!("monthly"), &json!("weekly")]);
    assert_eq!(
        (&listed["include_byok_in_budgets"], &listed["data"][0]["workspace_id"]),
        (&json!(true), &json!(id))
    );
    for _ in 0..2 {
        let gone = manage(&sandbox, "DELETE", &format!("{budgets}/lifetime"), json!(null)).await;
        assert_eq!((gone.status, gone.json()), (200, json!({ "deleted": true })), "as often as one likes");
    }

    // Two windows spent: the broader one is named. Elsewhere it does not count.
    let (_, inside) = key(&sandbox, json!({ "workspace_id": id })).await;
    let (_, outside) = key(&sandbox, json!({})).await;
    manage(&sandbox, "PUT", &format!("{budgets}/weekly"), json!({ "limit_usd": 0.0017 })).await;
    manage(&sandbox, "PUT", &format!("{budgets}/daily"), json!({ "limit_usd": 0.0016 })).await;
    assert_eq!(spend(&sandbox, &inside).await.status, 200);
    assert_eq!(spend(&sandbox, &inside).await.status, 200, "an overshoot: what is left is not looked at");
    let refused = spend(&sandbox, &inside).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    let error = refused.json()["error"].clone();
    assert_eq!(error["message"], "Workspace weekly budget of $0.00 exceeded. Contact your org admin.");
    assert_eq!(
        (&error["metadata"]["limit_source"], &error["metadata"]["scope"]),
        (&json!("openrouter_workspace_budget"), &json!("workspace"))
    );
    assert_eq!(spend(&sandbox, &outside).await.status, 200);
    let about = ask(&sandbox, "GET", "/api/v1/key", &inside, None).await.json()["data"].clone();
    assert_eq!((count(&about["budgets"]), &about["workspace_id"]), (3, &json!(id)));
    assert_eq!(about["effective_budget"]["reset_interval"], "weekly");
    assert!(about["budgets"][0]["budget_id"].is_string() && about["budgets"][0]["guardrail_id"].is_null());

    // A key that moves is listed elsewhere, with the same secret.
    let (hash, moving) = key(&sandbox, json!({})).await;
    data(&sandbox, "PATCH", &format!("/keys/{hash}"), json!({ "workspace_id": id }), 200).await;
    assert_eq!(spend(&sandbox, &moving).await.status, 403);
    assert_eq!(count(&data(&sandbox, "GET", &format!("/keys?workspace_id={id}"), json!(null), 200).await), 2);
    assert_eq!(manage(&sandbox, "GET", "/keys?workspace_id=nowhere", json!(null)).await.status, 404);
    sandbox.stop().await;
}

#[tokio::test]
async fn activity_adds_up() {
    let sandbox = start(Config { exponents: 0.0, ..Config::default() }).await;
    let noon = noon(&sandbox).await;
    let (hash, own) = key(&sandbox, json!({})).await;
    for seed in 0..12 {
        let fields = json!({ "model": "meta-llama/llama-3.1-8b-instruct", "max_tokens": 40, "seed": seed });
        assert_eq!(
            chat_as(&sandbox, if seed < 4 { &own } else { "another" }, &body(fields)).await.status,
            200
        );
    }
    let first = settled(&sandbox).await;
    assert_eq!(count(&data(&sandbox, "GET", "/activity", json!(null), 200).await), 0, "today is not in it");
    clock(&sandbox, noon + DAY_MS).await;
    let chat = body(json!({ "max_tokens": 40 }));
    assert_eq!(chat_as(&sandbox, &own, &chat).await.status, 200);
    settled(&sandbox).await;
    let rows = data(&sandbox, "GET", "/activity", json!(null), 200).await;
    let rows = rows.as_array().expect("rows");
    assert!(rows.len() > 1, "several endpoints: {rows:?}");
    let sum = |field: &str| rows.iter().map(|row| row[field].as_u64().expect(field)).sum::<u64>();
    assert_eq!(sum("requests"), 12);
    assert!(sum("prompt_tokens") > 12 && sum("completion_tokens") >= 12);
    for row in rows {
        assert_eq!(row["model"], "meta-llama/llama-3.1-8b-instruct");
        assert!(
            row["endpoint_id"].is_string()
                && row["provider_name"].is_string()
                && row.get("workspace_id").is_none()
        );
    }
    // In units of 1e-9 dollars: this model has no finer prices.
    let nano = |amount: f64| (amount * 1e9).round() as i64;
    let used: f64 = rows.iter().map(|row| row["usage"].as_f64().expect("a number")).sum();
    assert_eq!(nano(used), nano(first.total.parse().expect("a number")));
    let date = text(&rows[0]["date"]);
    for (query, requests) in [
        (format!("?date={date}"), 12),
        (format!("?api_key_hash={hash}"), 4),
        (format!("?date={date}&api_key_hash={hash}"), 4),
        ("?user_id=nobody".to_owned(), 0),
        ("?group_by=workspace".to_owned(), 12),
    ] {
        let rows = data(&sandbox, "GET", &format!("/activity{query}"), json!(null), 200).await;
        let sum: u64 =
            rows.as_array().expect("rows").iter().map(|row| row["requests"].as_u64().expect("n")).sum();
        assert_eq!(sum, requests, "{query}");
    }
    let grouped = data(&sandbox, "GET", "/activity?group_by=workspace", json!(null), 200).await;
    assert!(grouped[0]["workspace_id"].is_string());
    for bad in ["?date=yesterday", "?date=2020-01-01", "?group_by=model"] {
        assert_eq!(
            manage(&sandbox, "GET", &format!("/activity{bad}"), json!(null)).await.status,
            400,
            "{bad}"
        );
    }
    clock(&sandbox, noon + 31 * DAY_MS).await;
    let rows = data(&sandbox, "GET", "/activity", json!(null), 200).await;
    assert_eq!((count(&rows), &rows[0]["requests"]), (1, &json!(1)), "thirty days are told");
    sandbox.stop().await;
}
