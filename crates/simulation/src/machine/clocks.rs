//! [`Clocks`]: the wall clock, which anybody may set, and the clock since boot, which nobody can.

use std::sync::atomic::{AtomicI64, Ordering};

use admission::BootClock;

/// Both clocks of a machine. They stand still unless they are told to go on.
#[derive(Debug)]
pub struct Clocks {
    wall_ms: AtomicI64,
    boot_ms: AtomicI64,
}

impl Clocks {
    /// The wall clock at `wall_ms` (milliseconds since the Unix epoch), the machine up for an hour.
    pub(super) fn new(wall_ms: i64) -> Self {
        Self { wall_ms: AtomicI64::new(wall_ms), boot_ms: AtomicI64::new(3_600_000) }
    }

    /// What the wall clock says, milliseconds since the Unix epoch.
    pub fn wall_ms(&self) -> i64 {
        self.wall_ms.load(Ordering::Relaxed)
    }

    /// Time passes, on both.
    pub fn pass(&self, ms: i64) {
        self.jump(ms);
        self.boot_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// The machine sleeps; both clocks count that.
    pub fn suspend(&self, ms: i64) {
        self.pass(ms);
    }

    /// Somebody sets the wall clock, forwards or (below zero) back.
    pub fn jump(&self, ms: i64) {
        self.wall_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// The machine has started `boot_ms` ago.
    pub fn reboot(&self, boot_ms: i64) {
        self.boot_ms.store(boot_ms, Ordering::Relaxed);
    }
}

impl BootClock for Clocks {
    fn boot_ms(&self) -> i64 {
        self.boot_ms.load(Ordering::Relaxed)
    }
}
