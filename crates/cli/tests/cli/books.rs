//! What looks after the books: unknown, reconcile, verify, backup, restore, repair, with a gateway and without.

use std::path::Path;

use ledger::{BalanceId, BalanceName, BoundClass, HoldId, Member, SetId, UnknownReason, UpstreamKeyId};
use money::Nano;
use serde_json::Value;
use store::{Durability, Options, Record, Store};

use crate::gateway::{Serving, json};
use crate::program::{farebox, golden, told};

/// Books with two calls whose cost nobody knows.
fn books(data: &Path) {
    std::fs::create_dir_all(data).unwrap();
    let (store, _) = Store::open(data, Options::new(Durability::Process)).unwrap();
    let name = BalanceName {
        budget: "lifetime".into(),
        window: "lifetime".into(),
        scope: vec![],
        starts_ms: 0,
        ends_ms: None,
    };
    store.append(&Record::Balance { id: BalanceId(0), name: &name, limit: Nano::from_cents(100) }).unwrap();
    store.append(&Record::Set { id: SetId(0), members: &[Member::plain(BalanceId(0))] }).unwrap();
    for hold in [1, 2] {
        let at_ms = 1_790_000_000_000;
        store
            .append(&Record::Hold {
                hold: HoldId(hold),
                at_ms,
                bound: Nano::from_cents(2),
                class: BoundClass::Proven,
                set: SetId(0),
                upstream_key: UpstreamKeyId([7; 8]),
                key: "local",
                model: "openai/gpt-4o-mini",
            })
            .unwrap();
        let (hold, reason) = (HoldId(hold), UnknownReason::Broken);
        store.append(&Record::Unknown { hold, at_ms: at_ms + 5, reason, status: 0 }).unwrap();
    }
    store.close().unwrap();
}

fn run(home: &Path, arguments: &[&str]) -> String {
    told(&farebox(home).args(arguments).output().unwrap(), home)
}

fn left(home: &Path, folder: &str) -> Value {
    json(home, &["budgets", "list", "--json", "--data", folder])[0]["available_usd"].clone()
}

#[test]
fn the_operator_decides_with_a_gateway_and_without() {
    let home = tempfile::tempdir().unwrap();
    let (home, data) = (home.path(), home.path().join("books"));
    let folder = data.to_str().unwrap();
    books(&data);
    let unknown = || json(home, &["unknown", "--json", "--data", folder]);
    assert_eq!(unknown().as_array().unwrap().len(), 2);
    assert_eq!(unknown()[0]["bound_usd"], "0.020000000");
    golden(
        "reconcile-nobody-to-ask.txt",
        &run(home, &["reconcile", "1", "--free", "--why", "x", "--data", folder]),
    );
    let decide = |hold: &str, what: &[&str]| {
        let arguments =
            [&["reconcile", hold, "--why", "the activity page", "--yes", "--data", folder], what].concat();
        run(home, &arguments)
    };
    golden("reconcile-offline.txt", &decide("1", &["--cost", "0.005"]));
    golden("reconcile-twice.txt", &decide("99", &["--cost", "0.005"]));
    assert_eq!(left(home, folder), "0.975000000");
    golden("reconcile-ended.txt", &decide("1", &["--cost", "0.003"]));
    assert_eq!(left(home, folder), "0.977000000");

    let gateway = Serving::start(home, &data, &["--budget", "1/lifetime"]);
    assert_eq!(unknown().as_array().unwrap().len(), 1);
    golden("reconcile-live.txt", &decide("2", &["--free"]));
    assert_eq!((left(home, folder), unknown()), ("0.997000000".into(), Value::Array(vec![])));
    golden("verify-held.txt", &pid_free(&run(home, &["verify", "--data", folder]), &gateway.console));
    assert_eq!(gateway.stop(), Some(0));
    let verified = json(home, &["verify", "--json", "--data", folder]);
    assert_eq!((&verified["clean"], &verified["entries"]), (&true.into(), &2.into()), "{verified}");
    golden(
        "report-by-model.txt",
        &run(home, &["report", "--by", "model", "--since", "36500d", "--data", folder]),
    );
    golden(
        "report-nothing.txt",
        &run(home, &["report", "--since", "1970-01-01", "--data", home.to_str().unwrap()]),
    );
    golden("verify-clean.txt", &run(home, &["verify", "--data", folder]));
    golden("unknown-none.txt", &run(home, &["unknown", "--data", folder]));
}

fn pid_free(told: &str, console: &str) -> String {
    let told = told.replace(console, "CONSOLE");
    let at = told.find("by process ").unwrap() + "by process ".len();
    let end = at + told[at..].find(|c: char| !c.is_ascii_digit()).unwrap();
    format!("{}PID{}", &told[..at], &told[end..])
}

#[test]
fn an_audit_compares_with_the_bill() {
    let home = tempfile::tempdir().unwrap();
    let (home, data) = (home.path(), home.path().join("books"));
    let folder = data.to_str().unwrap();
    let gateway = Serving::start(home, &data, &["--budget", "1/lifetime"]);
    golden("honesty-nobody.txt", &run(home, &["honesty", "--data", folder]));
    golden(
        "honesty-clear-nothing.txt",
        &run(home, &["honesty", "clear", "m/x", "--why", "x", "--data", folder]),
    );
    let call =
        r#"{"model":"openai/gpt-4o-mini","max_tokens":4096,"messages":[{"role":"user","content":"hello"}]}"#;
    assert_eq!(gateway.ask(call).0, 200);
    let since = std::time::Instant::now();
    let even = loop {
        let audited = json_of(home, &["audit", "--json", "--data", folder]);
        if audited["entries"] == 1 && audited["drift_usd"] == "0.000000000" {
            break audited;
        }
        assert!(since.elapsed().as_secs() < 20, "{audited}");
        std::thread::sleep(std::time::Duration::from_millis(200));
    };
    assert_eq!((&even["complete"], &even["ours_usd"]), (&true.into(), &even["theirs_usd"]), "{even}");
    assert_ne!(even["ours_usd"], "0.000000000");
    assert_eq!(gateway.stop(), Some(0));
    golden("audit-no-key.txt", &run(home, &["audit", "--data", folder]));
}

/// What was printed, whatever the exit code.
fn json_of(home: &Path, arguments: &[&str]) -> Value {
    let output = farebox(home).args(arguments).output().unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_change_needs_the_token_of_the_folder() {
    let home = tempfile::tempdir().unwrap();
    let (home, data) = (home.path(), home.path().join("books"));
    let folder = data.to_str().unwrap();
    books(&data);
    let gateway = Serving::start(home, &data, &["--budget", "1/lifetime"]);
    let token = data.join("console-token");
    let word = std::fs::read_to_string(&token).unwrap();
    std::fs::write(&token, "0".repeat(word.len())).unwrap();
    let decide = ["reconcile", "1", "--free", "--why", "x", "--yes", "--data", folder];
    let told = run(home, &decide);
    assert!(told.starts_with("exit code 1") && told.contains("changes need the token"), "{told}");
    std::fs::remove_file(&token).unwrap();
    let told = run(home, &decide);
    assert!(told.contains("cannot read the console's token"), "{told}");
    std::fs::write(&token, word).unwrap();
    assert!(run(home, &decide).starts_with("exit code 0"));
    drop(gateway);
}

#[test]
fn backed_up_while_it_runs_and_restored() {
    let home = tempfile::tempdir().unwrap();
    let (home, data) = (home.path(), home.path().join("books"));
    let folder = data.to_str().unwrap();
    books(&data);
    let backup = home.join("backup.db");
    let gateway = Serving::start(home, &data, &["--budget", "1/lifetime"]);
    let made = json(home, &["backup", backup.to_str().unwrap(), "--json", "--data", folder]);
    assert!(made["last_record"].as_u64().unwrap() >= 6, "{made}");
    golden("backup-exists.txt", &run(home, &["backup", backup.to_str().unwrap(), "--data", folder]));
    golden(
        "restore-held.txt",
        &pid_free(&run(home, &["restore", "backup.db", "--data", folder]), &gateway.console),
    );
    assert_eq!(gateway.stop(), Some(0));
    let offline = home.join("offline.db");
    assert!(run(home, &["backup", offline.to_str().unwrap(), "--data", folder]).starts_with("exit code 0"));

    let other = home.join("other");
    let other = other.to_str().unwrap();
    golden("restore.txt", &run(home, &["restore", "backup.db", "--data", other]));
    assert_eq!(json(home, &["verify", "--json", "--data", other])["clean"], true);
    assert_eq!(left(home, other), "0.960000000");
    golden(
        "repair-accept.txt",
        &run(home, &["repair", "--accept", "--why", "none ran", "--yes", "--data", other]),
    );
    assert!(store::read(Path::new(other)).unwrap().restored.is_none());
    golden("repair-nothing.txt", &run(home, &["repair", "--yes", "--data", other]));
}
