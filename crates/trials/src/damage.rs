//! Damage to the end of a journal, as disks and people do it.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fastrand::Rng;

/// How far from its end a journal is damaged, bytes: some dozens of records.
const REACH: u64 = 4_000;

/// What was done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The file ends earlier.
    Truncated,
    /// Zeros from a byte of the last record on.
    Torn,
    /// One bit is another.
    Flipped,
}

impl Damage {
    /// All of them.
    pub const ALL: [Damage; 3] = [Damage::Truncated, Damage::Torn, Damage::Flipped];

    /// Does it to the newest segment of the books in `data`; says what and where.
    ///
    /// # Errors
    /// When there is no journal, or nothing in it.
    pub fn strike(self, data: &Path, random: &mut Rng) -> Result<String> {
        let path = newest(&data.join("journal"))?;
        let mut file = fs::File::options().read(true).write(true).open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let used = bytes.iter().rposition(|byte| *byte != 0).context("an empty segment")? as u64 + 1;
        let from = used.saturating_sub(REACH).max(used.min(80));
        let at = match self {
            Damage::Truncated => {
                let at = random.u64(from..used);
                file.set_len(at)?;
                at
            }
            Damage::Torn => {
                let at = used - random.u64(1..=20).min(used - from);
                write_at(&mut file, at, &vec![0; (used - at) as usize])?;
                at
            }
            Damage::Flipped => {
                let at = random.u64(from..used);
                write_at(&mut file, at, &[bytes[at as usize] ^ 1 << random.u8(0..8)])?;
                at
            }
        };
        Ok(format!("{self:?} at byte {at} of {used} in {}", path.display()))
    }
}

fn write_at(file: &mut fs::File, at: u64, bytes: &[u8]) -> Result<()> {
    file.seek(SeekFrom::Start(at))?;
    Ok(file.write_all(bytes)?)
}

/// The newest segment with something in it: the next one is made ahead.
fn newest(journal: &Path) -> Result<PathBuf> {
    let files = fs::read_dir(journal)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    let used = files
        .into_iter()
        .filter(|path| fs::read(path).is_ok_and(|bytes| bytes.iter().any(|byte| *byte != 0)));
    used.max().context("no journal")
}
