//! The nearest model names: for typing mistakes, forgotten authors, and names that are gone.

use std::cmp::Reverse;

use pricing::Book;

/// Names offered, at most.
pub(super) const OFFERED_MAX: usize = 3;
/// Likeness, in thousandths, from which a name may have been meant.
const ALIKE_MIN: usize = 500;
/// Variants that any model has.
const ROUTING: [&str; 2] = ["floor", "nitro"];

/// Up to three names of the book that are most like `typed`, the likest first.
pub(super) fn nearest<'b>(typed: &str, book: &'b Book) -> Vec<&'b str> {
    let (typed_pairs, typed_words) = (pairs(typed), words(typed));
    let slug_only = !typed.contains('/');
    let mut found: Vec<_> = book
        .models()
        .filter(|model| !model.id.starts_with('~'))
        .map(|model| {
            let id = model.id.as_str();
            let slug = id.split_once('/').map_or(id, |(_, slug)| slug);
            let name = if slug_only { slug } else { id };
            // Letters forgive typing mistakes; words forgive another order: claude-4.5-sonnet.
            (likeness(&typed_pairs, &pairs(name)).max(likeness(&typed_words, &words(name))), id)
        })
        .filter(|(likeness, _)| *likeness >= ALIKE_MIN)
        .collect();
    found.sort_by_key(|&(likeness, id)| (Reverse(likeness), id));
    found.into_iter().take(OFFERED_MAX).map(|(_, id)| id).collect()
}

/// How many names hold this one, which is a single word such as `claude`.
pub(super) fn holding(typed: &str, book: &Book) -> usize {
    let typed = typed.to_ascii_lowercase();
    let is_word = !typed.is_empty() && typed.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let holds = |id: &str| !id.starts_with('~') && id.contains(&typed);
    if is_word { book.models().filter(|model| holds(&model.id)).count() } else { 0 }
}

/// What there is of a model whose variant is unknown; `None` where the model is, or nothing is said of a variant.
pub(super) fn variants(typed: &str, book: &Book) -> Option<String> {
    let (base, variant) = typed.split_once(':')?;
    let id = &book.row(base)?.id;
    let own = book.models().filter_map(|model| model.id.strip_prefix(id.as_str())?.strip_prefix(':'));
    let own: Vec<&str> = own.collect();
    let all: Vec<&str> = own.iter().copied().chain(ROUTING).collect();
    if let Some(meant) = meant(variant, &all) {
        return Some(format!("did you mean {id}:{meant}?"));
    }
    let listed: String = own.iter().map(|own| format!(", {id}:{own}")).collect();
    let routing = ROUTING.map(|word| format!(":{word}")).join(" and ");
    Some(format!("there is {id}{listed}; {routing} choose among its providers"))
}

/// The one of these words that was likely meant, for a typing mistake.
pub(crate) fn meant<'w>(typed: &str, words: &[&'w str]) -> Option<&'w str> {
    let typed_pairs = pairs(typed);
    let alike = words.iter().map(|word| (likeness(&typed_pairs, &pairs(word)), *word));
    let (likeness, word) = alike.max_by_key(|(likeness, _)| *likeness)?;
    (likeness >= ALIKE_MIN && word != typed).then_some(word)
}

/// Neighbouring letters and digits; punctuation is what people get wrong.
fn pairs(name: &str) -> Vec<[u8; 2]> {
    let letters: Vec<u8> =
        name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()).collect();
    letters.windows(2).map(|pair| [pair[0], pair[1]]).collect()
}

fn words(name: &str) -> Vec<String> {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect()
}

/// Sørensen and Dice: twice the parts in common to all parts, in thousandths.
fn likeness<T: Clone + PartialEq>(one: &[T], other: &[T]) -> usize {
    let mut rest = other.to_vec();
    let mut common: usize = 0;
    for part in one {
        if let Some(at) = rest.iter().position(|candidate| candidate == part) {
            rest.swap_remove(at);
            common += 1;
        }
    }
    (2_000 * common).checked_div(one.len() + other.len()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openrouter::catalogue::Catalogue;

    #[test]
    fn names_that_were_meant() {
        let book = Catalogue::open(None).book();
        for (typed, meant) in [
            ("openai/gpt4o-mini", "openai/gpt-4o-mini"),
            ("gpt-4o-mini", "openai/gpt-4o-mini"),
            ("anthropic/claude-4.5-sonnet", "anthropic/claude-sonnet-4.5"),
            ("anthropic/claude-3-5-sonnet-20241022", "anthropic/claude-3.5-sonnet"),
            ("llama-3.1-8b", "meta-llama/llama-3.1-8b-instruct"),
        ] {
            assert_eq!(nearest(typed, &book).first(), Some(&meant), "{typed}");
        }
        for (typed, hint) in [
            ("openai/gpt-4o-mini:flor", "did you mean openai/gpt-4o-mini:floor?"),
            (
                "openai/gpt-4o-mini:free",
                "there is openai/gpt-4o-mini; :floor and :nitro choose among its providers",
            ),
            (
                "google/gemma-2-9b-it:turbo",
                "there is google/gemma-2-9b-it, google/gemma-2-9b-it:free; :floor and :nitro choose among its providers",
            ),
        ] {
            assert_eq!(variants(typed, &book).as_deref(), Some(hint), "{typed}");
        }
        assert!(
            variants("nobody/knows:floor", &book).is_none() && variants("openai/gpt-4o", &book).is_none()
        );
        assert_eq!(meant("mesages", &["model", "messages"]), Some("messages"));
        assert_eq!(meant("zzz", &["model", "messages"]), None);
        for (typed, least) in [("claude", 10), ("llama", 5), ("Sonnet", 4)] {
            assert!(holding(typed, &book) >= least, "{typed}");
        }
        for typed in ["", "openai/gpt", "gpt-4o-minni", "zzzzzz"] {
            assert_eq!(holding(typed, &book), 0, "{typed}");
        }
        for typed in ["", "x", "/", "zzzzzz", "é"] {
            assert!(nearest(typed, &book).is_empty(), "{typed}");
        }
    }
}
