//! Every error as people see it, with its exit code.

use std::path::Path;

use crate::program::{farebox, golden, told};

struct Case {
    name: &'static str,
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
    file: Option<&'static str>,
}

const fn case(name: &'static str, arguments: &'static [&'static str]) -> Case {
    Case { name, arguments, environment: &[], file: None }
}

const CASES: &[Case] = &[
    case("no-budget", &["serve"]),
    case("budget-amount", &["serve", "--budget", "ten/day"]),
    case("budget-window", &["serve", "--budget", "10/fortnight"]),
    case("budget-zero", &["serve", "--budget", "0/day"]),
    case("budget-twice", &["serve", "--budget", "1/day", "--budget", "2/day"]),
    case("budget-none-and-one", &["serve", "--budget", "none", "--budget", "2/day"]),
    case("listen-everywhere", &["serve", "--budget", "1", "--listen", "0.0.0.0:4747"]),
    case("console-everywhere", &["serve", "--budget", "1", "--console", "[::]:4748"]),
    case("listen-word", &["serve", "--budget", "1", "--listen", "4747"]),
    case("same-address", &["serve", "--budget", "1", "--listen", "127.0.0.1:4748"]),
    case("upstream-word", &["serve", "--budget", "1", "--upstream", "openrouter.ai"]),
    case("no-such-file", &["serve", "--config", "nowhere.toml"]),
    case("unknown-command", &["serv"]),
    case("unknown-flag", &["serve", "--bugdet", "1"]),
    case("unknown-help", &["help", "nothing"]),
    case("no-books", &["budgets", "list"]),
    case("no-console", &["budgets", "list", "--console", "127.0.0.1:1"]),
    case("explain-no-books", &["explain", "last"]),
    case("explain-word", &["explain", "not an id"]),
    case("sandbox-no-file", &["sandbox", "--config", "nowhere.toml"]),
    Case {
        environment: &[("OPENROUTER_BASE_URL", "http://localhost:4747/api/v1")],
        ..case("circle", &["serve", "--budget", "1"])
    },
    Case {
        environment: &[("OPENROUTER_API_KEY_FILE", "nowhere")],
        ..case("key-file", &["serve", "--budget", "1"])
    },
    Case {
        environment: &[("OPENROUTER_API_KEY", "sk-or-v1-two words")],
        ..case("key-words", &["serve", "--budget", "1"])
    },
    Case { file: Some("[[budget]]\nname = \"a\"\nlimt = \"1\"\n"), ..case("file-key", &["serve"]) },
    Case {
        file: Some("[[budget]]\nname = \"a\"\nlimit = 10.0\nwindow = \"day\"\n"),
        ..case("file-float", &["serve"])
    },
    Case {
        file: Some("[[budget]]\nname = \"each\"\nper = [\"user\"]\nlimit = \"1\"\nwindow = \"day\"\n"),
        ..case("file-rename", &["serve"])
    },
    Case {
        file: Some("[server]\nupstream = \"https://elsewhere.example/api/v1\"\n"),
        ..case("file-upstream", &["serve", "--budget", "1"])
    },
    Case { file: Some("unbudgeted = \"maybe\"\n"), ..case("file-word", &["serve"]) },
    Case { file: Some("[server\n"), ..case("file-broken", &["serve"]) },
];

#[test]
fn every_error_is_a_line_a_hint_and_a_code() {
    let mut all = String::new();
    for case in CASES {
        let home = tempfile::tempdir().unwrap();
        if let Some(text) = case.file {
            std::fs::write(home.path().join("farebox.toml"), text).unwrap();
        }
        let output = farebox(home.path())
            .args(case.arguments)
            .envs(case.environment.iter().copied())
            .output()
            .unwrap();
        assert!(!output.status.success(), "{}", case.name);
        assert!(output.stdout.is_empty(), "{}: talk belongs on stderr", case.name);
        all += &format!("== {}: farebox {}\n", case.name, case.arguments.join(" "));
        all += &told(&output, home.path());
        all.push('\n');
        assert!(!all.contains("sk-or-v1-two"), "a key is never printed");
    }
    golden("errors.txt", &all);
}

#[test]
fn files_are_laid_over_each_other() {
    let home = tempfile::tempdir().unwrap();
    let write = |path: &Path, text: &str| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(&home.path().join("farebox.toml"), "[server]\nlisten = \"0.0.0.0:1\"\n");
    write(
        &home.path().join(".config/farebox/config.toml"),
        "[[budget]]\nname = \"a\"\nlimit = \"1\"\nwindow = \"day\"\n[server]\nlisten = \"0.0.0.0:2\"\n",
    );
    let refused_at = |arguments: &[&str]| {
        let output = farebox(home.path()).arg("serve").args(arguments).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(
        refused_at(&[]).contains("0.0.0.0:1 "),
        "the project's file wins, the user's budget fills the gap"
    );
    assert!(refused_at(&["--listen", "0.0.0.0:3"]).contains("0.0.0.0:3 "), "a flag wins over files");
    assert!(refused_at(&["--config", ".config/farebox/config.toml"]).contains("0.0.0.0:2 "));
}
