//! Pictures of a prompt: a file, or no more than a size, which is all that its cost depends on.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::failure::{Failure, chain};
use crate::reading::picture;

/// Larger than any provider takes.
const IMAGE_BYTES_MAX: u64 = 32 << 20;
/// Wider or higher than any provider takes.
const PIXELS_MAX: u32 = 100_000;

/// A picture as a URL for a request: of a file, or of `WxH` pixels.
pub(super) fn url(image: &str) -> Result<String, Failure> {
    if let Some((width, height)) = size(image)? {
        return Ok(data("image/png", &png(width, height)));
    }
    let unreadable = |why: String| Failure::usage(format!("cannot read {image}: {why}"));
    let bytes = fs::metadata(image).map_err(|error| unreadable(chain(&error)))?.len();
    if bytes > IMAGE_BYTES_MAX {
        return Err(unreadable("it is larger than 32 MB".to_owned()));
    }
    let content = fs::read(image).map_err(|error| unreadable(chain(&error)))?;
    let kind = picture(&content).ok_or_else(|| {
        unreadable("it is no PNG, JPEG, GIF or WebP".to_owned())
            .hint("its size will do as well: --image 1024x768")
    })?;
    Ok(data(kind, &content))
}

/// `1024x768`; `None`: a file's name.
fn size(image: &str) -> Result<Option<(u32, u32)>, Failure> {
    let Some((width, height)) = image.split_once(['x', 'X']) else { return Ok(None) };
    let (Ok(width), Ok(height)) = (width.parse::<u32>(), height.parse::<u32>()) else { return Ok(None) };
    match (1..=PIXELS_MAX).contains(&width) && (1..=PIXELS_MAX).contains(&height) {
        true => Ok(Some((width, height))),
        false => Err(Failure::usage(format!("no picture is {image} pixels")).hint("--image 1024x768")),
    }
}

fn data(kind: &str, content: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(content))
}

/// The head of a PNG of this size: its signature and IHDR.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut head = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    head.extend(width.to_be_bytes());
    head.extend(height.to_be_bytes());
    head.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use pricing::{Detail, Image};

    fn images(url: &str) -> Vec<Image> {
        let body = super::super::body::of_text("a/b", None, "", &[url.to_owned()]);
        openrouter::chat::read(body.as_bytes()).unwrap().shape.media.images.to_vec()
    }

    #[test]
    fn a_size_is_as_good_as_a_file() {
        let expected = [Image { detail: Detail::High, size: Some((1024, 768)), count: 1 }];
        assert_eq!(images(&url("1024x768").unwrap()), expected);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("0x1-photo");
        fs::write(&file, png(1024, 768)).unwrap();
        assert_eq!(images(&url(&file.display().to_string()).unwrap()), expected);
    }

    #[test]
    fn what_is_no_picture() {
        for image in ["0x5", "5x0", "999999999x5", "nowhere.png", "Cargo.toml"] {
            assert!(url(image).is_err(), "{image}");
        }
    }
}
