//! `farebox balance`, against the sandbox.

use money::Nano;
use serde_json::{Value, json};

use crate::program::golden;
use crate::sandbox::{KEY, LIFETIME_KEY, MANAGEMENT_KEY, Sandbox, Story, TIMELESS_KEY};

const BOTH: [(&str, &str); 2] = [("OPENROUTER_API_KEY", KEY), ("OPENROUTER_MANAGEMENT_KEY", MANAGEMENT_KEY)];

#[test]
fn pages() {
    let sandbox = Sandbox::start();
    sandbox.complete(KEY, 4_000);
    sandbox.complete(LIFETIME_KEY, 4_000);
    let mut story = Story::of(&sandbox);
    story.tell("both keys", &["balance"], &BOTH);
    let narrow = [
        ("OPENROUTER_API_KEY", TIMELESS_KEY),
        ("OPENROUTER_MANAGEMENT_KEY", MANAGEMENT_KEY),
        ("COLUMNS", "48"),
    ];
    story.tell("narrow", &["balance"], &narrow);
    story.tell("colour", &["balance"], &[BOTH[0], BOTH[1], ("FORCE_COLOR", "1")]);
    story.tell("a lifetime's limit", &["balance"], &[("OPENROUTER_API_KEY", LIFETIME_KEY)]);
    story.tell("management key alone", &["balance"], &[("OPENROUTER_MANAGEMENT_KEY", MANAGEMENT_KEY)]);
    story.tell("management key as the key", &["balance"], &[("OPENROUTER_API_KEY", MANAGEMENT_KEY)]);
    story.tell("ordinary key as management key", &["balance"], &[("OPENROUTER_PROVISIONING_KEY", KEY)]);
    story.tell("no key", &["balance"], &[]);
    story.tell("wrong key", &["balance"], &[("OPENROUTER_API_KEY", "sk-or-v1-nobodys")]);
    story.tell(
        "wrong management key",
        &["balance"],
        &[("OPENROUTER_API_KEY", KEY), ("OPENROUTER_MANAGEMENT_KEY", "sk-or-v1-nobodys")],
    );
    story.tell("unreachable", &["balance", "--upstream", "http://127.0.0.1:1/api/v1"], &BOTH);
    story.tell("not a URL", &["balance", "--upstream", "openrouter.ai"], &BOTH);
    golden("balance.txt", &story.text());
}

#[test]
fn the_numbers_are_exact() {
    let sandbox = Sandbox::start();
    let id = sandbox.complete(KEY, 4_000);
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_slice(&sandbox.run(arguments, &BOTH).stdout).unwrap()
    };
    let cost = json(&["generation", &id, "--json"])["cost_usd"].clone();
    let cost = Nano::parse_ceil(cost.as_str().unwrap()).unwrap();
    let told = json(&["balance", "--json"]);
    let less_cost = |dollars| Nano::from_cents(100 * dollars).checked_sub(cost).unwrap().to_string();
    let key = &told["key"];
    assert_eq!((&key["limit_usd"], &key["label"]), (&"30.000000000".into(), &"sk-or-v1-111...111".into()));
    assert_eq!(key["window_spent_usd"], cost.to_string());
    assert_eq!(key["limit_remaining_usd"], less_cost(30));
    assert_eq!(key["usage_usd"], cost.to_string());
    assert_eq!(told["credits"]["bought_usd"], "100.000000000");
    assert_eq!(told["credits"]["left_usd"], less_cost(100));
    assert_eq!(key["blocks_first"]["scope"], "key_limit");
    assert_eq!(told["books"], Value::Null, "there are none here");
    assert!(key["resets_at"].as_str().unwrap().ends_with("T00:00:00Z"));
}

#[test]
fn zeros_to_an_ordinary_key_are_not_believed() {
    let sandbox = Sandbox::start();
    let output = sandbox.run(&["balance", "--json"], &[("OPENROUTER_API_KEY", KEY)]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["credits"], json!({"status": "zeros-to-an-ordinary-key"}));
}

#[test]
fn of_before_the_layers_and_with_real_numbers_for_ordinary_keys() {
    let sandbox = Sandbox::with("key_budgets = false\nplain_credits = \"real\"");
    let output = sandbox.run(&["balance", "--json"], &[("OPENROUTER_API_KEY", KEY)]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["key"]["budgets"], &told["key"]["blocks_first"]), (&json!([]), &Value::Null));
    assert_eq!(told["credits"], json!({"status": "told-to-an-ordinary-key"}));
    let forbidden = Sandbox::with("plain_credits = \"forbidden\"");
    let output = forbidden.run(&["balance", "--json"], &[("OPENROUTER_API_KEY", KEY)]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["credits"], json!({"status": "needs-management-key"}));
}
