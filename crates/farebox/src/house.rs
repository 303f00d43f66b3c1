//! [`Farebox`]: books, budgets, prices and the walk of a call, opened in one place for gateway and program alike.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use admission::{Admission, BalanceReport, Policy, UnknownHold};
use bytes::Bytes;
use gateway::{Body, Gateway, Secret};
use http::{Request, Response};
use jiff::Timestamp;
use openrouter::catalogue::{self, Catalogue};
use openrouter::client::{AskError, Upstream};
use serde_json::Value;
use store::{JournalError, Store};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use crate::completion::{self, Completion};
use crate::service::{FareboxLayer, FareboxService};
use crate::{Builder, Call, Config, Error, Events, OpenError, books, config};

/// How long a close waits for answers, and then for what is in flight without a caller.
const DRAIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Open books and calls under their budgets. Cheap to clone; all clones are the same house.
///
/// Dropping the last clone ends the background work at once. Calls in flight go on to their end as tasks of their
/// own and settle; the folder is let go when the last of them has ended. Should the runtime, or the process, end
/// before, the journal has their holds, and the next one to open the folder finds them as unknown. [`Farebox::close`]
/// waits for all that.
#[derive(Clone, Debug)]
pub struct Farebox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    data: PathBuf,
    store: Arc<Store>,
    admission: Admission,
    catalogue: Arc<Catalogue>,
    upstream: Upstream,
    gateway: Gateway,
    closed: AtomicBool,
    /// Calls that have not been answered.
    calls: AtomicUsize,
}

/// A call that has not been answered.
#[derive(Debug)]
struct Calling<'a>(&'a Inner);

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.gateway.stop_background();
    }
}

impl Farebox {
    /// Opens what a configuration says; each call brings its own OpenRouter key. With a key of the program's own,
    /// and without a configuration, see [`Farebox::builder`].
    ///
    /// # Errors
    /// [`OpenError`]: above all, that another process keeps the books of this folder.
    pub async fn open(config: Config) -> Result<Farebox, OpenError> {
        Farebox::builder().config(config).open().await
    }

    /// To set it up in the program.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) async fn open_with(
        config: Config,
        key: Option<Secret>,
        management_key: Option<Secret>,
    ) -> Result<Farebox, OpenError> {
        if Handle::try_current().is_err() {
            return Err(OpenError::NoRuntime);
        }
        if !config.says_what_to_hold() {
            return Err(OpenError::NoBudget);
        }
        let upstream = Upstream::new(&config.upstream.value)?;
        let data = config.data.clone().or_else(config::default_data).ok_or(OpenError::NoFolder)?;
        let opening = {
            let (data, config) = (data.clone(), config.clone());
            let cache = catalogue::cache_in(&data, upstream.base());
            spawn_blocking(move || {
                Ok::<_, OpenError>((take_up(&data, &config)?, Catalogue::open(Some(&cache))))
            })
        };
        let opened = opening.await.map_err(|error| OpenError::Interrupted(error.to_string()))?;
        let ((store, admission), catalogue) = opened?;
        let catalogue = Arc::new(catalogue);
        let settings = gateway_config(&config, key, management_key);
        let gateway = Gateway::new(settings, admission.clone(), Arc::clone(&catalogue), upstream.clone());
        gateway.start_background();
        let (closed, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
        let inner = Inner { config, data, store, admission, catalogue, upstream, gateway, closed, calls };
        Ok(Farebox { inner: Arc::new(inner) })
    }

    /// Asks for a chat completion under the budgets, and waits for all of it. The call goes on to its end, and is
    /// settled, even if this future is dropped.
    ///
    /// # Errors
    /// [`Error`]: refused, not sent, or answered with an error.
    pub async fn chat(&self, call: impl Into<Call>) -> Result<Completion, Error> {
        Completion::read(self.send(call.into(), false).await?).await
    }

    /// The same as a stream; the body asks for one (`"stream": true`).
    ///
    /// # Errors
    /// As [`Farebox::chat`], before the first event.
    pub async fn chat_stream(&self, call: impl Into<Call>) -> Result<Events, Error> {
        let response = self.send(call.into(), true).await?;
        let receipt = response.body().receipt().cloned();
        let Some(receipt) = receipt.filter(|_| is_stream(&response)) else {
            return Err(completion::not_a_stream(response).await);
        };
        let generation = completion::named(response.headers());
        Ok(Events::new(response.into_body(), receipt, generation))
    }

    async fn send(&self, call: Call, stream: bool) -> Result<Response<Body>, Error> {
        let request = call.into_request(stream)?;
        // In this order: a close that misses the count is seen, and one that is not seen waits.
        let _calling = self.calling();
        if self.inner.closed.load(Ordering::SeqCst) {
            return Err(Error::Closed);
        }
        Ok(self.inner.gateway.call(request).await)
    }

    /// Answers as the gateway would; [`Farebox::close`] waits for it.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes>,
    {
        let _calling = self.calling();
        self.inner.gateway.call(request).await
    }

    fn calling(&self) -> Calling<'_> {
        self.inner.calls.fetch_add(1, Ordering::SeqCst);
        Calling(&self.inner)
    }

    /// The balances in view, by budget. Reads the books: in async code, from a blocking thread.
    pub fn balances(&self) -> Vec<BalanceReport> {
        self.inner.admission.balances(now_ms()).reports
    }

    /// Calls whose cost is not known: they stay charged at their bound until OpenRouter tells.
    pub fn unknown(&self) -> Vec<UnknownHold> {
        self.inner.admission.unknown_holds()
    }

    /// Why the last call cost what it did, or was refused: as `farebox explain last --json`.
    pub fn explain_last(&self) -> Option<Value> {
        self.inner.gateway.explanations(1).pop()
    }

    /// Fetches the prices of all models, and those of each endpoint for the models named, and waits for them. Both
    /// happen by themselves, every few minutes and after the first call to a model; until then bounds are wider.
    ///
    /// # Errors
    /// When OpenRouter did not tell; the prices are then as they were.
    pub async fn refresh_prices(&self, models: &[&str]) -> Result<(), AskError> {
        self.inner.catalogue.refresh(&self.inner.upstream).await?;
        for model in models {
            self.inner.catalogue.refresh_model(&self.inner.upstream, model).await?;
        }
        Ok(())
    }

    /// A `tower` service that answers every request as the gateway would.
    pub fn service(&self) -> FareboxService {
        FareboxService::new(self)
    }

    /// A `tower` layer for an HTTP client: chat completions go by the budgets, other reads through the client.
    pub fn layer(&self) -> FareboxLayer {
        FareboxLayer::new(self)
    }

    /// Takes no more calls, lets those in flight end (for at most half a minute each), and closes the books. Later calls
    /// answer [`Error::Closed`].
    ///
    /// # Errors
    /// What could not be written; the journal has it all the same.
    pub async fn close(&self) -> Result<(), JournalError> {
        self.inner.closed.store(true, Ordering::SeqCst);
        let answered = async {
            while self.inner.calls.load(Ordering::SeqCst) > 0 {
                sleep(LOOK_EVERY).await;
            }
        };
        let _ = timeout(DRAIN, answered).await;
        self.inner.gateway.drain().await;
        self.close_now().await
    }

    /// The same without waiting: what is in flight stays in the books as unknown.
    ///
    /// # Errors
    /// As [`Farebox::close`].
    pub async fn close_now(&self) -> Result<(), JournalError> {
        self.inner.closed.store(true, Ordering::SeqCst);
        self.inner.gateway.stop_background();
        self.inner.gateway.keep_explanations();
        let store = Arc::clone(&self.inner.store);
        // A thread that died has said so on stderr; the journal is as it left it.
        spawn_blocking(move || store.close()).await.unwrap_or(Err(JournalError::Panicked("closing")))
    }

    /// What it was opened with.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The folder of the books.
    pub fn data(&self) -> &Path {
        &self.inner.data
    }

    /// The walk, to serve it on a listener.
    pub fn gateway(&self) -> &Gateway {
        &self.inner.gateway
    }

    /// The money.
    pub fn admission(&self) -> &Admission {
        &self.inner.admission
    }

    /// Where calls go.
    pub fn upstream(&self) -> &Upstream {
        &self.inner.upstream
    }

    /// Tells farebox's other commands where the console of this process listens.
    ///
    /// # Errors
    /// When the file that says so cannot be written.
    pub fn announce(&self, console: &str) -> Result<(), JournalError> {
        self.inner.store.set_address(console)
    }
}

fn take_up(data: &Path, config: &Config) -> Result<(Arc<Store>, Admission), OpenError> {
    let (store, recovered) = books::open(data, config.durability)?;
    let store = Arc::new(store);
    let policy = Policy {
        attempt_ms_max: attempt_ms_max(&gateway_config(config, None, None)),
        ..Policy::new(config.budgets.clone(), config.allow_unbudgeted)
    };
    let admission = Admission::open(Arc::clone(&store), recovered, policy, now_ms())?;
    if let Some(off_ms) = admission.clock_is_off_by() {
        tracing::warn!(
            off_ms,
            "the clock is not where the books expect it: no new window opens until OpenRouter confirms the time"
        );
    }
    Ok((store, admission))
}

/// How long a call may be under way: until its headers come, and until its cost is known or given up.
fn attempt_ms_max(gateway: &gateway::Config) -> i64 {
    let most = gateway.limits.upstream_header_timeout + gateway.evidence.final_after;
    i64::try_from(most.as_millis()).unwrap_or(i64::MAX)
}

fn gateway_config(
    config: &Config,
    upstream_key: Option<Secret>,
    management_key: Option<Secret>,
) -> gateway::Config {
    gateway::Config {
        upstream_key,
        bounds: config.bounds.clone(),
        allow_fields: config.allow_fields.clone(),
        clamp_min: config.clamp_min,
        park_max: config.park_max,
        per_request: config.per_request,
        on_client_gone: config.on_client_gone,
        prices_age_max: config.prices_age_max,
        count_prompts: config.count_prompts,
        routes: config.routes.clone(),
        fallbacks: config.fallbacks.clone(),
        evidence: config.evidence,
        on_overrun: config.on_overrun,
        management_key,
        ..gateway::Config::new(config.listen)
    }
}

fn is_stream(response: &Response<Body>) -> bool {
    let kind = response.headers().get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    response.status().is_success()
        && kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream"))
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}
