//! Estimates against sums done by hand, and what must hold of any of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::borrow::Cow;

use money::{Nano, Rate};
use pricing::{
    About, Book, BookSource, BoundPolicy, CacheWrite, CallerMaxPrice, Detail, Effort, Endpoint, Family,
    Feature, Fetch, Grounds, Guess, Media, Modality, Model, Outputs, Override, PdfEngine, PriceKey, Prices,
    Rates, RowPrices, Run, Schedule, Search, ServerTool, Shape, Sum, Thinking, Tier, TierAsked, Unpriced,
    bound, estimate, usual_cost,
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
    assert_eq!(by("a/m:floor", &[], guess(100, 1_000)), ("Row or Same".to_owned(), usd("0.0082")));
    assert_eq!(by("a/m", &["dear"], guess(1_000, 100)), ("Dear".to_owned(), usd("0.0038")));
}

/// gpt-5 as built in: OpenAI at 1.25 and 10, its flex tier at half, its priority tier at twice that, Azure dearer by 38 %.
fn tiered() -> Model {
    let of = |provider: &str, tag: &str, tier, prompt: &str, completion: &str| Endpoint {
        tag: tag.to_owned(),
        tier,
        ..endpoint(provider, prices(prompt, completion))
    };
    let endpoints = vec![
        of("OpenAI", "openai", Tier::Standard, "0.00000125", "0.00001"),
        of("Azure", "azure", Tier::Standard, "0.000001725", "0.0000138"),
        of("Azure", "azure/eu", Tier::Standard, "0.000002", "0.000015"),
        of("OpenAI", "openai/flex", Tier::Flex, "0.000000625", "0.000005"),
        of("OpenAI", "openai/priority", Tier::Premium, "0.0000025", "0.00002"),
    ];
    model("a/m", prices("0.00000125", "0.00001"), endpoints)
}

#[test]
fn the_callers_own_routing_decides_who_serves() {
    let book = Book::new(1, 0, BookSource::Live, vec![tiered()]);
    let check = |edit: &dyn Fn(&mut Shape<'_>), by: &str, total: &str, unserved: bool| {
        let mut request = shape("a/m", BODY);
        edit(&mut request);
        let grounds = Grounds::new(&book, &POLICY);
        let found = estimate(&request, &grounds, guess(10, 500)).unwrap();
        assert_eq!(
            (found.served_by.as_str(), found.likely.total, found.unserved),
            (by, usd(total), unserved)
        );
        assert!(found.likely.total <= found.worst.usd());
        // Whom the caller ignores or orders is nothing to the bound.
        let plain = Shape { tier: request.tier, only: request.only.clone(), ..shape("a/m", BODY) };
        assert_eq!(found.worst, bound(&plain, &grounds).unwrap());
    };
    let (own, azure) = ("0.0050125", "0.00691725");
    check(&|_| {}, "OpenAI", own, false);
    check(&|shape| shape.ignore.push("openai".into()), "Azure", azure, false);
    check(&|shape| shape.ignore.push("azure".into()), "OpenAI", own, false);
    check(&|shape| shape.order.push("azure".into()), "Azure", azure, false);
    check(&|shape| shape.order.push("azure/eu".into()), "Azure", "0.00752", false);
    check(&|shape| shape.order.extend(["nosuch".into(), "azure".into()]), "Azure", azure, false);
    check(&|shape| shape.order.push("nosuch".into()), "OpenAI", own, false);
    check(&|shape| shape.by_price = true, "OpenAI", own, false);
    check(&|shape| shape.only.extend(["azure".into(), "openai".into()]), "OpenAI", own, false);
    let strictly = |name: &'static str| {
        move |shape: &mut Shape<'_>| {
            shape.order.push(name.into());
            shape.no_fallbacks = true;
        }
    };
    check(&strictly("azure"), "Azure", azure, false);
    // Nobody is left: the sums are those of whoever could serve otherwise, and never of another tier.
    check(&strictly("nosuch"), "OpenAI", own, true);
    check(&|shape| shape.only.push("nosuch".into()), "OpenAI", own, true);
    check(&|shape| shape.ignore.extend(["openai".into(), "azure".into()]), "OpenAI", own, true);
    let contradiction = |shape: &mut Shape<'_>| {
        shape.only.push("openai".into());
        shape.ignore.push("OpenAI".into());
    };
    check(&contradiction, "OpenAI", own, true);
    check(&|shape| shape.no_fallbacks = true, "OpenAI", own, false);
    // The tiers.
    check(&|shape| shape.tier = TierAsked::Flex, "OpenAI", "0.00250625", false);
    check(&|shape| shape.tier = TierAsked::Premium, "OpenAI", "0.010025", false);
    let at_azure = |tier| {
        move |shape: &mut Shape<'_>| {
            shape.tier = tier;
            shape.only.push("azure".into());
        }
    };
    check(&at_azure(TierAsked::Flex), "Azure", azure, false);
    check(&at_azure(TierAsked::Premium), "Azure", azure, false);

    // Flex serves an ordinary request under `:floor` alone.
    let floor = estimate(&shape("a/m:floor", BODY), &Grounds::new(&book, &POLICY), guess(10, 500)).unwrap();
    assert_eq!(floor.likely.total, usd("0.00250625"));
    // A model whose endpoints nobody knows may be served by anyone.
    let unknown =
        Book::new(1, 0, BookSource::Live, vec![model("a/m", prices("0.000001", "0.000001"), vec![])]);
    let only = Shape { only: ["nosuch".into()].into_iter().collect(), ..shape("a/m", BODY) };
    assert!(!estimate(&only, &Grounds::new(&unknown, &POLICY), guess(1, 1)).unwrap().unserved);
}

#[test]
fn the_same_request_for_other_models_keeps_its_routing() {
    let request = Shape {
        ignore: ["x".into()].into_iter().collect(),
        order: ["y".into()].into_iter().collect(),
        no_fallbacks: true,
        by_price: true,
        effort: Some(Effort::Low),
        ..shape("a/m", BODY)
    };
    let other = request.with_models(["b/m"]);
    assert_eq!(
        (other.ignore.as_slice(), other.order.as_slice()),
        (["x".into()].as_slice(), ["y".into()].as_slice())
    );
    assert_eq!((other.no_fallbacks, other.by_price, other.effort), (true, true, Some(Effort::Low)));
}

#[test]
fn a_cache_that_not_all_of_them_have() {
    let plain = prices("0.0000025", "0.00001");
    let cached = plain.clone().with(PriceKey::CacheRead, rate("0.00000125"));
    let hit = |endpoints| {
        let book = Book::new(1, 0, BookSource::Live, vec![model("a/m", plain.clone(), endpoints)]);
        let found = estimate(&shape("a/m", BODY), &Grounds::new(&book, &POLICY), guess(1_000, 100)).unwrap();
        (found.served_by, found.cache_hit.map(|hit| (hit.terms[0].what, hit.total)))
    };
    let one = vec![endpoint("Azure", plain.clone()), endpoint("OpenAI", cached.clone())];
    let some = "prompt, cached (not by all)";
    assert_eq!(hit(one), ("Azure or OpenAI".to_owned(), Some((some, usd("0.00225")))));
    let both = vec![endpoint("Azure", cached.clone()), endpoint("OpenAI", cached)];
    assert_eq!(hit(both).1, Some(("prompt, read from a cache", usd("0.00225"))));
    assert_eq!(hit(vec![endpoint("Azure", plain.clone())]).1, None);
}

#[test]
fn what_an_hour_in_a_cache_costs_and_what_gemini_adds() {
    let of = |family, prices: Prices, cache_write| {
        let row = Model { family, ..model("a/m", prices, Vec::new()) };
        let book = Book::new(1, 0, BookSource::Live, vec![row]);
        let request = Shape { cache_write, ..shape("a/m", BODY) };
        let found = estimate(&request, &Grounds::new(&book, &POLICY), guess(1_000, 0)).unwrap();
        let terms = found.likely.terms.iter().filter(|term| term.amount > Nano::ZERO);
        assert!(found.likely.total <= found.worst.usd());
        terms.map(|term| (term.what, term.rate.clone(), term.amount)).collect::<Vec<_>>()
    };
    let written = |rate: &str, amount| vec![("prompt, written to a cache", rate.to_owned(), usd(amount))];
    let claude = || prices("0.000003", "0.000015").with(PriceKey::CacheWrite, rate("0.00000375"));
    assert_eq!(of(Family::Claude, claude(), CacheWrite::FiveMinutes), written("3.75", "0.00375"));
    assert_eq!(of(Family::Claude, claude(), CacheWrite::OneHour), written("6", "0.006"), "twice, unlisted");
    let listed = claude().with(PriceKey::CacheWriteHour, rate("0.000005"));
    assert_eq!(of(Family::Claude, listed, CacheWrite::OneHour), written("5", "0.005"));
    let gemini = prices("0.00000125", "0.00001").with(PriceKey::CacheWrite, rate("0.000000375"));
    let parts = [("prompt", "1.25", "0.00125"), ("writing it to a cache, about", "0.375", "0.000375")];
    let parts = parts.map(|(what, rate, amount)| (what, rate.to_owned(), usd(amount)));
    assert_eq!(of(Family::Gemini, gemini, CacheWrite::FiveMinutes), parts);
}

fn quantities(sum: &Sum) -> Vec<(&'static str, u64)> {
    sum.terms.iter().map(|term| (term.what, term.quantity)).collect()
}

#[test]
fn what_is_guessed_says_about() {
    let row = || model("openai/gpt-5", prices("0.00000125", "0.00001"), Vec::new());
    let book = Book::new(1, 0, BookSource::Live, vec![row()]);
    let of = |media: Media, run: Run| {
        let request = Shape { media, run, ..shape("openai/gpt-5", BODY) };
        let found = estimate(&request, &Grounds::new(&book, &POLICY), guess(100, 10)).unwrap();
        assert!(found.likely.total <= found.worst.usd());
        let told = quantities(&found.likely);
        told[1..told.len() - 1].to_vec()
    };
    let image = |size| {
        let mut media = Media::default();
        media.add_image(Detail::High, size);
        media
    };
    let none = Run::default;
    assert_eq!(of(image(Some((4_000, 3_000))), none()), [("images", 630)]);
    assert_eq!(of(image(None), none()), [("images, about", 630)]);
    let files = |files, bytes| Media { files, bytes, ..Media::default() };
    assert_eq!(of(files(1, 0), none()), [("files, about", 5 * 800)], "a URL");
    assert_eq!(of(files(1, 1_000), none()), [("files, about", 800)]);
    // 400 KiB is 13 pages of 32.
    assert_eq!(of(files(1, 400 * 1_024 / 3 * 4), none()), [("files, about", 13 * 800)]);
    assert_eq!(of(files(2, 400 * 1_024 / 3 * 4), none()), [("files, about", 2 * 7 * 800)]);
    let both = Media { bytes: 1_000, files: 1, ..image(None) };
    assert_eq!(of(both, none()), [("images, about", 630), ("files, about", 5 * 800)]);
    let videos = Media { videos: 1, ..Media::default() };
    assert_eq!(of(videos, none()), [("video, about", 18_000)]);
    let ocr = Run { pdf: Some(PdfEngine::Mistral), ..Run::default() };
    assert_eq!(of(files(1, 1_000), ocr), [("pages read, about", 1), ("files, about", 800)]);
    let tools = |tool| Run { tools: [tool].into_iter().collect(), loops: true, ..Run::default() };
    let again = ("read again, about", 100);
    let search = Search { max_results: Some(3), ..Search::default() };
    assert_eq!(
        of(Media::default(), tools(ServerTool::Search(search))),
        [("searches", 1), ("what is found, about", 900), again]
    );
    let short = Search { max_characters: Some(400), ..search };
    assert_eq!(of(Media::default(), tools(ServerTool::Search(short)))[1], ("what is found, about", 450));
    let fetch = Fetch::default();
    let fetched = [("pages fetched", 1), ("what is found, about", 2_500), again];
    assert_eq!(of(Media::default(), tools(ServerTool::Fetch(fetch))), fetched);
    let web = Run { web: Some(Search::default()), ..Run::default() };
    assert_eq!(of(Media::default(), web), [("searches", 1), ("what is found, about", 1_500)]);
}

#[test]
fn a_spoken_answer_has_the_price_of_audio() {
    let spoken = prices("0.0000025", "0.00001").with(PriceKey::AudioOutput, rate("0.000064"));
    let outputs = [Modality::Text, Modality::Audio].into_iter().collect();
    let row = Model { outputs, ..model("openai/gpt-audio", spoken, Vec::new()) };
    let book = Book::new(1, 0, BookSource::Live, vec![row]);
    let answer = |audio| {
        let outputs = Outputs { audio, ..Outputs::default() };
        let request = Shape { outputs, ..shape("openai/gpt-audio", BODY) };
        let found = estimate(&request, &Grounds::new(&book, &POLICY), guess(100, 500)).unwrap();
        assert!(found.likely.total <= found.worst.usd());
        let last = found.likely.terms.last().unwrap();
        (last.what, last.quantity, last.rate.clone(), last.amount)
    };
    assert_eq!(answer(false), ("answer", 500, "10".to_owned(), usd("0.005")));
    assert_eq!(answer(true), ("answer, spoken", 500, "64".to_owned(), usd("0.032")));
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
    let thinks = |id: &str, thinking| {
        let features = [Feature::Reasoning].into_iter().collect();
        Model { about: About { features, ..About::default() }, thinking, ..model(id, mini(), Vec::new()) }
    };
    let unasked = Thinking { always: false, unasked: Some(Effort::Medium) };
    let rows = vec![
        model("a/mini", mini(), Vec::new()),
        thinks("a/able", Thinking::default()),
        thinks("a/thinker", unasked),
    ];
    let book = Book::new(1, 0, BookSource::Live, rows);
    let output = |shape: Shape<'_>, output_tokens| {
        let guess = Guess { prompt_tokens: 100, output_tokens };
        estimate(&shape, &Grounds::new(&book, &POLICY), guess).unwrap().output_tokens
    };
    let plain = || shape("a/mini", BODY);
    assert_eq!(output(plain(), None), 500);
    assert_eq!(output(Shape { output_cap: Some(64), ..plain() }, None), 64, "never above the cap");
    assert_eq!(output(Shape { output_cap: Some(64), ..plain() }, Some(1_000)), 64);
    // It cannot think, whatever it is asked.
    let medium = |id| Shape { effort: Some(Effort::Medium), reasoning_budget: 1_024, ..shape(id, BODY) };
    assert_eq!(output(medium("a/mini"), None), 500);
    assert_eq!(output(medium("a/able"), None), 2_548);
    assert_eq!(output(shape("a/able", BODY), None), 500);
    // What a model does by itself is what it does when it is asked for just that.
    assert_eq!(output(shape("a/thinker", BODY), None), output(medium("a/thinker"), None));
    assert_eq!(output(Shape { effort: Some(Effort::Off), ..shape("a/thinker", BODY) }, None), 500);
    assert_eq!(output(shape("a/thinker", BODY), Some(60)), 60, "who knows, says all of it");
    assert_eq!(output(Shape { choices: 2, ..medium("a/able") }, None), 2 * 2_548);
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
    let tier = prop_oneof![Just(Tier::Standard), Just(Tier::Flex), Just(Tier::Premium)];
    (0..4_usize, any_prices(), any::<bool>(), any::<bool>(), tier).prop_map(
        |(name, prices, supports_output_cap, implicit_caching, tier)| Endpoint {
            supports_output_cap,
            implicit_caching,
            tier,
            ..endpoint(["W", "X", "Y", "Z"][name], prices)
        },
    )
}

fn any_media() -> impl Strategy<Value = Media> {
    let size = proptest::option::of((1_u32..9_000, 1_u32..9_000));
    (proptest::collection::vec(size, 0..3), 0_u64..100_000, 0_u32..2, 0_u32..2, 0_u64..1_000_000).prop_map(
        |(images, audio_ms, videos, files, bytes)| {
            let mut media = Media { audio_ms, videos, files, bytes, ..Media::default() };
            images.into_iter().for_each(|size| media.add_image(Detail::High, size));
            media
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
        ignored in proptest::option::of(0..4_usize),
        ordered in proptest::option::of(0..4_usize),
        tier in 0..3_usize,
        media in any_media(),
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
            ignore: ignored.map(|at| Cow::Borrowed(["w", "x", "y", "z"][at])).into_iter().collect(),
            order: ordered.map(|at| Cow::Borrowed(["w", "x", "y", "z"][at])).into_iter().collect(),
            no_fallbacks: ordered == Some(0),
            tier: [TierAsked::Standard, TierAsked::Flex, TierAsked::Premium][tier],
            media,
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
