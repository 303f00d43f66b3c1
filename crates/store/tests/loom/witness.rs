//! Books in memory that note what was posted to them, and in what order.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use store::books::{Batch, Books, Line, Memory, PostError, Reader, Writer};
use store::{ControlPoint, DecisionRow, HonestyRow, OpenError, SavingRow, Trouble};

/// The books. A clone is another handle to them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Witness {
    books: Memory,
    // Nothing of loom happens while it is held.
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    last: u64,
    posted: BTreeSet<String>,
    durable: BTreeSet<String>,
}

impl Witness {
    /// The last record posted.
    pub(crate) fn last(&self) -> u64 {
        self.seen.lock().expect("sound").last
    }

    /// The models of the holds that were posted and made durable.
    pub(crate) fn durable(&self) -> BTreeSet<String> {
        self.seen.lock().expect("sound").durable.clone()
    }
}

impl Books for Witness {
    fn writer(&self) -> Result<Box<dyn Writer>, OpenError> {
        Ok(Box::new(WitnessWriter { books: self.books.writer()?, seen: Arc::clone(&self.seen) }))
    }

    fn reader(&self) -> Result<Box<dyn Reader>, OpenError> {
        self.books.reader()
    }
}

#[derive(Debug)]
struct WitnessWriter {
    books: Box<dyn Writer>,
    seen: Arc<Mutex<Seen>>,
}

impl Writer for WitnessWriter {
    fn post(&mut self, batch: &Batch) -> Result<(), PostError> {
        self.books.post(batch)?;
        let mut seen = self.seen.lock().expect("sound");
        for (seq, _, line) in &batch.lines {
            assert_eq!(*seq, seen.last + 1, "every record is posted once and in order");
            seen.last = *seq;
            if let Line::Hold(hold) = line {
                seen.posted.insert(hold.model.clone());
            }
        }
        Ok(())
    }

    fn make_durable(&mut self, clean: bool) -> Result<(), Trouble> {
        self.books.make_durable(clean)?;
        let mut seen = self.seen.lock().expect("sound");
        seen.durable = seen.posted.clone();
        Ok(())
    }

    fn keep_decisions(&mut self, rows: &[DecisionRow], kept_max: u64) -> Result<(), Trouble> {
        self.books.keep_decisions(rows, kept_max)
    }

    fn add_savings(&mut self, rows: &[SavingRow]) -> Result<(), Trouble> {
        self.books.add_savings(rows)
    }

    fn add_honesty(&mut self, rows: &[HonestyRow]) -> Result<(), Trouble> {
        self.books.add_honesty(rows)
    }

    fn clear_honesty(&mut self, model: &str, provider: Option<&str>, at_ms: i64) -> Result<usize, Trouble> {
        self.books.clear_honesty(model, provider, at_ms)
    }

    fn keep_control(&mut self, point: &ControlPoint) -> Result<(), Trouble> {
        self.books.keep_control(point)
    }

    fn set_restored(&mut self, at_ms: Option<i64>) -> Result<(), Trouble> {
        self.books.set_restored(at_ms)
    }

    fn close(self: Box<Self>) -> Result<(), Trouble> {
        self.books.close()
    }
}
