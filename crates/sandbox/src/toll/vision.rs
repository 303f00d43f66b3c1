//! How many tokens an image has, by the rules that providers publish (read 2026-11-24).
//!
//! OpenAI's guide to images: tiles of 512 pixels, or patches of 32. Anthropic's guide to vision: a token for 750 pixels,
//! or for a patch of 28. Google's guide to tokens: 258 for each crop, and a media resolution from Gemini 3 on. Others
//! publish less; theirs are plausible.

use crate::asks::{Detail, Picture};

/// What an image comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ImageTokens {
    /// As billed.
    pub(crate) billed: u64,
    /// As they take up context: GPT-4o mini bills more than it reads.
    pub(crate) counted: u64,
}

/// An image that fills every frame.
const LARGEST: (u64, u64) = (20_000, 20_000);
/// The images whose sides are the worst for some rule.
const AWKWARD: [(u64, u64); 5] = [LARGEST, (3_072, 384), (2_048, 768), (8_000, 28), (28, 8_000)];

/// The tokens of an image for a model; the most that its size may come to.
pub(crate) fn tokens(model: &str, picture: Picture) -> ImageTokens {
    match picture.size {
        Some(size) => sized(model, size, picture.detail),
        None => AWKWARD
            .iter()
            .map(|&size| sized(model, size, picture.detail))
            .max_by_key(|tokens| tokens.billed)
            .unwrap_or_default(),
    }
}

fn sized(model: &str, size: (u64, u64), detail: Detail) -> ImageTokens {
    let (author, slug) = model.trim_start_matches('~').split_once('/').unwrap_or(("", model));
    let plain = |tokens: u64| ImageTokens { billed: tokens, counted: tokens };
    match author {
        "openai" => openai(slug, size, detail),
        "anthropic" => plain(claude(slug, size)),
        "google" if slug.contains("gemini") => plain(gemini(slug, size)),
        // Gemma reads an image as 256 tokens, in up to a handful of crops.
        "google" => plain(256 * 5),
        "x-ai" => plain(256 * (tiles(fit(size, 2_688), 448).min(6) + 1)),
        "meta-llama" => plain(145 * (tiles(fit(size, 1_344), 336).min(16) + 1)),
        "qwen" => plain(patches(size, 28).min(16_384) + 2),
        "mistralai" => plain(patches(fit(size, 1_540), 28) + 64),
        _ => plain(patches(size, 28).min(4_096) + 2),
    }
}

fn openai(slug: &str, size: (u64, u64), detail: Detail) -> ImageTokens {
    let plain = |tokens: u64| ImageTokens { billed: tokens, counted: tokens };
    let percent = if slug.contains("nano") {
        246
    } else if slug.starts_with("o4-mini") {
        172
    } else if slug.contains("mini") {
        162
    } else {
        100
    };
    let version = slug.strip_prefix("gpt-").and_then(|rest| rest.get(..3)).unwrap_or_default();
    if slug.starts_with("gpt-4o-mini") {
        let tiles = openai_tiles(size, detail);
        return ImageTokens { billed: 2_833 + 5_667 * tiles, counted: 85 + 170 * tiles };
    }
    let newer = version >= "5.4"
        && !slug.starts_with("gpt-audio")
        && version.starts_with(|c: char| c.is_ascii_digit());
    if percent > 100 {
        plain((openai_patches(size, detail, 1_536) * percent).div_ceil(100))
    } else if newer {
        // From GPT-5.5 on, `auto` and nothing mean `original`.
        let whole = detail == Detail::Original || detail == Detail::Auto && version >= "5.5";
        let most = if whole { 10_000 } else { 2_500 };
        plain(openai_patches(size, detail, most))
    } else {
        let (base, tile) = match slug {
            slug if slug.starts_with("gpt-5") => (70, 140),
            slug if slug.starts_with('o') => (75, 150),
            slug if slug.starts_with("computer-use") => (65, 129),
            _ => (85, 170),
        };
        plain(base + tile * openai_tiles(size, detail))
    }
}

/// Within 2048 pixels, the shorter side then brought to 768.
fn openai_tiles(size: (u64, u64), detail: Detail) -> u64 {
    if detail == Detail::Low {
        return 0;
    }
    let (width, height) = fit(size, 2_048);
    let (short, long) = (width.min(height).max(1), width.max(height));
    // Small ones are enlarged, but never beyond the square.
    let long = if short * 2_048 >= 768 * long {
        (long * 768).div_ceil(short)
    } else {
        2_048.min(long * 768 / short)
    };
    tiles((768, long.min(2_048)), 512)
}

fn openai_patches(size: (u64, u64), detail: Detail, most: u64) -> u64 {
    let most = if detail == Detail::Low { most.min(256) } else { most };
    patches(size, 32).min(most)
}

/// Claude: the newer ones see more.
fn claude(slug: &str, size: (u64, u64)) -> u64 {
    let version = |stem: &str| slug.split(stem).nth(1).and_then(|rest| rest.get(..3)).unwrap_or_default();
    let newer = ["opus-", "sonnet-", "haiku-"].iter().any(|stem| version(stem) >= "4.7");
    let (side, most) = if newer { (2_576, 4_784) } else { (1_568, 1_600) };
    let (width, height) = fit(size, side);
    (width * height).div_ceil(750).max(patches((width, height), 28)).min(most)
}

/// Gemini: crops of two thirds of the shorter side, 256 to 768 pixels; from 3 on a resolution.
fn gemini(slug: &str, size: (u64, u64)) -> u64 {
    if slug.starts_with("gemini-3") {
        return 1_120;
    }
    let (width, height) = fit(size, 3_072);
    if width <= 384 && height <= 384 {
        return 258;
    }
    let unit = (width.min(height) * 2 / 3).clamp(256, 768);
    258 * tiles((width, height), unit)
}

/// Made smaller until its longer side fits.
fn fit((width, height): (u64, u64), side: u64) -> (u64, u64) {
    let long = width.max(height);
    if long <= side {
        return (width, height);
    }
    ((width * side).div_ceil(long).max(1), (height * side).div_ceil(long).max(1))
}

fn tiles((width, height): (u64, u64), side: u64) -> u64 {
    width.div_ceil(side) * height.div_ceil(side)
}

fn patches(size: (u64, u64), side: u64) -> u64 {
    tiles(size, side)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(model: &str, size: (u64, u64), detail: Detail, billed: u64) {
        let picture = Picture { size: Some(size), detail };
        assert_eq!(tokens(model, picture).billed, billed, "{model} {size:?} {detail:?}");
    }

    #[test]
    fn the_guides_own_examples() {
        // OpenAI: 1024 x 1024 is four tiles, 2048 x 4096 six; patches of 1024 x 1024 are 1024.
        check("openai/gpt-4o", (1_024, 1_024), Detail::High, 765);
        check("openai/gpt-4o", (2_048, 4_096), Detail::High, 1_105);
        check("openai/gpt-4o", (4_096, 8_192), Detail::Low, 85);
        check("openai/gpt-4o-mini", (1_024, 1_024), Detail::Auto, 25_501);
        check("openai/o3", (1_024, 1_024), Detail::Auto, 675);
        check("openai/gpt-5", (1_024, 1_024), Detail::Auto, 630);
        check("openai/gpt-4.1-mini", (1_024, 1_024), Detail::Auto, 1_659);
        check("openai/gpt-4.1-nano", (1_024, 1_024), Detail::Auto, 2_520);
        check("openai/gpt-5.5", (20_000, 20_000), Detail::High, 2_500);
        check("openai/gpt-6.1-sol", (20_000, 20_000), Detail::Original, 10_000);
        // Anthropic: 1092 x 1092 is about 1,590 tokens.
        check("anthropic/claude-sonnet-4.5", (1_092, 1_092), Detail::Auto, 1_590);
        check("anthropic/claude-opus-4.8", (4_000, 4_000), Detail::Auto, 4_784);
        // Google: 960 x 540 is six crops.
        check("google/gemini-2.5-flash", (960, 540), Detail::Auto, 1_548);
        check("google/gemini-2.5-flash", (384, 384), Detail::Auto, 258);
        check("google/gemini-3.1-pro", (960, 540), Detail::Auto, 1_120);
    }

    #[test]
    fn what_nobody_sees_is_no_less_than_any_size() {
        let models = [
            "openai/gpt-4o",
            "openai/gpt-5-mini",
            "openai/gpt-6.1-sol",
            "anthropic/claude-3-haiku",
            "google/gemini-2.5-pro",
            "x-ai/grok-4.3",
            "qwen/qwen3-vl-235b",
            "mistralai/mistral-large",
            "z-ai/glm-4.6",
        ];
        for model in models {
            let unknown = tokens(model, Picture { size: None, detail: Detail::Original }).billed;
            for width in (1..6_000).step_by(97) {
                for height in (1..6_000).step_by(101) {
                    let known =
                        tokens(model, Picture { size: Some((width, height)), detail: Detail::High }).billed;
                    assert!(known <= unknown, "{model} {width} x {height}: {known} > {unknown}");
                }
            }
        }
    }
}
