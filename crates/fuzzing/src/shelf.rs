//! [`Shelf`]: a disk in memory, for journals that exist only for a moment.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use store::{BootId, Disk, DiskFile};

/// Files by name; folders are of no account.
#[derive(Clone, Debug)]
pub struct Shelf {
    boot_id: BootId,
    files: Arc<Mutex<BTreeMap<String, Arc<Sheet>>>>,
}

#[derive(Debug, Default)]
struct Sheet(Mutex<Vec<u8>>);

impl Shelf {
    /// An empty one, on a machine that was booted so.
    pub fn new(boot_id: BootId) -> Self {
        Shelf { boot_id, files: Arc::default() }
    }

    /// Puts a file there.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        self.files.lock().insert(name.to_owned(), Arc::new(Sheet(Mutex::new(bytes))));
    }

    /// What is in a file.
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.files.lock().get(name).map(|sheet| sheet.0.lock().clone())
    }

    /// The names of all files.
    pub fn names(&self) -> Vec<String> {
        self.files.lock().keys().cloned().collect()
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Disk for Shelf {
    fn boot_id(&self) -> Option<BootId> {
        Some(self.boot_id)
    }

    fn list(&self, _: &Path) -> Result<Vec<String>> {
        Ok(self.names())
    }

    fn create(&self, path: &Path, bytes: u64) -> Result<Arc<dyn DiskFile>> {
        let length = usize::try_from(bytes).map_err(|_| Error::from(ErrorKind::StorageFull))?;
        self.put(&name(path), vec![0; length]);
        self.open(path, true)
    }

    fn open(&self, path: &Path, _: bool) -> Result<Arc<dyn DiskFile>> {
        let sheet = self.files.lock().get(&name(path)).cloned();
        sheet.map(|sheet| sheet as Arc<dyn DiskFile>).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.files.lock().remove(&name(path)).map(|_| ()).ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl DiskFile for Sheet {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let mut sheet = self.0.lock();
        let from = offset as usize;
        let to = from + bytes.len();
        if sheet.len() < to {
            sheet.resize(to, 0);
        }
        sheet[from..to].copy_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let sheet = self.0.lock();
        let there = sheet.get(offset as usize..).unwrap_or_default();
        let count = there.len().min(buffer.len());
        buffer[..count].copy_from_slice(&there[..count]);
        Ok(count)
    }

    fn next_data(&self, offset: u64) -> Result<Option<u64>> {
        let sheet = self.0.lock();
        let there = sheet.get(offset as usize..).unwrap_or_default();
        Ok(there.iter().position(|byte| *byte != 0).map(|at| offset + at as u64))
    }

    fn sync_data(&self) -> Result<()> {
        Ok(())
    }

    fn length(&self) -> Result<u64> {
        Ok(self.0.lock().len() as u64)
    }

    fn set_len(&self, bytes: u64) -> Result<()> {
        self.0.lock().resize(bytes as usize, 0);
        Ok(())
    }
}
