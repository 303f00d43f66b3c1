//! `farebox verify`: the books against themselves, and the journal against the books, without a gateway.
//!
//! Everything that is a sum is summed again from its parts: balances, rolling buckets, what is booked on each upstream
//! key, the days of the reports. Every record that is still in the journal is read, its checksum with it, and held
//! against what the books say of it. Nothing is changed. Time and memory grow with the books; a start needs none of this.
//!
//! What is wrong is told as sentences that name the place. Outside failures: what cannot be read is an error, not clean.

mod control;
mod entries;
mod holdings;
mod journal;
mod sums;

use std::path::Path;

use ledger::invariants::Broken;
use money::Nano;
use rusqlite::Connection;

use self::holdings::Holdings;
use crate::books::upkeep;
use crate::lock::Lock;
use crate::{OpenError, RealDisk};

/// Sentences about damage that are kept; more are counted.
const DAMAGE_MAX: usize = 100;

/// What was looked at, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// What is wrong, and where; the first hundred.
    pub damage: Vec<String>,
    /// How many more there are.
    pub damage_more: u64,
    /// What is unusual but no damage.
    pub notes: Vec<String>,
    /// Balances summed again.
    pub balances: u64,
    /// Entries read.
    pub entries: u64,
    /// Corrections of entries read.
    pub corrections: u64,
    /// Looks at OpenRouter's counters compared.
    pub control_points: u64,
    /// Holds that have not ended.
    pub open: u64,
    /// Journal segments read.
    pub segments: u64,
    /// Journal records read.
    pub records: u64,
    /// The sum of all entries, each counted once, USD.
    pub posted: Nano,
    /// The bounds of the holds that have not ended, each counted once, USD.
    pub charged: Nano,
    /// The last record in the books.
    pub last_posted: u64,
}

impl Verification {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.damage.is_empty()
    }

    fn holds(&mut self, invariant: Result<(), Broken>) {
        if let Err(broken) = invariant {
            self.wrong(broken.to_string());
        }
    }

    fn wrong(&mut self, sentence: String) {
        if self.damage.len() < DAMAGE_MAX {
            self.damage.push(sentence);
        } else {
            self.damage_more += 1;
        }
    }
}

/// How far a verification has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// SQLite's own structure.
    File,
    /// Entries, of about so many in all.
    Entries(u64, u64),
    /// Sums, compared.
    Sums,
    /// The journal.
    Journal,
}

/// Verifies the books in `dir`, which no gateway may have open. `watch` is told how far it is, often.
///
/// # Errors
/// [`OpenError::Held`] while a gateway runs; [`OpenError::Absent`] when there are no books; what cannot be read.
pub fn verify(dir: &Path, watch: &mut dyn FnMut(Stage)) -> Result<Verification, OpenError> {
    let connection = upkeep::tables(dir)?;
    let _lock = Lock::take(dir)?;
    let mut found = Verification::default();
    watch(Stage::File);
    file(&connection, &mut found)?;
    let holdings = Holdings::read(&connection, &mut found)?;
    let sums = entries::read(&connection, &holdings, &mut found, watch)?;
    watch(Stage::Sums);
    sums.compare(&connection, &holdings, &mut found)?;
    control::read(&connection, &mut found)?;
    watch(Stage::Journal);
    journal::read(dir, &RealDisk, &connection, &mut found)?;
    Ok(found)
}

/// SQLite's own checks: pages, indexes, and that each row is in each of them.
fn file(connection: &Connection, found: &mut Verification) -> Result<(), OpenError> {
    let mut statement = connection.prepare("PRAGMA integrity_check(20)").map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let told: String = row.get(0).map_err(failed)?;
        if told != "ok" {
            found.wrong(format!("{}: {told}", upkeep::names()[0]));
        }
    }
    Ok(())
}

fn failed(source: rusqlite::Error) -> OpenError {
    OpenError::Books { doing: "read", source: Box::new(source) }
}
