//! What is asked of the books of an open store, and what is written into them beside the journal.

use ledger::{BalanceName, HoldId, UpstreamKeyId};

use super::Store;
use crate::books::{Reader, Writer};
use crate::reading;
use crate::shipper::write_on;
use crate::{
    ActionRow, BalanceRow, ControlPoint, CorrectionRow, DecisionRow, EntryRow, GenerationRow, HonestyRow,
    KeyTotal, OpenError, ReportBy, ReportRow, SavingRow, Trouble,
};

impl Store {
    /// The newest balance of this name, as far as the books know it: exact when it was not touched since the store was
    /// opened and is not in [`crate::Recovered::balances`].
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

    /// What was corrected on a hold and is shipped, oldest first.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be read.
    pub fn corrections(&self, hold: HoldId) -> Result<Vec<CorrectionRow>, OpenError> {
        self.look(|books| books.corrections(hold))
    }

    /// As [`crate::find_generation`], in the folder of this store.
    ///
    /// # Errors
    /// As [`crate::find_generation`].
    pub fn find_generation(&self, id: &str) -> Result<Option<GenerationRow>, OpenError> {
        reading::find_generation_on(&*self.journal.disk, &*self.books, &self.dir, id)
    }

    /// All that is booked on an upstream key and shipped ([`Store::flush`]), corrections included.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be read.
    pub fn key_total(&self, key: UpstreamKeyId) -> Result<KeyTotal, OpenError> {
        self.look(|books| books.key_total(key))
    }

    /// Sums over the UTC days from `from_day` on and before `until_day` (days since 1970-01-01), as far as they are
    /// shipped. Reads sums only: it does not grow with the entries.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be read.
    pub fn report(&self, from_day: i64, until_day: i64, by: ReportBy) -> Result<Vec<ReportRow>, OpenError> {
        self.books.reader()?.report(from_day, until_day, by)
    }

    /// The last `most` actions of operators that are shipped, newest first.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be read.
    pub fn actions(&self, most: usize) -> Result<Vec<ActionRow>, OpenError> {
        self.look(|books| books.actions(most))
    }

    /// Keeps an explanation for `farebox explain`. Best effort: never blocks on I/O, never fails; beyond
    /// [`crate::Options::notes_queued_max`] it is dropped and counted.
    pub fn note(&self, row: DecisionRow) {
        self.dispatch.note(row, self.journal.options.notes_queued_max);
    }

    /// Adds to what a route saved ([`crate::savings`]). Best effort: never blocks on I/O, never fails; written with the
    /// next round of shipping, so a crash may lose what was added in the last [`crate::Options::ship_every`].
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

    /// Adds to the honesty register ([`Store::honesty`]). Best effort: never blocks on I/O, never fails; written with
    /// the next round of shipping, so a crash may lose what was added in the last [`crate::Options::ship_every`].
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

    /// Somebody takes it on that what was spent since the backup is missing: [`crate::Recovered::restored`] is over. On disk when
    /// this returns.
    ///
    /// # Errors
    /// [`OpenError::Books`] when the books cannot be written.
    pub fn accept_restored(&self) -> Result<(), OpenError> {
        self.write(|books| books.set_restored(None))
    }

    fn write_honesty(&self, books: &mut dyn Writer) -> Result<(), Trouble> {
        let rows = self.dispatch.take_honesty();
        let result = if rows.is_empty() { Ok(()) } else { books.add_honesty(&rows) };
        if result.is_err() {
            rows.into_iter().for_each(|row| self.dispatch.note_honesty(row));
        }
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
}
