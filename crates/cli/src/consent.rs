//! Asking before what cannot be undone: on a terminal, and only there.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::failure::{Failure, chain};

/// Whether there is somebody to ask, or it was said that nobody need be.
///
/// # Errors
/// Without either.
pub(crate) fn possible(yes: bool) -> Result<(), Failure> {
    match yes || (io::stdin().is_terminal() && io::stderr().is_terminal()) {
        true => Ok(()),
        false => {
            Err(Failure::usage("there is nobody to ask whether this is meant").hint("say so with --yes"))
        }
    }
}

/// Asks; anything but a yes is a no.
pub(crate) fn given(question: &str) -> Result<bool, Failure> {
    eprint!("{question} [y/N] ");
    let _ = io::stderr().flush();
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::failed(format!("no answer could be read: {}", chain(&error))))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
