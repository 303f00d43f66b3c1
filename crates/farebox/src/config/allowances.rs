//! `[allowances]`: figures for what nobody can bound, and a ceiling for routers.

use std::collections::BTreeMap;
use std::fmt;

use money::Rate;
use pricing::{Allowances, RouterCeiling, Unpriced};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use toml::Spanned;

use super::nearest::nearest;
use super::place::Source;
use super::raw::Amount;
use super::{ConfigError, amount};

/// One entry: an amount, or the table of routers.
#[derive(Debug)]
pub(super) enum RawAllowance {
    Usd(Amount),
    Router(RawRouter),
}

/// `[allowances.router]`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRouter {
    prompt: Spanned<Amount>,
    completion: Spanned<Amount>,
}

/// What the table means.
pub(super) fn allowances_of_file(
    raw: BTreeMap<String, Spanned<RawAllowance>>,
    source: Source<'_>,
) -> Result<Allowances, ConfigError> {
    let mut allowances = Allowances::default();
    for (key, entry) in raw {
        let span = entry.span();
        match (key.as_str(), entry.into_inner()) {
            ("router", RawAllowance::Router(router)) => allowances.router = Some(ceiling(router, source)?),
            ("router", RawAllowance::Usd(_)) => {
                let sentence = "router is a table: [allowances.router] with prompt and completion";
                return Err(source.wrong(span, sentence));
            }
            (_, RawAllowance::Router(_)) => {
                return Err(source.wrong(span, format_args!("'{key}' is an amount, such as \"1.50\"")));
            }
            (_, RawAllowance::Usd(usd)) => {
                check(&key).map_err(|(sentence, hint)| source.wrong(span.clone(), sentence).hint(hint))?;
                let usd = amount::allowance(&usd.0).map_err(|error| source.wrong(span, error))?;
                allowances.usd.insert(key, usd);
            }
        }
    }
    Ok(allowances)
}

/// Those of an earlier file, and of a later one what they do not name.
pub(super) fn over(high: Allowances, low: Allowances) -> Allowances {
    let mut usd = low.usd;
    usd.extend(high.usd);
    Allowances { usd, router: high.router.or(low.router) }
}

/// Whether a key is `CAUSE:NAME`; else what is wrong, and a hint.
fn check(key: &str) -> Result<(), (String, String)> {
    let (cause, name) = key.split_once(':').unwrap_or((key, ""));
    if !Unpriced::ALLOWABLE.contains(&cause) {
        let sentence = format!("'{key}' is no cause of a refusal");
        let hint = match nearest(cause, Unpriced::ALLOWABLE) {
            Some(meant) => format!("did you mean '{meant}:{name}'?"),
            None => format!("causes are {}, each with ':' and a name", Unpriced::ALLOWABLE.join(", ")),
        };
        return Err((sentence, hint));
    }
    if name.is_empty() {
        let hint = format!("write \"{cause}:NAME\", or \"{cause}:*\" for all of them");
        return Err((format!("'{key}' names nothing"), hint));
    }
    Ok(())
}

fn ceiling(raw: RawRouter, source: Source<'_>) -> Result<RouterCeiling, ConfigError> {
    let rate = |text: Spanned<Amount>| {
        let span = text.span();
        let per_million = amount::limit(&text.into_inner().0).map_err(|error| source.wrong(span, error))?;
        // A nano-dollar a million is a femto-dollar each.
        Ok(Rate::from_femtos(u64::try_from(per_million.nanos()).unwrap_or(u64::MAX)))
    };
    Ok(RouterCeiling { prompt: rate(raw.prompt)?, completion: rate(raw.completion)? })
}

impl<'de> Deserialize<'de> for RawAllowance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entry;
        impl<'de> Visitor<'de> for Entry {
            type Value = RawAllowance;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount of money as text, such as \"1.50\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<RawAllowance, E> {
                Ok(RawAllowance::Usd(Amount(text.to_owned())))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<RawAllowance, E> {
                Err(E::custom(format!("money is exact text: write \"{number}.00\"")))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<RawAllowance, E> {
                Err(E::custom(format!("money is exact text: write \"{number}\"")))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawAllowance, A::Error> {
                RawRouter::deserialize(MapAccessDeserializer::new(map)).map(RawAllowance::Router)
            }
        }
        deserializer.deserialize_any(Entry)
    }
}

#[cfg(test)]
mod tests {
    use money::Nano;

    use super::super::Layer;
    use super::*;

    fn of(text: &str) -> Result<Allowances, String> {
        let layer = Layer::of_file("f.toml".as_ref(), text).map_err(|error| error.text())?;
        Ok(layer.allowances)
    }

    #[test]
    fn figures_and_the_ceiling_of_routers() {
        let allowances = of(
            "[allowances]\n\"plugin:fusion\" = \"1.50\"\n\"server_tool:*\" = \"0\"\n[allowances.router]\nprompt = \"5\"\ncompletion = \"25.000000001\"",
        )
        .unwrap();
        assert_eq!(allowances.of("plugin:fusion"), Some(Nano::from_cents(150)));
        assert_eq!(allowances.of("server_tool:openrouter:bash"), Some(Nano::ZERO));
        let ceiling = allowances.router.unwrap();
        assert_eq!(ceiling.prompt.per_million().to_string(), "5");
        assert_eq!(ceiling.completion.per_million().to_string(), "25.000000001");
    }

    #[test]
    fn an_earlier_file_wins_figure_by_figure() {
        let high = of("[allowances]\n\"plugin:a\" = \"1\"").unwrap();
        let low = of("[allowances]\n\"plugin:a\" = \"2\"\n\"plugin:b\" = \"2\"").unwrap();
        let both = over(high, low);
        assert_eq!(
            (both.of("plugin:a"), both.of("plugin:b")),
            (Some(Nano::from_cents(100)), Some(Nano::from_cents(200)))
        );
    }

    #[test]
    fn mistakes() {
        for (text, told) in [
            (
                "\n\"plugn:fusion\" = \"1\"",
                "error: f.toml:3: 'plugn:fusion' is no cause of a refusal\nhint: did you mean 'plugin:fusion'?\n",
            ),
            (
                "\"colour\" = \"1\"",
                "error: f.toml:2: 'colour' is no cause of a refusal\nhint: causes are media, ",
            ),
            (
                "plugin = \"1\"",
                "error: f.toml:2: 'plugin' names nothing\nhint: write \"plugin:NAME\", or \"plugin:*\" for all of them\n",
            ),
            ("\"plugin:x\" = 1", "error: f.toml:2: money is exact text: write \"1.00\"\n"),
            ("\"plugin:x\" = \"-1\"", "error: f.toml:2: '-1' is below zero\n"),
            (
                "\"plugin:x\" = \"0.0000000001\"",
                "error: f.toml:2: '0.0000000001' has more than nine decimal places\n",
            ),
            ("\"router:x\" = \"1\"", "error: f.toml:2: 'router:x' is no cause of a refusal\n"),
            ("router = \"1\"", "error: f.toml:2: router is a table"),
            ("router = { prompt = \"1\" }", "error: f.toml:2: missing field `completion`\n"),
            (
                "router = { prompt = \"1\", completion = \"2\", request = \"3\" }",
                "error: f.toml:2: unknown key 'request'\nhint: known here: prompt, completion\n",
            ),
            ("router = { prompt = \"0\", completion = \"2\" }", "error: f.toml:2: '0' is not above zero\n"),
            (
                "[allowances.plugin]\nprompt = \"1\"\ncompletion = \"1\"",
                "error: f.toml:2: 'plugin' is an amount",
            ),
        ] {
            let error = of(&format!("[allowances]\n{text}")).unwrap_err();
            assert!(error.starts_with(told), "{text}\n{error}");
        }
    }

    #[test]
    fn causes_are_codes() {
        for code in Unpriced::ALLOWABLE {
            assert_eq!(check(&format!("{code}:x")), Ok(()));
        }
    }
}
