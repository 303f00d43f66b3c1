//! `farebox routes`

pub(crate) mod list;
mod table;
