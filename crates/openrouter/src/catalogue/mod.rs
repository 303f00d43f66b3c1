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

mod cache;
mod rows;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use pricing::{Book, BookSource, Model};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::client::{AskError, Upstream};
pub use rows::{Rows, read_endpoints, read_models};

/// The embedded rows, as OpenRouter listed them on [`SNAPSHOT_DATE`].
const SNAPSHOT_MODELS: &str = include_str!("../../data/models.json");
const SNAPSHOT_ENDPOINTS: &str = include_str!("../../data/endpoints.json");
/// The day of the embedded rows.
pub const SNAPSHOT_DATE: &str = "2026-10-02";
/// [`SNAPSHOT_DATE`] in milliseconds since 1970.
const SNAPSHOT_AT_MS: i64 = 1_790_899_200_000;

/// Models whose endpoints are kept fresh.
const USED_MAX: usize = 512;
/// Models waiting for their endpoints.
const WANTED_MAX: usize = 64;
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

/// What the book was made from. Locked while a new one is made and put in place, never over a wait.
#[derive(Debug, Default)]
struct Texts {
    models: String,
    endpoints: BTreeMap<String, String>,
}

/// Who uses it. Requests lock this, for a look-up.
#[derive(Debug, Default)]
struct Uses {
    used: HashSet<String>,
    wanted: Vec<String>,
}

impl Catalogue {
    /// The embedded snapshot, or the copy in `cache_dir` when there is a newer one. Never fails: a cache that
    /// cannot be read is passed over.
    pub fn open(cache_dir: Option<&Path>) -> Catalogue {
        let snapshot = || cache::Saved {
            fetched_at_ms: SNAPSHOT_AT_MS,
            models: SNAPSHOT_MODELS.to_owned(),
            endpoints: rows::split_endpoints(SNAPSHOT_ENDPOINTS),
        };
        let cache = cache_dir.map(cache::file_in);
        let cached =
            cache.as_deref().and_then(cache::load).filter(|saved| saved.fetched_at_ms > SNAPSHOT_AT_MS);
        let built = |saved: cache::Saved, source| {
            let rows = read_models(&saved.models).filter(|rows| !rows.rows.is_empty())?;
            let rows = with_endpoints(rows.rows, &saved.endpoints);
            let book = Book::new(1, saved.fetched_at_ms, source, rows);
            Some((book, Texts { models: saved.models, endpoints: saved.endpoints }))
        };
        let (book, texts) = cached
            .and_then(|saved| built(saved, BookSource::Cache))
            .or_else(|| built(snapshot(), BookSource::Snapshot))
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

    /// Reads `/models` anew, and the endpoints of every model that has been asked for.
    ///
    /// # Errors
    /// When `/models` gave no usable answer; the book is then as it was. Endpoints that cannot be read are kept
    /// as they were.
    pub async fn refresh(&self, upstream: &Upstream) -> Result<(), AskError> {
        let body = upstream.models().await?;
        self.take_models(&body)?;
        let used: Vec<String> = self.uses.lock().used.iter().cloned().collect();
        for model in used {
            self.refresh_logged(upstream, &model).await;
        }
        self.save().await;
        Ok(())
    }

    /// Reads the endpoints of one model anew, by the name a request gives it; `/models` first when the book does
    /// not have it.
    ///
    /// # Errors
    /// When there was no usable answer; the book is then as it was.
    pub async fn refresh_model(&self, upstream: &Upstream, model: &str) -> Result<(), AskError> {
        let known = |book: &Book| book.model(model).map(|row| row.id.clone());
        let mut id = known(&self.book());
        if id.is_none() {
            self.take_models(&upstream.models().await?)?;
            id = known(&self.book());
        }
        let Some(id) = id else { return Err(AskError::Status(404)) };
        self.use_model(&id);
        self.fetch_endpoints(upstream, &id).await?;
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
        let mut uses = self.uses.lock();
        if uses.used.contains(&row.id) || uses.used.len() >= USED_MAX || uses.wanted.len() >= WANTED_MAX {
            return;
        }
        uses.used.insert(row.id.clone());
        uses.wanted.push(row.id.clone());
        drop(uses);
        self.wanted.notify_one();
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
                    let wanted = std::mem::take(&mut self.uses.lock().wanted);
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

    fn use_model(&self, id: &str) {
        let mut uses = self.uses.lock();
        if uses.used.len() < USED_MAX {
            uses.used.insert(id.to_owned());
        }
    }

    async fn refresh_logged(&self, upstream: &Upstream, model: &str) {
        if let Err(error) = self.fetch_endpoints(upstream, model).await {
            tracing::warn!(%error, model, "the endpoints of a model could not be refreshed");
        }
    }

    async fn fetch_endpoints(&self, upstream: &Upstream, id: &str) -> Result<(), AskError> {
        let body = upstream.endpoints(id).await?;
        let text = std::str::from_utf8(&body).map_err(|_| unreadable("endpoints are not UTF-8"))?;
        let read = read_endpoints(text).ok_or_else(|| unreadable("not a list of endpoints"))?;
        warn_skipped(read.skipped, "endpoints");
        let mut texts = self.texts.lock();
        texts.endpoints.insert(id.to_owned(), text.to_owned());
        self.book.store(Arc::new(self.book.load().with_endpoints(id, read.rows)));
        Ok(())
    }

    fn take_models(&self, body: &[u8]) -> Result<(), AskError> {
        let text = std::str::from_utf8(body).map_err(|_| unreadable("models are not UTF-8"))?;
        let read = read_models(text)
            .filter(|read| !read.rows.is_empty())
            .ok_or_else(|| unreadable("not a list of models"))?;
        warn_skipped(read.skipped, "models");
        let mut texts = self.texts.lock();
        let old = self.book.load();
        // Endpoints outlive a refresh only while the row they belong to says the same: the rest are old news.
        texts.endpoints.retain(|id, _| {
            let new = read.rows.iter().find(|row| row.id == *id);
            new.is_some_and(|new| old.model(id).is_some_and(|row| row.prices == new.prices))
        });
        let rows = with_endpoints(read.rows, &texts.endpoints);
        texts.models = text.to_owned();
        self.book.store(Arc::new(Book::new(old.version + 1, now_ms(), BookSource::Live, rows)));
        Ok(())
    }

    async fn save(&self) {
        let Some(file) = self.cache.clone() else { return };
        let saved = {
            let texts = self.texts.lock();
            let (models, endpoints) = (texts.models.clone(), texts.endpoints.clone());
            cache::Saved { fetched_at_ms: self.book.load().fetched_at_ms, models, endpoints }
        };
        let written = tokio::task::spawn_blocking(move || cache::store(&file, &saved)).await;
        if let Ok(Err(error)) = written {
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

fn with_endpoints(mut rows: Vec<Model>, endpoints: &BTreeMap<String, String>) -> Vec<Model> {
    for row in &mut rows {
        row.endpoints = endpoints.get(&row.id).and_then(|text| read_endpoints(text)).map(|read| read.rows);
    }
    rows
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
