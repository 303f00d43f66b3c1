//! A disk that fails when told to.

use std::io;
use std::path::Path;
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
}

/// The real disk with faults.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultyDisk(pub(crate) Arc<Faults>);

#[derive(Debug)]
struct FaultyFile(Arc<dyn DiskFile>, Arc<Faults>);

impl FaultyDisk {
    fn wrap(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile(file, self.0.clone()))
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
        RealDisk.open(path, write).map(|file| self.wrap(file))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
}

impl DiskFile for FaultyFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.1.write_fails.load(Ordering::SeqCst) {
            self.0.write_all_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(io::Error::other("injected write error"));
        }
        self.0.write_all_at(bytes, offset)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        self.0.next_data(offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.1.syncs.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(self.1.sync_takes_ms.load(Ordering::SeqCst)));
        assert!(!self.1.sync_panics.load(Ordering::SeqCst), "injected panic");
        if self.1.sync_fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("injected sync error"));
        }
        self.0.sync_data()
    }

    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }
}
