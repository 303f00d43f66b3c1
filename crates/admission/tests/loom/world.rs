//! An admission of one model: opened anew in every interleaving, on a disk and books in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use admission::{Admission, Ask, BootClock, Clamp, Flight, Policy, Reserved, Shortage};
use ledger::{Budget, Evidence, HoldId, Label, Scope, Straddle, UpstreamKeyId, Window};
use loom::future::block_on;
use money::{Nano, Rate};
use pricing::{Book, BookSource, Bound, BoundPolicy, Family, Grounds, Model, Prices, RowPrices, Shape};
use store::books::Memory;
use store::{Durability, Options, Store};

use crate::disk::MemoryDisk;

pub(crate) const KEY: UpstreamKeyId = UpstreamKeyId([7; 8]);
pub(crate) const NOW: i64 = 1_000;

/// What a model begins with.
pub(crate) struct Scene {
    /// Of the one balance, dollars.
    pub(crate) limit: u64,
    /// A request of one dollar, of two, and so on up to the limit.
    bounds: Arc<[Bound]>,
    dir: tempfile::TempDir,
}

/// An admission and what is below it. A clone is another handle to it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) admission: Admission,
    pub(crate) store: Arc<Store>,
    pub(crate) disk: MemoryDisk,
    pub(crate) books: Memory,
    pub(crate) boot: Arc<SetClock>,
    /// The number that the next hold gets.
    pub(crate) next_hold: HoldId,
    bounds: Arc<[Bound]>,
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

impl Scene {
    pub(crate) fn new(limit: u64) -> Self {
        Scene { limit, bounds: (1..=limit).map(bound).collect(), dir: crate::explore::folder() }
    }

    /// Empty books.
    pub(crate) fn open(&self) -> World {
        self.open_on(MemoryDisk::new(), Memory::new())
    }

    /// As [`Scene::open`], after a request came by: nothing has to be opened on the way of the next.
    pub(crate) fn warm(&self) -> World {
        let world = self.open();
        drop(world.reserve(1).expect("money"));
        world
    }

    pub(crate) fn open_on(&self, disk: MemoryDisk, books: Memory) -> World {
        let options = Options {
            segment_bytes: Options::SEGMENT_BYTES_MIN,
            journal_bytes_max: 1 << 20,
            ..Options::new(Durability::Process)
        };
        let (on_disk, in_books) = (Arc::new(disk.clone()), Arc::new(books.clone()));
        let (store, recovered) =
            Store::open_stepped(self.dir.path(), options, on_disk, in_books).expect("whole books");
        let (store, boot) = (Arc::new(store), Arc::new(SetClock::default()));
        boot.set(NOW);
        // A bound is rounded up: a nanodollar more than its dollars.
        let limit = dollars(self.limit).saturating_add(Nano::from_nanos(9));
        let budgets = vec![budget(limit)];
        let next_hold = HoldId(recovered.next_hold);
        let policy = Policy { boot_clock: boot.clone(), ..Policy::new(budgets, false) };
        let admission = Admission::open(Arc::clone(&store), recovered, policy, NOW).expect("room");
        World { admission, store, disk, books, boot, next_hold, bounds: Arc::clone(&self.bounds) }
    }
}

impl World {
    /// A request of so many dollars, at [`NOW`].
    pub(crate) fn reserve(&self, dollars: usize) -> Result<Reserved, Shortage> {
        self.reserve_at(dollars, Clamp::Never, NOW)
    }

    pub(crate) fn reserve_at(&self, dollars: usize, clamp: Clamp, now_ms: i64) -> Result<Reserved, Shortage> {
        let (scope, bound) = (Scope::default().with(Label::User, "alice"), &self.bounds[dollars - 1]);
        self.admission.reserve(&Ask { scope, bound, upstream_key: KEY, ceiling: None, clamp }, now_ms)
    }

    /// An attempt of so many dollars that has left.
    pub(crate) fn send(&self, dollars: usize) -> Flight {
        send(self.reserve(dollars).expect("money"), NOW)
    }

    /// Waits in line when it has to, and gets the money.
    pub(crate) fn reserve_or_wait(&self, dollars: usize) -> Reserved {
        match self.reserve(dollars) {
            Ok(reserved) => reserved,
            Err(Shortage::Wait(wait)) => {
                let parked = self.admission.park(wait).expect("a place in line");
                block_on(parked).expect("no window ends here")
            }
            Err(Shortage::Refused(refusal)) => panic!("refused though it fits: {refusal:?}"),
        }
    }

    /// Evidence has come for an unknown hold.
    pub(crate) fn resolve(&self, hold: HoldId, dollars: u64) -> bool {
        let cost = self::dollars(dollars);
        self.admission.resolve(hold, cost, &format!("{dollars}"), Evidence::Generation, NOW)
    }

    /// Posted, held and unknown of the one balance, dollars.
    pub(crate) fn money(&self) -> [i64; 3] {
        let balances = self.admission.balances(NOW);
        let [balance] = &*balances else { panic!("one balance: {balances:?}") };
        [balance.posted, balance.held, balance.unknown].map(|amount| amount.nanos() / 1_000_000_000)
    }

    /// Ends the process without a word.
    pub(crate) fn kill(self) -> (MemoryDisk, Memory) {
        let World { admission, store, disk, books, .. } = self;
        drop(admission);
        drop(Arc::try_unwrap(store).expect("nobody else has it"));
        (disk, books)
    }
}

pub(crate) fn send(reserved: Reserved, now_ms: i64) -> Flight {
    block_on(reserved.permit(now_ms)).expect("a journal").sent()
}

pub(crate) fn settle(flight: Flight, dollars: u64, now_ms: i64) {
    flight.settle(self::dollars(dollars), &format!("{dollars}"), Evidence::Usage, now_ms);
}

pub(crate) fn dollars(count: u64) -> Nano {
    Nano::from_cents(i32::try_from(count).expect("few") * 100)
}

fn budget(limit: Nano) -> Budget {
    let (selector, per) = (Vec::new(), Vec::new());
    let (window, straddle) = (Window::lifetime(), Straddle::Admission);
    Budget { name: "all".into(), selector, per: per.into_iter().collect(), limit, window, straddle }
}

/// A bound of `cap` dollars: a dollar per token of output, nothing for the prompt.
fn bound(cap: u64) -> Bound {
    let completion = Rate::parse_ceil("1").expect("a price");
    let prices = Prices::new(Rate::ZERO, completion);
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
    let shape = Shape {
        models: ["test/model".into()].into_iter().collect(),
        body: b"{}",
        output_cap: Some(cap),
        choices: 1,
        ..Shape::default()
    };
    let book = Book::new(1, 0, BookSource::Snapshot, vec![row]);
    pricing::bound(&shape, &Grounds::new(&book, &BoundPolicy::default())).expect("a bound")
}
