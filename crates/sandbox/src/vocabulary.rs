//! [`Vocabulary`]: what a model's text is cut into tokens with, where its maker has published that.
//!
//! Whoever judges must not count with the code of whoever is judged. OpenAI's two are counted by `bpe-openai`, which
//! nothing else here uses. For the others there is one program, `tiktoken`, and the product has it too; so which name
//! means which vocabulary is written down here once more, and a prompt is counted as one text, as a model reads it,
//! where the product counts each string by itself and cuts it into small pieces.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Bytes that `tiktoken` 4.1.2 gets at once: its work grows with the square of them, except where all is ASCII.
const STRETCH: usize = 16 << 10;
const STRETCH_ASCII: usize = 256 << 10;

/// A vocabulary, with the expression that cuts a text up before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vocabulary {
    Cl100k,
    /// Also stands in for all that are not public.
    O200k,
    DeepSeek,
    Qwen,
    Tekken,
    Kimi,
    Glm,
}

/// How names begin, and what they are; the first that fits. From the makers' model cards and OpenAI's `tiktoken`.
const NAMES: [(&str, Vocabulary); 15] = [
    ("openai/gpt-4o", Vocabulary::O200k),
    ("openai/gpt-4.", Vocabulary::O200k),
    ("openai/gpt-4", Vocabulary::Cl100k),
    ("openai/gpt-3.5", Vocabulary::Cl100k),
    ("deepseek/deepseek-r1-distill", Vocabulary::O200k),
    ("deepseek/deepseek-chat", Vocabulary::DeepSeek),
    ("deepseek/deepseek-v3", Vocabulary::DeepSeek),
    ("deepseek/deepseek-r1", Vocabulary::DeepSeek),
    ("qwen/qwen-2", Vocabulary::Qwen),
    ("qwen/qwen3-", Vocabulary::Qwen),
    ("qwen/qwq", Vocabulary::Qwen),
    ("mistralai/mistral-nemo", Vocabulary::Tekken),
    ("moonshotai/kimi-k2", Vocabulary::Kimi),
    ("z-ai/glm-4", Vocabulary::Glm),
    ("", Vocabulary::O200k),
];

impl Vocabulary {
    /// How many there are.
    pub(crate) const COUNT: usize = 7;

    /// Of a model, by its id.
    pub(crate) fn of_model(id: &str) -> Vocabulary {
        let fitting = NAMES.iter().find(|(stem, _)| id.starts_with(stem));
        fitting.map_or(Vocabulary::O200k, |(_, vocabulary)| *vocabulary)
    }

    /// The tokens of a text. Nothing in it is a mark of the template.
    pub(crate) fn count(self, text: &str) -> u64 {
        let name = match self {
            Vocabulary::Cl100k => return bpe_openai::cl100k_base().count(text) as u64,
            Vocabulary::O200k => return bpe_openai::o200k_base().count(text) as u64,
            Vocabulary::DeepSeek => "deepseek_v3",
            Vocabulary::Qwen => "qwen2",
            Vocabulary::Tekken => "mistral_v3",
            Vocabulary::Kimi => "kimi_k2",
            Vocabulary::Glm => "glm4",
        };
        let tokenizer = tiktoken::get_encoding(name).expect("its vocabulary is built in");
        let text = if self == Vocabulary::Qwen { composed(text) } else { Cow::Borrowed(text) };
        stretches(&text).map(|stretch| tokenizer.count(stretch) as u64).sum()
    }
}

/// Qwen's tokenizer brings its text into the composed form of Unicode (NFC) first.
fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// A text in one piece, unless it is longer than is reasonable.
fn stretches(text: &str) -> impl Iterator<Item = &str> {
    let most = if text.is_ascii() { STRETCH_ASCII } else { STRETCH };
    let mut rest = text;
    std::iter::from_fn(move || {
        let (stretch, after) = rest.split_at(end(rest, most));
        rest = after;
        Some(stretch).filter(|stretch| !stretch.is_empty())
    })
}

/// Where a stretch ends: before a space between two words, where every tokenizer cuts. Where there is none it ends
/// anywhere, which may make one token more or less of it.
fn end(text: &str, most: usize) -> usize {
    if text.len() <= most {
        return text.len();
    }
    let parts = |at: &usize| match text.as_bytes()[at - 1..] {
        [before, b' ', after, ..] => before.is_ascii_alphanumeric() && after.is_ascii_alphabetic(),
        _ => false,
    };
    (1..most).rev().find(parts).unwrap_or(text.floor_char_boundary(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Vocabulary; Vocabulary::COUNT] = [
        Vocabulary::Cl100k,
        Vocabulary::O200k,
        Vocabulary::DeepSeek,
        Vocabulary::Qwen,
        Vocabulary::Tekken,
        Vocabulary::Kimi,
        Vocabulary::Glm,
    ];

    #[test]
    fn names() {
        for (id, vocabulary) in [
            ("openai/gpt-4", Vocabulary::Cl100k),
            ("openai/gpt-4-turbo", Vocabulary::Cl100k),
            ("openai/gpt-3.5-turbo-16k", Vocabulary::Cl100k),
            ("openai/gpt-4o-mini", Vocabulary::O200k),
            ("openai/gpt-4.1", Vocabulary::O200k),
            ("openai/gpt-oss-120b:free", Vocabulary::O200k),
            ("deepseek/deepseek-v3.2", Vocabulary::DeepSeek),
            ("deepseek/deepseek-r1-distill-llama-70b", Vocabulary::O200k),
            ("qwen/qwen3-coder", Vocabulary::Qwen),
            ("qwen/qwen3.6-plus", Vocabulary::O200k),
            ("mistralai/mistral-nemo", Vocabulary::Tekken),
            ("moonshotai/kimi-k2.6", Vocabulary::Kimi),
            ("z-ai/glm-4.6", Vocabulary::Glm),
            ("anthropic/claude-sonnet-4.5", Vocabulary::O200k),
        ] {
            assert_eq!(Vocabulary::of_model(id), vocabulary, "{id}");
        }
    }

    /// Each makes something else of the same texts: numbers of one digit or three, Chinese by the word or not.
    #[test]
    fn each_counts_in_its_own_way() {
        let texts = [
            "1234567 and 42, 漢字と仮名、汉字是世界上最古老的文字之一。 ".repeat(9),
            "Zażółć gęślą jaźń; Съешь же ещё этих мягких французских булок; สวัสดีชาวโลก ".repeat(9),
            include_str!("vocabulary.rs").to_owned(),
        ];
        let counts = |vocabulary: &Vocabulary| texts.each_ref().map(|text| vocabulary.count(text));
        let mut all: Vec<[u64; 3]> = ALL.iter().map(counts).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), ALL.len(), "{all:?}");
        assert!(ALL.iter().all(|vocabulary| vocabulary.count("") == 0));
    }

    #[test]
    fn qwen_reads_composed_text() {
        assert_eq!(Vocabulary::Qwen.count("cafe\u{301}"), Vocabulary::Qwen.count("café"));
        // Which may be longer.
        assert_eq!(
            Vocabulary::Qwen.count("\u{1d160}"),
            Vocabulary::Qwen.count("\u{1d158}\u{1d165}\u{1d16e}")
        );
    }

    #[test]
    fn stretches_are_the_text() {
        let words = "many words é ".repeat(4_000);
        let cut: Vec<&str> = stretches(&words).collect();
        assert!(cut.len() > 3 && cut.iter().all(|stretch| stretch.len() <= STRETCH));
        assert!(cut[1..].iter().all(|stretch| stretch.starts_with(' ')));
        assert_eq!(cut.concat(), words);
        let run = "字".repeat(9_000);
        assert_eq!(stretches(&run).collect::<String>(), run);
        assert_eq!(stretches("short").collect::<Vec<_>>(), ["short"]);
    }
}
