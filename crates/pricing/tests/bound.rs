//! The bound against tables, and against an adversary who bills as dearly as the permission lets him.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::borrow::Cow;

use money::{Nano, Rate};
use pricing::{
    Book, BookSource, Bound, BoundPolicy, CacheWrite, CallerMaxPrice, Class, Distrust, Distrusted, Endpoint,
    Family, Grounds, Growth, Model, Override, PriceKey, Prices, Rates, Reason, RowPrices, Schedule, Shape,
    Tier, UnknownPrice, Unpriced, bound,
};
use proptest::prelude::*;

static POLICY: BoundPolicy = BoundPolicy::DEFAULT;

fn rate(text: &str) -> Rate {
    Rate::parse_ceil(text).unwrap()
}

fn prices(prompt: &str, completion: &str) -> Prices {
    Prices::new(rate(prompt), rate(completion))
}

fn model(id: &str, prices: Prices, endpoints: Option<Vec<Endpoint>>) -> Model {
    Model {
        id: id.to_owned(),
        canonical_slug: format!("{id}-dated"),
        alias_target: None,
        context_length: Some(128_000),
        max_completion_tokens: Some(16_384),
        family: Family::Gpt,
        prices: RowPrices::Priced(prices),
        endpoints,
        outputs: pricing::Modalities::TEXT,
        supports_output_cap: true,
        ..Model::default()
    }
}

fn endpoint(tag: &str, prices: Prices) -> Endpoint {
    Endpoint {
        provider: tag.to_owned(),
        tag: tag.to_owned(),
        context_length: Some(128_000),
        max_completion_tokens: Some(16_384),
        max_prompt_tokens: None,
        prices: RowPrices::Priced(prices),
        supports_output_cap: true,
        implicit_caching: false,
        ..Endpoint::default()
    }
}

fn book(models: Vec<Model>) -> Book {
    Book::new(7, 0, BookSource::Live, models)
}

fn shape<'a>(models: &[&'a str], body: &'a [u8]) -> Shape<'a> {
    Shape {
        models: models.iter().map(|name| Cow::Borrowed(*name)).collect(),
        body,
        messages: 1,
        choices: 1,
        ..Shape::default()
    }
}

const BODY: &[u8] = &[b'x'; 1000];

#[test]
fn the_dearest_endpoint_sets_the_price() {
    let cheap = prices("0.0000001", "0.0000002");
    let dear = prices("0.0000004", "0.0000003");
    let book = book(vec![model("a/m", cheap.clone(), Some(vec![endpoint("x", cheap), endpoint("y", dear)]))]);
    let bound =
        bound(&Shape { output_cap: Some(100), ..shape(&["a/m"], BODY) }, &Grounds::new(&book, &POLICY))
            .unwrap();
    assert_eq!(bound.max_price.prompt.femtos(), 400_000_001, "one femto-dollar above the dearest");
    assert_eq!(bound.max_price.completion.femtos(), 300_000_001);
    assert_eq!((bound.class, bound.output_cap, bound.asked_cap), (Class::Proven, 100, Some(100)));
    assert_eq!(bound.input_tokens, 1000 + 256 + 12);
    assert_eq!(bound.usd(), Nano::from_nanos(507_201 + 30_001));
    assert_eq!((bound.book_version, bound.model.as_str()), (7, "a/m"));
    let explained = bound.explain(100);
    assert_eq!(explained.terms.iter().map(|term| term.amount).sum::<Nano>(), explained.total);
    assert_eq!((explained.dearest.as_str(), explained.class), ("y (y)", "proven"));
}

#[test]
fn the_callers_own_ceiling_wins() {
    let (cheap, dear) = (prices("0.0000001", "0.0000002"), prices("0.0000004", "0.0000003"));
    let book = book(vec![model("a/m", cheap.clone(), Some(vec![endpoint("x", cheap), endpoint("y", dear)]))]);
    let mut request = shape(&["a/m"], BODY);
    request.caller_max_price =
        Some(CallerMaxPrice { prompt: Some(rate("0.00000020")), ..CallerMaxPrice::default() });
    let within = bound(&request, &Grounds::new(&book, &POLICY)).unwrap();
    assert_eq!(within.max_price.prompt.femtos(), 100_000_001, "the dearest endpoint within the ceiling");
    request.caller_max_price =
        Some(CallerMaxPrice { prompt: Some(rate("0.0000001")), ..CallerMaxPrice::default() });
    assert_eq!(bound(&request, &Grounds::new(&book, &POLICY)).unwrap().max_price.prompt, rate("0.0000001"));
    request.caller_max_price = Some(CallerMaxPrice { prompt: Some(Rate::ZERO), ..CallerMaxPrice::default() });
    assert_eq!(
        bound(&request, &Grounds::new(&book, &POLICY)),
        Err(Unpriced::NothingWithinMaxPrice("a/m".to_owned()))
    );
}

#[test]
fn overrides_hold_strictly_above_their_threshold() {
    let mut base = prices("0.000002", "0.00001");
    base.overrides = vec![Override {
        min_prompt_tokens: Some(1268),
        rates: Rates::default()
            .with(PriceKey::Prompt, rate("0.000004"))
            .with(PriceKey::Completion, rate("0.000015")),
        ..Override::default()
    }];
    let book = book(vec![model("a/m", base.clone(), Some(vec![endpoint("x", base)]))]);
    let at = bound(&shape(&["a/m"], BODY), &Grounds::new(&book, &POLICY)).unwrap();
    assert_eq!((at.input_tokens, at.class), (1268, Class::Proven));
    assert_eq!(at.output_rate.femtos(), 10_000_000_001);
    let longer = [b'x'; 1001];
    let above = bound(&shape(&["a/m"], &longer), &Grounds::new(&book, &POLICY)).unwrap();
    assert_eq!(above.output_rate, rate("0.000015"));
    assert!(above.reasons.contains(Reason::Override) && above.class == Class::Published);
    assert_eq!(above.max_price.prompt.femtos(), 2_000_000_001, "the base price is what is filtered");
}

#[test]
fn conditions_of_the_row_hold_for_an_endpoint_that_lists_none() {
    let long = |completion: &str| Override {
        min_prompt_tokens: Some(1_000),
        rates: Rates::default().with(PriceKey::Completion, rate(completion)),
        ..Override::default()
    };
    let bare = || prices("0.000002", "0.00001");
    let row = Prices { overrides: vec![long("0.000015")], ..bare() };
    let own = Prices { overrides: vec![long("0.000012")], ..bare() };
    let found = |row: &Prices, endpoints: &[&Prices], body: &[u8]| {
        let endpoints =
            endpoints.iter().zip(["x", "y"]).map(|(prices, tag)| endpoint(tag, (*prices).clone()));
        let book = book(vec![model("a/m", row.clone(), Some(endpoints.collect()))]);
        bound(&shape(&["a/m"], body), &Grounds::new(&book, &POLICY)).unwrap()
    };
    let of_row = found(&row, &[&bare()], BODY);
    assert_eq!(of_row.output_rate, rate("0.000015"));
    assert!(of_row.reasons.contains(Reason::Override) && of_row.class == Class::Published);
    assert_eq!(found(&row, &[&own, &bare()], BODY).output_rate, rate("0.000015"), "the second lists none");
    assert_eq!(found(&row, &[&own], BODY).output_rate, rate("0.000012"), "it lists its own");
    let unknown = vec![UnknownPrice { key: "comet".to_owned(), value: "3".to_owned() }];
    let odd = book(vec![model(
        "a/m",
        Prices { unknown, ..row.clone() },
        Some(vec![endpoint("x", own.clone()), endpoint("y", bare())]),
    )]);
    let kept = bound(&shape(&["a/m"], BODY), &Grounds::new(&odd, &POLICY)).unwrap();
    assert_eq!(kept.ignore, ["y"], "a condition of the row has a price that nobody knows");
    let short = found(&row, &[&bare()], &BODY[..100]);
    assert_eq!((short.output_rate.femtos(), short.class), (10_000_000_001, Class::Proven));
    assert_eq!(found(&bare(), &[&bare()], BODY).class, Class::Proven);
}

#[test]
fn time_of_day_prices_always_count() {
    let mut base = prices("0.000001", "0.000001");
    base.overrides = vec![Override {
        schedule: Some(Schedule::on(Schedule::ALL_DAYS)),
        rates: Rates::default().with(PriceKey::Completion, rate("0.000003")),
        ..Override::default()
    }];
    let book = book(vec![model("a/m", base.clone(), Some(vec![endpoint("x", base)]))]);
    assert_eq!(
        bound(&shape(&["a/m"], BODY), &Grounds::new(&book, &POLICY)).unwrap().output_rate,
        rate("0.000003")
    );
}

#[test]
fn cache_writes_where_they_can_be_met() {
    let listed = prices("0.000001", "0.000005")
        .with(PriceKey::CacheWrite, rate("0.00000125"))
        .with(PriceKey::CacheWriteHour, rate("0.000002"));
    let bare = prices("0.000001", "0.000005");
    for (family, row, asked, expect) in [
        (Family::Claude, &listed, CacheWrite::None, "0.000001"),
        (Family::Claude, &listed, CacheWrite::FiveMinutes, "0.00000125"),
        (Family::Claude, &listed, CacheWrite::OneHour, "0.000002"),
        (Family::Claude, &bare, CacheWrite::FiveMinutes, "0.00000125"),
        (Family::Claude, &bare, CacheWrite::OneHour, "0.000002"),
        (Family::Gpt, &listed, CacheWrite::None, "0.00000125"),
        (Family::Gpt, &bare, CacheWrite::OneHour, "0.000001"),
    ] {
        let row = Model { family, ..model("a/m", row.clone(), Some(vec![endpoint("x", row.clone())])) };
        let request = Shape { cache_write: asked, output_cap: Some(1), ..shape(&["a/m"], BODY) };
        let found = bound(&request, &Grounds::new(&book(vec![row]), &POLICY)).unwrap();
        let input = found.input;
        let least = rate(expect).times(found.input_tokens);
        let most = rate(expect).saturating_add(Rate::from_femtos(3)).times(found.input_tokens);
        assert!((least..=most).contains(&input), "{family:?} {asked:?}: {input} is not about {least}");
    }
    let gemini = prices("0.0000003", "0.0000025").with(PriceKey::CacheWrite, rate("0.00000008333"));
    let row =
        Model { family: Family::Gemini, ..model("g/m", gemini.clone(), Some(vec![endpoint("x", gemini)])) };
    let request = Shape { cache_write: CacheWrite::FiveMinutes, ..shape(&["g/m"], BODY) };
    let found = bound(&request, &Grounds::new(&book(vec![row]), &POLICY)).unwrap();
    assert!(
        found.input >= rate("0.00000038333").times(found.input_tokens),
        "storage comes on top of the prompt"
    );
}

/// A write is dearer than its own endpoint's prompt, and cheaper than another's.
#[test]
fn a_cache_write_is_no_storage_for_being_cheaper_than_another_prompt() {
    let input_rate = |prices: &[Prices]| {
        let endpoints =
            prices.iter().enumerate().map(|(at, prices)| endpoint(&format!("p{at}"), prices.clone()));
        let row = model("a/m", prices[0].clone(), Some(endpoints.collect()));
        let row = Model { family: Family::Claude, ..row };
        let request =
            Shape { cache_write: CacheWrite::FiveMinutes, output_cap: Some(1), ..shape(&["a/m"], BODY) };
        bound(&request, &Grounds::new(&book(vec![row]), &POLICY)).unwrap().explain(1).terms[0].rate.clone()
    };
    let claude = |prompt, write| prices(prompt, "0.00003").with(PriceKey::CacheWrite, rate(write));
    let near = claude("0.000005", "0.00000625");
    assert_eq!(input_rate(&[near.clone(), claude("0.00000755", "0.0000094375")]), "9.4375");
    assert_eq!(
        input_rate(&[near, prices("0.00000755", "0.00003")]),
        "9.437500002",
        "1.25 times what it permits"
    );
}

#[test]
fn one_ceiling_for_all_models() {
    let book = book(vec![
        model("a/cheap", prices("0.0000001", "0.0000001"), None),
        model("a/dear", prices("0.000001", "0.000009"), None),
    ]);
    let alone = bound(&shape(&["a/cheap"], BODY), &Grounds::new(&book, &POLICY)).unwrap();
    let both = bound(&shape(&["a/cheap", "a/dear"], BODY), &Grounds::new(&book, &POLICY)).unwrap();
    assert_eq!(both.max_price.completion.femtos(), 9_000_000_001);
    assert!(both.usd() > alone.usd() && both.reasons.contains(Reason::EndpointsUnknown));
}

#[test]
fn endpoints_that_may_ignore_the_cap() {
    let row = prices("0.000001", "0.000001");
    let free_spender =
        Endpoint { supports_output_cap: false, max_completion_tokens: None, ..endpoint("wild", row.clone()) };
    let with = |endpoints| book(vec![model("a/m", row.clone(), Some(endpoints))]);
    let two = with(vec![endpoint("tame", row.clone()), free_spender.clone()]);
    let excluded = bound(&shape(&["a/m"], BODY), &Grounds::new(&two, &POLICY)).unwrap();
    assert_eq!((excluded.ignore.as_slice(), excluded.class), (&["wild".to_owned()][..], Class::Proven));

    let only = Shape { only: [Cow::Borrowed("Wild")].into_iter().collect(), ..shape(&["a/m"], BODY) };
    let kept = bound(&only, &Grounds::new(&two, &POLICY)).unwrap();
    assert!(kept.ignore.is_empty() && kept.reasons.contains(Reason::OutputLimit));
    assert!(kept.uncapped_output >= rate("0.000001").times(128_000));
    assert_eq!(kept.usd_at(1), kept.usd_at(100), "no cap makes it cheaper");
    assert_eq!(kept.cap_within(kept.input), None);
    let told = kept.explain(100);
    let answer = told.terms.last().unwrap();
    let per_token = Rate::parse_per_million_floor(&answer.rate).unwrap();
    assert_eq!(per_token.times(answer.quantity), answer.amount, "its figures multiply");
    assert_eq!(told.terms.iter().map(|term| term.amount).sum::<Nano>(), told.total);

    let alone =
        bound(&shape(&["a/m"], BODY), &Grounds::new(&with(vec![free_spender.clone()]), &POLICY)).unwrap();
    assert!(alone.ignore.is_empty() && alone.class == Class::Published);
    let limitless = Endpoint { context_length: None, ..free_spender };
    assert_eq!(
        bound(&shape(&["a/m"], BODY), &Grounds::new(&with(vec![limitless]), &POLICY)),
        Err(Unpriced::NoOutputLimit("a/m".to_owned()))
    );

    let sibling = with(vec![
        endpoint("wild/fp8", row.clone()),
        Endpoint { supports_output_cap: false, ..endpoint("wild", row.clone()) },
    ]);
    let kept = bound(&shape(&["a/m"], BODY), &Grounds::new(&sibling, &POLICY)).unwrap();
    assert!(kept.ignore.is_empty(), "ignoring 'wild' would ignore 'wild/fp8' too");
}

#[test]
fn premium_tiers_count_only_when_reachable() {
    let row = prices("0.000001", "0.000001");
    let tier = Endpoint { tier: Tier::Premium, ..endpoint("x/priority", prices("0.000002", "0.000002")) };
    let book = book(vec![model("a/m", row.clone(), Some(vec![endpoint("x", row), tier]))]);
    let plain = bound(&shape(&["a/m"], BODY), &Grounds::new(&book, &POLICY)).unwrap();
    let nitro = bound(&shape(&["a/m:nitro"], BODY), &Grounds::new(&book, &POLICY)).unwrap();
    assert_eq!(plain.max_price.prompt.femtos(), 1_000_000_001);
    assert_eq!(nitro.max_price.prompt.femtos(), 2_000_000_001);
}

#[test]
fn limits_of_cap_and_context() {
    let row = prices("0.000001", "0.000001");
    let book = book(vec![model("a/m", row.clone(), Some(vec![endpoint("x", row)]))]);
    let large = vec![b'x'; 400_000];
    let found =
        bound(&Shape { output_cap: Some(1 << 30), ..shape(&["a/m"], &large) }, &Grounds::new(&book, &POLICY))
            .unwrap();
    assert_eq!((found.output_cap, found.input_tokens), (16_384, 128_000));
    assert!(found.reasons.contains(Reason::ContextLength));
    assert_eq!(bound(&shape(&["a/m"], BODY), &Grounds::new(&book, &POLICY)).unwrap().output_cap, 16_384);
}

#[test]
fn what_has_no_bound() {
    let row = prices("0.000001", "0.000001");
    let zero = prices("0", "0");
    let unknown = Prices {
        unknown: vec![UnknownPrice { key: "moon".to_owned(), value: "1".to_owned() }],
        ..row.clone()
    };
    let book = book(vec![
        model("a/m", row.clone(), None),
        model("a/zero", zero.clone(), None),
        model("a/zero:free", zero.clone(), None),
        model("openrouter/free", zero, None),
        model("openrouter/fusion", row.clone(), None),
        model("perplexity/sonar", row.clone(), None),
        model("openai/gpt-4o-search-preview", row.clone(), None),
        model("a/unknown", unknown, None),
        Model { prices: RowPrices::Dynamic, ..model("a/dynamic", row.clone(), None) },
        Model { prices: RowPrices::Unreadable("x".to_owned()), ..model("a/bad", row.clone(), None) },
        Model { outputs: pricing::Modalities::default(), ..model("a/image", row, None) },
    ]);
    for (name, code) in [
        ("a/m", None),
        ("a/m:floor", None),
        ("a/m:exacto", None),
        ("a/m-dated", None),
        ("a/zero:free", None),
        ("openrouter/free", None),
        ("a/m:online", Some("web_search")),
        ("a/m:batch", Some("variant")),
        ("a/m@preset/x", Some("preset")),
        ("@preset/x", Some("preset")),
        ("a/nowhere", Some("unknown_model")),
        ("", Some("unknown_model")),
        ("a/zero", Some("zero_price")),
        ("openrouter/fusion", Some("router")),
        ("a/dynamic", Some("router")),
        ("perplexity/sonar", Some("searching_model")),
        ("openai/gpt-4o-search-preview", Some("searching_model")),
        ("a/unknown", Some("unknown_price")),
        ("a/bad", Some("unreadable_price")),
        ("a/image", Some("not_text")),
    ] {
        let found = bound(&shape(&[name], BODY), &Grounds::new(&book, &POLICY));
        assert_eq!(found.as_ref().err().map(Unpriced::code), code, "{name}");
        if let Err(reason) = found {
            let sentence = reason.to_string();
            assert!(sentence.len() < 220 && !sentence.ends_with('.'), "{sentence}");
        }
    }
    assert_eq!(bound(&shape(&[], BODY), &Grounds::new(&book, &POLICY)), Err(Unpriced::NoModel));
    let free = bound(&shape(&["a/zero:free"], BODY), &Grounds::new(&book, &POLICY)).unwrap();
    assert_eq!((free.usd(), free.class), (Nano::ZERO, Class::Proven));
    assert_eq!(free.cap_within(Nano::ZERO), Some(16_384));
}

#[test]
fn a_cap_that_is_advised_fits_once_it_is_written_down() {
    let book = book(vec![model("a/m", prices("0.000001", "0.000002"), None)]);
    let amount = Nano::from_cents(1);
    let without = bound(&shape(&["a/m"], BODY), &Grounds::new(&book, &POLICY)).unwrap();
    let advised = without.cap_to_ask_for(amount).unwrap();
    assert!(advised < without.cap_within(amount).unwrap());
    let body =
        [&BODY[..BODY.len() - 1], format!(", \"max_completion_tokens\": {advised}}}").as_bytes()].concat();
    let request = Shape { output_cap: Some(advised), ..shape(&["a/m"], &body) };
    let with = bound(&request, &Grounds::new(&book, &POLICY)).unwrap();
    assert!(with.usd() <= amount);
    assert_eq!(with.cap_to_ask_for(amount), with.cap_within(amount), "it is in the body already");
}

/// Providers refuse a cap below the reasoning that is asked for.
#[test]
fn a_cap_of_ours_leaves_room_for_the_reasoning() {
    let plain = model("a/m", prices("0.000001", "0.000002"), None);
    for (limit, asked, reasoning, expected) in [
        (Some(64_000), None, 0, 16_384),
        (Some(64_000), None, 20_000, 36_384),
        (Some(30_000), None, 20_000, 30_000),
        (Some(64_000), Some(25_000), 20_000, 25_000),
    ] {
        let book = book(vec![Model { max_completion_tokens: limit, ..plain.clone() }]);
        let request = Shape { output_cap: asked, reasoning_budget: reasoning, ..shape(&["a/m"], BODY) };
        let found = bound(&request, &Grounds::new(&book, &POLICY)).unwrap();
        assert_eq!(found.output_cap, expected, "{asked:?} {reasoning}");
    }
}

#[test]
fn names_and_aliases() {
    let row = prices("0.000001", "0.000001");
    let alias = Model { alias_target: Some("a/m".to_owned()), ..model("~a/latest", row.clone(), None) };
    let mut free = model("a/only:free", prices("0", "0"), None);
    free.canonical_slug = "a/only".to_owned();
    let book = book(vec![model("a/m", row, None), alias, free]);
    assert_eq!(book.model("~a/latest").unwrap().id, "a/m");
    assert!(book.model("a/only").is_none(), "a canonical slug never means the free row");
    assert!(
        bound(&shape(&["~a/latest"], BODY), &Grounds::new(&book, &POLICY))
            .unwrap()
            .reasons
            .contains(Reason::Alias)
    );
    let newer = book.with_endpoints("a/m", vec![endpoint("x", prices("0.000001", "0.000001"))]);
    assert_eq!(newer.version, 8);
    assert!(
        newer.model("a/m").unwrap().endpoints.is_some() && book.model("a/m").unwrap().endpoints.is_none()
    );
}

fn rates<const N: usize>(listed: [(PriceKey, Option<Rate>); N]) -> Rates {
    let listed = listed.into_iter().filter_map(|(key, rate)| Some((key, rate?)));
    listed.fold(Rates::default(), |rates, (key, rate)| rates.with(key, rate))
}

fn any_rate() -> impl Strategy<Value = Rate> {
    prop_oneof![Just(Rate::ZERO), (1..50_000_000_000_u64).prop_map(Rate::from_femtos)]
}

prop_compose! {
    fn any_override()(threshold in proptest::option::of(0..4000_u64), timed: bool,
        prompt in proptest::option::of(any_rate()), completion in proptest::option::of(any_rate()),
        cache_write in proptest::option::of(any_rate()), request in proptest::option::of(any_rate())) -> Override {
        let rates = rates([(PriceKey::Prompt, prompt), (PriceKey::Completion, completion), (PriceKey::CacheWrite, cache_write), (PriceKey::Request, request)]);
        Override { min_prompt_tokens: threshold, schedule: timed.then(|| Schedule::on(Schedule::ALL_DAYS)), rates }
    }
}

prop_compose! {
    fn any_prices()(prompt in any_rate(), completion in any_rate(), request in any_rate(),
        cache_read in proptest::option::of(any_rate()), cache_write in proptest::option::of(any_rate()),
        internal_reasoning in proptest::option::of(any_rate()),
        overrides in proptest::collection::vec(any_override(), 0..3)) -> Prices {
        let rates = rates([(PriceKey::Prompt, Some(prompt)), (PriceKey::Completion, Some(completion)),
            (PriceKey::Request, Some(request)), (PriceKey::CacheRead, cache_read), (PriceKey::CacheWrite, cache_write),
            (PriceKey::Reasoning, internal_reasoning)]);
        Prices { rates, overrides, ..Prices::default() }
    }
}

prop_compose! {
    fn any_endpoint()(prices in any_prices(), capped in proptest::bool::weighted(0.8), limit in proptest::option::of(1..50_000_u64),
        context in 10..200_000_u64, tag in "[a-c](/[xy])?", premium: bool) -> Endpoint {
        Endpoint {
            max_completion_tokens: limit,
            context_length: Some(context),
            supports_output_cap: capped,
            tier: if premium { Tier::Premium } else { Tier::Standard },
            ..endpoint(&tag, prices)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// An endpoint within the permission and not ignored may apply any override whose threshold the prompt passes,
    /// its own or, where it lists none, the row's, write the whole prompt to a cache, and answer to the cap (or to its
    /// own limit, when it ignores caps).
    #[test]
    fn no_adversary_bills_above_the_bound(
        endpoints in proptest::collection::vec(any_endpoint(), 1..5),
        other in proptest::collection::vec(any_endpoint(), 1..3),
        of_row in proptest::collection::vec(any_override(), 0..2),
        body in proptest::collection::vec(b'a'..=b'z', 0..3000),
        cap in 1..40_000_u64, choices in 1..4_u32, affordable in 0..1_000_000_000_i64,
    ) {
        let row = Prices { overrides: of_row.clone(), ..prices("0.000001", "0.000001") };
        let wide = |id: &str, endpoints: &Vec<Endpoint>| Model {
            context_length: None, ..model(id, row.clone(), Some(endpoints.clone()))
        };
        let book = book(vec![wide("a/m", &endpoints), wide("a/o", &other)]);
        let request = Shape {
            output_cap: Some(cap), choices, cache_write: CacheWrite::FiveMinutes, ..shape(&["a/m", "a/o"], &body)
        };
        let Ok(found) = bound(&request, &Grounds::new(&book, &POLICY)) else { return Ok(()) };
        prop_assert!(found.output_cap <= cap && found.output_cap >= 1);
        let cap = found.cap_within(Nano::from_nanos(affordable));
        if let Some(cap) = cap {
            prop_assert!(found.usd_at(cap) <= Nano::from_nanos(affordable));
            prop_assert!(cap == found.output_cap || found.usd_at(cap + 1) > Nano::from_nanos(affordable));
        }
        let cap = cap.unwrap_or(found.output_cap);
        for endpoint in endpoints.iter().chain(&other) {
            let Some(p) = endpoint.prices.priced() else { continue };
            let shut = found.ignore.iter().any(|tag| endpoint.tag == *tag || endpoint.tag.starts_with(&format!("{tag}/")));
            if shut || p.prompt() > found.max_price.prompt || p.completion() > found.max_price.completion
                || found.max_price.request.is_some_and(|most| p.request() > most) {
                continue;
            }
            let tokens = (body.len() as u64 + 256).min(endpoint.context_length.unwrap_or(u64::MAX));
            let overrides = if p.overrides.is_empty() { &of_row } else { &p.overrides };
            let applies: Vec<&Override> =
                overrides.iter().filter(|o| o.min_prompt_tokens.is_none_or(|least| tokens > least)).collect();
            let last = |key: PriceKey| {
                applies.iter().rev().find_map(|o| o.rates[key]).or(p.rates[key]).unwrap_or_default()
            };
            let input = last(PriceKey::Prompt).max(last(PriceKey::CacheWrite)).max(last(PriceKey::CacheRead));
            let output = last(PriceKey::Completion).max(last(PriceKey::Reasoning));
            let answered = if endpoint.supports_output_cap { cap } else { endpoint.output_limit().unwrap_or(0) };
            let bill = input.times(tokens)
                .saturating_add(last(PriceKey::Request).times(1))
                .saturating_add(output.saturating_mul(u64::from(choices)).times(answered));
            prop_assert!(bill <= found.usd_at(cap), "{} bills {bill}, bound {}", endpoint.tag, found.usd_at(cap));
        }
    }
}

/// The bound of a call to `a/m`, served by these, with one provider that is not trusted.
fn distrusting(endpoints: Option<&[&str]>, provider: &str, growth: Option<u64>) -> Result<Bound, Unpriced> {
    let plain = || prices("0.000001", "0.00001");
    let endpoints = endpoints.map(|tags| tags.iter().map(|tag| endpoint(tag, plain())).collect());
    let book = book(vec![model("a/m", plain(), endpoints)]);
    let mut distrust = Distrust::default();
    let growth = growth.map(Growth::from_thousandths);
    distrust.add("a/m", Distrusted { provider: provider.to_owned(), growth, in_vain: false });
    bound(
        &Shape { output_cap: Some(1_000), ..shape(&["a/m"], BODY) },
        &Grounds { distrust: Some(&distrust), ..Grounds::new(&book, &POLICY) },
    )
}

#[test]
fn who_broke_their_word_is_left_out_where_others_remain() {
    let plain = distrusting(Some(&["x", "y"]), "nobody", Some(2_000)).unwrap();
    assert!(plain.growth.is_none() && plain.ignore.is_empty(), "it serves another model");
    for growth in [Some(2_000), None] {
        let bound = distrusting(Some(&["x", "y"]), "X", growth).unwrap();
        assert_eq!((bound.usd(), bound.ignore), (plain.usd(), vec!["x".to_owned()]));
        assert!(bound.growth.is_none());
    }
}

/// A bound of `nanos` at a cap of 1,000: the caps within less are the largest, and its lines are its sum.
fn fits_and_adds_up(bound: &Bound, nanos: i64) {
    for amount in [nanos, nanos - 1, nanos / 2] {
        let cap = bound.cap_within(Nano::from_nanos(amount)).unwrap();
        assert!(bound.usd_at(cap).nanos() <= amount);
        assert!(cap == 1_000 || bound.usd_at(cap + 1).nanos() > amount, "no lower than it must be");
    }
    let told = bound.explain(1_000);
    assert_eq!(told.terms.iter().map(|term| term.amount).sum::<Nano>(), told.total);
}

#[test]
fn who_broke_their_word_and_may_be_reached_costs_a_larger_hold() {
    let plain = distrusting(Some(&["x"]), "nobody", None).unwrap();
    for (endpoints, provider) in [(Some(&["x"][..]), "x"), (None, "x"), (Some(&["x", "y"][..]), "")] {
        let bound = distrusting(endpoints, provider, Some(1_500)).unwrap();
        let expect = (plain.usd_at(1_000).nanos() * 3 + 1) / 2;
        assert_eq!((bound.usd().nanos(), bound.ignore.len()), (expect, 0), "{provider}");
        assert_eq!((bound.class, bound.grown_for.as_deref()), (Class::Published, Some(provider)));
        assert!(bound.reasons.contains(Reason::BrokenWord));
        fits_and_adds_up(&bound, expect);
        let refused = distrusting(endpoints, provider, None).unwrap_err();
        assert_eq!(refused.code(), "broken_word");
        assert!(refused.to_string().contains("farebox honesty clear a/m"), "{refused}");
    }
}

#[test]
fn the_fee_for_own_keys_comes_on_top_of_everything() {
    let book = book(vec![model("a/m", prices("0.000001", "0.000003"), None)]);
    let asked = Shape { output_cap: Some(1_000), ..shape(&["a/m"], BODY) };
    let plain = bound(&asked, &Grounds::new(&book, &POLICY)).unwrap();
    let always = BoundPolicy { byok: true, ..BoundPolicy::DEFAULT };
    for grounds in [Grounds { byok: true, ..Grounds::new(&book, &POLICY) }, Grounds::new(&book, &always)] {
        let bound = bound(&asked, &grounds).unwrap();
        let expect = (plain.usd().nanos() * 105 + 99) / 100;
        assert_eq!(bound.usd().nanos(), expect);
        assert!(bound.reasons.contains(Reason::Byok) && bound.class != Class::Proven);
        fits_and_adds_up(&bound, expect);
    }
}

#[test]
fn providers_are_kept_where_the_caller_accepts_no_better() {
    let capped = endpoint("x", prices("0.000001", "0.000003"));
    let unlimited = Endpoint {
        supports_output_cap: false,
        max_completion_tokens: Some(9_000),
        ..endpoint("y", prices("0.000001", "0.000003"))
    };
    let book = book(vec![model("a/m", prices("0.000001", "0.000003"), Some(vec![capped, unlimited]))]);
    let of = |asked: Shape<'_>| bound(&asked, &Grounds::new(&book, &POLICY)).unwrap();
    let plain = Shape { output_cap: Some(100), ..shape(&["a/m"], BODY) };
    let best = of(plain.clone());
    assert_eq!(best.ignore, ["y"]);
    let names = |names: &[&'static str]| names.iter().map(|name| Cow::Borrowed(*name)).collect();
    // Leaving out the rest as well would leave nobody.
    for asked in [
        Shape { ignore: names(&["x"]), ..plain.clone() },
        Shape { only: names(&["y"]), ..plain.clone() },
        Shape { order: names(&["y"]), no_fallbacks: true, ..plain.clone() },
    ] {
        let kept = of(asked);
        assert_eq!(kept.ignore, [""; 0]);
        assert!(kept.reasons.contains(Reason::OutputLimit) && kept.usd() > best.usd());
    }
    for asked in [
        Shape { ignore: names(&["y"]), ..plain.clone() },
        Shape { order: names(&["y"]), ..plain.clone() },
        Shape { order: names(&["y", "x"]), no_fallbacks: true, ..plain.clone() },
    ] {
        assert_eq!(of(asked).ignore, ["y"]);
    }
}
