//! `farebox version`

use serde_json::json;

use crate::cli::VersionArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Prints it.
pub(crate) fn run(args: &VersionArgs) -> Result<Exit, Failure> {
    match args.json {
        true => output::json_line(&json!({
            "name": "farebox",
            "version": VERSION,
            "os": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
        })),
        false => output::text(&format!("farebox {VERSION}\n")),
    }
}
