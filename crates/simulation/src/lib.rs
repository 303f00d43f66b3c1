//! A seeded world on one thread that tries to break the ledger, and an auditor who would notice.

pub mod machine;
