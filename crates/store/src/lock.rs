//! One process on a folder: `flock` on a file that names its holder. The system lets go when the process ends.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use ledger::mutants::{self, Mutant};
use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::{OpenError, address};

const FILE: &str = "lock";

/// A holder that just ended may seem to hold on: its children share the file between their fork and their exec.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// Holds the folder until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) fn take(dir: &Path) -> Result<Self, OpenError> {
        Self::take_in(dir, ATTEMPTS)
    }

    /// As [`Lock::take`], without waiting for a holder that is about to end.
    pub(crate) fn take_at_once(dir: &Path) -> Result<Self, OpenError> {
        Self::take_in(dir, 1)
    }

    fn take_in(dir: &Path, attempts_max: u32) -> Result<Self, OpenError> {
        let path = dir.join(FILE);
        let io = |doing| {
            let path = path.clone();
            move |e| OpenError::io(doing, &path, e)
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io("open"))?;
        if mutants::is(Mutant::NoLock) {
            return Ok(Self { _file: file });
        }
        let mut attempts = 1;
        while let Err(error) = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            match error {
                Errno::INTR => {}
                Errno::WOULDBLOCK if attempts < attempts_max => thread::sleep(PAUSE),
                Errno::WOULDBLOCK => return Err(held(dir, &path)),
                error => return Err(io("lock")(error.into())),
            }
            attempts += 1;
        }
        file.set_len(0).map_err(io("write"))?;
        file.rewind().map_err(io("write"))?;
        writeln!(file, "{}", std::process::id()).map_err(io("write"))?;
        Ok(Self { _file: file })
    }
}

fn held(dir: &Path, path: &Path) -> OpenError {
    let pid = fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok());
    OpenError::Held { dir: dir.to_path_buf(), pid, address: address::find(dir) }
}
