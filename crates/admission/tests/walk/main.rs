//! Admission on a real store in a temporary folder.

mod support;

mod changes;
mod clock;
mod corrections;
mod invariants;
mod order;
mod restarts;
mod windows;
