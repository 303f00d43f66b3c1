//! The size of an image, from its first bytes: PNG, GIF, JPEG, WebP.

use super::base64;

/// A JPEG's frame may come after much else.
const HEAD_MAX: usize = 1 << 20;

/// Width and height, pixels, of an image in base64.
pub(super) fn size(data: &str) -> Option<(u64, u64)> {
    let short = base64::decode(data, 64);
    let found = match &*short {
        [0x89, b'P', b'N', b'G', ..] => Some((u32_be(&short, 16)?, u32_be(&short, 20)?)),
        [b'G', b'I', b'F', ..] => Some((u16_le(&short, 6)?, u16_le(&short, 8)?)),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp(&short),
        [0xFF, 0xD8, ..] => jpeg(&base64::decode(data, HEAD_MAX)),
        _ => None,
    };
    found.filter(|&(width, height)| width > 0 && height > 0)
}

fn webp(bytes: &[u8]) -> Option<(u64, u64)> {
    match bytes.get(12..16)? {
        b"VP8X" => Some((1 + u24_le(bytes, 24)?, 1 + u24_le(bytes, 27)?)),
        b"VP8 " => Some((u16_le(bytes, 26)? & 0x3FFF, u16_le(bytes, 28)? & 0x3FFF)),
        b"VP8L" => {
            let bits = u16_le(bytes, 21)? | u16_le(bytes, 23)? << 16;
            Some((1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)))
        }
        _ => None,
    }
}

/// Walks from marker to marker to the frame.
fn jpeg(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut at = 2;
    loop {
        match (*bytes.get(at)?, *bytes.get(at + 1)?) {
            (0xFF, 0xFF) => at += 1,
            (0xFF, 0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF) => {
                return Some((u16_be(bytes, at + 7)?, u16_be(bytes, at + 5)?));
            }
            (0xFF, 0xD9 | 0xDA) => return None,
            (0xFF, _) => at += 2 + usize::try_from(u16_be(bytes, at + 2)?).ok()?,
            _ => return None,
        }
    }
}

fn number(bytes: &[u8], at: usize, count: usize) -> Option<&[u8]> {
    bytes.get(at..at + count)
}

fn u16_be(bytes: &[u8], at: usize) -> Option<u64> {
    number(bytes, at, 2).map(|digits| digits.iter().fold(0, |sum, &digit| sum << 8 | u64::from(digit)))
}

fn u32_be(bytes: &[u8], at: usize) -> Option<u64> {
    number(bytes, at, 4).map(|digits| digits.iter().fold(0, |sum, &digit| sum << 8 | u64::from(digit)))
}

fn u16_le(bytes: &[u8], at: usize) -> Option<u64> {
    number(bytes, at, 2).map(|digits| digits.iter().rfold(0, |sum, &digit| sum << 8 | u64::from(digit)))
}

fn u24_le(bytes: &[u8], at: usize) -> Option<u64> {
    number(bytes, at, 3).map(|digits| digits.iter().rfold(0, |sum, &digit| sum << 8 | u64::from(digit)))
}
