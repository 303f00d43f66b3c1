//! The history of prices on disk: `history.jsonl` beside the cache, one line for each model whose rows changed.
//!
//! Each line says when the change was seen, and against what: the difference to the snapshot of 2026-10-02 may have come
//! at any time since. The first line says since when there is a history at all. Lines are appended in one write; a torn
//! last line is closed with a line break and passed over by readers. Beyond [`BYTES_MAX`] the older half goes.
//!
//! Fails open: what cannot be written is lost with a warning in the log, and prices are renewed all the same. Two
//! programs that write into one folder may lose lines to each other when the file is cut; nothing rests on them.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use pricing::{Book, BookSource, Change, Kind, Move};
use serde::{Deserialize, Serialize};

const FILE: &str = "history.jsonl";
/// The file is cut in half beyond this.
const BYTES_MAX: u64 = 8 << 20;

/// One line of the history.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When the change was seen.
    #[serde(with = "instant")]
    pub at: Timestamp,
    /// When the rows it is a change to were read.
    #[serde(with = "instant")]
    pub since: Timestamp,
    /// Where those came from.
    pub against: Against,
    /// What happened.
    pub change: Happened,
    /// The model's id; empty where the history begins.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// What moved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<Moved>,
}

/// What a change is a change to.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Against {
    /// The rows built into the program.
    Snapshot,
    /// Rows read before, from disk or in the same process.
    Before,
}

/// What happened.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Happened {
    /// The history begins: what was before is not known, or has been cut off.
    Began,
    /// A model came.
    Added,
    /// A model went.
    Removed,
    /// A row says something else.
    Changed,
}

/// A [`Move`] as it is written.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The provider's tag; absent for the model's own row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// OpenRouter's key.
    pub key: String,
    /// The condition of a conditional price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

impl Entry {
    /// The line for a change between two books.
    pub fn of(change: Change, old: &Book, now_ms: i64) -> Entry {
        let happened = match change.kind {
            Kind::Added => Happened::Added,
            Kind::Removed => Happened::Removed,
            Kind::Changed => Happened::Changed,
        };
        let moves = change.moves.into_iter().map(Moved::from).collect();
        Entry { change: happened, model: change.model, moves, ..Entry::began(old, now_ms) }
    }

    /// The first line: since when there is a history.
    pub(super) fn began(old: &Book, now_ms: i64) -> Entry {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap_or_default();
        let against = match old.source {
            BookSource::Snapshot => Against::Snapshot,
            BookSource::Cache | BookSource::Live => Against::Before,
        };
        let (at, since) = (at(now_ms), at(old.fetched_at_ms));
        Entry { at, since, against, change: Happened::Began, model: String::new(), moves: Vec::new() }
    }
}

impl From<Move> for Moved {
    fn from(one: Move) -> Moved {
        Moved { endpoint: one.endpoint, key: one.key, when: one.when, old: one.old, new: one.new }
    }
}

/// `2026-11-24T18:00:00Z`.
mod instant {
    use jiff::Timestamp;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(at)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        String::deserialize(from)?.parse().map_err(Error::custom)
    }
}

/// The history of the prices kept in a folder, the oldest first; empty when there is none. Lines that cannot be read
/// are passed over.
pub fn history(cache_dir: &Path) -> Vec<Entry> {
    let Ok(text) = fs::read(file_in(cache_dir)) else { return Vec::new() };
    text.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

pub(super) fn file_in(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// Adds lines; `began` first, where there is no history yet.
pub(super) fn append(file: &Path, began: &Entry, entries: &[Entry]) -> io::Result<()> {
    let length = fs::metadata(file).map(|found| found.len()).unwrap_or(0);
    if entries.is_empty() && length > 0 {
        return Ok(());
    }
    let mut lines = Vec::new();
    if length > 0 && !ends_a_line(file)? {
        lines.push(b'\n');
    }
    for entry in (length == 0).then_some(began).into_iter().chain(entries) {
        serde_json::to_writer(&mut lines, entry)?;
        lines.push(b'\n');
    }
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir)?;
    }
    OpenOptions::new().create(true).append(true).open(file)?.write_all(&lines)?;
    if length + lines.len() as u64 > BYTES_MAX {
        cut(file)?;
    }
    Ok(())
}

fn ends_a_line(file: &Path) -> io::Result<bool> {
    let mut file = fs::File::open(file)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Keeps the newer half, with a first line that says so; the old file or the new one is found, never a part.
fn cut(file: &Path) -> io::Result<()> {
    let text = fs::read(file)?;
    let middle = text.len() / 2;
    let from = memchr::memchr(b'\n', &text[middle..]).map_or(text.len(), |at| middle + at + 1);
    let kept = &text[from..];
    let oldest =
        kept.split(|&byte| byte == b'\n').find_map(|line| serde_json::from_slice::<Entry>(line).ok());
    let mut lines = Vec::with_capacity(kept.len() + 200);
    if let Some(oldest) = oldest {
        let began = Entry { change: Happened::Began, model: String::new(), moves: Vec::new(), ..oldest };
        serde_json::to_writer(&mut lines, &began)?;
        lines.push(b'\n');
    }
    lines.extend_from_slice(kept);
    let beside = file.with_extension(format!("{}.tmp", std::process::id()));
    let written = fs::write(&beside, &lines).and_then(|()| fs::rename(&beside, file));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(model: &str) -> Entry {
        let at = Timestamp::from_second(1_790_000_000).unwrap();
        let moved = Moved {
            endpoint: None,
            key: "prompt".to_owned(),
            when: None,
            old: Some("0.000001".to_owned()),
            new: Some("0.000002".to_owned()),
        };
        Entry {
            at,
            since: at,
            against: Against::Before,
            change: Happened::Changed,
            model: model.to_owned(),
            moves: vec![moved],
        }
    }

    fn began() -> Entry {
        Entry { change: Happened::Began, model: String::new(), moves: Vec::new(), ..entry("") }
    }

    #[test]
    fn lines_are_read_as_written_and_a_torn_one_costs_itself_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = file_in(dir.path());
        assert!(history(dir.path()).is_empty());
        append(&file, &began(), &[]).unwrap();
        append(&file, &began(), &[]).unwrap();
        assert_eq!(history(dir.path()), [began()], "it begins once");
        append(&file, &began(), &[entry("a/one"), entry("a/two")]).unwrap();
        let mut torn = fs::read(&file).unwrap();
        torn.extend_from_slice(b"{\"at\":\"2026-1");
        fs::write(&file, &torn).unwrap();
        append(&file, &began(), &[entry("a/three")]).unwrap();
        let read: Vec<_> = history(dir.path()).into_iter().map(|entry| entry.model).collect();
        assert_eq!(read, ["", "a/one", "a/two", "a/three"]);
    }

    #[test]
    fn it_is_cut_before_it_grows_without_end() {
        let dir = tempfile::tempdir().unwrap();
        let file = file_in(dir.path());
        let many: Vec<Entry> = (0..4_000).map(|n| entry(&format!("a/{n}"))).collect();
        let mut written = 0;
        while written < 3 * BYTES_MAX {
            append(&file, &began(), &many).unwrap();
            written += 4_000 * 150;
            assert!(fs::metadata(&file).unwrap().len() <= BYTES_MAX);
        }
        let read = history(dir.path());
        assert_eq!(read[0], began(), "it says that it begins here");
        assert_eq!(read.last().map(|entry| entry.model.as_str()), Some("a/3999"), "the newest is kept");
        assert!(read.iter().skip(1).all(|entry| entry.change == Happened::Changed));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside the file");
    }
}
