//! [`size`]: width and height of an image, from its header.
//!
//! PNG, JPEG, GIF and WebP. Where a format says a size twice, the larger counts; what cannot be read has no size, and
//! is then taken as the largest there is. The work is bounded: so many segments, blocks or chunks, no byte of the
//! picture itself.

use super::data_url::Base64;

/// Segments of a JPEG, chunks of a WebP that are looked at before the picture begins.
const SEGMENTS_MAX: usize = 128;
/// Bytes of a GIF before its first picture that are looked at.
const GIF_HEAD_MAX: usize = 8 << 10;

type Size = (u32, u32);

/// Width and height in pixels.
pub(super) fn size(data: Base64<'_>) -> Option<Size> {
    let size = match data.bytes::<4>(0)? {
        [0x89, b'P', b'N', b'G'] => png(data),
        [0xFF, 0xD8, ..] => jpeg(data),
        [b'G', b'I', b'F', b'8'] => gif(data),
        [b'R', b'I', b'F', b'F'] if data.has(8, b"WEBP") => webp(data),
        _ => None,
    };
    size.filter(|(width, height)| *width > 0 && *height > 0)
}

fn larger(one: Size, other: Size) -> Size {
    (one.0.max(other.0), one.1.max(other.1))
}

fn png(data: Base64<'_>) -> Option<Size> {
    if !data.has(12, b"IHDR") {
        return None;
    }
    Some((u32::from_be_bytes(data.bytes(16)?), u32::from_be_bytes(data.bytes(20)?)))
}

/// Every frame header (SOF) before the first scan.
fn jpeg(data: Base64<'_>) -> Option<Size> {
    let mut found = None;
    let mut at = 2_usize;
    for _ in 0..SEGMENTS_MAX {
        let [0xFF, marker] = data.bytes(at)? else { return None };
        match marker {
            // A fill byte; markers that stand alone.
            0xFF => at += 1,
            0x01 | 0xD0..=0xD7 => at += 2,
            // The scan begins, or nothing comes.
            0xD9 | 0xDA => return found,
            _ => {
                let length = usize::from(u16::from_be_bytes(data.bytes(at + 2)?));
                if matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) {
                    let height = u16::from_be_bytes(data.bytes(at + 5)?);
                    let width = u16::from_be_bytes(data.bytes(at + 7)?);
                    found = Some(larger(found.unwrap_or_default(), (width.into(), height.into())));
                }
                at += 2 + length.max(2);
            }
        }
    }
    None
}

/// The screen, and the first picture on it.
fn gif(data: Base64<'_>) -> Option<Size> {
    let pair = |at: usize| -> Option<Size> {
        let [a, b, c, d] = data.bytes(at)?;
        Some((u16::from_le_bytes([a, b]).into(), u16::from_le_bytes([c, d]).into()))
    };
    let screen = pair(6)?;
    let mut at = 13 + colours(data.byte(10)?);
    while at < GIF_HEAD_MAX {
        match data.byte(at)? {
            0x2C => {
                let (corner, picture) = (pair(at + 1)?, pair(at + 5)?);
                return Some(larger(screen, (corner.0 + picture.0, corner.1 + picture.1)));
            }
            0x21 => {
                at += 2;
                while at < GIF_HEAD_MAX {
                    let length = usize::from(data.byte(at)?);
                    at += 1 + length;
                    if length == 0 {
                        break;
                    }
                }
            }
            _ => return None,
        }
    }
    None
}

/// Bytes of a colour table.
fn colours(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// The canvas, and the first frame in it.
fn webp(data: Base64<'_>) -> Option<Size> {
    let mut canvas = (0, 0);
    let mut at = 12_usize;
    for _ in 0..SEGMENTS_MAX {
        let body = at + 8;
        match &data.bytes::<4>(at)? {
            b"VP8 " => return Some(larger(canvas, lossy(data, body)?)),
            b"VP8L" => return Some(larger(canvas, lossless(data, body)?)),
            b"VP8X" => canvas = larger(canvas, (one_more(data, body + 4)?, one_more(data, body + 7)?)),
            b"ANMF" => return Some(larger(canvas, (one_more(data, body + 6)?, one_more(data, body + 9)?))),
            _ => {}
        }
        let length = usize::try_from(u32::from_le_bytes(data.bytes(at + 4)?)).ok()?;
        at = body.checked_add(length)?.checked_add(length % 2)?;
    }
    None
}

fn lossy(data: Base64<'_>, body: usize) -> Option<Size> {
    const START: [u8; 3] = [0x9D, 0x01, 0x2A];
    if !data.has(body + 3, &START) {
        return None;
    }
    let side = |at: usize| Some(u32::from(u16::from_le_bytes(data.bytes(at)?) & 0x3FFF));
    Some((side(body + 6)?, side(body + 8)?))
}

fn lossless(data: Base64<'_>, body: usize) -> Option<Size> {
    if data.byte(body)? != 0x2F {
        return None;
    }
    let bits = u32::from_le_bytes(data.bytes(body + 1)?);
    Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
}

/// A number of 24 bits that stands for one more.
fn one_more(data: Base64<'_>, at: usize) -> Option<u32> {
    let [a, b, c] = data.bytes(at)?;
    Some(u32::from_le_bytes([a, b, c, 0]) + 1)
}

#[cfg(test)]
mod tests {
    use super::super::data_url::encode;
    use super::*;

    fn of(bytes: &[u8]) -> Option<Size> {
        size(Base64::of(&encode(bytes)))
    }

    fn png_of(width: u32, height: u32) -> Vec<u8> {
        let head = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
        [&head[..], &width.to_be_bytes(), &height.to_be_bytes(), b"\x08\x06\0\0\0"].concat()
    }

    /// A JPEG with a segment of `before` bytes, then frames of these sizes.
    fn jpeg_of(before: u16, frames: &[(u16, u16)]) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xE1];
        bytes.extend((before + 2).to_be_bytes());
        bytes.extend(std::iter::repeat_n(0xFF, before.into()));
        for (width, height) in frames {
            bytes.extend([0xFF, 0xFF, 0xC2, 0, 11, 8]);
            bytes.extend(height.to_be_bytes());
            bytes.extend(width.to_be_bytes());
            bytes.extend([1, 1, 0x11, 0]);
        }
        bytes.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0x55, 0xFF, 0xD9]);
        bytes
    }

    fn gif_of(screen: (u16, u16), corner: u16, picture: (u16, u16)) -> Vec<u8> {
        let pair = |(a, b): (u16, u16)| [a.to_le_bytes(), b.to_le_bytes()].concat();
        let mut bytes = b"GIF89a".to_vec();
        bytes.extend(pair(screen));
        bytes.extend([0x80, 0, 0]);
        bytes.extend([7; 6]);
        bytes.extend(b"\x21\xF9\x04\0\0\0\0\0\x21\xFE\x05hello\0");
        bytes.push(0x2C);
        bytes.extend(pair((corner, corner)));
        bytes.extend(pair(picture));
        bytes
    }

    fn webp_of(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut bytes = b"RIFF\0\0\0\0WEBP".to_vec();
        for (name, body) in chunks {
            bytes.extend(*name);
            bytes.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
            bytes.extend(*body);
            bytes.extend(std::iter::repeat_n(0, body.len() % 2));
        }
        bytes
    }

    #[test]
    fn sizes() {
        let extended: &[u8] = &[0x10, 0, 0, 0, 99, 0, 0, 199, 0, 0];
        let frame: &[u8] = &[0, 0, 0, 0x9D, 0x01, 0x2A, 0x2C, 0x41, 50, 0, 0];
        let lossless = (400_u32 - 1) | (300 - 1) << 14;
        let lossless = [&[0x2F][..], &lossless.to_le_bytes()].concat();
        for (what, bytes, expect) in [
            ("png", png_of(640, 480), Some((640, 480))),
            ("png of nothing", png_of(640, 0), None),
            ("jpeg", jpeg_of(10, &[(1200, 800)]), Some((1200, 800))),
            ("jpeg with much before", jpeg_of(65_000, &[(1200, 800)]), Some((1200, 800))),
            ("jpeg with two frames", jpeg_of(10, &[(100, 800), (1200, 8)]), Some((1200, 800))),
            ("jpeg without a frame", jpeg_of(10, &[]), None),
            ("gif", gif_of((100, 50), 0, (100, 50)), Some((100, 50))),
            ("gif with a larger picture", gif_of((1, 1), 10, (100, 50)), Some((110, 60))),
            ("webp, lossy", webp_of(&[(b"VP8 ", frame)]), Some((300, 50))),
            ("webp, lossless", webp_of(&[(b"VP8L", &lossless)]), Some((400, 300))),
            (
                "webp, extended",
                webp_of(&[(b"VP8X", extended), (b"ICCP", b"odd"), (b"VP8 ", frame)]),
                Some((300, 200)),
            ),
            ("webp without a frame", webp_of(&[(b"VP8X", extended)]), None),
            ("text", b"hello, this is no picture".to_vec(), None),
        ] {
            assert_eq!(of(&bytes), expect, "{what}");
            for cut in 0..bytes.len().min(200) {
                let _ = of(&bytes[..cut]);
            }
        }
    }

    #[test]
    fn long_heads_end() {
        let fills = [&[0xFF, 0xD8][..], &vec![0xFF; 1 << 20]].concat();
        assert_eq!(of(&fills), None);
        let blocks =
            [b"GIF89a\x01\0\x01\0\0\0\0".as_slice(), &[0x21, 0xFE, 1, 0, 0].repeat(1 << 18)].concat();
        assert_eq!(of(&blocks), None);
    }
}
