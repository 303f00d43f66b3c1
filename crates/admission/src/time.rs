//! [`Time`]: the instant that all of admission goes by, read without a lock while the wall clock is where it should be.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ledger::mutants::{self, Mutant};
use ledger::{Clock, Reading, TRUST_MS};
use store::sync::{AtomicBool, AtomicI64, Mutex};

/// A clock that counts since the machine started and that nobody sets.
pub trait BootClock: Send + Sync + fmt::Debug {
    /// Time since the machine started, suspended time included where the system counts it, milliseconds.
    fn boot_ms(&self) -> i64;
}

/// The system's: `CLOCK_BOOTTIME` on Linux. Elsewhere `CLOCK_MONOTONIC`, which on macOS counts suspended time too.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemBootClock;

impl BootClock for SystemBootClock {
    fn boot_ms(&self) -> i64 {
        #[cfg(target_os = "linux")]
        const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
        let since = rustix::time::clock_gettime(CLOCK);
        since.tv_sec.saturating_mul(1_000).saturating_add(since.tv_nsec / 1_000_000)
    }
}

/// The clock of a process. Only a wall clock that is off, and [`Time::read`], take its mutex.
#[derive(Debug)]
pub(crate) struct Time {
    boot: Arc<dyn BootClock>,
    clock: Mutex<Clock>,
    latest_ms: AtomicI64,
    is_trusted: AtomicBool,
    /// The wall time accepted last, less the boot time of that instant.
    accepted_ms: AtomicI64,
    /// The wall time told last, less the boot time of that instant.
    told_ms: AtomicI64,
}

impl Time {
    /// As [`Clock::start`].
    pub(crate) fn start(
        boot: Arc<dyn BootClock>,
        before: Option<(i64, i64)>,
        latest_ms: i64,
        wall_ms: i64,
    ) -> Self {
        let reading = Reading { wall_ms, boot_ms: boot.boot_ms() };
        let before = before.map(|(wall_ms, boot_ms)| Reading { wall_ms, boot_ms });
        let clock = Clock::start(before, latest_ms, reading);
        let time = Time {
            boot,
            clock: Mutex::new(clock),
            latest_ms: AtomicI64::new(clock.now_ms()),
            is_trusted: AtomicBool::new(false),
            accepted_ms: AtomicI64::new(0),
            told_ms: AtomicI64::new(skew(reading)),
        };
        time.publish(&clock);
        time
    }

    /// The time to go by when the wall clock says `wall_ms`.
    pub(crate) fn see(&self, wall_ms: i64) -> i64 {
        if mutants::is(Mutant::ClockOpensWindow) {
            return self.believe(wall_ms);
        }
        let reading = Reading { wall_ms, boot_ms: self.boot.boot_ms() };
        let skew_ms = skew(reading);
        self.told_ms.store(skew_ms, Ordering::Relaxed);
        let off_ms = skew_ms.abs_diff(self.accepted_ms.load(Ordering::Relaxed));
        if self.is_trusted() && off_ms <= TRUST_MS.unsigned_abs() {
            return self.latest_ms.fetch_max(wall_ms, Ordering::Relaxed).max(wall_ms);
        }
        self.change(|clock| clock.read(reading))
    }

    /// As [`Time::see`], and what the wall clock says is accepted where it may be. Call about every second.
    pub(crate) fn read(&self, wall_ms: i64) -> i64 {
        if mutants::is(Mutant::ClockOpensWindow) {
            return self.believe(wall_ms);
        }
        let reading = Reading { wall_ms, boot_ms: self.boot.boot_ms() };
        self.told_ms.store(skew(reading), Ordering::Relaxed);
        self.change(|clock| clock.read(reading))
    }

    /// The upstream said `date_ms` just now.
    pub(crate) fn hear(&self, date_ms: i64) {
        let boot_ms = self.boot.boot_ms();
        let wall_ms = self.told_ms.load(Ordering::Relaxed).saturating_add(boot_ms);
        self.change(|clock| clock.hear(date_ms, Reading { wall_ms, boot_ms }));
    }

    /// The highest time told so far.
    pub(crate) fn latest_ms(&self) -> i64 {
        self.latest_ms.load(Ordering::Relaxed)
    }

    /// Whether a window may open.
    pub(crate) fn is_trusted(&self) -> bool {
        self.is_trusted.load(Ordering::Relaxed)
    }

    /// How far the wall clock is from the time to go by, milliseconds, while it is not trusted.
    pub(crate) fn off_ms(&self) -> Option<i64> {
        let wall_ms = self.told_ms.load(Ordering::Relaxed).saturating_add(self.boot.boot_ms());
        let off_ms = self.clock.lock().off_ms(wall_ms);
        (!self.is_trusted()).then_some(off_ms)
    }

    /// The last reading accepted, for the journal; `None` while there is none to be trusted.
    pub(crate) fn accepted(&self) -> Option<Reading> {
        let clock = self.clock.lock();
        clock.is_trusted().then(|| clock.accepted())
    }

    /// What no clock deserves.
    fn believe(&self, wall_ms: i64) -> i64 {
        self.is_trusted.store(true, Ordering::Relaxed);
        self.latest_ms.store(wall_ms, Ordering::Relaxed);
        wall_ms
    }

    fn change<T>(&self, change: impl FnOnce(&mut Clock) -> T) -> i64 {
        let mut clock = self.clock.lock();
        change(&mut clock);
        self.publish(&clock);
        self.latest_ms.fetch_max(clock.now_ms(), Ordering::Relaxed).max(clock.now_ms())
    }

    fn publish(&self, clock: &Clock) {
        self.accepted_ms.store(skew(clock.accepted()), Ordering::Relaxed);
        self.is_trusted.store(clock.is_trusted(), Ordering::Relaxed);
    }
}

fn skew(reading: Reading) -> i64 {
    reading.wall_ms.saturating_sub(reading.boot_ms)
}
