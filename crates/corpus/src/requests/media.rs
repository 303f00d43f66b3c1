//! Images, sounds, films and files: heads that say what they are, and bytes that say nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Draft;

/// A PNG of this size, as far as anybody reads.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89]);
    bytes
}

/// A GIF of this size.
pub fn gif(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"GIF89a".to_vec();
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend([0, 0, 0, b',', 0, 0, 0, 0]);
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend([0, 0, b';']);
    bytes
}

/// A JPEG of this size, after a comment of so many bytes.
pub fn jpeg(width: u16, height: u16, comment: u16) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xFE];
    bytes.extend((comment + 2).to_be_bytes());
    bytes.extend(std::iter::repeat_n(b'x', usize::from(comment)));
    bytes.extend([0xFF, 0xC0, 0, 17, 8]);
    bytes.extend(height.to_be_bytes());
    bytes.extend(width.to_be_bytes());
    bytes.extend([3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1, 0xFF, 0xD9]);
    bytes
}

/// A WebP of this size, at most 16,384 a side.
pub fn webp(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0".to_vec();
    bytes.extend(&(width - 1).to_le_bytes()[..3]);
    bytes.extend(&(height - 1).to_le_bytes()[..3]);
    bytes
}

/// A WAV of plain samples.
pub fn wav(rate: u32, channels: u16, bits: u16, samples: usize) -> Vec<u8> {
    let frame = channels * bits / 8;
    let data = samples * usize::from(frame);
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((data as u32 + 36).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * u32::from(frame)).to_le_bytes());
    bytes.extend(frame.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend((data as u32).to_le_bytes());
    bytes.extend(std::iter::repeat_n(0, data));
    bytes
}

/// So many bytes of sound.
pub fn pcm(bytes: usize) -> Vec<u8> {
    vec![0x55; bytes]
}

/// `data:<kind>;base64,...`.
pub fn url(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
}

impl Draft {
    pub(super) fn medium(&mut self) -> Value {
        match self.rng.u32(..10) {
            0..5 => self.image(),
            5 | 6 => self.sound(),
            7 => {
                let url = *self.pick(&["https://example.com/a.mp4", "data:video/mp4;base64,AAAAGGZ0eXA="]);
                json!({ "type": "video_url", "video_url": { "url": url } })
            }
            _ => self.file(),
        }
    }

    pub(super) fn image(&mut self) -> Value {
        let side = |draft: &mut Draft| match draft.rng.u32(..8) {
            0 => draft.rng.u32(1..40),
            1 => draft.rng.u32(3_000..12_000),
            _ => draft.rng.u32(200..2_200),
        };
        let (width, height) = (side(self), side(self));
        let short = (width as u16, height as u16);
        let url = match self.rng.u32(..10) {
            0 => "https://example.com/picture.png".to_owned(),
            1 => url("image/gif", &gif(short.0, short.1)),
            2 | 3 => {
                let comment = self.rng.u16(..800);
                url("image/jpeg", &jpeg(short.0, short.1, comment))
            }
            4 => url("image/webp", &webp(width, height)),
            5 => url("image/png", b"no picture at all"),
            _ => url("image/png", &png(width, height)),
        };
        let mut image = json!({ "url": url });
        if let Some(detail) =
            [None, None, Some("low"), Some("high"), Some("auto"), Some("original")][self.rng.usize(..6)]
        {
            image["detail"] = json!(detail);
        }
        json!({ "type": "image_url", "image_url": image })
    }

    fn sound(&mut self) -> Value {
        let samples = self.rng.usize(1..4_000);
        let (format, bytes) = match self.rng.u32(..6) {
            0 | 1 => {
                let (rate, channels, bits) =
                    *self.pick(&[(44_100, 2, 16), (16_000, 1, 16), (8_000, 1, 8), (24_000, 1, 16)]);
                ("wav", wav(rate, channels, bits, samples))
            }
            2 => ("mp3", pcm(samples)),
            3 => ("pcm16", pcm(samples * 2)),
            4 => ("flac", pcm(samples)),
            _ => ("wav", pcm(samples)),
        };
        json!({ "type": "input_audio", "input_audio": { "data": STANDARD.encode(bytes), "format": format } })
    }

    fn file(&mut self) -> Value {
        let text = self.text();
        let data = match self.rng.u32(..5) {
            0 => "https://example.com/report.pdf".to_owned(),
            1 => url("text/plain", text.as_bytes()),
            2 => url("image/png", &png(900, 700)),
            _ => url("application/pdf", b"%PDF-1.7 no pages"),
        };
        json!({ "type": "file", "file": { "filename": "report.pdf", "file_data": data } })
    }
}
