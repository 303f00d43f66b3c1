//! [`Encoding`]: tokenizers that are public, by name. Nothing here counts: somebody else does, and says so in
//! [`Counted`].

use crate::tokens::Normaliser;

/// A public tokenizer. Llama 3's is public too, but under a licence that no program should take on for a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Encoding {
    /// OpenAI until GPT-4 Turbo.
    Cl100k,
    /// OpenAI from GPT-4o to GPT-5, and gpt-oss.
    O200k,
    /// DeepSeek V3 and R1.
    DeepSeekV3,
    /// Qwen 2, 2.5 and 3.
    Qwen2,
    /// Mistral's first tekken, of Nemo.
    MistralV3,
    /// Kimi K2.
    KimiK2,
    /// GLM 4.5 to 4.7.
    Glm4,
}

impl Encoding {
    /// Each of them.
    pub const ALL: [Encoding; 7] = [
        Encoding::Cl100k,
        Encoding::O200k,
        Encoding::DeepSeekV3,
        Encoding::Qwen2,
        Encoding::MistralV3,
        Encoding::KimiK2,
        Encoding::Glm4,
    ];

    /// Its usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Encoding::Cl100k => "cl100k_base",
            Encoding::O200k => "o200k_base",
            Encoding::DeepSeekV3 => "deepseek_v3",
            Encoding::Qwen2 => "qwen2",
            Encoding::MistralV3 => "mistral_v3",
            Encoding::KimiK2 => "kimi_k2",
            Encoding::Glm4 => "glm4",
        }
    }

    /// What it does to a text first.
    pub const fn normaliser(self) -> Normaliser {
        match self {
            Encoding::Qwen2 => Normaliser::Nfc,
            _ => Normaliser::None,
        }
    }

    /// The tokenizer of a model, where it is public and known to us for certain, by the id of its row. A name that we
    /// do not know has none: it may be of a newer vocabulary, with more tokens for the same text.
    pub fn of_model(id: &str) -> Option<Encoding> {
        let (author, slug) = id.split_once('/')?;
        let slug = slug.split(':').next().unwrap_or(slug);
        match author {
            "openai" => openai(slug),
            "deepseek" => deepseek(slug),
            "qwen" => qwen(slug),
            "mistralai" => (slug == "mistral-nemo").then_some(Encoding::MistralV3),
            "moonshotai" => kimi(slug),
            "z-ai" => glm(slug),
            _ => None,
        }
    }
}

/// `tiktoken/model.py` of OpenAI, read in `tiktoken` 4.1.2 of 2026-08-13; that GPT-5.x is as GPT-5, there too.
fn openai(slug: &str) -> Option<Encoding> {
    const O200K: [&str; 9] =
        ["gpt-5", "gpt-4o", "chatgpt-4o", "gpt-4.1", "gpt-4.5", "gpt-oss", "o1", "o3", "o4-mini"];
    let is = |stem: &&str| is_or_extends(slug, stem);
    if slug.contains("audio") || slug.contains("image") {
        None
    } else if O200K.iter().any(is) {
        Some(Encoding::O200k)
    } else if ["gpt-4", "gpt-3.5"].iter().any(is) {
        Some(Encoding::Cl100k)
    } else {
        None
    }
}

fn is_or_extends(slug: &str, stem: &str) -> bool {
    slug.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
}

/// V3, R1 and what was trained on from V3 (V3.1, V3.2) have its `tokenizer.json` (their model cards). The distilled
/// models are Llama and Qwen underneath.
fn deepseek(slug: &str) -> Option<Encoding> {
    let known = ["deepseek-chat", "deepseek-v3", "deepseek-r1"];
    let is = |stem: &&str| is_or_extends(slug, stem);
    (!slug.contains("distill") && known.iter().any(is)).then_some(Encoding::DeepSeekV3)
}

/// Qwen 2, 2.5 and the open Qwen 3 of 2025 have one BPE of 151,643 tokens (their model cards); 3.5 and later another,
/// and what is served by its maker alone is not known.
fn qwen(slug: &str) -> Option<Encoding> {
    let sized = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit()) && !rest.contains("vl");
    let open = ["qwen-2-", "qwen-2.5-", "qwen-2.5-coder-", "qwen3-"];
    let is = open.iter().any(|stem| slug.strip_prefix(stem).is_some_and(sized));
    (is || matches!(slug, "qwq-32b" | "qwen3-coder" | "qwen3-coder-30b-a3b-instruct"))
        .then_some(Encoding::Qwen2)
}

/// K2 in its releases until K2.5 (`tiktoken.model` of their repositories, 2025-07 to 2026-01); that K2.6 has it too is
/// `tiktoken` 4.1.2's word, which compares its vocabularies with the vendor's.
fn kimi(slug: &str) -> Option<Encoding> {
    matches!(slug, "kimi-k2" | "kimi-k2-0905" | "kimi-k2-thinking" | "kimi-k2.5" | "kimi-k2.6")
        .then_some(Encoding::KimiK2)
}

/// GLM 4.5 to 4.7 (their model cards, 2025); models that see have more tokens.
fn glm(slug: &str) -> Option<Encoding> {
    matches!(slug, "glm-4.5" | "glm-4.5-air" | "glm-4.6" | "glm-4.7").then_some(Encoding::Glm4)
}

/// An eighth more: what is held for a count, for answers that agreed with one may be off by nearly as much
/// (`gateway::counting`).
pub const fn with_margin(tokens: u64) -> u64 {
    tokens.saturating_add(tokens.div_ceil(8))
}

/// Exact counts of a request's text: each string by itself, as a template keeps them apart. What the template adds is
/// not in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted([Option<u64>; Encoding::ALL.len()]);

impl Counted {
    /// Whether nobody has counted.
    pub fn is_empty(&self) -> bool {
        *self == Counted::default()
    }

    /// Tokens by this tokenizer, where somebody has counted.
    pub const fn get(self, encoding: Encoding) -> Option<u64> {
        self.0[encoding as usize]
    }

    /// With an eighth more: what answers that agreed with a count leave open.
    #[must_use]
    pub fn with_margin(self) -> Counted {
        Counted(self.0.map(|tokens| tokens.map(with_margin)))
    }

    /// With a count.
    #[must_use]
    pub const fn with(mut self, encoding: Encoding, tokens: u64) -> Counted {
        self.0[encoding as usize] = Some(tokens);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_an_eighth_rounded_up() {
        for (tokens, more) in [(0, 0), (1, 2), (8, 9), (9, 11), (80, 90), (u64::MAX, u64::MAX)] {
            assert_eq!(with_margin(tokens), more);
        }
        let counted = Counted::default().with(Encoding::Qwen2, 16).with_margin();
        assert_eq!((counted.get(Encoding::Qwen2), counted.get(Encoding::Glm4)), (Some(18), None));
    }

    #[test]
    fn what_is_known_for_certain() {
        for (id, encoding) in [
            ("openai/gpt-4o-mini", Some(Encoding::O200k)),
            ("openai/gpt-4o:extended", Some(Encoding::O200k)),
            ("openai/gpt-5.5-pro", Some(Encoding::O200k)),
            ("openai/gpt-oss-20b:free", Some(Encoding::O200k)),
            ("openai/o3-mini", Some(Encoding::O200k)),
            ("openai/gpt-4-turbo", Some(Encoding::Cl100k)),
            ("openai/gpt-3.5-turbo", Some(Encoding::Cl100k)),
            ("openai/gpt-6.1-sol", None),
            ("openai/gpt-50", None),
            ("openai/gpt-4o-audio-preview", None),
            ("openai/whisper-1", None),
            ("~openai/gpt-latest", None),
            ("deepseek/deepseek-r1:free", Some(Encoding::DeepSeekV3)),
            ("deepseek/deepseek-v3.2", Some(Encoding::DeepSeekV3)),
            ("deepseek/deepseek-v4-pro", None),
            ("deepseek/deepseek-r1-distill-llama-70b", None),
            ("qwen/qwen-2.5-72b-instruct", Some(Encoding::Qwen2)),
            ("qwen/qwen3-32b", Some(Encoding::Qwen2)),
            ("qwen/qwen3-coder", Some(Encoding::Qwen2)),
            ("qwen/qwen3.6-plus", None),
            ("qwen/qwen3-max", None),
            ("mistralai/mistral-nemo", Some(Encoding::MistralV3)),
            ("mistralai/mistral-large-2512", None),
            ("moonshotai/kimi-k2.6", Some(Encoding::KimiK2)),
            ("z-ai/glm-4.6", Some(Encoding::Glm4)),
            ("z-ai/glm-5", None),
            ("meta-llama/llama-3.1-8b-instruct", None),
            ("anthropic/claude-sonnet-4.5", None),
            ("nobody", None),
        ] {
            assert_eq!(Encoding::of_model(id), encoding, "{id}");
        }
    }
}
