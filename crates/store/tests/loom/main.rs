//! The journal, its syncer and its shipper in every interleaving of their threads, under loom. Run it with
//! `cargo test -p store --features loom --test loom`.

mod disk;
mod explore;
mod witness;
mod world;

mod appending;
mod shipping;
mod syncing;
