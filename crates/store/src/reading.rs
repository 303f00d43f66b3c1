//! Reading a folder without its lock and without writing to it, whether a gateway runs or not.

use std::path::Path;
use std::thread;
use std::time::Duration;

use ledger::Member;

use crate::books::{self, Past, Snapshot};
use crate::disk::{Disk, RealDisk};
use crate::fold::Fold;
use crate::recovery::{Posted, Recovery};
use crate::{DecisionRow, GenerationRow, OpenError, OpenHold, Recovered, SavingRow, address};

/// A gateway that ships, rotates or writes in the middle of a read makes it look damaged; so it is read again.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(30);

/// The state of the ledger in `dir` as of its last record. While a gateway runs this is at most some milliseconds
/// old; `torn_bytes` then may count a record that is just being written.
///
/// # Errors
/// [`OpenError::Absent`] when there are no books; otherwise as [`crate::Store::open`].
pub fn read(dir: &Path) -> Result<Recovered, OpenError> {
    let mut attempt = 1;
    loop {
        match read_once(dir) {
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

fn read_once(dir: &Path) -> Result<Recovered, OpenError> {
    let mut connection = books::reader(dir)?;
    let transaction =
        connection.transaction().map_err(|source| OpenError::Books { doing: "read", source })?;
    let snapshot = Snapshot::read(&transaction)?;
    let recovery = recover(&RealDisk, &dir.join(JOURNAL), snapshot, &transaction, false)?;
    let mut recovered = recovered(&recovery);
    let since_ms = recovered.latest_ms.saturating_sub(Recovered::GRACE_MS);
    let open = books::open_balances(&transaction, since_ms, usize::MAX)?;
    recovered.add_balances(open);
    Ok(recovered)
}

/// The folder of the segments, in the data folder.
pub(crate) const JOURNAL: &str = "journal";

/// The books' snapshot and the journal behind it.
pub(crate) fn recover(
    disk: &dyn Disk,
    journal: &Path,
    snapshot: Snapshot,
    connection: &rusqlite::Connection,
    write: bool,
) -> Result<Recovery, OpenError> {
    let posted = Posted {
        seq: snapshot.seq,
        segment: snapshot.segment,
        offset: snapshot.offset,
        clean: snapshot.clean,
    };
    Recovery::read(disk, journal, posted, Fold::from_books(snapshot), &Past(connection), write)
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
    books::last_decisions(&books::reader(dir)?, n, request)
}

/// What was held and booked for a generation of OpenRouter's, by its id: the newest hold when there are several. While
/// a gateway runs one that ended within the last [`crate::Options::ship_every`] may be missing.
///
/// # Errors
/// As [`read`].
pub fn find_generation(dir: &Path, id: &str) -> Result<Option<GenerationRow>, OpenError> {
    // First those that are open, for one that ends meanwhile is found among those that ended.
    let books = read(dir)?;
    if let Some(open) = books.open.iter().rev().find(|open| open.generation.as_deref() == Some(id)) {
        return Ok(Some(of_open(open, &books)));
    }
    books::ended_generation(&books::reader(dir)?, id)
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
    books::savings(&books::reader(dir)?, since_day)
}

/// The console address of the gateway that has the folder open, as it told by [`crate::Store::set_address`].
/// A hint: the process is alive, whether it still listens is seen by asking it.
pub fn live_address(dir: &Path) -> Option<String> {
    address::find(dir)
}
