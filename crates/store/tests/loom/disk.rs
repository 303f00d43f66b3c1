//! A disk in memory. A write arrives in two halves and a sync takes time, so that others may come between; what was
//! written and not synced is known.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use store::sync::Mutex;
use store::{BootId, Disk, DiskFile};

/// The disk. A clone is another handle to it.
#[derive(Clone, Debug)]
pub(crate) struct MemoryDisk(Arc<Mutex<Folder>>);

#[derive(Debug, Default)]
struct Folder {
    files: BTreeMap<PathBuf, Arc<MemoryFile>>,
    /// What was in the files that were removed.
    removed: Vec<Vec<u8>>,
    /// Set before the threads start: no word between them.
    syncs_fail: Arc<AtomicBool>,
}

#[derive(Debug)]
struct MemoryFile {
    contents: Mutex<Contents>,
    syncs_fail: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Contents {
    length: u64,
    /// Up to the last byte written; zeros follow.
    bytes: Vec<u8>,
    synced: Vec<u8>,
}

impl MemoryDisk {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Folder::default())))
    }

    /// From now on no file can be synced.
    pub(crate) fn fail_syncs(&self) {
        self.0.lock().syncs_fail.store(true, Ordering::SeqCst);
    }

    /// Whether these bytes were written.
    pub(crate) fn has_written(&self, what: &str) -> bool {
        self.place(what).is_some()
    }

    /// Where these bytes stand: which file, and where in it.
    pub(crate) fn place(&self, what: &str) -> Option<(usize, usize)> {
        let find = |file: &Arc<MemoryFile>| find(&file.contents.lock().bytes, what);
        self.files().iter().map(find).enumerate().find_map(|(file, at)| Some((file, at?)))
    }

    /// Whether these bytes would be there after a power cut.
    pub(crate) fn has_synced(&self, what: &str) -> bool {
        self.files().iter().any(|file| find(&file.contents.lock().synced, what).is_some())
    }

    /// What was in the files that were removed.
    pub(crate) fn removed(&self) -> Vec<Vec<u8>> {
        self.0.lock().removed.clone()
    }

    fn files(&self) -> Vec<Arc<MemoryFile>> {
        self.0.lock().files.values().map(Arc::clone).collect()
    }
}

pub(crate) fn find(bytes: &[u8], what: &str) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what.as_bytes())
}

impl Disk for MemoryDisk {
    fn boot_id(&self) -> Option<BootId> {
        Some([1; 16])
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let folder = self.0.lock();
        let within = folder.files.keys().filter(|path| path.parent() == Some(dir));
        Ok(within.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        let mut folder = self.0.lock();
        let contents = Contents { length: bytes, ..Contents::default() };
        let file = Arc::new(MemoryFile {
            contents: Mutex::new(contents),
            syncs_fail: Arc::clone(&folder.syncs_fail),
        });
        folder.files.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    fn open(&self, path: &Path, _write: bool) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.0.lock().files.get(path).map(Arc::clone);
        Ok(file.ok_or(io::ErrorKind::NotFound)?)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut folder = self.0.lock();
        let file = folder.files.remove(path).ok_or(io::ErrorKind::NotFound)?;
        let bytes = file.contents.lock().bytes.clone();
        folder.removed.push(bytes);
        Ok(())
    }
}

impl MemoryFile {
    fn write(&self, bytes: &[u8], offset: u64) {
        let mut contents = self.contents.lock();
        let from = offset as usize;
        let end = from + bytes.len();
        // Zeros written ahead are no data.
        if bytes.iter().all(|byte| *byte == 0) && from >= contents.bytes.len() {
            return;
        }
        if contents.bytes.len() < end {
            contents.bytes.resize(end, 0);
        }
        contents.bytes[from..end].copy_from_slice(bytes);
    }
}

impl DiskFile for MemoryFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let half = bytes.len() / 2;
        self.write(&bytes[..half], offset);
        self.write(&bytes[half..], offset + half as u64);
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let contents = self.contents.lock();
        let count = contents.length.saturating_sub(offset).min(buffer.len() as u64) as usize;
        buffer[..count].fill(0);
        let written = contents.bytes.get(offset as usize..).unwrap_or_default();
        let from_written = written.len().min(count);
        buffer[..from_written].copy_from_slice(&written[..from_written]);
        Ok(count)
    }

    fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        let contents = self.contents.lock();
        Ok((offset < contents.bytes.len() as u64).then_some(offset))
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.syncs_fail.load(Ordering::SeqCst) {
            return Err(io::Error::other("injected sync error"));
        }
        let as_of_now = self.contents.lock().bytes.clone();
        // Others may write meanwhile.
        self.contents.lock().synced = as_of_now;
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.contents.lock().length)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut contents = self.contents.lock();
        contents.length = bytes;
        contents.bytes.truncate(bytes as usize);
        Ok(())
    }
}
