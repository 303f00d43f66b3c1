//! `[alerts]`: what is worth a message, and where messages go.

use std::collections::HashMap;
use std::time::Duration;

use alerts::Rules;
use ledger::Budget;
use money::Nano;
use toml::Spanned;

use super::ConfigError;
use super::channel::{self, ChannelPlan};
use super::place::Source;
use super::raw::{Amount, RawAlerts, RawBudget};
use super::{amount, duration};

/// Percentages of one limit, at most.
const PERCENTS_MAX: usize = 20;
/// Asking OpenRouter more often tells nothing new: its counters lag by seconds to minutes (CONTRACT 2).
const CHECK_EVERY_MIN: Duration = Duration::from_secs(1);

/// What one source says about alerts; a gap is filled by a lower one.
#[derive(Clone, Debug, Default)]
pub struct AlertsLayer {
    /// `credits_below`, USD.
    pub credits_below: Option<Vec<Nano>>,
    /// `key_at`, percent.
    pub key_at: Option<Vec<u8>>,
    /// `runway`.
    pub runway: Option<Duration>,
    /// `check_every`.
    pub check_every: Option<Duration>,
    /// `[[alerts.channel]]`.
    pub channels: Option<Vec<ChannelPlan>>,
}

/// What is worth a message, and where messages go.
#[derive(Clone, Debug)]
pub struct AlertsConfig {
    /// The thresholds.
    pub rules: Rules,
    /// How often OpenRouter is asked how credits and the key stand.
    pub check_every: Duration,
    /// The channels, their secrets not read yet.
    pub channels: Vec<ChannelPlan>,
}

impl AlertsLayer {
    pub(super) fn over(self, low: AlertsLayer) -> AlertsLayer {
        AlertsLayer {
            credits_below: self.credits_below.or(low.credits_below),
            key_at: self.key_at.or(low.key_at),
            runway: self.runway.or(low.runway),
            check_every: self.check_every.or(low.check_every),
            channels: self.channels.or(low.channels),
        }
    }

    pub(super) fn of_file(raw: RawAlerts, source: Source<'_>) -> Result<AlertsLayer, ConfigError> {
        let check_every = |text: &String| match duration::parse(text)? {
            often if often < CHECK_EVERY_MIN => Err(format!("'{text}' is more often than once a second")),
            every => Ok(every),
        };
        Ok(AlertsLayer {
            credits_below: raw.credits_below.map(|amounts| below(amounts, source)).transpose()?,
            key_at: raw.key_at.map(|at| percents(&at, source)).transpose()?,
            runway: read(raw.runway, source, |text| duration::parse_long(text))?,
            check_every: read(raw.check_every, source, check_every)?,
            channels: raw.channel.map(|channels| channel::plans(channels, source)).transpose()?,
        })
    }
}

impl AlertsConfig {
    pub(super) fn of(layer: AlertsLayer, budgets: &[Budget], warn_at: &HashMap<String, Vec<u8>>) -> Self {
        let usual = || vec![50, 80, 100];
        let budget_at = budgets
            .iter()
            .map(|budget| (budget.name.clone(), warn_at.get(&budget.name).cloned().unwrap_or_else(usual)));
        AlertsConfig {
            rules: Rules {
                credits_below: layer.credits_below.unwrap_or_else(|| vec![Nano::from_cents(500)]),
                key_below: Vec::new(),
                key_at: layer.key_at.unwrap_or_else(|| vec![80, 100]),
                runway_ms: milliseconds(layer.runway.unwrap_or(Duration::from_secs(3 * 86_400))),
                budget_at: budget_at.collect(),
            },
            check_every: layer.check_every.unwrap_or(Duration::from_secs(300)),
            channels: layer.channels.unwrap_or_default(),
        }
    }
}

/// `warn_at` of the budgets that have one.
pub(super) fn warn_at(
    budgets: &[RawBudget],
    source: Source<'_>,
) -> Result<HashMap<String, Vec<u8>>, ConfigError> {
    let with = budgets.iter().filter_map(|budget| Some((budget.name.get_ref(), budget.warn_at.as_ref()?)));
    with.map(|(name, at)| Ok((name.clone(), percents(at, source)?))).collect()
}

fn percents(at: &[Spanned<u64>], source: Source<'_>) -> Result<Vec<u8>, ConfigError> {
    if let Some(beyond) = at.get(PERCENTS_MAX) {
        return Err(source.wrong(beyond.span(), format_args!("more than {PERCENTS_MAX} percentages")));
    }
    let percent = |at: &Spanned<u64>| match u8::try_from(*at.get_ref()) {
        Ok(percent @ 1..=100) => Ok(percent),
        _ => Err(source.wrong(at.span(), format_args!("{} is no percentage from 1 to 100", at.get_ref()))),
    };
    at.iter().map(percent).collect()
}

fn below(amounts: Vec<Spanned<Amount>>, source: Source<'_>) -> Result<Vec<Nano>, ConfigError> {
    let read = |text: &Spanned<Amount>| {
        amount::limit(&text.get_ref().0)
            .map_err(|error| source.wrong(text.span(), format_args!("credits_below: {error}")))
    };
    amounts.iter().map(read).collect()
}

fn read<T>(
    raw: Option<Spanned<String>>,
    source: Source<'_>,
    parse: impl FnOnce(&String) -> Result<T, String>,
) -> Result<Option<T>, ConfigError> {
    raw.map(|raw| parse(raw.get_ref()).map_err(|error| source.wrong(raw.span(), error))).transpose()
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Layer};
    use super::*;

    fn of(text: &str) -> Result<AlertsConfig, String> {
        let layer = Layer::of_file("f.toml".as_ref(), text).map_err(|error| error.text())?;
        Ok(Config::of(layer, Vec::new()).alerts)
    }

    #[test]
    fn thresholds() {
        let alerts = of("[[budget]]\nname = \"a\"\nlimit = \"1\"\nwindow = \"day\"\nwarn_at = [75]\n\
             [[budget]]\nname = \"b\"\nlimit = \"1\"\nwindow = \"day\"\n\
             [alerts]\ncredits_below = [\"20\", \"5.00\"]\nkey_at = []\nrunway = \"7d\"\ncheck_every = \"1m\"\n")
        .expect("a configuration");
        assert_eq!(alerts.rules.credits_below, [Nano::from_cents(2_000), Nano::from_cents(500)]);
        assert_eq!((alerts.rules.key_at.len(), alerts.rules.runway_ms), (0, 7 * 86_400_000));
        assert_eq!(
            (&alerts.rules.budget_at["a"], &alerts.rules.budget_at["b"]),
            (&vec![75], &vec![50, 80, 100])
        );
        assert_eq!(alerts.check_every, Duration::from_secs(60));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, told) in [
            ("[alerts]\nkey_at = [101]", "f.toml:2: 101 is no percentage from 1 to 100"),
            ("[alerts]\nkey_at = [0]", "f.toml:2: 0 is no percentage"),
            ("[alerts]\ncredits_below = [5.5]", "money is exact text: write \"5.5\""),
            ("[alerts]\ncredits_below = [\"x\"]", "f.toml:2: credits_below: 'x' is not an amount"),
            ("[alerts]\ncheck_every = \"0s\"", "f.toml:2: '0s' is more often than once a second"),
            ("[alerts]\nrunway = \"3 weeks\"", "f.toml:2: '3 weeks' is not a duration"),
            (
                "[alerts]\ncheckevery = \"5m\"",
                "f.toml:2: unknown key 'checkevery'\nhint: did you mean 'check_every'?",
            ),
        ] {
            let error = of(text).expect_err(text);
            assert!(error.contains(told), "{text}\n{error}");
        }
    }
}
