//! [`Bound`]: what OpenRouter is permitted to bill, and by what.

use money::{Nano, Rate};

use crate::bound::class::{Class, Reason, Reasons};
use crate::bound::lines::{Line, Lines};
use crate::distrust::Growth;
use crate::explain::{Explanation, Term};
use crate::run::Pins;

/// Bytes of `, "max_completion_tokens": 1234567`, and some to spare.
const CAP_WORDS: u64 = 40;

/// The `provider.max_price` a bound rests on: base prices, USD per unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaxPrice {
    /// Per input token.
    pub prompt: Rate,
    /// Per output token.
    pub completion: Rate,
    /// Per request; only when some row charges one.
    pub request: Option<Rate>,
    /// Per image; only for requests that hold images, where some row lists a price for them.
    pub image: Option<Rate>,
    /// Per audio token; only for requests that hold audio, where some row lists a price for it.
    pub audio: Option<Rate>,
}

/// The most a request can be billed once its permission is shrunk to this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The first model asked for, by the id of its row.
    pub model: String,
    /// The version of the price book.
    pub book_version: u64,
    /// The most prompt tokens of its first turn, media included.
    pub input_tokens: u64,
    /// Everything but the answer at its dearest: prompt, media, fees, searches, allowances.
    pub input: Nano,
    /// The dearest price of one token of output cap, all choices together.
    pub output_rate: Rate,
    /// What an endpoint that may ignore the cap can bill for its output whatever the cap; zero when none can.
    pub uncapped_output: Nano,
    /// The cap the bound is for: what was asked or the default, within the limits of the model.
    pub output_cap: u64,
    /// What the caller asked for.
    pub asked_cap: Option<u64>,
    /// Reasoning tokens the caller asked for; a cap below them leaves no answer.
    pub reasoning_budget: u64,
    /// The price ceiling to send.
    pub max_price: MaxPrice,
    /// Providers to exclude, by tag.
    pub ignore: Vec<String>,
    /// The only providers that may serve, by tag; any when empty. For bounds that rest on what was seen of a provider.
    pub only: Vec<String>,
    /// What else the body must say.
    pub pins: Pins,
    /// How far the bound can be trusted.
    pub class: Class,
    /// Why it is not proven.
    pub reasons: Reasons,
    /// By how much it is enlarged, because a provider that may serve it billed above a bound before.
    pub growth: Growth,
    /// That provider's name.
    pub grown_for: Option<String>,
    /// OpenRouter's fee for provider keys of the account's own; none where nobody has seen any.
    pub(super) byok_fee: Growth,
    /// The tokens that `uncapped_output` is for, and their rate.
    pub(super) uncapped: Option<(u64, Rate)>,
    pub(super) input_rate: Rate,
    pub(super) read_rate: Rate,
    pub(super) lines: Lines,
    /// The dearest price of one token of answer, and how many answers share the cap: choices times turns.
    pub(super) answer_rate: Rate,
    pub(super) answers: u64,
    /// Answers that later turns read again, in caps.
    pub(super) read_again: u64,
    /// What calls of tools in them brought back, in caps.
    pub(super) called_again: u64,
    pub(super) dearest: String,
}

impl Bound {
    /// The prices it rests on are old: it is published at best. What `max_price` filters still holds; limits,
    /// conditional prices and cache prices may have moved.
    pub fn rests_on_stale_prices(&mut self) {
        self.reasons.add(Reason::StalePrices);
        self.class = self.reasons.class();
    }

    /// The bound at [`Bound::output_cap`].
    pub fn usd(&self) -> Nano {
        self.usd_at(self.output_cap)
    }

    /// The bound at another cap.
    pub fn usd_at(&self, cap: u64) -> Nano {
        self.byok_fee.of(self.grown_at(cap))
    }

    /// The same without OpenRouter's fee for own keys.
    fn grown_at(&self, cap: u64) -> Nano {
        self.growth.of(self.plain_at(cap))
    }

    /// The same, were every provider to keep to it.
    fn plain_at(&self, cap: u64) -> Nano {
        self.input.saturating_add(self.output_rate.times(cap).max(self.uncapped_output))
    }

    /// The largest cap, at most [`Bound::output_cap`], whose bound is within `amount`; `None` when not even one
    /// token fits.
    pub fn cap_within(&self, amount: Nano) -> Option<u64> {
        let room = self.growth.within(self.byok_fee.within(amount)).checked_sub(self.input)?;
        if room.is_negative() || self.uncapped_output > room {
            return None;
        }
        let cap =
            self.output_rate.units_within(room).map_or(self.output_cap, |units| units.min(self.output_cap));
        (cap > 0).then_some(cap)
    }

    /// The cap to tell somebody to ask for: [`Bound::cap_within`], with room for writing it into a body that has
    /// none, where a byte counts as a token.
    pub fn cap_to_ask_for(&self, amount: Nano) -> Option<u64> {
        let turns = if self.read_again > 0 { self.answers } else { 1 };
        let words = if self.asked_cap.is_none() { CAP_WORDS.saturating_mul(turns) } else { 0 };
        let words = self.byok_fee.of(self.growth.of(self.input_rate.times(words)));
        self.cap_within(amount.saturating_sub(words))
    }

    /// What the answers cost at a cap: all lines together are rounded up once.
    fn explain_answers(&self, cap: u64, capped: Nano, terms: &mut Vec<Term>) {
        let what = match self.answers {
            1 => "answer, at most",
            _ => "answers, at most",
        };
        let mut answer = Term::tokens(what, self.answer_rate, cap.saturating_mul(self.answers));
        answer.amount = capped;
        for (what, times) in [
            ("answers, read again by later turns", self.read_again),
            ("what their calls bring back, read by later turns", self.called_again),
        ] {
            if times > 0 {
                let again = Term::tokens(what, self.read_rate, cap.saturating_mul(times));
                answer.amount = answer.amount.saturating_sub(again.amount);
                terms.push(again);
            }
        }
        terms.push(answer);
    }

    /// The bound at a cap as a sum, line by line.
    pub fn explain(&self, cap: u64) -> Explanation {
        let mut terms: Vec<Term> = self.lines.iter().map(Line::term).collect();
        let capped = self.output_rate.times(cap);
        match self.uncapped.filter(|_| self.uncapped_output > capped) {
            Some((most, rate)) => terms.push(Term {
                amount: self.uncapped_output,
                ..Term::tokens("answer, where a provider may ignore the cap", rate, most)
            }),
            None => self.explain_answers(cap, capped, &mut terms),
        }
        if !self.growth.is_none() {
            let added: Nano = terms.iter().fold(Nano::ZERO, |sum, term| sum.saturating_add(term.amount));
            terms.push(Term {
                what: "for a provider that billed above its bound before",
                quantity: 1,
                unit: "request",
                rate: String::new(),
                amount: self.grown_at(cap).saturating_sub(added),
            });
        }
        if !self.byok_fee.is_none() {
            terms.push(Term {
                what: "the fee for provider keys of your own (BYOK), 5 %",
                quantity: 1,
                unit: "request",
                rate: String::new(),
                amount: self.usd_at(cap).saturating_sub(self.grown_at(cap)),
            });
        }
        Explanation {
            terms,
            total: self.usd_at(cap),
            class: self.class.word(),
            why: self.reasons.iter().map(Reason::words).collect(),
            dearest: self.dearest.clone(),
            ignored: self.ignore.clone(),
        }
    }
}
