//! [`Token`]: what a command shows before it may change something.
//!
//! Anybody on this machine can connect to a loopback address; only the owner of the data folder can read a file in it.
//! So the console writes a random word there at each start, and asks for it. Fails closed: without the file nothing is
//! changed, while reading goes on.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use http::HeaderMap;
use subtle::ConstantTimeEq;

/// The header that carries it.
pub const TOKEN_HEADER: &str = "x-farebox-console-token";

const FILE: &str = "console-token";
const FILE_NEW: &str = "console-token.new";
const BYTES: usize = 32;

/// A random word of 64 hex digits, new at each start. Never printed.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Makes one, and writes it where only the owner of the folder can read it.
    ///
    /// # Errors
    /// When there is no randomness, or the file cannot be written.
    pub fn write(data: &Path) -> io::Result<Token> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let token = Token(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        let new = data.join(FILE_NEW);
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(token.0.as_bytes())?;
        fs::rename(new, data.join(FILE))?;
        Ok(token)
    }

    /// The one that the gateway on this folder asks for.
    ///
    /// # Errors
    /// When the file is not there, or not ours to read.
    pub fn read(data: &Path) -> io::Result<Token> {
        fs::read_to_string(data.join(FILE)).map(Token)
    }

    /// For the header.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_shown_by(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(TOKEN_HEADER).map_or(&[][..], |value| value.as_bytes());
        shown.ct_eq(self.0.as_bytes()).into()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_owner_reads_it_and_nobody_guesses_it() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (Token::write(dir.path()).unwrap(), Token::write(dir.path()).unwrap());
        assert_ne!(first.expose(), second.expose());
        assert_eq!(second.expose().len(), 2 * BYTES);
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut headers = HeaderMap::new();
        assert!(!second.is_shown_by(&headers));
        for (word, passes) in [(first.expose(), false), ("", false), (second.expose(), true)] {
            headers.insert(TOKEN_HEADER, word.parse().unwrap());
            assert_eq!(second.is_shown_by(&headers), passes);
        }
        assert_eq!(Token::read(dir.path()).unwrap().expose(), second.expose());
    }
}
