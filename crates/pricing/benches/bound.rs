//! What bounding costs once a body is read.

use std::borrow::Cow;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use money::{Nano, Rate};
use pricing::{
    Book, BookSource, BoundPolicy, Endpoint, Family, Grounds, Model, Prices, Room, RowPrices, Shape, bound,
    fitting,
};

fn book(family: Family) -> Book {
    let prices =
        |femtos| RowPrices::Priced(Prices::new(Rate::from_femtos(femtos), Rate::from_femtos(femtos * 4)));
    let endpoints = (1..=14).map(|n| Endpoint {
        provider: format!("Provider {n}"),
        tag: format!("provider-{n}/fp8"),
        context_length: Some(131_072),
        max_completion_tokens: Some(16_384),
        max_prompt_tokens: None,
        prices: prices(n * 100_000_000),
        supports_output_cap: n != 3,
        implicit_caching: false,
        ..Endpoint::default()
    });
    let models = (0..650).map(|n| Model {
        id: format!("author/model-{n}"),
        canonical_slug: format!("author/model-{n}-20261002"),
        alias_target: None,
        context_length: Some(131_072),
        max_completion_tokens: Some(16_384),
        family,
        prices: prices(100_000_000),
        endpoints: Some(endpoints.clone().collect()),
        outputs: pricing::Modalities::TEXT,
        supports_output_cap: true,
        ..Model::default()
    });
    Book::new(1, 0, BookSource::Live, models.collect())
}

fn benches(criterion: &mut Criterion) {
    let policy = BoundPolicy::default();
    let ascii = vec![b'x'; 100_000];
    let mixed = "Grüße 漢字 ".repeat(5_500);
    for (name, family, body) in [
        ("1 KB", Family::Gpt, &ascii[..1_000]),
        ("100 KB", Family::Gpt, &ascii[..]),
        ("100 KB, NFKC, ASCII", Family::Claude, &ascii[..]),
        ("100 KB, NFKC, mixed", Family::Claude, mixed.as_bytes()),
    ] {
        let book = book(family);
        let shape = Shape {
            models: [Cow::Borrowed("author/model-7")].into_iter().collect(),
            body,
            messages: 4,
            choices: 1,
            ..Shape::default()
        };
        criterion.bench_function(&format!("bound, 14 endpoints, {name}"), |bencher| {
            bencher.iter(|| bound(black_box(&shape), &Grounds::new(black_box(&book), &policy)));
        });
    }
}

fn refusals(criterion: &mut Criterion) {
    let policy = BoundPolicy::default();
    let ascii = vec![b'x'; 100_000];
    let mixed = "Grüße 漢字 ".repeat(5_500);
    for (name, family, body) in
        [("1 KB", Family::Gpt, &ascii[..1_000]), ("100 KB, NFKC, mixed", Family::Claude, mixed.as_bytes())]
    {
        let book = book(family);
        let shape = Shape {
            models: [Cow::Borrowed("nobody/knows")].into_iter().collect(),
            body,
            messages: 4,
            choices: 1,
            ..Shape::default()
        };
        let room = Room { usd: Nano::from_cents(100), clamp_min: Some(4_096) };
        criterion.bench_function(&format!("fitting among 650 models, {name}"), |bencher| {
            bencher.iter(|| fitting(black_box(&shape), &Grounds::new(black_box(&book), &policy), room, &[]));
        });
    }
}

criterion_group!(all, benches, refusals);
criterion_main!(all);
