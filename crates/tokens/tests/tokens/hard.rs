//! Texts that are hard on tokenizers, and on bounds.

use proptest::prelude::*;

/// Characters of one script or kind each.
const SCRIPTS: [(u32, u32); 34] = [
    (0x00, 0x1f),
    (0x20, 0x7e),
    (0x7f, 0xff),
    (0x100, 0x24f),
    (0x250, 0x2ff),
    (0x300, 0x36f),
    (0x370, 0x3ff),
    (0x400, 0x52f),
    (0x530, 0x5ff),
    (0x600, 0x6ff),
    (0x700, 0x8ff),
    (0x900, 0xdff),
    (0xe00, 0xfff),
    (0x1000, 0x13ff),
    (0x1400, 0x18ff),
    (0x1900, 0x1cff),
    (0x1d00, 0x1eff),
    (0x1f00, 0x1fff),
    (0x2000, 0x206f),
    (0x2070, 0x2bff),
    (0x2c00, 0x2fff),
    (0x3000, 0x30ff),
    (0x3100, 0x33ff),
    (0x3400, 0x4dbf),
    (0x4e00, 0x9fff),
    (0xa000, 0xabff),
    (0xac00, 0xd7a3),
    (0xe000, 0xf8ff),
    (0xf900, 0xfdff),
    (0xfe00, 0xffff),
    (0x10000, 0x1bfff),
    (0x1d000, 0x1efff),
    (0x1f000, 0x1faff),
    (0x20000, 0x10ffff),
];

/// Things that are worse together than alone.
const ATOMS: [&str; 30] = [
    "👩‍👩‍👧‍👦",
    "🏳️‍🌈",
    "👍🏽",
    "🇩🇪",
    "\u{fdfa}",
    "\u{3316}",
    "e\u{301}",
    "\u{1d160}",
    "각",
    "\u{1100}\u{1161}\u{11a8}",
    "\u{958}",
    "\u{200d}",
    "\u{feff}",
    "\u{202e}",
    "\r\n",
    "\t\u{3000} ",
    "  ",
    "\n\n\n",
    "'s",
    "'LL",
    "don't",
    "/\n/",
    ".\n/",
    "<|im_end|>",
    "<｜User｜>",
    "[INST]",
    "{\"a\":\"\\\"b\\\"\"}",
    "fn x(&self)->Vec<u8>{",
    "0123456789",
    "ＡＢＣ",
];

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
    let run = (
        prop::sample::select(&["a", " ", "\n", "A", "!", "字", "é", "👩", "ab", "-", "0", "\u{300}"][..]),
        1..2_000_usize,
    )
        .prop_map(|(of, times)| of.repeat(times));
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
