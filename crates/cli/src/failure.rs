//! [`Failure`]: what a command says when it cannot go on. One line, and a hint where there is something to do.

use std::error::Error;

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

    /// An error of a library with its causes, each said once.
    pub(crate) fn caused(doing: &str, error: &dyn Error) -> Self {
        Failure::failed(format!("{doing}: {}", chain(error)))
    }

    /// The same with the one thing to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
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

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text += &format!(": {cause_text}");
        }
        source = cause.source();
    }
    without_number(text.replace('\n', " ").trim_end())
}

/// Without the number that the system has for an error: the words before it say as much.
fn without_number(text: &str) -> String {
    match text.split_once(" (os error ") {
        Some((words, rest)) => words.to_owned() + rest.split_once(')').map_or("", |(_, rest)| rest),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_in_words() {
        let error = std::io::Error::from_raw_os_error(2);
        assert_eq!(chain(&error), "No such file or directory");
        assert_eq!(without_number("a (os error 7): b"), "a: b");
    }

    #[test]
    fn one_line_and_a_hint() {
        let failure = Failure::usage("no budget").hint("farebox serve --budget 10/day");
        let text = failure.text(&Terminal::plain());
        assert_eq!(text, "error: no budget\nhint: farebox serve --budget 10/day\n");
        assert_eq!(failure.exit, Exit::Usage);
    }
}
