//! What everybody looks at after a step.

use super::{Checked, STEPS_A_WALK, World};
use crate::event::Kind;

impl World {
    /// After each step: the journal, the balances that were touched, who waits, and what was done under the lock.
    pub(super) fn look(&mut self, kind: Kind) -> Checked {
        self.take_writes()?;
        let process = self.process.as_ref().expect("a process runs");
        if process.disk.is_dead() {
            // What it still believes does not matter; the next step buries it.
            return Ok(());
        }
        if process.disk.io_under_lock() > 0 {
            return Err("I/O under the mutex of the money".to_owned());
        }
        if let Some(call) = self.calls.last()
            && let Some(standing) = self.standing(&call.labels)
        {
            self.auditor.check_memory(&standing, self.ledger_ms())?;
        }
        if kind == Kind::Tick {
            self.is_ticked = true;
        }
        if self.is_ticked {
            self.look_at_first_in_line()?;
        }
        if self.steps.is_multiple_of(STEPS_A_WALK) {
            self.walk()?;
        }
        Ok(())
    }

    /// Every balance in memory.
    pub(super) fn walk(&self) -> Checked {
        let admission = &self.process().admission;
        let mut all = Vec::new();
        admission.each_balance(self.wall_ms(), &mut |_, balance| all.push(*balance));
        self.auditor.check_memory(&all, self.ledger_ms())
    }

    /// The journal, read again, says what is kept.
    pub(super) fn replay(&mut self) -> Checked {
        self.take_writes()?;
        self.walk()?;
        let found =
            self.process().store.replay().map_err(|error| format!("the journal cannot be read: {error}"))?;
        self.auditor.check_recovered(&found)
    }
}
