//! Estimates against sums done by hand, and what must hold of any of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::borrow::Cow;

use money::{Nano, Rate};
use pricing::{
    Book, BookSource, BoundPolicy, CacheWrite, CallerMaxPrice, Endpoint, Family, Grounds, Guess, Model,
    Override, PriceKey, Prices, Rates, RowPrices, Schedule, Shape, Tier, Unpriced, bound, estimate,
    usual_cost,
};
use proptest::prelude::*;

static POLICY: BoundPolicy = BoundPolicy::DEFAULT;
const BODY: &[u8] = &[b'x'; 10_000];

fn rate(text: &str) -> Rate {
    Rate::parse_ceil(text).unwrap()
}

fn usd(text: &str) -> Nano {
    Nano::parse_ceil(text).unwrap()
}

fn prices(prompt: &str, completion: &str) -> Prices {
    Prices::new(rate(prompt), rate(completion))
}

fn model(id: &str, prices: Prices, endpoints: Vec<Endpoint>) -> Model {
    Model {
        id: id.to_owned(),
        canonical_slug: format!("{id}-dated"),
        alias_target: None,
        context_length: Some(128_000),
        max_completion_tokens: Some(16_384),
        family: Family::Gpt,
        prices: RowPrices::Priced(prices),
        endpoints: (!endpoints.is_empty()).then_some(endpoints),
        outputs: pricing::Modalities::TEXT,
        supports_output_cap: true,
        ..Model::default()
    }
}

fn endpoint(provider: &str, prices: Prices) -> Endpoint {
    Endpoint {
        provider: provider.to_owned(),
        tag: provider.to_ascii_lowercase(),
        context_length: Some(128_000),
        max_completion_tokens: Some(16_384),
        max_prompt_tokens: None,
        prices: RowPrices::Priced(prices),
        supports_output_cap: true,
        implicit_caching: false,
        ..Endpoint::default()
    }
}

fn shape<'a>(model: &'a str, body: &'a [u8]) -> Shape<'a> {
    let models = [Cow::Borrowed(model)].into_iter().collect();
    Shape { models, body, messages: 1, choices: 1, ..Shape::default() }
}

fn guess(prompt: u64, output: u64) -> Guess {
    Guess { prompt_tokens: prompt, output_tokens: Some(output) }
}

/// gpt-4o-mini as listed on 2026-10-02: $0.15 in, $0.60 out, $0.075 cached, per million.
fn mini() -> Prices {
    prices("0.00000015", "0.0000006").with(PriceKey::CacheRead, rate("0.000000075"))
}

#[test]
fn a_router_is_priced_at_the_ceiling_of_the_request() {
    let router = Model { prices: RowPrices::Dynamic, ..model("openrouter/auto", mini(), Vec::new()) };
    let book = Book::new(1, 0, BookSource::Live, vec![model("a/mini", mini(), Vec::new()), router]);
    let ceiling = CallerMaxPrice {
        prompt: Some(rate("0.000002")),
        completion: Some(rate("0.00001")),
        ..CallerMaxPrice::default()
    };
    let asked = Shape { caller_max_price: Some(ceiling), ..shape("openrouter/auto", BODY) };
    let found = estimate(&asked, &Grounds::new(&book, &POLICY), guess(1_000, 500)).unwrap();
    // 1,000 x $2/M and 500 x $10/M, whatever it picks.
    assert_eq!((found.likely.total, found.cache_hit), (usd("0.007"), None));
    assert_eq!(found.served_by, "the ceiling of max_price");
    assert!(found.likely.total <= found.worst.usd());
    let open = estimate(&shape("openrouter/auto", BODY), &Grounds::new(&book, &POLICY), guess(1_000, 500));
    assert!(matches!(open, Err(Unpriced::Router(_))), "{open:?}");
}

#[test]
fn a_known_price_by_hand() {
    let book = Book::new(1, 0, BookSource::Live, vec![model("a/mini", mini(), Vec::new())]);
    let found = estimate(&shape("a/mini", BODY), &Grounds::new(&book, &POLICY), guess(2_501, 500)).unwrap();
    // 2,501 x $0.15/M = $0.00037515; 500 x $0.60/M = $0.0003.
    assert_eq!(found.likely.total, usd("0.00067515"));
    let told: Vec<_> = found
        .likely
        .terms
        .iter()
        .map(|term| (term.what, term.quantity, term.rate.as_str(), term.amount))
        .collect();
    assert_eq!(told, [("prompt", 2_501, "0.15", usd("0.00037515")), ("answer", 500, "0.6", usd("0.0003"))]);
    // 2,501 x $0.075/M = $0.000187575.
    assert_eq!(found.cache_hit.unwrap().total, usd("0.000487575"));
    // 10,000 bytes + 268 of template, one femto-dollar up: 10,268 x $0.150000001/M + 16,384 x $0.600000001/M.
    assert_eq!(found.worst.usd(), usd("0.001540201").saturating_add(usd("0.009830401")));
    assert_eq!((found.model.as_str(), found.served_by.as_str()), ("a/mini", "a/mini"));
}

#[test]
fn who_is_likely_to_serve() {
    let (row, dear, cheap) =
        (prices("0.000002", "0.000008"), prices("0.000003", "0.000008"), prices("0.000001", "0.000009"));
    let endpoints = vec![
        endpoint("Dear", dear),
        endpoint("Row", row.clone()),
        endpoint("Cheap", cheap),
        endpoint("Same", row.clone()),
    ];
    let book = Book::new(1, 0, BookSource::Live, vec![model("a/m", row, endpoints)]);
    let by = |asked: &str, only: &[&'static str], guess: Guess| {
        let only = only.iter().map(|name| Cow::Borrowed(*name)).collect();
        let found =
            estimate(&Shape { only, ..shape(asked, BODY) }, &Grounds::new(&book, &POLICY), guess).unwrap();
        (found.served_by, found.likely.total)
    };
    // 1,000 in and 100 out at $2 and $8 a million.
    assert_eq!(by("a/m", &[], guess(1_000, 100)), ("Row or Same".to_owned(), usd("0.0028")));
    assert_eq!(by("a/m:floor", &[], guess(1_000, 100)), ("Cheap".to_owned(), usd("0.0019")));
    // With a long answer another one is the cheapest.
    assert_eq!(by("a/m:floor", &[], guess(100, 1_000)), ("Row".to_owned(), usd("0.0082")));
    assert_eq!(by("a/m", &["dear"], guess(1_000, 100)), ("Dear".to_owned(), usd("0.0038")));
}

#[test]
fn long_contexts_and_cache_writes() {
    let mut long = prices("0.000003", "0.000015").with(PriceKey::CacheWrite, rate("0.00000375"));
    let prompt = |text: &str| Rates::default().with(PriceKey::Prompt, rate(text));
    long.overrides = vec![
        Override { min_prompt_tokens: Some(5_000), schedule: None, rates: prompt("0.000006") },
        Override {
            min_prompt_tokens: None,
            schedule: Some(Schedule::on(Schedule::ALL_DAYS)),
            rates: prompt("0.5"),
        },
    ];
    let row = Model { family: Family::Claude, ..model("a/m", long, Vec::new()) };
    let book = Book::new(1, 0, BookSource::Live, vec![row]);
    let likely = |cache_write, guess| {
        let request = Shape { cache_write, ..shape("a/m", BODY) };
        estimate(&request, &Grounds::new(&book, &POLICY), guess).unwrap().likely
    };
    assert_eq!(likely(CacheWrite::None, guess(5_000, 0)).total, usd("0.015"), "strictly above the threshold");
    assert_eq!(likely(CacheWrite::None, guess(5_001, 0)).total, usd("0.030006"));
    let written = likely(CacheWrite::FiveMinutes, guess(1_000, 100));
    assert_eq!((written.terms[0].what, written.total), ("prompt, written to a cache", usd("0.00525")));
}

#[test]
fn what_is_expected_when_nobody_says() {
    let book = Book::new(1, 0, BookSource::Live, vec![model("a/mini", mini(), Vec::new())]);
    let output = |shape: Shape<'_>, output_tokens| {
        let guess = Guess { prompt_tokens: 100, output_tokens };
        estimate(&shape, &Grounds::new(&book, &POLICY), guess).unwrap().output_tokens
    };
    let plain = || shape("a/mini", BODY);
    assert_eq!(output(plain(), None), 500);
    assert_eq!(output(Shape { output_cap: Some(64), ..plain() }, None), 64, "never above the cap");
    assert_eq!(output(Shape { output_cap: Some(64), ..plain() }, Some(1_000)), 64);
    assert_eq!(output(Shape { reasoning_budget: 1_024, ..plain() }, None), 1_524);
    assert_eq!(output(Shape { choices: 3, ..plain() }, Some(10)), 30);
}

#[test]
fn free_is_free_and_what_has_no_bound_has_no_estimate() {
    let rows = vec![
        model("a/gift:free", prices("0", "0"), Vec::new()),
        model("a/zero", prices("0", "0"), Vec::new()),
        Model { prices: RowPrices::Dynamic, ..model("a/router", mini(), Vec::new()) },
    ];
    let book = Book::new(1, 0, BookSource::Live, rows);
    let found =
        estimate(&shape("a/gift:free", BODY), &Grounds::new(&book, &POLICY), guess(100, 100)).unwrap();
    assert_eq!((found.likely.total, found.worst.usd()), (Nano::ZERO, Nano::ZERO));
    let refused =
        |name| estimate(&shape(name, BODY), &Grounds::new(&book, &POLICY), guess(1, 1)).unwrap_err();
    assert_eq!(refused("a/zero"), Unpriced::ZeroPrice("a/zero".to_owned()));
    assert_eq!(refused("a/router"), Unpriced::Router("a/router".to_owned()));
    assert_eq!(refused("a/gone"), Unpriced::UnknownModel("a/gone".to_owned()));
    assert_eq!(
        estimate(&Shape::default(), &Grounds::new(&book, &POLICY), guess(1, 1)),
        Err(Unpriced::NoModel)
    );
}

#[test]
fn models_by_their_size_alone() {
    let fee = mini().with(PriceKey::Request, rate("0.005"));
    let row = model("a/mini", fee, Vec::new());
    let cost = usual_cost(&row, "a/mini", 2_000, 500).unwrap();
    // $0.0003 + $0.005 + $0.0003.
    assert_eq!((cost.total, cost.terms.len()), (usd("0.0056"), 3));
    assert_eq!(usual_cost(&Model { prices: RowPrices::Dynamic, ..row }, "a/mini", 1, 1), None);
}

fn rates<const N: usize>(listed: [(PriceKey, Option<Rate>); N]) -> Rates {
    let listed = listed.into_iter().filter_map(|(key, rate)| Some((key, rate?)));
    listed.fold(Rates::default(), |rates, (key, rate)| rates.with(key, rate))
}

fn any_prices() -> impl Strategy<Value = Prices> {
    let rate = || (0_u64..100_000_000_000).prop_map(Rate::from_femtos);
    let maybe = move || proptest::option::of(rate());
    let condition = (proptest::option::of(0_u64..20_000), any::<bool>(), maybe(), maybe(), maybe());
    let condition =
        condition.prop_map(|(min_prompt_tokens, timed, prompt, completion, cache_read)| Override {
            min_prompt_tokens,
            schedule: timed.then(|| Schedule::on(Schedule::ALL_DAYS)),
            rates: rates([
                (PriceKey::Prompt, prompt),
                (PriceKey::Completion, completion),
                (PriceKey::CacheRead, cache_read),
            ]),
        });
    let base = (rate(), rate(), rate(), maybe(), maybe(), maybe());
    (base, proptest::collection::vec(condition, 0..3)).prop_map(
        |((prompt, completion, request, cache_read, cache_write, cache_write_1h), overrides)| Prices {
            rates: rates([
                (PriceKey::Prompt, Some(prompt.saturating_add(Rate::from_femtos(1)))),
                (PriceKey::Completion, Some(completion)),
                (PriceKey::Request, Some(request)),
                (PriceKey::CacheRead, cache_read),
                (PriceKey::CacheWrite, cache_write),
                (PriceKey::CacheWriteHour, cache_write_1h),
            ]),
            overrides,
            ..Prices::default()
        },
    )
}

fn any_endpoint() -> impl Strategy<Value = Endpoint> {
    let tier = prop_oneof![Just(Tier::Standard), Just(Tier::Premium)];
    (0..4_usize, any_prices(), any::<bool>(), any::<bool>(), tier).prop_map(
        |(name, prices, supports_output_cap, implicit_caching, tier)| Endpoint {
            supports_output_cap,
            implicit_caching,
            tier,
            ..endpoint(["W", "X", "Y", "Z"][name], prices)
        },
    )
}

proptest! {
    #[test]
    fn likely_is_never_above_the_worst(
        row in any_prices(),
        endpoints in proptest::collection::vec(any_endpoint(), 0..5),
        row_is_an_endpoint in any::<bool>(),
        claude in any::<bool>(),
        floor in any::<bool>(),
        insists in any::<bool>(),
        cache in 0..3_u8,
        choices in 1..4_u32,
        bytes in 0..30_000_usize,
        cap in proptest::option::of(1_u64..20_000),
        prompt in 0_u64..200_000,
        output in proptest::option::of(0_u64..30_000),
    ) {
        let mut endpoints = endpoints;
        if row_is_an_endpoint && !endpoints.is_empty() {
            endpoints.push(endpoint("Row", row.clone()));
        }
        let family = if claude { Family::Claude } else { Family::Gemini };
        let row = Model { family, ..model("a/m", row, endpoints) };
        let book = Book::new(1, 0, BookSource::Live, vec![row]);
        let body = vec![b'x'; bytes];
        let request = Shape {
            cache_write: [CacheWrite::None, CacheWrite::FiveMinutes, CacheWrite::OneHour][usize::from(cache)],
            choices,
            output_cap: cap,
            only: insists.then_some(Cow::Borrowed("x")).into_iter().collect(),
            ..shape(if floor { "a/m:floor" } else { "a/m" }, &body)
        };
        let guess = Guess { prompt_tokens: prompt, output_tokens: output };
        let (found, worst) = (estimate(&request, &Grounds::new(&book, &POLICY), guess), bound(&request, &Grounds::new(&book, &POLICY)));
        let (found, worst) = match (found, worst) {
            (Ok(found), Ok(worst)) => (found, worst),
            (found, worst) => {
                prop_assert_eq!(found.err(), worst.err());
                return Ok(());
            }
        };
        prop_assert_eq!(&found.worst, &worst, "the worst is the bound itself");
        prop_assert!(found.likely.total <= worst.usd(), "{:?} above {}", found.likely, worst.usd());
        prop_assert!(found.prompt_tokens <= worst.input_tokens);
        for sum in found.cache_hit.iter().chain([&found.likely]) {
            prop_assert_eq!(sum.terms.iter().map(|term| term.amount).sum::<Nano>(), sum.total);
            prop_assert!(sum.total <= found.likely.total);
        }
    }
}
