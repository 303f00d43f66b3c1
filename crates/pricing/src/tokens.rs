//! Upper bounds on prompt tokens: from bytes, or from a count where there is one. Nothing here counts.
//!
//! A tokenizer that works on bytes, or falls back to them, never makes more tokens than the text has bytes. One
//! that normalises first may: U+FDFA is three bytes and, under NFKC, 33. The tables below say by how much, per
//! two-byte prefix of the UTF-8 form; they were computed from Unicode 14 over every scalar value, and rounded up.
//!
//! The text is taken to be the whole raw body but for media in base64. Every part of the prompt lies in it, and JSON's own syntax and
//! escapes only make it longer; `\u` escapes are the exception under a normaliser and are read. JSON that somebody reads
//! and writes anew may be longer than it was: schemas count twice, and what spaces, numbers and escapes add to them beyond
//! that, and to calls of tools at all, is in [`Shape::growth_bytes`].
//!
//! What the model's template adds is not public for most families. The constants are upper bounds of what was
//! known on 2026-11-23 (Llama 3.1 adds a dated system prompt of 30 tokens, Harmony one of 100, Mistral Small 3.2
//! one of several hundred; Anthropic's tool preamble is 264 to 804 tokens).

use crate::encoding::Encoding;
use crate::model::{Family, Model};
use crate::shape::Shape;

/// What a tokenizer may do to its text before it cuts it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normaliser {
    /// Nothing: a token is at least a byte.
    None,
    /// Canonical composition (NFC).
    Nfc,
    /// Compatibility composition (NFKC).
    Nfkc,
}

const PER_PROMPT: u64 = 256;
const PER_PROMPT_MISTRAL: u64 = 1024;
const PER_MESSAGE: u64 = 12;
const TOOL_PREAMBLE: u64 = 1024;
const PER_TOOL: u64 = 16;

/// The most tokens the prompt of this request can have at a model: the bytes of its text or, where somebody has
/// counted and that is less, the count; and what the template may add to either. Media are not in it.
pub fn prompt_tokens(model: &Model, shape: &Shape<'_>) -> u64 {
    let by_bytes = by_bytes(model, shape);
    let text = counted(model, shape).map_or(by_bytes, |counted| counted.min(by_bytes));
    text.saturating_add(template(model.family, shape))
}

/// Whether [`prompt_tokens`] rests on a count.
pub(crate) fn is_counted(model: &Model, shape: &Shape<'_>) -> bool {
    counted(model, shape).is_some_and(|counted| counted < by_bytes(model, shape))
}

fn by_bytes(model: &Model, shape: &Shape<'_>) -> u64 {
    let text = text_tokens(normaliser(model), shape.body).saturating_sub(shape.media.bytes);
    // Schemas are rendered anew: spaces, indentation and escapes may double them, numbers and escapes add to that.
    text.saturating_add(shape.tool_bytes).saturating_add(shape.growth_bytes)
}

/// The count of its text with the model's own tokenizer, where somebody has counted.
fn counted(model: &Model, shape: &Shape<'_>) -> Option<u64> {
    if shape.counted.is_empty() {
        return None;
    }
    shape.counted.get(Encoding::of_model(&model.id)?)
}

/// What the model's tokenizer may do to its text first: its family's, unless we know better.
fn normaliser(model: &Model) -> Normaliser {
    match model.family {
        Family::Other => Encoding::of_model(&model.id).map_or(Normaliser::Nfkc, Encoding::normaliser),
        family => family.normaliser(),
    }
}

/// The most that the template adds.
fn template(family: Family, shape: &Shape<'_>) -> u64 {
    let prompt = if family == Family::Mistral { PER_PROMPT_MISTRAL } else { PER_PROMPT };
    let tools = match (shape.tools, shape.tool_bytes) {
        (0, 0) => 0,
        (tools, _) => TOOL_PREAMBLE + u64::from(tools) * PER_TOOL,
    };
    prompt + u64::from(shape.messages) * PER_MESSAGE + tools
}

/// The most tokens a text can have. The text is JSON or plain; what looks like a `\u` escape is taken for one.
pub fn text_tokens(normaliser: Normaliser, text: &[u8]) -> u64 {
    let bytes = text.len() as u64;
    match normaliser {
        Normaliser::None => bytes,
        Normaliser::Nfc => bytes.saturating_add(growth(text, nfc_factor)),
        Normaliser::Nfkc => bytes.saturating_add(growth(text, nfkc_factor)),
    }
}

/// How many bytes normalising can add.
fn growth(text: &[u8], factor: fn(u8, u8, u8) -> u64) -> u64 {
    raw_growth(text, factor) + escaped_growth(text, factor)
}

fn raw_growth(text: &[u8], factor: fn(u8, u8, u8) -> u64) -> u64 {
    if text.is_ascii() {
        return 0;
    }
    let at = |index: usize| text.get(index).copied().unwrap_or(0);
    let mut added = 0;
    for (index, &lead) in text.iter().enumerate() {
        let bytes = match lead {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => continue,
        };
        added += (factor(lead, at(index + 1), at(index + 2)) - 1) * bytes;
    }
    added
}

/// A `\u` escape is six bytes; what it stands for may become more than that.
fn escaped_growth(text: &[u8], factor: fn(u8, u8, u8) -> u64) -> u64 {
    const ESCAPE_BYTES: u64 = 6;
    let mut added = 0;
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let escape = &rest[at + 1..];
        let unit = match escape {
            [b'u', digits @ ..] => digits.get(..4).and_then(code_unit),
            _ => None,
        };
        if let Some(unit) = unit {
            added += unit_bytes(unit, factor).saturating_sub(ESCAPE_BYTES);
        }
        rest = escape.get(1..).unwrap_or_default();
    }
    added
}

fn code_unit(digits: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok()?;
    u32::from_str_radix(text, 16).ok()
}

/// The most bytes a code unit becomes. Half a surrogate pair stands for half of the worst character beyond U+FFFF.
fn unit_bytes(unit: u32, factor: fn(u8, u8, u8) -> u64) -> u64 {
    let Some(character) = char::from_u32(unit) else { return 6 };
    let mut buffer = [0; 4];
    match *character.encode_utf8(&mut buffer).as_bytes() {
        [a, b] => 2 * factor(a, b, 0),
        [a, b, c] => 3 * factor(a, b, c),
        _ => 1,
    }
}

/// The largest growth under NFC of any character that begins with these bytes.
fn nfc_factor(lead: u8, second: u8, third: u8) -> u64 {
    match (lead, second) {
        (0xCD, _) => 2,
        (0xE0, 0xA5 | 0xA7..=0xA9 | 0xAD | 0xBD | 0xBE) => 2,
        (0xE2, 0xAB) => 2,
        (0xEF, 0xA9 | 0xAB..=0xAD) => 2,
        (0xF0, 0x9D) if matches!(third, 0x85..=0x87) => 3,
        _ => 1,
    }
}

/// The largest growth under NFKC of any character that begins with these bytes.
fn nfkc_factor(lead: u8, second: u8, third: u8) -> u64 {
    match (lead, second) {
        (0xC2 | 0xCE, _) => 3,
        (0xC4 | 0xC5 | 0xC7 | 0xCB | 0xCD | 0xD6 | 0xD9, _) => 2,
        (0xE0, 0xBD) => 3,
        (0xE0, 0xA5 | 0xA7..=0xA9 | 0xAD | 0xB8 | 0xBA | 0xBB | 0xBE) => 2,
        (0xE1, 0xBF) => 2,
        (0xE2, 0x81 | 0xA8) => 4,
        (0xE2, 0x80 | 0x88) => 3,
        (0xE2, 0x85 | 0x86 | 0x91 | 0x92 | 0xAB) => 2,
        (0xE3, 0x8C) => 6,
        (0xE3, 0x8D) => 5,
        (0xE3, 0x88 | 0x8E) => 3,
        (0xE3, 0x82 | 0x83 | 0x89 | 0x8B | 0x8F) => 2,
        (0xEF, 0xB7) => 11,
        (0xEF, 0xA9 | 0xAB..=0xAD | 0xAF..=0xB6 | 0xB9 | 0xBB) => 2,
        (0xF0, 0x9D) if matches!(third, 0x85..=0x87) => 3,
        (0xF0, 0x9F) if third == 0x89 => 3,
        (0xF0, 0x9F) if matches!(third, 0x84 | 0x88) => 2,
        _ => 1,
    }
}
