//! [`Builder`]: a house set up in the program.

use std::path::PathBuf;
use std::time::Duration;

use gateway::{ClientGone, Secret};
use ledger::Budget;
use money::Nano;
use pricing::Allowances;
use store::Durability;

use crate::config::{BudgetFlag, Config, ConfigError, Layer, Setting, budgets_of_flags};
use crate::{Farebox, OpenError};

/// Sets up a [`Farebox`]. What is not set is as built in; `farebox help config` prints that.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    config: Config,
    budgets: Vec<BudgetFlag>,
    key: Option<Secret>,
    management_key: Option<Secret>,
    wrong: Option<ConfigError>,
}

impl Builder {
    /// Everything from a configuration, such as [`Config::load`] reads; what is set after it goes over it.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// A limit over all calls: `10/day`, `10/5h`, `5/lifetime`; `none` for no limit. Several stand side by side.
    pub fn budget(mut self, limit: &str) -> Self {
        match limit.parse() {
            Ok(flag) => self.budgets.push(flag),
            Err(error) => self.wrong = self.wrong.or(Some(ConfigError::new(error))),
        }
        self
    }

    /// Budgets of any kind, in place of those of the configuration.
    pub fn budgets(mut self, budgets: Vec<Budget>) -> Self {
        self.config.budgets = budgets;
        self
    }

    /// Whether a call that no budget matches passes, uncounted.
    pub fn allow_unbudgeted(mut self, allow: bool) -> Self {
        self.config.allow_unbudgeted = allow;
        self
    }

    /// The folder of the books; without one, the gateway's usual place.
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.config.data = Some(folder.into());
        self
    }

    /// Where calls go, such as `https://openrouter.ai/api/v1`, which it is without this.
    pub fn upstream(mut self, url: impl Into<String>) -> Self {
        self.config.upstream = Setting { value: url.into(), from: "the program".to_owned() };
        self
    }

    /// The OpenRouter key that pays. Without one, each call brings its own ([`crate::Call::key`]).
    pub fn upstream_key(mut self, key: &str) -> Self {
        self.key = Some(self.sound(key, "the upstream key is not an OpenRouter key"));
        self
    }

    /// A management key of the account: with it the books are held against OpenRouter's bill, call by call
    /// (`[evidence]`). It pays for nothing, and nothing is changed with it.
    pub fn management_key(mut self, key: &str) -> Self {
        self.management_key = Some(self.sound(key, "the management key is not an OpenRouter key"));
        self
    }

    fn sound(&mut self, key: &str, otherwise: &str) -> Secret {
        let secret = Secret::new(key);
        let key = secret.expose();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.wrong.get_or_insert_with(|| ConfigError::new(otherwise));
        }
        secret
    }

    /// What the books survive: a power cut, or (faster) the death of the process.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.config.durability = durability;
        self
    }

    /// A ceiling on any one call, USD.
    pub fn per_request(mut self, most: Nano) -> Self {
        self.config.per_request = Some(most);
        self
    }

    /// The output cap of a call that sets none, tokens.
    pub fn default_output(mut self, tokens: u64) -> Self {
        self.config.bounds.default_output = tokens;
        self
    }

    /// The most steps of a call whose tools run at OpenRouter, each of them billed anew.
    pub fn tool_steps(mut self, most: u32) -> Self {
        self.config.bounds.tool_steps = most.max(1);
        self
    }

    /// The most searches, and the most pages, of such a call.
    pub fn tool_uses(mut self, most: u32) -> Self {
        self.config.bounds.tool_uses = most.max(1);
        self
    }

    /// Whether a prompt may be counted where its bytes do not fit the money, at providers that have been seen to count
    /// as the model's public tokenizer does.
    pub fn count_prompts(mut self, count: bool) -> Self {
        self.config.count_prompts = count;
        self
    }

    /// Whether OpenRouter's fee for own keys at providers (BYOK) is held for from the first call; else from the first
    /// answer, or key, that shows such a key.
    pub fn byok(mut self, always: bool) -> Self {
        self.config.bounds.byok = always;
        self
    }

    /// Whether plugins that the account has on by default stay on: what they cost is then in no bound.
    pub fn keep_plugin_defaults(mut self, keep: bool) -> Self {
        self.config.bounds.keep_plugin_defaults = keep;
        self
    }

    /// Fields that may hold objects or lists although Farebox does not know them, as paths into the body.
    pub fn allow_fields(mut self, fields: Vec<String>) -> Self {
        self.config.allow_fields = fields;
        self
    }

    /// Figures for what has no bound, and the ceiling of routers.
    pub fn allowances(mut self, allowances: Allowances) -> Self {
        self.config.bounds.allowances = allowances;
        self
    }

    /// How far an output cap may be lowered to fit the money, tokens; `None`: never lowered.
    pub fn clamp_min(mut self, tokens: Option<u64>) -> Self {
        self.config.clamp_min = tokens;
        self
    }

    /// How long a call may wait for the holds of others; zero: not at all.
    pub fn park_max(mut self, most: Duration) -> Self {
        self.config.park_max = most;
        self
    }

    /// How old prices may be, when OpenRouter cannot be asked for fresh ones.
    pub fn prices_age_max(mut self, most: Duration) -> Self {
        self.config.prices_age_max = most;
        self
    }

    /// What becomes of a stream that the program drops before its end.
    pub fn on_client_gone(mut self, policy: ClientGone) -> Self {
        self.config.on_client_gone = policy;
        self
    }

    /// Takes the folder's lock, reads the books, marks what was in flight at the last end as unknown, and starts the
    /// background work on the current tokio runtime: fresh prices, and asking for unknown costs.
    ///
    /// # Errors
    /// [`OpenError`]: a setting is wrong, there is no budget, or another process keeps the books of this folder.
    pub async fn open(mut self) -> Result<Farebox, OpenError> {
        if let Some(wrong) = self.wrong {
            return Err(wrong.into());
        }
        // No budget at all, said on purpose.
        if let Some(budgets) = budgets_of_flags(&self.budgets)? {
            self.config.allow_unbudgeted |= budgets.is_empty();
            self.config.budgets = budgets;
        }
        Farebox::open_with(self.config, self.key, self.management_key).await
    }
}

impl Default for Builder {
    fn default() -> Self {
        let config = Config::without_files(Layer::default());
        Builder { config, budgets: Vec::new(), key: None, management_key: None, wrong: None }
    }
}
