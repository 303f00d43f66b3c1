//! Bounds against real tokenizers, on hard texts.

mod anew;
mod bodies;
mod hard;
mod texts;
