//! What must hold for any bytes that a stranger can send or leave on a disk. Tests only.
//!
//! Each module is one target: a `run` that takes bytes, gives them to the code under test, and panics where it breaks a
//! promise. `fuzz/` makes a cargo-fuzz target of each; `tests/replay.rs` runs them over `fuzz/corpus` and over mutations
//! of it, with a stable compiler (docs/decisions/fuzzing.md).
//!
//! ```text
//! shape    a request body:       read, bounded, and spliced without touching what is the caller's
//! sse      a streamed answer:    the same wherever it is cut
//! answer   any other answer:     costs, errors, keys and catalogues; decimal text against decimal text
//! config   a configuration file: read, or told what is wrong; the same when it is written again
//! journal  a journal segment:    read back, or refused; never another history than the one that was written
//! ```

pub mod answer;
pub mod config;
pub mod journal;
pub mod members;
pub mod shape;
pub mod shelf;
pub mod sse;

/// What a target does with some bytes.
pub type Run = fn(&[u8]);

/// The targets, by name.
pub const TARGETS: [(&str, Run); 5] = [
    ("answer", answer::run),
    ("config", config::run),
    ("journal", journal::run),
    ("shape", shape::run),
    ("sse", sse::run),
];
