//! [`Purse`]: the affordability pre-check (CONTRACT 10.2): prompt and output cap against what is left.

use crate::account::key::Key;
use crate::account::tally::Tallies;
use crate::account::window::{Interval, limit_name};
use crate::clock::Moment;
use crate::error::Failure;
use crate::exact::Exact;

/// What a request can be paid from: the smaller of the account's balance and what the key's limit leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Purse {
    available: Exact,
    source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Credits,
    Key(Option<Interval>),
}

/// What a request may cost at one endpoint: its token prices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) prompt: u64,
    /// The output cap; the endpoint's own when the request has none.
    pub(crate) output: u64,
    pub(crate) prompt_price: Exact,
    pub(crate) output_price: Exact,
}

/// Why it cannot be paid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Short {
    /// Not even the prompt: tokens it has, tokens that could be paid.
    Prompt { has: u64, affords: u64 },
    /// Tokens asked for, tokens that could be paid.
    Output { asked: u64, affords: u64 },
}

impl Ask {
    /// What is set aside in flight.
    pub(crate) fn estimate(&self) -> Exact {
        self.prompt_price.times(self.prompt).plus(self.output_price.times(self.output))
    }
}

impl Purse {
    pub(crate) fn of(balance: Exact, key: &Key, tallies: &mut Tallies, now: Moment) -> Purse {
        let own = key.limit.map(|limit| limit.above(key.spent(tallies, now)));
        match own.filter(|left| *left < balance) {
            Some(available) => Purse { available, source: Source::Key(key.reset) },
            None => Purse { available: balance, source: Source::Credits },
        }
    }

    /// Whether it pays for all that is asked.
    pub(crate) fn affords(&self, ask: &Ask) -> Result<(), Short> {
        let prompt = ask.prompt_price.times(ask.prompt);
        if prompt > self.available {
            let affords = self.available.buys(ask.prompt_price).unwrap_or(ask.prompt);
            return Err(Short::Prompt { has: ask.prompt, affords });
        }
        match self.available.minus(prompt).buys(ask.output_price) {
            Some(affords) if affords < ask.output => Err(Short::Output { asked: ask.output, affords }),
            _ => Ok(()),
        }
    }

    /// The 402, with what the other endpoints said before.
    pub(crate) fn refusal(&self, shorts: &[Short]) -> Failure {
        let mut shorts: Vec<&Short> = shorts.iter().collect();
        shorts.sort();
        shorts.dedup();
        let (last, before) = shorts.split_last().expect("an endpoint was too dear");
        let before: Vec<String> = before.iter().map(|short| self.message(short)).collect();
        let source = match self.source {
            Source::Credits => "openrouter_credits",
            Source::Key(_) => "openrouter_key_limit",
        };
        Failure::unaffordable(&self.message(last), source, &before)
    }

    fn message(&self, short: &Short) -> String {
        let told = match short {
            Short::Prompt { has, affords } => format!("Prompt tokens limit exceeded: {has} > {affords}."),
            Short::Output { asked, affords } => format!(
                "This request requires more credits, or fewer max_tokens. You requested up to {asked} tokens, but can \
                 only afford {affords}."
            ),
        };
        match self.source {
            Source::Credits => {
                format!(
                    "{told} To increase, visit https://openrouter.ai/settings/credits and add more credits"
                )
            }
            Source::Key(None) => format!(
                "{told} To increase, visit https://openrouter.ai/settings/keys and create a key with a higher total limit"
            ),
            Source::Key(reset) => format!(
                "{told} To increase, visit https://openrouter.ai/settings/keys and adjust the key's {}",
                limit_name(reset)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_the_token() {
        let usd = |text: &str| Exact::parse(text).expect(text);
        let purse = |text: &str| Purse { available: usd(text), source: Source::Credits };
        let ask = Ask { prompt: 10, output: 100, prompt_price: usd("0.001"), output_price: usd("0.01") };
        assert_eq!(ask.estimate(), usd("1.01"));
        assert_eq!(purse("1.01").affords(&ask), Ok(()));
        assert_eq!(purse("1.009999999").affords(&ask), Err(Short::Output { asked: 100, affords: 99 }));
        assert_eq!(purse("0.01").affords(&ask), Err(Short::Output { asked: 100, affords: 0 }));
        assert_eq!(purse("0.0099").affords(&ask), Err(Short::Prompt { has: 10, affords: 9 }));
        let free = Ask { prompt_price: Exact::ZERO, output_price: Exact::ZERO, ..ask };
        assert_eq!(purse("0").affords(&free), Ok(()));
    }
}
