//! [`Layer`]: what one source of configuration means. Checked, but with gaps that a lower layer fills.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway::{ClientGone, Fallbacks, Routes};
use ledger::Budget;
use money::Nano;
use pricing::Allowances;
use store::Durability;
use toml::Spanned;

use super::alerts::{self, AlertsLayer};
use super::allowances;
use super::evidence::EvidenceLayer;
use super::nearest::nearest;
use super::place::{Source, with_home};
use super::raw::RawConfig;
use super::{ConfigError, amount, budget, duration, routes, socket_address};

/// Output caps above this are a mistake, tokens.
const OUTPUT_MAX: u64 = 10_000_000;

/// As are more steps or uses than these: OpenRouter itself ends a loop long before.
const TOOLS_MAX: u64 = 1_000;

/// Settings that belong to no table, for those who write them below one.
const GENERAL: [&str; 6] =
    ["unbudgeted", "durability", "on_client_gone", "plugin_defaults", "byok", "allow_fields"];

/// A value and who set it, in words; empty for the built-in default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Who set it.
    pub from: String,
}

/// One source of configuration.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// `[server] listen`.
    pub listen: Option<SocketAddr>,
    /// `[server] console`.
    pub console: Option<SocketAddr>,
    /// `[server] data`.
    pub data: Option<PathBuf>,
    /// `[server] upstream`.
    pub upstream: Option<Setting<String>>,
    /// `Some` and empty: the user wants none.
    pub budgets: Option<Vec<Budget>>,
    /// `warn_at` of the budgets that have one, percent.
    pub warn_at: HashMap<String, Vec<u8>>,
    /// `[alerts]`.
    pub alerts: AlertsLayer,
    /// `fallbacks` of those budgets.
    pub fallbacks: Fallbacks,
    /// `[routes]`.
    pub routes: Option<Routes>,
    /// `unbudgeted`: whether a call that no budget matches passes.
    pub allow_unbudgeted: Option<bool>,
    /// `durability`.
    pub durability: Option<Durability>,
    /// `on_client_gone`.
    pub on_client_gone: Option<ClientGone>,
    /// `[limits] per_request`, USD.
    pub per_request: Option<Nano>,
    /// `[limits] default_output`, tokens.
    pub default_output: Option<u64>,
    /// `[limits] clamp_min`, tokens; `Some(None)`: off.
    pub clamp_min: Option<Option<u64>>,
    /// `[limits] tool_steps`.
    pub tool_steps: Option<u32>,
    /// `[limits] tool_uses`.
    pub tool_uses: Option<u32>,
    /// `[limits] count_prompts`.
    pub count_prompts: Option<bool>,
    /// `plugin_defaults`: whether plugins that the account has on by default stay on.
    pub keep_plugin_defaults: Option<bool>,
    /// `byok`: whether the fee for own keys at providers is held for before anything has shown that there are any.
    pub byok: Option<bool>,
    /// `allow_fields`.
    pub allow_fields: Option<Vec<String>>,
    /// `[allowances]`.
    pub allowances: Allowances,
    /// `[limits] park_max`.
    pub park_max: Option<Duration>,
    /// `[limits] prices_age_max`.
    pub prices_age_max: Option<Duration>,
    /// `[evidence]` and `[honesty]`.
    pub evidence: EvidenceLayer,
}

impl Layer {
    /// This layer, with its gaps filled by a lower one.
    pub(super) fn over(self, low: Layer) -> Layer {
        Layer {
            listen: self.listen.or(low.listen),
            console: self.console.or(low.console),
            data: self.data.or(low.data),
            upstream: self.upstream.or(low.upstream),
            // They belong to the budgets: whoever sets those sets these.
            warn_at: if self.budgets.is_some() { self.warn_at } else { low.warn_at },
            alerts: self.alerts.over(low.alerts),
            fallbacks: if self.budgets.is_some() { self.fallbacks } else { low.fallbacks },
            budgets: self.budgets.or(low.budgets),
            routes: self.routes.or(low.routes),
            allow_unbudgeted: self.allow_unbudgeted.or(low.allow_unbudgeted),
            durability: self.durability.or(low.durability),
            on_client_gone: self.on_client_gone.or(low.on_client_gone),
            per_request: self.per_request.or(low.per_request),
            default_output: self.default_output.or(low.default_output),
            clamp_min: self.clamp_min.or(low.clamp_min),
            tool_steps: self.tool_steps.or(low.tool_steps),
            tool_uses: self.tool_uses.or(low.tool_uses),
            count_prompts: self.count_prompts.or(low.count_prompts),
            keep_plugin_defaults: self.keep_plugin_defaults.or(low.keep_plugin_defaults),
            byok: self.byok.or(low.byok),
            allow_fields: self.allow_fields.or(low.allow_fields),
            allowances: allowances::over(self.allowances, low.allowances),
            park_max: self.park_max.or(low.park_max),
            prices_age_max: self.prices_age_max.or(low.prices_age_max),
            evidence: self.evidence.over(low.evidence),
        }
    }

    /// What a file means.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub(super) fn of_file(path: &Path, text: &str) -> Result<Layer, ConfigError> {
        let source = Source { path, text };
        let mut raw: RawConfig = toml::from_str(text).map_err(|error| unreadable(&error, source))?;
        let fallbacks = routes::fallbacks_of_file(raw.budget.as_deref_mut().unwrap_or_default(), source)?;
        let (limits, server) = (raw.limits, raw.server);
        Ok(Layer {
            listen: read(server.listen, source, |text| socket_address(text))?,
            console: read(server.console, source, |text| socket_address(text))?,
            data: server.data.map(|data| with_home(data.get_ref())),
            upstream: server
                .upstream
                .map(|url| Setting { value: url.into_inner(), from: path.display().to_string() }),
            warn_at: raw
                .budget
                .as_deref()
                .map_or_else(|| Ok(HashMap::new()), |raw| alerts::warn_at(raw, source))?,
            alerts: AlertsLayer::of_file(raw.alerts, source)?,
            fallbacks,
            routes: raw.routes.map(|routes| routes::routes_of_file(routes, source)).transpose()?,
            budgets: raw.budget.map(|budgets| budget::budgets_of_file(budgets, source)).transpose()?,
            allow_unbudgeted: read(raw.unbudgeted, source, |text| unbudgeted(text))?,
            durability: read(raw.durability, source, |text| durability(text))?,
            on_client_gone: read(raw.on_client_gone, source, |text| client_gone(text))?,
            per_request: read(limits.per_request, source, |text| amount::limit(&text.0))?,
            default_output: read(limits.default_output, source, |tokens| output(*tokens))?,
            clamp_min: limits.clamp_min.map(|floor| floor.into_inner().0),
            tool_steps: read(limits.tool_steps, source, |steps| few(*steps, "tool_steps"))?,
            tool_uses: read(limits.tool_uses, source, |uses| few(*uses, "tool_uses"))?,
            count_prompts: limits.count_prompts,
            keep_plugin_defaults: read(raw.plugin_defaults, source, |word| plugin_defaults(word))?,
            byok: read(raw.byok, source, |word| byok(word))?,
            allow_fields: raw.allow_fields.map(|fields| allow_fields(fields, source)).transpose()?,
            allowances: allowances::allowances_of_file(raw.allowances, source)?,
            park_max: read(limits.park_max, source, |text| duration::parse(text))?,
            prices_age_max: read(limits.prices_age_max, source, |text| duration::parse_long(text))?,
            evidence: EvidenceLayer::of_file(raw.evidence, raw.honesty, source)?,
        })
    }
}

/// `refuse` or `allow`.
pub(super) fn unbudgeted(word: &str) -> Result<bool, String> {
    choose(word, "unbudgeted", &[("refuse", false), ("allow", true)])
}

fn durability(word: &str) -> Result<Durability, String> {
    choose(word, "durability", &[("power", Durability::Power), ("process", Durability::Process)])
}

fn client_gone(word: &str) -> Result<ClientGone, String> {
    let words = [("auto", ClientGone::Auto), ("abort", ClientGone::Abort), ("read-on", ClientGone::ReadOn)];
    choose(word, "on_client_gone", &words)
}

fn plugin_defaults(word: &str) -> Result<bool, String> {
    choose(word, "plugin_defaults", &[("off", false), ("keep", true)])
}

fn byok(word: &str) -> Result<bool, String> {
    choose(word, "byok", &[("auto", false), ("always", true)])
}

/// Names of fields, or paths to them.
fn allow_fields(fields: Vec<Spanned<String>>, source: Source<'_>) -> Result<Vec<String>, ConfigError> {
    let field = |field: Spanned<String>| {
        if field.get_ref().is_empty() || field.get_ref().contains(char::is_whitespace) {
            let sentence = format_args!("'{}' is no field of a request", field.get_ref());
            return Err(source.wrong(field.span(), sentence));
        }
        Ok(field.into_inner())
    };
    fields.into_iter().map(field).collect()
}

fn few(number: u64, name: &str) -> Result<u32, String> {
    match u32::try_from(number) {
        Ok(few) if (1..=TOOLS_MAX).contains(&number) => Ok(few),
        _ => Err(format!("{name} is between 1 and {TOOLS_MAX}")),
    }
}

fn output(tokens: u64) -> Result<u64, String> {
    match tokens {
        1..=OUTPUT_MAX => Ok(tokens),
        _ => Err(format!("default_output is between 1 and {OUTPUT_MAX} tokens")),
    }
}

pub(super) fn choose<T: Copy>(word: &str, name: &str, words: &[(&str, T)]) -> Result<T, String> {
    words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
        format!("{name} is {}, not '{word}'", known.join(" or "))
    })
}

pub(super) fn read<R, T>(
    raw: Option<Spanned<R>>,
    source: Source<'_>,
    parse: impl FnOnce(&R) -> Result<T, String>,
) -> Result<Option<T>, ConfigError> {
    raw.map(|raw| parse(raw.get_ref()).map_err(|error| source.wrong(raw.span(), error))).transpose()
}

/// TOML's own complaints, in our words: the nearest known key for an unknown one.
fn unreadable(error: &toml::de::Error, source: Source<'_>) -> ConfigError {
    let span = error.span().unwrap_or(0..0);
    let message = error.message().replace('\n', " ");
    let Some(rest) = message.strip_prefix("unknown field `") else {
        return source.wrong(span, message);
    };
    let mut words = rest.split('`').step_by(2);
    let unknown = words.next().unwrap_or_default();
    let known: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let error = source.wrong(span, format_args!("unknown key '{unknown}'"));
    if GENERAL.contains(&unknown) {
        return error.hint(format!("'{unknown}' belongs above the first [table] of the file"));
    }
    match nearest(unknown, known.iter().copied()) {
        Some(meant) => error.hint(format!("did you mean '{meant}'?")),
        None => error.hint(format!("known here: {}", known.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        Layer::of_file("f.toml".as_ref(), text).unwrap_err().text()
    }

    #[test]
    fn settings() {
        let layer = Layer::of_file(
            "f.toml".as_ref(),
            "durability = \"process\"\non_client_gone = \"read-on\"\nplugin_defaults = \"keep\"\nbyok = \"always\"\nallow_fields = [\"a\", \"tools[].b\"]\n[limits]\ntool_steps = 7\ntool_uses = 8\ncount_prompts = false\nper_request = \"0.25\"\nclamp_min = \"off\"\npark_max = \"500ms\"\n[server]\nlisten = \"localhost:1\"",
        )
        .unwrap();
        assert_eq!(layer.durability, Some(Durability::Process));
        assert_eq!(layer.on_client_gone, Some(ClientGone::ReadOn));
        assert_eq!(layer.per_request, Some(Nano::from_cents(25)));
        assert_eq!(layer.clamp_min, Some(None));
        assert_eq!(layer.park_max, Some(Duration::from_millis(500)));
        assert_eq!((layer.tool_steps, layer.tool_uses), (Some(7), Some(8)));
        assert_eq!(layer.count_prompts, Some(false));
        assert_eq!(layer.keep_plugin_defaults, Some(true));
        assert_eq!(layer.byok, Some(true));
        assert_eq!(layer.allow_fields, Some(vec!["a".to_owned(), "tools[].b".to_owned()]));
        assert_eq!(layer.listen.unwrap().port(), 1);
    }

    #[test]
    fn mistakes() {
        for (text, told) in [
            (
                "\nunbudgetted = \"x\"",
                "error: f.toml:2: unknown key 'unbudgetted'\nhint: did you mean 'unbudgeted'?\n",
            ),
            (
                "[limits]\ncolour = 1",
                "error: f.toml:2: unknown key 'colour'\nhint: known here: per_request, default_output, clamp_min, tool_steps, tool_uses, count_prompts, park_max, prices_age_max\n",
            ),
            (
                "[limits]\ndurability = \"power\"",
                "error: f.toml:2: unknown key 'durability'\nhint: 'durability' belongs above the first [table] of the file\n",
            ),
            ("unbudgeted = \"maybe\"", "error: f.toml:1: unbudgeted is refuse or allow, not 'maybe'\n"),
            ("durability = \"none\"", "error: f.toml:1: durability is power or process, not 'none'\n"),
            ("[limits]\ntool_steps = 0", "error: f.toml:2: tool_steps is between 1 and 1000\n"),
            ("plugin_defaults = \"on\"", "error: f.toml:1: plugin_defaults is off or keep, not 'on'\n"),
            ("byok = \"never\"", "error: f.toml:1: byok is auto or always, not 'never'\n"),
            ("allow_fields = [\n\"a\", \"b c\"]", "error: f.toml:2: 'b c' is no field of a request\n"),
            (
                "[limits]\nallow_fields = []",
                "error: f.toml:2: unknown key 'allow_fields'\nhint: 'allow_fields' belongs above",
            ),
            (
                "[limits]\nclamp_min = 0",
                "error: f.toml:2: clamp_min is a number of tokens above zero, or \"off\"\n",
            ),
            (
                "[limits]\npark_max = \"20\"",
                "error: f.toml:2: '20' is not a duration: write it as 500ms, 20s or 2m\n",
            ),
            ("[limits]\nper_request = 0.5", "error: f.toml:2: money is exact text: write \"0.5\"\n"),
            (
                "[server]\nlisten = \"4747\"",
                "error: f.toml:2: '4747' is not an address such as 127.0.0.1:4747\n",
            ),
            ("[[budget]\n", "error: f.toml:1: "),
        ] {
            let error = wrong(text);
            assert!(error.starts_with(told), "{text}\n{error}");
        }
    }
}
