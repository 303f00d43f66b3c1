//! Farebox in the program itself: a configuration, the books it names, and calls under its budgets.

pub mod config;
mod words;

pub use config::{Config, ConfigError};
pub use words::chain;
