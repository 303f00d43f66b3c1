//! [`Cable`]: what connects one process to its disk and its books. Pulled out, the process is dead to both.
//!
//! It counts what goes through, springs the trap, and asks at every operation whether the money is locked meanwhile.

use std::fmt;
use std::io;

use parking_lot::Mutex;

/// When one operation on the disk goes wrong, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trap {
    /// How many operations on the disk (write, sync, create, remove) still work from now on.
    pub after: u32,
    /// What becomes of the next one that it can happen to.
    pub kind: TrapKind,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrapKind {
    /// The process is killed before the operation. `torn`: in the middle of a write, where a page of the file ends; or
    /// with a file that is made but has no bytes yet.
    Kill {
        /// Whether a part of it happens.
        torn: bool,
    },
    /// The next write fails after its first half.
    WriteError,
    /// The next write at the beginning of a file fails after its first half.
    HeaderError,
    /// The next sync fails, and whether any of it is on the disk is not known.
    SyncError,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The ordinal of the segment.
    pub segment: u64,
    /// Where in it.
    pub offset: u64,
    /// All bytes of it.
    pub bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Write,
    /// A write at the beginning of a file.
    Header,
    Sync,
    Create,
    Remove,
}

/// What becomes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Works,
    Torn,
    Fails,
    Dead,
}

type Probe = Box<dyn Fn() -> bool + Send + Sync>;

#[derive(Default)]
pub(super) struct Cable(Mutex<State>);

#[derive(Default)]
struct State {
    is_dead: bool,
    trap: Option<Trap>,
    probe: Option<Probe>,
    operations: u64,
    book_reads: u64,
    io_under_lock: u64,
    writes: Vec<Write>,
}

impl Cable {
    pub(super) fn arm(&self, trap: Option<Trap>) {
        self.0.lock().trap = trap;
    }

    pub(super) fn watch(&self, probe: Probe) {
        self.0.lock().probe = Some(probe);
    }

    /// The process is dead. Also lets go of whatever the probe looks at.
    pub(super) fn pull(&self) {
        let probe = {
            let mut state = self.0.lock();
            state.is_dead = true;
            state.probe.take()
        };
        drop(probe);
    }

    pub(super) fn is_dead(&self) -> bool {
        self.0.lock().is_dead
    }

    pub(super) fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    pub(super) fn book_reads(&self) -> u64 {
        self.0.lock().book_reads
    }

    pub(super) fn io_under_lock(&self) -> u64 {
        self.0.lock().io_under_lock
    }

    pub(super) fn take_writes(&self, into: &mut Vec<Write>) {
        into.append(&mut self.0.lock().writes);
    }

    /// Notes a write that happened as a whole.
    pub(super) fn wrote(&self, segment: u64, offset: u64, bytes: &[u8]) {
        self.0.lock().writes.push(Write { segment, offset, bytes: bytes.to_vec() });
    }

    /// What becomes of the next operation on the disk.
    pub(super) fn operate(&self, operation: Operation) -> Fate {
        let mut state = self.0.lock();
        if state.is_dead {
            return Fate::Dead;
        }
        state.look();
        state.operations += 1;
        let Some(trap) = &mut state.trap else { return Fate::Works };
        if trap.after > 0 {
            trap.after -= 1;
            return Fate::Works;
        }
        match (trap.kind, operation) {
            (TrapKind::Kill { torn }, _) => {
                state.is_dead = true;
                if torn { Fate::Torn } else { Fate::Dead }
            }
            (TrapKind::WriteError, Operation::Write | Operation::Header)
            | (TrapKind::HeaderError, Operation::Header)
            | (TrapKind::SyncError, Operation::Sync) => {
                state.trap = None;
                Fate::Fails
            }
            _ => Fate::Works,
        }
    }

    /// Somebody reads the disk, or writes the books.
    pub(super) fn pass(&self) -> io::Result<()> {
        let mut state = self.0.lock();
        state.look();
        if state.is_dead { Err(gone()) } else { Ok(()) }
    }

    /// Somebody reads the books.
    pub(super) fn pass_book_read(&self) -> io::Result<()> {
        self.0.lock().book_reads += 1;
        self.pass()
    }
}

impl State {
    fn look(&mut self) {
        if self.probe.as_ref().is_some_and(|is_locked| is_locked()) {
            self.io_under_lock += 1;
        }
    }
}

impl fmt::Debug for Cable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cable").finish_non_exhaustive()
    }
}

/// What a dead process hears of everything.
pub(super) fn gone() -> io::Error {
    io::Error::other("the process is dead")
}
