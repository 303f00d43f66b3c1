//! The catalogue on disk: one JSON file, replaced whole.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

const FILE: &str = "catalogue.json";
const BYTES_MAX: u64 = 256 << 20;

/// What is kept: OpenRouter's own texts, and when they were read.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) fetched_at_ms: i64,
    pub(super) models: String,
    pub(super) endpoints: BTreeMap<String, String>,
    pub(super) zdr: Option<String>,
}

#[derive(Deserialize)]
struct File<'a> {
    fetched_at_ms: i64,
    #[serde(borrow)]
    models: &'a RawValue,
    #[serde(borrow)]
    endpoints: BTreeMap<String, &'a RawValue>,
    #[serde(borrow, default)]
    zdr: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct FileOut<'a> {
    fetched_at_ms: i64,
    models: &'a RawValue,
    endpoints: BTreeMap<&'a str, &'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zdr: Option<&'a RawValue>,
}

pub(super) fn file_in(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// The file's content; `None` when there is none or it cannot be read.
pub(super) fn load(file: &Path) -> Option<Saved> {
    if fs::metadata(file).ok()?.len() > BYTES_MAX {
        return None;
    }
    let text = fs::read_to_string(file).ok()?;
    let read: File<'_> = serde_json::from_str(&text)
        .inspect_err(|error| tracing::warn!(%error, "the price book on disk cannot be read"))
        .ok()?;
    Some(Saved {
        fetched_at_ms: read.fetched_at_ms,
        models: read.models.get().to_owned(),
        endpoints: read.endpoints.into_iter().map(|(id, raw)| (id, raw.get().to_owned())).collect(),
        zdr: read.zdr.map(|raw| raw.get().to_owned()),
    })
}

/// Writes beside the file and renames over it, so that a reader sees the old one or the new one.
pub(super) fn store(file: &Path, saved: &Saved) -> io::Result<()> {
    let endpoints: Result<BTreeMap<&str, &RawValue>, serde_json::Error> =
        saved.endpoints.iter().map(|(id, text)| Ok((id.as_str(), serde_json::from_str(text)?))).collect();
    let out = FileOut {
        fetched_at_ms: saved.fetched_at_ms,
        models: serde_json::from_str(&saved.models)?,
        endpoints: endpoints?,
        zdr: saved.zdr.as_deref().map(serde_json::from_str).transpose()?,
    };
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir)?;
    }
    let beside = file.with_extension(format!("{}.tmp", std::process::id()));
    let written = (|| {
        let mut temporary = fs::File::create(&beside)?;
        temporary.write_all(&serde_json::to_vec(&out)?)?;
        temporary.sync_all()?;
        fs::rename(&beside, file)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}
