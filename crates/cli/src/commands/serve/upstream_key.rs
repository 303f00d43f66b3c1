//! The upstream key: from the environment or a file it names, never from a flag or a configuration file.

use std::env;
use std::fs;

use gateway::Secret;

use crate::failure::{Failure, chain};

const VARIABLE: &str = "OPENROUTER_API_KEY";
const FILE_VARIABLE: &str = "OPENROUTER_API_KEY_FILE";

/// The key, if there is one, and where it came from.
#[derive(Debug)]
pub(crate) struct UpstreamKey {
    /// The key itself.
    pub(crate) secret: Option<Secret>,
    /// Where it came from, in words.
    pub(crate) from: &'static str,
}

impl UpstreamKey {
    /// `OPENROUTER_API_KEY`, or the file that `OPENROUTER_API_KEY_FILE` names; an empty variable is not set.
    pub(crate) fn from_environment() -> Result<Self, Failure> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        if let Some(key) = set(VARIABLE) {
            let key = key.into_string().unwrap_or_default();
            return Self::checked(&key, VARIABLE);
        }
        let Some(path) = set(FILE_VARIABLE) else {
            return Ok(UpstreamKey { secret: None, from: "each caller's own" });
        };
        let key = fs::read_to_string(&path).map_err(|error| {
            let path = std::path::Path::new(&path);
            Failure::credentials(format!(
                "cannot read {} of {FILE_VARIABLE}: {}",
                path.display(),
                chain(&error)
            ))
        })?;
        Self::checked(&key, FILE_VARIABLE)
    }

    /// The sandbox takes any key; a real one has no business there.
    pub(crate) fn sandbox() -> Self {
        UpstreamKey { secret: Some(Secret::new("sk-or-v1-sandbox")), from: "made up for the sandbox" }
    }

    fn checked(key: &str, from: &'static str) -> Result<Self, Failure> {
        let secret = Secret::new(key);
        let key = secret.expose();
        match !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(UpstreamKey { secret: Some(secret), from }),
            false => Err(Failure::credentials(format!("what {from} holds is not an OpenRouter key"))
                .hint("a key is one word that begins with sk-or-v1-")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let of = |text| UpstreamKey::checked(text, VARIABLE);
        assert_eq!(of(" sk-or-v1-abc\n").unwrap().secret, Some(Secret::new("sk-or-v1-abc")));
        for text in ["", "  \n", "two words", "sk-or-v1-\u{e9}"] {
            let failure = of(text).unwrap_err();
            let told = failure.text(&crate::terminal::Terminal::plain());
            assert_eq!(failure.exit, crate::exit::Exit::Credentials);
            assert!(text.trim().is_empty() || !told.contains(text.trim()), "a key is never printed: {told}");
        }
    }
}
