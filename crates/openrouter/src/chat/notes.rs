//! [`Notes`]: what a reader writes down while it walks a body.

use pricing::{Shape, Unpriced};

use super::anew::{growth, growth_beyond_double};
use super::fields::{is_container, is_null};

/// Costs noted per request; one is enough to refuse it.
const COSTS_MAX: usize = 8;

/// The shape so far, and what decides how the rest is read.
pub(super) struct Notes<'a, 'p> {
    pub(super) body: &'a str,
    /// `allow_fields`.
    pub(super) allow: &'p [String],
    pub(super) shape: Shape<'a>,
}

impl Notes<'_, '_> {
    /// Notes a cost that has no bound.
    pub(super) fn cost(&mut self, cost: Unpriced) {
        if self.shape.costs.len() < COSTS_MAX {
            self.shape.costs.push(cost);
        }
    }

    /// Tools or a schema: a template writes them anew, as JSON or in a form of its own, which doubling covers but for
    /// what JSON itself may grow beyond that.
    pub(super) fn schema(&mut self, raw: &str) {
        let bytes = raw.len() as u64;
        let shape = &mut self.shape;
        shape.tool_bytes = shape.tool_bytes.saturating_add(bytes);
        shape.growth_bytes = shape.growth_bytes.saturating_add(growth_beyond_double(raw));
    }

    /// Calls of tools, whose arguments may be written anew.
    pub(super) fn calls(&mut self, raw: &str) {
        self.shape.growth_bytes = self.shape.growth_bytes.saturating_add(growth(raw));
    }

    /// A field we do not know: a scalar passes and is told, a list or an object may switch on anything.
    pub(super) fn unknown(&mut self, value: &str, path: impl FnOnce() -> String) {
        if is_null(value) {
            return;
        }
        if is_container(value) {
            let path = path();
            if !self.allows(&path) {
                return self.cost(Unpriced::UnknownField(path));
            }
        }
        self.shape.unknown_scalars = true;
    }

    /// Whether `allow_fields` names this path; `tools[]` there stands for each of them.
    fn allows(&self, path: &str) -> bool {
        self.allow.iter().any(|allowed| allowed == path || *allowed == any_index(path))
    }
}

/// `tools[1].x` as `tools[].x`.
fn any_index(path: &str) -> String {
    let mut inside = false;
    let kept = |character: &char| {
        inside = match character {
            '[' => true,
            ']' => false,
            _ => inside,
        };
        !(inside && character.is_ascii_digit())
    };
    path.chars().filter(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_without_its_indices() {
        assert_eq!(any_index("tools[12].parameters.x2"), "tools[].parameters.x2");
        assert_eq!(any_index("a1"), "a1");
    }
}
