//! A store of one model: opened anew in every interleaving, on a disk and books in memory.

use std::path::Path;
use std::sync::Arc;

use ledger::{BalanceId, BalanceName, BoundClass, Evidence, HoldId, Member, SetId, UpstreamKeyId};
use money::Nano;
use store::{Durability, JournalError, Options, Position, Record, Recovered, Store};

use crate::disk::{MemoryDisk, find};
use crate::witness::Witness;

/// A store and what is below it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: Arc<Store>,
    pub(crate) disk: MemoryDisk,
    pub(crate) books: Witness,
}

fn options() -> Options {
    Options {
        segment_bytes: Options::SEGMENT_BYTES_MIN,
        journal_bytes_max: 1 << 20,
        ..Options::new(Durability::Power)
    }
}

impl World {
    /// With the threads of the store. `ship_records`: how many records make the shipper start.
    pub(crate) fn threaded(dir: &Path, ship_records: usize) -> Self {
        let options = Options { ship_records, ..options() };
        Self::open(|disk, books| Store::open_with(dir, options, disk, books))
    }

    /// Without: the model syncs and ships.
    pub(crate) fn stepped(dir: &Path) -> Self {
        Self::open(|disk, books| Store::open_stepped(dir, options(), disk, books))
    }

    fn open(
        open: impl FnOnce(Arc<MemoryDisk>, Arc<Witness>) -> Result<(Store, Recovered), store::OpenError>,
    ) -> Self {
        let (disk, books) = (MemoryDisk::new(), Witness::default());
        let (store, _) =
            open(Arc::new(disk.clone()), Arc::new(books.clone())).expect("an empty folder opens");
        let world = World { store: Arc::new(store), disk, books };
        world.declare();
        world
    }

    /// A balance, and a set of it alone.
    fn declare(&self) {
        let name = BalanceName {
            budget: "all".to_owned(),
            window: "lifetime".to_owned(),
            scope: Vec::new(),
            starts_ms: 0,
            ends_ms: None,
        };
        let balance = Record::Balance { id: BalanceId(0), name: &name, limit: Nano::from_cents(100) };
        self.store.append(&balance).expect("room");
        let set = Record::Set { id: SetId(0), members: &[Member::plain(BalanceId(0))] };
        self.store.append(&set).expect("room");
    }

    /// A hold for a model of this name.
    pub(crate) fn hold(&self, hold: u64, model: &str) -> Result<Position, JournalError> {
        self.store.append(&Record::Hold {
            hold: HoldId(hold),
            at_ms: 1_000,
            bound: Nano::from_nanos(1_000_000),
            class: BoundClass::Proven,
            set: SetId(0),
            upstream_key: UpstreamKeyId(*b"upstream"),
            key: "app",
            model,
        })
    }

    pub(crate) fn settle(&self, hold: u64) -> Result<Position, JournalError> {
        self.store.append(&Record::Settle {
            hold: HoldId(hold),
            at_ms: 2_000,
            cost: Nano::from_nanos(1),
            text: "0.000000001",
            evidence: Evidence::Usage,
        })
    }

    /// Kills the process and starts another on what it left: the open holds.
    pub(crate) fn restart(self, dir: &Path) -> Vec<u64> {
        let World { store, disk, books } = self;
        drop(Arc::try_unwrap(store).expect("nobody else has it"));
        let (_store, recovered) = Store::open_stepped(dir, options(), Arc::new(disk), Arc::new(books))
            .expect("what a kill leaves is whole");
        recovered.open.iter().map(|open| open.hold.0).collect()
    }

    /// What was removed of the journal is in the books, for good.
    pub(crate) fn removed_what_is_in_the_books(&self, models: &[&str]) {
        let (removed, durable) = (self.disk.removed(), self.books.durable());
        let is_removed = |model: &str| removed.iter().any(|bytes| find(bytes, model).is_some());
        let lost = models.iter().find(|model| is_removed(model) && !durable.contains(**model));
        assert_eq!(lost, None, "removed before the books had it");
    }
}
