//! `farebox models`: what there is, what it costs, and what farebox makes of it.

pub(crate) mod cheapest;
pub(crate) mod compare;
mod cost;
mod filter;
pub(crate) mod history;
pub(crate) mod list;
mod moved;
pub(crate) mod refresh;
mod row;
pub(crate) mod show;
mod sums;
pub(crate) mod watch;
