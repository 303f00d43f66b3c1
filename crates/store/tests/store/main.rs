//! The store from outside: what was acknowledged is there again, whatever happened in between.

#![expect(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod books;
mod clock;
mod concurrency;
mod damage;
mod disk;
mod faults;
mod folder;
mod kill;
mod migrations;
mod model;
mod retention;
mod scale;
mod stepped;
mod story;
mod upkeep;
