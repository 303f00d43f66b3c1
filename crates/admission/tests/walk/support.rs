//! What all these tests need: bounds worth round amounts, a store in a folder, clocks that are set.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use admission::{Admission, Ask, BootClock, Clamp, Permit, Policy};
use ledger::{Budget, Label, Scope, Straddle, UpstreamKeyId, Window};
use money::{Nano, Rate};
use pricing::{Book, BookSource, Bound, BoundPolicy, Family, Grounds, Model, Prices, RowPrices, Shape};
use store::{Durability, Options, Recovered, Store};

pub(crate) const KEY: UpstreamKeyId = UpstreamKeyId([7; 8]);

/// A bound of `cap` dollars' worth: a dollar per token of output, nothing for the prompt.
pub(crate) fn bound(cap: u64) -> Bound {
    let dollar = Rate::parse_ceil("0.001").expect("a price");
    let prices = Prices::new(Rate::ZERO, dollar);
    let row = Model {
        id: "test/model".into(),
        canonical_slug: "test/model-1".into(),
        alias_target: None,
        context_length: Some(1_000_000),
        max_completion_tokens: None,
        family: Family::Gpt,
        prices: RowPrices::Priced(prices),
        endpoints: None,
        outputs: pricing::Modalities::TEXT,
        supports_output_cap: true,
        ..Model::default()
    };
    let book = Book::new(1, 0, BookSource::Snapshot, vec![row]);
    let shape = Shape {
        models: ["test/model".into()].into_iter().collect(),
        body: b"{}",
        output_cap: Some(cap),
        choices: 1,
        ..Shape::default()
    };
    pricing::bound(&shape, &Grounds::new(&book, &BoundPolicy::default())).expect("a bound")
}

pub(crate) fn millis(count: i64) -> Nano {
    Nano::from_nanos(count * 1_000_000)
}

pub(crate) fn budget(name: &str, limit: Nano, per: &[Label]) -> Budget {
    let per = per.iter().copied().collect();
    let (selector, window, straddle) = (Vec::new(), Window::lifetime(), Straddle::Admission);
    Budget { name: name.into(), selector, per, limit, window, straddle }
}

pub(crate) fn open(dir: &Path, budgets: Vec<Budget>) -> Admission {
    let (store, recovered) = open_store(dir);
    Admission::open(store, recovered, Policy::new(budgets, false), 1_000).expect("the books")
}

pub(crate) fn open_store(dir: &Path) -> (Arc<Store>, Recovered) {
    let options = Options { durability: Durability::Process, segment_bytes: 1 << 20, ..Options::default() };
    let (store, recovered) = Store::open(dir, options).expect("a store");
    (Arc::new(store), recovered)
}

pub(crate) fn windowed(name: &str, limit: Nano, window: &str) -> Budget {
    Budget { window: Window::new(window, "UTC").expect("a window"), ..budget(name, limit, &[]) }
}

/// A boot clock that goes on when it is told to.
#[derive(Debug, Default)]
pub(crate) struct SetClock(AtomicI64);

impl SetClock {
    pub(crate) fn set(&self, boot_ms: i64) {
        self.0.store(boot_ms, Ordering::SeqCst);
    }
}

impl BootClock for SetClock {
    fn boot_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A process on a machine whose boot clock is set.
pub(crate) struct House {
    pub(crate) admission: Admission,
    pub(crate) store: Arc<Store>,
    pub(crate) boot: Arc<SetClock>,
}

impl House {
    /// Opens the books when the wall clock and the boot clock show the same time.
    pub(crate) fn open(dir: &Path, budgets: Vec<Budget>, now_ms: i64) -> Self {
        Self::open_with(dir, budgets, (now_ms, now_ms), |_| {})
    }

    pub(crate) fn open_with(
        dir: &Path,
        budgets: Vec<Budget>,
        (wall_ms, boot_ms): (i64, i64),
        change: impl FnOnce(&mut Recovered),
    ) -> Self {
        let (store, mut recovered) = open_store(dir);
        change(&mut recovered);
        let boot = Arc::new(SetClock::default());
        boot.set(boot_ms);
        let boot_clock: Arc<dyn BootClock> = boot.clone();
        let policy = Policy { boot_clock, ..Policy::new(budgets, false) };
        let admission = Admission::open(Arc::clone(&store), recovered, policy, wall_ms).expect("the books");
        House { admission, store, boot }
    }

    pub(crate) fn reserve(
        &self,
        bound: &Bound,
        now_ms: i64,
    ) -> Result<admission::Reserved, admission::Shortage> {
        self.admission.reserve(&ask(bound, Clamp::Never), now_ms)
    }

    /// Admits one attempt; both clocks show this time from here on.
    pub(crate) fn send(&self, bound: &Bound, now_ms: i64) -> admission::Flight {
        self.boot.set(now_ms);
        let reserved = self.reserve(bound, now_ms).expect("money");
        block_on(reserved.permit(now_ms)).expect("a journal").sent()
    }

    /// One attempt at this cost in thousandths of a dollar; the number of its hold.
    pub(crate) fn spend(&self, cost: i64, now_ms: i64) -> ledger::HoldId {
        let flight = self.send(&bound(100), now_ms);
        let hold = flight.hold().expect("metered");
        flight.settle(millis(cost), &millis(cost).to_string(), ledger::Evidence::Usage, now_ms);
        hold
    }

    /// Posted of each balance in view, in thousandths of a dollar.
    pub(crate) fn posted(&self, now_ms: i64) -> Vec<i64> {
        let balances = self.admission.balances(now_ms);
        balances.iter().map(|balance| balance.posted.nanos() / 1_000_000).collect()
    }

    pub(crate) fn close(self) {
        self.store.close().expect("closed");
    }
}

pub(crate) fn ask(bound: &Bound, clamp: Clamp) -> Ask<'_> {
    Ask { scope: Scope::default().with(Label::User, "alice"), bound, upstream_key: KEY, ceiling: None, clamp }
}

pub(crate) struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let flag = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&flag));
    loop {
        if flag.0.swap(false, Ordering::SeqCst)
            && let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker))
        {
            return output;
        }
        thread::yield_now();
    }
}

pub(crate) fn permit(admission: &Admission, bound: &Bound, clamp: Clamp) -> Permit {
    block_on(admission.reserve(&ask(bound, clamp), 2_000).expect("money").permit(2_000)).expect("a journal")
}

/// A copy of the folder as it is on disk now, with everything still open.
pub(crate) fn as_a_crash_leaves(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let target = copy.path().join(folder.strip_prefix(dir).expect("a path below"));
        std::fs::create_dir_all(&target).expect("a folder");
        for entry in std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry")) {
            if entry.file_type().expect("a type").is_dir() {
                folders.push(entry.path());
            } else {
                std::fs::copy(entry.path(), target.join(entry.file_name())).expect("a copy");
            }
        }
    }
    copy
}
