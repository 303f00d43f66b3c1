//! The library against a sandbox: the same money as through the gateway, and nothing lost when the program ends.

mod agreement;
mod calls;
mod ends;
mod support;
mod tower;
