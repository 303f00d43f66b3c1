//! Base64, read as leniently as anybody might.

/// At most so many bytes; what is no digit is skipped.
pub(super) fn decode(text: &str, most: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(most.min(text.len() / 4 * 3 + 3));
    let (mut bits, mut count) = (0u32, 0);
    for value in text.bytes().filter_map(digit) {
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            if out.len() == most {
                break;
            }
        }
    }
    out
}

/// How many bytes a text stands for.
pub(super) fn length(text: &str) -> u64 {
    text.bytes().filter(|&byte| digit(byte).is_some()).count() as u64 * 3 / 4
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads() {
        for (text, expect) in [("TWFu", "Man"), ("TWE=", "Ma"), ("T Q==", "M"), ("", "")] {
            assert_eq!(decode(text, 100), expect.as_bytes(), "{text}");
            assert_eq!(length(text), expect.len() as u64, "{text}");
        }
        assert_eq!(decode("TWFuTWFu", 4), b"ManM");
    }
}
