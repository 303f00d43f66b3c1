//! `farebox generation`: against the sandbox, and through a gateway with its books.

use serde_json::Value;

use crate::gateway::Serving;
use crate::program::{farebox, golden};
use crate::sandbox::{KEY, Sandbox, Story, complete};

const ASKED: [(&str, &str); 1] = [("OPENROUTER_API_KEY", KEY)];

#[test]
fn pages() {
    let sandbox = Sandbox::start();
    let id = sandbox.complete(KEY, 4_000);
    let mut story = Story::of(&sandbox);
    story.tell("found", &["generation", &id], &ASKED);
    story.tell("json", &["generation", &id, "--json"], &ASKED);
    story.tell("narrow", &["generation", &id], &[ASKED[0], ("COLUMNS", "40")]);
    story.tell("colour", &["generation", &id], &[ASKED[0], ("FORCE_COLOR", "1")]);
    story.tell("never", &["generation", "gen-1795428000-AbCdEfGhIjKlMnOpQrSt", "--wait", "1s"], &ASKED);
    story.tell("not an id", &["generation", "gen 1"], &ASKED);
    story.tell("not a wait", &["generation", "gen-1", "--wait", "long"], &ASKED);
    story.tell("no key", &["generation", &id], &[]);
    story.tell("wrong key", &["generation", &id], &[("OPENROUTER_API_KEY", "sk-or-v1-nobodys")]);
    story.tell("unreachable", &["generation", &id, "--upstream", "http://127.0.0.1:1/api/v1"], &ASKED);
    story.tell("no console", &["generation", &id, "--console", "127.0.0.1:1"], &ASKED);
    golden("generation.txt", &story.text());
}

#[test]
fn it_waits_for_one_that_is_late() {
    let sandbox = Sandbox::with("generation_delay = [1200, 1200]");
    let id = sandbox.complete(KEY, 10);
    let told = sandbox.run(&["generation", &id, "--json", "--wait", "1m"], &ASKED);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&told["known"], &told["tokens"]["completion"]), (&true.into(), &10.into()));
}

#[test]
fn the_books_say_the_same_while_the_gateway_runs_and_after() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("books");
    let gateway = Serving::start(home.path(), &data, &["--budget", "1/lifetime"]);
    let base = format!("http://{}/api/v1", gateway.listen);
    let id = complete(&base, KEY, 4_000);
    let ask = |more: &[&str]| -> Value {
        let output = farebox(home.path())
            .args(["generation", &id, "--json", "--upstream", &base])
            .args(more)
            .env("OPENROUTER_API_KEY", "sk-or-v1-any")
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
            panic!("{} {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        })
    };
    let folder = data.to_str().unwrap();
    let live = ask(&["--data", folder]);
    assert_eq!((&live["drift_usd"], &live["books"]["state"]), (&"0.000000000".into(), &"settled".into()));
    assert_eq!(
        (&live["books"]["cost_usd"], &live["books"]["evidence"]),
        (&live["cost_usd"], &"usage".into())
    );
    assert_eq!(live["books"]["budgets"][0]["name"], "lifetime");
    assert_eq!(ask(&["--console", &gateway.console])["books"], live["books"]);
    assert_eq!(gateway.stop(), Some(0));
    let sandbox_is_gone = farebox(home.path())
        .args(["generation", &id, "--json", "--upstream", &base, "--data", folder, "--wait", "0s"])
        .env("OPENROUTER_API_KEY", "sk-or-v1-any")
        .output()
        .unwrap();
    assert_eq!(sandbox_is_gone.status.code(), Some(5));
    let told: Value = serde_json::from_slice(&sandbox_is_gone.stdout).unwrap();
    assert_eq!((&told["known"], &told["books"]), (&false.into(), &live["books"]), "from the folder");
}
