//! [`length_ms`]: how long a piece of audio lasts at most, from its bytes.
//!
//! A sound has at most as many bytes as its base64 stands for, and at least so many bytes a second: what a WAV says in
//! its header, 1,000 for MP3 (8 kbit/s, the least there is), 16,000 for PCM (8,000 samples of two bytes). Other formats,
//! and what is not what it says it is, have no known length.

use super::data_url::Base64;

const WAV_CHUNKS_MAX: usize = 32;
/// Bytes a second, samples a second: what is below or above is no sound anybody would send.
const WAV_RATE_MIN: u32 = 1_000;
const WAV_SAMPLES_MAX: u32 = 384_000;
const MP3_RATE_MIN: u64 = 1_000;
const PCM_RATE_MIN: u64 = 16_000;

/// Milliseconds, rounded up; `None` when nobody can say.
pub(super) fn length_ms(format: &str, data: Base64<'_>) -> Option<u64> {
    let rate = match format {
        "wav" => u64::from(wav_rate(data)?),
        "mp3" if is_mp3(data) => MP3_RATE_MIN,
        "pcm16" | "pcm24" => PCM_RATE_MIN,
        _ => return None,
    };
    Some(data.decoded_max().saturating_mul(1_000).div_ceil(rate))
}

/// Bytes a second, by the reading that makes it longest.
fn wav_rate(data: Base64<'_>) -> Option<u32> {
    if !data.has(0, b"RIFF") || !data.has(8, b"WAVE") {
        return None;
    }
    let mut at = 12_usize;
    for _ in 0..WAV_CHUNKS_MAX {
        let length = usize::try_from(u32::from_le_bytes(data.bytes(at + 4)?)).ok()?;
        if data.has(at, b"fmt ") && length >= 16 {
            return plain_rate(data, at + 8);
        }
        at = at.checked_add(8)?.checked_add(length)?.checked_add(length % 2)?;
    }
    None
}

/// Of samples as they are. A compressed format says nothing that could be relied on.
fn plain_rate(data: Base64<'_>, at: usize) -> Option<u32> {
    const PLAIN: [u16; 3] = [1, 3, 0xFFFE];
    let short = |at: usize| Some(u16::from_le_bytes(data.bytes(at)?));
    let (kind, channels, align, bits) = (short(at)?, short(at + 2)?, short(at + 12)?, short(at + 14)?);
    let samples = u32::from_le_bytes(data.bytes(at + 4)?);
    let told = u32::from_le_bytes(data.bytes(at + 8)?);
    let frame = u32::from(channels) * u32::from(bits).div_ceil(8);
    let is_plain = PLAIN.contains(&kind) && frame == u32::from(align) && samples <= WAV_SAMPLES_MAX;
    // Sixteen channels of eight bytes are enough for anybody.
    let is_usual = (1..=16).contains(&channels) && (8..=64).contains(&bits);
    let rate = samples.checked_mul(frame)?.min(told);
    (is_plain && is_usual && rate >= WAV_RATE_MIN).then_some(rate)
}

/// A tag, or the sync word of a frame.
fn is_mp3(data: Base64<'_>) -> bool {
    data.has(0, b"ID3") || data.bytes(0).is_some_and(|[first, second]| first == 0xFF && second & 0xE0 == 0xE0)
}

#[cfg(test)]
mod tests {
    use super::super::data_url::encode;
    use super::*;

    fn wav(kind: u16, samples: u32, told: u32, align: u16, bytes: usize) -> Vec<u8> {
        let mut wav = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0".to_vec();
        wav.extend(kind.to_le_bytes());
        wav.extend(1_u16.to_le_bytes());
        wav.extend(samples.to_le_bytes());
        wav.extend(told.to_le_bytes());
        wav.extend(align.to_le_bytes());
        wav.extend(16_u16.to_le_bytes());
        wav.extend(b"data\xff\xff\xff\xff");
        wav.resize(bytes, 0);
        wav
    }

    #[test]
    fn lengths() {
        let frames = [&[0xFF, 0xFB][..], &[0; 2_998]].concat();
        for (what, format, bytes, expect) in [
            ("a second of 16 kHz", "wav", wav(1, 16_000, 32_000, 2, 30_000), Some(938)),
            ("a rate told too high", "wav", wav(1, 16_000, 64_000, 2, 30_000), Some(938)),
            ("a rate told lower", "wav", wav(1, 16_000, 16_000, 2, 30_000), Some(1_875)),
            ("a rate of nothing", "wav", wav(1, 16_000, 0, 2, 30_000), None),
            ("compressed", "wav", wav(0x11, 8_000, 4_000, 256, 30_000), None),
            ("an alignment that is not its own", "wav", wav(1, 16_000, 99_999_999, 999, 30_000), None),
            ("too many samples", "wav", wav(1, 4_000_000_000, u32::MAX, 2, 30_000), None),
            ("no header", "wav", vec![0; 3_000], None),
            ("mp3", "mp3", frames.clone(), Some(3_000)),
            ("mp3 that is none", "mp3", vec![0; 3_000], None),
            ("mp3 as wav", "wav", frames, None),
            ("pcm", "pcm16", vec![0; 32_001], Some(2_001)),
            ("flac", "flac", vec![0; 3_000], None),
        ] {
            assert_eq!(length_ms(format, Base64::of(&encode(&bytes))), expect, "{what}");
        }
    }
}
