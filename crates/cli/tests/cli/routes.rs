//! Routes and stand-ins through the real binary: what a call says, what `explain` and `routes list` make of it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::gateway::Serving;
use crate::pictures::pictures;
use crate::program::{farebox, golden};

const CONFIG: &str = r#"
[[budget]]
name      = "all"
limit     = "0.10"
window    = "lifetime"
fallbacks = ["openai/gpt-4o-mini:floor", "free"]

[routes]
"task/classification"  = "openai/gpt-4o-mini:floor"
"task/summarization"   = ["anthropic/claude-haiku-4.5", "openai/gpt-4o-mini"]
"task/code_generation" = { models = ["openai/gpt-4o-mini"], instead_of = "openai/gpt-4o" }
"task/simple_qa"       = "meta-llama/llama-3.1-8b-instruct"
"#;

fn call(model: &str, cap: u32) -> String {
    format!(
        r#"{{"model":"{model}","max_tokens":{cap},"messages":[{{"role":"user","content":"say hello"}}]}}"#
    )
}

/// Savings are written with the next shipping, a quarter of a second later at most.
fn await_savings(home: &Path, calls: u64) {
    let since = Instant::now();
    loop {
        let listed =
            farebox(home).args(["routes", "list", "--data", "books", "--json"]).output().unwrap().stdout;
        let rows: Value = serde_json::from_slice(&listed).unwrap();
        let told = rows.as_array().unwrap().iter().filter_map(|row| row["calls"].as_u64()).sum::<u64>();
        if told == calls {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{rows}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn of_routes() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("books");
    std::fs::write(home.path().join("routes.toml"), CONFIG).unwrap();
    let gateway = Serving::start(home.path(), &data, &["--config", "routes.toml"]);
    for model in ["task/classification", "task/code_generation", "task/code_generation", "task/simple_qa"] {
        let (status, answer) = gateway.ask(&call(model, 256));
        assert_eq!(status, 200, "{answer}");
    }
    let (status, answer) = gateway.ask(&call("task/nothing", 256));
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let message = answer["error"]["message"].as_str().unwrap();
    assert_eq!(status, 400);
    assert!(
        message.ends_with("task/classification, task/code_generation, task/simple_qa, task/summarization"),
        "{message}"
    );
    // More than the budget has: the stand-in answers.
    let (status, answer) = gateway.ask(&call("anthropic/claude-opus-4.5", 64_000));
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert!(answer["model"].as_str().unwrap().starts_with("openai/gpt-4o-mini"), "{answer}");
    let mut all = pictures(home.path(), &["explain", "last", "--data", "books"]);
    await_savings(home.path(), 4);
    let running = pictures(home.path(), &["routes", "list", "--data", "books"]);
    assert_eq!(gateway.stop(), Some(0));
    let stopped = pictures(home.path(), &["routes", "list", "--data", "books", "--config", "routes.toml"]);
    assert_eq!(stopped.replace(" --config routes.toml", ""), running, "the same when the gateway is down");
    all += &running;
    golden("routes-pictures.txt", &without_days(&all));
}

/// Without the days on which the calls were made.
fn without_days(text: &str) -> String {
    let mut pieces = text.split("\"day\": \"");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |all, piece| all + "\"day\": \"TODAY" + &piece["2026-11-24".len()..])
}
