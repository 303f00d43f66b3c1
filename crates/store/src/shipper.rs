//! Shipping: one thread reads the journal back and posts it to the books, then lets go of what is wholly there.
//!
//! It reads from the file, not from memory, so that a backlog costs disk and nothing else; the checksums are checked
//! once more on the way. In the same loop it writes the queued decisions and savings and makes the next segment in
//! time.
//!
//! Outside failures: SQLite refuses: tried again, told by health after [`crate::Options::ship_grace`], open until the
//! journal is full. A record that cannot be read back, or contradicts the books: the journal is closed for good.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ledger::mutants::{self, Mutant};

use crate::books::{Batch, PostError, Writer};
use crate::error::{Fault, Trouble};
use crate::honesty::Honesty;
use crate::journal::{Extent, Journal};
use crate::line::Line;
use crate::saving::Savings;
use crate::segment::{HEADER_BYTES, Scan, Step};
use crate::sync::{AtomicBool, Mutex};
use crate::{DecisionRow, HonestyRow, JournalError, SavingRow};

/// The one writer of the books: of the shipper, and of those who seldom write beside the journal. `None` once closed.
pub(crate) type SharedWriter = Arc<Mutex<Option<Box<dyn Writer>>>>;

/// The longest pause between attempts when the books refuse.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What the shipper and the rest of the store tell each other.
#[derive(Debug, Default)]
pub(crate) struct Dispatch {
    pub(crate) stop: AtomicBool,
    notes: Mutex<VecDeque<DecisionRow>>,
    savings: Mutex<Savings>,
    honesty: Mutex<Honesty>,
    dropped: AtomicU64,
    /// Since when the books refuse, and why.
    trouble: Mutex<Option<(Instant, String)>>,
}

impl Dispatch {
    pub(crate) fn note(&self, row: DecisionRow, queued_max: usize) {
        let mut notes = self.notes.lock();
        if notes.len() < queued_max {
            notes.push_back(row);
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn note_saving(&self, row: SavingRow) {
        if !self.savings.lock().add(row) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn note_honesty(&self, row: HonestyRow) {
        if !self.honesty.lock().add(row) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts that are not written yet.
    pub(crate) fn take_honesty(&self) -> Vec<HonestyRow> {
        self.honesty.lock().take()
    }

    pub(crate) fn notes_dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn trouble(&self, grace: Duration) -> Result<(), JournalError> {
        match &*self.trouble.lock() {
            Some((since, reason)) if since.elapsed() >= grace => Err(JournalError::Shipping {
                for_ms: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
                reason: reason.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn failed(&self, error: &Trouble) {
        let mut trouble = self.trouble.lock();
        match &mut *trouble {
            Some((_, reason)) => *reason = error.to_string(),
            None => {
                tracing::warn!(%error, "the books cannot be written; the journal keeps everything meanwhile");
                *trouble = Some((Instant::now(), error.to_string()));
            }
        }
    }

    fn worked(&self) {
        if self.trouble.lock().take().is_some() {
            tracing::info!("the books are written again");
        }
    }
}

/// The thread that carries the journal into the books.
#[derive(Debug)]
pub(crate) struct Shipper {
    journal: Arc<Journal>,
    dispatch: Arc<Dispatch>,
    books: SharedWriter,
    /// The last record posted, and where the next one begins.
    at: Extent,
    scan: Option<Scan>,
    /// Whether what the scan has read ahead is still so.
    is_fresh: bool,
}

impl Shipper {
    pub(crate) fn new(
        journal: Arc<Journal>,
        dispatch: Arc<Dispatch>,
        books: SharedWriter,
        at: Extent,
    ) -> Self {
        Self { journal, dispatch, books, at, scan: None, is_fresh: false }
    }

    /// The thread: until stopped, a round whenever a batch is full or the time is over. Gives itself back.
    pub(crate) fn run(mut self) -> Self {
        let every = self.journal.options.ship_every;
        let mut pause = every;
        loop {
            self.journal.wait_for_bell(&self.dispatch.stop, pause, pause == every);
            if self.dispatch.stop.load(Ordering::Acquire) {
                return self;
            }
            // An error is kept where health finds it; a later round tries again.
            match self.round() {
                Ok(()) => pause = every,
                Err(JournalError::Disagree(_)) => return self,
                Err(_) => pause = (pause * 2).min(PAUSE_MAX.max(every)),
            }
        }
    }

    /// Ships all there is, writes the decisions, tidies up.
    pub(crate) fn round(&mut self) -> Result<(), JournalError> {
        self.journal.prepare_spare();
        let result = self.ship_all().and_then(|()| self.let_go());
        self.write_decisions();
        self.write_savings();
        self.write_honesty();
        let error = match result {
            Ok(()) => {
                self.dispatch.worked();
                return Ok(());
            }
            Err(error) => error,
        };
        Err(match error {
            PostError::Trouble(error) => {
                self.dispatch.failed(&error);
                JournalError::Shipping { for_ms: 0, reason: error.to_string() }
            }
            PostError::Closed => self.journal.progress.failure().err().unwrap_or(JournalError::Closed),
            PostError::Disagree(fault) => {
                self.journal.progress.fail(JournalError::Disagree(fault.clone()));
                JournalError::Disagree(fault)
            }
        })
    }

    /// The last round of a clean end: everything in the books, durably.
    pub(crate) fn finish(mut self) -> Result<(), JournalError> {
        let told = |error: Trouble| JournalError::Shipping { for_ms: 0, reason: error.to_string() };
        self.round()?;
        self.write(|books| books.make_durable(true)).map_err(told)?;
        let books = self.books.lock().take();
        books.map_or(Ok(()), Writer::close).map_err(told)
    }

    fn ship_all(&mut self) -> Result<(), PostError> {
        let extent = self.journal.extent();
        // A scan reads ahead; what it took for zeros then may be records now.
        self.is_fresh = false;
        while self.at.seq < extent.seq {
            let batch = self.read_batch(&extent)?;
            let mut books = self.books.lock();
            books.as_mut().ok_or(PostError::Closed)?.post(&batch)?;
            drop(books);
            self.at = batch.next;
            self.journal.progress.set_shipped(self.at.seq);
        }
        Ok(())
    }

    /// The next records of one segment; at least one.
    fn read_batch(&mut self, extent: &Extent) -> Result<Batch, PostError> {
        let (segment, end) = loop {
            let segment = self.journal.segment(self.at.ordinal);
            let segment = segment.ok_or_else(|| self.fault("the segment is gone".to_owned()))?;
            match segment.end {
                Some(end) if self.at.offset >= end => {
                    self.at = Extent { ordinal: self.at.ordinal + 1, offset: HEADER_BYTES, ..self.at };
                    self.is_fresh = false;
                }
                Some(end) => break (segment, end),
                // Written on since `extent` was taken, or not: read no further than was whole then.
                None => {
                    break (
                        segment,
                        if self.at.ordinal == extent.ordinal { extent.offset } else { u64::MAX },
                    );
                }
            }
        };
        let at = self.at;
        let scan = match &mut self.scan {
            Some(scan) if self.is_fresh && scan.offset() == at.offset => scan,
            Some(scan) => {
                scan.restart(segment.file.clone(), at.offset);
                scan
            }
            scan => scan.insert(Scan::new(segment.file.clone(), at.offset)),
        };
        self.is_fresh = true;
        let mut batch = Batch { path: segment.path, boot_id: segment.boot_id, lines: Vec::new(), next: at };
        let records_max = self.journal.options.ship_records;
        while batch.next.offset < end && batch.next.seq < extent.seq && batch.lines.len() < records_max {
            let wrong = |seq, offset, what: String| {
                PostError::Disagree(Fault { file: batch.path.clone(), offset, seq, what })
            };
            let expected = batch.next.seq + 1;
            let step =
                scan.step().map_err(|e| wrong(expected, batch.next.offset, format!("cannot read: {e}")))?;
            let (offset, seq, kind, payload) = match step {
                Step::Frame { offset, seq, kind, payload, .. } => (offset, seq, kind, payload),
                Step::Blank { offset } => {
                    return Err(wrong(expected, offset, "zeros where a record was".to_owned()));
                }
                Step::Bad { offset, what } => return Err(wrong(expected, offset, what.to_owned())),
            };
            if seq != expected {
                return Err(wrong(expected, offset, "record out of sequence".to_owned()));
            }
            let line = Line::decode(kind, payload).map_err(|what| wrong(seq, offset, what.to_owned()))?;
            batch.lines.push((seq, offset, line));
            batch.next = Extent { seq, offset: scan.offset(), ..batch.next };
        }
        assert!(!batch.lines.is_empty(), "a segment with records to ship has at least one");
        Ok(batch)
    }

    fn fault(&self, what: String) -> PostError {
        let file = format!("segment {}", self.at.ordinal).into();
        PostError::Disagree(Fault { file, offset: self.at.offset, seq: self.at.seq + 1, what })
    }

    /// Removes segments that lie wholly before the last record posted, after that is durable.
    fn let_go(&mut self) -> Result<(), PostError> {
        let disposable = self.journal.disposable(self.at.ordinal);
        if disposable.is_empty() {
            return Ok(());
        }
        // Where the next start begins has to be on disk before what leads up to it goes.
        if let Some(segment) = self.journal.segment(self.at.ordinal) {
            segment.file.sync_data().map_err(|error| {
                self.journal.progress.fail(JournalError::io("sync", &segment.path, &error));
                PostError::Closed
            })?;
        }
        if !mutants::is(Mutant::SegmentGoesEarly) {
            self.write(|books| books.make_durable(false)).map_err(PostError::Trouble)?;
        }
        for segment in disposable {
            if let Err(error) = self.journal.remove(&segment) {
                tracing::warn!(file = %segment.path.display(), %error, "cannot remove a shipped journal segment");
                break;
            }
        }
        Ok(())
    }

    /// Best effort: what cannot be written is counted and gone.
    fn write_decisions(&mut self) {
        let rows: Vec<DecisionRow> = self.dispatch.notes.lock().drain(..).collect();
        if rows.is_empty() {
            return;
        }
        let kept_max = self.journal.options.notes_kept_max;
        if let Err(error) = self.write(|books| books.keep_decisions(&rows, kept_max)) {
            tracing::debug!(%error, "decisions dropped");
            self.dispatch.dropped.fetch_add(rows.len() as u64, Ordering::Relaxed);
        }
    }

    /// What cannot be written waits for the next round.
    fn write_savings(&mut self) {
        let rows = self.dispatch.savings.lock().take();
        if rows.is_empty() {
            return;
        }
        if let Err(error) = self.write(|books| books.add_savings(&rows)) {
            tracing::debug!(%error, "what routes saved cannot be written yet");
            rows.into_iter().for_each(|row| self.dispatch.note_saving(row));
        }
    }

    /// What cannot be written waits for the next round.
    fn write_honesty(&mut self) {
        // Whoever clears a row holds the writer: what was counted before is written before.
        let mut books = self.books.lock();
        let rows = self.dispatch.take_honesty();
        let Some(books) = books.as_mut().filter(|_| !rows.is_empty()) else { return };
        if let Err(error) = books.add_honesty(&rows) {
            tracing::debug!(%error, "the honesty register cannot be written yet");
            rows.into_iter().for_each(|row| self.dispatch.note_honesty(row));
        }
    }

    fn write<T>(&self, write: impl FnOnce(&mut dyn Writer) -> Result<T, Trouble>) -> Result<T, Trouble> {
        write_on(&self.books, write)
    }
}

/// Writes beside the journal.
pub(crate) fn write_on<T>(
    books: &SharedWriter,
    write: impl FnOnce(&mut dyn Writer) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    match books.lock().as_mut() {
        Some(books) => write(&mut **books),
        None => Err("the store is closed".into()),
    }
}
