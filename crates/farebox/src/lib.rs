//! Farebox in the program itself.

mod books;
mod builder;
mod call;
mod completion;
pub mod config;
mod error;
mod events;
mod house;
mod refusal;
mod service;
mod words;

pub use admission::{BalanceReport, RefusalReason, UnknownHold};
pub use builder::Builder;
pub use call::Call;
pub use completion::Completion;
pub use config::{Config, ConfigError};
pub use error::{Error, OpenError};
pub use events::Events;
pub use gateway::{Body, ClientGone, Outcome, Receipt, Secret};
pub use house::Farebox;
pub use ledger::{Budget, Label, Window};
pub use money::Nano;
pub use refusal::Refusal;
pub use service::{FareboxLayer, FareboxService, Metered};
pub use store::Durability;
pub use words::chain;
