//! What goes on by itself: time, the gateway's tick, syncs, shipping, starts, and reading what was written.

use fastrand::Rng;
use ledger::Budget;

use super::{Checked, World};
use crate::machine::{Process, StartError, Trap, TrapKind};
use crate::setting::pick;

const HOUR_MS: i64 = 3_600_000;
/// Starts in a row that may be interrupted.
const TRIES_MAX: usize = 8;

impl World {
    /// A moment passes.
    pub(super) fn pass(&mut self, ms: i64) -> Checked {
        self.is_ticked = false;
        self.now_ms += ms;
        self.machine.clocks.pass(ms);
        Ok(())
    }

    /// Hours or days pass, or it is the last minute of a window.
    pub(super) fn pass_long(&mut self, rng: &mut Rng) -> Checked {
        let ms = match rng.u32(0..4) {
            0 => HOUR_MS - self.now_ms.rem_euclid(HOUR_MS) - rng.i64(0..120_000),
            1 => rng.i64(0..HOUR_MS),
            2 => rng.i64(0..24 * HOUR_MS),
            _ => *pick(rng, &[HOUR_MS, 24 * HOUR_MS, 7 * 24 * HOUR_MS]),
        };
        self.pass(ms.max(0))
    }

    /// The machine sleeps: both clocks go on.
    pub(super) fn suspend(&mut self, rng: &mut Rng) -> Checked {
        let ms = rng.i64(0..12 * HOUR_MS);
        self.is_ticked = false;
        self.now_ms += ms;
        self.machine.clocks.suspend(ms);
        Ok(())
    }

    /// The wall clock jumps, or comes back.
    pub(super) fn jump(&mut self, rng: &mut Rng) -> Checked {
        if !self.auditor.is_rooted() {
            // Books without a past believe the clock; there is nothing yet that could tell them better.
            return Ok(());
        }
        let skew_ms = match rng.u32(0..5) {
            0 => rng.i64(-200_000..200_000),
            1 => *pick(rng, &[-24 * HOUR_MS, 24 * HOUR_MS, 31 * 24 * HOUR_MS, -365 * 24 * HOUR_MS]),
            2 => rng.i64(-3 * HOUR_MS..3 * HOUR_MS),
            _ => 0,
        };
        self.is_ticked = false;
        self.machine.clocks.jump(skew_ms - self.skew_ms);
        self.skew_ms = skew_ms;
        Ok(())
    }

    /// OpenRouter says what time it is.
    pub(super) fn hear(&mut self) -> Checked {
        // A clock that is believed again may be far ahead of the last tick.
        self.is_ticked = false;
        self.process().admission.observe_date(self.now_ms);
        Ok(())
    }

    /// What the gateway does every second.
    pub(super) fn tick(&mut self) -> Checked {
        self.process().admission.tick(self.wall_ms());
        Ok(())
    }

    /// What it does every minute.
    pub(super) fn sweep(&mut self) -> Checked {
        self.process().admission.sweep(self.wall_ms());
        Ok(())
    }

    /// The group sync.
    pub(super) fn sync(&mut self) -> Checked {
        let synced = self.process().store.sync();
        self.take_writes()?;
        if synced.is_ok() && !self.process().disk.is_dead() {
            if !self.process().disk.is_all_durable() {
                return Err("I7: a sync worked, and the disk does not have everything".to_owned());
            }
            self.auditor.synced();
        }
        Ok(())
    }

    /// A round of shipping. What stops it shows elsewhere.
    pub(super) fn ship(&mut self) -> Checked {
        let _ = self.process().store.ship();
        Ok(())
    }

    /// The auditor takes in what was written.
    pub(super) fn take_writes(&mut self) -> Checked {
        let process = self.process.as_ref().expect("a process runs");
        self.writes.clear();
        process.disk.take_writes(&mut self.writes);
        self.auditor.read(&self.writes, &self.upstream, self.now_ms)
    }

    /// Whether the journal has a reason to refuse.
    pub(super) fn may_journal_refuse(&self) -> bool {
        self.is_disk_full || self.do_books_refuse || self.process().store.health().is_err()
    }

    pub(super) fn budgets(&self) -> Vec<Budget> {
        self.lines.iter().map(crate::setting::Line::budget).collect()
    }

    /// A process starts; it may be killed while it does.
    pub(super) fn start(&mut self, rng: Option<&mut Rng>) -> Checked {
        let kill = |rng: &mut Rng| Trap { after: rng.u32(0..6), kind: TrapKind::Kill { torn: rng.bool() } };
        let mut trap = rng.and_then(|rng| (rng.u32(0..4) == 0).then(|| kill(rng)));
        for _ in 0..TRIES_MAX {
            let is_trapped = trap.is_some();
            let started = self.machine.start(&self.setting.options, self.budgets(), false, trap.take());
            let left = self.machine.take_left();
            if !left.is_empty() {
                self.auditor.read(&left, &self.upstream, self.now_ms)?;
                self.auditor.died();
            }
            match started {
                Ok(process) => return self.started(process, is_trapped),
                Err(StartError::Died) => self.tally.deaths += 1,
                Err(StartError::Failed(_)) if self.is_disk_full || self.do_books_refuse => {
                    (self.is_disk_full, self.do_books_refuse) = (false, false);
                    self.machine.fill_disk(false);
                    self.machine.books_refuse(false);
                }
                Err(error) => return Err(format!("a process does not start: {error:?}")),
            }
        }
        Err("a process does not start, whatever one does".to_owned())
    }

    fn started(&mut self, process: Process, is_trapped: bool) -> Checked {
        self.tally.starts += 1;
        self.is_trapped = is_trapped;
        let admission = process.admission.clone();
        process.disk.watch(Box::new(move || admission.is_money_locked()));
        self.process = Some(process);
        self.watches.iter_mut().for_each(|watch| *watch = admission::control::Watch::default());
        // What the start itself wrote comes first, and its header says what it found.
        let process = self.process.as_ref().expect("just started");
        self.writes.clear();
        process.disk.take_writes(&mut self.writes);
        self.auditor.begin(&self.writes, &process.recovered, &self.upstream, self.now_ms)?;
        if process.disk.is_dead() {
            // Its trap sprang behind the last thing it did.
            return self.revive();
        }
        self.hear()
    }
}
