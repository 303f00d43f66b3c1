//! Running a model: every interleaving within a bound, counted.

use std::io::{Write, stderr};
use std::panic::PanicHookInfo;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use store::sync::thread::{Builder, JoinHandle};

/// A model that is explored.
pub(crate) struct Model {
    /// What it shows, for the summary line.
    pub(crate) name: &'static str,
    /// How often a thread that could go on is made to wait, at most.
    pub(crate) preemptions: usize,
    /// Fewer interleavings than this explore nothing.
    pub(crate) at_least: usize,
}

impl Model {
    /// Runs `world` in every interleaving; it starts the other threads, three at most.
    pub(crate) fn explore(&self, world: impl Fn() + Send + Sync + 'static) {
        std::panic::set_hook(Box::new(tell_and_end));
        let (count, since, world) = (Arc::new(AtomicUsize::new(0)), Instant::now(), Arc::new(world));
        let mut model = loom::model::Builder::new();
        model.preemption_bound = model.preemption_bound.or(Some(self.preemptions));
        model.max_branches = 100_000;
        let explored = Arc::clone(&count);
        model.check(move || {
            explored.fetch_add(1, Ordering::Relaxed);
            let world = Arc::clone(&world);
            // Loom's own first thread has not the stack for it.
            join(spawn(move || world()));
        });
        let count = count.load(Ordering::Relaxed);
        let name = self.name;
        println!("{name}: {count} interleavings in {} ms", since.elapsed().as_millis());
        assert!(count >= self.at_least, "{name}: {count} interleavings are none");
    }
}

/// The first failure ends the run: threads that stand still in a model cannot be unwound.
fn tell_and_end(panic: &PanicHookInfo<'_>) {
    // How a thread of a model that is given up is unwound: not the failure itself.
    if panic.location().is_some_and(|location| location.file().contains("generator-")) {
        return;
    }
    let thread = std::thread::current();
    // Past the capture of a test's output, which would end with it.
    let _ = writeln!(stderr(), "\n{} FAILED: {panic}", thread.name().unwrap_or("a test"));
    exit(101);
}

/// Starts a thread of the model.
pub(crate) fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    Builder::new().spawn(work).expect("a thread of the model")
}

/// Waits for a thread of the model.
pub(crate) fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("a thread that ends")
}

/// A folder for the lock file of a store; in memory where the system has one there, for it is opened anew each time.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}
