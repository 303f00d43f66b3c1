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

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use bytes::Bytes;
use parking_lot::Mutex;
use pricing::{Book, BookSource, Change, Endpoint, Kind, Model, changes};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

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
    zdr: Option<String>,
    /// What endpoints said that are no longer in the book: for telling what changed when they are read anew.
    former: BTreeMap<String, Vec<Endpoint>>,
    /// Changes that are not yet in the history on disk, and what the first of them is a change to.
    unwritten: Vec<Entry>,
    began: Option<Entry>,
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
            zdr: None,
        };
        let cache = cache_dir.map(cache::file_in);
        let cached =
            cache.as_deref().and_then(cache::load).filter(|saved| saved.fetched_at_ms > SNAPSHOT_AT_MS);
        let built = |saved: cache::Saved, source| {
            let rows = read_models(&saved.models).filter(|rows| !rows.rows.is_empty())?;
            let rows = with_endpoints(rows.rows, &saved.endpoints);
            let book = Book::new(1, saved.fetched_at_ms, source, rows);
            let cache::Saved { models, endpoints, zdr, .. } = saved;
            Some((book, Texts { models, endpoints, zdr, ..Texts::default() }))
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
        let used: Vec<String> = self.uses.lock().used.iter().cloned().collect();
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
        self.use_model(&id);
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
            let now_ms = now_ms();
            texts.began.get_or_insert_with(|| Entry::began(old, now_ms));
            texts.unwritten.extend(found.map(|change| Entry::of(change, old, now_ms)));
        }
    }

    async fn save(&self) {
        let Some(file) = self.cache.clone() else { return };
        let (saved, began, entries) = {
            let mut texts = self.texts.lock();
            let entries = std::mem::take(&mut texts.unwritten);
            let (models, endpoints, zdr) = (texts.models.clone(), texts.endpoints.clone(), texts.zdr.clone());
            let fetched_at_ms = self.book.load().fetched_at_ms;
            (cache::Saved { fetched_at_ms, models, endpoints, zdr }, texts.began.clone(), entries)
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

impl Texts {
    /// New rows with the endpoints that are known of them. Endpoints outlive a refresh only while the row they belong
    /// to says the same: the rest are old news.
    fn keep_endpoints(&mut self, mut rows: Vec<Model>, old: &Book) -> Vec<Model> {
        let mut kept = BTreeMap::new();
        for row in &mut rows {
            let Some(former) = old.row(&row.id).filter(|former| former.id == row.id) else { continue };
            let Some(endpoints) = &former.endpoints else { continue };
            match self.endpoints.remove_entry(&row.id) {
                Some((id, text)) if former.prices == row.prices => {
                    kept.insert(id, text);
                    row.endpoints = Some(endpoints.clone());
                }
                _ => {
                    self.former.insert(row.id.clone(), endpoints.clone());
                }
            }
        }
        self.endpoints = kept;
        rows
    }

    /// What one model's endpoints say that they did not say before.
    fn endpoints_changed(&mut self, id: &str, old: &Book, new: &Book) -> Option<Change> {
        let (before, now) = (old.row(id)?, new.row(id)?);
        let endpoints = before.endpoints.clone().or_else(|| self.former.remove(id));
        let alone = |row: Model| Book::new(1, 0, BookSource::Live, vec![row]);
        let before = Model { endpoints, ..before.clone() };
        changes(&alone(before), &alone(now.clone())).pop().filter(|change| change.kind == Kind::Changed)
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
