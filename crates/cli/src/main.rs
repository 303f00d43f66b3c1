//! The binary `farebox`.

fn main() {}
