//! [`Effort`] and [`Thinking`]: how much a model thinks before it answers. A guess for estimates, never a bound.

use crate::about::Feature;
use crate::model::Model;
use crate::shape::Shape;

/// The answer, in tokens, that is expected when nobody says: some 375 English words. Thinking comes on top.
pub const USUAL_OUTPUT: u64 = 500;

/// OpenRouter gives thinking at least and at most so many tokens when an effort is set (CONTRACT 9, read 2026-10-02).
const BUDGET_MIN: u64 = 1_024;
const BUDGET_MAX: u64 = 128_000;

/// How thoroughly a request asks its model to think: `reasoning`, `reasoning_effort`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// `effort` of `none`, or `enabled: false`.
    Off,
    /// `minimal`.
    Minimal,
    /// `low`.
    Low,
    /// `medium`, or `enabled: true`.
    Medium,
    /// `high`.
    High,
    /// `xhigh`, `max`, and what we do not know.
    Max,
    /// No word but a number: `reasoning.max_tokens`.
    Tokens(u64),
}

/// What a model does by itself (`reasoning` of its row, CONTRACT 8.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thinking {
    /// It cannot be told not to.
    pub always: bool,
    /// Its effort where a request does not say; `None`: it does not think then.
    pub unasked: Option<Effort>,
}

impl Effort {
    /// The effort of a word; what is not known is taken as the most.
    pub fn named(word: &str) -> Effort {
        match word {
            "none" => Effort::Off,
            "minimal" => Effort::Minimal,
            "low" => Effort::Low,
            "medium" => Effort::Medium,
            "high" => Effort::High,
            _ => Effort::Max,
        }
    }

    /// Tokens that are usual. An effort's budget, a share of the output cap, is no guess: it grows with a cap that nobody
    /// means to use up. Makers publish no figures, so these are ours: round, for a question of a few hundred words, each
    /// step two to four times the one before. What is asked for in tokens is taken to be used.
    pub const fn usual(self) -> u64 {
        match self {
            Effort::Off => 0,
            Effort::Minimal => 128,
            Effort::Low => 512,
            Effort::Medium => 2_048,
            Effort::High => 6_144,
            Effort::Max => 12_288,
            Effort::Tokens(tokens) => tokens,
        }
    }

    /// Its budget's share of the output cap, percent; `None` where the budget is a number already.
    const fn share(self) -> Option<u64> {
        match self {
            Effort::Off => Some(0),
            Effort::Minimal => Some(10),
            Effort::Low => Some(20),
            Effort::Medium => Some(50),
            Effort::High => Some(80),
            Effort::Max => Some(95),
            Effort::Tokens(_) => None,
        }
    }

    /// What is usual, within the budget that the effort has at this output cap.
    fn usual_within(self, cap: u64) -> u64 {
        let budget = match self.share() {
            Some(share) => (u128::from(cap) * u128::from(share)).div_ceil(100),
            None => return self.usual(),
        };
        let budget = u64::try_from(budget).unwrap_or(u64::MAX);
        self.usual().min(budget.clamp(BUDGET_MIN, BUDGET_MAX))
    }
}

impl Thinking {
    /// The effort at which a request is answered; `None`: at none.
    fn effort(self, asked: Option<Effort>) -> Option<Effort> {
        match asked {
            None => self.unasked,
            Some(Effort::Off) if self.always => self.unasked.or(Some(Effort::Medium)),
            asked => asked,
        }
    }
}

/// Tokens of the answer, thinking included, that are likely when nobody says how long it will be: [`USUAL_OUTPUT`] and
/// what is usual at the effort that the request asks for, or that the model has by itself. `cap`: the output cap in
/// effect, which it never exceeds. One answer; `n` of them are as many times that.
pub fn expected_output(shape: &Shape<'_>, model: &Model, cap: u64) -> u64 {
    let able = model.about.features.contains(Feature::Reasoning) || model.thinking.always;
    let effort = if able { model.thinking.effort(shape.effort) } else { None };
    let thinking = effort.map_or(0, |effort| effort.usual_within(cap));
    USUAL_OUTPUT.saturating_add(thinking).min(cap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::about::About;

    fn expected(thinking: Option<Thinking>, asked: Option<Effort>, cap: u64) -> u64 {
        let features = thinking.map(|_| Feature::Reasoning).into_iter().collect();
        let about = About { features, ..About::default() };
        let model = Model { about, thinking: thinking.unwrap_or_default(), ..Model::default() };
        expected_output(&Shape { effort: asked, ..Shape::default() }, &model, cap)
    }

    #[test]
    fn what_is_asked_for_and_what_a_model_does_by_itself() {
        let able = Some(Thinking::default());
        let unasked = |always| Some(Thinking { always, unasked: Some(Effort::Medium) });
        for (thinking, asked, cap, expect) in [
            (None, Some(Effort::High), 16_384, 500),
            (able, None, 16_384, 500),
            (able, Some(Effort::Off), 16_384, 500),
            (able, Some(Effort::Minimal), 16_384, 628),
            (able, Some(Effort::Low), 16_384, 1_012),
            (able, Some(Effort::Medium), 16_384, 2_548),
            (able, Some(Effort::High), 17_408, 6_644),
            (able, Some(Effort::Max), 100_000, 12_788),
            // Within the budget: 80 % of 4,000; no less than 1,024; and never above the cap.
            (able, Some(Effort::High), 4_000, 3_700),
            (able, Some(Effort::Medium), 1_600, 1_524),
            (able, Some(Effort::High), 1_000, 1_000),
            (able, Some(Effort::Tokens(2_000)), 16_384, 2_500),
            (able, Some(Effort::High), u64::MAX, 6_644),
            // A model that thinks unless it is told not to, and one that cannot be told.
            (unasked(false), None, 16_384, 2_548),
            (unasked(false), Some(Effort::Low), 16_384, 1_012),
            (unasked(false), Some(Effort::Off), 16_384, 500),
            (unasked(true), Some(Effort::Off), 16_384, 2_548),
        ] {
            assert_eq!(expected(thinking, asked, cap), expect, "{thinking:?} {asked:?} {cap}");
        }
    }

    #[test]
    fn a_higher_effort_is_never_less() {
        let able = Some(Thinking::default());
        let efforts = [Effort::Off, Effort::Minimal, Effort::Low, Effort::Medium, Effort::High, Effort::Max];
        for cap in [1, 64, 1_000, 1_025, 5_000, 16_384, 1_000_000] {
            let told = efforts.map(|effort| expected(able, Some(effort), cap));
            assert!(told.is_sorted(), "{cap}: {told:?}");
            assert!(told[5] <= cap);
        }
    }
}
