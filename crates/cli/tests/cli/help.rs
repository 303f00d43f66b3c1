//! Every page of help, version and topic.

use crate::program::{farebox, golden, told};

fn page(name: &str, arguments: &[&str]) {
    let home = tempfile::tempdir().unwrap();
    let output = farebox(home.path()).args(arguments).output().unwrap();
    assert!(output.stderr.is_empty() && output.status.success(), "{}", told(&output, home.path()));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    golden(name, &text);
}

#[test]
fn pages() {
    page("farebox.txt", &[]);
    page("farebox.txt", &["--help"]);
    page("farebox.txt", &["help"]);
    page("serve.txt", &["serve", "--help"]);
    page("serve.txt", &["help", "serve"]);
    page("sandbox.txt", &["sandbox", "-h"]);
    page("demo.txt", &["demo", "--help"]);
    page("budgets.txt", &["budgets", "--help"]);
    page("budgets-list.txt", &["budgets", "list", "--help"]);
    page("budgets-list.txt", &["help", "budgets", "list"]);
    page("routes.txt", &["routes", "--help"]);
    page("routes-list.txt", &["routes", "list", "--help"]);
    page("estimate.txt", &["estimate", "--help"]);
    page("estimate.txt", &["help", "estimate"]);
    page("models.txt", &["models", "--help"]);
    page("models-list.txt", &["models", "list", "--help"]);
    page("models-show.txt", &["models", "show", "--help"]);
    page("models-cheapest.txt", &["models", "cheapest", "--help"]);
    for command in ["history", "watch", "refresh"] {
        page(&format!("models-{command}.txt"), &["models", command, "--help"]);
    }
    page("models-compare.txt", &["help", "models", "compare"]);
    page("explain.txt", &["explain", "--help"]);
    for command in
        ["unknown", "reconcile", "audit", "report", "honesty", "verify", "backup", "restore", "repair"]
    {
        page(&format!("{command}-help.txt"), &[command, "--help"]);
    }
    for group in ["keys", "guardrails", "workspaces"] {
        page(&format!("{group}-help.txt"), &[group, "--help"]);
    }
    for command in ["list", "create", "show", "update", "enable", "disable", "delete", "rotate"] {
        page(&format!("keys-{command}.txt"), &["keys", command, "--help"]);
    }
    for command in ["list", "show", "create", "update", "delete", "assign", "unassign"] {
        page(&format!("guardrails-{command}.txt"), &["guardrails", command, "--help"]);
    }
    page("workspaces-list.txt", &["workspaces", "list", "--help"]);
    page("workspaces-budgets.txt", &["workspaces", "budgets", "--help"]);
    for command in ["show", "set", "remove"] {
        page(&format!("workspaces-budgets-{command}.txt"), &["workspaces", "budgets", command, "--help"]);
    }
    page("balance-help.txt", &["balance", "--help"]);
    page("generation-help.txt", &["help", "generation"]);
    page("alerts-help.txt", &["alerts", "--help"]);
    page("alerts-check.txt", &["alerts", "check", "--help"]);
    page("alerts-test.txt", &["alerts", "test", "--help"]);
    page("alerts-list.txt", &["alerts", "list", "--help"]);
    page("exit-codes.txt", &["help", "exit-codes"]);
    page("env.txt", &["help", "env"]);
    page("config.txt", &["help", "config"]);
}

/// The rows of the table in the documentation, and the entries of the page, each as a code and a text.
#[test]
fn exit_codes_are_those_of_the_documentation() {
    let home = tempfile::tempdir().unwrap();
    let output = farebox(home.path()).args(["help", "exit-codes"]).output().unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    let mut told: Vec<(u8, String)> = Vec::new();
    for line in page.lines().skip(1).map(str::trim).filter(|line| !line.is_empty()) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word.parse(), told.last_mut()) {
            (Ok(code), _) => told.push((code, rest.trim().to_owned())),
            (Err(_), Some((_, text))) => *text += &format!(" {line}"),
            (Err(_), None) => panic!("{line}"),
        }
    }
    let reference = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/cli.md");
    let reference = std::fs::read_to_string(reference).unwrap();
    let (_, section) = reference.split_once("\n## Exit codes\n").unwrap();
    let row = |line: &str| {
        let (code, text) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
        Some((code.parse::<u8>().ok()?, text.replace('`', "")))
    };
    let documented: Vec<(u8, String)> = section.lines().filter_map(row).collect();
    assert!(documented.len() > 9, "{section}");
    assert_eq!(documented, told);
}

#[test]
fn version() {
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = farebox(home.path()).args(arguments).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(run(&["version"]), format!("farebox {version}\n"));
    assert_eq!(run(&["--version"]), format!("farebox {version}\n"));
    let json: serde_json::Value = serde_json::from_str(&run(&["version", "--json"])).unwrap();
    assert_eq!((&json["name"], &json["version"]), (&"farebox".into(), &version.into()));
}

#[test]
fn colour_is_asked_for_or_absent() {
    let home = tempfile::tempdir().unwrap();
    let run = |name: &str, value: &str| {
        let output = farebox(home.path()).args(["serve"]).env(name, value).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(!run("TERM", "xterm").contains('\u{1b}'), "not a terminal");
    assert!(run("FORCE_COLOR", "1").contains("\u{1b}["));
    let both =
        farebox(home.path()).arg("serve").env("FORCE_COLOR", "1").env("NO_COLOR", "1").output().unwrap();
    assert!(!both.stderr.contains(&0x1b));
}
