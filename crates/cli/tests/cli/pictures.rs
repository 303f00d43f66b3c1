//! What the commands show of a gateway's life, as pictures: wide, narrow, in colour, in ASCII, as JSON.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use crate::gateway::Serving;
use crate::program::{farebox, golden, told};

const CALL: &str = r#"{"model":"openai/gpt-4o-mini","max_tokens":4096,"user":"ann","messages":[{"role":"user","content":"say hello"}]}"#;
const DEAR: &str = r#"{"model":"anthropic/claude-opus-4.5","max_tokens":64000,"user":"bob","messages":[{"role":"user","content":"say hello"}]}"#;
const BUDGETS: &str = r#"
[[budget]]
name   = "all"
limit  = "0.10"
window = "lifetime"

[[budget]]
name   = "each-user"
per    = ["user"]
limit  = "0.05"
window = "lifetime"
"#;

/// How a picture is taken.
const LOOKS: [(&str, &[(&str, &str)]); 4] = [
    ("wide", &[]),
    ("narrow", &[("COLUMNS", "50")]),
    ("colour", &[("FORCE_COLOR", "1")]),
    ("ascii", &[("LC_ALL", "C"), ("NO_COLOR", "1")]),
];

pub(crate) fn pictures(home: &Path, arguments: &[&str]) -> String {
    let command = |arguments: &[&str], environment: &[(&str, &str)]| {
        let output = farebox(home).args(arguments).envs(environment.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{}", told(&output, home));
        masked(&told(&output, home).replace("\u{1b}[", "<").replace('\u{1b}', "ESC"))
    };
    let mut all = String::new();
    for (look, environment) in LOOKS {
        all += &format!("== {}, {look}\n{}\n", arguments.join(" "), command(arguments, environment));
    }
    let json = [arguments, &["--json"]].concat();
    all + &format!("== {}\n{}\n", json.join(" "), command(&json, &[]))
}

/// Without what differs from run to run: ids and instants.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() || "-_:.".contains(c) {
            word.push(c);
            continue;
        }
        let instant = word.len() > 19 && word.as_bytes()[10] == b'T' && word.ends_with('Z');
        masked += match word.as_str() {
            _ if instant => "INSTANT",
            id if id.contains("req_") => "REQUEST",
            id if id.starts_with("gen-") => "GENERATION",
            other => other,
        };
        masked.push(c);
        word.clear();
    }
    masked.pop();
    masked
}

#[test]
fn of_budgets_and_explanations() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("books");
    std::fs::write(home.path().join("budgets.toml"), BUDGETS).unwrap();
    let gateway = Serving::start(home.path(), &data, &["--config", "budgets.toml"]);
    let home_path = home.path().display().to_string();
    let banner = without_ports(&gateway.banner.replace(&home_path, "HOME"));
    let mut all = format!("== serve --sandbox\n{banner}\n");
    let mut call = |body: &str, expected: u16| {
        let (status, answer) = gateway.ask(body);
        assert_eq!(status, expected, "{answer}");
        all += &pictures(home.path(), &["explain", "last", "--data", "books"]);
    };
    call(CALL, 200);
    call(DEAR, 402);
    all += &pictures(home.path(), &["budgets", "list", "--data", "books"]);
    assert_eq!(gateway.stop(), Some(0));
    golden("pictures.txt", &all);
}

/// Without the ports that were free.
fn without_ports(text: &str) -> String {
    let mut pieces = text.split("127.0.0.1:");
    let first = pieces.next().unwrap_or_default().to_owned();
    let bare = |piece: &str| piece.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
    pieces.fold(first, |all, piece| all + "127.0.0.1:PORT" + &bare(piece))
}

#[test]
fn of_a_sandbox() {
    let home = tempfile::tempdir().unwrap();
    let mut child = farebox(home.path())
        .args(["sandbox", "--listen", "127.0.0.1:0"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let banner: String = lines.take(3).map(|line| line.unwrap() + "\n").collect();
    child.kill().unwrap();
    child.wait().unwrap();
    golden("sandbox-picture.txt", &without_ports(&banner));
}
