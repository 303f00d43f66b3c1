//! Exit codes: stable, documented in `farebox help exit-codes`.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It did what it was asked.
    Ok = 0,
    /// It could not.
    Failed = 1,
    /// It was asked wrongly: a flag, an argument, the environment or the configuration file.
    Usage = 2,
    /// Credentials are missing or cannot be used.
    Credentials = 4,
    /// The upstream cannot be reached, or cannot answer.
    Unreachable = 5,
    /// Books and bill differ.
    Drift = 6,
    /// Less is left than was asked about.
    Below = 7,
    /// Prices have changed.
    Changed = 8,
    /// Interrupted.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
