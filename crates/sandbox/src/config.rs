//! [`Config`]: everything that can be set before it starts.

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::account::settings::{DeclaredKey, PlainCredits};
use crate::exact::Exact;
use crate::faults::Faults;
use crate::toll::Defaults;

/// What a sandbox is like. The default is benign and quick.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Every choice is drawn from this.
    pub seed: u64,
    /// Bills the most that each request permits: a token a byte, the dearest eligible endpoint, the full output cap,
    /// cache writes, every override that applies.
    pub adversarial: bool,
    /// How long answers take.
    pub latency: Latency,
    /// Milliseconds from the end of a generation until `/generation` finds it; aborted ones take up to three times as long.
    pub generation_delay: Millis,
    /// What goes wrong.
    pub faults: Faults,
    /// How a stream says its usage.
    pub usage_tail: UsageTail,
    /// Whether the account brings its own provider keys.
    pub byok: Byok,
    /// The share of answers that are a tool call when tools are given, 0 to 1.
    pub tool_calls: f64,
    /// The share of costs printed in exponent form, `1.23e-6`, 0 to 1.
    pub exponents: f64,
    /// The most chunks of text in a stream.
    pub chunks_max: u32,
    /// The most bytes of a request's body.
    pub body_bytes_max: usize,
    /// The most generations that are remembered, at about 1 KB each; the sums never forget what was billed.
    pub generations_max: usize,
    /// Whether `/generation` finds only what the asking key made.
    pub private_generations: bool,
    /// The credits that the account ever bought, USD as decimal text; `"0"` for a free tier.
    pub credits: String,
    /// Plaintexts of the keys that administer, and cannot do inference.
    pub management_keys: Vec<String>,
    /// Keys that exist from the start.
    pub keys: Vec<DeclaredKey>,
    /// Whether a key that was never made is refused with 401; else it works, without a limit.
    pub strict_keys: bool,
    /// Whether `/key` has `budgets` and `effective_budget`: the SDK of 2026-10-27 has them, the probe of 2026-10-02 has not.
    pub key_budgets: bool,
    /// What `/credits` tells an ordinary key.
    pub plain_credits: PlainCredits,
    /// Milliseconds until the counters of `/key`, `/keys` and `/credits`, and the limits, see a generation that ended.
    pub counter_lag_ms: u64,
    /// USD, decimal text: what the estimates of running requests may come to; none for no such budget.
    pub in_flight_budget: Option<String>,
    /// Plugins that are on for the account unless a request switches them off: `web`, `fusion`.
    pub account_plugins: Vec<String>,
    /// Whether a request that names no service tier, or `auto`, may be served at a dearer one.
    pub premium_by_default: bool,
    /// Whether requests are pinned to the United States, where reading a page costs a tenth more.
    pub in_the_states: bool,
    /// Requests of `:free` models a minute, for the account.
    pub free_per_minute: u64,
    /// Requests of `:free` models a UTC day; none for 1000 from nine dollars ever bought, and 50 below.
    pub free_per_day: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            seed: 0,
            adversarial: false,
            latency: Latency::default(),
            generation_delay: Millis::new(20, 200),
            faults: Faults::default(),
            usage_tail: UsageTail::default(),
            byok: Byok::default(),
            tool_calls: 0.5,
            exponents: 0.1,
            chunks_max: 20,
            body_bytes_max: 32 << 20,
            generations_max: 250_000,
            private_generations: false,
            credits: "10000".to_owned(),
            management_keys: vec!["sk-or-v1-sandbox-management".to_owned()],
            keys: Vec::new(),
            strict_keys: false,
            key_budgets: true,
            plain_credits: PlainCredits::default(),
            counter_lag_ms: 0,
            in_flight_budget: None,
            account_plugins: Vec::new(),
            premium_by_default: false,
            in_the_states: false,
            free_per_minute: 20,
            free_per_day: None,
        }
    }
}

impl Config {
    /// Reads TOML: the fields of [`Config`] by name, ranges as `[least, most]`.
    ///
    /// ```
    /// let config = sandbox::Config::from_toml("
    ///     seed = 7
    ///     generation_delay = [100, 2000]
    ///     latency = { first_byte = [20, 80], between_chunks = [1, 5] }
    ///     faults = { server_error = 0.02, close_mid_stream = 0.01 }
    /// ")?;
    /// assert_eq!(config.faults.server_error, 0.02);
    /// # Ok::<(), sandbox::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// It is no TOML, a key is unknown, or a value is of the wrong type or out of range.
    pub fn from_toml(text: &str) -> Result<Config, ConfigError> {
        let config: Config = toml::from_str(text).map_err(ConfigError::Toml)?;
        for (name, share) in [("tool_calls", config.tool_calls), ("exponents", config.exponents)] {
            if !(0.0..=1.0).contains(&share) {
                return Err(ConfigError::Range(format!("{name} is a share, 0 to 1")));
            }
        }
        for (name, amount) in
            [("credits", Some(&config.credits)), ("in_flight_budget", config.in_flight_budget.as_ref())]
        {
            if amount.is_some_and(|amount| Exact::parse(amount).is_none()) {
                return Err(ConfigError::Range(format!("{name} is decimal text, at least 0")));
            }
        }
        config.keys.iter().try_for_each(DeclaredKey::check)?;
        config.faults.check()?;
        Ok(config)
    }

    /// The credits, exactly. What cannot be read is nothing.
    pub(crate) fn bought(&self) -> Exact {
        Exact::parse(&self.credits).unwrap_or_default()
    }

    /// What is on for the account.
    pub(crate) fn defaults(&self) -> Defaults {
        Defaults {
            plugins: self.account_plugins.clone(),
            premium: self.premium_by_default,
            in_the_states: self.in_the_states,
        }
    }

    /// The in-flight budget, exactly.
    pub(crate) fn in_flight(&self) -> Option<Exact> {
        self.in_flight_budget.as_deref().and_then(Exact::parse)
    }
}

/// Why settings cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// TOML that cannot be read, or an unknown key.
    #[error("cannot read the settings of the sandbox: {0}")]
    Toml(#[source] toml::de::Error),
    /// JSON that cannot be read, or an unknown key.
    #[error("cannot read the faults: {0}")]
    Json(#[source] serde_json::Error),
    /// A value out of its range.
    #[error("{0}")]
    Range(String),
}

/// How long answers take; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Latency {
    /// From the request to the first byte of an answer's text.
    pub first_byte: Millis,
    /// Between the chunks of a stream; a plain answer takes as long as all of them.
    pub between_chunks: Millis,
}

/// A range of milliseconds, both ends in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64)", into = "(u64, u64)")]
pub struct Millis {
    /// The least.
    pub min: u64,
    /// The most.
    pub max: u64,
}

impl Millis {
    /// A range; the ends may come in either order.
    pub const fn new(min: u64, max: u64) -> Millis {
        if min <= max { Millis { min, max } } else { Millis { min: max, max: min } }
    }

    pub(crate) fn draw(self, rng: &mut Rng) -> u64 {
        rng.u64(self.min.min(self.max)..=self.max.max(self.min))
    }
}

impl From<(u64, u64)> for Millis {
    fn from((min, max): (u64, u64)) -> Self {
        Millis::new(min, max)
    }
}

impl From<Millis> for (u64, u64) {
    fn from(range: Millis) -> Self {
        (range.min, range.max)
    }
}

/// How a stream says its usage (CONTRACT 11.2: both were seen).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageTail {
    /// A chunk with `finish_reason`, then one that repeats it and adds `usage`.
    #[default]
    TwoChunk,
    /// A chunk with `finish_reason`, then one with empty `choices` and `usage`.
    EmptyChoices,
    /// Either, by the seed.
    Mixed,
}

/// Whether the account brings its own provider keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Byok {
    /// No: OpenRouter charges list price.
    #[default]
    Off,
    /// Yes: the provider charges list price and OpenRouter 5 % of it.
    Fee,
    /// Yes, within the monthly allowance: OpenRouter charges nothing.
    Free,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_about_settings_reads() {
        let page = include_str!("../../../docs/reference/sandbox.md");
        let settings = page.split("```toml\n").last().and_then(|rest| rest.split("```").next());
        let config = Config::from_toml(settings.expect("settings")).expect("they read");
        assert_eq!((config.keys.len(), config.bought()), (1, Config::default().bought()));
    }

    #[test]
    fn toml() {
        assert_eq!(Config::from_toml("").expect("empty"), Config::default());
        let config = Config::from_toml("usage_tail = \"mixed\"\nbyok = \"fee\"\ngeneration_delay = [9, 3]")
            .expect("settings");
        assert_eq!(
            (config.usage_tail, config.byok, config.generation_delay),
            (UsageTail::Mixed, Byok::Fee, Millis::new(3, 9))
        );
        for bad in [
            "sede = 1",
            "faults = { hagn = 1.0 }",
            "tool_calls = 2.0",
            "faults = { hang = -1.0 }",
            "seed = \"x\"",
            "credits = \"-1\"",
            "in_flight_budget = \"x\"",
            "keys = [{ name = \"a\" }]",
            "keys = [{ name = \"a\", key = \"k\", limit = \"x\" }]",
            "keys = [{ name = \"a\", key = \"k\", limit_reset = \"hourly\" }]",
            "keys = [{ name = \"a\", key = \"k\", expires_at = \"2027-12-31T23:59Z\" }]",
            "plain_credits = \"lies\"",
            "[",
        ] {
            assert!(Config::from_toml(bad).is_err(), "{bad}");
        }
    }
}
