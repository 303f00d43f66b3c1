//! Transcripts in the documentation: each block of commands is run on the prices built in, and what it prints is what
//! the page says. `FAREBOX_BLESS=1 cargo test -p cli transcripts` writes the pages anew.
//!
//! A block is fenced as `text`, begins with `$ farebox` and stands under a line `<!-- run -->`. Each line with a `$` is
//! run by a shell, in a folder with the files of `transcripts/`; lines below it are its output, on both streams. The
//! commands that know prices are run with `--offline`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const MARK: &str = "<!-- run -->\n```text\n";
const END: &str = "```\n";

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with the files that the commands name.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for file in fs::read_dir(here().join("tests/cli/transcripts")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), home.path().join(file.file_name())).unwrap();
    }
    home
}

/// What a command prints.
fn printed(command: &str, home: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_farebox"));
    let offline = "farebox() { case \"$1\" in estimate|models) command farebox \"$@\" --offline;; *) command farebox \"$@\";; esac; }\n";
    let output = Command::new("sh")
        .args(["-c", &format!("{offline}{{ {command}\n}} 2>&1")])
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", program.parent().unwrap().display()))
        .env("HOME", home)
        .env("LC_ALL", "C.UTF-8")
        .env("COLUMNS", "100")
        .current_dir(home)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// A block, its commands run again.
fn again(block: &str, home: &Path) -> String {
    let commands: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    assert!(!commands.is_empty(), "no command in {block}");
    let runs = commands.iter().map(|command| format!("$ {command}\n{}", printed(command, home)));
    runs.collect::<Vec<_>>().join("\n")
}

/// A page, each of its blocks run again; and how many there are.
fn rewritten(page: &str, home: &Path) -> (String, usize) {
    let mut parts = page.split(MARK);
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut blocks = 0;
    for part in parts {
        let (block, rest) = part.split_once(END).expect("a block that ends");
        text += &format!("{MARK}{}{END}{rest}", again(block, home));
        blocks += 1;
    }
    (text, blocks)
}

fn check(page: &str, least: usize) {
    let path: PathBuf = here().join("../..").join(page);
    let home = home();
    let text = fs::read_to_string(&path).unwrap();
    let (run, blocks) = rewritten(&text, home.path());
    assert!(blocks >= least, "{page} has {blocks} blocks that are run");
    if std::env::var_os("FAREBOX_BLESS").is_some() {
        fs::write(&path, &run).unwrap();
        return;
    }
    assert_eq!(
        text, run,
        "{page} says something else; if it is meant: FAREBOX_BLESS=1 cargo test -p cli transcripts"
    );
}

#[test]
fn of_estimates() {
    check("docs/reference/estimate.md", 10);
}

#[test]
fn a_wrong_transcript_is_found() {
    let home = home();
    let page = format!("Before.\n\n{MARK}$ farebox estimate hello\nnonsense\n{END}\nAfter.\n");
    let (run, blocks) = rewritten(&page, home.path());
    assert_eq!(blocks, 1);
    assert!(run.starts_with("Before.\n") && run.ends_with("\nAfter.\n"), "{run}");
    assert!(
        run.contains("$ farebox estimate hello\nerror: no model is named") && !run.contains("nonsense"),
        "{run}"
    );
    assert_eq!(rewritten(&run, home.path()).0, run, "twice the same");
}
