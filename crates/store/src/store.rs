//! The store: journal, syncer, shipper and books of one folder, opened by one process.

use std::fmt;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ledger::{BalanceName, HoldId, UpstreamKeyId};
use parking_lot::Mutex;

use crate::backup::{self, Backup};
use crate::books::{Books, Reader, Sqlite, Writer};
use crate::checks::Checks;
use crate::disk::{Disk, RealDisk};
use crate::journal::{Extent, Journal, Start};
use crate::lock::Lock;
use crate::reading::{self, JOURNAL};
use crate::segment::HEADER_BYTES;
use crate::shipper::{Dispatch, SharedWriter, Shipper, write_on};
use crate::syncer::Syncer;
use crate::{
    ActionRow, BalanceRow, ControlPoint, CorrectionRow, DecisionRow, Durability, Durable, EntryRow,
    GenerationRow, HonestyRow, JournalError, KeyTotal, OpenError, Options, Position, Record, Recovered,
    ReportBy, ReportRow, SavingRow, Trouble, address,
};

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
}

struct Threads {
    syncer: Option<JoinHandle<()>>,
    shipper: Option<JoinHandle<Shipper>>,
    closed: Option<Result<(), JournalError>>,
    /// Held until everything else has ended.
    lock: Option<Lock>,
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
        let journal_dir = dir.join(JOURNAL);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&journal_dir)
            .map_err(|e| OpenError::io("make", &journal_dir, e))?;
        let lock = Lock::take(dir)?;
        address::remove(dir);
        let mut writer = books.writer()?;
        let reader = books.reader()?;
        let snapshot = reader.snapshot()?;
        let (shipped, at_segment, at_offset, clean) =
            (snapshot.seq, snapshot.segment, snapshot.offset, snapshot.clean);
        let recovery = reading::recover(&*disk, &journal_dir, snapshot, &*reader, true)?;
        recovery.make_good(&*disk)?;
        let recovered = reading::recovered(&recovery);
        for note in &recovered.notes {
            tracing::warn!(%note, "journal recovered");
        }
        let at = recovery.resume(shipped, at_segment, at_offset);
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
        let shipper = Shipper::new(journal.clone(), dispatch.clone(), writer.clone(), at);
        let mut threads = Threads { syncer: None, shipper: None, closed: None, lock: Some(lock) };
        let no_thread = |e: io::Error| OpenError::io("start a thread for", dir, e);
        let watch = Watch { name: "syncer", syncer: syncer.clone(), journal: journal.clone() };
        let sync = move || watch.over(|watch| watch.syncer.run());
        threads.syncer =
            Some(thread::Builder::new().name("store-sync".to_owned()).spawn(sync).map_err(no_thread)?);
        let watch = Watch { name: "shipper", syncer: syncer.clone(), journal: journal.clone() };
        let ship = move || watch.over(|_| shipper.run());
        let (lookups, threads) = (Mutex::new(Some(reader)), Mutex::new(threads));
        let dir = dir.to_path_buf();
        let store = Self { dir, journal, syncer, dispatch, lookups, books, writer, threads };
        // From here on dropping the store ends the first thread should the second not start.
        let no_thread = |e: io::Error| OpenError::io("start a thread for", &store.dir, e);
        let shipper = thread::Builder::new().name("store-ship".to_owned()).spawn(ship).map_err(no_thread)?;
        store.threads.lock().shipper = Some(shipper);
        Ok((store, recovered))
    }

    /// Appends a record. Once this returns `Ok` the record survives the death of the process; see
    /// [`Store::durable`] for power loss. No allocation, one short mutex, one `pwrite`.
    ///
    /// # Errors
    /// The record was refused and changed nothing ([`JournalError::NotOpen`], [`JournalError::AlreadyOpen`],
    /// [`JournalError::Undeclared`], [`JournalError::Invalid`]), or there is no room now ([`JournalError::Full`],
    /// [`JournalError::NoSpace`]), or the journal is closed for good (all others).
    pub fn append(&self, record: &Record<'_>) -> Result<Position, JournalError> {
        self.journal.append(record)
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

    /// Keeps an explanation for `farebox explain`. Best effort: never blocks on I/O, never fails; beyond
    /// [`Options::notes_queued_max`] it is dropped and counted.
    pub fn note(&self, row: DecisionRow) {
        self.dispatch.note(row, self.journal.options.notes_queued_max);
    }

    /// Adds to what a route saved ([`crate::savings`]). Best effort: never blocks on I/O, never fails; written with the
    /// next round of shipping, so a crash may lose what was added in the last [`Options::ship_every`].
    pub fn note_saving(&self, row: SavingRow) {
        self.dispatch.note_saving(row);
    }

    /// What routes saved since a day, as far as it is written ([`crate::savings`]).
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be read.
    pub fn savings(&self, since_day: i64) -> Result<Vec<SavingRow>, OpenError> {
        self.books.reader()?.savings(since_day)
    }

    /// The newest balance of this name, as far as the books know it: exact when it was not touched since the store was
    /// opened and is not in [`Recovered::balances`].
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be read.
    pub fn find_balance(&self, name: &BalanceName) -> Result<Option<BalanceRow>, OpenError> {
        self.look(|books| books.find_balance(name))
    }

    /// Balances whose window is open at `now_ms`, by id, at most `most`, as far as the books know them.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be read.
    pub fn open_balances(&self, now_ms: i64, most: usize) -> Result<Vec<BalanceRow>, OpenError> {
        self.books.reader()?.open_balances(now_ms.saturating_add(1), most)
    }

    /// The entry of a hold that has ended and is shipped ([`Store::flush`]).
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be read.
    pub fn entry(&self, hold: HoldId) -> Result<Option<EntryRow>, OpenError> {
        self.look(|books| books.entry(hold))
    }

    /// Entries of holds made from `from_ms` on and before `until_ms`, in the order of their holds, at most `most`;
    /// `after` is the last hold of the page before.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be read.
    pub fn entries(
        &self,
        from_ms: i64,
        until_ms: i64,
        after: Option<HoldId>,
        most: usize,
    ) -> Result<Vec<EntryRow>, OpenError> {
        self.books.reader()?.entries(from_ms, until_ms, after, most)
    }

    /// All that is booked on an upstream key and shipped ([`Store::flush`]), corrections included.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be read.
    pub fn key_total(&self, key: UpstreamKeyId) -> Result<KeyTotal, OpenError> {
        self.look(|books| books.key_total(key))
    }

    /// Ships everything appended so far and returns once it is in the books. Blocks: not for the path of a request.
    ///
    /// # Errors
    /// Why it is not in the books: they refuse for longer than [`Options::ship_grace`], or the store is closed.
    pub fn flush(&self) -> Result<(), JournalError> {
        let progress = &self.journal.progress;
        let (wanted, since) = (progress.appended(), Instant::now());
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

    /// How many notes were dropped since the store was opened.
    pub fn notes_dropped(&self) -> u64 {
        self.dispatch.notes_dropped()
    }

    /// How many records wait to be shipped to the books.
    pub fn ship_lag(&self) -> u64 {
        let progress = &self.journal.progress;
        progress.appended().saturating_sub(progress.shipped())
    }

    /// As [`crate::find_generation`], in the folder of this store.
    ///
    /// # Errors
    /// As [`crate::find_generation`].
    pub fn find_generation(&self, id: &str) -> Result<Option<GenerationRow>, OpenError> {
        reading::find_generation_on(&*self.books, &self.dir, id)
    }

    /// What was corrected on a hold and is shipped, oldest first.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be read.
    pub fn corrections(&self, hold: HoldId) -> Result<Vec<CorrectionRow>, OpenError> {
        self.look(|books| books.corrections(hold))
    }

    /// Sums over the UTC days from `from_day` on and before `until_day` (days since 1970-01-01), as far as they are
    /// shipped. Reads sums only: it does not grow with the entries.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be read.
    pub fn report(&self, from_day: i64, until_day: i64, by: ReportBy) -> Result<Vec<ReportRow>, OpenError> {
        self.books.reader()?.report(from_day, until_day, by)
    }

    /// Adds to the honesty register ([`Store::honesty`]). Best effort: never blocks on I/O, never fails; written with
    /// the next round of shipping, so a crash may lose what was added in the last [`Options::ship_every`].
    pub fn note_honesty(&self, row: HonestyRow) {
        self.dispatch.note_honesty(row);
    }

    /// The honesty register, by model and provider, with what waits to be written.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be read or written.
    pub fn honesty(&self) -> Result<Vec<HonestyRow>, OpenError> {
        self.write(|books| self.write_honesty(books))?;
        self.look(|books| books.honesty())
    }

    /// Clears a model at one provider, or at all of them: its counts begin anew at `at_ms` (milliseconds since the Unix
    /// epoch). How many rows that were.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be written.
    pub fn set_honesty_cleared(
        &self,
        model: &str,
        provider: Option<&str>,
        at_ms: i64,
    ) -> Result<usize, OpenError> {
        self.write(|books| {
            self.write_honesty(books)?;
            books.clear_honesty(model, provider, at_ms)
        })
    }

    fn write_honesty(&self, books: &mut dyn Writer) -> Result<(), Trouble> {
        let rows = self.dispatch.take_honesty();
        let result = if rows.is_empty() { Ok(()) } else { books.add_honesty(&rows) };
        if result.is_err() {
            rows.into_iter().for_each(|row| self.dispatch.note_honesty(row));
        }
        result
    }

    /// Keeps what OpenRouter's counter of an upstream key said beside our sum; the last hundred of each key stay.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be written.
    pub fn keep_control(&self, point: &ControlPoint) -> Result<(), OpenError> {
        self.write(|books| books.keep_control(point))
    }

    /// The control points of an upstream key, newest first.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be read.
    pub fn control_points(&self, key: UpstreamKeyId) -> Result<Vec<ControlPoint>, OpenError> {
        self.look(|books| books.control_points(key))
    }

    /// The last `most` actions of operators that are shipped, newest first.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be read.
    pub fn actions(&self, most: usize) -> Result<Vec<ActionRow>, OpenError> {
        self.look(|books| books.actions(most))
    }

    /// Somebody takes it on that what was spent since the backup is missing: [`Recovered::restored`] is over. On disk when
    /// this returns.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be written.
    pub fn accept_restored(&self) -> Result<(), OpenError> {
        self.write(|books| books.set_restored(None))
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

    /// A single look-up; anew when the store is closed.
    fn look<T>(&self, find: impl FnOnce(&dyn Reader) -> Result<T, OpenError>) -> Result<T, OpenError> {
        match &*self.lookups.lock() {
            Some(books) => find(&**books),
            None => find(&*self.books.reader()?),
        }
    }

    fn write<T>(&self, write: impl FnOnce(&mut dyn Writer) -> Result<T, Trouble>) -> Result<T, OpenError> {
        write_on(&self.writer, write).map_err(|source| OpenError::Books { doing: "write", source })
    }

    /// Ends both threads; the syncer syncs once more.
    fn stop(&self, threads: &mut Threads) -> Option<Shipper> {
        address::remove(&self.dir);
        self.journal.close();
        self.syncer.stop();
        self.dispatch.stop.store(true, Ordering::Release);
        self.journal.ring();
        // A panic has closed the journal already; its message went to stderr.
        let _ = threads.syncer.take().map(JoinHandle::join);
        threads.shipper.take().and_then(|shipper| shipper.join().ok())
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

impl crate::recovery::Recovery {
    /// Where shipping goes on: behind the last record posted, in a segment that exists or is about to.
    fn resume(&self, seq: u64, segment: u64, offset: u64) -> Extent {
        match self.resume_at() {
            Some(first) if first == segment => Extent { ordinal: segment, offset, seq },
            Some(first) => Extent { ordinal: first, offset: HEADER_BYTES, seq },
            None => Extent { ordinal: self.next_ordinal, offset: HEADER_BYTES, seq },
        }
    }
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
