//! `messages`: how many there are, and what in them is not text.

use std::fmt;

use pricing::{CacheWrite, Shape, Unpriced};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::BodyError;
use super::fields::{Text, elements, is_empty, is_null, members, wrong};
use super::read::note;

/// Reads the list straight from the body, so that the conversation is walked once.
pub(super) struct Messages<'r, 'a> {
    pub(super) shape: &'r mut Shape<'a>,
    pub(super) failure: &'r mut Option<BodyError>,
}

impl<'de> DeserializeSeed<'de> for Messages<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Messages<'_, 'de> {
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
        while list.next_element_seed(Message { shape: self.shape, failure: self.failure })?.is_some() {
            self.shape.messages = self.shape.messages.saturating_add(1);
        }
        Ok(())
    }
}

struct Message<'r, 'a> {
    shape: &'r mut Shape<'a>,
    failure: &'r mut Option<BodyError>,
}

impl<'de> DeserializeSeed<'de> for Message<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Message<'_, 'de> {
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
                    if let Err(error) = member(self.shape, key, value) {
                        *self.failure = Some(error.clone());
                        return Err(serde::de::Error::custom(error));
                    }
                }
            }
        }
        Ok(())
    }
}

fn member(shape: &mut Shape<'_>, key: &str, value: &RawValue) -> Result<(), BodyError> {
    match key {
        "content" => content(shape, value),
        "cache_control" | "prompt_cache_breakpoint" => {
            shape.cache_write = shape.cache_write.max(cache_write(value));
            Ok(())
        }
        "audio" | "images" => {
            if !is_empty(value) {
                let place = format!("messages[{}]", shape.messages);
                note(shape, Unpriced::Media { place, kind: key.to_owned() });
            }
            Ok(())
        }
        _ => {
            shape.unknown_scalars |= !is_null(value);
            Ok(())
        }
    }
}

fn content(shape: &mut Shape<'_>, value: &RawValue) -> Result<(), BodyError> {
    let must = wrong("messages[].content", "text or a list of parts");
    match value.get().as_bytes() {
        [b'"', ..] => Ok(()),
        [b'[', ..] => {
            for (index, raw) in elements(value, &must)?.into_iter().enumerate() {
                part(shape, index, raw, &must)?;
            }
            Ok(())
        }
        _ if is_null(value) => Ok(()),
        _ => Err(must),
    }
}

fn part(shape: &mut Shape<'_>, index: usize, raw: &RawValue, must: &BodyError) -> Result<(), BodyError> {
    let mut typed = false;
    let mut media = None;
    let mut cache = CacheWrite::None;
    members(raw, must, |key, value| {
        match key.as_ref() {
            "type" => {
                typed = true;
                let kind = super::fields::text(value, "messages[].content[].type")?.unwrap_or_default();
                if !is_text(&kind) {
                    media = Some(kind.into_owned());
                }
            }
            "image_url" | "input_audio" | "file" | "video_url" | "audio_url" if !is_null(value) => {
                media.get_or_insert_with(|| key.into_owned());
            }
            "cache_control" | "prompt_cache_breakpoint" => cache = cache.max(cache_write(value)),
            _ => {}
        }
        Ok(())
    })?;
    shape.cache_write = shape.cache_write.max(cache);
    if !typed {
        media.get_or_insert_default();
    }
    if let Some(kind) = media {
        let place = format!("messages[{}].content[{index}]", shape.messages);
        note(shape, Unpriced::Media { place, kind });
    }
    Ok(())
}

/// Part types whose tokens are their text.
fn is_text(kind: &str) -> bool {
    matches!(
        kind,
        "text" | "input_text" | "output_text" | "refusal" | "thinking" | "redacted_thinking" | "reasoning"
    )
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
