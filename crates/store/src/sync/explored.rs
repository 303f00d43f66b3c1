//! Loom's locks with parking_lot's manners: a lock is got, or the thread never comes back.
//!
//! Not a model of time: who waits for a bell with a deadline waits for the bell, so that a bell that was not rung is a
//! deadlock, which loom reports.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering;
use std::time::Duration;

pub use loom::sync::Arc;
pub use loom::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize};
use loom::sync::{MutexGuard as Held, RwLockReadGuard, RwLockWriteGuard};

/// Loom panics by itself where a lock would be poisoned.
const SOUND: &str = "no thread panicked with it";

/// A mutex.
#[derive(Debug, Default)]
pub struct Mutex<T>(loom::sync::Mutex<T>);

/// A mutex that is held.
#[derive(Debug)]
pub struct MutexGuard<'a, T>(Option<Held<'a, T>>);

impl<T> Mutex<T> {
    /// A free one.
    pub fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    /// Waits until it is free.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().expect(SOUND)))
    }

    /// Whether somebody holds it.
    #[track_caller]
    pub fn is_locked(&self) -> bool {
        self.0.try_lock().is_err()
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("held but while it waits for a bell")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("held but while it waits for a bell")
    }
}

/// A lock for many readers or one writer.
#[derive(Debug, Default)]
pub struct RwLock<T>(loom::sync::RwLock<T>);

impl<T> RwLock<T> {
    /// A free one.
    pub fn new(value: T) -> Self {
        Self(loom::sync::RwLock::new(value))
    }

    /// Waits until nobody writes.
    #[track_caller]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().expect(SOUND)
    }

    /// Waits until nobody has it.
    #[track_caller]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().expect(SOUND)
    }
}

/// A bell.
#[derive(Debug, Default)]
pub struct Condvar(loom::sync::Condvar);

impl Condvar {
    /// One that nobody waits for.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the mutex go until the bell is rung, however long that takes.
    #[track_caller]
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _for_at_most: Duration) {
        guard.0 = guard.0.take().map(|held| self.0.wait(held).expect(SOUND));
    }

    /// Wakes one who waits.
    #[track_caller]
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all who wait.
    #[track_caller]
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A cell that is filled once. What std's orders between threads, a flag beside it orders for loom.
#[derive(Debug)]
pub struct OnceLock<T> {
    value: std::sync::OnceLock<T>,
    is_set: AtomicBool,
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> OnceLock<T> {
    /// An empty one.
    pub fn new() -> Self {
        Self { value: std::sync::OnceLock::new(), is_set: AtomicBool::new(false) }
    }

    /// What is in it.
    #[track_caller]
    pub fn get(&self) -> Option<&T> {
        self.is_set.load(Ordering::Acquire).then(|| self.value.get()).flatten()
    }

    /// Fills it.
    ///
    /// # Errors
    /// The value, when it is filled already.
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), T> {
        let result = self.value.set(value);
        // By whoever comes second too: it finds the cell filled from here on.
        self.is_set.store(true, Ordering::Release);
        result
    }
}

/// Threads.
pub mod thread {
    use std::io;
    use std::time::Duration;

    pub use loom::thread::{JoinHandle, panicking};

    /// Room for the frames of a store that opens, in words. Loom gives a thread a sixteenth of it.
    const STACK_WORDS: usize = 64 << 10;

    /// How a thread is started.
    #[derive(Debug, Default)]
    pub struct Builder {
        name: String,
    }

    impl Builder {
        /// A thread without a name.
        pub fn new() -> Self {
            Self::default()
        }

        /// Names it.
        #[must_use]
        pub fn name(self, name: String) -> Self {
            Self { name }
        }

        /// Starts it.
        ///
        /// # Errors
        /// Never; std's may.
        #[track_caller]
        pub fn spawn<T: Send + 'static>(
            self,
            work: impl FnOnce() -> T + Send + 'static,
        ) -> io::Result<JoinHandle<T>> {
            loom::thread::Builder::new().name(self.name).stack_size(STACK_WORDS).spawn(work)
        }
    }

    /// Lets the others go on.
    pub fn sleep(_for: Duration) {
        loom::thread::yield_now();
    }
}
