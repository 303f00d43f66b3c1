//! `/analytics/meta` and `/analytics/query`: who may ask, what is told, how much of it, and how late.

#[expect(dead_code, reason = "each test file uses a part")]
mod support;

use sandbox::{Config, DeclaredKey, Faults, Millis, Sandbox};
use serde_json::{Value, json};
use support::{Answer, MANAGEMENT, ask, body, chat_as, clock, get, start};

const QUERY: &str = "/api/v1/analytics/query";

async fn query(sandbox: &Sandbox, fields: Value) -> Answer {
    let mut body = json!({ "metrics": ["total_usage", "request_count"] });
    for (name, value) in fields.as_object().expect("fields") {
        body[name] = value.clone();
    }
    ask(sandbox, "POST", QUERY, MANAGEMENT, Some(&body)).await
}

async fn rows(sandbox: &Sandbox, fields: Value) -> Vec<Value> {
    let answer = query(sandbox, fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["data"]["data"].as_array().cloned().expect("rows")
}

async fn hash(sandbox: &Sandbox, name: &str) -> String {
    let keys = get(sandbox, "/sandbox/keys").await.json()["keys"].clone();
    let key = keys.as_array().and_then(|keys| keys.iter().find(|key| key["name"] == name));
    key.expect("the key")["hash"].as_str().expect("a hash").to_owned()
}

fn count(row: &Value) -> u64 {
    let count = &row["request_count"];
    count.as_u64().or_else(|| count.as_str()?.parse().ok()).unwrap_or_else(|| panic!("no count: {row}"))
}

#[tokio::test]
async fn who_may_ask_and_what() {
    let sandbox = start(Config::default()).await;
    let any = json!({ "metrics": ["request_count"] });
    assert_eq!(ask(&sandbox, "POST", QUERY, "", Some(&any)).await.status, 401);
    assert_eq!(ask(&sandbox, "POST", QUERY, "sk-or-v1-plain", Some(&any)).await.status, 403);
    assert_eq!(ask(&sandbox, "GET", "/api/v1/analytics/meta", "sk-or-v1-plain", None).await.status, 403);
    let meta = ask(&sandbox, "GET", "/api/v1/analytics/meta", MANAGEMENT, None).await.json();
    let names = |list: &str| {
        let rows = meta["data"][list].as_array().cloned().expect(list);
        rows.iter().map(|row| row["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert!(names("dimensions").contains(&"generation_id".to_owned()));
    assert!(names("metrics").contains(&"total_usage".to_owned()));
    assert_eq!(names("operators").len(), 8);
    let three = json!({ "dimensions": ["model", "provider", "workspace"] });
    assert_eq!(query(&sandbox, three).await.status, 400);
    let long = json!({ "time_range": { "start": "2026-10-01T00:00:00Z", "end": "2026-11-02T00:00:00Z" } });
    assert_eq!(query(&sandbox, long).await.status, 400);
    sandbox.stop().await;
}

#[tokio::test]
async fn single_generations_of_a_key() {
    let faults = Faults { generation_lost: 1.0, ..Faults::default() };
    let (name, key) = ("team-a".to_owned(), "sk-or-v1-aaaaaaaa".to_owned());
    let keys = vec![DeclaredKey { name, key, ..DeclaredKey::default() }];
    let sandbox = start(Config { faults, keys, ..Config::default() }).await;
    for turn in 0..12 {
        let key = if turn % 3 == 0 { "sk-or-v1-aaaaaaaa" } else { "sk-or-v1-bbbbbbbb" };
        chat_as(&sandbox, key, &body(json!({ "user": turn.to_string() }))).await;
    }
    let all = get(&sandbox, "/sandbox/generations").await.json()["data"].clone();
    let by_id = json!({ "dimensions": ["generation_id", "model"], "granularity": "minute" });
    let told = rows(&sandbox, by_id.clone()).await;
    assert_eq!(told.len(), 12);
    for row in all.as_array().expect("rows") {
        let own = told.iter().find(|own| own["generation_id"] == row["id"]).expect("a lost one, too");
        assert_eq!(count(own), 1);
        assert!(own["created_at__minute"].as_str().is_some_and(|at| at.ends_with(":00.000Z")), "{own}");
        let usage = own["total_usage"].as_f64().expect("a number");
        let cost: f64 = row["cost_usd"].as_str().expect("a cost").parse().expect("a number");
        assert!((usage - cost).abs() < 1e-12, "{usage} {cost}");
    }
    let texts = told.iter().filter(|row| row["request_count"].is_string()).count();
    assert!(texts > 0 && texts < 12, "counts come either way");

    let hash = hash(&sandbox, "team-a").await;
    let mut of_key = by_id.clone();
    of_key["filters"] = json!([{ "field": "api_key_id", "operator": "eq", "value": hash }]);
    assert_eq!(rows(&sandbox, of_key.clone()).await.len(), 4);

    of_key["limit"] = json!(3);
    let cut = query(&sandbox, of_key).await.json();
    assert_eq!(
        (&cut["data"]["metadata"]["truncated"], &cut["data"]["metadata"]["row_count"]),
        (&json!(true), &json!(3))
    );
    let whole = query(&sandbox, json!({ "dimensions": ["generation_id"], "limit": 12 })).await.json();
    assert_eq!(whole["data"]["metadata"]["truncated"], false);
    sandbox.stop().await;
}

#[tokio::test]
async fn sums_by_day_and_key() {
    let sandbox = start(Config { exponents: 0.0, ..Config::default() }).await;
    for turn in 0..5 {
        let key = if turn == 0 { "sk-or-v1-aaaaaaaa" } else { "sk-or-v1-bbbbbbbb" };
        chat_as(&sandbox, key, &body(json!({ "user": turn.to_string() }))).await;
    }
    let answer = query(&sandbox, json!({})).await;
    let total = sandbox.bill().total;
    assert!(answer.text().contains(&format!("\"total_usage\":{total}")), "every digit: {}", answer.text());
    let ordered = json!({ "dimensions": ["model"], "granularity": "day",
        "order_by": { "field": "request_count", "direction": "desc" } });
    let days = rows(&sandbox, ordered).await;
    assert_eq!((days.len(), count(&days[0])), (1, 5));
    assert!(days[0]["date__day"].is_string());
    let by_key = rows(&sandbox, json!({ "dimensions": ["api_key_id"] })).await;
    assert_eq!(by_key.iter().map(count).sum::<u64>(), 5);
    let past = json!({ "time_range": { "start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z" } });
    assert!(rows(&sandbox, past).await.is_empty());
    sandbox.stop().await;
}

#[tokio::test]
async fn told_as_late_as_the_counters() {
    let faults = Faults { corrected: 1.0, corrected_ms: 60_000, ..Faults::default() };
    let delay = Millis::new(0, 0);
    let sandbox =
        start(Config { counter_lag_ms: 30_000, faults, generation_delay: delay, ..Config::default() }).await;
    chat_as(&sandbox, "sk-or-v1-aaaaaaaa", &body(json!({ "max_tokens": 300 }))).await;
    let by_id = json!({ "dimensions": ["generation_id"] });
    assert!(rows(&sandbox, by_id.clone()).await.is_empty(), "not yet");
    clock(&sandbox, 31_000).await;
    let first = rows(&sandbox, by_id.clone()).await[0]["total_usage"].clone();
    clock(&sandbox, 61_000).await;
    assert_eq!(sandbox.bill().corrected, 1);
    assert_eq!(
        rows(&sandbox, by_id.clone()).await[0]["total_usage"],
        first,
        "the correction is not seen yet"
    );
    clock(&sandbox, 91_000).await;
    assert_ne!(rows(&sandbox, by_id).await[0]["total_usage"], first);
    sandbox.stop().await;
}
