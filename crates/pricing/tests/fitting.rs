//! What a refused request could afford instead.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::borrow::Cow;

use money::{Nano, Rate};
use pricing::{
    About, Book, BookSource, BoundPolicy, Endpoint, Family, Feature, Fit, Grounds, Model, Prices, Room,
    RowPrices, Shape, Unpriced, bound, fitting,
};
use proptest::prelude::*;

static POLICY: BoundPolicy = BoundPolicy::DEFAULT;
const BODY: &[u8] = &[b'x'; 1000];

/// A row at so many micro-dollars a million tokens in, five times that out.
fn model(id: &str, dollars_per_million: u64, created: i64, features: &[Feature]) -> Model {
    let prompt = Rate::from_femtos(dollars_per_million * 1_000_000_000);
    Model {
        id: id.to_owned(),
        canonical_slug: format!("{id}-dated"),
        alias_target: None,
        context_length: Some(128_000),
        max_completion_tokens: Some(16_384),
        family: Family::Gpt,
        prices: RowPrices::Priced(Prices::new(prompt, prompt.saturating_mul(5))),
        endpoints: None,
        outputs: pricing::Modalities::TEXT,
        supports_output_cap: true,
        about: About {
            created_s: Some(created),
            features: features.iter().copied().collect(),
            ..About::default()
        },
        ..Model::default()
    }
}

fn book() -> Book {
    let tools = &[Feature::Tools];
    let mut unnamed = model("c/unnamed-zero", 0, 99, tools);
    unnamed.about.created_s = Some(99);
    let mut image = model("a/image", 1, 99, tools);
    image.outputs = pricing::Modalities::default();
    let mut short = model("c/short", 1, 9, tools);
    short.context_length = Some(1024);
    let rows = vec![
        model("a/big", 10, 5, tools),
        model("a/old", 1, 1, tools),
        model("a/new", 2, 6, tools),
        model("a/new:extended", 2, 7, tools),
        model("a/dearer", 20, 9, tools),
        model("b/cheap", 1, 2, tools),
        model("b/cheapest-without-tools", 1, 3, &[]),
        model("b/middle", 3, 3, tools),
        model("c/gift:free", 0, 2, tools),
        model("c/newer-gift:free", 0, 4, &[]),
        model("~a/latest", 1, 9, tools),
        model("openrouter/auto", 1, 9, tools),
        unnamed,
        image,
        short,
    ];
    Book::new(1, 0, BookSource::Live, rows)
}

fn shape<'a>(model: &'a str) -> Shape<'a> {
    let models = [Cow::Borrowed(model)].into_iter().collect();
    Shape { models, body: BODY, messages: 1, tools: 1, tool_bytes: 10, choices: 1, ..Shape::default() }
}

fn room(usd: &str) -> Room {
    Room { usd: Nano::parse_floor(usd).unwrap(), clamp_min: Some(4_096) }
}

fn names(fits: &[Fit]) -> Vec<&str> {
    fits.iter().map(|fit| fit.model.as_str()).collect()
}

#[test]
fn one_of_each_kind_the_nearest_first() {
    let book = book();
    // a/new at clamp_min: 2,318 prompt tokens x $2/M + 4,096 x $10/M = $0.045596.
    let fits = fitting(&shape("a/big"), &Grounds::new(&book, &POLICY), room("0.05"), &[]);
    assert_eq!(names(&fits), ["a/new", "b/cheap", "c/gift:free"]);
    let first = bound(&shape("a/new"), &Grounds::new(&book, &POLICY)).unwrap();
    assert_eq!(fits[0].output_cap, first.cap_within(Nano::parse_floor("0.05").unwrap()).unwrap());
    assert_eq!(fits[0].bound, first.usd_at(fits[0].output_cap));
    // With less money the older, cheaper one of the same author is what is left of it.
    let fits = fitting(&shape("a/big"), &Grounds::new(&book, &POLICY), room("0.04"), &[]);
    assert_eq!(names(&fits), ["a/old", "b/cheap", "c/gift:free"]);
    assert_eq!(
        names(&fitting(&shape("a/big"), &Grounds::new(&book, &POLICY), room("0.001"), &[])),
        ["c/gift:free"]
    );
}

#[test]
fn what_the_request_needs_is_kept() {
    let book = book();
    let plain = Shape { tools: 0, tool_bytes: 0, ..shape("a/big") };
    let free = fitting(&plain, &Grounds::new(&book, &POLICY), room("0"), &[]);
    assert_eq!(names(&free), ["c/newer-gift:free"], "the newer one, for no tools are asked for");
    let long = vec![b'x'; 600_000];
    let long = Shape { body: &long, ..shape("a/big") };
    assert_eq!(
        fitting(&long, &Grounds::new(&book, &POLICY), room("100"), &[]),
        [],
        "no context is long enough"
    );
    let insists = Shape { only: [Cow::Borrowed("acme")].into_iter().collect(), ..shape("a/big") };
    assert_eq!(
        fitting(&insists, &Grounds::new(&book, &POLICY), room("1"), &[]),
        [],
        "nobody is known to be served by acme"
    );
}

#[test]
fn nobody_is_sent_to_an_old_model_of_somebody_else() {
    const YEAR: i64 = 365 * 24 * 60 * 60;
    let row = |id: &str, created| model(id, 1, created, &[]);
    let mut big = model("a/big", 10, 3 * YEAR, &[]);
    let plain = || Shape { tools: 0, tool_bytes: 0, ..shape("a/big") };
    let found = |big: &Model| {
        let rows =
            vec![big.clone(), row("a/ancient", 1), row("b/old", 2 * YEAR - 1), row("b/young", 2 * YEAR)];
        let book = Book::new(1, 0, BookSource::Live, rows);
        names(&fitting(&plain(), &Grounds::new(&book, &POLICY), room("0.05"), &[])).join(" ")
    };
    assert_eq!(found(&big), "a/ancient b/young");
    big.about.created_s = None;
    assert_eq!(found(&big), "a/ancient b/old", "nobody knows how old it is");
}

#[test]
fn named_models_keep_their_order() {
    let among = ["a/big", "b/cheap:floor", "nobody/nothing", "c/gift:free", "a/new", "a/old"];
    let fits = fitting(&shape("a/big"), &Grounds::new(&book(), &POLICY), room("1"), &among);
    assert_eq!(names(&fits), ["b/cheap:floor", "c/gift:free", "a/new"], "but not the one that was refused");
    let fits = fitting(&shape("a/big"), &Grounds::new(&book(), &POLICY), room("0.04"), &["a/new", "a/old"]);
    assert_eq!(names(&fits), ["a/old"]);
}

#[test]
fn caps_that_may_not_be_lowered() {
    let whole = Room { clamp_min: None, ..room("0.05") };
    let request = Shape { output_cap: Some(16_384), ..shape("a/big") };
    // a/old whole: 2,318 x $1/M + 16,384 x $5/M = $0.084238.
    assert_eq!(names(&fitting(&request, &Grounds::new(&book(), &POLICY), whole, &[])), ["c/gift:free"]);
    let thinking = Shape { reasoning_budget: 10_000, ..shape("a/big") };
    assert_eq!(
        names(&fitting(&thinking, &Grounds::new(&book(), &POLICY), room("0.05"), &[])),
        ["c/gift:free"]
    );
    let short = Shape { output_cap: Some(10), ..shape("a/big") };
    assert_eq!(
        fitting(&short, &Grounds::new(&book(), &POLICY), room("0.05"), &[])[0].output_cap,
        10,
        "never above the asked"
    );
}

#[test]
fn what_has_no_bound_fits_nowhere() {
    let mut request = shape("a/big");
    request.costs.push(Unpriced::Plugin("fusion".to_owned()));
    assert_eq!(fitting(&request, &Grounds::new(&book(), &POLICY), room("100"), &["a/old"]), []);
    assert_eq!(fitting(&Shape::default(), &Grounds::new(&book(), &POLICY), room("100"), &[]), []);
    // An unknown model still gets an answer: anything is cheaper than what nobody can price.
    assert_eq!(fitting(&shape("a/gone"), &Grounds::new(&book(), &POLICY), room("0.05"), &[]).len(), 3);
}

#[test]
fn dear_endpoints_are_seen_through() {
    let mut rows = vec![model("a/big", 10, 5, &[])];
    let mut trap = model("a/trap", 1, 9, &[]);
    trap.endpoints = Some(vec![Endpoint {
        provider: "Dear".to_owned(),
        tag: "dear".to_owned(),
        context_length: Some(128_000),
        max_completion_tokens: Some(16_384),
        max_prompt_tokens: None,
        prices: model("x/x", 100, 0, &[]).prices,
        supports_output_cap: true,
        implicit_caching: false,
        ..Endpoint::default()
    }]);
    rows.push(trap);
    rows.push(model("a/plain", 2, 1, &[]));
    let book = Book::new(1, 0, BookSource::Live, rows);
    let request = Shape { tools: 0, tool_bytes: 0, ..shape("a/big") };
    assert_eq!(names(&fitting(&request, &Grounds::new(&book, &POLICY), room("0.05"), &[])), ["a/plain"]);
}

proptest! {
    #[test]
    fn every_fit_fits(nanos in 0_i64..300_000_000, bytes in 0_usize..20_000, cap in proptest::option::of(1_u64..20_000)) {
        let body = vec![b'x'; bytes];
        let request = Shape { body: &body, output_cap: cap, ..shape("a/dearer") };
        let room = Room { usd: Nano::from_nanos(nanos), clamp_min: Some(4_096) };
        for fit in fitting(&request, &Grounds::new(&book(), &POLICY), room, &[]) {
            let instead = Shape { models: [Cow::Owned(fit.model.clone())].into_iter().collect(), ..request.clone() };
            let bound = bound(&instead, &Grounds::new(&book(), &POLICY)).unwrap();
            prop_assert_eq!(bound.usd_at(fit.output_cap), fit.bound);
            prop_assert!(fit.bound <= room.usd);
            prop_assert!(fit.output_cap >= bound.output_cap.min(4_096));
        }
    }
}

#[test]
fn who_cannot_see_stands_in_for_nobody_who_must() {
    let mut media = pricing::Media::default();
    media.add_image(pricing::Detail::High, Some((64, 64)));
    let seeing = Shape { media, ..shape("a/big") };
    let blind = book();
    assert_eq!(
        fitting(&seeing, &Grounds::new(&blind, &POLICY), room("100"), &[]),
        [],
        "none of them reads images"
    );
    let rows = blind.models().cloned().map(|mut model| {
        let eyes = model.id == "b/cheap";
        model.about.features = model.about.features.iter().chain(eyes.then_some(Feature::Images)).collect();
        model
    });
    let book = Book::new(1, 0, BookSource::Live, rows.collect());
    assert_eq!(names(&fitting(&seeing, &Grounds::new(&book, &POLICY), room("100"), &[])), ["b/cheap"]);
}
