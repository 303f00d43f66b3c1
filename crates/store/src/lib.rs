//! The ledger made durable: journal file, recovery, books.
mod decision;
mod error;
mod options;
mod record;
mod recovered;
mod store;
pub use decision::DecisionRow;
pub use error::{Fault, JournalError, OpenError};
pub use options::{Durability, Options};
pub use record::{Position, Record};
pub use recovered::{BalanceRow, OpenHold, Recovered};
pub use store::{Durable, Store, last_decisions, live_address, read};
