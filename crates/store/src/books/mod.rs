//! The books: what the journal has said so far, for reports and for a start that does not read the past.
//!
//! Posted in batches by one [`Writer`], read by any number of [`Reader`]s. A batch and the place in the journal it
//! reaches to are posted together or not at all, so that nothing is posted twice after a crash. What stands in the
//! tables is a function of the records posted, never of how they were cut into batches.
//!
//! Two implementations: [`Sqlite`], the books of a gateway, and [`Memory`], for simulations and tests. What both must
//! do is said by the tests in `tests/conformance`, which any other implementation has to pass unchanged.
//!
//! Outside failures ([`Trouble`]: busy, full, failing) are retried and told after a while; the journal takes records
//! as long as it has room. A contradiction between journal and books is final and closes the journal.

mod memory;
mod sqlite;

use std::fmt;
use std::path::PathBuf;

use ledger::{BalanceId, BalanceName, HoldId, SetId, UpstreamKeyId};

pub use crate::fold::Clock;
pub use crate::journal::Extent;
pub use crate::line::{Correction, Line};
pub use memory::Memory;
pub use sqlite::Sqlite;
pub(crate) use sqlite::upkeep;

use crate::disk::BootId;
use crate::error::{Fault, Trouble};
use crate::recovered::Members;
use crate::{
    ActionRow, BalanceRow, ControlPoint, CorrectionRow, DecisionRow, EntryRow, HonestyRow, KeyTotal,
    OpenError, OpenHold, ReportBy, ReportRow, SavingRow,
};

/// Books that can be opened.
pub trait Books: Send + Sync + fmt::Debug {
    /// Opens them for writing; makes them, or brings them up to date. There is one writer at a time.
    ///
    /// # Errors
    /// [`OpenError::TooNew`], or what the system says.
    fn writer(&self) -> Result<Box<dyn Writer>, OpenError>;

    /// Opens them for reading, whether somebody writes or not.
    ///
    /// # Errors
    /// [`OpenError::Absent`] when there are none; [`OpenError::TooNew`], or what the system says.
    fn reader(&self) -> Result<Box<dyn Reader>, OpenError>;
}

/// A stretch of one segment.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The file of the segment.
    pub path: PathBuf,
    /// The boot of the machine that it was written in.
    pub boot_id: Option<BootId>,
    /// Sequence number, byte offset, record; the numbers are dense.
    pub lines: Vec<(u64, u64, Line)>,
    /// Where the next record begins.
    pub next: Extent,
}

/// Why a batch was not posted.
#[derive(Debug)]
pub enum PostError {
    /// May pass by itself.
    Trouble(Trouble),
    /// Never passes.
    Disagree(Fault),
    /// The journal failed; it knows why.
    Closed,
}

impl Batch {
    pub(crate) fn fault(&self, seq: u64, offset: u64, what: String) -> PostError {
        PostError::Disagree(Fault { file: self.path.clone(), offset, seq, what })
    }
}

/// How far the books reach, and what a start needs of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The last record posted,
    pub seq: u64,
    /// the segment it stands in,
    pub segment: u64,
    /// and where the next one begins there.
    pub offset: u64,
    /// The highest time at which money moved, milliseconds since the Unix epoch.
    pub latest_ms: i64,
    /// The first balance id that was never given.
    pub next_balance: u32,
    /// The first set id that was never given.
    pub next_set: u32,
    /// The first hold id above all that were given.
    pub next_hold: u64,
    /// The last clock record.
    pub clock: Option<Clock>,
    /// When the backup was made that the books come from, until that is accepted; milliseconds since the Unix epoch.
    pub restored: Option<i64>,
    /// Whether the store was closed here, with everything on disk.
    pub clean: bool,
    /// The balances of the open holds, by id.
    pub balances: Vec<BalanceRow>,
    /// The open holds, by id.
    pub open: Vec<OpenHold>,
    /// The segments that they began in, by hold; without those of before this was noted.
    pub began: Vec<(HoldId, u64)>,
}

/// The one who writes.
pub trait Writer: Send + fmt::Debug {
    /// Posts a batch and the place it reaches to, or nothing.
    ///
    /// # Errors
    /// [`PostError::Disagree`] when its records cannot follow those posted before.
    fn post(&mut self, batch: &Batch) -> Result<(), PostError>;

    /// Returns when everything posted so far survives a power cut. `clean`: nothing will follow.
    ///
    /// # Errors
    /// What the system says.
    fn make_durable(&mut self, clean: bool) -> Result<(), Trouble>;

    /// Keeps explanations; the oldest beyond `kept_max` go.
    ///
    /// # Errors
    /// What the system says; nothing was kept.
    fn keep_decisions(&mut self, rows: &[DecisionRow], kept_max: u64) -> Result<(), Trouble>;

    /// Adds to what routes saved: all of it or nothing.
    ///
    /// # Errors
    /// What the system says; nothing was added.
    fn add_savings(&mut self, rows: &[SavingRow]) -> Result<(), Trouble>;

    /// Adds to the honesty register: all of it or nothing.
    ///
    /// # Errors
    /// What the system says; nothing was added.
    fn add_honesty(&mut self, rows: &[HonestyRow]) -> Result<(), Trouble>;

    /// Clears a model at one provider, or at all of them, as of an instant; how many rows that were.
    ///
    /// # Errors
    /// What the system says.
    fn clear_honesty(&mut self, model: &str, provider: Option<&str>, at_ms: i64) -> Result<usize, Trouble>;

    /// Keeps a control point, and no more than the last [`ControlPoint::KEPT_MAX`] of its upstream key.
    ///
    /// # Errors
    /// What the system says.
    fn keep_control(&mut self, point: &ControlPoint) -> Result<(), Trouble>;

    /// Notes that the books come from a backup, or that this was accepted ([`Snapshot::restored`]).
    ///
    /// # Errors
    /// What the system says.
    fn set_restored(&mut self, at_ms: Option<i64>) -> Result<(), Trouble>;

    /// Lets the books go.
    ///
    /// # Errors
    /// What the system says.
    fn close(self: Box<Self>) -> Result<(), Trouble>;
}

/// One who reads. Each call sees whole batches only.
///
/// # Errors
/// All of them: [`OpenError::Books`] or [`OpenError::Row`] when the books cannot be read.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Reader: Send + fmt::Debug {
    /// From now on, shows the books as they are now, until it is dropped.
    fn hold_still(&mut self) -> Result<(), OpenError>;

    /// What a start needs.
    fn snapshot(&self) -> Result<Snapshot, OpenError>;

    /// A balance of any age.
    fn balance(&self, id: BalanceId) -> Result<Option<BalanceRow>, OpenError>;

    /// The newest balance of this name.
    fn find_balance(&self, name: &BalanceName) -> Result<Option<BalanceRow>, OpenError>;

    /// Balances whose window has not ended before `since_ms`, by id, at most `most`.
    fn open_balances(&self, since_ms: i64, most: usize) -> Result<Vec<BalanceRow>, OpenError>;

    /// The members of a set.
    fn set(&self, id: SetId) -> Result<Option<Members>, OpenError>;

    /// The entry of a hold that has ended.
    fn entry(&self, hold: HoldId) -> Result<Option<EntryRow>, OpenError>;

    /// The newest entry of a generation.
    fn entry_of(&self, generation: &str) -> Result<Option<EntryRow>, OpenError>;

    /// Entries of holds made from `from_ms` on and before `until_ms`, behind `after`, by hold, at most `most`. Hold ids
    /// grow with time; one that was made more than a minute before an earlier one may be left out.
    fn entries(
        &self,
        from_ms: i64,
        until_ms: i64,
        after: Option<HoldId>,
        most: usize,
    ) -> Result<Vec<EntryRow>, OpenError>;

    /// What was corrected on a hold, oldest first.
    fn corrections(&self, hold: HoldId) -> Result<Vec<CorrectionRow>, OpenError>;

    /// All that is booked on an upstream key; zeros for one that is not known.
    fn key_total(&self, key: UpstreamKeyId) -> Result<KeyTotal, OpenError>;

    /// Sums over the UTC days from `from_day` on and before `until_day` (days since 1970-01-01), by name or day.
    fn report(&self, from_day: i64, until_day: i64, by: ReportBy) -> Result<Vec<ReportRow>, OpenError>;

    /// The last `n` explanations, newest first; only those of one request when given.
    fn last_decisions(&self, n: usize, request: Option<&str>) -> Result<Vec<DecisionRow>, OpenError>;

    /// What each route saved on each UTC day from `since_day` on, oldest first.
    fn savings(&self, since_day: i64) -> Result<Vec<SavingRow>, OpenError>;

    /// The honesty register, by model and provider.
    fn honesty(&self) -> Result<Vec<HonestyRow>, OpenError>;

    /// The control points of an upstream key, newest first.
    fn control_points(&self, key: UpstreamKeyId) -> Result<Vec<ControlPoint>, OpenError>;

    /// The last `most` actions, newest first.
    fn actions(&self, most: usize) -> Result<Vec<ActionRow>, OpenError>;
}
