//! [`Bill`]: one generation on OpenRouter's bill.

use money::Exact;
use pricing::Book;

/// One generation that was billed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// OpenRouter's id.
    pub id: String,
    /// When it began, to the minute, milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// The id of the model's row without a variant; `None` when the bill does not say in a way we know: then it may be
    /// any.
    pub model: Option<String>,
    /// What OpenRouter charged, USD, to the last digit.
    pub cost: Exact,
    /// The same as OpenRouter wrote it.
    pub text: String,
}

impl Bill {
    /// One row of it. `label`: what the bill calls the model, an id, a dated slug or a name for people.
    pub fn new(id: String, created_ms: i64, label: Option<&str>, text: String, book: &Book) -> Option<Bill> {
        let cost = Exact::parse_sum(&text).ok()?;
        let model = label.and_then(|label| row_of(label, book));
        Some(Bill { id, created_ms, model, cost, text })
    }

    /// Whether it may be of a call to this model.
    pub(super) fn may_be_of(&self, model: &str) -> bool {
        self.model.as_deref().is_none_or(|own| own == bare(model))
    }
}

/// A row's id without its variant.
pub(super) fn bare(id: &str) -> &str {
    id.split(':').next().unwrap_or_default()
}

fn row_of(label: &str, book: &Book) -> Option<String> {
    let by_name = || {
        let mut named = book.models().filter(|model| {
            let name = model.about.name.as_ref();
            name.eq_ignore_ascii_case(label)
                || name.split_once(": ").is_some_and(|(_, short)| short.eq_ignore_ascii_case(label))
        });
        // Two models of one name: nobody knows which it is.
        let first = named.next()?;
        named.all(|other| bare(&other.id) == bare(&first.id)).then_some(first)
    };
    book.model(label).or_else(by_name).map(|model| bare(&model.id).to_owned())
}
