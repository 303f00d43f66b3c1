//! Places: a line of a file for errors, and the usual folders.

use std::env;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::ConfigError;

/// A file being read, to say where in it something is wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// An error about these bytes of the file.
    pub(super) fn wrong(&self, span: Range<usize>, sentence: impl std::fmt::Display) -> ConfigError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        ConfigError::new(format!("{}:{line}: {sentence}", self.path.display()))
    }
}

/// Where the books are when nobody says: `$XDG_STATE_HOME/farebox`, `~/.local/state/farebox`.
pub fn default_data() -> Option<PathBuf> {
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("farebox"))
}

/// Where a user's configuration is: `$XDG_CONFIG_HOME/farebox/config.toml`, `~/.config/farebox/config.toml`.
pub(super) fn user_file() -> Option<PathBuf> {
    let config = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(config.join("farebox/config.toml"))
}

/// `~/` at the start of a path in a file, where no shell has replaced it.
pub(super) fn with_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), absolute("HOME")) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

/// The XDG rule: a relative path in these variables is passed over.
fn absolute(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}
