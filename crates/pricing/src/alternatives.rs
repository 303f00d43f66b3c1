//! [`Alternatives`]: cheaper models that could do the same work, best first in each of three kinds.

use std::cmp::Reverse;

use money::Rate;

use crate::book::Book;
use crate::model::Model;
use crate::need::Need;

/// How much older than the one asked for, in seconds, a model by somebody else may be: the cheapest of all are
/// mostly small and old, and nobody who uses one of this year means them.
const OLDER_S_MAX: i64 = 365 * 24 * 60 * 60;

/// Cheaper models than one, that meet the same need.
///
/// *Cheaper* compares the rows' own prices with three input tokens to one of output, a usual proportion of chats.
#[derive(Clone, Debug, Default)]
pub struct Alternatives<'b> {
    /// By the same author, the newest first.
    pub kin: Vec<&'b Model>,
    /// By anyone else, at most a year older, the cheapest first.
    pub others: Vec<&'b Model>,
    /// Free ones by anyone, the newest first.
    pub free: Vec<&'b Model>,
}

impl<'b> Alternatives<'b> {
    /// Those in the book that `keep` accepts. `asked` is the name in use; all models compare as cheaper than one
    /// that is unknown or has no readable price.
    pub fn of(asked: &str, need: &Need, book: &'b Book, keep: impl Fn(&Model) -> bool) -> Alternatives<'b> {
        let from = book.model(asked);
        let author = author(from.map_or(asked, |model| &model.id));
        let most = from.and_then(weight).unwrap_or(Rate::from_femtos(u64::MAX));
        let since = from.and_then(|model| model.about.created_s).map(|at| at.saturating_sub(OLDER_S_MAX));
        let old = |model: &Model| since.zip(model.about.created_s).is_some_and(|(since, at)| at < since);
        let mut found = Alternatives::default();
        for model in book.models() {
            let cheaper = weight(model).is_some_and(|weight| weight < most);
            let variant = model.id.contains(':') && !model.is_free();
            if variant || !cheaper || !need.met_by(model) || !keep(model) {
                continue;
            }
            match model.is_free() {
                true => found.free.push(model),
                false if self::author(&model.id) == author => found.kin.push(model),
                false if !old(model) => found.others.push(model),
                false => {}
            }
        }
        let newest = |model: &&Model| (Reverse(model.about.created_s), weight(model));
        found.kin.sort_by_key(newest);
        found.free.sort_by_key(newest);
        found.others.sort_by_key(|model| weight(model));
        found
    }
}

/// The part of a model's name before the slash.
fn author(id: &str) -> &str {
    id.split('/').next().unwrap_or_default().trim_start_matches('~')
}

fn weight(model: &Model) -> Option<Rate> {
    let prices = model.prices.priced()?;
    Some(prices.prompt().saturating_mul(3).saturating_add(prices.completion()))
}
