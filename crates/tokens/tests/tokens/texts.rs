//! One text: what is counted, what is bounded, and what the tokenizers make of it.

use pricing::{Encoding, Normaliser, text_tokens};
use proptest::prelude::*;

use crate::hard;

/// Public tokenizers of families that are bounded by bytes with no growth.
const BYTE_LEVEL: [&str; 9] = [
    "cl100k_base",
    "o200k_base",
    "llama3",
    "deepseek_v3",
    "mistral_v3",
    "kimi_k2",
    "glm4",
    "glm5",
    "minimax_m2",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_token_is_at_least_a_byte(text in hard::text()) {
        for name in BYTE_LEVEL {
            let tokenizer = tiktoken::get_encoding(name).unwrap();
            let tokens = tokenizer.encode(&text);
            prop_assert_eq!(tokenizer.decode_to_string(&tokens).unwrap(), text.as_str(), "{} loses text", name);
            prop_assert_eq!(tokens.len(), tokenizer.count(&text), "{}", name);
            prop_assert!(tokens.len() as u64 <= text_tokens(Normaliser::None, text.as_bytes()), "{}", name);
            prop_assert!(tokenizer.count_with_special_tokens(&text) <= tokens.len(), "{}: a mark is dearer than text", name);
        }
    }

    #[test]
    fn counts_stay_below_the_byte_bound(text in hard::text()) {
        for encoding in Encoding::ALL {
            let most = text_tokens(encoding.normaliser(), text.as_bytes());
            prop_assert!(tokens::count(&text, encoding) <= most, "{:?}", encoding);
        }
    }

    #[test]
    fn two_programs_count_alike(text in hard::text()) {
        prop_assert_eq!(tokens::count(&text, Encoding::O200k), bpe_openai::o200k_base().count(text.as_str()) as u64);
        prop_assert_eq!(tokens::count(&text, Encoding::Cl100k), bpe_openai::cl100k_base().count(text.as_str()) as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn cuts_change_no_count(text in hard::long_text()) {
        for encoding in Encoding::ALL.into_iter().filter(|encoding| encoding.normaliser() == Normaliser::None) {
            let whole = tiktoken::get_encoding(encoding.name()).unwrap().count(&text) as u64;
            let counted = tokens::count(&text, encoding);
            prop_assert!(counted >= whole, "{:?}: {} of {}", encoding, counted, whole);
            prop_assert!(counted == whole || !has_words_all_along(&text), "{:?}: {} of {}", encoding, counted, whole);
        }
    }

    #[test]
    fn words_are_counted_exactly_however_many(words in "([a-zäöü]{1,9}[ .,\n0-9]{1,3}){5,60}") {
        let text = words.repeat(60_000 / words.len());
        for encoding in Encoding::ALL.into_iter().filter(|encoding| encoding.normaliser() == Normaliser::None) {
            let whole = tiktoken::get_encoding(encoding.name()).unwrap().count(&text) as u64;
            prop_assert_eq!(tokens::count(&text, encoding), whole, "{:?}", encoding);
        }
    }
}

/// Whether there is a place to cut at wherever a piece may have to end.
fn has_words_all_along(text: &str) -> bool {
    let ends_a_word = |pair: &[u8]| pair[0].is_ascii_alphabetic() && pair[1] == b' ';
    text.as_bytes().chunks(4_096).all(|chunk| chunk.windows(2).any(ends_a_word))
}

#[test]
fn base64_and_code_are_counted_exactly() {
    let base64 = "q83vEjRWeJq83vASNFZ4mrze8BI0Vnia".repeat(6_000);
    let code = include_str!("texts.rs").repeat(40);
    for text in [base64, code] {
        for encoding in Encoding::ALL {
            let whole = tiktoken::get_encoding(encoding.name()).unwrap().count(&text) as u64;
            assert_eq!(tokens::count(&text, encoding), whole, "{encoding:?}");
        }
    }
}

/// 1 MB of random characters took minutes before texts were cut.
#[test]
fn hostile_text_is_counted_in_time() {
    let mut seed = 7_u32;
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed >> 8
    };
    let characters: String = (0..60_000).filter_map(|_| char::from_u32(random() % 0x11_0000)).collect();
    let spaces = "\u{3000} 1\u{2003}\u{2003}é ".repeat(15_000);
    for text in [characters, spaces, "👩‍👩‍👧‍👦 ".repeat(9_000), "  1".repeat(70_000)] {
        let begun = std::time::Instant::now();
        let tokens = tokens::count(&text, Encoding::DeepSeekV3);
        assert!(
            tokens > 0 && begun.elapsed().as_secs() < 10,
            "{:?} for {} bytes",
            begun.elapsed(),
            text.len()
        );
    }
}
