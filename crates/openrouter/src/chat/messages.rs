//! `messages`: how many there are, and what in them is not text.

use std::fmt;

use pricing::CacheWrite;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::BodyError;
use super::fields::{Text, is_empty, is_null, members, wrong};
use super::notes::Notes;
use super::parts;

/// Reads the list straight from the body, so that the conversation is walked once.
pub(super) struct Messages<'n, 'a, 'p>(pub(super) &'n mut Notes<'a, 'p>);

impl<'de> DeserializeSeed<'de> for Messages<'_, 'de, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Messages<'_, 'de, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of messages")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Message(self.0))?.is_some() {
            self.0.shape.messages = self.0.shape.messages.saturating_add(1);
        }
        Ok(())
    }
}

struct Message<'n, 'a, 'p>(&'n mut Notes<'a, 'p>);

impl<'de> DeserializeSeed<'de> for Message<'_, 'de, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Message<'_, 'de, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            match key.as_ref() {
                "role" | "name" | "tool_calls" | "tool_call_id" | "function_call" | "refusal"
                | "reasoning" | "reasoning_content" | "reasoning_details" | "annotations" => {
                    map.next_value::<IgnoredAny>()?;
                }
                key => {
                    let value = map.next_value::<&RawValue>()?;
                    if let Err(error) = member(self.0, key, value) {
                        self.0.failure = Some(error.clone());
                        return Err(serde::de::Error::custom(error));
                    }
                }
            }
        }
        Ok(())
    }
}

fn member<'a>(notes: &mut Notes<'a, '_>, key: &str, value: &'a RawValue) -> Result<(), BodyError> {
    match key {
        "content" => content(notes, value),
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

fn content<'a>(notes: &mut Notes<'a, '_>, value: &'a RawValue) -> Result<(), BodyError> {
    const MUST: BodyError = wrong("messages[].content", "text or a list of parts");
    match value.get().as_bytes() {
        [b'"', ..] => Ok(()),
        [b'[', ..] => parts::parts(notes, value, &MUST),
        _ if is_null(value) => Ok(()),
        _ => Err(MUST),
    }
}

/// What a `cache_control` object asks for: `{"type":"ephemeral","ttl":"5m"|"1h"}` (CONTRACT 9).
pub(super) fn cache_write(raw: &RawValue) -> CacheWrite {
    if is_null(raw) {
        return CacheWrite::None;
    }
    let mut write = CacheWrite::FiveMinutes;
    let read = members(raw, &BodyError::NotAnObject, |key, value| {
        if key == "ttl" && !matches!(value.get(), "\"5m\"" | "null") {
            write = CacheWrite::OneHour;
        }
        Ok(())
    });
    // Not an object: nobody knows what it asks for.
    if read.is_ok() { write } else { CacheWrite::OneHour }
}
