//! [`Failure`]: what a command says when it cannot go on. One line, and a hint where there is something to do.

use std::error::Error;

use farebox::ConfigError;
pub(crate) use farebox::chain;

use crate::exit::Exit;
use crate::terminal::Terminal;

/// Why a command ends here.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// The command could not do it.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Failure { exit: Exit::Failed, message: message.into(), hint: None }
    }

    /// The command was asked wrongly.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Failure { exit: Exit::Usage, message: message.into(), hint: None }
    }

    /// Credentials are missing or unusable.
    pub(crate) fn credentials(message: impl Into<String>) -> Self {
        Failure { exit: Exit::Credentials, message: message.into(), hint: None }
    }

    /// The upstream does not answer, or cannot.
    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Failure { exit: Exit::Unreachable, message: message.into(), hint: None }
    }

    /// An error of a library with its causes, each said once.
    pub(crate) fn caused(doing: &str, error: &dyn Error) -> Self {
        Failure::failed(format!("{doing}: {}", chain(error)))
    }

    /// The same after words on how far things got.
    #[must_use]
    pub(crate) fn before(mut self, words: &str) -> Self {
        self.message = format!("{words}: {}", self.message);
        self
    }

    /// The same with the one thing to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The one line.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do next, where that is known.
    pub(crate) fn known_hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// As it is printed.
    pub(crate) fn text(&self, terminal: &Terminal) -> String {
        let mut text = format!("{} {}\n", terminal.red("error:"), self.message);
        if let Some(hint) = &self.hint {
            text += &format!("{} {hint}\n", terminal.bold("hint:"));
        }
        text
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Failure { exit: Exit::Usage, message: error.message, hint: error.hint }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_and_a_hint() {
        let failure = Failure::usage("no budget").hint("farebox serve --budget 10/day");
        let text = failure.text(&Terminal::plain());
        assert_eq!(text, "error: no budget\nhint: farebox serve --budget 10/day\n");
        assert_eq!(failure.exit, Exit::Usage);
    }
}
