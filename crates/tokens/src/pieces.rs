//! [`pieces`]: a text cut where every tokenizer cuts it anyway, so that no piece is long.
//!
//! The tokenizers here first split a text by a regular expression, then merge within the parts. None of the
//! expressions joins a letter to a digit, or to a space, a line end or punctuation that follows it (an apostrophe
//! excepted: `'s`), and none looks back. A cut there changes no count: the tests hold both sides against each other.
//!
//! Cuts are needed because the work is not linear. `tiktoken` 4.1.2 checks the whole rest of a text for being UTF-8
//! at certain spaces: 1 MB of random characters took 212 s under DeepSeek's rules (2026-11-24, 2 cores). In pieces of
//! 8 KB it is a second.

/// Bytes of a piece: as many as keep the quadratic part small. The check is quick where everything is ASCII.
const PIECE_BYTES: usize = 8 << 10;
const PIECE_BYTES_ASCII: usize = 64 << 10;

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// To be counted.
    Short(&'t str),
    /// Longer than is worth counting, with no place to cut it: a token a byte.
    Long(&'t str),
}

/// The pieces of a text; together they are the text.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = first(rest);
        rest = after;
        Some(piece)
    })
}

fn first(text: &str) -> (Piece<'_>, &str) {
    let most = if is_plain(text) { PIECE_BYTES_ASCII } else { PIECE_BYTES };
    if text.len() <= most {
        return (Piece::Short(text), "");
    }
    let within = text.floor_char_boundary(most);
    if let Some(at) = last_cut(text, within) {
        return (Piece::Short(&text[..at]), &text[at..]);
    }
    let at = next_cut(text, within).unwrap_or(text.len());
    (Piece::Long(&text[..at]), &text[at..])
}

/// Whether the text is ASCII as far as one piece may reach.
fn is_plain(text: &str) -> bool {
    text.as_bytes()[..text.len().min(PIECE_BYTES_ASCII)].is_ascii()
}

/// The last place to cut at or before `end`.
fn last_cut(text: &str, end: usize) -> Option<usize> {
    let mut right = text[end..].chars().next();
    for (at, left) in text[..end].char_indices().rev() {
        if right.is_some_and(|right| parts(left, right)) {
            return Some(at + left.len_utf8());
        }
        right = Some(left);
    }
    None
}

/// The first place to cut after `start`.
fn next_cut(text: &str, start: usize) -> Option<usize> {
    let mut left = text[..start].chars().next_back();
    for (at, right) in text[start..].char_indices() {
        if left.is_some_and(|left| parts(left, right)) {
            return Some(start + at);
        }
        left = Some(right);
    }
    None
}

/// Whether every tokenizer parts these two.
fn parts(left: char, right: char) -> bool {
    let ends = right.is_ascii() && !right.is_ascii_alphabetic() && right != '\'';
    (ends || matches!(right, '、' | '。' | '，' | '！' | '？' | '：' | '；')) && is_letter(left)
}

/// Letters of the scripts that most text is in; no marks, which join what others part.
fn is_letter(character: char) -> bool {
    match character {
        'a'..='z' | 'A'..='Z' => true,
        '\u{C0}'..='\u{24F}' => !matches!(character, '×' | '÷'),
        'Α'..='Ρ' | 'Σ'..='Ω' | 'α'..='ω' | 'А'..='я' => true,
        'א'..='ת' | 'ء'..='غ' | 'ف'..='ي' => true,
        'अ'..='ह' | 'ก'..='ะ' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | '一'..='龥' | '가'..='힣' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(text: &str) -> Vec<(bool, usize)> {
        let of = |piece| match piece {
            Piece::Short(text) => (true, text.len()),
            Piece::Long(text) => (false, text.len()),
        };
        pieces(text).map(of).collect()
    }

    #[test]
    fn pieces_are_short_or_cannot_be() {
        assert_eq!(lengths(""), []);
        assert_eq!(lengths("short"), [(true, 5)]);
        let words = "word ".repeat(30_000);
        assert!(lengths(&words).iter().all(|&(short, bytes)| short && bytes <= PIECE_BYTES_ASCII));
        let han = "汉字。".repeat(9_000);
        assert!(lengths(&han).iter().all(|&(short, bytes)| short && bytes <= PIECE_BYTES));
        let run = "👩".repeat(9_000);
        assert_eq!(lengths(&run), [(false, run.len())]);
        assert_eq!(lengths(&format!("{run}a b")), [(false, run.len() + 1), (true, 2)]);
    }

    #[test]
    fn together_they_are_the_text() {
        for text in ["a b".repeat(50_000), "'s1é ".repeat(9_000), "字".repeat(9_000)] {
            let whole: String = pieces(&text)
                .map(|piece| match piece {
                    Piece::Short(text) | Piece::Long(text) => text,
                })
                .collect();
            assert_eq!(whole, text);
        }
    }
}
