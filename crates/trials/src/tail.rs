//! Damage on purpose: the end of a dead gateway's journal is cut, torn, or one bit of it is flipped.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fastrand::Rng;

/// The last bytes in which damage is done: some twenty records.
const REACH: u64 = 2_000;

/// What is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// The file ends earlier.
    Cut,
    /// From somewhere on there are zeros, as from a write that did not reach the disk.
    Torn,
    /// One bit is another.
    Flip,
}

/// Where it was done.
#[derive(Clone, Debug)]
pub struct Damage {
    /// The segment.
    pub file: PathBuf,
    /// What.
    pub harm: Harm,
    /// The first byte that is not as it was.
    pub at: u64,
    /// Bytes that were written from there on.
    pub behind: u64,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        write!(f, "{:?} of {name} at byte {}, {} before its end", self.harm, self.at, self.behind)
    }
}

/// Damages the newest records of the journal in a folder.
///
/// # Errors
/// When there is no journal, or nothing in it.
pub fn damage(data: &Path, harm: Harm, random: &mut Rng) -> Result<Damage> {
    let (path, end) = newest(&data.join("journal"))?;
    let behind = random.u64(1..=REACH.min(end));
    let at = end - behind;
    let file = OpenOptions::new().read(true).write(true).open(&path)?;
    match harm {
        Harm::Cut => file.set_len(at)?,
        Harm::Torn => file.write_all_at(&vec![0; usize::try_from(behind)?], at)?,
        Harm::Flip => {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at)?;
            byte[0] ^= 1 << random.u32(0..8);
            file.write_all_at(&byte, at)?;
        }
    }
    Ok(Damage { file: path, harm, at, behind })
}

/// The segment with the newest records, and where they end: segments are zeros from there on.
fn newest(journal: &Path) -> Result<(PathBuf, u64)> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(journal)?.map(|file| file.map(|file| file.path())).collect::<Result<_, _>>()?;
    files.sort();
    for path in files.into_iter().rev() {
        let bytes = fs::read(&path)?;
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        if bytes.windows(4).any(|four| four == b"\xF0end") {
            return Ok((path, end as u64));
        }
    }
    None.context("no records in the journal")
}
