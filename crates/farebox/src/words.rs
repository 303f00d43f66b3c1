//! Errors of libraries in words.

use std::error::Error;

/// An error and its causes on one line, each said once, without the system's number for it.
///
/// ```
/// let error = std::io::Error::from_raw_os_error(2);
/// assert_eq!(farebox::chain(&error), "No such file or directory");
/// ```
pub fn chain(error: &dyn Error) -> String {
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
}
