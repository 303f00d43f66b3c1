//! Writing data to stdout. A reader that left (`| head`) is no error.

use std::io::{self, Write};

use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::prose;
use crate::terminal::Terminal;

/// Prints text as it is.
pub(crate) fn text(text: &str) -> Result<Exit, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::caused("cannot write to stdout", &error))
        }
        _ => Ok(Exit::Ok),
    }
}

/// Prints JSON on lines for people to read.
pub(crate) fn json(value: &impl Serialize) -> Result<Exit, Failure> {
    let json =
        serde_json::to_string_pretty(value).map_err(|error| Failure::caused("cannot write JSON", &error))?;
    text(&(json + "\n"))
}

/// Prints JSON on one line.
pub(crate) fn json_line(value: &impl Serialize) -> Result<Exit, Failure> {
    let json = serde_json::to_string(value).map_err(|error| Failure::caused("cannot write JSON", &error))?;
    text(&(json + "\n"))
}

/// Says on stderr what stdout is about.
pub(crate) fn talk(parts: &[&str]) {
    let terminal = Terminal::of_stderr();
    let all = parts.join(&format!(" {} ", terminal.dot()));
    for line in prose::line(&all, 2, &terminal).lines() {
        eprintln!("{}", terminal.dim(line));
    }
}
