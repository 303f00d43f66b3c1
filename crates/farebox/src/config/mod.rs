//! Configuration, in three steps: `raw` is what a file says, [`Layer`] what it means, [`Config`] what holds
//! after flags, environment, files and defaults were laid over each other.
//!
//! Flags > environment > `./farebox.toml` > `$XDG_CONFIG_HOME/farebox/config.toml` > `/etc/farebox/config.toml` >
//! built-in. An unknown key, a wrong word or an amount that is not exact is an error that names file and line.

mod address;
mod alerts;
mod allowances;
pub mod amount;
mod budget;
mod channel;
mod duration;
mod error;
mod evidence;
mod file;
mod layer;
mod nearest;
mod place;
mod raw;
mod routes;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use gateway::{ClientGone, EvidenceRules, Fallbacks, OnOverrun, Routes};
use ledger::Budget;
use money::Nano;
use store::Durability;

pub use address::{loopback_address, socket_address};
pub use alerts::{AlertsConfig, AlertsLayer};
pub use budget::{BudgetFlag, budgets_of_flags};
pub use channel::ChannelPlan;
pub use error::ConfigError;
pub use evidence::EvidenceLayer;
pub use layer::{Layer, Setting};
pub use place::default_data;

/// The commented default file: the reference.
pub const DEFAULT_FILE: &str = include_str!("default.toml");

/// Where OpenRouter is.
const OPENROUTER: &str = "https://openrouter.ai/api/v1";

/// What holds: every value is meant.
#[derive(Clone, Debug)]
pub struct Config {
    /// The configuration files that were read.
    pub files: Vec<PathBuf>,
    /// Where programs connect.
    pub listen: SocketAddr,
    /// Where people and the other commands look.
    pub console: SocketAddr,
    /// The folder of the books; `None`: the usual place.
    pub data: Option<PathBuf>,
    /// Where calls go: the base URL of the API.
    pub upstream: Setting<String>,
    /// Empty only when the user said so.
    pub budgets: Vec<Budget>,
    /// What is worth a message, and where messages go.
    pub alerts: AlertsConfig,
    /// Whether a call that no budget matches may pass.
    pub allow_unbudgeted: bool,
    /// What the books survive.
    pub durability: Durability,
    /// What becomes of a stream whose client has left.
    pub on_client_gone: ClientGone,
    /// A ceiling on the bound of any one call, USD.
    pub per_request: Option<Nano>,
    /// What is decided about bounds.
    pub bounds: pricing::BoundPolicy,
    /// Fields that may hold objects or lists although Farebox does not know them.
    pub allow_fields: Vec<String>,
    /// Whether a prompt may be counted where its bytes do not fit the money.
    pub count_prompts: bool,
    /// How far an output cap may be lowered to fit the money, tokens; `None`: never lowered.
    pub clamp_min: Option<u64>,
    /// How long a call may wait for the holds of others.
    pub park_max: Duration,
    /// Beyond this age of OpenRouter's prices nothing is admitted.
    pub prices_age_max: Duration,
    /// Names that stand for chains of models.
    pub routes: Routes,
    /// What each budget allows instead of a refusal.
    pub fallbacks: Fallbacks,
    /// How hard costs that are not known are looked for.
    pub evidence: EvidenceRules,
    /// What is done about providers that bill more than their holds.
    pub on_overrun: OnOverrun,
}

impl Config {
    /// Lays `flags` (with the environment) over the files: `only`, or those found in the usual places.
    ///
    /// # Errors
    /// One sentence on what is wrong, with its place.
    pub fn load(flags: Layer, only: Option<PathBuf>) -> Result<Config, ConfigError> {
        let mut layer = flags;
        let mut files = Vec::new();
        let named = only.is_some();
        for (path, text) in file::read_all(only)? {
            let of_file = Layer::of_file(&path, &text)?;
            if !named && file::is_of_the_project(&path) && of_file.upstream.is_some() {
                return Err(foreign_upstream(&path));
            }
            if !named && file::is_of_the_project(&path) && of_file.alerts.channels.is_some() {
                return Err(channel::foreign(&path));
            }
            layer = layer.over(of_file);
            files.push(path);
        }
        Ok(Config::of(layer, files))
    }

    /// What the `text` of a file at `path` says, and the built-in defaults: no file is read.
    ///
    /// # Errors
    /// As [`Config::load`] with that file alone.
    pub fn of_text(path: PathBuf, text: &str) -> Result<Config, ConfigError> {
        let layer = Layer::of_file(&path, text)?;
        Ok(Config::of(layer, vec![path]))
    }

    /// Only what `layer` says, and the built-in defaults: no file is read.
    pub fn without_files(layer: Layer) -> Config {
        Config::of(layer, Vec::new())
    }

    fn of(layer: Layer, files: Vec<PathBuf>) -> Config {
        const LISTEN: SocketAddr = loopback_address(4747);
        const CONSOLE: SocketAddr = loopback_address(4748);
        let defaults = gateway::Config::new(LISTEN);
        let unmetered = layer.budgets.as_ref().is_some_and(Vec::is_empty);
        let budgets = layer.budgets.unwrap_or_default();
        Config {
            files,
            alerts: AlertsConfig::of(layer.alerts, &budgets, &layer.warn_at),
            listen: layer.listen.unwrap_or(LISTEN),
            console: layer.console.unwrap_or(CONSOLE),
            data: layer.data,
            upstream: layer.upstream.unwrap_or(Setting { value: OPENROUTER.to_owned(), from: String::new() }),
            budgets,
            allow_unbudgeted: unmetered || layer.allow_unbudgeted.unwrap_or(false),
            durability: layer.durability.unwrap_or(Durability::Power),
            on_client_gone: layer.on_client_gone.unwrap_or(defaults.on_client_gone),
            per_request: layer.per_request.or(defaults.per_request),
            bounds: pricing::BoundPolicy {
                default_output: layer.default_output.unwrap_or(defaults.bounds.default_output),
                tool_steps: layer.tool_steps.unwrap_or(defaults.bounds.tool_steps),
                tool_uses: layer.tool_uses.unwrap_or(defaults.bounds.tool_uses),
                keep_plugin_defaults: layer
                    .keep_plugin_defaults
                    .unwrap_or(defaults.bounds.keep_plugin_defaults),
                byok: layer.byok.unwrap_or(defaults.bounds.byok),
                allowances: layer.allowances,
            },
            allow_fields: layer.allow_fields.unwrap_or(defaults.allow_fields),
            count_prompts: layer.count_prompts.unwrap_or(defaults.count_prompts),
            clamp_min: layer.clamp_min.unwrap_or(defaults.clamp_min),
            park_max: layer.park_max.unwrap_or(defaults.park_max),
            prices_age_max: layer.prices_age_max.unwrap_or(defaults.prices_age_max),
            routes: layer.routes.unwrap_or_default(),
            fallbacks: layer.fallbacks,
            evidence: layer.evidence.rules(),
            on_overrun: layer.evidence.on_overrun.unwrap_or(defaults.on_overrun),
        }
    }

    /// Whether there is anything to hold calls to, or the user said that there is not.
    pub fn says_what_to_hold(&self) -> bool {
        !self.budgets.is_empty() || self.allow_unbudgeted
    }
}

/// Whoever wrote the folder one happens to stand in must not learn where the key is sent.
fn foreign_upstream(path: &std::path::Path) -> ConfigError {
    let what = format!("{} sets 'upstream', and a project's file may come from anyone", path.display());
    ConfigError::new(format!("{what}: your OpenRouter key would be sent there")).hint(
        "say it yourself: --upstream URL, OPENROUTER_BASE_URL, --config farebox.toml, or ~/.config/farebox/config.toml",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The default file as it would be with every comment sign before a setting taken away.
    fn uncommented() -> String {
        let setting = |line: &str| {
            let bare = line.strip_prefix("# ")?;
            let named = bare.split_once(" = ").is_some_and(|(name, _)| {
                name.trim().chars().all(|c| c.is_ascii_lowercase() || "_\":".contains(c))
            });
            (named || bare.starts_with('[')).then(|| bare.to_owned())
        };
        DEFAULT_FILE.lines().map(|line| setting(line).unwrap_or_default()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_default_file_says_what_the_defaults_are() {
        let told = Layer::of_file("default.toml".as_ref(), &uncommented()).unwrap();
        let told = Config::of(told, Vec::new());
        let built_in = Config::of(Layer::default(), Vec::new());
        assert_eq!(told.listen, built_in.listen);
        assert_eq!(told.console, built_in.console);
        assert_eq!(told.upstream.value, built_in.upstream.value);
        assert_eq!(told.durability, built_in.durability);
        assert_eq!(told.on_client_gone, built_in.on_client_gone);
        assert_eq!(told.allow_unbudgeted, built_in.allow_unbudgeted);
        let mut bounds = told.bounds.clone();
        let allowances = std::mem::take(&mut bounds.allowances);
        assert_eq!(bounds, built_in.bounds);
        assert_eq!(built_in.bounds.allowances, pricing::Allowances::default());
        assert_eq!(allowances.of("plugin:fusion"), Some(Nano::from_cents(150)));
        assert!(allowances.router.is_some());
        assert_eq!(told.allow_fields, built_in.allow_fields);
        assert_eq!(told.clamp_min, built_in.clamp_min);
        assert_eq!(told.park_max, built_in.park_max);
        assert_eq!(told.alerts.check_every, built_in.alerts.check_every);
        let rules = alerts_rules(&told);
        assert_eq!(rules, alerts_rules(&built_in));
        assert!(told.alerts.rules.budget_at.values().all(|at| *at == [50, 80, 100]));
        assert_eq!(told.alerts.channels.len(), 5, "one of each kind");
        assert_eq!(told.prices_age_max, built_in.prices_age_max);
        assert_eq!(told.evidence, built_in.evidence);
        assert_eq!(told.on_overrun, built_in.on_overrun);
        assert_eq!(told.budgets.len(), 2);
        assert_eq!(told.per_request, Some(Nano::from_cents(50)));
        assert!(!built_in.says_what_to_hold());
    }

    /// What does not depend on the budgets.
    fn alerts_rules(config: &Config) -> ::alerts::Rules {
        ::alerts::Rules { budget_at: std::collections::HashMap::new(), ..config.alerts.rules.clone() }
    }

    #[test]
    fn the_default_file_as_it_is_sets_nothing() {
        let told = Layer::of_file("default.toml".as_ref(), DEFAULT_FILE).unwrap();
        assert!(told.budgets.is_none() && told.listen.is_none() && told.durability.is_none());
    }

    #[test]
    fn an_earlier_layer_wins_setting_by_setting() {
        let of = |text: &str| Layer::of_file("f.toml".as_ref(), text).unwrap();
        let high = of("unbudgeted = \"allow\"\n[server]\nlisten = \"127.0.0.1:1\"");
        let low = of("[server]\nlisten = \"127.0.0.1:2\"\nconsole = \"127.0.0.1:3\"");
        let config = Config::of(high.over(low), Vec::new());
        assert_eq!((config.listen.port(), config.console.port()), (1, 3));
        assert!(config.allow_unbudgeted);
    }

    #[test]
    fn no_budgets_at_all_is_only_an_answer_when_it_was_said() {
        let none = Layer { budgets: Some(Vec::new()), ..Layer::default() };
        let config = Config::of(none, Vec::new());
        assert!(config.says_what_to_hold() && config.allow_unbudgeted);
    }
}
