//! The end of a world: everything that was unknown is found out, and both sides' books are the same.

use fastrand::Rng;
use money::{Exact, Nano};

use super::{Checked, KEYS, World};

const MINUTE_MS: i64 = 60_000;
/// Rounds of questions, ten minutes apart, before the operator is asked.
const ROUNDS: usize = 24;

impl World {
    /// Ends it.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn finish(&mut self) -> Checked {
        let mut rng = Rng::with_seed(self.setting.seed ^ 0xf1);
        self.mend(&mut rng)?;
        for round in 0..ROUNDS {
            self.pass(10 * MINUTE_MS)?;
            self.hear()?;
            self.tick()?;
            (0..8).try_for_each(|_| self.ask_for_unknown(&mut rng))?;
            self.take_writes()?;
            if self.process().admission.unknown_holds().is_empty() && round > 8 {
                break;
            }
        }
        for hold in self.process().admission.unknown_holds() {
            self.decide_on(hold.hold, hold.reason);
        }
        self.take_writes()?;
        (0..self.upstream.attempts().len()).try_for_each(|number| self.audit_one(number))?;
        for hold in self.auditor.booked_in_vain() {
            // Never sent, and charged because it might have been.
            self.correct(hold, Nano::ZERO, "0")?;
        }
        self.settle_up()
    }

    /// Takes it down; destructors find a dead disk.
    pub(crate) fn end(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
        self.calls.clear();
    }

    /// Disk, books and clock are well again; requests end.
    fn mend(&mut self, rng: &mut Rng) -> Checked {
        self.is_disk_full = false;
        self.do_books_refuse = false;
        self.machine.fill_disk(false);
        self.machine.books_refuse(false);
        self.machine.clocks.jump(-self.skew_ms);
        self.skew_ms = 0;
        self.end_in_order(rng)?;
        self.start(None)?;
        self.hear()?;
        if self.process().admission.restored().is_some() {
            self.process().admission.accept_restored().map_err(|error| error.to_string())?;
        }
        self.upstream.end_all(self.now_ms, rng);
        self.replay()
    }

    fn settle_up(&mut self) -> Checked {
        let unknown = self.process().admission.unknown_holds();
        if !unknown.is_empty() {
            return Err(format!("evidence is complete, and these are unknown: {unknown:?}"));
        }
        let mut left = Vec::new();
        self.process().admission.each_balance(self.wall_ms(), &mut |name, balance| {
            if balance.held != Nano::ZERO || balance.unknown != Nano::ZERO || balance.stuck != Nano::ZERO {
                left.push(format!("{name:?}: {balance:?}"));
            }
        });
        if !left.is_empty() {
            return Err(format!("nothing is under way, and this is held: {left:?}"));
        }
        self.replay()?;
        self.check_control()?;
        let mut rng = Rng::with_seed(1);
        self.end_in_order(&mut rng)?;
        self.start(None)?;
        self.replay()
    }

    /// I10, I11: what is booked on a key is what OpenRouter charged, to the last digit.
    fn check_control(&mut self) -> Checked {
        for (number, key) in KEYS.iter().enumerate() {
            let books = self.process().admission.books();
            books.flush().map_err(|error| format!("the books are behind: {error}"))?;
            let total = books.key_total(*key).map_err(|error| format!("no total: {error}"))?;
            let charged = self.upstream.counter(number, self.now_ms);
            let attempts = self.upstream.attempts().iter().filter(|attempt| attempt.key == number);
            let posted: i64 = attempts.clone().map(|attempt| attempt.last.nanos).sum();
            if total.posted.nanos() != posted || Exact::from(total.posted) < charged {
                return Err(format!("I11: {posted} nanos on key {number}, booked are {}", total.posted));
            }
            // What was attributed, or corrected by less than a nano-dollar, is verbatim to within that.
            let within = Exact::from(Nano::from_nanos(attempts.count() as i64));
            if (total.exact - charged).abs() > within {
                return Err(format!(
                    "I10: {charged} was charged on key {number}, booked are {}",
                    total.exact
                ));
            }
        }
        Ok(())
    }
}
