//! The ledger made durable on one machine: journal file, recovery, books.
//!
//! The journal is the truth: a record that [`Store::append`] acknowledged survives `kill -9`, and power loss once its
//! [`Durable`] has ended. The books ([`books`]: SQLite, or memory for simulations) are the journal carried on, for
//! reports, and so that a start reads the open holds and not the past. No runtime: plain threads, and wakers from std.
//!
//! ```text
//! append ── journal segment ── pread ── shipper ── books (farebox.db)
//!               │ fdatasync                            │
//!             syncer ── Durable                        └── read(), find_balance(), entries(), report()
//! ```
//!
//! Money fails closed: what each outside failure does stands at the head of `journal`, `syncer`, `shipper`, `books`.
//!
//! ```
//! use ledger::{BalanceId, BalanceName, BoundClass, Evidence, HoldId, Member, SetId, UpstreamKeyId};
//! use money::Nano;
//! use store::{Durability, Options, Record, Store};
//!
//! # let dir = tempfile::tempdir()?;
//! # let dir = dir.path();
//! let (store, recovered) = Store::open(dir, Options::new(Durability::Power))?;
//! let name = BalanceName {
//!     budget: "all".into(),
//!     window: "lifetime".into(),
//!     scope: vec![],
//!     starts_ms: 0,
//!     ends_ms: None,
//! };
//! let (id, hold) = (BalanceId(recovered.next_balance), HoldId(recovered.next_hold));
//! store.append(&Record::Balance { id, name: &name, limit: Nano::from_cents(100) })?;
//! let set = SetId(recovered.next_set);
//! store.append(&Record::Set { id: set, members: &[Member::plain(id)] })?;
//! let at = store.append(&Record::Hold {
//!     hold,
//!     at_ms: 1_000,
//!     bound: Nano::from_cents(10),
//!     class: BoundClass::Proven,
//!     set,
//!     upstream_key: UpstreamKeyId([7; 8]),
//!     key: "app",
//!     model: "openai/gpt-4o-mini",
//! })?;
//! store.durable(at).wait()?;
//! // Now the request may leave.
//! let cost = Nano::from_cents(1);
//! store.append(&Record::Settle { hold, at_ms: 2_000, cost, text: "0.01", evidence: Evidence::Usage })?;
//! store.close()?;
//! assert_eq!(store::read(dir)?.balances[0].posted, cost);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod record;
mod recovered;
mod store;

mod frame;
mod line;

mod checks;
mod durable;
mod journal;
mod progress;
mod segment;
pub mod sync;
mod syncer;

pub mod books;
mod decision;
mod entry;
mod generation;
mod honesty;
mod report;
mod saving;
mod shipper;
mod tally;

mod fold;
mod reading;
mod recovery;

mod backup;
mod repair;
mod verify;

mod address;
mod disk;
mod error;
mod lock;
mod options;

pub use backup::{Backup, Restored, restore};
pub use decision::DecisionRow;
pub use disk::{BootId, Disk, DiskFile, RealDisk};
pub use durable::Durable;
pub use entry::{ActionRow, CorrectionRow, EntryRow, KeyTotal};
pub use error::{Fault, JournalError, OpenError, Trouble};
pub use generation::{GenerationRow, HoldEnd};
pub use honesty::{ControlPoint, HonestyRow};
pub use options::{Durability, Options};
pub use reading::{
    actions, control_points, corrections, entries, entry, find_generation, honesty, key_total,
    last_decisions, live_address, read, report, savings,
};
pub use record::{Position, Record};
pub use recovered::{BalanceRow, Members, OpenHold, Recovered};
pub use repair::{Repaired, repair};
pub use report::{ReportBy, ReportRow};
pub use saving::SavingRow;
pub use store::Store;
pub use verify::{Stage, Verification, verify};
