//! The price book for commands: where it comes from, how old it is, and a word about both.
//!
//! In this order: what a gateway keeps in the folder of the books, when it is of today; what such a command kept in
//! the user's cache before; OpenRouter itself, when both are older than a day or `--refresh` asks for it; the rows
//! built into the program. Fails open: prices that cannot be renewed are used as they are, with a warning.

mod names;
mod renewing;

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use farebox::config::{Config, Layer, Setting};
use jiff::Timestamp;
use openrouter::catalogue::{Catalogue, Entry, SNAPSHOT_DATE, cache_in, history};
use openrouter::client::{AskError, Upstream};
use pricing::{Book, BookSource, Bound, Model};
use serde_json::{Value, json};

pub(crate) use self::names::meant;
pub(crate) use self::renewing::Renewing;
use crate::failure::{Failure, chain};
use crate::prose;
use crate::terminal::Terminal;

/// Prices older than this are renewed, or warned about.
const FRESH_MS: i64 = 24 * 60 * 60 * 1000;
/// Nobody waits longer for prices.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where prices come from.
#[derive(Clone, Debug, Args)]
pub(crate) struct PriceArgs {
    /// Read the prices anew first
    #[arg(long, conflicts_with = "offline", help_heading = "Prices")]
    refresh: bool,
    /// Ask nobody: take the prices on disk, or those built in
    #[arg(long, help_heading = "Prices")]
    offline: bool,
    /// Whose prices [default: https://openrouter.ai/api/v1]
    #[arg(
        long,
        value_name = "URL",
        env = "OPENROUTER_BASE_URL",
        hide_env_values = true,
        help_heading = "Prices"
    )]
    upstream: Option<String>,
    /// The folder of the books, where a gateway keeps its prices
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true, help_heading = "Prices")]
    data: Option<PathBuf>,
    /// Read this configuration file and no other
    #[arg(
        long,
        value_name = "FILE",
        env = "FAREBOX_CONFIG",
        hide_env_values = true,
        help_heading = "Prices"
    )]
    config: Option<PathBuf>,
}

impl PriceArgs {
    /// The same, but nobody is asked unless that was said.
    pub(crate) fn quiet(&self) -> PriceArgs {
        PriceArgs { offline: !self.refresh, ..self.clone() }
    }
}

/// The price book, and what else the configuration says.
pub(crate) struct Prices {
    /// What holds for the gateway as well.
    pub(crate) config: Config,
    /// The folder of the books, if there is a place for one.
    pub(crate) data: Option<PathBuf>,
    catalogue: Catalogue,
    upstream: Upstream,
    offline: bool,
    failure: Option<String>,
}

impl Prices {
    /// The freshest there is without waiting long.
    pub(crate) async fn open(args: &PriceArgs) -> Result<Prices, Failure> {
        let (config, upstream) = settings(args)?;
        let data = config.data.clone().or_else(farebox::config::default_data);
        let of_gateway = data.as_ref().map(|data| Catalogue::look(&cache_in(data, upstream.base())));
        let catalogue = match of_gateway {
            Some(catalogue) if is_fresh(&catalogue) && !args.refresh => catalogue,
            of_gateway => {
                let own = cache_folder().map(|folder| cache_in(&folder, upstream.base()));
                newer(Catalogue::open(own.as_deref()), of_gateway)
            }
        };
        let mut prices = Prices { config, data, catalogue, upstream, offline: args.offline, failure: None };
        if !args.offline && (args.refresh || !is_fresh(&prices.catalogue)) {
            prices.note(within(prices.catalogue.refresh(&prices.upstream)).await);
        }
        Ok(prices)
    }

    /// The book.
    pub(crate) fn book(&self) -> Arc<Book> {
        self.catalogue.book()
    }

    /// Whether the prices are older than a day.
    fn are_old(&self) -> bool {
        !is_fresh(&self.catalogue)
    }

    /// Makes a bound of these prices what their age lets it be: published at best where they are older than a day.
    pub(crate) fn date(&self, bound: &mut Bound) {
        if self.are_old() {
            bound.rests_on_stale_prices();
        }
    }

    /// The models that a name means: its route's, as far as the book has them, or itself.
    pub(crate) fn routed(&self, name: &str) -> Vec<String> {
        let route = self.config.routes.sorted().into_iter().find(|route| route.name == name);
        let Some(route) = route else { return vec![name.to_owned()] };
        let book = self.book();
        let known: Vec<String> =
            route.models.iter().filter(|model| book.model(model).is_some()).cloned().collect();
        if known.is_empty() { route.models.clone() } else { known }
    }

    /// Reads the endpoints of these models where they are missing, so that bounds are as tight as a gateway's.
    pub(crate) async fn know(&mut self, names: Vec<String>) {
        for name in names {
            let missing = self.book().model(&name).is_some_and(|m| m.endpoints.is_none() && !m.is_free());
            if missing && !self.offline && self.failure.is_none() {
                self.note(within(self.catalogue.refresh_model(&self.upstream, &name)).await);
            }
        }
    }

    /// What has changed, as kept by a gateway in the folder of the books and by commands like this one: the oldest
    /// first, each change once.
    pub(crate) fn history(&self) -> Vec<Entry> {
        let folders = self.data.clone().into_iter().chain(cache_folder());
        let mut all: Vec<Entry> =
            folders.flat_map(|folder| history(&cache_in(&folder, self.upstream.base()))).collect();
        all.sort_by_key(|entry| entry.at);
        let mut last: BTreeMap<String, usize> = BTreeMap::new();
        let mut told: Vec<Entry> = Vec::with_capacity(all.len());
        for entry in all {
            // What both have seen is told where it was seen first.
            let same = |other: &Entry| (other.change, &other.moves) == (entry.change, &entry.moves);
            if last.get(&entry.model).is_some_and(|&at| same(&told[at])) {
                continue;
            }
            last.insert(entry.model.clone(), told.len());
            told.push(entry);
        }
        told
    }

    /// The models with endpoints that retain nothing, as far as anybody has asked.
    pub(crate) fn known_zdr(&self) -> Option<BTreeMap<String, Vec<String>>> {
        self.catalogue.zdr()
    }

    /// The same, asked anew where that may be.
    pub(crate) async fn zdr(&mut self) -> Result<BTreeMap<String, Vec<String>>, Failure> {
        if !self.offline {
            self.note(within(self.catalogue.refresh_zdr(&self.upstream)).await);
        }
        self.known_zdr().ok_or_else(|| {
            let failure =
                Failure::failed("which models can be asked without anything being retained is not known");
            match self.offline {
                true => failure.hint("leave --offline out once: OpenRouter lists them"),
                false => failure.hint(format!("{} does not tell; leave --zdr out", self.upstream.base())),
            }
        })
    }

    fn note(&mut self, outcome: Result<(), String>) {
        self.failure = outcome.err().or(self.failure.take());
    }

    /// Where the prices came from and how old they are, on one line.
    pub(crate) fn told(&self) -> String {
        let book = self.book();
        match book.source {
            BookSource::Snapshot => format!("prices: built in, of {SNAPSHOT_DATE}"),
            BookSource::Cache => format!("prices: on disk, {}", age(&book)),
            BookSource::Live => format!("prices: live, {}", age(&book)),
        }
    }

    /// The same for machines.
    pub(crate) fn as_json(&self) -> Value {
        let book = self.book();
        let source = match book.source {
            BookSource::Snapshot => "snapshot",
            BookSource::Cache => "cache",
            BookSource::Live => "live",
        };
        let fetched_at = Timestamp::from_millisecond(book.fetched_at_ms).map(|at| at.to_string()).ok();
        json!({ "source": source, "fetched_at": fetched_at })
    }

    /// Says on stderr what is wrong with the prices, if anything is.
    pub(crate) fn warn(&self) {
        let book = self.book();
        let reason =
            self.failure.as_ref().map(|why| format!("{} could not be asked ({why})", self.upstream.base()));
        let text = match (is_fresh(&self.catalogue), book.source, reason) {
            (true, _, None) => return,
            (true, _, Some(reason)) => format!("{reason}; these are {}", age(&book)),
            (false, BookSource::Snapshot, reason) => {
                let why = reason.map(|reason| format!("; {reason}")).unwrap_or_default();
                format!("these prices were built in on {SNAPSHOT_DATE}, and today's may differ{why}")
            }
            (false, _, reason) => {
                let why = reason.map(|reason| format!("; {reason}")).unwrap_or_default();
                format!("these prices are {}, and today's may differ{why}", age(&book))
            }
        };
        let terminal = Terminal::of_stderr();
        eprint!("{}", prose::line(&format!("{} {text}", terminal.yellow("warning:")), 2, &terminal));
    }

    /// The row of a name that was typed.
    pub(crate) fn model<'b>(book: &'b Book, name: &str) -> Result<&'b Model, Failure> {
        if let Some(model) = book.model(name) {
            return Ok(model);
        }
        let failure =
            Failure::usage(format!("there is no model '{}' in the price book", name.escape_debug()));
        if name.contains("@preset/") {
            return Err(
                failure.hint("a preset is kept at OpenRouter, and costs what the model costs that it names")
            );
        }
        if let Some(hint) = names::variants(name, book) {
            return Err(failure.hint(hint));
        }
        let holding = names::holding(name, book);
        if holding > names::OFFERED_MAX {
            return Err(failure.hint(format!(
                "{holding} models have that in their names: farebox models list --search {name}"
            )));
        }
        let near = names::nearest(name, book);
        Err(match near.split_last() {
            None => failure.hint("farebox models list --search WORD looks for one"),
            Some((only, [])) => failure.hint(format!("did you mean {only}?")),
            Some((last, others)) => failure.hint(format!("did you mean {} or {last}?", others.join(", "))),
        })
    }
}

/// The configuration, and whose prices are meant.
fn settings(args: &PriceArgs) -> Result<(Config, Upstream), Failure> {
    let from = "--upstream or OPENROUTER_BASE_URL".to_owned();
    let flags = Layer {
        data: args.data.clone(),
        upstream: args.upstream.clone().map(|value| Setting { value, from }),
        ..Layer::default()
    };
    let config = Config::load(flags, args.config.clone())?;
    let upstream = Upstream::new(&config.upstream.value).map_err(|error| {
        Failure::usage(chain(&error)).hint("an upstream is a URL such as https://openrouter.ai/api/v1")
    })?;
    Ok((config, upstream))
}

fn is_fresh(catalogue: &Catalogue) -> bool {
    now_ms() - catalogue.book().fetched_at_ms <= FRESH_MS
}

fn newer(one: Catalogue, other: Option<Catalogue>) -> Catalogue {
    match other {
        Some(other) if other.book().fetched_at_ms > one.book().fetched_at_ms => other,
        _ => one,
    }
}

async fn within<T>(asking: impl Future<Output = Result<T, AskError>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(answer) => answer.map_err(|error| chain(&error)),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// `$XDG_CACHE_HOME/farebox`, `~/.cache/farebox`: a gateway's folder is left to the gateway.
fn cache_folder() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(folder.join("farebox"))
}

fn age(book: &Book) -> String {
    let minutes = (now_ms() - book.fetched_at_ms).max(0) / 60_000;
    match minutes {
        0 => "just now".to_owned(),
        1..120 => format!("{minutes} min old"),
        120..2_880 => format!("{} h old", minutes / 60),
        _ => format!("{} days old", minutes / 1_440),
    }
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}
