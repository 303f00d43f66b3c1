//! `farebox budgets`

pub(crate) mod list;
mod table;
