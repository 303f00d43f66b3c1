//! How many tokens an image usually is: the makers' rules as they state them, as a table, dated. For estimates alone: a
//! bound rests on [`image_tokens`](crate::images::image_tokens), the most that any reading of these rules gives.

use crate::images::{ImageRule, image_tokens};
use crate::media::{Detail, Image};
use crate::model::Model;

/// The size of an image of which nothing is known, pixels.
const USUAL_IMAGE: (u32, u32) = (1_024, 1_024);

/// How one group of models usually counts.
pub type UsualImageRule = ImageRule<UsualImageCount>;

/// A maker's way of counting. No image is scaled up but where that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsualImageCount {
    /// A base and so much for each tile of 512 pixels, the image fitted into 2,048 and its short side into 768; `low` is
    /// the base alone.
    Tiles {
        /// Tokens of any image.
        base: u64,
        /// Tokens of a tile.
        tile: u64,
    },
    /// Square patches, at most so many, times a factor in hundredths, and so many marks.
    Patches {
        /// Pixels a side.
        side: u64,
        /// Most patches.
        most: u64,
        /// Hundredths of a token a patch.
        percent: u64,
        /// Tokens around the image.
        marks: u64,
    },
    /// Patches and a token for each of their rows' ends, the image fitted into so many pixels a side.
    Rows {
        /// Pixels a side of a patch.
        side: u64,
        /// Most pixels a side of the image.
        within: u64,
    },
    /// A token for so many square pixels, or each patch of 28 pixels, whichever is more, the image fitted into so many
    /// pixels a side; at least and at most so many.
    Area {
        /// Square pixels for a token.
        pixels: u64,
        /// Most pixels a side.
        within: u64,
        /// Least tokens.
        least: u64,
        /// Most tokens.
        most: u64,
    },
    /// So many for each square tile, at most so many tiles, and one more tile for the whole where `whole` says so.
    Grid {
        /// Pixels a side.
        side: u64,
        /// Most tiles.
        most: u64,
        /// Tokens of a tile.
        tile: u64,
        /// When a tile of the whole is added.
        whole: Whole,
    },
    /// As in the table of the most: 258 for each crop.
    Crops,
    /// So many, whatever its size.
    Flat {
        /// Tokens.
        tokens: u64,
    },
}

/// When a tile of the whole image is added to those of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// Never.
    Never,
    /// When there is more than one part.
    Parted,
    /// Always.
    Always,
}

const OPENAI: &str = "OpenAI, guide to images and vision";
const READ: &str = "2026-10";

/// Every rule; the first whose prefix fits the model's id counts.
pub const USUAL_IMAGE_RULES: [UsualImageRule; 21] = [
    rule(&["openai/gpt-4o-mini"], UsualImageCount::Tiles { base: 2_833, tile: 5_667 }, OPENAI),
    rule(&["openai/gpt-4.1-mini", "openai/gpt-5-mini"], patches(1_536, 162), OPENAI),
    rule(&["openai/gpt-4.1-nano", "openai/gpt-5-nano"], patches(1_536, 246), OPENAI),
    rule(&["openai/o4-mini"], patches(1_536, 172), OPENAI),
    rule(
        &["openai/gpt-4o", "openai/gpt-4.1", "openai/gpt-4-turbo", "openai/chatgpt-4o"],
        UsualImageCount::Tiles { base: 85, tile: 170 },
        OPENAI,
    ),
    rule(&["openai/o1", "openai/o3"], UsualImageCount::Tiles { base: 75, tile: 150 }, OPENAI),
    rule(
        &["openai/gpt-5.1", "openai/gpt-5:", "openai/gpt-5-"],
        UsualImageCount::Tiles { base: 70, tile: 140 },
        OPENAI,
    ),
    rule(
        &["openai/gpt-5.", "openai/gpt-6", "~openai/"],
        patches(10_000, 100),
        "OpenAI, guide to GPT-5.5: patches of 32 pixels, at most 10,000",
    ),
    rule(
        &["openai/"],
        UsualImageCount::Tiles { base: 70, tile: 140 },
        "OpenAI, guide to images and vision: GPT-5, also for those it does not name",
    ),
    rule(
        &[
            "anthropic/claude-3",
            "anthropic/claude-opus-4.1",
            "anthropic/claude-opus-4.5",
            "anthropic/claude-sonnet-4.5",
            "anthropic/claude-haiku-4.5",
        ],
        UsualImageCount::Area { pixels: 750, within: 1_568, least: 1, most: 1_600 },
        "Anthropic, vision",
    ),
    rule(
        &["anthropic/", "~anthropic/"],
        UsualImageCount::Area { pixels: 750, within: 2_576, least: 1, most: 4_784 },
        "Anthropic, vision: from Opus 4.7 on",
    ),
    rule(
        &["google/gemini-3", "~google/"],
        UsualImageCount::Flat { tokens: 1_120 },
        "Google, media resolution of Gemini 3",
    ),
    rule(&["google/gemini-"], UsualImageCount::Crops, "Google, image understanding"),
    rule(
        &["google/gemma-"],
        UsualImageCount::Flat { tokens: 256 },
        "Google, Gemma's vision: 896 pixels a side, typically 256",
    ),
    rule(
        &["meta-llama/llama-3"],
        UsualImageCount::Grid { side: 560, most: 4, tile: 1_601, whole: Whole::Never },
        "Meta, Llama 3.2 Vision",
    ),
    rule(
        &["meta-llama/llama-4"],
        UsualImageCount::Grid { side: 336, most: 16, tile: 144, whole: Whole::Parted },
        "Meta, Llama 4",
    ),
    rule(
        &["mistralai/pixtral"],
        UsualImageCount::Rows { side: 16, within: 1_024 },
        "Mistral, parameters of Pixtral 12B",
    ),
    rule(
        &["mistralai/"],
        UsualImageCount::Rows { side: 28, within: 1_540 },
        "Mistral, mistral-common: patches of 14 pixels, four to a token, from Small 3.1 on",
    ),
    rule(
        &["x-ai/"],
        UsualImageCount::Grid { side: 448, most: 6, tile: 256, whole: Whole::Always },
        "xAI, image understanding",
    ),
    rule(
        &["amazon/nova-2"],
        UsualImageCount::Flat { tokens: 230 },
        "Amazon, Nova 2's multimodal understanding: billed at a flat rate",
    ),
    rule(
        &["amazon/nova-"],
        UsualImageCount::Area { pixels: 650, within: 8_000, least: 800, most: 2_600 },
        "Amazon, Nova's image understanding: some 800 for 900 x 450 to 2,600 for 1,300 x 1,300",
    ),
];

/// Models that no rule names, Qwen-VL and Kimi among them: patches of 14 pixels, four to a token.
pub const USUAL_IMAGE_ELSE: UsualImageRule = rule(
    &["qwen/", ""],
    UsualImageCount::Patches { side: 28, most: 16_384, percent: 100, marks: 2 },
    "Alibaba, Qwen-VL; others do alike",
);

const fn rule(
    models: &'static [&'static str],
    count: UsualImageCount,
    source: &'static str,
) -> UsualImageRule {
    UsualImageRule { models, count, source, read: READ }
}

const fn patches(most: u64, percent: u64) -> UsualImageCount {
    UsualImageCount::Patches { side: 32, most, percent, marks: 0 }
}

/// What an image usually is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UsualImage {
    pub(crate) tokens: u64,
    /// Its size is not known, and would matter.
    pub(crate) guessed: bool,
}

/// Tokens that one image usually is for a model, never more than a bound takes it for.
pub(crate) fn usual_image_tokens(model: &Model, image: &Image) -> UsualImage {
    let fits = |rule: &&UsualImageRule| rule.models.iter().any(|prefix| begins(&model.id, prefix));
    let count = USUAL_IMAGE_RULES.iter().find(fits).unwrap_or(&USUAL_IMAGE_ELSE).count;
    let size = image.size.unwrap_or(USUAL_IMAGE);
    let tokens = count.of(image.detail, size).min(image_tokens(model, image));
    let varies = match count {
        UsualImageCount::Flat { .. } => false,
        UsualImageCount::Tiles { .. } => image.detail != Detail::Low,
        _ => true,
    };
    UsualImage { tokens, guessed: image.size.is_none() && varies }
}

/// A name without a variant is one that ends where the variant would begin.
fn begins(id: &str, prefix: &str) -> bool {
    id.starts_with(prefix) || prefix.strip_suffix(':') == Some(id)
}

impl UsualImageCount {
    fn of(self, detail: Detail, size: (u32, u32)) -> u64 {
        let (width, height) = (u64::from(size.0.max(1)), u64::from(size.1.max(1)));
        match self {
            UsualImageCount::Tiles { base, .. } if detail == Detail::Low => base,
            UsualImageCount::Tiles { base, tile } => {
                let (width, height) = within((width, height), 2_048);
                let short = width.min(height);
                let scaled = |side: u64| if short > 768 { side * 768 / short } else { side };
                base + tile * grid((scaled(width), scaled(height)), 512)
            }
            UsualImageCount::Patches { side, most, percent, marks } => {
                (grid((width, height), side).min(most) * percent).div_ceil(100) + marks
            }
            UsualImageCount::Rows { side, within: most } => {
                let (width, height) = within((width, height), most);
                (width.div_ceil(side) + 1) * height.div_ceil(side)
            }
            UsualImageCount::Area { pixels, within: side, least, most } => {
                let (width, height) = within((width, height), side);
                (width * height).div_ceil(pixels).max(grid((width, height), 28)).clamp(least, most)
            }
            UsualImageCount::Grid { side, most, tile, whole } => {
                let parts = grid((width, height), side).min(most);
                let more = match whole {
                    Whole::Never => 0,
                    Whole::Parted => u64::from(parts > 1),
                    Whole::Always => 1,
                };
                (parts + more) * tile
            }
            UsualImageCount::Crops => {
                crate::images::ImageCount::Crops.of(&Image { detail, size: Some(size), count: 1 })
            }
            UsualImageCount::Flat { tokens } => tokens,
        }
    }
}

/// Tiles or patches of so many pixels a side.
fn grid((width, height): (u64, u64), side: u64) -> u64 {
    width.div_ceil(side) * height.div_ceil(side)
}

/// Scaled down until neither side is longer.
fn within((width, height): (u64, u64), most: u64) -> (u64, u64) {
    let long = width.max(height);
    if long <= most {
        return (width, height);
    }
    let scaled = |side: u64| (side * most / long).max(1);
    (scaled(width), scaled(height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::IMAGE_RULES;

    fn of(id: &str, detail: Detail, size: Option<(u32, u32)>) -> u64 {
        let model = Model { id: id.to_owned(), ..Model::default() };
        usual_image_tokens(&model, &Image { detail, size, count: 1 }).tokens
    }

    #[test]
    fn by_the_makers_own_examples() {
        for (id, size, expect) in [
            ("openai/gpt-5", (4_000, 3_000), 630),
            ("openai/gpt-5", (1_024, 1_024), 630),
            ("openai/gpt-5:floor", (64, 64), 210),
            ("openai/gpt-5-chat", (2_048, 4_096), 70 + 6 * 140),
            ("openai/gpt-5.5", (1_024, 1_024), 1_024),
            ("openai/gpt-5-nano", (1_024, 1_024), 2_520),
            ("openai/gpt-4o", (1_024, 1_024), 765),
            ("openai/gpt-4o", (2_048, 4_096), 1_105),
            ("openai/gpt-4o-mini", (1_024, 1_024), 2_833 + 4 * 5_667),
            ("anthropic/claude-sonnet-4.5", (64, 64), 9),
            ("anthropic/claude-sonnet-4.5", (1_000, 1_000), 1_334),
            ("anthropic/claude-sonnet-4.5", (8_000, 8_000), 1_600),
            ("google/gemini-2.5-pro", (384, 384), 258),
            ("google/gemini-2.5-pro", (960, 540), 258 * 6),
            ("google/gemini-3-pro", (960, 540), 1_120),
            ("google/gemma-3-27b-it", (4_000, 3_000), 256),
            ("meta-llama/llama-3.2-90b-vision-instruct", (561, 560), 3_202),
            ("meta-llama/llama-4-maverick", (336, 336), 144),
            ("meta-llama/llama-4-maverick", (672, 336), 3 * 144),
            ("mistralai/mistral-small-3.2-24b-instruct", (280, 280), 110),
            ("mistralai/pixtral-12b", (1_024, 1_024), 65 * 64),
            ("x-ai/grok-4.3", (10_000, 10_000), 1_792),
            ("x-ai/grok-4.3", (448, 448), 512),
            ("amazon/nova-pro-v1", (900, 450), 800),
            ("amazon/nova-pro-v1", (1_300, 1_300), 2_600),
            ("amazon/nova-2-lite-v1", (1_300, 1_300), 230),
            ("qwen/qwen3.6-plus", (1_024, 1_024), 37 * 37 + 2),
            ("moonshotai/kimi-k2.6", (280, 280), 102),
            ("z/m", (100_000, 100_000), 16_386),
        ] {
            assert_eq!(of(id, Detail::High, Some(size)), expect, "{id} {size:?}");
        }
        assert_eq!(of("openai/gpt-5", Detail::Low, Some((4_000, 3_000))), 70);
    }

    #[test]
    fn a_size_that_is_not_known_is_guessed_where_it_matters() {
        let guessed = |id: &str, detail, size| {
            let model = Model { id: id.to_owned(), ..Model::default() };
            usual_image_tokens(&model, &Image { detail, size, count: 1 }).guessed
        };
        assert!(guessed("openai/gpt-5", Detail::High, None));
        assert!(!guessed("openai/gpt-5", Detail::Low, None));
        assert!(!guessed("openai/gpt-5", Detail::High, Some((1, 1))));
        assert!(!guessed("google/gemma-3-27b-it", Detail::High, None));
        assert_eq!(of("openai/gpt-5", Detail::High, None), 630);
    }

    #[test]
    fn it_is_never_more_than_the_most() {
        let prefixes = IMAGE_RULES.iter().flat_map(|rule| rule.models);
        let prefixes = prefixes.chain(USUAL_IMAGE_RULES.iter().flat_map(|rule| rule.models));
        for prefix in prefixes {
            let model = Model { id: format!("{prefix}x"), ..Model::default() };
            for detail in [Detail::Low, Detail::High, Detail::Original] {
                let sides = [1, 27, 300, 385, 512, 700, 1_568, 3_072, 10_000, u32::MAX];
                for size in sides.into_iter().flat_map(|width| sides.map(|height| Some((width, height)))) {
                    let image = Image { detail, size, count: 1 };
                    let usual = usual_image_tokens(&model, &image).tokens;
                    assert!(
                        (1..=image_tokens(&model, &image)).contains(&usual),
                        "{prefix} {image:?}: {usual}"
                    );
                }
            }
        }
    }
}
