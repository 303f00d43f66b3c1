//! Texts that are hard on tokenizers, and on bounds.

use corpus::hard::{ATOMS, RUNS, SCRIPTS};
use proptest::prelude::*;

/// One hard text.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let script = (0..SCRIPTS.len(), prop::collection::vec(any::<u32>(), 0..120)).prop_map(|(at, numbers)| {
        let (from, to) = SCRIPTS[at];
        numbers
            .iter()
            .filter_map(|number| char::from_u32(from + number % (to - from + 1)))
            .collect::<String>()
    });
    let atoms =
        prop::collection::vec(prop::sample::select(&ATOMS[..]), 0..60).prop_map(|atoms| atoms.concat());
    let run = (prop::sample::select(&RUNS[..]), 1..2_000_usize).prop_map(|(of, times)| of.repeat(times));
    prop_oneof![
        any::<String>(),
        script,
        atoms,
        run,
        "[A-Za-z0-9+/]{0,600}",
        "[0-9a-f]{0,300}",
        "([a-z]{1,9}[ .,\n]{1,2}){0,80}",
        "[ \t\n{}()\\[\\];:=<>\"'/*]{0,200}",
    ]
}

/// Hard texts, joined until they are long.
pub(crate) fn long_text() -> impl Strategy<Value = String> {
    (prop::collection::vec(text(), 1..6), 1..60_usize).prop_map(|(texts, times)| {
        let mut long = texts.concat().repeat(times);
        long.truncate(long.floor_char_boundary(40_000));
        long
    })
}
