//! [`Book`]: the price book, an immutable version of the catalogue.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Endpoint, Model};

/// Where a book's rows came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookSource {
    /// The dated snapshot built into the binary.
    Snapshot,
    /// The copy on disk.
    Cache,
    /// OpenRouter, in this process.
    Live,
}

/// One version of the catalogue. Cheap to copy with a change: rows are shared.
#[derive(Clone, Debug)]
pub struct Book {
    /// Counts the versions of this process, from 1.
    pub version: u64,
    /// When the rows were read from OpenRouter, in milliseconds since 1970 (UTC).
    pub fetched_at_ms: i64,
    /// Where they came from.
    pub source: BookSource,
    models: Vec<Arc<Model>>,
    index: Arc<HashMap<String, usize>>,
}

/// What an asked-for name means in a book.
#[derive(Clone, Copy, Debug)]
pub struct Resolved<'b> {
    /// The row that will be billed.
    pub model: &'b Model,
    /// `:nitro` was asked for: premium tiers are eligible (CONTRACT 9.1).
    pub nitro: bool,
    /// `:floor` was asked for: flex tiers are eligible.
    pub floor: bool,
    /// `:online` was asked for: the `web` plugin runs.
    pub online: bool,
    /// The name is an alias, whose target may move.
    pub alias: bool,
}

/// What variants say of who may serve.
#[derive(Clone, Copy, Debug, Default)]
struct Routing {
    nitro: bool,
    floor: bool,
    online: bool,
}

impl Routing {
    /// Whether this variant has no row of its own; it is noted.
    fn takes(&mut self, variant: &str) -> bool {
        match variant {
            "nitro" => self.nitro = true,
            "floor" => self.floor = true,
            "online" => self.online = true,
            "exacto" => {}
            _ => return false,
        }
        true
    }
}

impl Book {
    /// A book of these rows. A later row with the id of an earlier one is dropped.
    pub fn new(version: u64, fetched_at_ms: i64, source: BookSource, rows: Vec<Model>) -> Self {
        let mut models: Vec<Arc<Model>> = Vec::with_capacity(rows.len());
        let mut index = HashMap::with_capacity(rows.len() * 2);
        for row in rows {
            if !index.contains_key(&row.id) {
                index.insert(row.id.clone(), models.len());
                models.push(Arc::new(row));
            }
        }
        // A canonical slug carries no variant, so it never means a `:free` or `:extended` row.
        for (at, model) in models.iter().enumerate() {
            if !model.id.contains(':') {
                index.entry(model.canonical_slug.clone()).or_insert(at);
            }
        }
        Book { version, fetched_at_ms, source, models, index: Arc::new(index) }
    }

    /// The row for a name as a request gives it: an id, a canonical slug, an alias, with or without the variants that
    /// only steer routing (`:floor`, `:nitro`, `:exacto`, `:online`).
    pub fn model(&self, asked: &str) -> Option<&Model> {
        self.resolve(asked).map(|resolved| resolved.model)
    }

    /// [`Book::model`], with what the name says beside the model.
    pub fn resolve(&self, asked: &str) -> Option<Resolved<'_>> {
        let (model, routing) = match self.row(asked) {
            Some(model) => (model, Routing::default()),
            None => self.varied(asked)?,
        };
        let alias = model.id.starts_with('~') || model.alias_target.is_some();
        let target = model.alias_target.as_deref().and_then(|target| self.row(target));
        let Routing { nitro, floor, online } = routing;
        Some(Resolved { model: target.unwrap_or(model), nitro, floor, online, alias })
    }

    /// A name that is no row: a row with routing variants, in any order with the one that is part of the row's name.
    fn varied(&self, asked: &str) -> Option<(&Model, Routing)> {
        let (base, variants) = asked.split_once(':')?;
        let mut routing = Routing::default();
        let mut own = None;
        for variant in variants.split(':') {
            if !routing.takes(variant) && own.replace(variant).is_some() {
                return None;
            }
        }
        let model = match own {
            None => self.row(base),
            Some(own) => self.row(&format!("{base}:{own}")),
        };
        model.map(|model| (model, routing))
    }

    /// The row of an id or a canonical slug as such: no variant is read, no alias followed.
    pub fn row(&self, name: &str) -> Option<&Model> {
        self.index.get(name).and_then(|&at| self.models.get(at)).map(Arc::as_ref)
    }

    /// Every row, in the order listed.
    pub fn models(&self) -> impl ExactSizeIterator<Item = &Model> {
        self.models.iter().map(Arc::as_ref)
    }

    /// The same book with the endpoints of one model (by id) replaced and the version raised; unchanged rows
    /// are shared. A model the book does not have changes nothing but the version.
    #[must_use]
    pub fn with_endpoints(&self, model_id: &str, endpoints: Vec<Endpoint>) -> Book {
        let mut book = self.clone();
        book.version += 1;
        if let Some(slot) = self.index.get(model_id).and_then(|&at| book.models.get_mut(at)) {
            Arc::make_mut(slot).endpoints = Some(endpoints);
        }
        book
    }
}
