//! `demo`, small.

use serde_json::Value;

use crate::program::farebox;

#[test]
fn the_budget_holds() {
    let home = tempfile::tempdir().unwrap();
    let output = farebox(home.path())
        .args(["demo", "--json", "--clients", "20", "--requests", "60", "--seed", "3"])
        .env("TMPDIR", home.path())
        .output()
        .unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{stdout}\n{stderr}");
    let last: Value = serde_json::from_str(stdout.lines().next_back().unwrap()).unwrap();
    let mut keys: Vec<&str> = last.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "billed_usd",
            "booked_usd",
            "budget_usd",
            "kills",
            "overshoot_usd",
            "refused",
            "seed",
            "served",
            "starved",
            "unknown_usd"
        ]
    );
    assert_eq!((&last["budget_usd"], &last["overshoot_usd"]), (&"1.000000000".into(), &"0.000000000".into()));
    assert_eq!((&last["kills"], &last["seed"]), (&1.into(), &3.into()));
    assert!(last["served"].as_u64() > Some(0), "{last}");
    let left = std::fs::read_dir(home.path()).unwrap().count();
    assert_eq!(left, 0, "nothing stays behind");
}
