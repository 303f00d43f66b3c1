//! [`Medium`]: the files of the journal, which outlive every process.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fastrand::Rng;
use parking_lot::Mutex;
use store::BootId;

use super::file::File;

pub(super) type SharedFile = Arc<Mutex<File>>;

/// One folder on one disk.
#[derive(Debug)]
pub(super) struct Medium {
    state: Mutex<State>,
    is_full: AtomicBool,
}

#[derive(Debug)]
struct State {
    boot_id: BootId,
    files: BTreeMap<String, SharedFile>,
    /// Removed since the folder was last synced: a power cut may bring them back.
    removed: Vec<(String, SharedFile)>,
}

impl Medium {
    pub(super) fn new() -> Self {
        let state = State { boot_id: [1; 16], files: BTreeMap::new(), removed: Vec::new() };
        Self { state: Mutex::new(state), is_full: AtomicBool::new(false) }
    }

    pub(super) fn boot_id(&self) -> BootId {
        self.state.lock().boot_id
    }

    pub(super) fn fill(&self, full: bool) {
        self.is_full.store(full, Ordering::Relaxed);
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.state.lock().files.keys().cloned().collect()
    }

    pub(super) fn file(&self, name: &str) -> Option<SharedFile> {
        self.state.lock().files.get(name).cloned()
    }

    /// Makes a file and syncs the folder.
    pub(super) fn create(&self, name: &str, bytes: u64) -> io::Result<SharedFile> {
        let mut state = self.state.lock();
        if state.files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if self.is_full.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = Arc::new(Mutex::new(File::new(bytes)));
        state.files.insert(name.to_owned(), file.clone());
        state.removed.clear();
        Ok(file)
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        let file = state.files.remove(name).ok_or(io::ErrorKind::NotFound)?;
        state.removed.push((name.to_owned(), file));
        Ok(())
    }

    /// Every file, by name.
    pub(super) fn files(&self) -> Vec<(String, SharedFile)> {
        self.state.lock().files.iter().map(|(name, file)| (name.clone(), file.clone())).collect()
    }

    /// Nothing is there any more.
    pub(super) fn wipe(&self) {
        let mut state = self.state.lock();
        state.files.clear();
        state.removed.clear();
    }

    /// The power goes and comes back.
    pub(super) fn cut(&self, rng: &mut Rng) {
        let mut state = self.state.lock();
        let come_back = rng.bool();
        for (name, file) in std::mem::take(&mut state.removed) {
            if come_back && rng.bool() {
                state.files.entry(name).or_insert(file);
            }
        }
        state.files.values().for_each(|file| file.lock().cut(rng));
        state.boot_id = (rng.u128(..) | 1).to_be_bytes();
    }
}
