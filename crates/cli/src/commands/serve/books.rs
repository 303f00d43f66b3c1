//! Opening the books, and saying in plain words why they cannot be opened.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use store::{Durability, OpenError, Options, Recovered, Store};

use crate::failure::{Failure, chain};

/// Opens or makes the books in `data`; a new folder is for its owner alone.
pub(crate) fn open(data: &Path, durability: Durability) -> Result<(Store, Recovered), Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(|error| {
        Failure::caused(&format!("cannot make the folder {}", data.display()), &error)
            .hint("another place for the books: --data DIR")
    })?;
    let (store, recovered) = Store::open(data, Options::new(durability)).map_err(|error| {
        let failure = Failure::failed(chain(&error));
        match error {
            OpenError::Held { .. } => {
                failure.hint("one gateway at a time keeps the books of a folder: stop that one, or take another --data DIR")
            }
            OpenError::TooNew { .. } => failure.hint("use the newer farebox that wrote it"),
            _ => failure,
        }
    })?;
    for note in &recovered.notes {
        tracing::warn!("{note}");
    }
    Ok((store, recovered))
}
