//! `farebox keys`, against the sandbox.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::program::golden;
use crate::sandbox::{KEY, MANAGEMENT_KEY, Sandbox, Story};

const ADMINISTRATOR: (&str, &str) = ("OPENROUTER_MANAGEMENT_KEY", MANAGEMENT_KEY);

#[test]
fn pages() {
    let sandbox = Sandbox::start();
    let mut story = Story::of(&sandbox);
    let mut ask = |name: &str, arguments: &[&str]| story.administer(name, arguments);
    ask("list", &["keys", "list"]);
    ask("list all", &["keys", "list", "--all"]);
    ask("list disabled", &["keys", "list", "--disabled", "--expired"]);
    ask("list json", &["keys", "list", "--json"]);
    ask(
        "create",
        &["keys", "create", "team-a", "--limit", "50", "--reset", "monthly", "--expires", "2099-12-31"],
    );
    ask("create json", &["keys", "create", "team-b", "--limit", "0.000000001", "--include-byok", "--json"]);
    ask("create without a limit", &["keys", "create", "team-c", "--limit", "none"]);
    ask("show", &["keys", "show", "team-a"]);
    ask("show json", &["keys", "show", "team-b", "--json"]);
    ask(
        "update",
        &["keys", "update", "team-a", "--limit", "75.50", "--reset", "weekly", "--name", "team-aa"],
    );
    ask("update to no limit", &["keys", "update", "team-aa", "--limit", "none", "--reset", "never"]);
    ask("update nothing", &["keys", "update", "team-aa"]);
    ask("disable", &["keys", "disable", "team-aa"]);
    ask("enable", &["keys", "enable", "team-aa"]);
    ask("delete without a word", &["keys", "delete", "team-aa"]);
    ask("delete", &["keys", "delete", "team-aa", "--yes"]);
    ask("delete json", &["keys", "delete", "team-b", "--yes", "--json"]);
    ask("delete again", &["keys", "delete", "team-aa", "--yes"]);
    ask("not a limit", &["keys", "create", "x", "--limit", "lots"]);
    ask("no limit said", &["keys", "create", "x"]);
    ask("not a time", &["keys", "create", "x", "--limit", "1", "--expires", "soon"]);
    ask("out and to", &["keys", "create", "x", "--limit", "1", "--out", "f", "--to", "--", "cat"]);
    ask("to nothing", &["keys", "create", "x", "--limit", "1", "--to"]);
    story.tell("narrow", &["keys", "list"], &[ADMINISTRATOR, ("COLUMNS", "40")]);
    story.tell("colour", &["keys", "list", "--all"], &[ADMINISTRATOR, ("FORCE_COLOR", "1")]);
    story.tell("no key", &["keys", "list"], &[("OPENROUTER_API_KEY", KEY)]);
    story.tell("ordinary key", &["keys", "list"], &[("OPENROUTER_MANAGEMENT_KEY", KEY)]);
    story.tell("wrong key", &["keys", "list"], &[("OPENROUTER_MANAGEMENT_KEY", "sk-or-v1-nobodys")]);
    story.tell("key file", &["keys", "list"], &[("OPENROUTER_MANAGEMENT_KEY_FILE", "nowhere")]);
    story.administer("unreachable", &["keys", "list", "--upstream", "http://127.0.0.1:1/api/v1"]);
    golden("keys.txt", &story.text());
}

#[test]
fn a_key_goes_where_it_is_told_to_and_works() {
    let sandbox = Sandbox::start();
    let printed = sandbox.administer(&["keys", "create", "a", "--limit", "1"]);
    let key = printed.trim();
    assert!(key.starts_with("sk-or-v1-") && printed.lines().count() == 1, "{printed}");
    sandbox.complete(key, 10);

    let file = sandbox.home.path().join("b.key");
    let create = ["keys", "create", "b", "--limit", "1", "--out", file.to_str().unwrap(), "--json"];
    let told = sandbox.administer_json(&create);
    assert_eq!((&told["key"], &told["data"]["name"]), (&Value::Null, &"b".into()));
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let written = std::fs::read_to_string(&file).unwrap();
    sandbox.complete(written.trim(), 10);
    let again = sandbox.run(&create, &[ADMINISTRATOR]);
    assert_eq!(again.status.code(), Some(2), "a file is never overwritten");

    let printed =
        sandbox.administer(&["keys", "create", "c", "--limit", "1", "--to", "--", "sh", "-c", "cat > c.key"]);
    assert_eq!(printed, "");
    let given = std::fs::read_to_string(sandbox.home.path().join("c.key")).unwrap();
    sandbox.complete(given.trim(), 10);

    let failing = ["keys", "create", "d", "--limit", "1", "--to", "--", "sh", "-c", "exit 3"];
    let failed = sandbox.run(&failing, &[ADMINISTRATOR]);
    let told = String::from_utf8(failed.stderr).unwrap();
    assert_eq!(failed.status.code(), Some(1));
    let hash = told.split("farebox keys delete ").nth(1).unwrap().split(',').next().unwrap();
    assert!(sandbox.administer(&["keys", "show", hash]).starts_with("d\n"), "it exists, as was said");
    let names: Vec<Value> = sandbox.administer_json(&["keys", "list", "--json"]).as_array().unwrap().clone();
    assert_eq!(names.iter().filter(|row| row["name"] == "b").count(), 1);
}

#[test]
fn a_new_key_takes_the_place_of_an_old_one() {
    let sandbox = Sandbox::start();
    sandbox.complete(KEY, 4_000);
    let mut story = Story::of(&sandbox);
    let printed = story.administer("rotate", &["keys", "rotate", "backend-prod"]);
    story.administer("what is there", &["keys", "list", "--all"]);
    story.administer(
        "delete the old one",
        &["keys", "rotate", "ci", "--delete-old", "--grace", "0s", "--out", "ci.key", "--json"],
    );
    story.administer("what is there then", &["keys", "list", "--all"]);
    story.administer("a command that fails", &["keys", "rotate", "ci", "--to", "--", "false"]);
    let key = String::from_utf8(printed.stdout).unwrap();
    sandbox.complete(key.trim(), 10);
    let old = sandbox.run(&["balance"], &[("OPENROUTER_API_KEY", KEY)]);
    assert_eq!(old.status.code(), Some(4), "the old one is off");
    golden("keys-rotation.txt", &story.text());
}

#[test]
fn every_page_is_read_and_each_key_listed_once() {
    let sandbox = Sandbox::with_keys(250);
    let list = sandbox.administer_json(&["keys", "list", "--json"]);
    let hashes: BTreeSet<&str> =
        list.as_array().unwrap().iter().map(|row| row["hash"].as_str().unwrap()).collect();
    assert_eq!((list.as_array().unwrap().len(), hashes.len()), (253, 253));
    assert!(sandbox.administer(&["keys", "show", "more-249"]).starts_with("more-249\n"), "of the last page");
}

#[test]
fn a_name_that_means_two_keys() {
    let sandbox = Sandbox::start();
    for _ in 0..2 {
        sandbox.administer(&["keys", "create", "twin", "--limit", "1"]);
    }
    let several = sandbox.run(&["keys", "show", "twin"], &[ADMINISTRATOR]);
    let told = String::from_utf8(several.stderr).unwrap();
    assert!(told.contains("'twin' is 2 keys: 'twin' ("), "{told}");
}
