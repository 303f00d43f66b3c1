//! [`Secret`]: text that is sent and never shown.

use std::fmt;

/// A key, a password, a URL with a secret in it. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes it in, without the white space around it: files end in some.
    pub fn new(text: &str) -> Self {
        Secret(text.trim().to_owned())
    }

    /// The text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_shows() {
        let secret = Secret::new(" sk-or-v1-abc\n");
        assert_eq!(secret.expose(), "sk-or-v1-abc");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
