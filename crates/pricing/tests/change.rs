//! What two versions of the catalogue say differently.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use money::Rate;
use pricing::{
    Book, BookSource, Endpoint, Kind, Model, Move, Override, PriceKey, Prices, Rates, RowPrices, Schedule,
    Tier, UnknownPrice, changes,
};

fn rate(text: &str) -> Rate {
    Rate::parse_ceil(text).unwrap()
}

fn prices(prompt: &str, completion: &str) -> Prices {
    Prices::new(rate(prompt), rate(completion))
}

fn row(id: &str, prices: Prices) -> Model {
    Model {
        id: id.to_owned(),
        canonical_slug: format!("{id}-dated"),
        context_length: Some(1_000),
        prices: RowPrices::Priced(prices),
        ..Model::default()
    }
}

fn endpoint(tag: &str, prompt: &str) -> Endpoint {
    let prices = RowPrices::Priced(prices(prompt, "0.00001"));
    Endpoint {
        tag: tag.to_owned(),
        provider: "P".to_owned(),
        prices,
        supports_output_cap: true,
        ..Endpoint::default()
    }
}

fn book(rows: Vec<Model>) -> Book {
    Book::new(1, 0, BookSource::Live, rows)
}

/// `endpoint/key [when]: old -> new`.
fn told(moves: &[Move]) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let name = |one: &Move| {
        let endpoint = one.endpoint.as_ref().map(|tag| format!("{tag}/")).unwrap_or_default();
        let when = one.when.as_ref().map(|when| format!(" [{when}]")).unwrap_or_default();
        format!("{endpoint}{}{when}: {} -> {}", one.key, text(&one.old), text(&one.new))
    };
    moves.iter().map(name).collect()
}

#[test]
fn rows_that_came_went_and_changed() {
    let old = book(vec![
        row("a/same", prices("0.000001", "0.000002")),
        row("a/gone", prices("0.000001", "0.000002")),
        row("a/dearer", prices("0.000001", "0.000002")),
    ]);
    let long = Override {
        min_prompt_tokens: Some(272_000),
        schedule: Schedule::new(1630, 30, Schedule::ALL_DAYS),
        rates: Rates::default().with(PriceKey::Prompt, rate("0.000009")),
    };
    let unknown = UnknownPrice { key: "moon".to_owned(), value: "0.2".to_owned() };
    let dearer = Prices {
        overrides: vec![long],
        unknown: vec![unknown],
        ..prices("0.0000015", "0.000002").with(PriceKey::Request, rate("0.01"))
    };
    let new = book(vec![
        row("a/same", prices("0.000001", "0.000002")),
        Model { context_length: None, ..row("a/dearer", dearer) },
        row("b/new", prices("0.000003", "0.000004")),
    ]);
    let found = changes(&old, &new);
    let kinds: Vec<_> = found.iter().map(|change| (change.model.as_str(), change.kind)).collect();
    assert_eq!(kinds, [("a/dearer", Kind::Changed), ("b/new", Kind::Added), ("a/gone", Kind::Removed)]);
    assert_eq!(
        told(&found[0].moves),
        [
            "moon: - -> 0.2",
            "prompt: 0.000001 -> 0.0000015",
            "request: - -> 0.01",
            "prompt [above 272,000 prompt tokens, from 16:30 to 00:30 UTC]: - -> 0.000009",
            "context_length: 1000 -> -",
        ]
    );
    assert_eq!(
        told(&found[1].moves),
        ["completion: - -> 0.000004", "context_length: - -> 1000", "prompt: - -> 0.000003"]
    );
    assert!(changes(&new, &new).is_empty() && changes(&old, &old).is_empty());
    let back = changes(&new, &old);
    assert_eq!(back.len(), found.len(), "and the other way round");
}

#[test]
fn endpoints_are_compared_where_both_know_them() {
    let with = |endpoints: Option<Vec<Endpoint>>| {
        book(vec![Model { endpoints, ..row("a/m", prices("0.000001", "0.00001")) }])
    };
    let old = with(Some(vec![
        endpoint("p", "0.000001"),
        endpoint("q", "0.000002"),
        endpoint("q", "0.000003"),
        endpoint("r", "0.000001"),
    ]));
    // The two endpoints of one tag are listed the other way round, which means nothing.
    let new = with(Some(vec![
        endpoint("q", "0.000003"),
        endpoint("q", "0.000002"),
        Endpoint { tier: Tier::Flex, ..endpoint("p", "0.0000005") },
        endpoint("s", "0.000001"),
    ]));
    let found = changes(&old, &new);
    assert_eq!(
        told(&found[0].moves),
        [
            "p/prompt: 0.000001 -> 0.0000005",
            "p/service_tier: standard -> flex",
            "s/completion: - -> 0.00001",
            "s/prompt: - -> 0.000001",
            "s/provider: - -> P",
            "s/service_tier: - -> standard",
            "r/completion: 0.00001 -> -",
            "r/prompt: 0.000001 -> -",
            "r/provider: P -> -",
            "r/service_tier: standard -> -",
        ]
    );
    assert!(changes(&old, &with(None)).is_empty() && changes(&with(None), &new).is_empty());
}

#[test]
fn an_alias_that_moves_is_a_change_and_a_row_is_not_taken_for_its_dated_name() {
    let alias = |target: &str| Model {
        alias_target: Some(target.to_owned()),
        ..row("~a/latest", prices("0.000001", "0.000002"))
    };
    let found = changes(&book(vec![alias("a/one")]), &book(vec![alias("a/two")]));
    assert_eq!(told(&found[0].moves), ["alias_target: a/one -> a/two"]);
    // The dated name of a row that is gone is the id of a new one.
    let old = book(vec![row("a/m", prices("0.000001", "0.000002"))]);
    let new = book(vec![row("a/m-dated", prices("0.000001", "0.000002"))]);
    let kinds: Vec<_> = changes(&old, &new).into_iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [Kind::Added, Kind::Removed]);
}
