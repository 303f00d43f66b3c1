//! One process on a folder: `flock` on a file that names its holder. The system lets go when the process ends.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::{OpenError, address};

const FILE: &str = "lock";

/// Holds the folder until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) fn take(dir: &Path) -> Result<Self, OpenError> {
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
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(held(dir, &path)),
            Err(error) => return Err(io("lock")(error.into())),
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
