//! Keys, guardrails, workspaces: passed on with the caller's own management key, and with no other.

use crate::support::upstream::reply;
use crate::support::{House, KEY};

const MANAGEMENT: &str = "sk-or-v1-management";

fn call(method: &str, path: &str, bearer: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {bearer}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn administration_goes_on_with_the_callers_key_as_it_came() {
    let house = House::new().await;
    for (method, path, arrives, body) in [
        ("GET", "/api/v1/keys?offset=100", "/api/v1/keys?offset=100", ""),
        ("POST", "/v1/keys", "/api/v1/keys", r#"{"name": "backend-prod", "limit": 50.0}"#),
        ("PATCH", "/api/v1/keys/ab12", "/api/v1/keys/ab12", r#"{"limit":75}"#),
        ("DELETE", "/api/v1/keys/ab12", "/api/v1/keys/ab12", ""),
        ("POST", "/v1/guardrails/g/assignments/keys", "/api/v1/guardrails/g/assignments/keys", "{}"),
        ("PUT", "/v1/workspaces/w/budgets/daily", "/api/v1/workspaces/w/budgets/daily", r#"{"limit_usd":5}"#),
        ("GET", "/v1/activity?date=2026-11-23", "/api/v1/activity?date=2026-11-23", ""),
        ("GET", "/v1/credits", "/api/v1/credits", ""),
    ] {
        let answer = house.client().await.ask(call(method, path, MANAGEMENT, body)).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
        let calls = house.upstream.calls(|call| call.target == arrives && call.method == method);
        let last = calls.last().expect("it arrived");
        assert_eq!(last.header("authorization"), Some("Bearer sk-or-v1-management"), "{path}");
        assert_eq!(last.body, body.as_bytes(), "{path}");
    }
    assert_eq!(house.counter("holds_admitted"), 0);
    house.end().await;
}

#[tokio::test]
async fn our_key_is_never_lent_for_it() {
    let house = House::new().await;
    for bearer in ["anything", "local", ""] {
        let answer = house.client().await.ask(call("GET", "/api/v1/keys", bearer, "")).await;
        assert_eq!((answer.status, answer.reason()), (401, "no-management-key"));
        assert!(answer.message().contains("https://openrouter.ai/settings/management-keys"));
    }
    assert_eq!(house.upstream.calls(|call| call.target.contains("/keys")).len(), 0);
    // What is left of the credits may be asked with any key: ours, where the caller has none.
    let answer = house.client().await.ask(call("GET", "/api/v1/credits", "anything", "")).await;
    assert_eq!(answer.status, 200);
    let calls = house.upstream.calls(|call| call.target.ends_with("/credits"));
    assert_eq!(calls[0].header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    house.end().await;
}

#[tokio::test]
async fn a_new_key_is_found_where_scripts_look_for_it() {
    let house = House::new().await;
    let made = r#"{"key":"sk-or-v1-new","data":{"hash":"h","name":"backend-prod","limit":50}}"#;
    house.upstream.reads(reply("201 Created", "", made));
    let answer = house.client().await.ask(call("POST", "/api/v1/keys", MANAGEMENT, "{}")).await;
    assert_eq!(answer.status, 201);
    let json: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!((&json["key"], &json["data"]["key"]), (&"sk-or-v1-new".into(), &"sk-or-v1-new".into()));
    // Any other answer is not touched.
    let wrong = r#"{"error":{"code":403,"message":"Only management keys can perform this operation"}}"#;
    house.upstream.reads(reply("403 Forbidden", "", wrong));
    let answer = house.client().await.ask(call("POST", "/api/v1/keys", MANAGEMENT, "{}")).await;
    assert_eq!((answer.status, answer.text().as_str()), (403, wrong));
    house.end().await;
}

#[tokio::test]
async fn a_new_key_whose_answer_breaks_off_may_exist() {
    let house = House::new().await;
    let torn =
        "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"key\":";
    house
        .upstream
        .reads(vec![crate::support::Step::Send(torn.as_bytes().to_vec()), crate::support::Step::Close]);
    let answer = house.client().await.ask(call("POST", "/api/v1/keys", MANAGEMENT, "{}")).await;
    assert_eq!(answer.status, 502);
    assert!(answer.message().contains("the key may have been made"), "{}", answer.message());
    house.end().await;
}
