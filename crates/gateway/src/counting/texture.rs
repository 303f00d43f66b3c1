//! [`Texture`]: what kind of text a prompt is, as far as counting it goes.
//!
//! Whoever guesses tokens from bytes, or counts with another vocabulary, may come out right for one kind of text and far
//! off for another. So what was seen with one kind holds for texts like it: no longer than so many times, hardly more bytes
//! to a token, and hardly more of it beyond ASCII. A tenth that an answer may be off, and a fiftieth more bytes to a token,
//! are less than the eighth that is held.

use tokens::Prompt;

/// A text is counted up to so many times the longest that agreed.
const LONGER_MAX: u64 = 8;

/// Of the texts of a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Texture {
    /// Bytes of UTF-8.
    pub(super) bytes: u64,
    /// Bytes to a thousand tokens.
    density: u64,
    /// Of a thousand bytes, those that are not ASCII.
    foreign: u64,
}

impl Texture {
    /// Of a prompt whose texts have so many tokens.
    pub(super) fn of(prompt: &Prompt, tokens: u64) -> Texture {
        let (bytes, foreign) = prompt.said_bytes();
        let per_thousand = |part: u64, whole: u64| part.saturating_mul(1_000).div_ceil(whole.max(1));
        Texture { bytes, density: per_thousand(bytes, tokens), foreign: per_thousand(foreign, bytes) }
    }

    /// The most of each.
    pub(super) fn max(self, other: Texture) -> Texture {
        Texture {
            bytes: self.bytes.max(other.bytes),
            density: self.density.max(other.density),
            foreign: self.foreign.max(other.foreign),
        }
    }

    /// Whether what was seen with texts up to this holds for another.
    pub(super) fn covers(&self, other: &Texture) -> bool {
        other.bytes <= self.bytes.saturating_mul(LONGER_MAX)
            && other.density <= self.density + self.density / 50
            && other.foreign <= self.foreign + 10
    }
}

#[cfg(test)]
mod tests {
    use pricing::Encoding;

    use super::*;

    fn texture(text: &str) -> Texture {
        let body = serde_json::json!({ "messages": [{ "role": "user", "content": text }] }).to_string();
        let prompt = Prompt::read(body.as_bytes()).unwrap();
        Texture::of(&prompt, prompt.said(Encoding::O200k))
    }

    #[test]
    fn texts_like_those_that_were_seen() {
        let prose = "Every morning the miller counted his sacks twice. ";
        let seen = texture(&prose.repeat(20));
        for (text, covered) in [
            (prose.repeat(20), true),
            (prose.repeat(5), true),
            (prose.repeat(161), false),
            // Fewer tokens than bytes would have it, and letters beyond ASCII.
            (" ".repeat(400), false),
            (prose.replace('e', "\u{0907}").repeat(5), false),
            ("1 2 3 4 5 ".repeat(20), true),
        ] {
            assert_eq!(seen.covers(&texture(&text)), covered, "{text}");
        }
        assert!(seen.max(texture(&prose.repeat(40))).covers(&texture(&prose.repeat(161))));
        assert!(!Texture::default().covers(&texture("a")));
    }
}
