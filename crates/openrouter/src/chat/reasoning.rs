//! `reasoning` and `reasoning_effort`: tokens that are spent before the answer begins, and within the cap.
//!
//! An effort stands for a share of the cap: max(min(cap x share, 128,000), 1,024) tokens (CONTRACT 9).

use pricing::Effort;

use super::BodyError;
use super::fields::{is_null, members, text, whole, wrong};

/// OpenRouter gives reasoning at least and at most so many tokens when an effort is set.
const EFFORT_MIN: u64 = 1_024;
const EFFORT_MAX: u64 = 128_000;

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reasoning {
    /// `max_tokens`.
    tokens: u64,
    /// The share of the cap, percent; zero when no effort is asked for.
    percent: u64,
    /// `effort`, as a word.
    word: Option<Effort>,
    enabled: Option<bool>,
}

impl Reasoning {
    /// `reasoning`.
    pub(super) fn object(&mut self, raw: &str) -> Result<(), BodyError> {
        if is_null(raw) {
            return Ok(());
        }
        members(raw, &wrong("reasoning", "an object"), |key, value| {
            match key.as_ref() {
                "max_tokens" => {
                    let must = wrong("reasoning.max_tokens", "a whole number of tokens");
                    let tokens = whole(value, 0..=u64::from(u32::MAX), must)?.unwrap_or(0);
                    self.tokens = self.tokens.max(tokens);
                }
                "effort" => self.effort(value, "reasoning.effort")?,
                // Without an effort it is a medium one.
                "enabled" if value == "true" => {
                    self.percent = self.percent.max(50);
                    self.enabled = Some(true);
                }
                "enabled" if value == "false" => self.enabled = Some(false),
                _ => {}
            }
            Ok(())
        })
    }

    /// `effort`, or `reasoning_effort`.
    pub(super) fn effort(&mut self, raw: &str, field: &'static str) -> Result<(), BodyError> {
        let word = text(raw, field)?;
        let percent = match word.as_deref() {
            None | Some("none") => 0,
            Some("minimal") => 10,
            Some("low") => 20,
            Some("medium") => 50,
            Some("high") => 80,
            // `xhigh`, `max`, and what we do not know.
            Some(_) => 95,
        };
        self.word = word.map(|word| Effort::named(&word)).or(self.word);
        self.percent = self.percent.max(percent);
        Ok(())
    }

    /// What is likely meant, `None` when nothing is said: a number says more than a word, and a word more than
    /// `enabled: true`.
    pub(super) fn asked(self) -> Option<Effort> {
        match self.enabled {
            Some(false) => Some(Effort::Off),
            _ if self.tokens > 0 => Some(Effort::Tokens(self.tokens)),
            enabled => self.word.or(enabled.map(|_| Effort::Medium)),
        }
    }

    /// Tokens of it under this cap.
    pub(super) fn budget(self, cap: Option<u64>) -> u64 {
        if self.percent == 0 {
            return self.tokens;
        }
        let share = cap.unwrap_or(0).saturating_mul(self.percent).div_ceil(100);
        self.tokens.max(share.clamp(EFFORT_MIN, EFFORT_MAX))
    }
}
