//! A machine that processes run on: a disk that can lose what was not synced, books that can too, clocks that jump.
//!
//! Not a model: the real store and the real admission run on it, one operation after the other on one thread, and
//! whatever goes wrong is told by the caller, or by dice that the caller brings.
//!
//! ```text
//! Machine::start ── Process { Store (no threads), Admission }
//!                        │ Cable: traps, counts; pulled out by a kill
//!          ┌─────────────┴─────────────┐
//!        Medium: files               Ledgers: books
//!          │ cut_power: any pages      │ cut_power: the first of the changes
//! ```
//!
//! The lock of the folder is a real one, in a folder of its own.

mod books;
mod cable;
mod clocks;
mod damage;
mod disk;
mod file;
mod ledgers;
mod medium;
mod process;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use admission::{Admission, Policy};
use fastrand::Rng;
use ledger::Budget;
use parking_lot::Mutex;
use store::books::{Books, Memory};
use store::{Options, Store};
use tempfile::TempDir;

pub use cable::{Trap, TrapKind, Write};
pub use clocks::Clocks;
pub use damage::Damage;
pub use disk::ProcessDisk;
pub use ledgers::BooksKind;
pub use process::{Process, StartError};

use books::ProcessBooks;
use cable::Cable;
use ledgers::Ledgers;
use medium::Medium;

/// One computer.
#[derive(Debug)]
pub struct Machine {
    /// Its clocks.
    pub clocks: Arc<Clocks>,
    medium: Arc<Medium>,
    ledgers: Arc<Ledgers>,
    /// Of the processes that may still run.
    cables: Mutex<Vec<Arc<Cable>>>,
    /// What processes wrote that did not start.
    left: Mutex<Vec<Write>>,
    /// Whether no process has started since the power was cut.
    is_cold: AtomicBool,
    dir: TempDir,
}

/// A backup of the books.
#[derive(Clone, Debug)]
pub struct BackedUp(Memory);

impl Machine {
    /// A machine with an empty disk.
    pub fn new(wall_ms: i64, books: BooksKind) -> Self {
        // In memory where there is such a folder: a lock file on a disk costs more than everything else here.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let dir = dir.expect("a folder for the lock");
        Self {
            clocks: Arc::new(Clocks::new(wall_ms)),
            medium: Arc::new(Medium::new()),
            ledgers: Arc::new(Ledgers::new(books, dir.path())),
            cables: Mutex::default(),
            left: Mutex::default(),
            is_cold: AtomicBool::new(false),
            dir,
        }
    }

    /// Starts a process, as `farebox serve` does: the store, without its threads, and admission. A trap is armed from the
    /// first operation on, and stays so until it springs.
    ///
    /// # Errors
    /// [`StartError`]; what was written until then stays.
    pub fn start(
        &self,
        options: &Options,
        budgets: Vec<Budget>,
        allow_unbudgeted: bool,
        trap: Option<Trap>,
    ) -> Result<Process, StartError> {
        let boot_clock = self.clocks.clone();
        self.start_with(options, Policy { boot_clock, ..Policy::new(budgets, allow_unbudgeted) }, trap)
    }

    /// As [`Machine::start`], with a policy (whose boot clock should be this machine's).
    ///
    /// # Errors
    /// As [`Machine::start`].
    pub fn start_with(
        &self,
        options: &Options,
        policy: Policy,
        trap: Option<Trap>,
    ) -> Result<Process, StartError> {
        let cable = Arc::new(Cable::default());
        cable.arm(trap);
        let started = self.open(options, policy, &cable);
        if cable.is_dead() || started.is_err() {
            cable.take_writes(&mut self.left.lock());
        }
        if cable.is_dead() {
            return Err(StartError::Died);
        }
        match started {
            Ok(_) => {
                self.is_cold.store(false, Ordering::Relaxed);
                let mut cables = self.cables.lock();
                cables.retain(|cable| !cable.is_dead());
                cables.push(cable);
            }
            Err(_) => cable.pull(),
        }
        started
    }

    fn open(&self, options: &Options, policy: Policy, cable: &Arc<Cable>) -> Result<Process, StartError> {
        let disk = Arc::new(ProcessDisk::new(self.medium.clone(), cable.clone()));
        let books: Arc<dyn Books> = Arc::new(ProcessBooks::new(self.ledgers.clone(), cable.clone()));
        let opened = Store::open_stepped(self.dir.path(), options.clone(), disk.clone(), books);
        let (store, recovered) = opened.map_err(|error| StartError::of(&error))?;
        let store = Arc::new(store);
        let wall_ms = self.clocks.wall_ms();
        match Admission::open(store.clone(), recovered.clone(), policy, wall_ms) {
            Ok(admission) => Ok(Process { admission, store, disk, recovered, cable: cable.clone() }),
            Err(error) => {
                store.abandon();
                Err(StartError::Failed(error.to_string()))
            }
        }
    }

    /// The power goes and comes back: every process is dead. Of each page of a file that was not synced, what it was,
    /// what it became or something between is left; a file that is made stays, one that was removed may come back until
    /// another is made. The books are as after any change between the last durable one and the last. It is another boot,
    /// a few seconds old; the wall clock is as it was.
    ///
    /// # Panics
    /// With SQLite's books.
    pub fn cut_power(&self, process: Option<Process>, rng: &mut Rng) {
        if let Some(process) = process {
            process.kill();
        }
        self.cables.lock().drain(..).for_each(|cable| cable.pull());
        self.medium.cut(rng);
        self.ledgers.cut(rng);
        self.clocks.reboot(rng.i64(1_000..20_000));
        self.is_cold.store(true, Ordering::Relaxed);
    }

    /// Flips one bit of a journal record that is on the disk and not in the books, so that a start has to read it and
    /// must notice. `None`: there is none, or a process runs, or the power was cut since the last start (for then the
    /// last records, synced as they are, cannot be told from lost ones).
    pub fn damage(&self, rng: &mut Rng) -> Option<Damage> {
        if self.is_cold.load(Ordering::Relaxed) || self.cables.lock().iter().any(|cable| !cable.is_dead()) {
            return None;
        }
        let books = self.ledgers.reader().ok()?.snapshot().ok()?;
        Damage::random(&self.medium, (books.segment, books.offset), rng)
    }

    /// Flips it back.
    pub fn undo(&self, damage: &Damage) {
        damage.flip(&self.medium);
    }

    /// Where its lock is; part of the names of its files.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// What processes wrote that did not start, since the last time it was asked for.
    pub fn take_left(&self) -> Vec<Write> {
        std::mem::take(&mut self.left.lock())
    }

    /// Whether there is no room for another file.
    pub fn fill_disk(&self, full: bool) {
        self.medium.fill(full);
    }

    /// Whether the books take nothing.
    pub fn books_refuse(&self, refuses: bool) {
        self.ledgers.refuse(refuses);
    }

    /// The segments of the journal as a program would read them now, oldest first: name and bytes.
    pub fn segments(&self) -> Vec<(String, Vec<u8>)> {
        let files = self.medium.files().into_iter();
        files.map(|(name, file)| (name, file.lock().bytes().to_vec())).collect()
    }

    /// A backup of the books as they are. What is only in the journal is not in it: ship first.
    ///
    /// # Panics
    /// With SQLite's books.
    pub fn back_up(&self) -> BackedUp {
        BackedUp(self.ledgers.memory())
    }

    /// Puts a backup in the place of books and journal, as `farebox restore` does: nothing is admitted until somebody
    /// accepts that what happened since is missing.
    ///
    /// # Panics
    /// While a process runs, and with SQLite's books.
    pub fn restore(&self, backup: &BackedUp) {
        assert!(self.cables.lock().iter().all(|cable| cable.is_dead()), "a process has the folder");
        self.medium.wipe();
        self.ledgers.replace(&backup.0.restored());
    }
}
