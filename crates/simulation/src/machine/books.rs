//! [`ProcessBooks`]: the machine's books as one process has them.

use std::sync::Arc;

use ledger::{BalanceId, BalanceName, HoldId, SetId, UpstreamKeyId};
use store::books::{Batch, Books, PostError, Reader, Snapshot, Writer};
use store::{
    ActionRow, BalanceRow, ControlPoint, CorrectionRow, DecisionRow, EntryRow, HonestyRow, KeyTotal, Members,
    OpenError, ReportBy, ReportRow, SavingRow, Trouble,
};

use super::cable::Cable;
use super::ledgers::{Change, SharedLedgers};

/// The books of one process. Once it is dead, they tell it nothing and take nothing from it.
#[derive(Debug)]
pub(super) struct ProcessBooks {
    ledgers: SharedLedgers,
    cable: Arc<Cable>,
}

impl ProcessBooks {
    pub(super) fn new(ledgers: SharedLedgers, cable: Arc<Cable>) -> Self {
        Self { ledgers, cable }
    }
}

impl Books for ProcessBooks {
    fn writer(&self) -> Result<Box<dyn Writer>, OpenError> {
        self.cable.pass().map_err(|e| OpenError::Books { doing: "open", source: e.into() })?;
        let (ledgers, cable) = (self.ledgers.clone(), self.cable.clone());
        Ok(Box::new(ProcessWriter { writer: self.ledgers.writer()?, ledgers, cable }))
    }

    fn reader(&self) -> Result<Box<dyn Reader>, OpenError> {
        self.cable.pass().map_err(|e| OpenError::Books { doing: "open", source: e.into() })?;
        Ok(Box::new(ProcessReader { reader: self.ledgers.reader()?, cable: self.cable.clone() }))
    }
}

#[derive(Debug)]
struct ProcessWriter {
    writer: Box<dyn Writer>,
    ledgers: SharedLedgers,
    cable: Arc<Cable>,
}

impl ProcessWriter {
    fn write<T>(
        &mut self,
        write: impl FnOnce(&mut dyn Writer) -> Result<T, Trouble>,
        change: impl FnOnce() -> Change,
    ) -> Result<T, Trouble> {
        self.check()?;
        let result = write(&mut *self.writer)?;
        self.ledgers.changed(change);
        Ok(result)
    }

    fn check(&self) -> Result<(), Trouble> {
        self.cable.pass()?;
        self.ledgers.check()
    }
}

impl Writer for ProcessWriter {
    fn post(&mut self, batch: &Batch) -> Result<(), PostError> {
        self.check().map_err(PostError::Trouble)?;
        self.writer.post(batch)?;
        self.ledgers.changed(|| Change::Post(batch.clone()));
        Ok(())
    }

    fn make_durable(&mut self, clean: bool) -> Result<(), Trouble> {
        self.check()?;
        self.writer.make_durable(clean)?;
        self.ledgers.made_durable(|durable| durable.make_durable(clean));
        Ok(())
    }

    fn keep_decisions(&mut self, rows: &[DecisionRow], kept_max: u64) -> Result<(), Trouble> {
        self.write(
            |books| books.keep_decisions(rows, kept_max),
            || Change::KeepDecisions(rows.to_vec(), kept_max),
        )
    }

    fn add_savings(&mut self, rows: &[SavingRow]) -> Result<(), Trouble> {
        self.write(|books| books.add_savings(rows), || Change::AddSavings(rows.to_vec()))
    }

    fn add_honesty(&mut self, rows: &[HonestyRow]) -> Result<(), Trouble> {
        self.write(|books| books.add_honesty(rows), || Change::AddHonesty(rows.to_vec()))
    }

    fn clear_honesty(&mut self, model: &str, provider: Option<&str>, at_ms: i64) -> Result<usize, Trouble> {
        self.write(
            |books| books.clear_honesty(model, provider, at_ms),
            || Change::ClearHonesty(model.to_owned(), provider.map(str::to_owned), at_ms),
        )
    }

    fn keep_control(&mut self, point: &ControlPoint) -> Result<(), Trouble> {
        self.write(|books| books.keep_control(point), || Change::KeepControl(point.clone()))
    }

    fn set_restored(&mut self, at_ms: Option<i64>) -> Result<(), Trouble> {
        self.check()?;
        self.writer.set_restored(at_ms)?;
        self.ledgers.made_durable(|durable| durable.set_restored(at_ms));
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), Trouble> {
        self.check()?;
        self.writer.close()
    }
}

#[derive(Debug)]
struct ProcessReader {
    reader: Box<dyn Reader>,
    cable: Arc<Cable>,
}

impl ProcessReader {
    fn read(&self) -> Result<&dyn Reader, OpenError> {
        let gone = |e: std::io::Error| OpenError::Books { doing: "read", source: e.into() };
        self.cable.pass_book_read().map_err(gone)?;
        Ok(&*self.reader)
    }
}

impl Reader for ProcessReader {
    fn hold_still(&mut self) -> Result<(), OpenError> {
        self.reader.hold_still()
    }

    fn snapshot(&self) -> Result<Snapshot, OpenError> {
        self.read()?.snapshot()
    }

    fn balance(&self, id: BalanceId) -> Result<Option<BalanceRow>, OpenError> {
        self.read()?.balance(id)
    }

    fn find_balance(&self, name: &BalanceName) -> Result<Option<BalanceRow>, OpenError> {
        self.read()?.find_balance(name)
    }

    fn open_balances(&self, since_ms: i64, most: usize) -> Result<Vec<BalanceRow>, OpenError> {
        self.read()?.open_balances(since_ms, most)
    }

    fn set(&self, id: SetId) -> Result<Option<Members>, OpenError> {
        self.read()?.set(id)
    }

    fn entry(&self, hold: HoldId) -> Result<Option<EntryRow>, OpenError> {
        self.read()?.entry(hold)
    }

    fn entry_of(&self, generation: &str) -> Result<Option<EntryRow>, OpenError> {
        self.read()?.entry_of(generation)
    }

    fn entries(
        &self,
        from_ms: i64,
        until_ms: i64,
        after: Option<HoldId>,
        most: usize,
    ) -> Result<Vec<EntryRow>, OpenError> {
        self.read()?.entries(from_ms, until_ms, after, most)
    }

    fn corrections(&self, hold: HoldId) -> Result<Vec<CorrectionRow>, OpenError> {
        self.read()?.corrections(hold)
    }

    fn key_total(&self, key: UpstreamKeyId) -> Result<KeyTotal, OpenError> {
        self.read()?.key_total(key)
    }

    fn report(&self, from_day: i64, until_day: i64, by: ReportBy) -> Result<Vec<ReportRow>, OpenError> {
        self.read()?.report(from_day, until_day, by)
    }

    fn last_decisions(&self, n: usize, request: Option<&str>) -> Result<Vec<DecisionRow>, OpenError> {
        self.read()?.last_decisions(n, request)
    }

    fn savings(&self, since_day: i64) -> Result<Vec<SavingRow>, OpenError> {
        self.read()?.savings(since_day)
    }

    fn honesty(&self) -> Result<Vec<HonestyRow>, OpenError> {
        self.read()?.honesty()
    }

    fn control_points(&self, key: UpstreamKeyId) -> Result<Vec<ControlPoint>, OpenError> {
        self.read()?.control_points(key)
    }

    fn actions(&self, most: usize) -> Result<Vec<ActionRow>, OpenError> {
        self.read()?.actions(most)
    }
}
