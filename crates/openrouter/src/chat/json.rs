//! [`Cursor`]: a reader of JSON that copies nothing and looks at each byte once. It passes what `serde_json` passes
//! and no other (tested against it); the texts it cannot read are told by that, in its words.
//!
//! Values are taken as they stand in the text. Depth costs no stack.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::BodyError;
use super::fields::Text;

/// Where the reading is.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning of a text.
    pub(super) const fn new(text: &'a str) -> Self {
        Cursor { text, at: 0 }
    }

    /// Where it is.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The next byte that is no space; it stays.
    pub(super) fn peek(&mut self) -> Result<u8, BodyError> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(broken()),
            }
        }
    }

    /// Whether an object begins here, or a list; then it is entered.
    pub(super) fn enter(&mut self, open: u8) -> Result<bool, BodyError> {
        let is_there = self.peek()? == open;
        self.at += usize::from(is_there);
        Ok(is_there)
    }

    /// Why something else stands here than should: it is wrong, or no JSON at all.
    pub(super) fn mismatch(&mut self, wrong: &BodyError) -> BodyError {
        match self.peek() {
            Ok(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => wrong.clone(),
            _ => broken(),
        }
    }

    /// After `enter`: whether another element or member comes, up to `close`, which is then left behind.
    pub(super) fn another(&mut self, first: &mut bool, close: u8) -> Result<bool, BodyError> {
        let next = self.peek()?;
        if next == close {
            self.at += 1;
            return Ok(false);
        }
        if !std::mem::take(first) {
            self.expect(b',')?;
            // A comma before the end is none.
            if self.peek()? == close {
                return Err(broken());
            }
        }
        Ok(true)
    }

    /// The name of a member, and its colon.
    pub(super) fn name(&mut self) -> Result<Cow<'a, str>, BodyError> {
        let start = self.begin_string()?;
        let escaped = self.string()?;
        let name = match self.text.get(start..self.at) {
            Some(quoted) if escaped => {
                let Text(name) = serde_json::from_str(quoted).map_err(|_| broken())?;
                name
            }
            Some(quoted) => Cow::Borrowed(quoted.get(1..quoted.len() - 1).unwrap_or_default()),
            None => return Err(broken()),
        };
        self.expect(b':')?;
        Ok(name)
    }

    /// The next value, whatever it is.
    pub(super) fn value(&mut self) -> Result<&'a str, BodyError> {
        self.peek()?;
        let start = self.at;
        self.skip()?;
        self.text.get(start..self.at).ok_or_else(broken)
    }

    /// Nothing but space may follow.
    pub(super) fn end(&mut self) -> Result<(), BodyError> {
        match self.peek() {
            Ok(_) => Err(broken()),
            Err(_) => Ok(()),
        }
    }

    /// Goes behind a value. What is open is kept by the bytes that will close it.
    fn skip(&mut self) -> Result<(), BodyError> {
        let mut open: SmallVec<[u8; 64]> = SmallVec::new();
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' => {
                    self.at += 1;
                    if self.peek()? != b'}' {
                        self.skip_name()?;
                        open.push(b'}');
                        continue;
                    }
                    self.at += 1;
                }
                b'[' => {
                    self.at += 1;
                    if self.peek()? != b']' {
                        open.push(b']');
                        continue;
                    }
                    self.at += 1;
                }
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => self.number()?,
            }
            loop {
                let Some(close) = open.last().copied() else { return Ok(()) };
                let next = self.peek()?;
                self.at += 1;
                if next == close {
                    open.pop();
                } else if next == b',' {
                    if close == b'}' {
                        self.skip_name()?;
                    }
                    break;
                } else {
                    return Err(broken());
                }
            }
        }
    }

    fn skip_name(&mut self) -> Result<(), BodyError> {
        self.begin_string()?;
        self.string()?;
        self.expect(b':')
    }

    fn begin_string(&mut self) -> Result<usize, BodyError> {
        if self.peek()? == b'"' { Ok(self.at) } else { Err(broken()) }
    }

    fn expect(&mut self, byte: u8) -> Result<(), BodyError> {
        if self.peek()? != byte {
            return Err(broken());
        }
        self.at += 1;
        Ok(())
    }

    /// Goes behind a string; whether it has escapes. Eight bytes at a time where there is nothing to look at.
    fn string(&mut self) -> Result<bool, BodyError> {
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        let mut at = self.at + 1;
        loop {
            while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
                let marks = marks(u64::from_le_bytes(*eight));
                if marks != 0 {
                    at += (marks.trailing_zeros() / 8) as usize;
                    break;
                }
                at += 8;
            }
            match bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    at += escape(bytes.get(at + 1..).unwrap_or_default()).ok_or_else(broken)?;
                }
                None | Some(0..=0x1F) => return Err(broken()),
                Some(_) => at += 1,
            }
        }
    }

    fn word(&mut self, word: &str) -> Result<(), BodyError> {
        match self.text.as_bytes().get(self.at..) {
            Some(rest) if rest.starts_with(word.as_bytes()) => {
                self.at += word.len();
                Ok(())
            }
            _ => Err(broken()),
        }
    }

    fn number(&mut self) -> Result<(), BodyError> {
        self.at += usize::from(self.here() == Some(b'-'));
        match self.here() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.here() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.here(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.here(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    fn here(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// One digit at least.
    fn digits(&mut self) -> Result<(), BodyError> {
        let start = self.at;
        while matches!(self.here(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(broken()) }
    }
}

/// No JSON; where, somebody else tells.
fn broken() -> BodyError {
    BodyError::NotJson(String::new())
}

/// The length of an escape, from its backslash; `rest` follows that.
fn escape(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(2),
        [b'u', digits @ ..] => digits.first_chunk::<4>()?.iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}

/// Marks the quotes, backslashes and control characters among eight bytes. The lowest mark is true; those above it may
/// be borrowed from it.
const fn marks(eight: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xFF;
    const HIGH: u64 = ONES * 0x80;
    let quote = eight ^ (ONES * b'"' as u64);
    let backslash = eight ^ (ONES * b'\\' as u64);
    let control = eight.wrapping_sub(ONES * 0x20) & !eight;
    let quote = quote.wrapping_sub(ONES) & !quote;
    let backslash = backslash.wrapping_sub(ONES) & !backslash;
    (control | quote | backslash) & HIGH
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    fn passes(text: &str) -> bool {
        let mut cursor = Cursor::new(text);
        cursor.value().is_ok() && cursor.end().is_ok()
    }

    #[test]
    fn what_is_json() {
        for text in [
            "null",
            " true ",
            "false",
            "nul",
            "truely",
            "0",
            "-0",
            "01",
            "-",
            "1.",
            "1.5e+3",
            "1e",
            "1E-2",
            ".5",
            "+1",
            "\"\"",
            "\"a",
            "\"\\\"",
            "\"\\u00e9\"",
            "\"\\u00g9\"",
            "\"\\ud800\"",
            "\"\\x\"",
            "\"\n\"",
            "\"\u{7f}é\u{1F4B8}\"",
            "[]",
            "[ ]",
            "[1,2]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[",
            "]",
            "{}",
            "{ }",
            "{\"a\":1}",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{\"a\":}",
            "{1:2}",
            "{\"a\":[{\"b\":{}}]}",
            "{\"a\":[}",
            "[{]}",
            "{} {}",
            "",
            " ",
            "\u{feff}1",
            "\u{a0}1",
            "\"12345678\\\"\"",
            "\"1234567\u{1f}\"",
            "\"éééé\\\\\"",
        ] {
            assert_eq!(passes(text), serde_json::from_str::<IgnoredAny>(text).is_ok(), "{text:?}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(passes(&deep), "depth costs no stack");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn as_serde_json_has_it(text in "([\\[\\]{}:,\" \\\\u0-9aeE.+\\-\n\u{1}é]|true|null|\"a\":|\"\\\\n[a-z]{0,20}\"){0,20}") {
            prop_assert_eq!(passes(&text), serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{:?}", text);
        }

        #[test]
        fn the_lowest_mark_is_true(bytes: [u8; 8]) {
            let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1F);
            let marks = marks(u64::from_le_bytes(bytes));
            let lowest = (marks != 0).then(|| (marks.trailing_zeros() / 8) as usize);
            prop_assert_eq!(lowest, bytes.iter().position(special));
        }
    }
}
