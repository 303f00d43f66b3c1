//! `messages`: how many there are, and what in them is not text.

use pricing::CacheWrite;

use super::BodyError;
use super::fields::{is_empty, is_null, members, wrong};
use super::json::Cursor;
use super::notes::Notes;
use super::parts;

const MUST: BodyError = wrong("messages", "a list of message objects");
const CONTENT: BodyError = wrong("messages[].content", "text or a list of parts");

/// Reads the list straight from the body, so that the conversation is walked once.
pub(super) fn messages<'a>(notes: &mut Notes<'a, '_>, cursor: &mut Cursor<'a>) -> Result<(), BodyError> {
    if !cursor.enter(b'[')? {
        return nothing(cursor, &MUST);
    }
    let mut first = true;
    while cursor.another(&mut first, b']')? {
        message(notes, cursor)?;
        notes.shape.messages = notes.shape.messages.saturating_add(1);
    }
    Ok(())
}

fn message<'a>(notes: &mut Notes<'a, '_>, cursor: &mut Cursor<'a>) -> Result<(), BodyError> {
    if !cursor.enter(b'{')? {
        return Err(cursor.mismatch(&MUST));
    }
    let mut first = true;
    while cursor.another(&mut first, b'}')? {
        let name = cursor.name()?;
        match name.as_ref() {
            "content" => content(notes, cursor)?,
            "annotations" => parts::annotations(notes, cursor.value()?)?,
            "tool_calls" | "function_call" => notes.calls(cursor.value()?),
            "role" | "name" | "tool_call_id" | "refusal" | "reasoning" | "reasoning_content"
            | "reasoning_details" => {
                cursor.value()?;
            }
            name => member(notes, name, cursor.value()?)?,
        }
    }
    Ok(())
}

fn content<'a>(notes: &mut Notes<'a, '_>, cursor: &mut Cursor<'a>) -> Result<(), BodyError> {
    match cursor.peek()? {
        b'"' => cursor.value().map(|_| ()),
        b'[' => parts::parts(notes, cursor, &CONTENT),
        _ => nothing(cursor, &CONTENT),
    }
}

/// `null`, and nothing else.
fn nothing(cursor: &mut Cursor<'_>, wrong: &BodyError) -> Result<(), BodyError> {
    let mismatch = cursor.mismatch(wrong);
    if cursor.peek()? == b'n' && is_null(cursor.value()?) { Ok(()) } else { Err(mismatch) }
}

fn member<'a>(notes: &mut Notes<'a, '_>, key: &str, value: &'a str) -> Result<(), BodyError> {
    match key {
        "cache_control" | "prompt_cache_breakpoint" => {
            notes.shape.cache_write = notes.shape.cache_write.max(cache_write(value));
            Ok(())
        }
        "audio" if !is_empty(value) => parts::spoken(notes, value),
        "images" if !is_empty(value) => parts::images(notes, value),
        // Whatever else a message carries is text at most, and its bytes are counted.
        _ => {
            notes.shape.unknown_scalars |= !is_empty(value);
            Ok(())
        }
    }
}

/// What a `cache_control` object asks for: `{"type":"ephemeral","ttl":"5m"|"1h"}` (CONTRACT 9).
pub(super) fn cache_write(raw: &str) -> CacheWrite {
    if is_null(raw) {
        return CacheWrite::None;
    }
    let mut write = CacheWrite::FiveMinutes;
    let read = members(raw, &BodyError::NotAnObject, |key, value| {
        if key == "ttl" && !matches!(value, "\"5m\"" | "null") {
            write = CacheWrite::OneHour;
        }
        Ok(())
    });
    // Not an object: nobody knows what it asks for.
    if read.is_ok() { write } else { CacheWrite::OneHour }
}
