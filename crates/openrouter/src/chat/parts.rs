//! Parts of a message: text, images, sound, film, files. The dearest reading counts: a part that says two things is
//! both of them.

use std::borrow::Cow;

use pricing::{CacheWrite, Detail, Unpriced};

use super::BodyError;
use super::data_url::{Base64, DataUrl};
use super::fields::{Members, is_container, is_empty, is_null, object, objects, text, wrong};
use super::json::Cursor;
use super::messages::cache_write;
use super::notes::Notes;
use super::{picture, sound};

/// A list of parts: the content of a message.
pub(super) fn parts<'a>(
    notes: &mut Notes<'a, '_>,
    cursor: &mut Cursor<'a>,
    must: &BodyError,
) -> Result<(), BodyError> {
    objects(cursor, must, |index, members| part(notes, index, members))
}

/// `images` of an assistant's message.
pub(super) fn images<'a>(notes: &mut Notes<'a, '_>, raw: &'a str) -> Result<(), BodyError> {
    let mut cursor = Cursor::new(raw);
    objects(&mut cursor, &wrong("messages[].images", "a list of objects"), |index, members| {
        let before = notes.shape.media.image_count();
        for (key, value) in members {
            match key.as_ref() {
                "image_url" => image(notes, value)?,
                "type" | "index" => {}
                key => {
                    let message = notes.shape.messages;
                    notes.unknown(value, || path(message, "images", index, key));
                }
            }
        }
        if notes.shape.media.image_count() == before {
            notes.shape.media.add_image(Detail::Original, None);
        }
        Ok(())
    })
}

/// `audio` of an assistant's message: what it said before, kept by OpenRouter or sent along.
pub(super) fn spoken<'a>(notes: &mut Notes<'a, '_>, raw: &'a str) -> Result<(), BodyError> {
    let media = &mut notes.shape.media;
    media.audio_unknown = media.audio_unknown.saturating_add(1);
    for (key, value) in object(raw, &wrong("messages[].audio", "an object"))? {
        if key == "data" {
            let data = text(value, "messages[].audio.data")?.unwrap_or_default();
            media.bytes = media.bytes.saturating_add(data.len() as u64);
        }
    }
    Ok(())
}

/// `annotations` of an assistant's message. What was read of a file comes with them, so that it need not be read again:
/// its text, and its images (OpenRouter's guide to PDF inputs, 2026-10). All others are text.
pub(super) fn annotations<'a>(notes: &mut Notes<'a, '_>, raw: &'a str) -> Result<(), BodyError> {
    const MUST: BodyError = wrong("messages[].annotations", "a list of objects");
    const FILE: BodyError = wrong("messages[].annotations[].file", "an object");
    const CONTENT: BodyError = wrong("messages[].annotations[].file.content", "text or a list of parts");
    if is_empty(raw) {
        return Ok(());
    }
    objects(&mut Cursor::new(raw), &MUST, |_, members| {
        for (_, file) in members.iter().filter(|(key, value)| key == "file" && !is_null(value)) {
            notes.shape.media.files = notes.shape.media.files.max(1);
            for (_, content) in object(file, &FILE)?.iter().filter(|(key, _)| key == "content") {
                if is_container(content) {
                    parts(notes, &mut Cursor::new(content), &CONTENT)?;
                }
            }
        }
        Ok(())
    })
}

fn part<'a>(notes: &mut Notes<'a, '_>, index: usize, members: &Members<'a>) -> Result<(), BodyError> {
    let mut cache = CacheWrite::None;
    let mut held = Held::default();
    for (key, value) in members {
        match key.as_ref() {
            "type" | "text" | "refusal" | "thinking" | "reasoning" | "summary" | "signature" | "data"
            | "annotations" => {}
            "cache_control" | "prompt_cache_breakpoint" => cache = cache.max(cache_write(value)),
            _ if is_null(value) => {}
            "image_url" => {
                held.image = true;
                image(notes, value)?;
            }
            "input_audio" => {
                held.audio = true;
                audio(notes, value)?;
            }
            "video_url" | "input_video" => {
                held.video = true;
                video(notes, value)?;
            }
            "file" => {
                held.file = true;
                file(notes, value)?;
            }
            "audio_url" => media(notes, index, Cow::Borrowed("audio_url")),
            key => {
                let message = notes.shape.messages;
                notes.unknown(value, || path(message, "content", index, key));
            }
        }
    }
    notes.shape.cache_write = notes.shape.cache_write.max(cache);
    kinds(notes, index, members, held)
}

/// What a part holds, whatever type it says it is of.
#[derive(Default)]
struct Held {
    image: bool,
    audio: bool,
    video: bool,
    file: bool,
}

/// What it says it is and does not hold is there all the same.
fn kinds<'a>(
    notes: &mut Notes<'a, '_>,
    index: usize,
    members: &Members<'a>,
    held: Held,
) -> Result<(), BodyError> {
    let mut typed = false;
    for (_, value) in members.iter().filter(|(key, _)| key == "type") {
        typed = true;
        let kind = text(value, "messages[].content[].type")?.unwrap_or_default();
        let shape = &mut notes.shape.media;
        match kind.as_ref() {
            kind if is_text(kind) => {}
            "image_url" if held.image => {}
            "input_audio" if held.audio => {}
            "video_url" | "input_video" if held.video => {}
            "file" if held.file => {}
            "image_url" => shape.add_image(Detail::Original, None),
            "input_audio" => shape.audio_unknown = shape.audio_unknown.saturating_add(1),
            "video_url" | "input_video" => shape.videos = shape.videos.saturating_add(1),
            "file" => shape.files = shape.files.saturating_add(1),
            _ => media(notes, index, kind),
        }
    }
    if !typed {
        media(notes, index, Cow::Borrowed(""));
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

fn media(notes: &mut Notes<'_, '_>, index: usize, kind: Cow<'_, str>) {
    let place = format!("messages[{}].content[{index}]", notes.shape.messages);
    notes.cost(Unpriced::Media { place, kind: kind.into_owned() });
}

fn path(message: u32, list: &str, index: usize, key: &str) -> String {
    format!("messages[{message}].{list}[{index}].{key}")
}

/// `image_url`: a URL, or an object with one.
fn image<'a>(notes: &mut Notes<'a, '_>, raw: &'a str) -> Result<(), BodyError> {
    const MUST: BodyError = wrong("messages[].content[].image_url", "a URL, or an object with one");
    if raw.starts_with('"') {
        image_at(notes, &text(raw, "image_url")?.unwrap_or_default(), Detail::High);
        return Ok(());
    }
    let members = object(raw, &MUST)?;
    let mut detail = None;
    for (_, value) in members.iter().filter(|(key, value)| key == "detail" && !is_null(value)) {
        let asked = match text(value, "messages[].content[].image_url.detail")?.as_deref() {
            Some("low") => Detail::Low,
            Some("high" | "auto") => Detail::High,
            _ => Detail::Original,
        };
        detail = Some(detail.map_or(asked, |known| dearer(known, asked)));
    }
    let detail = detail.unwrap_or_default();
    let mut images = 0;
    for (key, value) in &members {
        match key.as_ref() {
            "url" => {
                images += 1;
                let url = text(value, "messages[].content[].image_url.url")?.unwrap_or_default();
                image_at(notes, &url, detail);
            }
            "detail" => {}
            key => notes.unknown(value, || format!("messages[].content[].image_url.{key}")),
        }
    }
    if images == 0 {
        notes.shape.media.add_image(detail, None);
    }
    Ok(())
}

fn dearer(one: Detail, other: Detail) -> Detail {
    match (one, other) {
        (Detail::Original, _) | (_, Detail::Original) => Detail::Original,
        (Detail::High, _) | (_, Detail::High) => Detail::High,
        (Detail::Low, Detail::Low) => Detail::Low,
    }
}

/// An image; of another kind, or of none that can be read, it is a file as well.
fn image_at(notes: &mut Notes<'_, '_>, url: &str, detail: Detail) {
    let media = &mut notes.shape.media;
    let data = DataUrl::of(url);
    let is_other = data.as_ref().map_or_else(|| DataUrl::is_meant(url), |url| !is_image(url));
    media.files = media.files.saturating_add(u32::from(is_other));
    let size = data.and_then(|url| {
        media.bytes = media.bytes.saturating_add(url.base64_bytes());
        picture::size(url.base64()?)
    });
    media.add_image(detail, size);
}

/// `input_audio`: `{"data": base64, "format": …}`.
fn audio<'a>(notes: &mut Notes<'a, '_>, raw: &'a str) -> Result<(), BodyError> {
    const MUST: BodyError = wrong("messages[].content[].input_audio", "an object");
    let (mut data, mut format) = (None, None);
    let (mut datas, mut formats) = (0, 0);
    for (key, value) in object(raw, &MUST)? {
        match key.as_ref() {
            "data" => {
                datas += 1;
                data = text(value, "messages[].content[].input_audio.data")?;
            }
            "format" => {
                formats += 1;
                format = text(value, "messages[].content[].input_audio.format")?;
            }
            key => notes.unknown(value, || format!("messages[].content[].input_audio.{key}")),
        }
    }
    let media = &mut notes.shape.media;
    let (data, format) = (data.unwrap_or_default(), format.unwrap_or_default());
    // Said twice, or somewhere else: nobody knows what is heard.
    let is_here = datas == 1 && formats == 1 && !data.contains(':');
    if is_here {
        media.bytes = media.bytes.saturating_add(data.len() as u64);
    }
    match sound::length_ms(&format, Base64::of(&data)).filter(|_| is_here) {
        Some(length) => media.audio_ms = media.audio_ms.saturating_add(length),
        None => media.audio_unknown = media.audio_unknown.saturating_add(1),
    }
    Ok(())
}

/// `video_url`: an object with a URL.
fn video<'a>(notes: &mut Notes<'a, '_>, raw: &'a str) -> Result<(), BodyError> {
    let media = &mut notes.shape.media;
    media.videos = media.videos.saturating_add(1);
    let mut at = |url: &str| {
        let bytes = DataUrl::of(url).map_or(0, |url| url.base64_bytes());
        media.bytes = media.bytes.saturating_add(bytes);
    };
    if raw.starts_with('"') {
        at(&text(raw, "video_url")?.unwrap_or_default());
        return Ok(());
    }
    for (key, value) in object(raw, &wrong("messages[].content[].video_url", "an object with a URL"))? {
        if key == "url" {
            at(&text(value, "messages[].content[].video_url.url")?.unwrap_or_default());
        }
    }
    Ok(())
}

/// `file`: plain text is text; anything else may hold more than its bytes say.
fn file<'a>(notes: &mut Notes<'a, '_>, raw: &'a str) -> Result<(), BodyError> {
    let members = object(raw, &wrong("messages[].content[].file", "an object"))?;
    let mut is_text = false;
    let mut files = 0_u32;
    for (key, value) in &members {
        match key.as_ref() {
            "file_data" => {
                let data = text(value, "messages[].content[].file.file_data")?.unwrap_or_default();
                match DataUrl::of(&data) {
                    Some(url) if url.is_ascii_text() && !is_named_otherwise(&members) => is_text = true,
                    Some(url) if is_image(&url) => {
                        files += 1;
                        image_at(notes, &data, Detail::Original);
                    }
                    url => {
                        files += 1;
                        let bytes = url.map_or(0, |url| url.base64_bytes());
                        notes.shape.media.bytes = notes.shape.media.bytes.saturating_add(bytes);
                    }
                }
            }
            "filename" => {}
            "file_id" => files += u32::from(!is_null(value)),
            // Words about it.
            "format" | "mime_type" | "detail" => {
                notes.unknown(value, || format!("messages[].content[].file.{key}"));
            }
            // Where else it may lie, a URL for one.
            key => {
                files += u32::from(!is_null(value));
                notes.unknown(value, || format!("messages[].content[].file.{key}"));
            }
        }
    }
    if files == 0 && !is_text {
        files = 1;
    }
    notes.shape.media.files = notes.shape.media.files.saturating_add(files);
    Ok(())
}

/// An image that comes as a file: it may be billed as either.
fn is_image(url: &DataUrl<'_>) -> bool {
    url.kind.get(..6).is_some_and(|kind| kind.eq_ignore_ascii_case("image/"))
}

/// Whether a name says that it is no text after all.
fn is_named_otherwise(members: &Members<'_>) -> bool {
    const OTHERS: [&str; 7] = [".pdf", ".doc", ".docx", ".xlsx", ".pptx", ".zip", ".epub"];
    let is_other = |value: &str| {
        let Ok(name) = text(value, "filename") else { return true };
        let name = name.unwrap_or_default().trim_end().to_ascii_lowercase();
        OTHERS.iter().any(|other| name.ends_with(other))
    };
    members.iter().any(|(key, value)| key == "filename" && is_other(value))
}
