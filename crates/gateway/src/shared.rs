//! [`Gateway`]: what every request shares.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use admission::Admission;
use bytes::Bytes;
use http::{Request, Response};
use ledger::UpstreamKeyId;
use openrouter::account::Admin;
use openrouter::catalogue::Catalogue;
use openrouter::client::Upstream;
use parking_lot::Mutex;
use serde_json::Value;
use store::{HonestyRow, OpenError, SavingRow};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::audit::AuditReport;
use crate::body::Body;
use crate::byok::Byok;
use crate::caller::Caller;
use crate::clock::{Clock, Dates};
use crate::config::{Config, Secret};
use crate::counting::{self, Seen};
use crate::evidence::{self, AuditError, Rechecks};
use crate::explain::Explanations;
use crate::honesty::{Finding, Register};
use crate::intake::Occupied;
use crate::route_table::{RouteError, Routes, check_fallbacks};
use crate::server;
use crate::stats::Stats;

/// How often the price book is fetched.
const PRICES_EVERY: Duration = Duration::from_secs(300);
/// From this age on prices are old: OpenRouter has missed a day of refreshes.
pub(crate) const PRICES_OLD: Duration = Duration::from_secs(24 * 3600);
/// How long a request waits for stale prices, and how often that is tried.
const FRESHEN_WITHIN: Duration = Duration::from_secs(4);
const FRESHEN_AFTER: Duration = Duration::from_secs(2);
/// A model whose endpoints are asked for when all that is wanted is an answer.
const A_MODEL: &str = "openai/gpt-4o-mini";
/// Callers' own keys kept in memory to ask for the cost of what they paid for, at most.
const OWN_KEYS_MAX: usize = 10_000;

/// The data plane. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gateway {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) admission: Admission,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) upstream: Upstream,
    /// Everybody, when the gateway has a key of its own.
    pub(crate) local: Option<Caller>,
    pub(crate) bodies: Arc<Occupied>,
    pub(crate) parked_bodies: Arc<Occupied>,
    pub(crate) answers: Arc<Occupied>,
    pub(crate) stats: Stats,
    pub(crate) explanations: Explanations,
    honesty: Register,
    /// To read the account's bill with, when there is a management key.
    pub(crate) admin: Option<Admin>,
    pub(crate) rechecks: Rechecks,
    pub(crate) auditing: tokio::sync::Mutex<()>,
    pub(crate) audit: Mutex<Option<AuditReport>>,
    background: Mutex<JoinSet<()>>,
    own_keys: Mutex<HashMap<UpstreamKeyId, Secret>>,
    /// Prompts counted at once.
    pub(crate) counts: Arc<tokio::sync::Semaphore>,
    /// Prompts kept at once until their answers tell how long they were, and what those told.
    pub(crate) samples: Arc<tokio::sync::Semaphore>,
    pub(crate) seen: Seen,
    pub(crate) byok: Byok,
    /// When the upstream was last asked what time it is.
    heard: tokio::sync::Mutex<Option<Instant>>,
    /// When stale prices were last asked for out of turn.
    freshened: tokio::sync::Mutex<Option<Instant>>,
    flights: AtomicUsize,
    request_prefix: u64,
    next_request: AtomicU64,
}

impl Gateway {
    /// Over an open ledger, a catalogue and an upstream.
    pub fn new(config: Config, admission: Admission, catalogue: Arc<Catalogue>, upstream: Upstream) -> Self {
        hear_dates(&upstream, &admission, &config.clock);
        let local = config.upstream_key.clone().map(Caller::local);
        let earlier = admission.books().honesty().unwrap_or_else(|error| {
            tracing::warn!(%error, "the honesty register cannot be read; it begins anew");
            Vec::new()
        });
        let honesty = Register::new(config.on_overrun, earlier);
        let admin = config.management_key.as_ref().map(|key| Admin::new(upstream.clone(), key.expose()));
        let request_prefix = config.clock.now_ms().unsigned_abs() & 0xff_ffff_ffff;
        let shared = Shared {
            config,
            admission,
            catalogue,
            upstream,
            local,
            bodies: Arc::default(),
            parked_bodies: Arc::default(),
            answers: Arc::default(),
            stats: Stats::default(),
            explanations: Explanations::default(),
            honesty,
            admin,
            rechecks: Rechecks::default(),
            auditing: tokio::sync::Mutex::default(),
            audit: Mutex::default(),
            background: Mutex::default(),
            own_keys: Mutex::default(),
            counts: Arc::new(tokio::sync::Semaphore::new(counting::AT_ONCE)),
            samples: Arc::new(tokio::sync::Semaphore::new(counting::SAMPLES_AT_ONCE)),
            seen: Seen::default(),
            byok: Byok::default(),
            heard: tokio::sync::Mutex::default(),
            freshened: tokio::sync::Mutex::default(),
            flights: AtomicUsize::new(0),
            request_prefix,
            next_request: AtomicU64::new(0),
        };
        Gateway { shared: Arc::new(shared) }
    }

    /// Answers a request of the program itself, as if it had come in over a socket: the same walk, the same books.
    /// Paths as in docs/reference/gateway.md. Call in a runtime; the answer's [`Body`] has the [`crate::Receipt`].
    pub async fn call<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes>,
    {
        server::call(&self.shared, request).await
    }

    /// Starts what runs beside the requests: fresh prices, resolving unknown holds, retiring old balances. Call in a
    /// runtime.
    pub fn start_background(&self) {
        let catalogue = Arc::clone(&self.shared.catalogue);
        let mut background = self.shared.background.lock();
        background.spawn(catalogue.keep_fresh(self.shared.upstream.clone(), PRICES_EVERY));
        evidence::start(&self.shared, &mut background);
    }

    /// Ends what [`Gateway::start_background`] started. Requests go on; unknown holds stay as they are.
    pub fn stop_background(&self) {
        self.shared.background.lock().abort_all();
    }

    /// Ends when no attempt is in flight, at the latest after `limits.drain`.
    pub async fn drain(&self) {
        server::idle(&self.shared, Instant::now() + self.shared.config.limits.drain).await;
    }

    /// Serves until `shutdown`, then lets what is in flight end, for at most `limits.drain`.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()> + Send + 'static) {
        server::serve(Arc::clone(&self.shared), listener, shutdown).await;
    }

    /// Why the last `most` requests cost what they did, or were refused; newest first.
    pub fn explanations(&self, most: usize) -> Vec<Value> {
        self.shared.explanations.newest(most)
    }

    /// Keeps the explanations in memory for `farebox explain` after the end.
    pub fn keep_explanations(&self) {
        for row in self.shared.explanations.unkept() {
            self.shared.admission.note(row);
        }
    }

    /// Counters since the start.
    pub fn stats(&self) -> Value {
        let mut stats = self.shared.stats.to_json();
        let counters = self.shared.admission.counters();
        for (name, counter) in [
            ("holds_admitted", &counters.admitted),
            ("holds_settled", &counters.settled),
            ("holds_voided", &counters.voided),
            ("holds_unknown", &counters.unknowns),
            ("overruns", &counters.overruns),
        ] {
            stats.insert(name.to_owned(), counter.load(Ordering::Relaxed).into());
        }
        let overrun = money::Nano::from_nanos(counters.overrun_nanos.load(Ordering::Relaxed));
        stats.insert("overrun_usd".to_owned(), overrun.to_string().into());
        stats.insert("parked_now".to_owned(), self.shared.admission.parked().into());
        stats.insert("in_flight_now".to_owned(), self.shared.in_flight().into());
        stats.insert("prices_age_s".to_owned(), self.shared.prices_age().as_secs().into());
        stats.insert("warnings".to_owned(), self.warnings().into());
        Value::Object(stats)
    }

    /// What is not as it should be although requests are admitted, in sentences.
    pub fn warnings(&self) -> Vec<String> {
        let old = self.shared.prices_are_old().then(|| {
            format!(
                "OpenRouter's prices were last read {} ago: bounds rest on published figures only",
                days(self.shared.prices_age())
            )
        });
        old.into_iter().collect()
    }

    /// Waits until prices are not old, for at most so long: a start begins with those built in, and asks for new ones
    /// at once.
    pub async fn wait_for_prices(&self, most: Duration) {
        let fresh = async {
            while self.shared.prices_are_old() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = timeout(most, fresh).await;
    }

    /// Routes and fallbacks against the prices of now: what will not work as it stands, in sentences.
    ///
    /// # Errors
    /// What makes a route unusable.
    pub fn check_routes(&self) -> Result<Vec<String>, RouteError> {
        let book = self.shared.catalogue.book();
        let mut warnings = self.shared.config.routes.check(&book)?;
        warnings.extend(check_fallbacks(&self.shared.config.fallbacks, &book));
        Ok(warnings)
    }

    /// The routes it was given.
    pub fn routes(&self) -> &Routes {
        &self.shared.config.routes
    }

    /// What each route cost and saved, per UTC day, from a day on (days since 1970-01-01).
    ///
    /// # Errors
    /// When the books cannot be read.
    pub fn savings(&self, since_day: i64) -> Result<Vec<SavingRow>, OpenError> {
        self.shared.admission.savings(since_day)
    }

    /// Who did not keep to what was agreed, by model and provider.
    pub fn honesty(&self) -> Vec<HonestyRow> {
        self.shared.honesty.rows()
    }

    /// Trusts a provider at a model anew; without a provider, all of that model's. The rows, with their counts at zero.
    /// Writes the books: not for a runtime's thread.
    ///
    /// # Errors
    /// When the books cannot be written; in memory it is done all the same.
    pub fn clear_honesty(&self, model: &str, provider: Option<&str>) -> Result<Vec<HonestyRow>, OpenError> {
        let now_ms = self.shared.now_ms();
        let cleared = self.shared.honesty.clear(model, provider, now_ms);
        for row in &cleared {
            self.shared.admission.books().clear_honesty(&row.model, Some(&row.provider), now_ms)?;
        }
        Ok(cleared)
    }

    /// The last audit: the books beside OpenRouter's bill. `None` before the first, or without a management key.
    pub fn audit(&self) -> Option<AuditReport> {
        self.shared.audit.lock().clone()
    }

    /// Whether all that an earlier process sent has been billed by now, as far as we wait for anything: nothing has been
    /// sent with the gateway's own key for longer than `final_after`.
    pub fn earlier_calls_are_final(&self) -> bool {
        let key = self.shared.local.as_ref().map_or(UpstreamKeyId([0; 8]), |local| local.upstream_key_id);
        let quiet_since = self.shared.admission.quiet_since(key);
        let final_after = self.shared.config.evidence.final_after.as_millis();
        quiet_since.is_some_and(|since| {
            u128::try_from(self.shared.now_ms().saturating_sub(since)).is_ok_and(|ms| ms > final_after)
        })
    }

    /// Audits the calls made from one instant until before another (milliseconds since the Unix epoch), now.
    ///
    /// # Errors
    /// [`AuditError`]: there is no management key, OpenRouter does not tell, the books cannot be read.
    pub async fn audit_now(
        &self,
        from_ms: i64,
        until_ms: i64,
        booking: crate::Booking,
    ) -> Result<AuditReport, AuditError> {
        evidence::audit(&self.shared, from_ms, until_ms, booking).await
    }

    /// Whether requests can be admitted.
    ///
    /// # Errors
    /// The reasons why not.
    pub fn ready(&self) -> Result<(), Vec<String>> {
        let mut reasons = Vec::new();
        if let Err(error) = self.shared.admission.health() {
            reasons.push(error.to_string());
        }
        reasons.extend(self.shared.clock_sentence());
        if let Some(at_ms) = self.shared.admission.restored() {
            reasons.push(restored_sentence(at_ms));
        }
        if self.shared.prices_are_stale() {
            reasons.push(self.shared.stale_sentence());
        }
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }
}

/// Every answer of the upstream tells what time it is: what confirms a clock that jumped, or does not.
fn hear_dates(upstream: &Upstream, admission: &Admission, clock: &Clock) {
    let (admission, clock, dates) = (admission.clone(), clock.clone(), Dates::default());
    upstream.on_answer(move |headers| {
        if let Some(date_ms) = dates.read(headers, clock.now_ms()) {
            admission.observe_date(date_ms);
        }
    });
}

fn restored_sentence(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).map(|at| at.to_string()).unwrap_or_default();
    format!(
        "the books are those of {at}: what was spent since is missing in them. Book it with farebox audit --apply, or go \
         on without: farebox repair --accept --why TEXT"
    )
}

/// An age for people.
fn days(age: Duration) -> String {
    match age.as_secs() / 3_600 {
        hours @ 0..48 => format!("{hours} hours"),
        hours => format!("{} days", hours / 24),
    }
}

impl Shared {
    pub(crate) fn request_id(&self) -> String {
        let number = self.next_request.fetch_add(1, Ordering::Relaxed);
        format!("req_{:010x}{number:06x}", self.request_prefix)
    }

    /// Remembers a caller's own key, and asks for what is unknown on it.
    pub(crate) fn see_key(&self, caller: &Caller) {
        if !caller.own_key {
            return;
        }
        let mut keys = self.own_keys.lock();
        if keys.len() < OWN_KEYS_MAX && !keys.contains_key(&caller.upstream_key_id) {
            keys.insert(caller.upstream_key_id, caller.upstream_key.clone());
            drop(keys);
            self.admission.key_is_here(caller.upstream_key_id);
        }
    }

    /// The key with this id, if it is at hand.
    pub(crate) fn key(&self, id: UpstreamKeyId) -> Option<Secret> {
        let ours = self.local.as_ref().filter(|local| local.upstream_key_id == id);
        ours.map(|local| local.upstream_key.clone()).or_else(|| self.own_keys.lock().get(&id).cloned())
    }

    /// The keys whose secret is here: ours, and those of callers seen since the start.
    pub(crate) fn keys_at_hand(&self) -> Vec<UpstreamKeyId> {
        let ours = self.local.iter().map(|local| local.upstream_key_id);
        ours.chain(self.own_keys.lock().keys().copied()).collect()
    }

    /// The time of this machine, milliseconds since the Unix epoch.
    pub(crate) fn now_ms(&self) -> i64 {
        self.config.clock.now_ms()
    }

    /// Who keeps to what was agreed.
    pub(crate) fn honesty(&self) -> &Register {
        &self.honesty
    }

    /// Notes that somebody did not, where people see it and later processes find it.
    pub(crate) fn find(&self, model: &str, provider: Option<&str>, finding: Finding) {
        let provider = provider.unwrap_or_default();
        let counts = self.honesty.find(model, provider, finding, self.now_ms());
        self.admission.books().note_honesty(counts);
        if let Finding::Overrun { held, cost, .. } = finding {
            tracing::warn!(model, provider, %held, %cost, "billed above its hold");
        }
    }

    /// Since when OpenRouter has not told its prices.
    pub(crate) fn prices_age(&self) -> Duration {
        let age_ms = self.now_ms().saturating_sub(self.catalogue.book().fetched_at_ms);
        Duration::from_millis(u64::try_from(age_ms).unwrap_or(0))
    }

    /// Too old to go by: nothing is admitted.
    pub(crate) fn prices_are_stale(&self) -> bool {
        self.prices_age() > self.config.prices_age_max
    }

    /// Old enough that every bound is published at best.
    pub(crate) fn prices_are_old(&self) -> bool {
        self.prices_age() > PRICES_OLD
    }

    /// Asks for prices at once, when they are stale and nobody has just done so. Whether they are not stale any more.
    pub(crate) async fn freshen(&self) -> bool {
        let mut last = self.freshened.lock().await;
        let just_now = last.is_some_and(|at| at.elapsed() < FRESHEN_AFTER);
        if self.prices_are_stale() && !just_now {
            let asked = timeout(FRESHEN_WITHIN, self.catalogue.refresh(&self.upstream)).await;
            if let Ok(Err(error)) = asked {
                tracing::warn!(%error, "the prices are stale and could not be refreshed");
            }
            *last = Some(Instant::now());
        }
        !self.prices_are_stale()
    }

    /// Asks the upstream what time it is, when our clock jumped and nobody has just done so. Whether a window may open.
    pub(crate) async fn hear_the_time(&self) -> bool {
        let mut last = self.heard.lock().await;
        let just_now = last.is_some_and(|at| at.elapsed() < FRESHEN_AFTER);
        if self.admission.clock_is_off_by().is_some() && !just_now {
            // Any answer has a date, and this one is small.
            let _ = timeout(FRESHEN_WITHIN, self.upstream.endpoints(A_MODEL)).await;
            *last = Some(Instant::now());
        }
        self.admission.clock_is_off_by().is_none()
    }

    /// Why nothing is admitted by a clock that jumped, and what to do.
    pub(crate) fn clock_sentence(&self) -> Option<String> {
        let off_ms = self.admission.clock_is_off_by()?;
        let (by, way) = (off_ms.unsigned_abs() / 1_000, if off_ms < 0 { "behind" } else { "ahead" });
        Some(format!(
            "The clock of Farebox's machine jumped: it is {by} seconds {way} of the time that went by, so no new window \
             of a budget opens until it is right again or OpenRouter's Date agrees with it. Set the clock, or see that \
             OpenRouter can be reached"
        ))
    }

    /// Why nothing is admitted by stale prices, and what to do.
    pub(crate) fn stale_sentence(&self) -> String {
        format!(
            "OpenRouter's prices were last read {} ago and may not be gone by any more (prices_age_max). Farebox asks \
             for them every 30 seconds; see that GET {} can be reached from here",
            days(self.prices_age()),
            self.upstream.uri("/models").map(|uri| uri.to_string()).unwrap_or_default()
        )
    }

    /// Attempts whose end is still being waited for, with or without a client.
    pub(crate) fn in_flight(&self) -> usize {
        self.flights.load(Ordering::Relaxed)
    }

    pub(crate) fn flight(self: &Arc<Self>) -> FlightCount {
        self.flights.fetch_add(1, Ordering::Relaxed);
        FlightCount(Arc::clone(self))
    }
}

impl FlightCount {
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }
}

/// Counts an attempt as in flight until dropped.
#[derive(Debug)]
pub(crate) struct FlightCount(Arc<Shared>);

impl Drop for FlightCount {
    fn drop(&mut self) {
        self.0.flights.fetch_sub(1, Ordering::Relaxed);
    }
}
