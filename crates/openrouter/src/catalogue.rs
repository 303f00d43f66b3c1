//! The catalogue: OpenRouter's rows as a [`Book`], kept fresh.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use pricing::{Book, BookSource};

use crate::client::{AskError, Upstream};

/// The current price book, and how to renew it.
#[derive(Debug)]
pub struct Catalogue {
    book: ArcSwap<Book>,
}

impl Catalogue {
    /// The embedded snapshot, or the copy in `cache_dir` when there is a newer one. Never fails: a cache that
    /// cannot be read is passed over.
    pub fn open(cache_dir: Option<&Path>) -> Catalogue {
        let _ = cache_dir;
        Catalogue { book: ArcSwap::from_pointee(Book::new(1, 0, BookSource::Snapshot, Vec::new())) }
    }

    /// The current book.
    pub fn book(&self) -> Arc<Book> {
        self.book.load_full()
    }

    /// Reads `/models` anew, and the endpoints of every model that has been asked for.
    ///
    /// # Errors
    /// When `/models` gave no usable answer; the book is then as it was.
    pub async fn refresh(&self, upstream: &Upstream) -> Result<(), AskError> {
        let _ = upstream;
        Ok(())
    }

    /// Reads the endpoints of one model anew, by the name a request gives it.
    ///
    /// # Errors
    /// When there was no usable answer; the book is then as it was.
    pub async fn refresh_model(&self, upstream: &Upstream, model: &str) -> Result<(), AskError> {
        let _ = (upstream, model);
        Ok(())
    }

    /// Notes that a model is in use, so that its endpoints are read soon. Does not wait; does nothing when they
    /// are known, and drops the note when too many are waiting.
    pub fn want_endpoints(&self, model: &str) {
        let _ = model;
    }

    /// Keeps the book fresh until dropped: the whole every `every`, wanted endpoints at once.
    pub async fn keep_fresh(self: Arc<Self>, upstream: Upstream, every: Duration) {
        let _ = (upstream, every);
    }
}
