//! [`Texts`]: OpenRouter's own texts, from which the book is made and which are kept on disk.

use std::collections::BTreeMap;
use std::mem;

use pricing::{Book, BookSource, Change, Endpoint, Kind, Model, changes};

use super::cache::Saved;
use super::history::Entry;
use super::rows::{read_endpoints, read_models};

/// What the book was made from. Locked while a new one is made and put in place, never over a wait.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) models: String,
    pub(super) endpoints: BTreeMap<String, String>,
    pub(super) zdr: Option<String>,
    /// What endpoints said that are no longer in the book: for telling what changed when they are read anew.
    former: BTreeMap<String, Vec<Endpoint>>,
    /// Changes that are not yet in the history on disk, and what the first of them is a change to.
    unwritten: Vec<Entry>,
    began: Option<Entry>,
}

impl Texts {
    /// The book that was saved; `None` when its models cannot be read.
    pub(super) fn open(saved: Saved, source: BookSource) -> Option<(Book, Texts)> {
        let Saved { fetched_at_ms, models, endpoints, zdr } = saved;
        let mut rows = read_models(&models).filter(|read| !read.rows.is_empty())?.rows;
        for row in &mut rows {
            row.endpoints =
                endpoints.get(&row.id).and_then(|text| read_endpoints(text)).map(|read| read.rows);
        }
        let book = Book::new(1, fetched_at_ms, source, rows);
        Some((book, Texts { models, endpoints, zdr, ..Texts::default() }))
    }

    /// What goes to disk, and what to the history beside it: the changes since the last time, and what they began with.
    pub(super) fn save(&mut self, fetched_at_ms: i64) -> (Saved, Option<Entry>, Vec<Entry>) {
        let (models, endpoints, zdr) = (self.models.clone(), self.endpoints.clone(), self.zdr.clone());
        let saved = Saved { fetched_at_ms, models, endpoints, zdr };
        (saved, self.began.clone(), mem::take(&mut self.unwritten))
    }

    /// Keeps changes for the history.
    pub(super) fn note(&mut self, found: impl Iterator<Item = Change>, old: &Book, now_ms: i64) {
        self.began.get_or_insert_with(|| Entry::began(old, now_ms));
        self.unwritten.extend(found.map(|change| Entry::of(change, old, now_ms)));
    }

    /// New rows with the endpoints that are known of them. Endpoints outlive a refresh only while the row they belong
    /// to says the same: the rest are old news.
    pub(super) fn keep_endpoints(&mut self, mut rows: Vec<Model>, old: &Book) -> Vec<Model> {
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
    pub(super) fn endpoints_changed(&mut self, id: &str, old: &Book, new: &Book) -> Option<Change> {
        let (before, now) = (old.row(id)?, new.row(id)?);
        let endpoints = before.endpoints.clone().or_else(|| self.former.remove(id));
        let alone = |row: Model| Book::new(1, 0, BookSource::Live, vec![row]);
        let before = Model { endpoints, ..before.clone() };
        changes(&alone(before), &alone(now.clone())).pop().filter(|change| change.kind == Kind::Changed)
    }
}
