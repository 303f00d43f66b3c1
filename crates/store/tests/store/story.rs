//! Short ways to say what happens to a store.

use std::path::Path;
use std::time::Duration;

use ledger::{BalanceId, BalanceName, BoundClass, Evidence, HoldId, Member, SetId, UpstreamKeyId};
use money::Nano;
use store::{Durability, JournalError, OpenError, Options, Position, Record, Recovered, Store};

pub(crate) const HOUR_MS: i64 = 3_600_000;

/// The smallest segments, so that every test rotates.
pub(crate) fn options(durability: Durability) -> Options {
    Options {
        segment_bytes: Options::SEGMENT_BYTES_MIN,
        ship_every: Duration::from_millis(5),
        ship_records: 64,
        sync_every: Duration::from_millis(5),
        retry_after: Duration::from_millis(20),
        ..Options::new(durability)
    }
}

/// Nothing is shipped before the store is closed: the journal alone has to know.
pub(crate) fn journal_only() -> Options {
    Options {
        segment_bytes: 256 << 10,
        ship_every: Duration::from_secs(3600),
        ship_records: 1_000_000,
        ..options(Durability::Process)
    }
}

pub(crate) fn open(dir: &Path, options: Options) -> (Store, Recovered) {
    Store::open(dir, options).unwrap_or_else(|error| panic!("{error}: {error:?}"))
}

pub(crate) fn damaged(dir: &Path, options: Options) -> store::Fault {
    match Store::open(dir, options) {
        Err(OpenError::Damaged(fault)) => fault,
        other => panic!("damage was not noticed: {other:?}"),
    }
}

pub(crate) fn name(id: u32) -> BalanceName {
    BalanceName {
        budget: "all".to_owned(),
        window: "lifetime".to_owned(),
        scope: vec![("user".to_owned(), format!("u{id}"))],
        starts_ms: 0,
        ends_ms: None,
    }
}

/// A balance, and a set of it alone.
pub(crate) fn declare(store: &Store, id: u32) {
    let name = name(id);
    store.append(&Record::Balance { id: BalanceId(id), name: &name, limit: Nano::from_cents(100) }).unwrap();
    store.append(&Record::Set { id: SetId(id), members: &[Member::plain(BalanceId(id))] }).unwrap();
}

pub(crate) fn hold(store: &Store, hold: u64) -> Result<Position, JournalError> {
    store.append(&Record::Hold {
        hold: HoldId(hold),
        at_ms: 1_000 + hold.cast_signed(),
        bound: Nano::from_nanos(1_000_000),
        class: BoundClass::Proven,
        set: SetId(0),
        upstream_key: UpstreamKeyId(*b"upstream"),
        key: "app",
        model: "openai/gpt-4o-mini",
    })
}

pub(crate) fn settle(store: &Store, hold: u64, nanos: i64) -> Result<Position, JournalError> {
    store.append(&Record::Settle {
        hold: HoldId(hold),
        at_ms: 2_000 + hold.cast_signed(),
        cost: Nano::from_nanos(nanos),
        text: "0.000000001",
        evidence: Evidence::Usage,
    })
}

/// The ids of the open holds.
pub(crate) fn held(recovered: &Recovered) -> Vec<u64> {
    recovered.open.iter().map(|open| open.hold.0).collect()
}

/// All journal segments, oldest first.
pub(crate) fn segments(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> =
        std::fs::read_dir(dir.join("journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// A copy of the folder, as a crash would have left it.
pub(crate) fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    std::fs::create_dir(to.path().join("journal")).unwrap();
    for folder in ["", "journal"] {
        for entry in std::fs::read_dir(from.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, to.path().join(folder).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    to
}
