//! Reading a folder without its lock and without writing to it, whether a gateway runs or not.

use std::path::Path;
use std::thread;
use std::time::Duration;

use ledger::{HoldId, Member, UpstreamKeyId};

use crate::books::{Books, Reader, Snapshot, Sqlite};
use crate::disk::{Disk, RealDisk};
use crate::fold::Fold;
use crate::recovery::{Posted, Recovery};
use crate::{
    ActionRow, ControlPoint, CorrectionRow, DecisionRow, EntryRow, GenerationRow, HoldEnd, HonestyRow,
    KeyTotal, OpenError, OpenHold, Recovered, ReportBy, ReportRow, SavingRow, address,
};

/// A gateway that ships, rotates or writes in the middle of a read makes it look damaged; so it is read again.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(30);

/// The state of the ledger in `dir` as of its last record. While a gateway runs this is at most some milliseconds
/// old; `torn_bytes` then may count a record that is just being written.
///
/// # Errors
/// [`OpenError::Absent`] when there are no books; otherwise as [`crate::Store::open`].
pub fn read(dir: &Path) -> Result<Recovered, OpenError> {
    read_with(&RealDisk, &Sqlite::new(dir), dir)
}

fn read_with(disk: &dyn Disk, books: &dyn Books, dir: &Path) -> Result<Recovered, OpenError> {
    let mut attempt = 1;
    loop {
        match read_once(disk, books, dir) {
            Err(OpenError::Damaged(_) | OpenError::Io { .. } | OpenError::Books { .. })
                if attempt < ATTEMPTS =>
            {
                thread::sleep(PAUSE * attempt);
                attempt += 1;
            }
            result => return result,
        }
    }
}

/// One attempt, on any disk.
pub(crate) fn read_once(disk: &dyn Disk, books: &dyn Books, dir: &Path) -> Result<Recovered, OpenError> {
    let mut books = books.reader()?;
    books.hold_still()?;
    let recovery = recover(disk, &dir.join(JOURNAL), books.snapshot()?, &*books, false)?;
    let mut recovered = recovered(&recovery);
    let since_ms = recovered.latest_ms.saturating_sub(Recovered::GRACE_MS);
    recovered.add_balances(books.open_balances(since_ms, usize::MAX)?);
    Ok(recovered)
}

/// The books in `dir`, for reading.
fn reader(dir: &Path) -> Result<Box<dyn Reader>, OpenError> {
    Sqlite::new(dir).reader()
}

/// The folder of the segments, in the data folder.
pub(crate) const JOURNAL: &str = "journal";

/// The books' snapshot and the journal behind it.
pub(crate) fn recover(
    disk: &dyn Disk,
    journal: &Path,
    snapshot: Snapshot,
    books: &dyn Reader,
    write: bool,
) -> Result<Recovery, OpenError> {
    let posted = Posted {
        seq: snapshot.seq,
        segment: snapshot.segment,
        offset: snapshot.offset,
        clean: snapshot.clean,
    };
    Recovery::read(disk, journal, posted, Fold::from_books(snapshot), books, write)
}

/// What the callers see of a recovery.
pub(crate) fn recovered(recovery: &Recovery) -> Recovered {
    Recovered {
        exact: recovery.exact,
        torn_bytes: recovery.torn_bytes,
        notes: recovery.notes.clone(),
        ..recovery.fold.clone().recovered(recovery.boot_id)
    }
}

/// The last `n` decisions, newest first; only those about one request when its public id is given. While a gateway
/// runs the newest [`crate::Options::ship_every`] may be missing.
///
/// # Errors
/// [`OpenError::Absent`] when there are no books; [`OpenError::Books`] when SQLite fails.
pub fn last_decisions(dir: &Path, n: usize, request: Option<&str>) -> Result<Vec<DecisionRow>, OpenError> {
    reader(dir)?.last_decisions(n, request)
}

/// What was held and booked for a generation of OpenRouter's, by its id: the newest hold when there are several. While
/// a gateway runs one that ended within the last [`crate::Options::ship_every`] may be missing.
///
/// # Errors
/// As [`read`].
pub fn find_generation(dir: &Path, id: &str) -> Result<Option<GenerationRow>, OpenError> {
    find_generation_on(&RealDisk, &Sqlite::new(dir), dir, id)
}

/// As [`find_generation`], on this disk and with these books.
pub(crate) fn find_generation_on(
    disk: &dyn Disk,
    books: &dyn Books,
    dir: &Path,
    id: &str,
) -> Result<Option<GenerationRow>, OpenError> {
    // First those that are open, for one that ends meanwhile is found among those that ended.
    let recovered = read_with(disk, books, dir)?;
    if let Some(open) = recovered.open.iter().rev().find(|open| open.generation.as_deref() == Some(id)) {
        return Ok(Some(of_open(open, &recovered)));
    }
    let books = books.reader()?;
    books.entry_of(id)?.map(|entry| of_entry(entry, &*books)).transpose()
}

fn of_entry(entry: EntryRow, books: &dyn Reader) -> Result<GenerationRow, OpenError> {
    let mut balances = Vec::new();
    for member in &entry.members {
        balances.extend(books.balance(member.balance)?.map(|balance| balance.name));
    }
    Ok(GenerationRow {
        hold: entry.hold,
        at_ms: entry.at_ms,
        bound: entry.bound,
        class: entry.class,
        model: entry.model,
        generation: entry.generation.unwrap_or_default(),
        balances,
        unknown: entry.unknown,
        end: Some(HoldEnd {
            at_ms: entry.settled_ms,
            cost: entry.cost,
            text: entry.text,
            evidence: entry.evidence,
        }),
    })
}

fn of_open(open: &OpenHold, books: &Recovered) -> GenerationRow {
    let name = |member: &Member| {
        books.balances.iter().find(|row| row.id == member.balance).map(|row| row.name.clone())
    };
    GenerationRow {
        hold: open.hold,
        at_ms: open.at_ms,
        bound: open.bound,
        class: open.class,
        model: open.model.clone(),
        generation: open.generation.clone().unwrap_or_default(),
        balances: open.members.iter().filter_map(name).collect(),
        unknown: open.unknown,
        end: None,
    }
}

/// What each route cost and saved on each UTC day (days since 1970-01-01) from `since_day` on, oldest first. While a
/// gateway runs the newest [`crate::Options::ship_every`] may be missing.
///
/// # Errors
/// [`OpenError::Absent`] when there are no books; [`OpenError::Books`] when SQLite fails.
pub fn savings(dir: &Path, since_day: i64) -> Result<Vec<SavingRow>, OpenError> {
    reader(dir)?.savings(since_day)
}

/// Sums over the UTC days from `from_day` on and before `until_day` (days since 1970-01-01). While a gateway runs the
/// newest [`crate::Options::ship_every`] may be missing.
///
/// # Errors
/// As [`last_decisions`].
pub fn report(dir: &Path, from_day: i64, until_day: i64, by: ReportBy) -> Result<Vec<ReportRow>, OpenError> {
    reader(dir)?.report(from_day, until_day, by)
}

/// The entry of a hold that has ended, as far as it is in the books.
///
/// # Errors
/// As [`last_decisions`].
pub fn entry(dir: &Path, hold: HoldId) -> Result<Option<EntryRow>, OpenError> {
    reader(dir)?.entry(hold)
}

/// As [`crate::Store::entries`].
///
/// # Errors
/// As [`last_decisions`].
pub fn entries(
    dir: &Path,
    from_ms: i64,
    until_ms: i64,
    after: Option<HoldId>,
    most: usize,
) -> Result<Vec<EntryRow>, OpenError> {
    reader(dir)?.entries(from_ms, until_ms, after, most)
}

/// What was corrected on a hold, oldest first.
///
/// # Errors
/// As [`last_decisions`].
pub fn corrections(dir: &Path, hold: HoldId) -> Result<Vec<CorrectionRow>, OpenError> {
    reader(dir)?.corrections(hold)
}

/// All that is booked on an upstream key, as far as it is in the books.
///
/// # Errors
/// As [`last_decisions`].
pub fn key_total(dir: &Path, key: UpstreamKeyId) -> Result<KeyTotal, OpenError> {
    reader(dir)?.key_total(key)
}

/// The honesty register, by model and provider.
///
/// # Errors
/// As [`last_decisions`].
pub fn honesty(dir: &Path) -> Result<Vec<HonestyRow>, OpenError> {
    reader(dir)?.honesty()
}

/// The control points of an upstream key, newest first.
///
/// # Errors
/// As [`last_decisions`].
pub fn control_points(dir: &Path, key: UpstreamKeyId) -> Result<Vec<ControlPoint>, OpenError> {
    reader(dir)?.control_points(key)
}

/// The last `most` actions of operators, newest first.
///
/// # Errors
/// As [`last_decisions`].
pub fn actions(dir: &Path, most: usize) -> Result<Vec<ActionRow>, OpenError> {
    reader(dir)?.actions(most)
}

/// The console address of the gateway that has the folder open, as it told by [`crate::Store::set_address`].
/// A hint: the process is alive, whether it still listens is seen by asking it.
pub fn live_address(dir: &Path) -> Option<String> {
    address::find(dir)
}
