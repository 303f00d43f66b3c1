//! Opening the books of a folder.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use store::{Durability, Options, Recovered, Store};

use crate::OpenError;

/// Opens or makes the books in `data`; a new folder is for its owner alone. Blocks for as long as that takes.
pub(crate) fn open(data: &Path, durability: Durability) -> Result<(Store, Recovered), OpenError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|source| OpenError::Folder { dir: data.to_path_buf(), source })?;
    let (store, recovered) = Store::open(data, Options::new(durability))?;
    for note in &recovered.notes {
        tracing::warn!("{note}");
    }
    Ok((store, recovered))
}
