//! Byte bounds against real tokenizers and against what normalisers do to the worst characters of Unicode.

use pricing::{Normaliser, text_tokens};
use proptest::prelude::*;

/// For every UTF-8 prefix under which NFC or NFKC can make a character longer: the worst character, and its bytes
/// under NFC and NFKC (Unicode 14, computed over every scalar value).
const WORST: &[(u32, u64, u64)] = &[
    (0x00BC, 2, 5),
    (0x013F, 2, 3),
    (0x0140, 2, 3),
    (0x01C4, 2, 3),
    (0x02D8, 2, 3),
    (0x0344, 4, 4),
    (0x0385, 2, 5),
    (0x0587, 2, 4),
    (0x0675, 2, 4),
    (0x0958, 6, 6),
    (0x09DC, 6, 6),
    (0x0A33, 6, 6),
    (0x0A59, 6, 6),
    (0x0B5C, 6, 6),
    (0x0E33, 3, 6),
    (0x0EB3, 3, 6),
    (0x0EDC, 3, 6),
    (0x0F43, 6, 6),
    (0x0F77, 3, 9),
    (0x0F81, 6, 6),
    (0x1FC1, 3, 5),
    (0x2034, 3, 9),
    (0x2057, 3, 12),
    (0x2152, 3, 6),
    (0x2189, 3, 5),
    (0x222D, 3, 9),
    (0x247D, 3, 4),
    (0x2480, 3, 4),
    (0x2A0C, 3, 12),
    (0x2ADC, 5, 5),
    (0x309F, 3, 6),
    (0x30FF, 3, 6),
    (0x321D, 3, 8),
    (0x327C, 3, 6),
    (0x32FF, 3, 6),
    (0x3316, 3, 18),
    (0x3347, 3, 15),
    (0x33AF, 3, 8),
    (0x33C6, 3, 6),
    (0xFA6C, 4, 4),
    (0xFACF, 4, 4),
    (0xFB2C, 6, 6),
    (0xFB40, 4, 4),
    (0xFBDD, 3, 4),
    (0xFC00, 3, 4),
    (0xFC5E, 3, 5),
    (0xFC80, 3, 4),
    (0xFCF2, 3, 6),
    (0xFD00, 3, 4),
    (0xFD50, 3, 6),
    (0xFD80, 3, 6),
    (0xFDFA, 3, 33),
    (0xFE71, 3, 4),
    (0xFEF5, 3, 4),
    (0x1D160, 12, 12),
    (0x1D1BD, 12, 12),
    (0x1D1C0, 12, 12),
    (0x1F12A, 4, 7),
    (0x1F200, 4, 6),
    (0x1F240, 4, 9),
];

#[test]
fn no_character_grows_beyond_its_bound() {
    for &(code, nfc, nfkc) in WORST {
        let character = char::from_u32(code).unwrap();
        let raw = character.to_string();
        let escaped: String = raw.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        for text in [raw.repeat(7), escaped.repeat(7), escaped.to_uppercase().replace("\\U", "\\u").repeat(7)]
        {
            assert!(
                text_tokens(Normaliser::Nfc, text.as_bytes()) >= 7 * nfc,
                "NFC of U+{code:04X} in {text}"
            );
            assert!(
                text_tokens(Normaliser::Nfkc, text.as_bytes()) >= 7 * nfkc,
                "NFKC of U+{code:04X} in {text}"
            );
        }
    }
}

#[test]
fn common_scripts_are_not_charged_for_what_they_cannot_do() {
    for text in [
        "plain ASCII, {\"json\": [1, 2]}",
        "Grüße, señor",
        "Привет, мир",
        "漢字仮名交じり文",
        "한국어",
        "😀🎉",
    ] {
        let bytes = text.len() as u64;
        let most = if text.is_ascii() { bytes } else { bytes + bytes / 2 };
        assert_eq!(text_tokens(Normaliser::None, text.as_bytes()), bytes);
        assert!((bytes..=most).contains(&text_tokens(Normaliser::Nfkc, text.as_bytes())), "{text}");
    }
    let escaped = "\\u6f22\\u5b57\\ud83d\\ude00";
    assert_eq!(text_tokens(Normaliser::Nfkc, escaped.as_bytes()), escaped.len() as u64);
}

#[test]
fn broken_text_is_bounded_too() {
    for text in [
        &b"\\"[..],
        b"\\u",
        b"\\u12",
        b"\\uzzzz",
        b"\\\\ufdfa",
        b"\xef",
        b"\xef\xb7",
        b"\xff\xff",
        b"\\ufdfa",
    ] {
        assert!(text_tokens(Normaliser::Nfkc, text) >= text.len() as u64);
    }
}

fn hard_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,400}",
        "[\\u{4e00}-\\u{9fff}]{0,100}",
        "[\\u{1f300}-\\u{1faff}]{0,60}",
        "[\\u{0600}-\\u{06ff} ]{0,100}",
        "[\\u{0}-\\u{1f}]{0,100}",
        "[A-Za-z0-9+/]{0,400}",
        "( {0,80}|\n{0,40}|a{0,200}|[0-9]{0,90}){0,4}",
    ]
}

proptest! {
    #[test]
    fn real_tokenizers_stay_below(text in hard_text()) {
        let most = text_tokens(Normaliser::None, text.as_bytes());
        for tokenizer in [bpe_openai::o200k_base(), bpe_openai::cl100k_base()] {
            prop_assert!(tokenizer.count(text.as_str()) as u64 <= most);
        }
    }
}
