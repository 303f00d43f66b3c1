//! How long a sound lasts, at the most that its bytes allow.

use serde_json::Value;

use super::base64;

/// A sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sound {
    /// At most so many milliseconds.
    Lasts(u64),
    /// Of a kind whose bytes do not tell.
    Unknown,
}

/// The least an MP3 needs for a millisecond: MPEG-2 has 8 kbit/s.
const MP3_BYTES_PER_SECOND: u64 = 1_000;
/// `pcm16`, 8 kHz, one channel.
const PCM_BYTES_PER_SECOND: u64 = 16_000;
const WAV_HEAD: usize = 256;

impl Sound {
    /// Reads `input_audio`.
    pub(super) fn read(audio: &Value) -> Sound {
        let data = audio["data"].as_str().unwrap_or_default();
        if data.starts_with("http") || data.is_empty() {
            return Sound::Unknown;
        }
        let data =
            data.strip_prefix("data:").and_then(|rest| rest.split_once(',')).map_or(data, |(_, data)| data);
        let bytes = base64::length(data);
        let lasting = |per_second: u64| Sound::Lasts((bytes * 1000).div_ceil(per_second.max(1)));
        match audio["format"].as_str() {
            Some("wav") => wav(&base64::decode(data, WAV_HEAD), bytes),
            Some("mp3") => lasting(MP3_BYTES_PER_SECOND),
            Some("pcm16" | "pcm") => lasting(PCM_BYTES_PER_SECOND),
            _ => Sound::Unknown,
        }
    }
}

/// By sample rate and the bytes of a frame of plain samples; other codecs are not told.
fn wav(head: &[u8], bytes: u64) -> Sound {
    let Some(at) = head.windows(4).position(|four| four == b"fmt ") else { return Sound::Unknown };
    let number = |from: usize, count: usize| -> Option<u64> {
        let digits = head.get(at + from..at + from + count)?;
        Some(digits.iter().rfold(0, |sum, &digit| sum << 8 | u64::from(digit)))
    };
    match (number(8, 2), number(12, 4), number(20, 2)) {
        (Some(1 | 3), Some(rate @ 1..), Some(frame @ 1..)) => {
            Sound::Lasts((bytes * 1000).div_ceil(rate * frame))
        }
        _ => Sound::Unknown,
    }
}
