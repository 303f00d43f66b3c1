//! Each target over its corpus, and over a few thousand seeded mutations of it.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fastrand::Rng;
use fuzzing::Run;

/// Mutations of one corpus; fewer on a machine that is slow.
const MUTATIONS_MAX: usize = 2_000;
const TIME_MAX: Duration = Duration::from_secs(2);
/// Bytes of a mutation, at most.
const BYTES_MAX: usize = 32 << 10;
/// What JSON, TOML, streams and amounts are made of.
const WORDS: [&str; 30] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\\u0061",
    "\\ud800",
    "\n",
    "\r\n",
    "\r",
    " ",
    "null",
    "true",
    "0",
    "-1",
    "1e3",
    "0.000001",
    "99999999999999999999",
    "\"max_tokens\":1,",
    "\"provider\":{},",
    "\"usage\":{\"cost\":1},",
    "data: ",
    ": ",
    "=",
    "é",
    "\u{1F4B8}",
    "\0",
];

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus")).join(target);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.display().to_string(), fs::read(&path).expect("a file"))).collect()
}

/// Runs a target; tells what it ran on when it panics.
fn watch(name: &str, run: Run, what: &str, data: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(data))) {
        eprintln!("{name}: {what}: b\"{}\"", data.escape_ascii());
        resume_unwind(panic);
    }
}

fn mutated(corpus: &[(String, Vec<u8>)], random: &mut Rng) -> Vec<u8> {
    let pick = |random: &mut Rng| &corpus[random.usize(..corpus.len())].1;
    let mut data = pick(random).clone();
    for _ in 0..random.usize(1..5) {
        let at = random.usize(..=data.len());
        let to = (at + random.usize(..16)).min(data.len());
        match random.u8(..7) {
            0 if at < data.len() => data[at] ^= 1 << random.u8(..8),
            1 if at < data.len() => data[at] = random.u8(..),
            2 => drop(data.drain(at..to)),
            3 => {
                let again = data[at..to].to_vec();
                data.splice(to..to, again);
            }
            4 => {
                let other = pick(random);
                let from = random.usize(..=other.len());
                let until = (from + random.usize(..200)).min(other.len());
                data.splice(at..at, other[from..until].iter().copied());
            }
            5 if random.u8(..4) == 0 => data.truncate(at),
            _ => {
                let word = WORDS[random.usize(..WORDS.len())];
                data.splice(at..at, word.bytes());
            }
        }
    }
    data.truncate(BYTES_MAX);
    data
}

fn replay(name: &str) {
    let (_, run) = *fuzzing::TARGETS.iter().find(|(known, _)| *known == name).expect("a target");
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "nothing to replay");
    for (path, data) in &corpus {
        watch(name, run, path, data);
    }
    let (mut random, start) = (Rng::with_seed(5), Instant::now());
    for number in 0..MUTATIONS_MAX {
        if start.elapsed() > TIME_MAX {
            break;
        }
        let data = mutated(&corpus, &mut random);
        watch(name, run, &format!("mutation {number}"), &data);
    }
}

#[test]
fn answer() {
    replay("answer");
}

#[test]
fn config() {
    replay("config");
}

#[test]
fn journal() {
    replay("journal");
}

#[test]
fn shape() {
    replay("shape");
}

#[test]
fn sse() {
    replay("sse");
}
