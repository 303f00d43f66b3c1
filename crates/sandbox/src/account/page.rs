//! [`Page`]: a part of a list, and how long all of it is (CONTRACT 6.1).

use serde::Serialize;

use crate::error::Failure;
use crate::query::Query;

/// Rows from `offset` on, `limit` of them at the most.
#[derive(Debug, Serialize)]
pub(crate) struct Page<T> {
    data: Vec<T>,
    total_count: usize,
}

impl<T> Page<T> {
    pub(crate) fn of(rows: impl Iterator<Item = T>, query: &Query) -> Result<Page<T>, Failure> {
        let (offset, limit) = query.page()?;
        let mut rows: Vec<T> = rows.collect();
        let total_count = rows.len();
        rows.drain(..offset.min(total_count));
        rows.truncate(limit);
        Ok(Page { data: rows, total_count })
    }
}
