//! [`DataUrl`] and [`Base64`]: media that stand in the body itself. Single bytes are decoded where they are asked for;
//! nothing is decoded whole.

/// `data:KIND;base64,DATA`.
pub(super) struct DataUrl<'u> {
    pub(super) kind: &'u str,
    pub(super) data: Data<'u>,
}

/// How its data is written.
pub(super) enum Data<'u> {
    Base64(Base64<'u>),
    Percent(&'u str),
}

/// More than this before the comma is no data URL of ours.
const HEAD_MAX: usize = 256;
/// A PDF begins before this byte.
const PDF_BEGINS: usize = 1_024;

impl<'u> DataUrl<'u> {
    /// `None`: another kind of URL, or one that nobody can read.
    pub(super) fn of(url: &'u str) -> Option<Self> {
        let rest = strip_prefix(url, "data:")?;
        let comma = memchr::memchr(b',', rest.as_bytes().get(..HEAD_MAX.min(rest.len()))?)?;
        let (head, data) = (rest.get(..comma)?, rest.get(comma + 1..)?);
        let mut words = head.split(';').map(str::trim);
        let kind = words.next().unwrap_or_default();
        let base64 = words.any(|word| word.eq_ignore_ascii_case("base64"));
        let data = if base64 { Data::Base64(Base64::of(data)) } else { Data::Percent(data) };
        Some(DataUrl { kind, data })
    }

    /// Whether it is meant to be one: space before it is passed over by who reads URLs.
    pub(super) fn is_meant(url: &str) -> bool {
        strip_prefix(url.trim_start(), "data:").is_some()
    }

    /// Bytes of it that are base64.
    pub(super) fn base64_bytes(&self) -> u64 {
        self.base64().map_or(0, |data| data.0.len() as u64)
    }

    /// Its data, where that is base64.
    pub(super) fn base64(&self) -> Option<Base64<'u>> {
        match self.data {
            Data::Base64(data) => Some(data),
            Data::Percent(_) => None,
        }
    }

    /// Whether it is plain text, all of it ASCII: every byte of that stands for itself in the body, or for less.
    pub(super) fn is_ascii_text(&self) -> bool {
        let kind = self.kind.to_ascii_lowercase();
        let is_text = kind.starts_with("text/") || kind == "application/json";
        is_text
            && match &self.data {
                Data::Base64(data) => data.is_ascii_text(),
                // An escape may stand for a byte beyond ASCII.
                Data::Percent(data) => !data.contains('%'),
            }
    }
}

fn strip_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| text.get(prefix.len()..))?
}

/// Base64 of the standard alphabet. What stands in it beside (line ends, say) makes the bytes from there on unknown.
#[derive(Clone, Copy)]
pub(super) struct Base64<'u>(&'u [u8]);

impl<'u> Base64<'u> {
    pub(super) fn of(text: &'u str) -> Self {
        Base64(text.as_bytes())
    }

    /// The most bytes it stands for.
    pub(super) fn decoded_max(self) -> u64 {
        (self.0.len() as u64).div_ceil(4) * 3
    }

    /// The byte at this place.
    pub(super) fn byte(self, at: usize) -> Option<u8> {
        let group = self.0.get(at / 3 * 4..)?;
        let six = |index: usize| group.get(index).copied().and_then(digit);
        Some(match at % 3 {
            0 => six(0)? << 2 | six(1)? >> 4,
            1 => six(1)? << 4 | six(2)? >> 2,
            _ => six(2)? << 6 | six(3)?,
        })
    }

    /// The bytes from this place on.
    pub(super) fn bytes<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = self.byte(at.checked_add(index)?)?;
        }
        Some(bytes)
    }

    /// Whether these bytes stand there.
    pub(super) fn has(self, at: usize, bytes: &[u8]) -> bool {
        bytes.iter().enumerate().all(|(index, byte)| self.byte(at + index) == Some(*byte))
    }

    /// Text has no control characters beside space; a PDF or an archive would be read as what it is. A PDF may begin
    /// anywhere in the first 1,024 bytes (PDF Reference 1.7, implementation note 13).
    fn is_ascii_text(self) -> bool {
        let padding = self.0.iter().rev().take_while(|byte| **byte == b'=').count();
        let digits = self.0.len() - padding;
        if padding > 2 || (0..PDF_BEGINS.min(self.decoded_max() as usize)).any(|at| self.has(at, b"%PDF")) {
            return false;
        }
        (0..digits / 4 * 3 + (digits % 4).saturating_sub(1)).all(|at| {
            self.byte(at).is_some_and(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r' | b'\x0c'))
        })
    }
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Base64 of these bytes.
#[cfg(test)]
pub(super) fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4_usize {
            let index = (bits >> (18 - 6 * place) & 63) as usize;
            text.push(if place <= chunk.len() { char::from(ALPHABET[index]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_where_they_stand() {
        // "farebox!" and its three ways to end.
        for (text, bytes) in
            [("ZmFyZWJveCE=", &b"farebox!"[..]), ("ZmFyZWJveA==", b"farebox"), ("ZmFyZWJv", b"farebo")]
        {
            let data = Base64::of(text);
            assert!(data.has(0, bytes), "{text}");
            assert!(data.is_ascii_text(), "{text}");
            assert_eq!(data.byte(bytes.len()), None, "{text}");
            assert!(data.decoded_max() >= bytes.len() as u64);
        }
        assert_eq!(Base64::of("Zm\nFy").byte(1), None);
        assert_eq!(Base64::of("////").bytes(0), Some([0xFF; 3]));
        assert!(!Base64::of("/w==").is_ascii_text(), "not ASCII");
        assert!(!Base64::of("JVBERi0x").is_ascii_text(), "a PDF");
        let late = |bytes: usize| encode(&[&b" ".repeat(bytes), &b"%PDF-1.4"[..]].concat());
        assert!(!Base64::of(&late(1_023)).is_ascii_text(), "a PDF behind space");
        assert!(Base64::of(&late(1_024)).is_ascii_text(), "no PDF any more");
        assert!(!Base64::of("UEsDBA==").is_ascii_text(), "an archive");
    }

    #[test]
    fn urls() {
        let of = |url| DataUrl::of(url).map(|url| (url.kind, url.base64_bytes(), url.is_ascii_text()));
        for (url, expect) in [
            ("data:image/png;base64,QUJD", Some(("image/png", 4, false))),
            ("DATA:text/plain;charset=utf-8;BASE64,QUJD", Some(("text/plain", 4, true))),
            ("data:text/plain,ab,c", Some(("text/plain", 0, true))),
            ("data:text/plain,%EF%B7%BA", Some(("text/plain", 0, false))),
            ("data:,x", Some(("", 0, false))),
            ("data:image/png;base64", None),
            ("https://x.test/a,b", None),
            ("dat", None),
            ("é:data", None),
        ] {
            assert_eq!(of(url), expect, "{url}");
        }
    }
}
