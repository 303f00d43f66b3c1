//! [`ProcessDisk`]: the machine's disk as one process has it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use store::{BootId, Disk, DiskFile};

use super::cable::{Cable, Fate, Operation, Trap, Write, gone};
use super::file::PAGE;
use super::medium::{Medium, SharedFile};

/// The disk of one process. What it wrote outlives it; once it is dead, nothing it tries changes anything.
#[derive(Debug)]
pub struct ProcessDisk {
    medium: Arc<Medium>,
    cable: Arc<Cable>,
}

impl ProcessDisk {
    pub(super) fn new(medium: Arc<Medium>, cable: Arc<Cable>) -> Self {
        Self { medium, cable }
    }

    /// Something goes wrong soon; takes the place of a trap that has not sprung.
    pub fn arm(&self, trap: Trap) {
        self.cable.arm(Some(trap));
    }

    /// Nothing goes wrong.
    pub fn disarm(&self) {
        self.cable.arm(None);
    }

    /// Whether a trap has killed the process, or something else has. What it says from then on nobody hears.
    pub fn is_dead(&self) -> bool {
        self.cable.is_dead()
    }

    /// What was written since this was last asked, except zeros and writes that were torn or failed. In order.
    pub fn take_writes(&self, into: &mut Vec<Write>) {
        self.cable.take_writes(into);
    }

    /// Whether everything that was written into this segment before `end` survives a power cut. A segment that is gone
    /// is in the books.
    pub fn is_durable(&self, segment: u64, end: u64) -> bool {
        self.medium.file(&name(segment)).is_none_or(|file| file.lock().synced() >= end)
    }

    /// Whether everything that was ever written survives a power cut: what a sync that worked promises.
    pub fn is_all_durable(&self) -> bool {
        self.medium.files().iter().all(|(_, file)| file.lock().is_synced())
    }

    /// Asks this at every operation on the disk and the books, until the process ends: whether the money is locked.
    pub fn watch(&self, probe: Box<dyn Fn() -> bool + Send + Sync>) {
        self.cable.watch(probe);
    }

    /// How many operations found the money locked.
    pub fn io_under_lock(&self) -> u64 {
        self.cable.io_under_lock()
    }

    /// Writes, syncs, and files made and removed so far.
    pub fn operations(&self) -> u64 {
        self.cable.operations()
    }

    /// How often the books were read so far.
    pub fn book_reads(&self) -> u64 {
        self.cable.book_reads()
    }

    fn open(&self, name: String, file: SharedFile) -> Arc<dyn DiskFile> {
        let segment = ordinal(&name).unwrap_or(0);
        Arc::new(ProcessFile { segment, file, cable: self.cable.clone() })
    }
}

impl Disk for ProcessDisk {
    fn boot_id(&self) -> Option<BootId> {
        Some(self.medium.boot_id())
    }

    fn list(&self, _dir: &Path) -> io::Result<Vec<String>> {
        self.cable.pass()?;
        Ok(self.medium.names())
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        let name = name_in(path)?;
        let bytes = match self.cable.operate(Operation::Create) {
            Fate::Works | Fate::Fails => bytes,
            Fate::Torn => {
                self.medium.create(&name, 0)?;
                return Err(gone());
            }
            Fate::Dead => return Err(gone()),
        };
        let file = self.medium.create(&name, bytes)?;
        Ok(self.open(name, file))
    }

    fn open(&self, path: &Path, _write: bool) -> io::Result<Arc<dyn DiskFile>> {
        self.cable.pass()?;
        let name = name_in(path)?;
        let file = self.medium.file(&name).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.open(name, file))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match self.cable.operate(Operation::Remove) {
            Fate::Works | Fate::Fails => self.medium.remove(&name_in(path)?),
            Fate::Torn | Fate::Dead => Err(gone()),
        }
    }
}

/// An open file of one process.
#[derive(Debug)]
struct ProcessFile {
    segment: u64,
    file: SharedFile,
    cable: Arc<Cable>,
}

impl DiskFile for ProcessFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let fate = self.cable.operate(if offset == 0 { Operation::Header } else { Operation::Write });
        let count = match fate {
            Fate::Works => bytes.len(),
            Fate::Fails => bytes.len() / 2,
            Fate::Torn => {
                let last_page = (offset + bytes.len() as u64) / PAGE * PAGE;
                last_page.saturating_sub(offset) as usize
            }
            Fate::Dead => 0,
        };
        let is_blank = bytes.iter().all(|byte| *byte == 0);
        if count > 0 {
            self.file.lock().write(&bytes[..count], offset, is_blank);
        }
        match fate {
            Fate::Works if is_blank => Ok(()),
            Fate::Works => {
                self.cable.wrote(self.segment, offset, bytes);
                Ok(())
            }
            // Killed behind its last byte.
            Fate::Torn if count == bytes.len() && !is_blank => {
                self.cable.wrote(self.segment, offset, bytes);
                Err(gone())
            }
            Fate::Fails => Err(io::Error::other("simulated write error")),
            Fate::Torn | Fate::Dead => Err(gone()),
        }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.cable.pass()?;
        Ok(self.file.lock().read(buffer, offset))
    }

    fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        self.cable.pass()?;
        Ok(self.file.lock().next_data(offset))
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.cable.operate(Operation::Sync) {
            Fate::Works => {
                self.file.lock().sync();
                Ok(())
            }
            Fate::Fails => {
                self.file.lock().fail_sync();
                Err(io::Error::other("simulated sync error"))
            }
            Fate::Torn | Fate::Dead => Err(gone()),
        }
    }

    fn length(&self) -> io::Result<u64> {
        self.cable.pass()?;
        Ok(self.file.lock().bytes().len() as u64)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        match self.cable.operate(Operation::Write) {
            Fate::Works => {
                self.file.lock().set_len(bytes);
                Ok(())
            }
            Fate::Fails => Err(io::Error::other("simulated write error")),
            Fate::Torn | Fate::Dead => Err(gone()),
        }
    }
}

/// The name of a segment's file.
fn name(segment: u64) -> String {
    format!("{segment:020}.journal")
}

/// The segment that a file is, by its name.
pub(super) fn ordinal(name: &str) -> Option<u64> {
    name.strip_suffix(".journal")?.parse().ok()
}

fn name_in(path: &Path) -> io::Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}
