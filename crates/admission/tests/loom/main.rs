//! The money and those who wait for it in every interleaving of their threads, under loom. Run it with
//! `cargo test -p admission --features loom --test loom`.

// One disk and one way to explore for both crates.
#[expect(dead_code, reason = "syncs are the store's matter")]
#[path = "../../../store/tests/loom/disk.rs"]
mod disk;
#[path = "../../../store/tests/loom/explore.rs"]
mod explore;
mod world;

mod clock;
mod corrections;
mod money;
mod quiet;
mod unknown;
mod waiting;
