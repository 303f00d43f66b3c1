//! The error table of docs/reference/errors.md: each way for money to say no, told apart in our words, with the way on.

use money::Nano;

use crate::support::upstream::{answer, reply};
use crate::support::{House, Setup, asking, chat};

struct Row {
    status: &'static str,
    body: &'static str,
    model: &'static str,
    source: &'static str,
    /// Words of its sentence, the last of them the way on.
    says: &'static [&'static str],
}

const PLAIN: &str = "test/plain";

const ROWS: [Row; 11] = [
    Row {
        status: "402 Payment Required",
        body: r#"{"error":{"code":402,"message":"Insufficient credits. Add more using https://openrouter.ai/settings/credits","metadata":{"limit_source":"openrouter_credits"}}}"#,
        model: PLAIN,
        source: "openrouter-credits",
        says: &[
            "the credits of the OpenRouter account are used up",
            "https://openrouter.ai/settings/credits",
            "':free'",
            "farebox balance",
        ],
    },
    Row {
        status: "402 Payment Required",
        body: r#"{"error":{"code":402,"message":"Insufficient credits."}}"#,
        model: "test/large:free",
        source: "openrouter-credits",
        says: &[
            "below zero, which blocks free models too",
            "Top up at https://openrouter.ai/settings/credits",
        ],
    },
    Row {
        status: "402 Payment Required",
        body: r#"{"error":{"code":402,"message":"This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 1234.","metadata":{"limit_source":"openrouter_credits"}}}"#,
        model: PLAIN,
        source: "openrouter-credits",
        says: &["too few for an answer of this length", "With max_tokens 1234 it would fit", "Top up"],
    },
    Row {
        // The tokens read like a status code, so the number is left out.
        status: "402 Payment Required",
        body: r#"{"error":{"code":402,"message":"You requested up to 65536 tokens, but can only afford 1500.","metadata":{"limit_source":"openrouter_credits"}}}"#,
        model: PLAIN,
        source: "openrouter-credits",
        says: &["too few for an answer of this length", "farebox balance"],
    },
    Row {
        status: "402 Payment Required",
        body: r#"{"error":{"code":402,"message":"fewer max_tokens, but can only afford 12. visit https://openrouter.ai/settings/keys and adjust the key's daily limit","metadata":{"limit_source":"openrouter_key_limit"}}}"#,
        model: PLAIN,
        source: "openrouter-key-limit",
        says: &["the limit of the OpenRouter key leaves too little", "farebox keys update"],
    },
    Row {
        status: "403 Forbidden",
        body: r#"{"error":{"code":403,"message":"Key limit exceeded (daily limit). Manage it using https://openrouter.ai/settings/keys","metadata":{"limit_source":"openrouter_key_limit","resets_at":"2026-11-24T00:00:00Z"}}}"#,
        model: PLAIN,
        source: "openrouter-key-limit",
        says: &[
            "the limit of the OpenRouter key is reached",
            "It opens again at 2026-11-24T00:00:00Z",
            "farebox keys update",
            "https://openrouter.ai/settings/keys",
        ],
    },
    Row {
        status: "403 Forbidden",
        body: r#"{"error":{"code":403,"message":"x","metadata":{"limit_source":"openrouter_guardrail_budget"}}}"#,
        model: PLAIN,
        source: "openrouter-guardrail",
        says: &["the budget of an OpenRouter guardrail is reached", "farebox guardrails list"],
    },
    Row {
        status: "403 Forbidden",
        body: r#"{"error":{"code":403,"message":"Workspace monthly budget of $500.00 exceeded. Contact your org admin."}}"#,
        model: PLAIN,
        source: "openrouter-workspace",
        says: &["the budget of the OpenRouter workspace is reached", "farebox workspaces"],
    },
    Row {
        status: "429 Too Many Requests",
        body: r#"{"error":{"code":429,"message":"Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day"}}"#,
        model: "test/large:free",
        source: "openrouter-free-tier",
        says: &[
            "the free requests of the OpenRouter account are used up for today",
            "midnight UTC",
            "without ':free'",
        ],
    },
    Row {
        status: "402 Payment Required",
        body: r#"{"error":{"code":402,"message":"x","metadata":{"limit_source":"openrouter_in_flight_budget","reason":"weight_exceeds_budget"}}}"#,
        model: PLAIN,
        source: "openrouter-call-too-large",
        says: &[
            "this call alone is larger than what OpenRouter lets the account have under way",
            "smaller max_tokens",
        ],
    },
    Row {
        status: "402 Payment Required",
        body: r#"{"error":{"code":402,"message":"x","metadata":{"limit_source":"openrouter_moon"}}}"#,
        model: PLAIN,
        source: "openrouter-other",
        says: &["OpenRouter has no money for this request"],
    },
];

#[tokio::test]
async fn each_no_of_openrouter_is_told_apart() {
    let house = House::new().await;
    for row in &ROWS {
        house.upstream.next(reply(row.status, "x-generation-id: gen-m\r\nretry-after: 9\r\n", row.body));
        let answer = house.chat(&asking(row.model, "")).await;
        let text = answer.text();
        assert_eq!((answer.status, answer.reason()), (402, row.source), "{text}");
        assert_eq!((answer.header("x-should-retry"), answer.header("retry-after")), (Some("false"), None));
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(json["error"]["metadata"]["limit_source"], row.source);
        assert_eq!(json["error"]["type"], "insufficient_quota");
        for words in row.says.iter().chain(&["Insufficient credits", "not a Farebox budget"]) {
            assert!(text.contains(words), "'{words}' in {text}");
        }
        assert_no_client_repeats(&text);
    }
    let passing = r#"{"error":{"code":402,"message":"x","metadata":{"limit_source":"openrouter_in_flight_budget","reason":"in_flight_budget_exhausted"}}}"#;
    let answer = house.chat_by(reply("402 Payment Required", "", passing), &chat("")).await;
    assert_eq!(
        (answer.status, answer.reason(), answer.header("retry-after")),
        (503, "openrouter-in-flight", Some("2"))
    );
    // A limit of a minute passes by itself and goes through as it came.
    let minute = r#"{"error":{"code":429,"message":"Rate limit exceeded: free-models-per-min."}}"#;
    let answer =
        house.chat_by(reply("429 Too Many Requests", "", minute), &asking("test/large:free", "")).await;
    assert_eq!((answer.status, answer.text().as_str()), (429, minute));
    assert_eq!(house.counter("holds_admitted"), house.counter("holds_voided"));
    house.settles_at(0).await;
    house.end().await;
}

/// What makes some client repeat a refused request (CLIENTS.md 1.2).
fn assert_no_client_repeats(text: &str) {
    let lower = text.to_lowercase();
    for denied in [
        "429",
        "500",
        "502",
        "503",
        "504",
        "520",
        "529",
        "retry",
        "try again",
        "rate limit",
        "exhausted",
        "timeout",
        "context",
        "overloaded",
        "unavailable",
        "capacity",
        "connection",
        "network",
        "maximum",
    ] {
        assert!(!lower.contains(denied), "'{denied}' in {text}");
    }
}

#[tokio::test]
async fn our_own_no_says_what_would_fit() {
    let house = Setup::new().limit(Nano::from_cents(1)).open().await;
    let refused = house.chat(&chat("")).await;
    assert_eq!((refused.status, refused.reason()), (402, "used-up"));
    let text = refused.text();
    assert!(text.contains("budget 'all' allows $0.01") && text.contains("With max_tokens"), "{text}");
    assert!(text.contains("and so would test/cheap"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["error"]["metadata"]["would_fit"], serde_json::json!(["test/cheap", "test/small:free"]));
    let told = house.gateway.explanations(1).remove(0);
    assert_eq!(told["would_fit"][0]["model"], "test/cheap");
    // What is said to fit fits.
    let cap = told["would_fit"][0]["output_cap"].as_u64().expect("a cap");
    house.upstream.next(answer("gen-fit", "0"));
    let fits = house.chat(&asking("test/cheap", &format!(r#","max_tokens":{}"#, cap - 32))).await;
    assert_eq!((fits.status, fits.header("x-farebox-clamped")), (200, None), "{}", fits.text());
    assert_no_client_repeats(&text);
    house.settles_at(0).await;
    house.end().await;
}
