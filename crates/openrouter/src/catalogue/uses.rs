//! [`Uses`]: which models are in use, so that their endpoints are kept fresh.

use std::collections::HashSet;
use std::mem;

/// Models whose endpoints are kept fresh.
const USED_MAX: usize = 512;
/// Models waiting for their endpoints.
const WANTED_MAX: usize = 64;

/// Who uses the book. Requests lock this, for a look-up.
#[derive(Debug, Default)]
pub(super) struct Uses {
    used: HashSet<String>,
    wanted: Vec<String>,
}

impl Uses {
    /// One that is in use, whose endpoints somebody is reading already.
    pub(super) fn add(&mut self, id: &str) {
        if self.used.len() < USED_MAX {
            self.used.insert(id.to_owned());
        }
    }

    /// One that is in use and whose endpoints are to be read; whether that is news. Too many are passed over.
    pub(super) fn want(&mut self, id: &str) -> bool {
        let is_news = !self.used.contains(id) && self.used.len() < USED_MAX && self.wanted.len() < WANTED_MAX;
        if is_news {
            self.used.insert(id.to_owned());
            self.wanted.push(id.to_owned());
        }
        is_news
    }

    /// Each that is in use.
    pub(super) fn all(&self) -> Vec<String> {
        self.used.iter().cloned().collect()
    }

    /// Those that wait for their endpoints, who wait no longer.
    pub(super) fn take_wanted(&mut self) -> Vec<String> {
        mem::take(&mut self.wanted)
    }
}
