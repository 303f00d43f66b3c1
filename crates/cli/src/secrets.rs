//! Keys of OpenRouter: from the environment or a file it names, never from a flag or a configuration file, and never
//! printed.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use gateway::Secret;

use crate::failure::{Failure, chain};

/// Where ordinary keys are made.
pub(crate) const KEYS_PAGE: &str = "https://openrouter.ai/settings/keys";
/// Where management keys are made.
pub(crate) const MANAGEMENT_KEYS_PAGE: &str = "https://openrouter.ai/settings/management-keys";

const API_KEY: Names = Names { variable: "OPENROUTER_API_KEY", file: "OPENROUTER_API_KEY_FILE" };
const MANAGEMENT_KEY: Names =
    Names { variable: "OPENROUTER_MANAGEMENT_KEY", file: "OPENROUTER_MANAGEMENT_KEY_FILE" };
/// What OpenRouter called management keys before (CONTRACT 1).
const PROVISIONING_KEY: Names =
    Names { variable: "OPENROUTER_PROVISIONING_KEY", file: "OPENROUTER_PROVISIONING_KEY_FILE" };

struct Names {
    variable: &'static str,
    file: &'static str,
}

/// A key and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// The key itself.
    pub(crate) secret: Secret,
    /// Where it came from, in words.
    pub(crate) from: &'static str,
}

/// The upstream key, if there is one: `OPENROUTER_API_KEY`, or the file that `OPENROUTER_API_KEY_FILE` names.
pub(crate) fn api_key() -> Result<Option<Key>, Failure> {
    API_KEY.read(&|name| env::var_os(name))
}

/// The management key, if there is one; the older name `OPENROUTER_PROVISIONING_KEY` is read as well.
pub(crate) fn management_key() -> Result<Option<Key>, Failure> {
    management_key_of(&|name| env::var_os(name))
}

/// The upstream key, which must be there.
pub(crate) fn needed_api_key(what_for: &str) -> Result<Key, Failure> {
    api_key()?.ok_or_else(|| {
        Failure::credentials(format!("{what_for} needs an OpenRouter key in OPENROUTER_API_KEY"))
            .hint(format!("make one at {KEYS_PAGE}, or name a file with it: OPENROUTER_API_KEY_FILE"))
    })
}

/// The management key, which must be there.
pub(crate) fn needed_management_key(what_for: &str) -> Result<Key, Failure> {
    management_key()?.ok_or_else(|| {
        let hint = format!(
            "make one at {MANAGEMENT_KEYS_PAGE}, or name a file with it: OPENROUTER_MANAGEMENT_KEY_FILE"
        );
        Failure::credentials(format!("{what_for} needs a management key in OPENROUTER_MANAGEMENT_KEY"))
            .hint(hint)
    })
}

/// The sandbox takes any key; a real one has no business there.
pub(crate) fn of_sandbox() -> Key {
    Key { secret: Secret::new("sk-or-v1-sandbox"), from: "made up for the sandbox" }
}

/// The key that a sandbox takes for its administrator's, unless it is configured otherwise.
pub(crate) fn of_sandbox_management() -> Key {
    Key { secret: Secret::new("sk-or-v1-sandbox-management"), from: "made up for the sandbox" }
}

type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

fn management_key_of(environment: Environment<'_>) -> Result<Option<Key>, Failure> {
    match MANAGEMENT_KEY.read(environment)? {
        Some(key) => Ok(Some(key)),
        None => PROVISIONING_KEY.read(environment),
    }
}

impl Names {
    /// An empty variable is not set.
    fn read(&self, environment: Environment<'_>) -> Result<Option<Key>, Failure> {
        let set = |name| environment(name).filter(|value| !value.is_empty());
        if let Some(key) = set(self.variable) {
            return checked(&key.into_string().unwrap_or_default(), self.variable).map(Some);
        }
        let Some(path) = set(self.file) else { return Ok(None) };
        let key = fs::read_to_string(&path).map_err(|error| {
            let path = Path::new(&path).display();
            Failure::credentials(format!("cannot read {path} of {}: {}", self.file, chain(&error)))
        })?;
        checked(&key, self.file).map(Some)
    }
}

fn checked(key: &str, from: &'static str) -> Result<Key, Failure> {
    let secret = Secret::new(key);
    let key = secret.expose();
    match !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(Key { secret, from }),
        false => Err(Failure::credentials(format!("what {from} holds is not an OpenRouter key"))
            .hint("a key is one word that begins with sk-or-v1-")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::terminal::Terminal;

    #[test]
    fn keys() {
        let of = |text| checked(text, API_KEY.variable);
        assert_eq!(of(" sk-or-v1-abc\n").unwrap().secret, Secret::new("sk-or-v1-abc"));
        for text in ["", "  \n", "two words", "sk-or-v1-\u{e9}"] {
            let failure = of(text).unwrap_err();
            let told = failure.text(&Terminal::plain());
            assert_eq!(failure.exit, Exit::Credentials);
            assert!(text.trim().is_empty() || !told.contains(text.trim()), "a key is never printed: {told}");
        }
    }

    #[test]
    fn places() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        fs::write(&file, "sk-or-v1-file\n").unwrap();
        let found = |set: &[(&str, &str)]| {
            let of = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
            management_key_of(&of).map(|key| key.map(|key| (key.secret.expose().to_owned(), key.from)))
        };
        let file = file.to_str().unwrap();
        assert_eq!(found(&[]).unwrap(), None);
        assert_eq!(found(&[("OPENROUTER_MANAGEMENT_KEY", "")]).unwrap(), None);
        assert_eq!(found(&[("OPENROUTER_API_KEY", "sk-or-v1-a")]).unwrap(), None, "the other kind");
        for (set, key, from) in [
            (
                &[("OPENROUTER_PROVISIONING_KEY", "old"), ("OPENROUTER_MANAGEMENT_KEY", "new")][..],
                "new",
                "OPENROUTER_MANAGEMENT_KEY",
            ),
            (&[("OPENROUTER_PROVISIONING_KEY", "old")], "old", "OPENROUTER_PROVISIONING_KEY"),
            (&[("OPENROUTER_MANAGEMENT_KEY_FILE", file)], "sk-or-v1-file", "OPENROUTER_MANAGEMENT_KEY_FILE"),
        ] {
            assert_eq!(found(set).unwrap(), Some((key.to_owned(), from)));
        }
        let absent = found(&[("OPENROUTER_MANAGEMENT_KEY_FILE", "nowhere")]).unwrap_err();
        assert_eq!(absent.exit, Exit::Credentials);
    }
}
