//! The whole house on a scripted upstream: gateway, admission, store in a temporary folder, catalogue; and what the
//! ledger must say after every scenario.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use admission::{Admission, BalanceReport, Policy};
use gateway::{Config, Gateway, Secret};
use ledger::{Budget, Label, Straddle, Window};
use money::Nano;
use openrouter::catalogue::Catalogue;
use store::{Disk, Durability, Options, RealDisk, Store};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::upstream::Script;
use super::{Answer, Client, Upstream, post, soon, until};

pub(crate) const MODEL: &str = "test/plain";
/// A model at a tenth of its price.
pub(crate) const CHEAP: &str = "test/cheap";
pub(crate) const KEY: &str = "sk-or-v1-ours";

/// How a house is set up.
pub(crate) struct Setup {
    pub(crate) config: Config,
    pub(crate) limit: Nano,
    /// What the one budget is for.
    pub(crate) selector: Vec<(Label, String)>,
    /// Whether the catalogue has read the upstream's prices before the first request.
    pub(crate) priced: bool,
    /// Whether the model is served by two providers.
    pub(crate) twice: bool,
    /// Whether prices come from `base` too.
    pub(crate) priced_there: bool,
    /// How the store is opened, and on which disk.
    pub(crate) options: Options,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) window: Window,
    /// Where the gateway sends to, if not to the scripted upstream.
    pub(crate) base: Option<String>,
}

impl Setup {
    /// A dollar, short times, no parking.
    pub(crate) fn new() -> Self {
        let mut config = Config::new("127.0.0.1:0".parse().expect("an address"));
        config.upstream_key = Some(Secret::new(KEY));
        config.park_max = Duration::ZERO;
        Setup {
            config,
            limit: Nano::from_cents(100),
            selector: Vec::new(),
            priced: true,
            twice: false,
            priced_there: false,
            options: options(),
            disk: Arc::new(RealDisk),
            window: Window::lifetime(),
            base: None,
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    pub(crate) fn limit(mut self, limit: Nano) -> Self {
        self.limit = limit;
        self
    }

    pub(crate) async fn open(self) -> House {
        let dir = tempfile::tempdir().expect("a folder");
        self.open_again(dir).await
    }

    /// On what another house left behind.
    pub(crate) async fn open_again(self, dir: TempDir) -> House {
        let upstream = Upstream::start().await;
        upstream.serve_twice(self.twice);
        let opened = Store::open_on(dir.path(), self.options.clone(), Arc::clone(&self.disk));
        let (store, recovered) = opened.expect("a store");
        let store = Arc::new(store);
        let budget = Budget {
            name: "all".into(),
            selector: self.selector,
            per: Default::default(),
            limit: self.limit,
            window: self.window,
            straddle: Straddle::Admission,
        };
        let policy = Policy::new(vec![budget], false);
        let now_ms = self.config.clock.now_ms();
        let admission = Admission::open(Arc::clone(&store), recovered, policy, now_ms).expect("the books");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut config = self.config;
        config.listen = address;
        let catalogue = Arc::new(Catalogue::open(None));
        let own = openrouter::client::Upstream::new(&upstream.base()).expect("a base");
        if let Some(base) = self.base.as_ref().filter(|_| self.priced_there) {
            let there = openrouter::client::Upstream::new(base).expect("a base");
            catalogue.refresh(&there).await.expect("prices");
        } else if self.priced {
            catalogue.refresh(&own).await.expect("prices");
            catalogue.refresh_model(&own, MODEL).await.expect("endpoints");
        } else {
            upstream.hide_prices(true);
        }
        let base = self.base.unwrap_or_else(|| upstream.base());
        let onward = openrouter::client::Upstream::new(&base).expect("a base");
        let gateway = Gateway::new(config, admission.clone(), catalogue, onward);
        gateway.start_background();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = gateway.clone();
        let served = tokio::spawn(async move {
            serving
                .serve(listener, async {
                    let _ = stopped.await;
                })
                .await;
        });
        House { gateway, admission, address, upstream, store, dir, stop: Some(stop), served: Some(served) }
    }
}

pub(crate) fn options() -> Options {
    Options {
        durability: Durability::Process,
        segment_bytes: 1 << 20,
        journal_bytes_max: 64 << 20,
        ..Options::default()
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("before the year 292 million")
}

/// A running house.
pub(crate) struct House {
    pub(crate) gateway: Gateway,
    pub(crate) admission: Admission,
    pub(crate) address: SocketAddr,
    pub(crate) upstream: Upstream,
    store: Arc<Store>,
    pub(crate) dir: TempDir,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

impl House {
    pub(crate) async fn new() -> Self {
        Setup::new().open().await
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    /// One chat completion on a connection of its own.
    pub(crate) async fn chat(&self, body: &str) -> Answer {
        self.client().await.ask(post(body)).await
    }

    /// One chat completion that the upstream answers by this script.
    pub(crate) async fn chat_by(&self, script: Script, body: &str) -> Answer {
        self.upstream.next(script);
        self.chat(body).await
    }

    pub(crate) fn books(&self) -> BalanceReport {
        let reports = self.admission.balances(now_ms());
        assert_eq!(reports.len(), 1);
        reports.into_iter().next().expect("a balance")
    }

    pub(crate) fn posted(&self) -> i64 {
        self.books().posted.nanos()
    }

    /// Ends when nothing is held, nothing is unknown, and so many nano-dollars are posted.
    pub(crate) async fn settles_at(&self, posted: i64) {
        self.comes_to("everything settled", posted, 0).await;
    }

    /// Ends when nothing is held, so many nano-dollars are posted, and so many holds are unknown.
    pub(crate) async fn comes_to(&self, what: &str, posted: i64, unknown: usize) {
        let there = || {
            let books = self.books();
            books.held == Nano::ZERO
                && books.posted.nanos() == posted
                && self.admission.unknown_holds().len() == unknown
                && (unknown > 0) == (books.unknown > Nano::ZERO)
        };
        let patience = tokio::time::timeout(Duration::from_secs(8), until("the ledger", there)).await;
        let unknowns = self.admission.unknown_holds();
        assert!(
            patience.is_ok(),
            "{what}: expected {posted} posted, {unknown} unknown; {:?} {unknowns:?}",
            self.books()
        );
        let charged: i64 = unknowns.iter().map(|hold| hold.bound.nanos()).sum();
        assert_eq!(
            self.books().unknown.nanos(),
            charged,
            "{what}: unknown holds are charged at their bounds"
        );
    }

    /// Has every unknown hold asked for now, not when its back-off says so.
    pub(crate) fn ask_now(&self) {
        for hold in self.admission.unknown_holds() {
            self.admission.key_is_here(hold.upstream_key);
        }
    }

    pub(crate) fn counter(&self, name: &str) -> u64 {
        self.gateway.stats()[name].as_u64().expect("a counter")
    }

    /// Asks the gateway to stop.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Ends when the gateway has stopped.
    pub(crate) async fn stopped(&mut self) {
        let served = self.served.take().expect("stopped once");
        soon("a stop", served).await.expect("the gateway does not panic");
    }

    /// The journal takes no more from here on; together with the end of the runtime, a crash.
    pub(crate) fn crash(self) -> TempDir {
        self.store.close().expect("the store closes");
        self.dir
    }

    /// Stops the gateway and checks the books: every hold ended once, and the disk says what memory says.
    pub(crate) async fn end(mut self) {
        if self.served.is_some() {
            self.stop();
            self.stopped().await;
        }
        let (books, unknowns) = (self.books(), self.admission.unknown_holds());
        let counters = self.admission.counters();
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::SeqCst);
        let (admitted, settled, voided) =
            (count(&counters.admitted), count(&counters.settled), count(&counters.voided));
        assert_eq!(
            admitted,
            settled + voided + unknowns.len() as u64,
            "every hold ended once, or is unknown"
        );
        assert_eq!(books.held, Nano::ZERO, "nothing is held in the end");
        assert_eq!(self.counter("in_flight_now"), 0);
        self.store.close().expect("the store closes");
        let recovered = store::read(self.dir.path()).expect("the books can be read");
        let posted: i64 = recovered.balances.iter().map(|row| row.posted.nanos()).sum();
        assert_eq!(posted, books.posted.nanos(), "the disk has what was posted");
        let open: Vec<_> =
            recovered.open.iter().map(|open| (open.hold, open.bound, &open.generation)).collect();
        let listed: Vec<_> = unknowns.iter().map(|hold| (hold.hold, hold.bound, &hold.generation)).collect();
        assert_eq!(open, listed, "the disk has what is unknown");
    }
}
