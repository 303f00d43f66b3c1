//! Amounts that people type, and numbers that people read.

pub(crate) use farebox::config::amount::limit;
pub(crate) use money::grouped;

/// A price: exact, with two places at least.
pub(crate) fn rate(text: &str) -> String {
    let places = text.split_once('.').map_or(0, |(_, places)| places.len());
    match places {
        0 => format!("${text}.00"),
        1 => format!("${text}0"),
        _ => format!("${text}"),
    }
}
