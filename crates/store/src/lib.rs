//! The ledger made durable: journal file, recovery, books.
