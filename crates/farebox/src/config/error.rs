//! [`ConfigError`]: what is wrong with a configuration. One line, and a hint where there is something to do.

use std::error::Error;
use std::fmt;

/// What is wrong, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// One sentence: where, and what.
    pub message: String,
    /// The one thing to do next, where there is one.
    pub hint: Option<String>,
}

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        ConfigError { message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// As `farebox` prints it.
    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        let hint = self.hint.as_ref().map(|hint| format!("hint: {hint}\n"));
        format!("error: {}\n{}", self.message, hint.unwrap_or_default())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ConfigError {}
