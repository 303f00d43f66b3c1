//! `farebox guardrails` and `farebox workspaces`, against the sandbox.

use crate::program::golden;
use crate::sandbox::{KEY, MANAGEMENT_KEY, Sandbox, Story};

const ADMINISTRATOR: (&str, &str) = ("OPENROUTER_MANAGEMENT_KEY", MANAGEMENT_KEY);

#[test]
fn guardrails() {
    let sandbox = Sandbox::start();
    let mut story = Story::of(&sandbox);
    let mut ask = |name: &str, arguments: &[&str]| story.administer(name, arguments);
    ask("none yet", &["guardrails", "list"]);
    let models = "openai/gpt-4o-mini,anthropic/claude-haiku-4.5";
    ask("create", &["guardrails", "create", "eng", "--limit", "20", "--reset", "daily", "--models", models]);
    ask("create json", &["guardrails", "create", "cheap", "--providers", "openai", "--json"]);
    ask("limit without a window", &["guardrails", "create", "x", "--limit", "20"]);
    ask("limit for a lifetime", &["guardrails", "create", "x", "--limit", "20", "--reset", "never"]);
    ask("assign", &["guardrails", "assign", "eng", "--key", "backend-prod", "--key", "ci"]);
    ask("assign json", &["guardrails", "assign", "cheap", "--member", "user_a", "--json"]);
    ask("assign to a key that is not there", &["guardrails", "assign", "eng", "--key", "nobody"]);
    ask("assign to nobody", &["guardrails", "assign", "eng"]);
    ask("list", &["guardrails", "list"]);
    ask("list json", &["guardrails", "list", "--json"]);
    ask("show", &["guardrails", "show", "eng"]);
    ask("show json", &["guardrails", "show", "eng", "--json"]);
    ask("update", &["guardrails", "update", "eng", "--limit", "30", "--reset", "weekly", "--models", "all"]);
    ask("update to no budget", &["guardrails", "update", "eng", "--limit", "none"]);
    ask("update nothing", &["guardrails", "update", "eng"]);
    ask("unassign", &["guardrails", "unassign", "eng", "--key", "ci"]);
    ask("not there", &["guardrails", "show", "moon"]);
    ask("delete without a word", &["guardrails", "delete", "eng"]);
    ask("delete", &["guardrails", "delete", "eng", "--yes"]);
    ask("delete json", &["guardrails", "delete", "cheap", "--yes", "--json"]);
    ask("create for a narrow terminal", &["guardrails", "create", "narrow", "--models", models, "--json"]);
    story.tell("narrow", &["guardrails", "list"], &[ADMINISTRATOR, ("COLUMNS", "30")]);
    story.tell("colour", &["guardrails", "list"], &[ADMINISTRATOR, ("FORCE_COLOR", "1")]);
    story.tell("no key", &["guardrails", "list"], &[]);
    story.tell("ordinary key", &["guardrails", "list"], &[("OPENROUTER_MANAGEMENT_KEY", KEY)]);
    story.administer("unreachable", &["guardrails", "list", "--upstream", "http://127.0.0.1:1/api/v1"]);
    golden("guardrails.txt", &story.text());
}

#[test]
fn workspaces() {
    let sandbox = Sandbox::start();
    let mut story = Story::of(&sandbox);
    let mut ask = |name: &str, arguments: &[&str]| story.administer(name, arguments);
    ask("list", &["workspaces", "list"]);
    ask("list json", &["workspaces", "list", "--json"]);
    ask("no budgets", &["workspaces", "budgets", "show", "default"]);
    ask("set", &["workspaces", "budgets", "set", "default", "monthly", "500"]);
    ask(
        "set another",
        &["workspaces", "budgets", "set", "default", "daily", "50.25", "--include-byok", "true", "--json"],
    );
    ask("set too high", &["workspaces", "budgets", "set", "default", "daily", "501"]);
    ask("set nothing", &["workspaces", "budgets", "set", "default", "daily", "0"]);
    ask("show", &["workspaces", "budgets", "show", "default"]);
    ask("show json", &["workspaces", "budgets", "show", "default", "--json"]);
    ask("remove", &["workspaces", "budgets", "remove", "default", "daily"]);
    ask("remove again", &["workspaces", "budgets", "remove", "default", "daily", "--json"]);
    ask("no such window", &["workspaces", "budgets", "set", "default", "hourly", "5"]);
    ask("no such workspace", &["workspaces", "budgets", "show", "moon"]);
    story.tell("narrow", &["workspaces", "list"], &[ADMINISTRATOR, ("COLUMNS", "40")]);
    story.tell("no key", &["workspaces", "list"], &[]);
    story.tell("ordinary key", &["workspaces", "list"], &[("OPENROUTER_MANAGEMENT_KEY", KEY)]);
    story.administer("unreachable", &["workspaces", "list", "--upstream", "http://127.0.0.1:1/api/v1"]);
    golden("workspaces.txt", &story.text());
}
