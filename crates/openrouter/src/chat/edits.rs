//! [`Edits`]: what becomes of a body, one change at a time. Everything else of it stays as it is, byte for byte.

use std::fmt::{Arguments, Write};
use std::ops::Range;

use super::{List, Object};

/// Changes in the order they were found; they do not overlap.
#[derive(Default)]
pub(super) struct Edits(Vec<Edit>);

/// One edit: these bytes become this text.
struct Edit {
    span: Range<usize>,
    text: String,
}

impl Edits {
    /// Room for as many as most bodies need.
    pub(super) fn new() -> Self {
        Edits(Vec::with_capacity(6))
    }

    /// These bytes become this text.
    pub(super) fn put(&mut self, span: &Range<usize>, text: String) {
        self.0.push(Edit { span: span.clone(), text });
    }

    /// Adds members at the end of an object, or elements at the end of a list.
    pub(super) fn add(&mut self, object: Object, members: String) {
        if !members.is_empty() {
            let text = if object.empty { members } else { format!(",{members}") };
            self.put(&(object.close..object.close), text);
        }
    }

    /// Adds elements to a list of the root, which may not be there: `added` are then the root's own new members.
    pub(super) fn extend(&mut self, list: Option<&List>, name: &str, elements: String, added: &mut String) {
        match list {
            _ if elements.is_empty() => {}
            None => member(added, format_args!("\"{name}\":[{elements}]")),
            Some(List { span, object: None }) => self.put(span, format!("[{elements}]")),
            Some(List { object: Some(object), .. }) => self.add(*object, elements),
        }
    }

    /// The body with all of them.
    pub(super) fn apply(mut self, body: &[u8]) -> Vec<u8> {
        // Stable: what was added at one place stays in the order it was added.
        self.0.sort_by_key(|edit| edit.span.start);
        let more: usize = self.0.iter().map(|edit| edit.text.len()).sum();
        let mut spliced = Vec::with_capacity(body.len() + more);
        let mut at = 0;
        for edit in &self.0 {
            debug_assert!(at <= edit.span.start, "two edits of the same bytes");
            spliced.extend_from_slice(body.get(at..edit.span.start).unwrap_or_default());
            spliced.extend_from_slice(edit.text.as_bytes());
            at = edit.span.end;
        }
        spliced.extend_from_slice(body.get(at..).unwrap_or_default());
        spliced
    }
}

/// Adds a member to a list of them.
pub(super) fn member(list: &mut String, text: Arguments<'_>) {
    let comma = if list.is_empty() { "" } else { "," };
    // Writing to a string cannot fail.
    let _ = write!(list, "{comma}{text}");
}
