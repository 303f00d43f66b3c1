//! Writing data to stdout. A reader that left (`| head`) is no error.

use std::io::{self, Write};

use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;

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
