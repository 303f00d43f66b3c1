//! What people type about a key: limits and windows.

use clap::ValueEnum;
use money::Nano;
use openrouter::account::Reset;

use crate::amount;

/// `--limit`: an amount, or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LimitFlag(pub(crate) Option<Nano>);

impl std::str::FromStr for LimitFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(LimitFlag(None)),
            text => amount::limit(text).map(|limit| LimitFlag(Some(limit))),
        }
    }
}

/// `--reset`. Windows begin at midnight UTC, weeks on Monday, months on the first; never is a limit for a lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResetFlag {
    Daily,
    Weekly,
    Monthly,
    Never,
}

impl ResetFlag {
    /// As OpenRouter has it.
    pub(crate) fn reset(self) -> Option<Reset> {
        match self {
            ResetFlag::Daily => Some(Reset::Daily),
            ResetFlag::Weekly => Some(Reset::Weekly),
            ResetFlag::Monthly => Some(Reset::Monthly),
            ResetFlag::Never => None,
        }
    }
}

/// A limit with its window: `$50.00 per month`, `$5.00 for a lifetime`, `no limit`.
pub(crate) fn limit_words(limit: Option<Nano>, reset: Option<&Reset>) -> String {
    match limit {
        Some(limit) => format!("{} {}", limit.for_people(), window_words(reset)),
        None => "no limit".to_owned(),
    }
}

/// `per day`, `for a lifetime`.
pub(crate) fn window_words(reset: Option<&Reset>) -> String {
    match reset {
        Some(Reset::Daily) => "per day".to_owned(),
        Some(Reset::Weekly) => "per week".to_owned(),
        Some(Reset::Monthly) => "per month".to_owned(),
        Some(Reset::Other(word)) => format!("per window '{}'", crate::table::printable(word)),
        None => "for a lifetime".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert_eq!("none".parse(), Ok(LimitFlag(None)));
        assert_eq!("$2.50".parse(), Ok(LimitFlag(Some(Nano::from_cents(250)))));
        assert!("0".parse::<LimitFlag>().is_err());
        assert_eq!(limit_words(Some(Nano::from_cents(5_000)), Some(&Reset::Monthly)), "$50.00 per month");
        assert_eq!(limit_words(Some(Nano::from_cents(5_000)), None), "$50.00 for a lifetime");
        assert_eq!(limit_words(None, Some(&Reset::Daily)), "no limit");
    }
}
