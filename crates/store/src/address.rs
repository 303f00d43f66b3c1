//! Where the live gateway's console listens: a file that commands find it by.
//!
//! A hint, never a right: a file left by a killed gateway is told by its process id and boot, and who follows a wrong
//! hint finds nobody there and reads the folder instead.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::process::Pid;

use crate::disk::{Disk, RealDisk};

const FILE: &str = "address";
const FILE_NEW: &str = "address.new";

/// Writes the address of this process, all at once.
pub(crate) fn write(dir: &Path, address: &str) -> io::Result<()> {
    let new = dir.join(FILE_NEW);
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    writeln!(file, "{}\n{}\n{address}", std::process::id(), boot_text())?;
    fs::rename(new, dir.join(FILE))
}

/// Removes the file; there may be none.
pub(crate) fn remove(dir: &Path) {
    // What stays is a stale hint, which readers can tell.
    let _ = fs::remove_file(dir.join(FILE));
}

/// The address in the file, when its writer is alive.
pub(crate) fn find(dir: &Path) -> Option<String> {
    let text = fs::read_to_string(dir.join(FILE)).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.parse().ok().and_then(Pid::from_raw)?;
    let boot = lines.next()?;
    let address = lines.next()?;
    // A process of another user answers with "not permitted", which proves that it is there.
    let alive = !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH));
    (alive && boot == boot_text()).then(|| address.to_owned())
}

fn boot_text() -> String {
    RealDisk.boot_id().map_or_else(|| "unknown".to_owned(), |id| format!("{:032x}", u128::from_be_bytes(id)))
}
