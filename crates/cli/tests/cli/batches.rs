//! `estimate` of many requests in one file.

use std::path::Path;

use serde_json::Value;

use crate::gateway::Serving;
use crate::program::{farebox, told};

const ONE: &str =
    r#"{"model":"openai/gpt-4o-mini","max_tokens":100,"messages":[{"role":"user","content":"hello"}]}"#;
const OTHER: &str = r#"{"model":"anthropic/claude-haiku-4.5","max_tokens":50,"prompt":"hello"}"#;
const BLIND: &str = r#"{"model":"deepseek/deepseek-r1","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a/b.png"}}]}]}"#;

fn run(home: &Path, arguments: &[&str]) -> String {
    told(&farebox(home).args(["estimate", "--offline"]).args(arguments).output().unwrap(), home)
}

fn json(home: &Path, arguments: &[&str]) -> Value {
    let output = farebox(home).args(["estimate", "--offline", "--json"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", told(&output, home));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn dollars(value: &Value) -> u64 {
    value.as_str().unwrap().replace('.', "").parse().unwrap()
}

#[test]
fn lines_and_lists_are_the_sums_of_their_requests() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    write("one.json", ONE);
    write("other.json", OTHER);
    let wrapped =
        format!(r#"{{"custom_id":"job-7","method":"POST","url":"/v1/chat/completions","body":{OTHER}}}"#);
    write("batch.jsonl", &format!("{ONE}\n\n{wrapped}\n{ONE}\n"));
    write("batch.json", &format!("[{ONE},\n {wrapped}, {ONE}]"));
    let alone = |name: &str| json(home.path(), &["--body", name])["estimates"][0].clone();
    let (one, other) = (alone("one.json"), alone("other.json"));
    for (name, places) in [("batch.jsonl", [1, 3, 4]), ("batch.json", [1, 2, 3])] {
        let told = json(home.path(), &["--body", name]);
        let requests = told["requests"].as_array().unwrap();
        for (request, (expected, at)) in requests.iter().zip([&one, &other, &one].into_iter().zip(places)) {
            assert_eq!(request["at"], at);
            assert_eq!(request["worst_usd"], expected["worst_usd"]);
            assert_eq!(request["likely"], expected["likely"]);
        }
        assert_eq!((&requests[0]["custom_id"], &requests[1]["custom_id"]), (&Value::Null, &"job-7".into()));
        for sum in ["likely_usd", "worst_usd"] {
            assert_eq!(dollars(&told["total"][sum]), 2 * dollars(&one[sum]) + dollars(&other[sum]), "{sum}");
        }
        assert_eq!((&told["total"]["requests"], &told["total"]["estimated"]), (&3.into(), &3.into()));
    }
    let text = run(home.path(), &["--body", "batch.jsonl"]);
    assert!(text.contains("batch.jsonl: 3 requests\n") && text.contains("line 3 (job-7)"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("total  ")), "{text}");
    // One model for all of them.
    let told = json(home.path(), &["--body", "batch.json", "-m", "openai/gpt-4o"]);
    assert!(told["requests"].as_array().unwrap().iter().all(|request| request["model"] == "openai/gpt-4o"));
}

#[test]
fn what_cannot_be_estimated_is_in_no_sum() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    let router = ONE.replace("openai/gpt-4o-mini", "openrouter/auto");
    write("batch.jsonl", &format!("{ONE}\n{router}\n{BLIND}\n{{broken\n"));
    write("one.json", ONE);
    write("none.jsonl", &format!("{router}\n{router}\n"));
    let told = json(home.path(), &["--body", "batch.jsonl"]);
    let total = &told["total"];
    assert_eq!(
        (&total["estimated"], &total["with_obstacle"], &total["failed"]),
        (&1.into(), &1.into(), &2.into())
    );
    let one = json(home.path(), &["--body", "one.json"])["estimates"][0].clone();
    assert_eq!(total["worst_usd"], one["worst_usd"]);
    let text = run(home.path(), &["--body", "batch.jsonl"]);
    assert!(text.starts_with("exit code 0\n"), "{text}");
    for line in [
        "1 of 4 would not be done as asked, and are in no sum:\n",
        "  line 3: OpenRouter would refuse deepseek/deepseek-r1, and bill nothing: it does not read images.\n",
        "2 of 4 cannot be estimated, and are in no sum:\n",
        "  line 4: the body is not valid JSON",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    // Where there is nothing else, it is an error, as for one.
    let none = run(home.path(), &["--body", "none.jsonl"]);
    assert!(none.starts_with("exit code 1\n--- stderr\n"), "{none}");
    assert!(none.contains("error: none.jsonl, line 1: 'openrouter/auto' picks a model"), "{none}");
}

#[test]
fn many_are_told_by_their_models_and_by_what_budgets_have_left() {
    let home = tempfile::tempdir().unwrap();
    let batch: String = (0..300).map(|_| format!("{ONE}\n{OTHER}\n")).collect();
    std::fs::write(home.path().join("batch.jsonl"), batch).unwrap();
    let text = run(home.path(), &["--body", "batch.jsonl"]);
    assert!(text.contains("batch.jsonl: 600 requests\n") && !text.contains("line 1"), "{text}");
    for (model, requests) in
        [("openai/gpt-4o-mini", "300"), ("anthropic/claude-haiku-4.5", "300"), ("total", "600")]
    {
        let line = text.lines().find(|line| line.starts_with(&format!("{model} "))).unwrap_or_default();
        assert!(line.split_whitespace().nth(1) == Some(requests), "{text}");
    }
    let gateway = Serving::start(home.path(), &home.path().join("books"), &["--budget", "0.01/lifetime"]);
    let text = run(home.path(), &["--body", "batch.jsonl", "--data", "books"]);
    assert!(text.contains("Budget lifetime has $0.0100 left: not even its likely cost fits.\n"), "{text}");
    let told = json(home.path(), &["--body", "batch.jsonl", "--data", "books"]);
    assert_eq!((&told["limits"][0]["name"], &told["limits"][0]["fits"]), (&"lifetime".into(), &false.into()));
    assert_eq!(gateway.stop(), Some(0));
}
