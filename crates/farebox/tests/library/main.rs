//! The library against a sandbox: the same money as through the gateway, and nothing lost when the program ends.

#![expect(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod agreement;
mod calls;
mod ends;
mod support;
mod tower;
