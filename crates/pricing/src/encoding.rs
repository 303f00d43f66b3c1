//! [`Encoding`]: tokenizers that are public, by name. Nothing here counts: somebody else does, and says so in
//! [`Counted`].

/// A public tokenizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Encoding {
    /// OpenAI until GPT-4 Turbo.
    Cl100k,
    /// OpenAI from GPT-4o on, and gpt-oss.
    O200k,
    /// Llama 3.
    Llama3,
    /// DeepSeek V3 and R1.
    DeepSeekV3,
    /// Qwen 2, 2.5 and 3.
    Qwen2,
    /// Mistral's tekken.
    MistralV3,
    /// Kimi K2.
    KimiK2,
    /// GLM 4.
    Glm4,
    /// MiniMax M2.
    MinimaxM2,
}

impl Encoding {
    /// Each of them.
    pub const ALL: [Encoding; 9] = [
        Encoding::Cl100k,
        Encoding::O200k,
        Encoding::Llama3,
        Encoding::DeepSeekV3,
        Encoding::Qwen2,
        Encoding::MistralV3,
        Encoding::KimiK2,
        Encoding::Glm4,
        Encoding::MinimaxM2,
    ];

    /// Its usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Encoding::Cl100k => "cl100k_base",
            Encoding::O200k => "o200k_base",
            Encoding::Llama3 => "llama3",
            Encoding::DeepSeekV3 => "deepseek_v3",
            Encoding::Qwen2 => "qwen2",
            Encoding::MistralV3 => "mistral_v3",
            Encoding::KimiK2 => "kimi_k2",
            Encoding::Glm4 => "glm4",
            Encoding::MinimaxM2 => "minimax_m2",
        }
    }

    /// The tokenizer of a model, where it is public and known to us, by the id of its row.
    pub fn of_model(id: &str) -> Option<Encoding> {
        let (author, slug) = id.trim_start_matches('~').split_once('/')?;
        let slug = slug.split(':').next().unwrap_or(slug);
        match author {
            "openai" if slug.starts_with("gpt-3.5") || slug == "gpt-4" || slug.starts_with("gpt-4-") => {
                Some(Encoding::Cl100k)
            }
            "openai" => Some(Encoding::O200k),
            _ => None,
        }
    }
}

/// Exact counts of a request's text: each string by itself, as a template keeps them apart. What the template adds is
/// not in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted([Option<u64>; Encoding::ALL.len()]);

impl Counted {
    /// Tokens by this tokenizer, where somebody has counted.
    pub const fn get(self, encoding: Encoding) -> Option<u64> {
        self.0[encoding as usize]
    }

    /// With a count.
    #[must_use]
    pub const fn with(mut self, encoding: Encoding, tokens: u64) -> Counted {
        self.0[encoding as usize] = Some(tokens);
        self
    }
}
