//! A running `farebox sandbox` with an account that is the same in every test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::program::{farebox, told};

/// An ordinary key with a daily limit.
pub(crate) const KEY: &str = "sk-or-v1-1111111111111111111111111111111111111111111111111111111111111111";
/// An ordinary key with a limit for its lifetime.
pub(crate) const LIFETIME_KEY: &str =
    "sk-or-v1-2222222222222222222222222222222222222222222222222222222222222222";
/// An ordinary key of which nothing depends on the time.
pub(crate) const TIMELESS_KEY: &str =
    "sk-or-v1-4444444444444444444444444444444444444444444444444444444444444444";
/// What administers.
pub(crate) const MANAGEMENT_KEY: &str = "sk-or-v1-sandbox-management";

const SETTINGS: &str = r#"
seed = 7
exponents = 0.0
strict_keys = true
credits = "100"

[[keys]]
name = "backend-prod"
key = "sk-or-v1-1111111111111111111111111111111111111111111111111111111111111111"
limit = "30.00"
limit_reset = "daily"

[[keys]]
name = "ci"
key = "sk-or-v1-2222222222222222222222222222222222222222222222222222222222222222"
limit = "0.50"
expires_at = "2099-12-31T23:59:59Z"

[[keys]]
name = "web"
key = "sk-or-v1-4444444444444444444444444444444444444444444444444444444444444444"
limit = "5.00"

[[keys]]
name = "old-laptop"
key = "sk-or-v1-3333333333333333333333333333333333333333333333333333333333333333"
disabled = true
"#;

/// The sandbox, and a home to run commands in.
pub(crate) struct Sandbox {
    child: Child,
    /// Read to its end by nobody, and kept: who writes into a closed pipe dies.
    _stderr: BufReader<ChildStderr>,
    pub(crate) home: tempfile::TempDir,
    pub(crate) base: String,
}

impl Sandbox {
    pub(crate) fn start() -> Sandbox {
        Sandbox::with("")
    }

    /// With so many keys more, `more-0` and so on.
    pub(crate) fn with_keys(count: usize) -> Sandbox {
        let key = |at: usize| format!("[[keys]]\nname = \"more-{at}\"\nkey = \"sk-or-v1-more-{at}\"\n");
        Sandbox::of("", &(0..count).map(key).collect::<String>())
    }

    /// With more settings.
    pub(crate) fn with(more: &str) -> Sandbox {
        Sandbox::of(more, "")
    }

    fn of(more: &str, keys: &str) -> Sandbox {
        let home = tempfile::tempdir().unwrap();
        let settings = home.path().join("sandbox.toml");
        let delay = if more.contains("generation_delay") { "" } else { "generation_delay = [0, 0]" };
        std::fs::write(&settings, format!("{delay}\n{more}\n{SETTINGS}\n{keys}")).unwrap();
        let mut child = farebox(home.path())
            .args(["sandbox", "--listen", "127.0.0.1:0", "--config"])
            .arg(&settings)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let base = loop {
            let mut line = String::new();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "it ended");
            if let Some((_, base)) = line.split_once("http://").filter(|_| line.contains("base URL")) {
                break format!("http://{}", base.trim_end());
            }
        };
        Sandbox { child, _stderr: stderr, home, base }
    }

    /// `farebox` with these arguments, against this sandbox.
    pub(crate) fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = farebox(self.home.path());
        command.args(arguments).env("OPENROUTER_BASE_URL", &self.base).stdin(Stdio::null());
        command.envs(environment.iter().copied()).output().unwrap()
    }

    /// The same with the management key, and what it printed, which must be right.
    pub(crate) fn administer(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, &[("OPENROUTER_MANAGEMENT_KEY", MANAGEMENT_KEY)]);
        assert!(output.status.success(), "{arguments:?}: {}", told(&output, self.home.path()));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same as JSON.
    pub(crate) fn administer_json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.administer(arguments)).unwrap()
    }

    /// A completion of exactly so many tokens; its id.
    pub(crate) fn complete(&self, key: &str, tokens: u32) -> String {
        complete(&self.base, key, tokens)
    }
}

/// A completion of exactly so many tokens, asked for at a base URL; its id.
pub(crate) fn complete(base: &str, key: &str, tokens: u32) -> String {
    let body = format!(
        r#"{{"model":"openai/gpt-4o-mini","max_tokens":4096,"messages":[{{"role":"user","content":"say hello"}}],"metadata":{{"sandbox_tokens":"{tokens}"}}}}"#
    );
    let answer = post(base, "/chat/completions", key, &body);
    let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"));
    answer["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn post(base: &str, path: &str, key: &str, body: &str) -> String {
    let rest = base.strip_prefix("http://").unwrap();
    let (address, prefix) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(
        stream,
        "POST /{prefix}{path} HTTP/1.0\r\nhost: {address}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap()
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A story for a golden file: commands in order, each with what it said.
pub(crate) struct Story<'a> {
    sandbox: &'a Sandbox,
    text: String,
}

impl<'a> Story<'a> {
    pub(crate) fn of(sandbox: &'a Sandbox) -> Story<'a> {
        Story { sandbox, text: String::new() }
    }

    /// Runs a command and notes it under a name.
    pub(crate) fn tell(&mut self, name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let output = self.sandbox.run(arguments, environment);
        let told = told(&output, self.sandbox.home.path()).replace(&self.sandbox.base, "BASE");
        let told = masked(&told.replace('\u{1b}', "ESC"));
        self.text += &format!("== {name}: farebox {}\n{told}\n", masked(&arguments.join(" ")).trim_end());
        output
    }

    /// The same with the management key.
    pub(crate) fn administer(&mut self, name: &str, arguments: &[&str]) -> Output {
        self.tell(name, arguments, &[("OPENROUTER_MANAGEMENT_KEY", MANAGEMENT_KEY)])
    }

    pub(crate) fn text(self) -> String {
        self.text
    }
}

/// The same text for every run: instants, lengths of time and ids that are drawn become words. Their width moves
/// what stands beside them, so where there are any, runs of spaces become two.
pub(crate) fn masked(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("at the pace of")).collect();
    let masked: Vec<String> = lines.iter().map(|line| mask(line)).collect();
    match masked == lines {
        true => masked.join("\n") + "\n",
        false => masked.iter().map(|line| squeeze(line) + "\n").collect(),
    }
}

/// Not the clock's: times that stories ask for, in a year none of them runs in, and an example the program gives.
const KEPT: [&str; 2] = ["2099-", "2027-12-31T18:00:00Z"];

fn mask(line: &str) -> String {
    const MASKS: [(&str, &str); 6] = [
        ("dddd-dd-ddTdd:dd:dd.dddZ", "INSTANT"),
        ("dddd-dd-ddTdd:dd:ddZ", "INSTANT"),
        ("dddd-dd-dd dd:dd:dd", "INSTANT"),
        ("hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh", "UUID"),
        ("gen-dddddddddd-aaaaaaaaaaaaaaaaaaaa", "GENERATION"),
        (", until dddd-dd-dd", ", until DAY"),
    ];
    let (mut rest, mut out) = (line, String::new());
    'next: while let Some(first) = rest.chars().next() {
        for (pattern, word) in MASKS {
            if !KEPT.iter().any(|kept| rest.starts_with(kept)) && matches(rest, pattern) {
                out += word;
                rest = &rest[pattern.len()..];
                continue 'next;
            }
        }
        if let Some(length) = milliseconds(rest, &out) {
            out.push('N');
            rest = &rest[length..];
            continue;
        }
        if let Some(length) = span(rest) {
            out += "in LATER";
            rest = &rest[length..];
            continue;
        }
        out.push(first);
        rest = &rest[first.len_utf8()..];
    }
    out
}

/// The length of `in 3h 10m` or `in 40s` at the beginning of a text.
fn span(text: &str) -> Option<usize> {
    let mut length = text.starts_with("in ").then_some(2)?;
    let mut parts = 0;
    while let Some(part) = text[length..].strip_prefix(' ') {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let unit = part[digits..].starts_with(['d', 'h', 'm', 's']);
        let ends = part[digits..].chars().nth(1).is_none_or(|c| !c.is_ascii_alphanumeric());
        if digits == 0 || !unit || !ends {
            break;
        }
        (length, parts) = (length + 1 + digits + 1, parts + 1);
    }
    (parts > 0).then_some(length)
}

/// The length of a number of milliseconds: before ` ms`, or after `_ms":`.
fn milliseconds(text: &str, before: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let is_it = text[digits..].starts_with(" ms") || before.ends_with("_ms\": ");
    (digits > 0 && is_it && !before.ends_with(|c: char| c.is_ascii_digit())).then_some(digits)
}

fn matches(text: &str, pattern: &str) -> bool {
    text.len() >= pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            b'h' => byte.is_ascii_hexdigit(),
            b'a' => byte.is_ascii_alphanumeric(),
            wanted => byte == wanted,
        })
}

fn squeeze(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let (indent, rest) = line.split_at(indent);
    let mut out = indent.to_owned();
    let mut spaces = 0;
    for c in rest.chars() {
        spaces = if c == ' ' { spaces + 1 } else { 0 };
        if spaces < 3 {
            out.push(c);
        }
    }
    out
}
