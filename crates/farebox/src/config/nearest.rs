//! The nearest known word, for typing mistakes.

/// The one of `known` that is closest to `word`, when it is close enough to be meant.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let most = word.chars().count().div_ceil(2).min(4);
    let distances = known.into_iter().map(|candidate| (distance(word, candidate), candidate));
    distances.filter(|(distance, _)| *distance <= most).min().map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, with neighbours swapped counted once.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for i in 0..=one.len() {
        for j in 0..=other.len() {
            rows[i][j] = match (i, j) {
                (0, edits) | (edits, 0) => edits,
                _ => {
                    let kept = rows[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
                    let mut least = kept.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                    if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                        least = least.min(rows[i - 2][j - 2] + 1);
                    }
                    least
                }
            };
        }
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_were_meant() {
        let known = ["name", "match", "per", "limit", "window", "timezone"];
        for (typed, meant) in [
            ("limt", Some("limit")),
            ("time_zone", Some("timezone")),
            ("widnow", Some("window")),
            ("pre", Some("per")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }
}
