//! The gateway's own watch: looks at the budgets about once a second and at the account every `check_every`, and
//! hands what it sees to `alerts`.
//!
//! On a thread and with connections of its own, so that neither a slow disk nor a slow receiver can hold up a call.
//! What goes wrong is logged and counted, and tried again at the next look (fails open: the ledger holds the money,
//! not the warnings).

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use admission::Admission;
use alerts::{Alerts, Level};
use farebox::config::{AlertsConfig, Config};
use gateway::{Gateway, Secret};
use jiff::Timestamp;
use openrouter::client::Upstream;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::failure::{Failure, chain};
use crate::levels;
use crate::terminal::Terminal;

/// The file in the folder of the books.
pub(crate) const FILE: &str = "alerts.db";
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A look at many balances takes its time under their lock: at most a two-hundredth of all time goes there.
const LOOK_SHARE: u32 = 200;
/// How many explanations are read back for refusals; more than come within a look are not counted.
const EXPLANATIONS_MAX: usize = 512;
/// OpenRouter's counters lag (CONTRACT 2): a window that has just begun may still show what the last one used.
const LAG_MS: i64 = 5 * 60_000;

/// Opens the alerts of a folder, with the secrets of its channels, which must be there. A file that cannot be used is
/// said, and nothing is watched: calls go on.
pub(super) fn open(config: &AlertsConfig, data: &Path) -> Result<Option<Alerts>, Failure> {
    let channels =
        config.channels.iter().map(farebox::config::ChannelPlan::open).collect::<Result<_, _>>()?;
    let file = data.join(FILE);
    match Alerts::open(&file, config.rules.clone(), channels) {
        Ok(alerts) => Ok(Some(alerts)),
        Err(error) => {
            let warning = Terminal::of_stderr().yellow("warning:");
            eprintln!("{warning} nothing is watched, {} cannot be used: {}", file.display(), chain(&error));
            Ok(None)
        }
    }
}

/// Who is asked about the account, and with what.
pub(super) struct Account {
    /// The base URL.
    pub(super) url: String,
    /// The gateway's own upstream key.
    pub(super) key: Option<Secret>,
    /// For the credits.
    pub(super) management_key: Option<Secret>,
}

/// Watches and delivers until the process ends.
pub(super) fn start(
    config: &Config,
    alerts: &Alerts,
    admission: Admission,
    gateway: Gateway,
    account: Account,
) -> Result<(), Failure> {
    let check_every = config.alerts.check_every;
    let alerts = alerts.clone();
    let watching = async move {
        alerts.start(now_ms);
        let budgets = Budgets { admission, gateway, alerts: alerts.clone(), refused: Refused::default() };
        tokio::join!(budgets.watch(), watch_account(account, alerts, check_every));
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::caused("cannot start the watch", &error))?;
    let thread = std::thread::Builder::new().name("alerts".to_owned());
    thread
        .spawn(move || runtime.block_on(watching))
        .map(drop)
        .map_err(|error| Failure::caused("cannot start the watch", &error))
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

struct Budgets {
    admission: Admission,
    gateway: Gateway,
    alerts: Alerts,
    refused: Refused,
}

/// Refusals for want of money, by budget, scope and end of the window.
#[derive(Default)]
struct Refused {
    by_balance: HashMap<(String, String, Option<String>), u64>,
    all: u64,
    last: String,
}

impl Budgets {
    async fn watch(mut self) {
        loop {
            let began = Instant::now();
            self.look();
            sleep(LOOK_EVERY.max(began.elapsed() * LOOK_SHARE)).await;
        }
    }

    fn look(&mut self) {
        let now_ms = now_ms();
        self.refused.read(&self.gateway);
        let reports = self.admission.balances(now_ms);
        let levels = reports.iter().map(|report| {
            let refused = self.refused.of(&report.name);
            levels::paced(levels::of_balance(report, refused, now_ms), &self.alerts, now_ms)
        });
        let looked =
            levels.collect::<Result<Vec<Level>, _>>().and_then(|levels| self.alerts.look(&levels, now_ms));
        match looked {
            Ok(_) => self.alerts.works(),
            Err(error) => self.alerts.failed(&error),
        }
        self.refused.forget(now_ms);
    }
}

impl Refused {
    /// Counts what was refused since the last time.
    fn read(&mut self, gateway: &Gateway) {
        let all = gateway.stats().get("refused").and_then(Value::as_u64).unwrap_or(0);
        if all == self.all {
            return;
        }
        self.all = all;
        let explanations = gateway.explanations(EXPLANATIONS_MAX);
        let request = |explanation: &Value| explanation["request"].as_str().unwrap_or_default().to_owned();
        for explanation in explanations.iter().take_while(|explanation| request(explanation) != self.last) {
            let budget = &explanation["budget"];
            if explanation["reason"] == "used-up" && budget.is_object() {
                let text = |field: &str| budget[field].as_str().map(str::to_owned);
                let key = (text("name").unwrap_or_default(), budget["scope"].to_string(), text("ends_at"));
                *self.by_balance.entry(key).or_default() += 1;
            }
        }
        self.last = explanations.first().map(request).unwrap_or_default();
    }

    fn of(&self, name: &ledger::BalanceName) -> u64 {
        if self.by_balance.is_empty() {
            return 0;
        }
        let scope: serde_json::Map<String, Value> =
            name.scope.iter().map(|(label, value)| (label.clone(), value.as_str().into())).collect();
        let ends_at = name.ends_ms.and_then(|ends_ms| Timestamp::from_millisecond(ends_ms).ok());
        let key = (name.budget.clone(), Value::Object(scope).to_string(), ends_at.map(|at| at.to_string()));
        self.by_balance.get(&key).copied().unwrap_or(0)
    }

    fn forget(&mut self, now_ms: i64) {
        let ended = |ends_at: &Option<String>| {
            let ends_at = ends_at.as_ref().and_then(|text| text.parse::<Timestamp>().ok());
            ends_at.is_some_and(|ends_at| ends_at.as_millisecond() <= now_ms)
        };
        self.by_balance.retain(|(_, _, ends_at), _| !ended(ends_at));
    }
}

async fn watch_account(account: Account, alerts: Alerts, check_every: Duration) {
    let upstream = match Upstream::new(&account.url) {
        Ok(upstream) => upstream,
        Err(error) => return alerts.failed(&error),
    };
    loop {
        let levels = account_levels(&account, &upstream, &alerts).await;
        let now_ms = now_ms();
        let paced = levels.into_iter().map(|level| levels::paced(level, &alerts, now_ms));
        let looked = paced.collect::<Result<Vec<Level>, _>>().and_then(|levels| alerts.look(&levels, now_ms));
        if let Err(error) = looked {
            alerts.failed(&error);
        }
        sleep(check_every).await;
    }
}

/// What can be known of the account; what cannot is logged and counted.
async fn account_levels(account: &Account, upstream: &Upstream, alerts: &Alerts) -> Vec<Level> {
    let mut levels = Vec::new();
    let mut may_tell_credits = account.management_key.clone();
    if let Some(key) = &account.key {
        match upstream.key(key.expose()).await {
            Ok(info) => {
                if info.is_management_key() {
                    may_tell_credits.get_or_insert_with(|| key.clone());
                }
                let now = Timestamp::now();
                let settled = |level: &Level| {
                    level.span.starts_ms == 0 || now.as_millisecond() - level.span.starts_ms >= LAG_MS
                };
                levels.extend(levels::of_key(&info, now).filter(settled));
            }
            Err(error) => alerts.cannot_know("the upstream key", &error),
        }
    }
    if let Some(key) = may_tell_credits {
        // Zeros are what a key gets that may not know (CONTRACT 3).
        match upstream.credits(key.expose()).await {
            Ok(credits) if !credits.is_zeros() => levels.push(levels::of_credits(&credits)),
            Ok(_) => tracing::debug!("the credits are told as zeros"),
            Err(error) => alerts.cannot_know("the credits", &error),
        }
    }
    levels
}
