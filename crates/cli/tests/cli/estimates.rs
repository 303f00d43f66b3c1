//! `estimate` and `models`: pictures at the prices built into the program, every error, and the same sums as a
//! running gateway's.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::gateway::Serving;
use crate::program::{farebox, golden, told};

const BODY: &str = r#"{"model":"openai/gpt-4o-mini","max_tokens":2000,"messages":[{"role":"system","content":"Answer in one word."},{"role":"user","content":"Is water wet?"}],"tools":[{"type":"function","function":{"name":"look_up","description":"Looks a word up","parameters":{"type":"object","properties":{"word":{"type":"string"}}}}}]}"#;
const SEARCH: &str = r#"{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"news?"}],"plugins":[{"id":"fusion"}]}"#;
const MISTYPED: &str = r#"{"model":"openai/gpt-4o-mini","mesages":[{"role":"user","content":"news?"}]}"#;

/// How a picture is taken.
const LOOKS: [(&str, &[(&str, &str)]); 4] = [
    ("wide", &[]),
    ("narrow", &[("COLUMNS", "60")]),
    ("colour", &[("FORCE_COLOR", "1")]),
    ("ascii", &[("LC_ALL", "C"), ("NO_COLOR", "1")]),
];

fn run(home: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = farebox(home).args(arguments).envs(environment.iter().copied()).output().unwrap();
    told(&output, home).replace("\u{1b}[", "<").replace('\u{1b}', "ESC")
}

fn pictures(home: &Path, arguments: &[&str]) -> String {
    let mut all = String::new();
    for (look, environment) in LOOKS {
        let picture = run(home, arguments, environment);
        if look == "narrow" {
            let shown = picture.split("--- stderr").next().unwrap_or_default();
            assert!(shown.lines().all(|line| line.chars().count() <= 60), "{shown}");
        }
        all += &format!("== {}, {look}\n{picture}\n", arguments.join(" "));
    }
    let json = [arguments, &["--json"]].concat();
    all + &format!("== {}\n{}\n", json.join(" "), run(home, &json, &[]))
}

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("request.json"), BODY).unwrap();
    std::fs::write(home.path().join("search.json"), SEARCH).unwrap();
    std::fs::write(home.path().join("broken.json"), "{\"model\":").unwrap();
    std::fs::write(home.path().join("list.json"), "[]").unwrap();
    std::fs::write(home.path().join("mistyped.json"), MISTYPED).unwrap();
    std::fs::write(home.path().join("messages.json"), r#"[{"role":"user","content":"hi"}]"#).unwrap();
    std::fs::write(home.path().join("paper.pdf"), "%PDF-1.7\nof ASCII alone\n").unwrap();
    std::fs::write(home.path().join("notes.txt"), "Buy milk. Kauf Milch. 买牛奶。\n").unwrap();
    std::fs::write(home.path().join("picture.bin"), [0xFF, 0xD8, 0xFF]).unwrap();
    home
}

#[test]
fn of_estimates() {
    let home = home();
    let mut all = String::new();
    for arguments in [
        &["estimate", "Explain quicksort", "--model", "openai/gpt-4o-mini", "--calls", "1000", "--offline"][..],
        &["estimate", "--body", "request.json", "--offline"],
        &[
            "estimate",
            "--file",
            "notes.txt",
            "--prompt",
            "Sum up",
            "--system",
            "Be brief",
            "-m",
            "anthropic/claude-sonnet-4.5",
            "--max-tokens",
            "300",
            "--output",
            "100",
            "--compare",
            "--offline",
        ],
        &["estimate", "hello", "-m", "google/gemma-2-9b-it:free", "--offline"],
    ] {
        all += &pictures(home.path(), arguments);
    }
    golden("estimate-pictures.txt", &all);
}

#[test]
fn of_models() {
    let home = home();
    let mut all = String::new();
    for arguments in [
        &["models", "list", "--tools", "--vision", "--max-price", "5", "--sort", "price", "--limit", "4"][..],
        &["models", "show", "openai/gpt-6.1-sol"],
        &["models", "show", "deepseek/deepseek-v4-pro:floor"],
        &["models", "show", "openrouter/auto"],
        &["models", "cheapest", "--tools", "--context", "200k", "--limit", "3"],
        &["models", "cheapest", "--body", "request.json", "--limit", "3"],
        &["models", "compare", "openai/gpt-4o-mini", "openai/gpt-4o-mini:floor", "--in", "10000"],
        &["models", "compare", "openai/gpt-4o", "google/gemini-2.5-flash", "x-ai/grok-4.3", "--images", "3"],
        &["models", "list", "--in", "100k", "--out", "2k", "--cached", "90", "--tools", "--limit", "4"],
        &["models", "list", "--answers", "image"],
        &["models", "show", "deepseek/deepseek-chat"],
        &["models", "show", "google/veo-3.1"],
        &["models", "show", "openai/whisper-1"],
        &["models", "list", "--max-price", "0", "--answers", "text", "--sort", "context", "--limit", "2"],
        &["models", "compare", "openai/gpt-4o-mini", "--in", "10k", "--cached", "90"],
        &["models", "compare", "openai/gpt-4o", "openrouter/auto", "google/gemma-2-9b-it", "--in", "9k"],
        &["models", "history"],
    ] {
        all += &pictures(home.path(), &[arguments, &["--offline"]].concat());
    }
    golden("models-pictures.txt", &all);
}

#[test]
fn every_error_is_a_line_a_hint_and_a_code() {
    let home = home();
    let mut all = String::new();
    for arguments in [
        &["estimate"][..],
        &["estimate", "hello"],
        &["estimate", "hello", "-m", "openai/gpt4o-mini"],
        &["estimate", "hello", "-m", "nobody/knows-this"],
        &["estimate", "hello", "-m", "openrouter/auto"],
        &["estimate", "hello", "-m", "openai/gpt-4o:online"],
        &["estimate", "hello", "-m", "perplexity/sonar"],
        &["estimate", "hello", "-m", "openai/gpt-4o-mini:free"],
        &["estimate", "hello", "-m", "openai/gpt-4o-mini:flor"],
        &["estimate", "hello", "-m", "openai/gpt-4o", "-m", "openai/gpt4o-mini"],
        &["estimate", "hello", "-m", "openrouter/auto", "-m", "perplexity/sonar"],
        &["estimate", "--body", "mistyped.json"],
        &["estimate", "--body", "paper.pdf"],
        &["estimate", "--file", "paper.pdf", "-m", "openai/gpt-4o"],
        &["estimate", "--body", "list.json", "--compare"],
        &["estimate", "--body", "messages.json", "-m", "openai/gpt-4o"],
        &["models", "compare", "openai/gpt-4o:turbo"],
        &["models", "cheapest", "--body", "list.json"],
        &["models", "history", "--since", "2999-01-01"],
        &["estimate", "request.json", "-m", "openai/gpt-4o"],
        &["estimate", "--body", "nowhere.json"],
        &["estimate", "--body", "broken.json"],
        &["estimate", "--body", "list.json"],
        &["estimate", "--body", "search.json"],
        &["estimate", "--body", "request.json", "--prompt", "more"],
        &["estimate", "--file", "nowhere.txt", "-m", "openai/gpt-4o"],
        &["estimate", "--file", "picture.bin", "-m", "openai/gpt-4o"],
        &["estimate", "hello", "-m", "openai/gpt-4o", "--max-tokens", "0"],
        &["estimate", "hello", "-m", "openai/gpt-4o", "--upstream", "nowhere"],
        &["estimate", "hello", "-m", "openai/gpt-4o", "--console", "127.0.0.1:1"],
        &["models", "list", "--search", "nothing-is-called-this"],
        &["models", "list", "--context", "lots"],
        &["models", "list", "--max-price", "cheap"],
        &["models", "show", "gpt-4o-minni"],
        &["models", "cheapest", "--free", "--context", "100M"],
        &["models", "cheapest", "--body", "search.json"],
        &["models", "compare", "openrouter/auto"],
        &["models", "list", "--zdr"],
        &["models", "cheapest", "--cached", "101"],
        &["models", "cheapest", "--in", "3M"],
        &["models", "cheapest", "--limit", "0"],
        &["estimate", "hello", "-m", "claude"],
        &["models", "show", "@preset/reviewer"],
        &["models", "history", "gpt-4o-minni"],
        &["models", "history", "--since", "lately"],
        &["models", "refresh"],
        &["models", "watch", "--once"],
        &["models", "watch", "--every", "1s"],
        &["models", "compare"],
    ] {
        let offline = if arguments == ["models", "compare"] { &[][..] } else { &["--offline"] };
        let output = farebox(home.path()).args(arguments).args(offline).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}: talk belongs on stderr");
        all += &format!("== {}\n{}\n", arguments.join(" "), told(&output, home.path()));
    }
    golden("estimate-errors.txt", &all);
}

fn json(home: &Path, arguments: &[&str]) -> Value {
    let output = farebox(home).args(arguments).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", told(&output, home));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn stdin_is_a_prompt_or_a_body() {
    let home = home();
    let piped = |arguments: &[&str], text: &str| {
        let mut child = farebox(home.path())
            .args(arguments)
            .args(["--offline", "--json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        told["estimates"][0].clone()
    };
    let whole = piped(&["estimate", "--body", "-"], BODY);
    assert_eq!(
        whole,
        json(home.path(), &["estimate", "--body", "request.json", "--offline"])["estimates"][0]
    );
    let model = ["-m", "openai/gpt-4o"];
    let named = json(home.path(), &["estimate", "hello world", "-m", "openai/gpt-4o", "--offline"]);
    for arguments in [&["estimate", "-"][..], &["estimate"]] {
        let read = piped(&[arguments, &model].concat(), "hello world");
        assert_eq!(read, named["estimates"][0], "{arguments:?}");
    }
    assert_eq!(named["estimates"][0]["prompt_tokens"], 2 + 7, "two words and the template");
}

#[test]
fn the_worst_is_what_a_gateway_holds() {
    let home = home();
    let data = home.path().join("books");
    let gateway = Serving::start(home.path(), &data, &["--budget", "1/lifetime"]);
    for model in ["openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "deepseek/deepseek-v4-pro"] {
        let body = BODY.replace("openai/gpt-4o-mini", model);
        std::fs::write(home.path().join("sent.json"), &body).unwrap();
        // The gateway has the sandbox's prices, which are those built in.
        let estimate =
            json(home.path(), &["estimate", "--body", "sent.json", "--data", "books", "--offline"]);
        let (status, answer) = gateway.ask(&body);
        assert_eq!(status, 200, "{answer}");
        let explained = json(home.path(), &["explain", "last", "--data", "books"]);
        assert_eq!(estimate["estimates"][0]["worst_usd"], explained["held_usd"], "{model}");
        assert_eq!(estimate["limits"][0]["fits"], true);
    }
    let dear = ["estimate", "hello", "-m", "openai/gpt-5.5-pro", "--data", "books", "--offline"];
    let told = json(home.path(), &dear);
    assert_eq!(told["limits"][0]["name"], "lifetime");
    assert_eq!(told["limits"][0]["fits"], false);
    let text = run(home.path(), &dear, &[]);
    assert!(
        text.contains("Budget lifetime has $0.9") && text.contains(" left: it would be refused.\n"),
        "{text}"
    );
    assert_eq!(gateway.stop(), Some(0));
    let stopped = json(home.path(), &dear);
    assert_eq!(stopped["limits"], told["limits"], "and the books say the same");
}

#[test]
fn what_would_fit_in_what_is_left() {
    let home = home();
    std::fs::write(home.path().join("farebox.toml"), "[limits]\nper_request = \"0.05\"\n").unwrap();
    let dear = ["estimate", "hello", "-m", "anthropic/claude-opus-4.5", "--offline"];
    golden(
        "estimate-room.txt",
        &(run(home.path(), &dear, &[]) + &run(home.path(), &[&dear[..], &["--json"]].concat(), &[])),
    );
}

#[test]
fn a_route_is_what_it_leads_to() {
    let home = home();
    let file = "[routes]\n\"task/classify\" = [\"openai/gpt-4o-mini\", \"nobody/gone\", \"openai/gpt-4o\"]\n";
    std::fs::write(home.path().join("farebox.toml"), file).unwrap();
    let of = |model: &str| {
        json(home.path(), &["estimate", "hello", "-m", model, "--offline"])["estimates"][0].clone()
    };
    let (route, first) = (of("task/classify"), of("openai/gpt-4o-mini"));
    assert_eq!((&route["asked"], &route["models_named"]), (&"task/classify".into(), &2.into()));
    assert_eq!(route["model"], first["model"]);
    assert_eq!(route["likely_usd"], first["likely_usd"], "likely the first");
    assert_ne!(route["worst_usd"], first["worst_usd"], "at worst the other");
}

#[test]
fn prices_come_from_where_they_say() {
    let home = home();
    let gateway = Serving::start(home.path(), &home.path().join("books"), &["--budget", "1"]);
    let upstream = format!("http://{}/api/v1", gateway.listen);
    let show = |more: &[&str]| {
        let arguments = ["models", "show", "openai/gpt-4o-mini", "--upstream", &upstream];
        run(home.path(), &[&arguments, more].concat(), &[])
    };
    let live = show(&[]);
    assert!(live.contains("\nprices: live, just now\n") && !live.contains("warning"), "{live}");
    let kept = show(&["--offline"]);
    assert!(kept.contains("\nprices: on disk, ") && !kept.contains("warning"), "{kept}");
    assert!(!home.path().join(".local/state/farebox").exists(), "the gateway's folder is the gateway's");
    assert_eq!(gateway.stop(), Some(0));
    let gone = show(&["--refresh"]);
    assert!(gone.contains("\nprices: on disk, ") && gone.contains("could not be asked"), "{gone}");
    assert!(gone.starts_with("exit code 0"), "{gone}");
}

#[test]
fn what_is_said_to_be_refused_is_refused_and_costs_nothing() {
    let home = home();
    let gateway = Serving::start(home.path(), &home.path().join("books"), &["--budget", "5/lifetime"]);
    let long = "word ".repeat(140_000);
    let picture = r#"[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAGQAAABkCAIAAAA="}}]"#;
    for (model, content, obstacle, status) in [
        ("openai/gpt-4o", format!("\"{long}\""), Some("it has room for 128,000 tokens in all"), 400),
        ("openai/gpt-5-nano", format!("\"{long}\""), None, 200),
        ("deepseek/deepseek-r1", picture.to_owned(), Some("it does not read images"), 404),
        ("google/gemma-3-27b-it", picture.to_owned(), None, 200),
    ] {
        let body = format!(
            r#"{{"model":"{model}","max_tokens":50,"messages":[{{"role":"user","content":{content}}}]}}"#
        );
        std::fs::write(home.path().join("sent.json"), &body).unwrap();
        let asked = ["estimate", "--body", "sent.json", "--data", "books", "--offline"];
        let told = json(home.path(), &asked)["estimates"][0]["obstacle"].clone();
        let said = told.as_str().unwrap_or_default();
        assert_eq!(told.is_null(), obstacle.is_none(), "{model}: {said}");
        assert!(said.starts_with(obstacle.unwrap_or_default()), "{model}: {said}");
        let (answered, answer) = gateway.ask(&body);
        assert_eq!(answered, status, "{model}: {answer}");
        let explained = json(home.path(), &["explain", "last", "--data", "books"]);
        assert_eq!(explained["cost_usd"] == "0.000000000", obstacle.is_some(), "{model}: {explained}");
    }
    assert_eq!(gateway.stop(), Some(0));
}

/// The ids of a list.
fn listed(home: &Path, arguments: &[&str]) -> Vec<String> {
    let models = json(home, arguments)["models"].as_array().unwrap().clone();
    models.iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn who_retains_nothing() {
    let home = home();
    let gateway = Serving::start(home.path(), &home.path().join("books"), &["--budget", "1"]);
    let upstream = format!("http://{}/api/v1", gateway.listen);
    let here = ["--upstream", &upstream];
    let show = ["models", "show", "anthropic/claude-sonnet-4.5"];
    let before = run(home.path(), &[&show[..], &here].concat(), &[]);
    assert!(!before.contains("retains nothing"), "nobody has asked: {before}");

    // The gateway passes the question on to its sandbox, where Amazon and Google retain nothing, and OpenAI does not.
    let all = listed(home.path(), &[&["models", "list"], &here[..]].concat());
    let kept = listed(home.path(), &[&["models", "list", "--zdr"], &here[..]].concat());
    assert!(kept.len() > 20 && kept.len() < all.len(), "{} of {}", kept.len(), all.len());
    let keeps = |model: &str| kept.iter().any(|id| id == model);
    assert!(keeps("anthropic/claude-sonnet-4.5") && keeps("google/gemini-2.5-pro"), "{kept:?}");
    assert!(!keeps("openai/gpt-4o-mini") && !keeps("openrouter/auto"), "{kept:?}");
    assert!(
        keeps("deepseek/deepseek-r1") && !keeps("deepseek/deepseek-r1:free"),
        "another row, others serve it"
    );

    let after = run(home.path(), &[&show[..], &here].concat(), &[]);
    let tagged = |tag: &str| after.lines().find(|line| line.contains(tag)).unwrap().to_owned();
    assert!(tagged("amazon-bedrock").ends_with("retains nothing"), "{after}");
    assert!(!tagged(" anthropic ").contains("retains nothing"), "{after}");

    // A price is that of the providers that are left: DeepSeek itself is cheapest, and retains what it is sent.
    let likely = |more: &[&str]| {
        let asked = ["models", "cheapest", "--search", "deepseek/deepseek-chat"];
        let models = json(home.path(), &[&asked[..], more, &here].concat())["models"].clone();
        assert_eq!(models.as_array().unwrap().len(), 1, "{models}");
        models[0]["likely_usd"].as_str().unwrap().to_owned()
    };
    let (any, least, one) = (likely(&[]), likely(&["--zdr"]), likely(&["--zdr", "--provider", "deepinfra"]));
    assert!(any < least && least < one, "{any}, {least}, {one}");
    assert_eq!(likely(&["--provider", "deepinfra"]), one);
    let nobody = [&["models", "list", "--zdr", "--provider", "openai"], &here[..]].concat();
    assert!(listed(home.path(), &nobody).is_empty());

    // What was told is on disk, for a gateway that is gone and for whoever asks nobody.
    assert_eq!(gateway.stop(), Some(0));
    for more in [&[][..], &["--offline"]] {
        assert_eq!(listed(home.path(), &[&["models", "list", "--zdr"], &here[..], more].concat()), kept);
    }
    let unknown = ["models", "list", "--zdr", "--upstream", "http://127.0.0.1:9/api/v1"];
    let told = run(home.path(), &unknown, &[]);
    assert!(told.starts_with("exit code 1\n") && told.contains("leave --zdr out"), "{told}");
}

#[test]
fn what_has_changed() {
    let home = home();
    let gateway = Serving::start(home.path(), &home.path().join("books"), &["--budget", "1"]);
    let upstream = format!("http://{}/api/v1", gateway.listen);
    let models = |arguments: &[&str]| {
        run(home.path(), &[&["models"], arguments, &["--upstream", &upstream]].concat(), &[])
    };
    let none = models(&["history"]);
    assert!(none.contains("nobody has asked OpenRouter for prices here yet"), "{none}");
    let first = models(&["refresh"]);
    assert!(first.starts_with("exit code 0") && first.contains("since the rows built in"), "{first}");
    let same = models(&["watch", "--once"]);
    assert!(same.starts_with("exit code 0\n") && !same.contains("stdout"), "{same}");
    assert!(same.contains("no change since the last time"), "{same}");

    // What is on disk says that a price was another one, and so it has moved since.
    let folder = home
        .path()
        .join(".cache/farebox/cache")
        .join(format!("{}/api/v1", gateway.listen).replace([':', '/'], "_"));
    let file = folder.join("catalogue.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut kept: Value = serde_json::from_str(&text).unwrap();
    let rows = kept["models"]["data"].as_array_mut().unwrap();
    let row = rows.iter_mut().find(|row| row["id"] == "openai/gpt-4o-mini").unwrap();
    assert_eq!(row["pricing"]["prompt"], "0.00000015");
    row["pricing"]["prompt"] = "0.0000001".into();
    std::fs::write(&file, kept.to_string()).unwrap();
    let other = models(&["watch", "--once", "openai/gpt-4o"]);
    std::fs::write(&file, kept.to_string()).unwrap();
    assert!(other.starts_with("exit code 0\n"), "another model is not meant: {other}");
    let moved = models(&["watch", "--once"]);
    assert!(moved.starts_with("exit code 8\n"), "{moved}");
    assert!(moved.contains("  openai/gpt-4o-mini\n  in  $0.10/M -> $0.15/M  +50.0 %\n"), "{moved}");
    let again = models(&["watch", "--once"]);
    assert!(again.starts_with("exit code 0\n"), "{again}");

    // The history works while a gateway runs, offline, and tells a change once.
    let told = models(&["history", "openai/gpt-4o-mini", "--offline"]);
    assert!(told.starts_with("exit code 0\n"), "{told}");
    assert_eq!(told.matches("in  $0.10/M -> $0.15/M  +50.0 %").count(), 1, "{told}");
    let quiet = models(&["history", "openai/gpt-4.1"]);
    assert!(quiet.contains("openai/gpt-4.1: no change since 2026-10-02 00:00 UTC."), "{quiet}");
    let since = models(&["history", "openai/gpt-4o-mini", "--since", "0d"]);
    assert!(since.contains("openai/gpt-4o-mini: no change since 20"), "{since}");
    for since in ["yesterday", "2026-10-01", "2026-10-01T12:00:00Z"] {
        let told = models(&["history", "openai/gpt-4o-mini", "--since", since]);
        assert!(told.contains("in  $0.10/M -> $0.15/M"), "{since}: {told}");
    }
    let json = json(home.path(), &["models", "history", "openai/gpt-4o-mini", "--upstream", &upstream]);
    assert_eq!(json["changes"][0]["moves"][0]["percent"], "+50.0");
    assert_eq!(json["changes"][0]["moves"][0]["new"], "0.00000015");

    assert_eq!(gateway.stop(), Some(0));
    let gone = models(&["watch", "--once"]);
    assert!(gone.starts_with("exit code 5\n"), "{gone}");
}

#[test]
fn watching_ends_with_a_signal() {
    let home = home();
    let child = farebox(home.path())
        .args(["models", "watch", "--upstream", "http://127.0.0.1:9/api/v1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    let told = told(&output, home.path());
    assert!(told.starts_with("exit code 0\n") && told.contains("Ctrl-C ends"), "{told}");
    assert!(told.contains("warning:"), "a time that cannot be asked is a warning: {told}");
}

#[test]
fn one_rule_of_room() {
    let home = home();
    let models = |arguments: &[&str]| {
        let told = json(home.path(), &[&["models"], arguments, &["--offline"]].concat());
        told["models"].as_array().unwrap().clone()
    };
    let of = |models: &[Value], id: &str| models.iter().find(|model| model["id"] == id).cloned();
    let obstacle = |model: &Value| model["obstacle"].as_str().unwrap_or_default().to_owned();

    // Prompt and answer within the context, and the answer within what the model ever gives.
    for (input, output, expected) in [
        ("126000", "2000", ""),
        (
            "127000",
            "2000",
            "it has room for 128,000 tokens in all, and the prompt has 127,000, its answer 2,000",
        ),
        ("100", "16384", ""),
        ("100", "20000", "it answers with 16,384 tokens at most, and 20,000 are wanted"),
    ] {
        let size = ["--in", input, "--out", output];
        let compared = models(&[&["compare", "openai/gpt-4o"], &size[..]].concat());
        assert_eq!(obstacle(&compared[0]), expected, "{size:?}");
        let listed =
            of(&models(&[&["list", "--search", "gpt-4o"], &size[..]].concat()), "openai/gpt-4o").unwrap();
        assert_eq!(listed["likely_usd"].is_null(), !expected.is_empty(), "{size:?}");
        let cheapest = models(&[&["cheapest", "--search", "gpt-4o", "--limit", "99"], &size[..]].concat());
        assert_eq!(of(&cheapest, "openai/gpt-4o").is_none(), !expected.is_empty(), "{size:?}");
    }
    // A context so short that the prompt would be cut is no bargain either.
    let long = ["--in", "131000", "--out", "2000"];
    let short =
        of(&models(&[&["list", "--sort", "price"], &long[..]].concat()), "google/gemma-2-9b-it").unwrap();
    assert!(short["likely_usd"].is_null(), "{short}");

    let words = "word ".repeat(127_000);
    std::fs::write(home.path().join("long.txt"), &words).unwrap();
    let long = ["estimate", "--file", "long.txt", "-m", "openai/gpt-4o", "--offline"];
    let estimate = |more: &[&str]| json(home.path(), &[&long[..], more].concat())["estimates"][0].clone();
    assert_eq!(obstacle(&estimate(&["--max-tokens", "500"])), "");
    assert!(obstacle(&estimate(&["--max-tokens", "2000"])).ends_with("its answer 2,000"));
    assert!(obstacle(&estimate(&["--output", "2000"])).ends_with("its answer 2,000"));
    let table =
        run(home.path(), &[&long[..], &["-m", "openai/gpt-5-nano", "--output", "2000"]].concat(), &[]);
    assert!(table.lines().any(|line| line.starts_with("openai/gpt-4o ") && line.ends_with(" -")), "{table}");
    assert!(table.contains("openai/gpt-4o cannot do it as asked: it has room"), "{table}");
}

#[test]
fn a_prompt_is_counted_and_nothing_is_refused() {
    let home = home();
    let of = |body: &str| {
        std::fs::write(home.path().join("sent.json"), body).unwrap();
        let told =
            farebox(home.path()).args(["estimate", "--body", "sent.json", "--offline", "--json"]).output();
        let told = told.unwrap();
        let estimate: Value = serde_json::from_slice(&told.stdout).unwrap();
        (estimate["estimates"][0].clone(), String::from_utf8(told.stderr).unwrap())
    };
    let text = "hello world ".repeat(5_000);
    let (bare, _) = of(&format!(r#"{{"model":"openai/gpt-4o-mini","prompt":"{text}"}}"#));
    let said =
        format!(r#"{{"model":"openai/gpt-4o-mini","messages":[{{"role":"user","content":"{text}"}}]}}"#);
    let (said, talk) = of(&said);
    assert_eq!(bare["prompt_tokens"], said["prompt_tokens"]);
    assert!(bare["obstacle"].is_null() && !talk.contains("is not counted"), "{talk}");
    for nothing in [r#"{"model":"openai/gpt-4o-mini"}"#, r#"{"model":"openai/gpt-4o-mini","messages":[]}"#] {
        let (told, _) = of(nothing);
        assert_eq!(told["obstacle"], "it has neither \"messages\" nor a \"prompt\"");
    }
    for (field, word) in [("input", "/responses"), ("system", "role system"), ("max_token", "'max_tokens'?")]
    {
        let (told, talk) = of(&format!(r#"{{"model":"openai/gpt-4o-mini","{field}":"7","prompt":"hello"}}"#));
        assert_eq!(told["prompt_tokens"], 1 + 7);
        assert!(talk.contains(&format!("'{field}' is not counted: ")) && talk.contains(word), "{talk}");
    }
}

#[test]
fn commands_agree_how_far_a_bound_can_be_trusted() {
    let home = home();
    let estimate = json(home.path(), &["estimate", "--body", "request.json", "--offline"]);
    let compared = ["models", "compare", "openai/gpt-4o-mini", "--body", "request.json", "--offline"];
    let compared = json(home.path(), &compared);
    let (estimate, compared) = (&estimate["estimates"][0], &compared["models"][0]);
    assert_eq!((&estimate["class"], &estimate["worst_usd"]), (&compared["class"], &compared["worst_usd"]));
    // The prices built in are older than a day.
    assert_eq!(estimate["class"], "published");
}

#[test]
fn what_has_no_bound_has_a_dash_beside_others() {
    let home = home();
    let named = ["-m", "openrouter/auto", "-m", "openai/gpt-4o-mini", "--offline"];
    let asked = [&["estimate", "hello"], &named[..]].concat();
    let told = json(home.path(), &asked);
    let [auto, mini] = told["estimates"].as_array().unwrap().clone().try_into().unwrap();
    assert_eq!(auto["asked"], "openrouter/auto");
    assert!(auto["error"].as_str().unwrap().contains("picks a model at run time"), "{auto}");
    assert!(mini["error"].is_null() && mini["likely_usd"].is_string(), "{mini}");
    let text = run(home.path(), &asked, &[]);
    assert!(text.contains("\nopenrouter/auto ") && text.contains("openrouter/auto has no bound: "), "{text}");

    // The models of a body are compared as well, and that it names several stays said.
    let body = r#"{"models":["openai/gpt-4o-mini","openai/gpt-4o"],"n":3,"max_tokens":1000,"messages":[{"role":"user","content":"hi"}]}"#;
    std::fs::write(home.path().join("several.json"), body).unwrap();
    let asked = ["estimate", "--body", "several.json", "--compare", "--offline"];
    let text = run(home.path(), &asked, &[]);
    assert!(
        text.contains("\nopenai/gpt-4o ") && text.contains("openai/gpt-4o-mini names 2 models: "),
        "{text}"
    );
    assert!(text.contains("answer: 3 answers of "), "{text}");
    assert!(text.contains(" tokens expected, 1,000 at most each"), "{text}");
    let caps =
        run(home.path(), &["estimate", "hi", "-m", "openai/gpt-4", "-m", "openai/gpt-5", "--offline"], &[]);
    assert!(caps.contains(" expected, 4,096 to 16,384 at most\n"), "{caps}");
}
