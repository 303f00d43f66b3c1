//! The store: journal, syncer, shipper and books of one folder, opened by one process.

mod inquiry;

use std::fmt;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ledger::mutants::{self, Mutant};

use crate::backup::{self, Backup};
use crate::books::{Books, Reader, Sqlite};
use crate::checks::Checks;
use crate::disk::{Disk, RealDisk};
use crate::journal::{Journal, Start};
use crate::lock::Lock;
use crate::reading::{self, JOURNAL};
use crate::shipper::{Dispatch, SharedWriter, Shipper};
use crate::sync::Mutex;
use crate::sync::thread::{self, JoinHandle};
use crate::syncer::Syncer;
use crate::{Durability, Durable, JournalError, OpenError, Options, Position, Record, Recovered, address};

/// How long [`Store::flush`] waits at most, and between two looks.
const FLUSH_MAX: Duration = Duration::from_secs(60);
const FLUSH_STEP: Duration = Duration::from_millis(2);

/// The ledger of one folder, durable. Share it by `Arc`; every method may be called from any thread.
///
/// Dropping it without [`Store::close`] ends its threads and leaves the journal as a crash would.
pub struct Store {
    dir: PathBuf,
    journal: Arc<Journal>,
    syncer: Arc<Syncer>,
    dispatch: Arc<Dispatch>,
    /// For single look-ups; whoever reads much opens the books anew.
    lookups: Mutex<Option<Box<dyn Reader>>>,
    books: Arc<dyn Books>,
    writer: SharedWriter,
    threads: Mutex<Threads>,
    /// There are none: [`Store::open_stepped`].
    is_stepped: bool,
}

struct Threads {
    syncer: Option<JoinHandle<()>>,
    shipper: Option<Shipping>,
    closed: Option<Result<(), JournalError>>,
    /// Held until everything else has ended.
    lock: Option<Lock>,
}

/// Who ships.
enum Shipping {
    Thread(JoinHandle<Shipper>),
    /// Whoever calls [`Store::ship`].
    Stepped(Box<Shipper>),
}

impl Store {
    /// Opens the folder, or makes it (mode 0700): takes its lock, reads back what the books do not have yet, cuts an
    /// unfinished record off the journal's end, and begins a new segment.
    ///
    /// # Errors
    /// [`OpenError::Held`] while another process has it; [`OpenError::Damaged`] with file and byte when the journal
    /// lost or changed a record that was on disk.
    pub fn open(dir: &Path, options: Options) -> Result<(Self, Recovered), OpenError> {
        Self::open_on(dir, options, Arc::new(RealDisk))
    }

    /// As [`Store::open`], with the journal on another disk: for simulations and for faults on purpose.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_on(
        dir: &Path,
        options: Options,
        disk: Arc<dyn Disk>,
    ) -> Result<(Self, Recovered), OpenError> {
        Self::open_with(dir, options, disk, Arc::new(Sqlite::new(dir)))
    }

    /// As [`Store::open_on`], with other books than those in the folder.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(
        dir: &Path,
        options: Options,
        disk: Arc<dyn Disk>,
        books: Arc<dyn Books>,
    ) -> Result<(Self, Recovered), OpenError> {
        check(&options)?;
        let (store, shipper, recovered) = Self::begin(dir, options, disk, books, Lock::take)?;
        // Dropping the store ends the first thread should the second not start.
        store.start_threads(shipper).map_err(|e| OpenError::io("start a thread for", dir, e))?;
        Ok((store, recovered))
    }

    /// As [`Store::open_with`], without a thread: the caller does their work, by [`Store::sync`] and [`Store::ship`].
    /// Does not wait for a holder of the folder that is about to end. For simulations.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_stepped(
        dir: &Path,
        options: Options,
        disk: Arc<dyn Disk>,
        books: Arc<dyn Books>,
    ) -> Result<(Self, Recovered), OpenError> {
        check(&options)?;
        let (mut store, shipper, recovered) = Self::begin(dir, options, disk, books, Lock::take_at_once)?;
        store.is_stepped = true;
        store.threads.lock().shipper = Some(Shipping::Stepped(Box::new(shipper)));
        Ok((store, recovered))
    }

    /// Everything but the threads.
    fn begin(
        dir: &Path,
        options: Options,
        disk: Arc<dyn Disk>,
        books: Arc<dyn Books>,
        lock: impl FnOnce(&Path) -> Result<Lock, OpenError>,
    ) -> Result<(Self, Shipper, Recovered), OpenError> {
        let journal_dir = dir.join(JOURNAL);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&journal_dir)
            .map_err(|e| OpenError::io("make", &journal_dir, e))?;
        let lock = lock(dir)?;
        address::remove(dir);
        let mut writer = books.writer()?;
        let reader = books.reader()?;
        let snapshot = reader.snapshot()?;
        let (shipped, at_offset, clean) = (snapshot.seq, snapshot.offset, snapshot.clean);
        let recovery = reading::recover(&*disk, &journal_dir, snapshot, &*reader, true)?;
        recovery.make_good(&*disk)?;
        let recovered = reading::recovered(&recovery);
        for note in &recovered.notes {
            tracing::warn!(%note, "journal recovered");
        }
        let at = recovery.resume(shipped, at_offset);
        let start = Start {
            dir: journal_dir,
            disk,
            boot_id: recovery.boot_id,
            last: recovery.last,
            shipped,
            next_ordinal: recovery.next_ordinal,
            next_position: recovery.next_position,
            segments: recovery.segments,
            checks: Checks::new(&recovered, recovery.fold.began()),
        };
        let journal = Arc::new(Journal::start(options, start)?);
        // Not before there is a segment of full length: a short one is the mark of a clean end.
        if clean {
            writer.make_durable(false).map_err(|source| OpenError::Books { doing: "write", source })?;
        }
        let syncer = Arc::new(Syncer::new(journal.clone()));
        let dispatch = Arc::new(Dispatch::default());
        let writer = Arc::new(Mutex::new(Some(writer)));
        let mut shipper = Shipper::new(journal.clone(), dispatch.clone(), writer.clone(), at);
        if journal.is_crowded() && !mutants::is(Mutant::FullJournalNotShipped) {
            // Else there would be no room for what a start writes, and no later start would ship either.
            let shipped = shipper.round();
            let _ = shipped
                .inspect_err(|error| tracing::warn!(%error, "the journal is full and cannot be shipped"));
        }
        let threads = Threads { syncer: None, shipper: None, closed: None, lock: Some(lock) };
        let (lookups, threads) = (Mutex::new(Some(reader)), Mutex::new(threads));
        let dir = dir.to_path_buf();
        let is_stepped = false;
        let store = Self { dir, journal, syncer, dispatch, lookups, books, writer, threads, is_stepped };
        Ok((store, shipper, recovered))
    }

    fn start_threads(&self, shipper: Shipper) -> io::Result<()> {
        let mut threads = self.threads.lock();
        let watch = Watch { name: "syncer", syncer: self.syncer.clone(), journal: self.journal.clone() };
        let sync = move || watch.over(|watch| watch.syncer.run());
        threads.syncer = Some(thread::Builder::new().name("store-sync".to_owned()).spawn(sync)?);
        let watch = Watch { name: "shipper", syncer: self.syncer.clone(), journal: self.journal.clone() };
        let ship = move || watch.over(|_| shipper.run());
        let shipper = thread::Builder::new().name("store-ship".to_owned()).spawn(ship)?;
        threads.shipper = Some(Shipping::Thread(shipper));
        Ok(())
    }

    /// Appends a record. Once this returns `Ok` the record survives the death of the process; see
    /// [`Store::durable`] for power loss. No allocation, one short mutex, one `pwrite`.
    ///
    /// # Errors
    /// The record was refused and changed nothing ([`JournalError::NotOpen`], [`JournalError::AlreadyOpen`],
    /// [`JournalError::Undeclared`], [`JournalError::Invalid`]), or there is no room now ([`JournalError::Full`],
    /// [`JournalError::NoSpace`]), or the journal is closed for good (all others).
    pub fn append(&self, record: &Record<'_>) -> Result<Position, JournalError> {
        let appended = self.journal.append(record);
        if mutants::is(Mutant::FailsOpen) && matches!(record, Record::Hold { .. }) {
            return Ok(appended.unwrap_or(Position(0)));
        }
        appended
    }

    /// Ends when the record at `at` is as durable as the options ask: with [`Durability::Process`] at once, with
    /// [`Durability::Power`] after the next group sync. Await it, or [`Durable::wait`].
    pub fn durable(&self, at: Position) -> Durable {
        match self.journal.options.durability {
            Durability::Process => Durable::new(at, None),
            Durability::Power => Durable::new(at, Some(self.syncer.clone())),
        }
    }

    /// What the store was opened with.
    pub fn durability(&self) -> Durability {
        self.journal.options.durability
    }

    /// Ships everything appended so far and returns once it is in the books. Blocks: not for the path of a request.
    ///
    /// # Errors
    /// Why it is not in the books: they refuse for longer than [`Options::ship_grace`], or the store is closed.
    pub fn flush(&self) -> Result<(), JournalError> {
        let progress = &self.journal.progress;
        let wanted = progress.appended();
        if progress.shipped() < wanted && self.is_stepped {
            return self.ship();
        }
        let since = Instant::now();
        while progress.shipped() < wanted {
            progress.failure()?;
            if self.dispatch.stop.load(Ordering::Acquire) {
                return Err(JournalError::Closed);
            }
            self.dispatch.trouble(self.journal.options.ship_grace)?;
            if since.elapsed() > FLUSH_MAX {
                return Err(JournalError::Shipping {
                    for_ms: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
                    reason: "the journal is longer than could be shipped meanwhile".to_owned(),
                });
            }
            self.journal.ask_for_ship_now();
            thread::sleep(FLUSH_STEP);
        }
        Ok(())
    }

    /// Returns when everything appended so far is on disk, whatever the options ask. A stepped store does it now, in
    /// one group sync; else this waits for the thread that does.
    ///
    /// # Errors
    /// [`JournalError::Io`] when the sync failed.
    pub fn sync(&self) -> Result<(), JournalError> {
        if self.is_stepped {
            return self.syncer.step();
        }
        Durable::new(Position(self.journal.progress.appended()), Some(self.syncer.clone())).wait()
    }

    /// One round of shipping: everything appended so far is in the books, what may go of the journal is gone. A stepped
    /// store does it now; else this is [`Store::flush`].
    ///
    /// # Errors
    /// As [`Store::flush`].
    pub fn ship(&self) -> Result<(), JournalError> {
        let mut threads = self.threads.lock();
        match &mut threads.shipper {
            Some(Shipping::Stepped(shipper)) => match self.journal.progress.failure() {
                // The thread would have ended.
                Err(error @ JournalError::Disagree(_)) => Err(error),
                _ => shipper.round(),
            },
            Some(Shipping::Thread(_)) => {
                drop(threads);
                self.flush()
            }
            None => Err(JournalError::Closed),
        }
    }

    /// The ledger as a start would find it now, by reading journal and books again, with every balance whose window is
    /// open. Writes nothing. To hold what is in memory against it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn replay(&self) -> Result<Recovered, OpenError> {
        reading::read_once(&*self.journal.disk, &*self.books, &self.dir)
    }

    /// As the death of the process would, while something of it lives on: nothing more is written, the folder is free.
    #[doc(hidden)]
    pub fn abandon(&self) {
        let mut threads = self.threads.lock();
        if threads.closed.is_none() {
            let _shipper = self.stop(&mut threads);
            threads.closed = Some(Err(JournalError::Closed));
        }
        threads.lock = None;
    }

    /// How many notes were dropped since the store was opened.
    pub fn notes_dropped(&self) -> u64 {
        self.dispatch.notes_dropped()
    }

    /// How many records wait to be shipped to the books.
    pub fn ship_lag(&self) -> u64 {
        let progress = &self.journal.progress;
        progress.appended().saturating_sub(progress.shipped())
    }

    /// Whether money can be spent and the books are kept.
    ///
    /// # Errors
    /// What is in the way: a failure for good, no room, a thread that died, or books that refuse for longer than
    /// [`Options::ship_grace`].
    pub fn health(&self) -> Result<(), JournalError> {
        self.journal.progress.failure()?;
        if self.journal.is_closed() {
            return Err(JournalError::Closed);
        }
        self.journal.room()?;
        self.dispatch.trouble(self.journal.options.ship_grace)
    }

    /// Makes a backup: one file, whole as of its last record, readable by its owner alone. Blocks for as long as it
    /// takes to write; records go on meanwhile.
    ///
    /// # Errors
    /// [`OpenError`]: the file exists or cannot be written, or the books cannot be brought up to date.
    pub fn back_up(&self, to: &Path) -> Result<Backup, OpenError> {
        self.flush().map_err(OpenError::Journal)?;
        backup::make(&self.dir, to)
    }

    /// Tells commands where the console of this process listens ([`crate::live_address`]), until the store closes.
    ///
    /// # Errors
    /// [`JournalError::Io`] when the file cannot be written.
    pub fn set_address(&self, address: &str) -> Result<(), JournalError> {
        address::write(&self.dir, address)
            .map_err(|e| JournalError::io("write the address file in", &self.dir, &e))
    }

    /// Takes no more records, syncs and ships all there are, and ends the threads, lets the
    /// folder go. Later calls answer as the first.
    ///
    /// # Errors
    /// What could not be synced or shipped; the journal has it all the same.
    pub fn close(&self) -> Result<(), JournalError> {
        let mut threads = self.threads.lock();
        if let Some(result) = &threads.closed {
            return result.clone();
        }
        let shipper = self.stop(&mut threads);
        if self.is_stepped {
            // The journal keeps a failure.
            let _ = self.syncer.step();
        }
        // The last who has the books open folds their log into them.
        self.lookups.lock().take();
        let result = self.journal.progress.failure().and_then(|()| {
            shipper.map_or(Err(JournalError::Panicked("shipper")), Shipper::finish)?;
            self.journal.trim()
        });
        threads.closed = Some(result.clone());
        threads.lock = None;
        result
    }

    /// Ends both threads; the thread that syncs does so once more.
    fn stop(&self, threads: &mut Threads) -> Option<Shipper> {
        address::remove(&self.dir);
        self.journal.close();
        self.syncer.stop();
        self.dispatch.stop.store(true, Ordering::Release);
        self.journal.ring();
        // A panic has closed the journal already; its message went to stderr.
        let _ = threads.syncer.take().map(JoinHandle::join);
        match threads.shipper.take()? {
            Shipping::Thread(shipper) => shipper.join().ok(),
            Shipping::Stepped(shipper) => Some(*shipper),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let mut threads = self.threads.lock();
        if threads.closed.is_none() {
            let _shipper = self.stop(&mut threads);
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("dir", &self.dir).finish_non_exhaustive()
    }
}

fn check(options: &Options) -> Result<(), OpenError> {
    if options.segment_bytes < Options::SEGMENT_BYTES_MIN {
        return Err(OpenError::Options("segments must have at least 32 KiB"));
    }
    if options.journal_bytes_max < 2 * options.segment_bytes {
        return Err(OpenError::Options("the journal must have room for two segments"));
    }
    if options.ship_records == 0 {
        return Err(OpenError::Options("a batch must have room for a record"));
    }
    Ok(())
}

/// Closes the journal when its thread panics, and tells everyone who waits.
struct Watch {
    name: &'static str,
    syncer: Arc<Syncer>,
    journal: Arc<Journal>,
}

impl Watch {
    fn over<T>(self, work: impl FnOnce(&Self) -> T) -> T {
        work(&self)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if thread::panicking() {
            self.journal.progress.fail(JournalError::Panicked(self.name));
            self.syncer.wake();
        }
    }
}
