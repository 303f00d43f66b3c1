//! A disk that fails when told to.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use store::{BootId, Disk, DiskFile, RealDisk};

/// What goes wrong from now on.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) no_room: AtomicBool,
    pub(crate) write_fails: AtomicBool,
    pub(crate) sync_fails: AtomicBool,
    pub(crate) sync_panics: AtomicBool,
    pub(crate) sync_takes_ms: AtomicU64,
    pub(crate) syncs: AtomicU64,
    /// When this file is opened next, its first read is of a moment in which nothing was written to it.
    pub(crate) read_early: parking_lot::Mutex<Option<PathBuf>>,
}

/// The real disk with faults.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultyDisk(pub(crate) Arc<Faults>);

#[derive(Debug)]
struct FaultyFile {
    file: Arc<dyn DiskFile>,
    faults: Arc<Faults>,
    is_early: AtomicBool,
}

impl FaultyDisk {
    fn wrap(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile { file, faults: self.0.clone(), is_early: AtomicBool::new(false) })
    }
}

impl Disk for FaultyDisk {
    fn boot_id(&self) -> Option<BootId> {
        RealDisk.boot_id()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(dir)
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        if self.0.no_room.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        RealDisk.create(path, bytes).map(|file| self.wrap(file))
    }

    fn open(&self, path: &Path, write: bool) -> io::Result<Arc<dyn DiskFile>> {
        let is_early = self.0.read_early.lock().take_if(|early| early == path).is_some();
        let file = RealDisk.open(path, write)?;
        Ok(Arc::new(FaultyFile { file, faults: self.0.clone(), is_early: AtomicBool::new(is_early) }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
}

impl DiskFile for FaultyFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.faults.write_fails.load(Ordering::SeqCst) {
            self.file.write_all_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(io::Error::other("injected write error"));
        }
        self.file.write_all_at(bytes, offset)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = self.file.read_at(buffer, offset)?;
        if self.is_early.swap(false, Ordering::SeqCst) {
            buffer.fill(0);
        }
        Ok(count)
    }

    fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        self.file.next_data(offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.faults.syncs.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(self.faults.sync_takes_ms.load(Ordering::SeqCst)));
        assert!(!self.faults.sync_panics.load(Ordering::SeqCst), "injected panic");
        if self.faults.sync_fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("injected sync error"));
        }
        self.file.sync_data()
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }
}
