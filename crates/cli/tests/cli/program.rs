//! Running `farebox`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program, with nothing of the surroundings: no settings, no home, no colour.
pub(crate) fn farebox(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farebox"));
    command.env_clear().env("HOME", home).env("LC_ALL", "C.UTF-8").current_dir(home);
    command
}

/// What a run printed and how it ended, as one text.
pub(crate) fn told(output: &Output, home: &Path) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&home.display().to_string(), "HOME");
    let mut told = format!("exit code {}\n", output.status.code().unwrap_or(-1));
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            told += &format!("--- {name}\n{}", text(bytes));
        }
    }
    told
}

/// Compares with `golden/NAME`.
pub(crate) fn golden(name: &str, told: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cli/golden").join(name);
    if std::env::var_os("FAREBOX_BLESS").is_some() {
        std::fs::write(&path, told).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(told, expected, "{name} has changed; if it is meant: FAREBOX_BLESS=1 cargo test -p cli");
}
