//! `farebox help TOPIC`: small pages about what no single command owns.

/// A page by its name.
pub(crate) fn topic(name: &str) -> Option<&'static str> {
    TOPICS.iter().find(|(known, _)| *known == name).map(|(_, page)| *page)
}

/// Every page: its name and text.
const TOPICS: [(&str, &str); 3] = [
    ("exit-codes", include_str!("topics/exit-codes.txt")),
    ("env", include_str!("topics/env.txt")),
    ("config", farebox::config::DEFAULT_FILE),
];
