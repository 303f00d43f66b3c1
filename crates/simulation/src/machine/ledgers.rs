//! [`Ledgers`]: the books of the machine, which outlive every process, and what a power cut leaves of them.
//!
//! Books in memory stand twice: as they are, and as they are on the disk for certain. Between the two lie the changes
//! since; a power cut keeps as many of them as it likes, the first ones first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fastrand::Rng;
use parking_lot::Mutex;
use store::books::{Batch, Books, Memory, PostError, Reader, Sqlite, Writer};
use store::{ControlPoint, DecisionRow, HonestyRow, OpenError, SavingRow, Trouble};

/// Which books a machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BooksKind {
    /// In memory: fast, and a power cut may take what was not made durable.
    Memory,
    /// A real SQLite file: no power cuts.
    Sqlite,
}

#[derive(Debug)]
pub(super) struct Ledgers {
    kind: Kind,
    refuses: AtomicBool,
}

#[derive(Debug)]
enum Kind {
    Memory(Mutex<Layers>),
    Sqlite(Sqlite),
}

#[derive(Debug, Default)]
struct Layers {
    live: Memory,
    durable: Memory,
    /// What `live` has and `durable` has not.
    since: Vec<Change>,
}

/// A change of the books.
#[derive(Debug)]
pub(super) enum Change {
    Post(Batch),
    KeepDecisions(Vec<DecisionRow>, u64),
    AddSavings(Vec<SavingRow>),
    AddHonesty(Vec<HonestyRow>),
    ClearHonesty(String, Option<String>, i64),
    KeepControl(ControlPoint),
}

impl Ledgers {
    pub(super) fn new(kind: BooksKind, dir: &std::path::Path) -> Self {
        let kind = match kind {
            BooksKind::Memory => Kind::Memory(Mutex::default()),
            BooksKind::Sqlite => Kind::Sqlite(Sqlite::new(dir)),
        };
        Self { kind, refuses: AtomicBool::new(false) }
    }

    pub(super) fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Relaxed);
    }

    pub(super) fn check(&self) -> Result<(), Trouble> {
        if self.refuses.load(Ordering::Relaxed) {
            Err("the books are busy (simulated)".into())
        } else {
            Ok(())
        }
    }

    pub(super) fn writer(&self) -> Result<Box<dyn Writer>, OpenError> {
        self.books(|books| books.writer())
    }

    pub(super) fn reader(&self) -> Result<Box<dyn Reader>, OpenError> {
        self.books(|books| books.reader())
    }

    /// A change was made.
    pub(super) fn changed(&self, change: impl FnOnce() -> Change) {
        if let Kind::Memory(layers) = &self.kind {
            layers.lock().since.push(change());
        }
    }

    /// Everything so far is on the disk.
    pub(super) fn made_durable(&self, change: impl FnOnce(&mut dyn Writer) -> Result<(), Trouble>) {
        if let Kind::Memory(layers) = &self.kind {
            let mut layers = layers.lock();
            let all = layers.since.len();
            let mut durable = layers.keep(all);
            change(&mut *durable).expect("books in memory take everything");
        }
    }

    /// The power goes.
    pub(super) fn cut(&self, rng: &mut Rng) {
        let Kind::Memory(layers) = &self.kind else { panic!("the power cannot be cut under a real file") };
        let mut layers = layers.lock();
        let kept = rng.usize(0..=layers.since.len());
        layers.keep(kept);
        layers.since.clear();
        layers.live = layers.durable.copy();
    }

    /// A backup of now, or what there is of other books instead.
    pub(super) fn memory(&self) -> Memory {
        match &self.kind {
            Kind::Memory(layers) => layers.lock().live.copy(),
            Kind::Sqlite(_) => panic!("only books in memory are copied"),
        }
    }

    /// These are the books now, on the disk.
    pub(super) fn replace(&self, books: &Memory) {
        let Kind::Memory(layers) = &self.kind else { panic!("only books in memory are replaced") };
        *layers.lock() = Layers { live: books.copy(), durable: books.copy(), since: Vec::new() };
    }

    fn books<T>(&self, open: impl FnOnce(&dyn Books) -> T) -> T {
        match &self.kind {
            Kind::Memory(layers) => open(&layers.lock().live),
            Kind::Sqlite(books) => open(books),
        }
    }
}

impl Layers {
    /// The first changes are on the disk.
    fn keep(&mut self, count: usize) -> Box<dyn Writer> {
        let mut durable = self.durable.writer().expect("books in memory open");
        for change in self.since.drain(..count) {
            change.apply(&mut *durable).expect("what was taken once is taken again");
        }
        durable
    }
}

impl Change {
    fn apply(self, books: &mut dyn Writer) -> Result<(), Trouble> {
        match self {
            Change::Post(batch) => books.post(&batch).map_err(|error| match error {
                PostError::Trouble(error) => error,
                PostError::Disagree(fault) => Box::new(fault),
                PostError::Closed => "the journal failed".into(),
            }),
            Change::KeepDecisions(rows, kept_max) => books.keep_decisions(&rows, kept_max),
            Change::AddSavings(rows) => books.add_savings(&rows),
            Change::AddHonesty(rows) => books.add_honesty(&rows),
            Change::ClearHonesty(model, provider, at_ms) => {
                books.clear_honesty(&model, provider.as_deref(), at_ms).map(|_| ())
            }
            Change::KeepControl(point) => books.keep_control(&point),
        }
    }
}

/// Shared by the books of all processes.
pub(super) type SharedLedgers = Arc<Ledgers>;
