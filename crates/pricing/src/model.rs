//! [`Model`] and [`Endpoint`]: rows of the catalogue.

use crate::about::About;
use crate::modality::{Modalities, Modality};
use crate::price_key::PriceKey;
use crate::prices::RowPrices;
use crate::thinking::Thinking;
use crate::tokens::Normaliser;

/// One row of `GET /models`, with its endpoints once they are known. The default one has no price and no name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// The name people ask for, `author/slug` with a static variant such as `:free`.
    pub id: String,
    /// The dated, immutable name without a variant.
    pub canonical_slug: String,
    /// Where a `~author/family-latest` row points (a model id), when it says so.
    pub alias_target: Option<String>,
    /// Most tokens of prompt and answer together; `None` when unknown or not applicable (listed as null or 0).
    pub context_length: Option<u64>,
    /// Most tokens of answer at the top provider; `None` when unknown or not applicable.
    pub max_completion_tokens: Option<u64>,
    /// How its tokenizer is known to behave.
    pub family: Family,
    /// The row's own prices: those of one endpoint, not of the dearest.
    pub prices: RowPrices,
    /// Every endpoint, or `None` while we have not asked.
    pub endpoints: Option<Vec<Endpoint>>,
    /// The most tokens of prompt in one request (`per_request_limits`); `None` when none is set.
    pub max_prompt_tokens: Option<u64>,
    /// What it answers in.
    pub outputs: Modalities,
    /// Whether the row lists a field that caps its output.
    pub supports_output_cap: bool,
    /// Whether it thinks before it answers without being asked to.
    pub thinking: Thinking,
    /// What it says of itself beside its price.
    pub about: About,
}

impl Model {
    /// Whether it answers in text and nothing else.
    pub fn text_output_only(&self) -> bool {
        self.outputs == Modalities::TEXT
    }

    /// Whether it answers in text, perhaps beside images and audio: what a chat can be billed for.
    pub fn chats(&self) -> bool {
        self.outputs.contains(Modality::Text) && !self.outputs.contains(Modality::Other)
    }

    /// Whether a price of zero means free: `:free` rows and `openrouter/free` only (CONTRACT 8.2, 2026-10-02).
    pub fn is_free(&self) -> bool {
        self.id.ends_with(":free") || self.id == "openrouter/free"
    }

    /// Whether every kind of answer it gives has a price per token.
    pub fn answers_are_priced(&self) -> bool {
        let endpoints = self.endpoints.iter().flatten().filter_map(|endpoint| endpoint.prices.priced());
        let listed = |key: PriceKey| {
            self.prices
                .priced()
                .into_iter()
                .chain(endpoints.clone())
                .any(|prices| prices.rates[key].is_some())
        };
        self.text_output_only()
            || self.chats()
                && (!self.outputs.contains(Modality::Image) || listed(PriceKey::ImageOutput))
                && (!self.outputs.contains(Modality::Audio) || listed(PriceKey::AudioOutput))
    }

    /// Whether it is an OpenRouter router rather than a model.
    pub fn is_router(&self) -> bool {
        self.id.starts_with("openrouter/") && !self.is_free()
    }

    /// Whether it searches the web by itself, at a price per search that no field of the body caps
    /// (CONTRACT 8.2, rows of 2025-05-23 and 2026-05-31).
    pub fn searches_by_itself(&self) -> bool {
        self.id.starts_with("perplexity/")
            || self.id.contains("search-preview")
            || self.id.contains("search-api")
            || self.id.contains("deep-research")
    }
}

/// One endpoint of a model: a provider that may serve it (CONTRACT 8.3). The default one has no price and no name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// The provider's name for people, `Google Vertex`.
    pub provider: String,
    /// The provider's slug for machines, `google-vertex/global`: what `provider.ignore` takes.
    pub tag: String,
    /// Most tokens of prompt and answer together; `None` when unknown.
    pub context_length: Option<u64>,
    /// Most tokens of answer; `None` when unknown.
    pub max_completion_tokens: Option<u64>,
    /// Most tokens of prompt; `None` when unknown.
    pub max_prompt_tokens: Option<u64>,
    /// Its prices, the multiplier of its tier included.
    pub prices: RowPrices,
    /// Whether it lists `max_tokens` or `max_completion_tokens`; without, it may ignore the cap we send.
    pub supports_output_cap: bool,
    /// Whether it caches by itself, without being asked.
    pub implicit_caching: bool,
    /// The service tier it serves.
    pub tier: Tier,
    /// Whether it searches the web by itself when asked to (`native_tools`); `None` when its row does not say.
    pub native_search: Option<bool>,
}

impl Endpoint {
    /// The most tokens it can answer with, when its row says.
    pub fn output_limit(&self) -> Option<u64> {
        self.max_completion_tokens.or(self.context_length)
    }

    /// Whether a name in `provider.only` means this endpoint: its tag, the tag's provider, or the provider's name.
    pub fn is_named(&self, name: &str) -> bool {
        let provider = self.tag.split('/').next().unwrap_or_default();
        name.eq_ignore_ascii_case(&self.tag)
            || name.eq_ignore_ascii_case(provider)
            || name.eq_ignore_ascii_case(&self.provider)
    }

    /// Whether `provider.ignore` of a tag also shuts out this one: a bare slug covers all its variants (CONTRACT 8.3).
    pub(crate) fn is_covered_by(&self, ignored: &str) -> bool {
        self.tag == ignored || self.tag.strip_prefix(ignored).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// The service tier of an endpoint (CONTRACT 8.3, 9.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tier {
    /// No tier, or the default one: eligible for every request.
    #[default]
    Standard,
    /// Flex: eligible when asked for by tier or by `:floor`.
    Flex,
    /// Priority, ultrafast or one we do not know: eligible only when asked for by tier or by `:nitro`.
    Premium,
}

impl Tier {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Tier::Standard => "standard",
            Tier::Flex => "flex",
            Tier::Premium => "premium",
        }
    }
}

/// What is known of a tokenizer, by OpenRouter's `architecture.tokenizer` and the author of the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// OpenAI: byte-level BPE, public (tiktoken).
    Gpt,
    /// Llama 3 and 4: byte-level BPE, public.
    Llama,
    /// DeepSeek: byte-level BPE, public.
    DeepSeek,
    /// Mistral: tekken (byte-level BPE) or SentencePiece with byte fallback, public.
    Mistral,
    /// Qwen: byte-level BPE after NFC, public.
    Qwen,
    /// Gemini and Gemma: SentencePiece with byte fallback and no normaliser; Gemini's own is not public.
    Gemini,
    /// Grok: byte-level as far as is known, not public.
    Grok,
    /// Claude: not public; earlier ones normalised with NFKC.
    Claude,
    /// Cohere: byte-level BPE after NFC.
    Cohere,
    /// Anything else: taken as normalising with NFKC.
    #[default]
    Other,
}

impl Family {
    /// From OpenRouter's tokenizer name (`architecture.tokenizer`), case as listed.
    pub fn from_tokenizer(name: &str) -> Self {
        match name {
            "GPT" => Family::Gpt,
            "Llama3" | "Llama4" => Family::Llama,
            "DeepSeek" => Family::DeepSeek,
            "Mistral" => Family::Mistral,
            "Qwen" | "Qwen3" => Family::Qwen,
            "Gemini" | "Gemma" => Family::Gemini,
            "Grok" => Family::Grok,
            "Claude" => Family::Claude,
            "Cohere" => Family::Cohere,
            _ => Family::Other,
        }
    }

    /// Tokens a second of audio: 32 at Google, 10 at OpenAI, by their guides (read 2026-10); elsewhere twice the most
    /// that anybody publishes (Qwen: 25).
    pub(crate) const fn audio_tokens_a_second(self) -> u64 {
        match self {
            Family::Gemini => 32,
            Family::Gpt => 10,
            _ => 50,
        }
    }

    /// Whether anyone can check that a token is at least a byte of the text.
    pub const fn is_public(self) -> bool {
        matches!(self, Family::Gpt | Family::Llama | Family::DeepSeek | Family::Mistral | Family::Qwen)
    }

    /// What the tokenizer may do to the text first.
    pub const fn normaliser(self) -> Normaliser {
        match self {
            Family::Gpt
            | Family::Llama
            | Family::DeepSeek
            | Family::Mistral
            | Family::Gemini
            | Family::Grok => Normaliser::None,
            Family::Qwen | Family::Cohere => Normaliser::Nfc,
            Family::Claude | Family::Other => Normaliser::Nfkc,
        }
    }
}
