//! Bounds against real tokenizers, on hard texts.

mod bodies;
mod hard;
mod texts;
