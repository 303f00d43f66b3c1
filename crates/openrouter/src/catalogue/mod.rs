//! The catalogue: OpenRouter's rows as a price [`Book`], kept fresh.
//!
//! In order of age: the snapshot built into the binary (2026-10-02), the copy on disk, OpenRouter itself. Requests
//! read the current book through one atomic pointer and never wait for any of it.
//!
//! Fails open on reading: a refresh that fails, a cache that cannot be read or written, a row that makes no sense
//! leave the book as it was (or without that row) and a warning in the log; its age is in
//! [`Book::fetched_at_ms`] for others to judge. Fails closed on meaning: a price that cannot be read makes its
//! row unpriceable, never cheap.
//!
//! Endpoints are read per model, for the models that are used ([`Catalogue::want_endpoints`]); until then a bound
//! rests on the model row and is *published*.
//!
//! Each renewal that finds rows changed adds to the [`history`] beside the cache. Long texts are read on threads that
//! serve no request.

mod cache;
mod history;
mod object;
mod price;
mod rows;
mod texts;
mod uses;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use bytes::Bytes;
use parking_lot::Mutex;
use pricing::{Book, BookSource, Change, changes};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use self::texts::Texts;
use self::uses::Uses;
use crate::client::{AskError, Upstream};
pub use history::{Against, Entry, Happened, Moved, history};
pub use rows::{Rows, read_endpoints, read_models};

/// The embedded rows, as OpenRouter listed them on [`SNAPSHOT_DATE`].
const SNAPSHOT_MODELS: &str = include_str!("../../data/models.json");
const SNAPSHOT_ENDPOINTS: &str = include_str!("../../data/endpoints.json");
/// The day of the embedded rows.
pub const SNAPSHOT_DATE: &str = "2026-10-02";
/// [`SNAPSHOT_DATE`] in milliseconds since 1970.
const SNAPSHOT_AT_MS: i64 = 1_790_899_200_000;

/// The wait after a refresh that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// The current price book, and how to renew it.
#[derive(Debug)]
pub struct Catalogue {
    book: ArcSwap<Book>,
    texts: Mutex<Texts>,
    uses: Mutex<Uses>,
    wanted: Notify,
    cache: Option<PathBuf>,
}

impl Catalogue {
    /// The embedded snapshot, or the copy in `cache_dir` when there is a newer one. Never fails: a cache that
    /// cannot be read is passed over.
    pub fn open(cache_dir: Option<&Path>) -> Catalogue {
        let snapshot = || cache::Saved {
            fetched_at_ms: SNAPSHOT_AT_MS,
            models: SNAPSHOT_MODELS.to_owned(),
            endpoints: rows::split_endpoints(SNAPSHOT_ENDPOINTS),
            zdr: None,
        };
        let cache = cache_dir.map(cache::file_in);
        let cached =
            cache.as_deref().and_then(cache::load).filter(|saved| saved.fetched_at_ms > SNAPSHOT_AT_MS);
        let (book, texts) = cached
            .and_then(|saved| Texts::open(saved, BookSource::Cache))
            .or_else(|| Texts::open(snapshot(), BookSource::Snapshot))
            .unwrap_or_else(|| {
                (Book::new(1, SNAPSHOT_AT_MS, BookSource::Snapshot, Vec::new()), Texts::default())
            });
        Catalogue {
            book: ArcSwap::from_pointee(book),
            texts: Mutex::new(texts),
            uses: Mutex::new(Uses::default()),
            wanted: Notify::new(),
            cache,
        }
    }

    /// [`Catalogue::open`] for somebody who looks into another's cache: nothing is ever written.
    pub fn look(cache_dir: &Path) -> Catalogue {
        Catalogue { cache: None, ..Catalogue::open(Some(cache_dir)) }
    }

    /// The current book.
    pub fn book(&self) -> Arc<Book> {
        self.book.load_full()
    }

    /// The models with endpoints that retain nothing, with the tags of those; `None` while nobody has asked
    /// ([`Catalogue::refresh_zdr`]).
    pub fn zdr(&self) -> Option<BTreeMap<String, Vec<String>>> {
        self.texts.lock().zdr.as_deref().and_then(rows::read_zdr)
    }

    /// Reads `/models` anew, and the endpoints of every model that has been asked for.
    ///
    /// # Errors
    /// When `/models` gave no usable answer; the book is then as it was. Endpoints that cannot be read are kept
    /// as they were.
    pub async fn refresh(&self, upstream: &Upstream) -> Result<(), AskError> {
        self.renew(upstream).await.map(|_| ())
    }

    /// [`Catalogue::refresh`], and what has changed by it.
    ///
    /// # Errors
    /// As there.
    pub async fn renew(&self, upstream: &Upstream) -> Result<Vec<Change>, AskError> {
        let mut found = self.take_models(upstream.models().await?).await?;
        let used = self.uses.lock().all();
        for model in used {
            found.extend(self.refresh_logged(upstream, &model).await);
        }
        self.save().await;
        Ok(found)
    }

    /// Reads the endpoints of one model anew, by the name a request gives it; `/models` first when the book does
    /// not have it.
    ///
    /// # Errors
    /// When there was no usable answer; the book is then as it was.
    pub async fn refresh_model(&self, upstream: &Upstream, model: &str) -> Result<(), AskError> {
        self.renew_model(upstream, model).await.map(|_| ())
    }

    /// [`Catalogue::refresh_model`], and what has changed by it.
    ///
    /// # Errors
    /// As there.
    pub async fn renew_model(&self, upstream: &Upstream, model: &str) -> Result<Vec<Change>, AskError> {
        let known = |book: &Book| book.model(model).map(|row| row.id.clone());
        let mut found = Vec::new();
        let mut id = known(&self.book());
        if id.is_none() {
            found = self.take_models(upstream.models().await?).await?;
            id = known(&self.book());
        }
        let Some(id) = id else { return Err(AskError::Status(404)) };
        self.uses.lock().add(&id);
        found.extend(self.fetch_endpoints(upstream, &id).await?);
        self.save().await;
        Ok(found)
    }

    /// Reads anew which endpoints retain nothing.
    ///
    /// # Errors
    /// When there was no usable answer; what was known is then kept.
    pub async fn refresh_zdr(&self, upstream: &Upstream) -> Result<(), AskError> {
        let body = upstream.zdr_endpoints().await?;
        let text = text_of(&body, "endpoints are not UTF-8")?;
        rows::read_zdr(text).ok_or_else(|| unreadable("not a list of endpoints"))?;
        self.texts.lock().zdr = Some(text.to_owned());
        self.save().await;
        Ok(())
    }

    /// Notes that a model is in use, so that its endpoints are read soon. Does not wait; drops the note when too
    /// many are waiting.
    pub fn want_endpoints(&self, model: &str) {
        let book = self.book.load();
        let Some(row) = book.model(model) else { return };
        if row.is_free() || row.is_router() {
            return;
        }
        let is_news = self.uses.lock().want(&row.id);
        if is_news {
            self.wanted.notify_one();
        }
    }

    /// Keeps the book fresh for as long as it is polled: the whole at once and then every `every`, wanted
    /// endpoints as they come.
    pub async fn keep_fresh(self: Arc<Self>, upstream: Upstream, every: Duration) {
        let mut next = Instant::now();
        loop {
            tokio::select! {
                () = sleep_until(next) => {
                    let wait = match self.refresh(&upstream).await {
                        Ok(()) => every,
                        Err(error) => {
                            tracing::warn!(%error, "the price book could not be refreshed");
                            every.min(AFTER_FAILURE)
                        }
                    };
                    next = Instant::now() + wait;
                }
                () = self.wanted.notified() => {
                    let wanted = self.uses.lock().take_wanted();
                    for model in &wanted {
                        self.refresh_logged(&upstream, model).await;
                    }
                    if !wanted.is_empty() {
                        self.save().await;
                    }
                }
            }
        }
    }

    async fn refresh_logged(&self, upstream: &Upstream, model: &str) -> Option<Change> {
        self.fetch_endpoints(upstream, model)
            .await
            .inspect_err(|error| {
                tracing::warn!(%error, model, "the endpoints of a model could not be refreshed");
            })
            .ok()
            .flatten()
    }

    async fn fetch_endpoints(&self, upstream: &Upstream, id: &str) -> Result<Option<Change>, AskError> {
        let body = upstream.endpoints(id).await?;
        let text = text_of(&body, "endpoints are not UTF-8")?;
        let read = read_endpoints(text).ok_or_else(|| unreadable("not a list of endpoints"))?;
        warn_skipped(read.skipped, "endpoints");
        let mut texts = self.texts.lock();
        texts.endpoints.insert(id.to_owned(), text.to_owned());
        let old = self.book.load_full();
        let new = old.with_endpoints(id, read.rows);
        let changed = texts.endpoints_changed(id, &old, &new);
        self.note(&mut texts, changed.iter().cloned(), &old);
        self.book.store(Arc::new(new));
        Ok(changed)
    }

    async fn take_models(&self, body: Bytes) -> Result<Vec<Change>, AskError> {
        let read = tokio::task::spawn_blocking(move || {
            let text = text_of(&body, "models are not UTF-8")?;
            let read = read_models(text)
                .filter(|read| !read.rows.is_empty())
                .ok_or_else(|| unreadable("not a list of models"))?;
            Ok::<_, AskError>((read, text.to_owned()))
        });
        let (read, text) = read.await.map_err(|_| unreadable("reading the models failed"))??;
        warn_skipped(read.skipped, "models");
        let mut texts = self.texts.lock();
        let old = self.book.load_full();
        let rows = texts.keep_endpoints(read.rows, &old);
        texts.models = text;
        let new = Book::new(old.version + 1, now_ms(), BookSource::Live, rows);
        let found = changes(&old, &new);
        self.note(&mut texts, found.iter().cloned(), &old);
        self.book.store(Arc::new(new));
        Ok(found)
    }

    /// Keeps changes for the history, where there is one.
    fn note(&self, texts: &mut Texts, found: impl Iterator<Item = Change>, old: &Book) {
        if self.cache.is_some() {
            texts.note(found, old, now_ms());
        }
    }

    async fn save(&self) {
        let Some(file) = self.cache.clone() else { return };
        let (saved, began, entries) = {
            let mut texts = self.texts.lock();
            texts.save(self.book.load().fetched_at_ms)
        };
        let written = tokio::task::spawn_blocking(move || {
            let beside = file.parent().map(history::file_in);
            if let (Some(history), Some(began)) = (beside, began)
                && let Err(error) = history::append(&history, &began, &entries)
            {
                tracing::warn!(%error, "the history of prices could not be written to disk");
            }
            cache::store(&file, &saved)
        });
        if let Ok(Err(error)) = written.await {
            tracing::warn!(%error, "the price book could not be written to disk");
        }
    }
}

/// Where the prices of an upstream are kept in a folder: each has its own, for a sandbox's are not OpenRouter's.
pub fn cache_in(folder: &Path, upstream: &str) -> PathBuf {
    let host = upstream.split_once("://").map_or(upstream, |(_, rest)| rest);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
    folder.join("cache").join(host.chars().map(plain).collect::<String>())
}

fn text_of<'b>(body: &'b [u8], otherwise: &str) -> Result<&'b str, AskError> {
    std::str::from_utf8(body).map_err(|_| unreadable(otherwise))
}

fn unreadable(what: &str) -> AskError {
    AskError::Unreadable(what.to_owned())
}

fn warn_skipped(skipped: usize, what: &str) {
    if skipped > 0 {
        tracing::warn!(skipped, what, "rows of the catalogue could not be read");
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
