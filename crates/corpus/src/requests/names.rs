//! Models, by every kind of name.

use serde_json::json;

use super::Draft;

impl Draft {
    pub(super) fn names(&mut self, ids: &[String]) {
        match self.rng.u32(..400) {
            0 => {}
            1 => self.put("model", json!(null)),
            _ => {
                let name = self.name(ids);
                self.put("model", json!(name));
            }
        }
        if self.one_in(12) {
            let count = self.rng.usize(0..4);
            let names: Vec<String> = (0..count).map(|_| self.name(ids)).collect();
            self.put("models", json!(names));
        }
    }

    fn name(&mut self, ids: &[String]) -> String {
        // The first are the popular ones, whose endpoints are known.
        let among = if self.one_in(4) { ids.len() } else { ids.len().min(260) };
        let id = ids[self.rng.usize(..among)].clone();
        match self.rng.u32(..200) {
            0..6 => format!("{id}:nitro"),
            6..10 => format!("{id}:floor"),
            10..13 => format!("{id}:exacto"),
            13..15 => format!("{id}:online"),
            15 => format!("{id}:thinking"),
            16 => format!("{id}@preset/house-style"),
            17 => "@preset/house-style".to_owned(),
            18 => format!("{id}-nowhere"),
            19..23 => "openrouter/auto".to_owned(),
            23 => format!("{id}:floor:nitro"),
            _ => id,
        }
    }
}
