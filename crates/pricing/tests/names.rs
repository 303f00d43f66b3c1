//! What each form of a model's name means in a book (CONTRACT 9.1).

use pricing::{Book, BookSource, Model};

fn row(id: &str, alias_target: Option<&str>) -> Model {
    let canonical = id.split(':').next().unwrap_or(id).to_owned() + "-20260101";
    Model {
        id: id.to_owned(),
        canonical_slug: canonical,
        alias_target: alias_target.map(str::to_owned),
        ..Model::default()
    }
}

fn book() -> Book {
    let rows = vec![
        row("a/m:free", None),
        row("a/m", None),
        row("a/m:thinking", None),
        row("a/m:extended", None),
        row("b/m:batch", None),
        row("c/odd:nitro", None),
        row("~a/m-latest", Some("a/m")),
        row("~a/dated-latest", Some("a/m-20260101")),
        row("~a/lost-latest", Some("a/nowhere")),
        row("openrouter/auto", None),
        row("openrouter/free", None),
    ];
    Book::new(1, 0, BookSource::Live, rows)
}

/// The row, then what the name says beside it.
fn told(asked: &str) -> String {
    let book = book();
    let Some(found) = book.resolve(asked) else { return "-".to_owned() };
    let said =
        [(found.nitro, "nitro"), (found.floor, "floor"), (found.online, "online"), (found.alias, "alias")];
    let said = said.into_iter().filter(|(said, _)| *said).map(|(_, word)| word);
    std::iter::once(found.model.id.as_str()).chain(said).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_form() {
    for (asked, expect) in [
        ("a/m", "a/m"),
        // Static variants: rows of their own, or nothing.
        ("a/m:free", "a/m:free"),
        ("a/m:thinking", "a/m:thinking"),
        ("a/m:extended", "a/m:extended"),
        ("b/m:batch", "b/m:batch"),
        ("a/m:batch", "-"),
        ("b/m", "-"),
        ("b/m:free", "-"),
        // Routing variants: the same row.
        ("a/m:nitro", "a/m nitro"),
        ("a/m:floor", "a/m floor"),
        ("a/m:exacto", "a/m"),
        ("a/m:online", "a/m online"),
        // Together, in any order.
        ("a/m:free:online", "a/m:free online"),
        ("a/m:online:free", "a/m:free online"),
        ("a/m:nitro:thinking:online", "a/m:thinking nitro online"),
        ("a/m:floor:nitro", "a/m nitro floor"),
        ("a/m:free:thinking", "-"),
        ("a/m:batch:online", "-"),
        ("b/m:online", "-"),
        // A row whose own name has a routing variant is that row.
        ("c/odd:nitro", "c/odd:nitro"),
        ("c/odd", "-"),
        // Aliases, and where they lead.
        ("~a/m-latest", "a/m alias"),
        ("~a/m-latest:nitro", "a/m nitro alias"),
        ("~a/m-latest:online", "a/m online alias"),
        ("~a/dated-latest", "a/m alias"),
        ("~a/lost-latest", "~a/lost-latest alias"),
        // Dated names never mean a free or extended row.
        ("a/m-20260101", "a/m"),
        ("a/m-20260101:floor", "a/m floor"),
        ("a/m-20260101:online", "a/m online"),
        ("a/m-20260101:free", "-"),
        ("b/m-20260101", "-"),
        // Routers are rows; what they cost is another question.
        ("openrouter/auto", "openrouter/auto"),
        ("openrouter/auto:online", "openrouter/auto online"),
        ("openrouter/free", "openrouter/free"),
        // Presets are no models.
        ("a/m@preset/x", "-"),
        ("@preset/x", "-"),
        ("a/m:nitro@preset/x", "-"),
        ("a/m@preset/x:nitro", "-"),
        // And what means nothing.
        ("", "-"),
        (":", "-"),
        (":free", "-"),
        ("a/m:", "-"),
        ("a/m::free", "-"),
        ("a/m:FREE", "-"),
        ("A/M", "-"),
        (" a/m", "-"),
        ("a/m:turbo", "-"),
    ] {
        assert_eq!(told(asked), expect, "{asked}");
    }
}
