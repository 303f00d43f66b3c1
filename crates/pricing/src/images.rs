//! How many tokens an image is: the makers' rules, as a table, dated.
//!
//! The rules are upper bounds: where a rule depends on a size that is not known, or may scale the image up first, its
//! largest result counts. Models that no rule names are taken as the most generous of those known. Nobody documents that OpenRouter holds to
//! these figures, so a bound that rests on them is *published*.

use crate::media::{Detail, Image};
use crate::model::{Family, Model};

/// How one group of models counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageRule<C = ImageCount> {
    /// Ids of models begin so; the first rule that fits counts.
    pub models: &'static [&'static str],
    /// The rule.
    pub count: C,
    /// Who says so.
    pub source: &'static str,
    /// When that was read or known.
    pub read: &'static str,
}

/// A maker's way of counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageCount {
    /// A base and so much for each tile of 512 pixels, the image fitted into 2,048 and its short side into 768; `low`
    /// is the base alone.
    Tiles {
        /// Tokens of any image.
        base: u64,
        /// Tokens of a tile.
        tile: u64,
    },
    /// Patches of 32 pixels, at most so many, times a factor in hundredths.
    Patches {
        /// Most patches at `high`.
        most: u64,
        /// Most patches at `original`.
        original: u64,
        /// Hundredths of a token a patch.
        percent: u64,
    },
    /// Tiles or patches, whichever is more: of models between the two, it is not said which. `auto` and nothing mean
    /// `original` (OpenAI's guide to GPT-5.5).
    Either {
        /// Tokens of any image in tiles.
        base: u64,
        /// Tokens of a tile.
        tile: u64,
        /// Most patches.
        most: u64,
        /// Hundredths of a token a patch.
        percent: u64,
    },
    /// Patches of 28 pixels, or a token for 750 square pixels, whichever is more; at most so many.
    Area {
        /// Most tokens.
        most: u64,
    },
    /// 258 tokens for each crop, whose side is two thirds of the short side, between 256 and 768, the image fitted
    /// into 3,072; 258 for small ones.
    Crops,
    /// So many, whatever its size.
    Flat {
        /// Tokens.
        tokens: u64,
    },
}

const OPENAI: &str = "OpenAI, guide to images and vision";
const READ: &str = "2026-10";

/// Every rule; the first whose prefix fits the model's id counts.
pub const IMAGE_RULES: [ImageRule; 17] = [
    rule(&["openai/gpt-4o-mini"], ImageCount::Tiles { base: 2_833, tile: 5_667 }, OPENAI),
    rule(&["openai/gpt-4.1-mini", "openai/gpt-5-mini"], patches(1_536, 162), OPENAI),
    rule(&["openai/gpt-4.1-nano", "openai/gpt-5-nano"], patches(1_536, 246), OPENAI),
    rule(&["openai/o4-mini"], patches(1_536, 172), OPENAI),
    rule(
        &["openai/gpt-4o", "openai/gpt-4.1", "openai/gpt-4-turbo", "openai/chatgpt-4o"],
        ImageCount::Tiles { base: 85, tile: 170 },
        OPENAI,
    ),
    rule(&["openai/o1", "openai/o3"], ImageCount::Tiles { base: 75, tile: 150 }, OPENAI),
    rule(
        &["openai/gpt-5", "openai/"],
        ImageCount::Either { base: 85, tile: 170, most: 10_000, percent: 246 },
        "OpenAI, guide to images and vision; GPT-5 has tiles of 140, later models patches: the largest of them",
    ),
    rule(
        &[
            "anthropic/claude-3",
            "anthropic/claude-opus-4.1",
            "anthropic/claude-opus-4.5",
            "anthropic/claude-sonnet-4.5",
            "anthropic/claude-haiku-4.5",
        ],
        ImageCount::Area { most: 1_640 },
        "Anthropic, vision: 1,568 pixels a side, about 1,600 tokens",
    ),
    rule(
        &["anthropic/", "~anthropic/"],
        ImageCount::Area { most: 4_900 },
        "Anthropic, vision: 2,576 pixels a side, 4,784 tokens from Opus 4.7 on",
    ),
    rule(
        &["google/gemini-3", "~google/"],
        ImageCount::Flat { tokens: 2_240 },
        "Google, media resolution of Gemini 3: 1,120 an image, 2,240 at ultra high",
    ),
    rule(&["google/gemini-"], ImageCount::Crops, "Google, image understanding: 258 tokens a tile"),
    rule(
        &["meta-llama/llama-3"],
        ImageCount::Flat { tokens: 6_404 },
        "Meta, Llama 3.2 Vision: four tiles of 1,601",
    ),
    rule(
        &["meta-llama/llama-4"],
        ImageCount::Flat { tokens: 2_448 },
        "Meta, Llama 4: sixteen tiles of 144 and one of the whole",
    ),
    rule(
        &["mistralai/"],
        ImageCount::Flat { tokens: 4_224 },
        "Mistral, vision: patches of 16 pixels up to 1,024 a side, a token for each row's end",
    ),
    rule(&["x-ai/"], ImageCount::Flat { tokens: 1_792 }, "xAI, image understanding: at most 1,792"),
    rule(
        &["qwen/"],
        ImageCount::Flat { tokens: 16_386 },
        "Alibaba, Qwen-VL: at most 16,384 tokens and two marks",
    ),
    rule(&[""], ImageCount::Flat { tokens: 16_386 }, "the largest rule known"),
];

const fn rule(models: &'static [&'static str], count: ImageCount, source: &'static str) -> ImageRule {
    ImageRule { models, count, source, read: READ }
}

const fn patches(most: u64, percent: u64) -> ImageCount {
    ImageCount::Patches { most, original: most, percent }
}

/// Whether a model bills more tokens for an image than the image takes of its context: GPT-4o mini, which reads tiles as
/// GPT-4o does and bills them at 33 times as many tokens of a cheaper kind.
pub(crate) fn bills_beyond_context(model: &Model) -> bool {
    model.id.starts_with("openai/gpt-4o-mini")
}

/// The most tokens that one image is for a model.
pub fn image_tokens(model: &Model, image: &Image) -> u64 {
    let fits = |rule: &&ImageRule| rule.models.iter().any(|prefix| model.id.starts_with(prefix));
    match IMAGE_RULES.iter().find(fits) {
        Some(rule) if model.family != Family::Other || rule.models != [""] => rule.count.of(image),
        _ => 16_386,
    }
}

impl ImageCount {
    pub(crate) fn of(self, image: &Image) -> u64 {
        match self {
            ImageCount::Tiles { base, .. } if image.detail == Detail::Low => base,
            ImageCount::Tiles { base, tile } => base + tile * image.size.map_or(8, tiles),
            ImageCount::Patches { most, original, percent } => {
                let most = if image.detail == Detail::Original { original } else { most };
                let patches = image.size.map_or(most, |size| grid(size, 32).min(most));
                (patches * percent).div_ceil(100)
            }
            ImageCount::Either { base, tile, most, percent } => {
                let patches = ImageCount::Patches { most, original: most, percent }.of(image);
                patches.max(ImageCount::Tiles { base, tile }.of(image))
            }
            ImageCount::Area { most } => image.size.map_or(most, |size| area(size).min(most)),
            ImageCount::Crops => 258 * image.size.map_or(24, crops),
            ImageCount::Flat { tokens } => tokens,
        }
    }
}

/// Patches of so many pixels a side.
fn grid((width, height): (u32, u32), side: u64) -> u64 {
    u64::from(width).div_ceil(side) * u64::from(height).div_ceil(side)
}

fn area((width, height): (u32, u32)) -> u64 {
    let pixels = u64::from(width) * u64::from(height);
    // Both sides may be padded to whole patches first.
    grid((width, height), 28).max(pixels.div_ceil(750)) + 16
}

/// The image's short side becomes 768 pixels, whether it was more or less, its long side 2,048 at most.
fn tiles((width, height): (u32, u32)) -> u64 {
    let (short, long) = (u64::from(width.min(height)).max(1), u64::from(width.max(height)));
    let scaled = (long * 768).div_ceil(short).min(2_048);
    2 * scaled.div_ceil(512)
}

fn crops(size: (u32, u32)) -> u64 {
    let (mut width, mut height) = (u64::from(size.0), u64::from(size.1));
    let long = width.max(height);
    if long <= 384 {
        return 1;
    }
    if long > 3_072 {
        (width, height) = ((width * 3_072).div_ceil(long), (height * 3_072).div_ceil(long));
    }
    let side = (width.min(height) * 2 / 3).clamp(256, 768);
    width.div_ceil(side).max(1) * height.div_ceil(side).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EITHER: ImageCount = ImageCount::Either { base: 85, tile: 170, most: 10_000, percent: 246 };

    #[test]
    fn by_the_makers_own_examples() {
        let of = |count: ImageCount, detail, size| count.of(&Image { detail, size, count: 1 });
        let tiles = ImageCount::Tiles { base: 85, tile: 170 };
        for (count, detail, size, expect) in [
            (tiles, Detail::High, Some((1_024, 1_024)), 765),
            (tiles, Detail::High, Some((2_048, 4_096)), 1_105),
            (tiles, Detail::Low, Some((4_096, 8_192)), 85),
            (tiles, Detail::High, None, 1_445),
            // Thin images are few patches and many tiles.
            (EITHER, Detail::High, Some((17, 1_198)), 85 + 8 * 170),
            (EITHER, Detail::High, Some((3_000, 3_000)), 8_836 * 246 / 100 + 1),
            (patches(1_536, 100), Detail::High, Some((1_024, 1_024)), 1_024),
            (patches(1_536, 162), Detail::High, None, 2_489),
            (ImageCount::Area { most: 1_640 }, Detail::High, Some((1_000, 1_000)), 1_350),
            (ImageCount::Area { most: 1_640 }, Detail::High, Some((8_000, 8_000)), 1_640),
            (ImageCount::Crops, Detail::High, Some((384, 384)), 258),
            (ImageCount::Crops, Detail::High, Some((960, 540)), 258 * 6),
            (ImageCount::Crops, Detail::High, Some((60_000, 10)), 258 * 12),
        ] {
            assert_eq!(of(count, detail, size), expect, "{count:?} {detail:?} {size:?}");
        }
    }

    #[test]
    fn an_unknown_size_is_the_largest_and_no_size_overflows() {
        for rule in IMAGE_RULES {
            for detail in [Detail::Low, Detail::High, Detail::Original] {
                let of = |size| rule.count.of(&Image { detail, size, count: 1 });
                let most = of(None);
                for side in [1, 300, 384, 385, 700, 1_568, 3_072, 10_000, u32::MAX] {
                    for other in [1, 257, 768, 2_000, u32::MAX] {
                        assert!(of(Some((side, other))) <= most, "{rule:?} {side} {other}");
                    }
                }
            }
        }
    }
}
