//! [`PriceKey`]: what a row can list a price for.

use money::Rate;

use crate::bound::PER_IMAGE_FROM;

/// A price key (CONTRACT 8.2, read 2026-10-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PriceKey {
    /// Input tokens.
    Prompt,
    /// Output tokens.
    Completion,
    /// The request as such.
    Request,
    /// Input tokens read from a cache.
    CacheRead,
    /// Input tokens written to a cache for five minutes.
    CacheWrite,
    /// Input tokens written to a cache for an hour.
    CacheWriteHour,
    /// Reasoning tokens, where they differ from output.
    Reasoning,
    /// Web searches of the provider's own engine.
    WebSearch,
    /// Images in the prompt: each in rows of 2025, each of their tokens in those of 2026; which one, the size tells.
    Image,
    /// Tokens of images in the prompt.
    ImageToken,
    /// Tokens of images in the answer.
    ImageOutput,
    /// Tokens of audio in the prompt.
    Audio,
    /// Tokens of audio in the answer.
    AudioOutput,
    /// Tokens of audio read from a cache.
    AudioCache,
}

impl PriceKey {
    /// Each of them, in the order declared, the common ones first.
    pub const ALL: [PriceKey; 14] = [
        PriceKey::Prompt,
        PriceKey::Completion,
        PriceKey::Request,
        PriceKey::CacheRead,
        PriceKey::CacheWrite,
        PriceKey::CacheWriteHour,
        PriceKey::Reasoning,
        PriceKey::WebSearch,
        PriceKey::Image,
        PriceKey::ImageToken,
        PriceKey::ImageOutput,
        PriceKey::Audio,
        PriceKey::AudioOutput,
        PriceKey::AudioCache,
    ];

    /// OpenRouter's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            PriceKey::Prompt => "prompt",
            PriceKey::Completion => "completion",
            PriceKey::Request => "request",
            PriceKey::CacheRead => "input_cache_read",
            PriceKey::CacheWrite => "input_cache_write",
            PriceKey::CacheWriteHour => "input_cache_write_1h",
            PriceKey::Reasoning => "internal_reasoning",
            PriceKey::WebSearch => "web_search",
            PriceKey::Image => "image",
            PriceKey::ImageToken => "image_token",
            PriceKey::ImageOutput => "image_output",
            PriceKey::Audio => "audio",
            PriceKey::AudioOutput => "audio_output",
            PriceKey::AudioCache => "input_audio_cache",
        }
    }

    /// What follows the price in a sentence: `$2.00 in`.
    pub const fn words(self) -> &'static str {
        match self {
            PriceKey::Prompt => "in",
            PriceKey::Completion => "out",
            PriceKey::Request => "a request",
            PriceKey::CacheRead => "from a cache",
            PriceKey::CacheWrite => "into a cache",
            PriceKey::CacheWriteHour => "into a cache for an hour",
            PriceKey::Reasoning => "of reasoning",
            PriceKey::WebSearch => "a search",
            PriceKey::Image => "of images",
            PriceKey::ImageToken => "of image tokens",
            PriceKey::ImageOutput => "of images out",
            PriceKey::Audio => "of audio",
            PriceKey::AudioOutput => "of audio out",
            PriceKey::AudioCache => "of audio from a cache",
        }
    }

    /// Whether this price, of a row with that price for its prompt, is one of tokens, and so told by the million.
    pub fn is_by_token(self, rate: Rate, prompt: Rate) -> bool {
        match self {
            PriceKey::Request | PriceKey::WebSearch => false,
            PriceKey::Image => rate <= prompt.saturating_mul(PER_IMAGE_FROM),
            _ => true,
        }
    }

    /// The key of an OpenRouter name.
    pub fn named(name: &str) -> Option<PriceKey> {
        PriceKey::ALL.into_iter().find(|key| key.name() == name)
    }
}
