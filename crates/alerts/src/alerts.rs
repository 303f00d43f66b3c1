//! [`Alerts`]: levels in, messages out.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ledger::Span;
use money::Nano;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::channel::{Channel, Clients, Outcome};
use crate::event::{Event, Kind, id_of};
use crate::level::{Level, Pace, Rules, Subject};
use crate::outbox::report::{DeliveryRow, Report};
use crate::outbox::{KEEP_CROSSINGS_MS, Outbox, OutboxError};
use crate::pace;
use crate::watch::Watch;

/// How often a channel looks for what is due: a delivery may have been added by another process.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often what is long over is forgotten, milliseconds.
const PRUNE_EVERY_MS: i64 = 3_600_000;
/// Subjects whose pace is remembered, at most.
const SAMPLED_MAX: usize = 1_000;

/// The same as [`Alerts::report`] from the file alone; `kinds` are the names and kinds of the channels configured. Where
/// there is no file, nothing was said yet.
///
/// # Errors
/// When the file cannot be read.
pub fn report(file: &Path, kinds: &[(String, &str)], most: u32) -> Result<Report, OutboxError> {
    match file.exists() {
        true => report_of(&Outbox::open(file)?, kinds, most),
        false => Ok(Report::without_events(kinds)),
    }
}

fn report_of(outbox: &Outbox, kinds: &[(String, &str)], most: u32) -> Result<Report, OutboxError> {
    // From the file: another process may have said something.
    let watch = Watch::of(outbox.crossings()?);
    outbox.report(&watch.open(), kinds, most)
}

/// Why alerts cannot start.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// No TLS could be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// What watches and tells. Cheap to clone; safe to use from several processes on one file.
#[derive(Clone, Debug)]
pub struct Alerts {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    rules: Rules,
    channels: Vec<Channel>,
    clients: Clients,
    outbox: Mutex<Outbox>,
    watch: Mutex<Watch>,
    samples: Mutex<HashMap<String, Vec<(i64, Nano)>>>,
    pruned_ms: Mutex<i64>,
    news: Notify,
    failures: AtomicU64,
    is_failing: AtomicBool,
}

impl Alerts {
    /// Opens or makes the file (mode 0600), and takes up what was said and what is still to be delivered.
    ///
    /// # Errors
    /// When the file cannot be used, or TLS cannot be set up.
    pub fn open(file: &Path, rules: Rules, channels: Vec<Channel>) -> Result<Alerts, OpenError> {
        let mut outbox = Outbox::open(file)?;
        let watch = Watch::of(outbox.crossings()?);
        for channel in &channels {
            if outbox.disabled(&channel.name)?.is_some_and(|(_, place)| place != channel.place()) {
                outbox.enable(&channel.name)?;
            }
        }
        let shared = Shared {
            rules,
            channels,
            clients: Clients::new().map_err(OpenError::Tls)?,
            outbox: Mutex::new(outbox),
            watch: Mutex::new(watch),
            samples: Mutex::default(),
            pruned_ms: Mutex::new(i64::MIN),
            news: Notify::new(),
            failures: AtomicU64::new(0),
            is_failing: AtomicBool::new(false),
        };
        Ok(Alerts { shared: Arc::new(shared) })
    }

    /// The channels, as configured.
    pub fn channels(&self) -> &[Channel] {
        &self.shared.channels
    }

    /// Looks at levels and commits what they are worth, for every channel. Returns the events that are news.
    ///
    /// # Errors
    /// When the file cannot be written; then nothing is remembered, and the next look decides again.
    pub fn look(&self, levels: &[Level], now_ms: i64) -> Result<Vec<Event>, OutboxError> {
        let shared = &self.shared;
        let names: Vec<String> = shared.channels.iter().map(|channel| channel.name.clone()).collect();
        let mut watch = shared.watch.lock();
        let mut news = Vec::new();
        let mut decisions = watch.ended(now_ms);
        decisions.extend(levels.iter().flat_map(|level| watch.decide(level, &shared.rules, now_ms)));
        for decision in decisions {
            let is_news = shared.outbox.lock().record(&decision, &names)?;
            watch.apply(&decision);
            news.extend(decision.event.filter(|_| is_news));
        }
        watch.forget(now_ms.saturating_sub(KEEP_CROSSINGS_MS));
        drop(watch);
        self.prune(now_ms)?;
        if !news.is_empty() {
            shared.news.notify_waiters();
        }
        Ok(news)
    }

    /// How fast a subject goes. For what has no window with an end, this remembers what is used now.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn pace(
        &self,
        subject: &Subject,
        span: Span,
        used: Nano,
        now_ms: i64,
    ) -> Result<Option<Pace>, OutboxError> {
        if span.ends_ms.is_some() {
            return Ok(Pace::of_window(span, used, now_ms));
        }
        let id = subject.id();
        let mut all = self.shared.samples.lock();
        if !all.contains_key(&id) {
            if all.len() >= SAMPLED_MAX {
                return Ok(None);
            }
            let samples = self.shared.outbox.lock().samples(&id)?;
            all.insert(id.clone(), samples);
        }
        let samples = all.entry(id.clone()).or_default();
        if samples.last().is_none_or(|(at_ms, _)| now_ms - at_ms >= pace::SAMPLE_EVERY_MS) {
            let before_ms = now_ms - pace::HORIZON_MS - pace::SAMPLE_EVERY_MS;
            self.shared.outbox.lock().sample(&id, now_ms, used, before_ms)?;
            samples.retain(|(at_ms, _)| *at_ms >= before_ms);
            samples.push((now_ms, used));
        }
        Ok(pace::of_samples(samples, used, now_ms))
    }

    /// Commits a test message for these channels. Returns its id.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn test(&self, channels: &[String], now_ms: i64) -> Result<String, OutboxError> {
        let random = fastrand::u64(..).to_string();
        let id = id_of(&["test", &now_ms.to_string(), &random]);
        let event = Event {
            kind: Kind::Test,
            at_ms: now_ms,
            subject: Subject::Credits,
            window: String::new(),
            starts_ms: 0,
            ends_ms: None,
            threshold: None,
            also_passed: Vec::new(),
            limit: Nano::ZERO,
            used: Nano::ZERO,
            left: Nano::ZERO,
            refused: 0,
            runs_out_ms: None,
            resolves: None,
            incident: format!("farebox/test/{id}"),
            id: id.clone(),
        };
        self.shared.outbox.lock().add(&event, channels)?;
        self.shared.news.notify_waiters();
        Ok(id)
    }

    /// Ends an event's deliveries that still wait: nobody wants a test later.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn give_up(&self, event: &str) -> Result<(), OutboxError> {
        self.shared.outbox.lock().give_up(event)
    }

    /// Sends everything that is due at `now_ms`, the channels beside each other. Returns how many attempts were made.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub async fn deliver(&self, now_ms: i64) -> Result<usize, OutboxError> {
        let mut channels = JoinSet::new();
        for at in 0..self.shared.channels.len() {
            let alerts = self.clone();
            channels.spawn(async move { alerts.deliver_to(&alerts.shared.channels[at], &|| now_ms).await });
        }
        let mut attempts = 0;
        while let Some(done) = channels.join_next().await {
            attempts += done.unwrap_or(Ok(0))?;
        }
        Ok(attempts)
    }

    /// Delivers as long as the process lives, each channel on its own.
    pub fn start(&self, now_ms: fn() -> i64) {
        for at in 0..self.shared.channels.len() {
            let alerts = self.clone();
            tokio::spawn(async move {
                loop {
                    let channel = &alerts.shared.channels[at];
                    if let Err(error) = alerts.deliver_to(channel, &now_ms).await {
                        alerts.failed(&error);
                    }
                    let _ = tokio::time::timeout(LOOK_EVERY, alerts.shared.news.notified()).await;
                }
            });
        }
    }

    /// Logs and counts a failure of ours; the same one again and again is said once.
    pub fn failed(&self, error: &dyn std::error::Error) {
        self.shared.failures.fetch_add(1, Ordering::Relaxed);
        if !self.shared.is_failing.swap(true, Ordering::Relaxed) {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            tracing::warn!(%error, cause, "alerts do not work");
        }
    }

    /// Counts a failure of others that keeps alerts from knowing something.
    pub fn cannot_know(&self, what: &str, error: &dyn std::error::Error) {
        self.shared.failures.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%error, what, "alerts do not know how it stands");
    }

    /// It works again.
    pub fn works(&self) {
        if self.shared.is_failing.swap(false, Ordering::Relaxed) {
            tracing::warn!("alerts work again");
        }
    }

    /// Failures since the start.
    pub fn failures(&self) -> u64 {
        self.shared.failures.load(Ordering::Relaxed)
    }

    /// What is open, the last `most` events, how each channel does.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn report(&self, most: u32) -> Result<Report, OutboxError> {
        let outbox = self.shared.outbox.lock();
        let kinds: Vec<(String, &str)> =
            self.shared.channels.iter().map(|channel| (channel.name.clone(), channel.kind())).collect();
        report_of(&outbox, &kinds, most)
    }

    /// How an event fares on its way to each channel.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn deliveries(&self, event: &str) -> Result<Vec<DeliveryRow>, OutboxError> {
        self.shared.outbox.lock().deliveries(event)
    }

    /// Sends what is due on one channel, oldest first, until one attempt fails for now.
    async fn deliver_to(
        &self,
        channel: &Channel,
        now_ms: &(impl Fn() -> i64 + Sync),
    ) -> Result<usize, OutboxError> {
        let mut attempts = 0;
        loop {
            let leased = self.shared.outbox.lock().lease(&channel.name, now_ms())?;
            let Some(leased) = leased else { return Ok(attempts) };
            attempts += 1;
            let outcome = channel.send(&self.shared.clients, &leased.event, now_ms()).await;
            self.log(channel, &leased.event, &outcome);
            let mut outbox = self.shared.outbox.lock();
            outbox.ended(&channel.name, &leased, &outcome, now_ms())?;
            match outcome {
                Outcome::Delivered { .. } if leased.event.kind == Kind::Test => {
                    outbox.enable(&channel.name)?
                }
                Outcome::Gone { why } => outbox.disable(&channel.name, &channel.place(), &why, now_ms())?,
                Outcome::Later { .. } => return Ok(attempts),
                Outcome::Delivered { .. } | Outcome::Final { .. } => {}
            }
        }
    }

    fn log(&self, channel: &Channel, event: &Event, outcome: &Outcome) {
        let (name, id, kind, answer) = (&channel.name, &event.id, event.name(), outcome.words());
        match outcome {
            Outcome::Delivered { .. } => {
                tracing::info!(channel = name, id, kind, answer, "an alert was delivered")
            }
            Outcome::Later { .. } => {
                tracing::warn!(channel = name, id, kind, answer, "an alert was not delivered yet")
            }
            Outcome::Final { .. } | Outcome::Gone { .. } => {
                tracing::warn!(channel = name, id, kind, answer, "an alert cannot be delivered");
            }
        }
    }

    fn prune(&self, now_ms: i64) -> Result<(), OutboxError> {
        let mut pruned_ms = self.shared.pruned_ms.lock();
        if now_ms.saturating_sub(*pruned_ms) < PRUNE_EVERY_MS {
            return Ok(());
        }
        self.shared.outbox.lock().prune(now_ms)?;
        *pruned_ms = now_ms;
        Ok(())
    }
}
