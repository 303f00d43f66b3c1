//! Budgets as configured, and the labels of a request that they look at.

use money::Nano;
use smallvec::SmallVec;

use crate::window::Window;

/// A label of a request that a budget can select on or count by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// Who calls: a virtual key's name, `local`, or the id of the caller's own upstream key.
    Key,
    /// The body's `user`.
    User,
    /// The model asked for.
    Model,
    /// The session, from the body or the headers that clients already send.
    Session,
    /// The program, from its attribution headers.
    App,
}

impl Label {
    /// Every label, in the order of their numbers.
    pub const ALL: [Label; 5] = [Label::Key, Label::User, Label::Model, Label::Session, Label::App];

    /// The word in configuration and books.
    pub const fn word(self) -> &'static str {
        match self {
            Label::Key => "key",
            Label::User => "user",
            Label::Model => "model",
            Label::Session => "session",
            Label::App => "app",
        }
    }

    /// Reads that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.word() == word)
    }
}

/// The labels of one request. A missing label is the empty value, never an escape.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    values: [&'a str; Label::ALL.len()],
}

impl<'a> Scope<'a> {
    /// The same scope with one label set.
    #[must_use]
    pub fn with(mut self, label: Label, value: &'a str) -> Self {
        self.values[label as usize] = value;
        self
    }

    /// The value of a label; empty when the request does not carry it.
    pub fn value(&self, label: Label) -> &'a str {
        self.values[label as usize]
    }
}

/// Which window pays for a call that is under way when a window ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Straddle {
    /// The one in which it was admitted.
    #[default]
    Admission,
    /// It is held in both and paid by the one in which it settles: by either attribution, no window exceeds its limit.
    Both,
}

/// A limit on the requests that match a selector, per window.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Its name: unique, shown everywhere.
    pub name: String,
    /// Requests must carry all of these values; empty selects everything.
    pub selector: Vec<(Label, String)>,
    /// One balance for each distinct combination of these.
    pub per: SmallVec<[Label; 2]>,
    /// USD in each window.
    pub limit: Nano,
    /// The window.
    pub window: Window,
    /// Which window pays for a call that is under way when a window ends.
    pub straddle: Straddle,
}

impl Budget {
    /// Whether a request with this scope is charged to this budget.
    pub fn matches(&self, scope: &Scope<'_>) -> bool {
        self.selector.iter().all(|(label, value)| scope.value(*label) == value)
    }
}
