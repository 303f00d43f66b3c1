//! What a configuration file says, word by word: names and types, no meaning yet. Values that can be wrong keep
//! their place in the file.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use toml::Spanned;

use super::allowances::RawAllowance;
use super::routes::RawRoute;

/// The whole file.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawConfig {
    pub(super) budget: Option<Vec<RawBudget>>,
    pub(super) unbudgeted: Option<Spanned<String>>,
    pub(super) durability: Option<Spanned<String>>,
    pub(super) on_client_gone: Option<Spanned<String>>,
    pub(super) plugin_defaults: Option<Spanned<String>>,
    pub(super) byok: Option<Spanned<String>>,
    pub(super) allow_fields: Option<Vec<Spanned<String>>>,
    pub(super) routes: Option<BTreeMap<String, Spanned<RawRoute>>>,
    pub(super) limits: RawLimits,
    pub(super) allowances: BTreeMap<String, Spanned<RawAllowance>>,
    pub(super) alerts: RawAlerts,
    pub(super) server: RawServer,
    pub(super) evidence: RawEvidence,
    pub(super) honesty: RawHonesty,
}

/// `[[budget]]`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBudget {
    pub(super) name: Spanned<String>,
    #[serde(default, rename = "match")]
    pub(super) selector: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) per: Vec<Spanned<String>>,
    pub(super) limit: Spanned<Amount>,
    pub(super) window: Spanned<String>,
    pub(super) timezone: Option<Spanned<String>>,
    pub(super) straddle: Option<Spanned<String>>,
    pub(super) warn_at: Option<Vec<Spanned<u64>>>,
    #[serde(default)]
    pub(super) fallbacks: Vec<Spanned<String>>,
}

/// `[limits]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLimits {
    pub(super) per_request: Option<Spanned<Amount>>,
    pub(super) default_output: Option<Spanned<u64>>,
    pub(super) clamp_min: Option<Spanned<Floor>>,
    pub(super) tool_steps: Option<Spanned<u64>>,
    pub(super) tool_uses: Option<Spanned<u64>>,
    pub(super) count_prompts: Option<bool>,
    pub(super) park_max: Option<Spanned<String>>,
    pub(super) prices_age_max: Option<Spanned<String>>,
}

/// `[server]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawServer {
    pub(super) listen: Option<Spanned<String>>,
    pub(super) console: Option<Spanned<String>>,
    pub(super) data: Option<Spanned<String>>,
    pub(super) upstream: Option<Spanned<String>>,
}

/// `[evidence]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawEvidence {
    pub(super) final_after: Option<Spanned<String>>,
    pub(super) quiet_after: Option<Spanned<String>>,
    pub(super) recheck_after: Option<Spanned<String>>,
    pub(super) audit_every: Option<Spanned<String>>,
    pub(super) counter_resolution: Option<Spanned<Amount>>,
}

/// `[honesty]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawHonesty {
    pub(super) on_overrun: Option<Spanned<String>>,
}

/// `[alerts]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAlerts {
    pub(super) credits_below: Option<Vec<Spanned<Amount>>>,
    pub(super) key_at: Option<Vec<Spanned<u64>>>,
    pub(super) runway: Option<Spanned<String>>,
    pub(super) check_every: Option<Spanned<String>>,
    pub(super) channel: Option<Vec<RawChannel>>,
}

/// `[[alerts.channel]]`: the keys of all kinds.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawChannel {
    pub(super) name: Spanned<String>,
    pub(super) kind: Spanned<String>,
    pub(super) url: Option<String>,
    pub(super) url_env: Option<String>,
    pub(super) url_file: Option<String>,
    pub(super) routing_key_env: Option<String>,
    pub(super) routing_key_file: Option<String>,
    pub(super) secret_env: Option<String>,
    pub(super) secret_file: Option<String>,
    pub(super) allow_private: Option<bool>,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) security: Option<String>,
    pub(super) insecure: Option<bool>,
    pub(super) username: Option<String>,
    pub(super) password_env: Option<String>,
    pub(super) password_file: Option<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<Vec<String>>,
    pub(super) ca_file: Option<String>,
    pub(super) command: Option<Vec<String>>,
    pub(super) timeout: Option<String>,
}

/// Money as text. A number would have been through a float before we see it.
#[derive(Debug)]
pub(super) struct Amount(pub(super) String);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount of money as text, such as \"10.00\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
                Ok(Amount(text.to_owned()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Amount, E> {
                Err(E::custom(format!("money is exact text: write \"{number}.00\"")))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Amount, E> {
                Err(E::custom(format!("money is exact text: write \"{number}\"")))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

/// `clamp_min`: tokens, or `"off"`.
#[derive(Debug)]
pub(super) struct Floor(pub(super) Option<u64>);

impl<'de> Deserialize<'de> for Floor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tokens;
        impl Visitor<'_> for Tokens {
            type Value = Floor;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of tokens above zero, or \"off\"")
            }

            fn visit_i64<E: Error>(self, tokens: i64) -> Result<Floor, E> {
                match u64::try_from(tokens) {
                    Ok(tokens) if tokens > 0 => Ok(Floor(Some(tokens))),
                    _ => Err(E::custom("clamp_min is a number of tokens above zero, or \"off\"")),
                }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Floor, E> {
                match text {
                    "off" => Ok(Floor(None)),
                    _ => Err(E::custom("clamp_min is a number of tokens above zero, or \"off\"")),
                }
            }
        }
        deserializer.deserialize_any(Tokens)
    }
}
