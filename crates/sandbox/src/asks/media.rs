//! Parts of messages that are not text.

use serde_json::Value;

use super::sound::Sound;
use super::{Asks, base64, picture};

/// An image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Width and height, pixels; nothing for one that only the provider sees.
    pub(crate) size: Option<(u64, u64)>,
    pub(crate) detail: Detail,
}

/// `image_url.detail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    Low,
    High,
    /// `auto` and nothing.
    Auto,
    Original,
}

/// What reading a part came to.
pub(crate) enum Part {
    /// It was noted.
    Media,
    /// It is a file of text, and this is what it says.
    Text(String),
    /// It is something else.
    Other,
}

impl Asks {
    /// Notes a part of a message.
    pub(crate) fn read_part(&mut self, part: &Value) -> Part {
        match part["type"].as_str() {
            Some("image_url" | "image" | "input_image") => {
                let image = &part["image_url"];
                let url = image.as_str().or_else(|| image["url"].as_str()).unwrap_or_default();
                let detail = image["detail"].as_str().or_else(|| part["detail"].as_str());
                self.pictures.push(Picture::read(url, detail));
                // A provider may take it for what it is.
                let is_other = data_url(url).is_some_and(|(kind, _)| !kind.starts_with("image/"));
                self.files += u64::from(is_other);
            }
            Some("input_audio" | "audio_url") => self.sounds.push(Sound::read(&part["input_audio"])),
            Some("video_url" | "input_video" | "video") => self.videos += 1,
            Some("file" | "input_file") => return self.read_file(&part["file"]),
            _ => return Part::Other,
        }
        Part::Media
    }

    fn read_file(&mut self, file: &Value) -> Part {
        let data = file["file_data"].as_str().or_else(|| file["url"].as_str()).unwrap_or_default();
        match data_url(data) {
            Some((kind, data)) if kind.starts_with("text/") => {
                let bytes = base64::decode(data, usize::MAX);
                Part::Text(String::from_utf8_lossy(&bytes).into_owned())
            }
            Some((kind, _)) if kind.starts_with("image/") => {
                self.pictures.push(Picture::read(data, None));
                Part::Media
            }
            _ => {
                self.files += 1;
                Part::Media
            }
        }
    }

    /// What an assistant said in other ways than text is sent back as well.
    pub(crate) fn read_message(&mut self, message: &Value) {
        for image in message["images"].as_array().into_iter().flatten() {
            self.read_part(image);
        }
        if message["audio"].is_object() {
            self.sounds.push(Sound::Unknown);
        }
    }
}

impl Picture {
    fn read(url: &str, detail: Option<&str>) -> Picture {
        let size = data_url(url).and_then(|(_, data)| picture::size(data));
        let detail = match detail {
            Some("low") => Detail::Low,
            Some("high") => Detail::High,
            None | Some("auto") => Detail::Auto,
            Some(_) => Detail::Original,
        };
        Picture { size, detail }
    }
}

/// The kind and the data of `data:<kind>;base64,<data>`.
fn data_url(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    Some((head.split(';').next().unwrap_or_default(), data))
}
