//! [`count`]: the tokens of one text.

use pricing::{Encoding, Normaliser, text_tokens};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::pieces::{Piece, pieces};

/// The tokens of a text by a public tokenizer, nothing in it taken for a special token. Never less than that; more
/// only where a long run has no place to be cut, and is taken at a token a byte.
///
/// The first count with an encoding unpacks its vocabulary: 0.1 s, and 10 to 25 MB from then on.
pub fn count(text: &str, encoding: Encoding) -> u64 {
    let Some(tokenizer) = tiktoken::get_encoding(encoding.name()) else {
        return text_tokens(encoding.normaliser(), text.as_bytes());
    };
    let of = |piece| match (piece, encoding.normaliser()) {
        (Piece::Long(text), normaliser) => text_tokens(normaliser, text.as_bytes()),
        (Piece::Short(text), Normaliser::Nfc) if is_nfc_quick(text.chars()) != IsNormalized::Yes => {
            tokenizer.count(&text.nfc().collect::<String>()) as u64
        }
        (Piece::Short(text), _) => tokenizer.count(text) as u64,
    };
    pieces(text).map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_has_its_vocabulary() {
        for encoding in Encoding::ALL {
            assert!(tiktoken::get_encoding(encoding.name()).is_some(), "{encoding:?}");
            assert_eq!(count("hello world", encoding), 2, "{encoding:?}");
            assert_eq!(count("", encoding), 0);
        }
    }

    #[test]
    fn what_looks_special_is_text() {
        for (encoding, mark) in [
            (Encoding::O200k, "<|endoftext|>"),
            (Encoding::Qwen2, "<|im_start|>"),
            (Encoding::DeepSeekV3, "<｜User｜>"),
            (Encoding::MistralV3, "[INST]"),
        ] {
            assert!(count(mark, encoding) > 1, "{mark}");
        }
    }

    #[test]
    fn qwen_sees_composed_text() {
        assert_eq!(count("cafe\u{301}", Encoding::Qwen2), count("café", Encoding::Qwen2));
    }
}
