//! The bound of requests that are more than text: each kind by hand, and that no part of it can be left out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::borrow::Cow;

use money::{Nano, Rate};
use pricing::{
    About, Allowances, Book, BookSource, Bound, BoundPolicy, CallerMaxPrice, Class, Detail, Endpoint, Engine,
    Family, Feature, Fetch, Grounds, Guess, Media, Modalities, Modality, Model, Outputs, PdfEngine, Plugins,
    PriceKey, Prices, Reason, RouterCeiling, RowPrices, Run, Search, SearchMode, ServerTool, Shape, Tier,
    TierAsked, Unpriced, WebSearch, bound, estimate,
};

static POLICY: BoundPolicy = BoundPolicy::DEFAULT;
const BODY: &[u8] = &[b'x'; 1_000];
const CONTEXT: u64 = 100_000;

fn rate(text: &str) -> Rate {
    Rate::parse_ceil(text).unwrap()
}

fn usd(text: &str) -> Nano {
    Nano::parse_ceil(text).unwrap()
}

fn prices() -> Prices {
    Prices::new(rate("0.000001"), rate("0.000002"))
}

fn model(id: &str, prices: Prices) -> Model {
    Model {
        id: id.to_owned(),
        canonical_slug: format!("{id}-20260101"),
        alias_target: None,
        context_length: Some(CONTEXT),
        max_completion_tokens: Some(10_000),
        family: Family::Gpt,
        prices: RowPrices::Priced(prices),
        endpoints: None,
        outputs: Modalities::TEXT,
        supports_output_cap: true,
        about: About {
            features: [Feature::Tools, Feature::Images, Feature::Files].into_iter().collect(),
            ..About::default()
        },
        ..Model::default()
    }
}

fn answers(modality: Modality) -> Modalities {
    [Modality::Text, modality].into_iter().collect()
}

fn endpoint(tag: &str, tier: Tier, prices: Prices) -> Endpoint {
    Endpoint {
        provider: tag.to_owned(),
        tag: tag.to_owned(),
        context_length: Some(CONTEXT),
        max_completion_tokens: Some(10_000),
        max_prompt_tokens: None,
        prices: RowPrices::Priced(prices),
        supports_output_cap: true,
        tier,
        ..Endpoint::default()
    }
}

fn book(models: Vec<Model>) -> Book {
    Book::new(1, 0, BookSource::Live, models)
}

fn plain(model: &str) -> Shape<'_> {
    let models = [Cow::Borrowed(model)].into_iter().collect();
    Shape { models, body: BODY, messages: 1, choices: 1, output_cap: Some(1_000), ..Shape::default() }
}

/// The bound, which no estimate exceeds.
fn of(shape: &Shape<'_>, model: Model) -> Bound {
    let book = book(vec![model]);
    let grounds = Grounds::new(&book, &POLICY);
    let guess = Guess { prompt_tokens: 300, output_tokens: None };
    let estimate = estimate(shape, &grounds, guess).unwrap();
    assert!(estimate.likely.total <= estimate.worst.usd(), "{:?}", estimate.likely);
    assert_eq!(estimate.likely.terms.iter().map(|term| term.amount).sum::<Nano>(), estimate.likely.total);
    bound(shape, &grounds).unwrap()
}

/// The bound's terms as `what quantity`, in order.
fn terms(bound: &Bound) -> Vec<(&'static str, u64)> {
    let explanation = bound.explain(bound.output_cap);
    let sum: Nano = explanation.terms.iter().map(|term| term.amount).sum();
    assert_eq!(sum, explanation.total, "the terms add up");
    explanation.terms.iter().map(|term| (term.what, term.quantity)).collect()
}

fn with_image(detail: Detail, size: Option<(u32, u32)>, count: u32) -> Media {
    let mut media = Media::default();
    for _ in 0..count {
        media.add_image(detail, size);
    }
    media
}

#[test]
fn images_by_family_size_and_price() {
    let gpt = "openai/gpt-4o";
    let text = terms(&of(&plain(gpt), model(gpt, prices())))[0].1;
    let shape = Shape { media: with_image(Detail::High, Some((1_024, 1_024)), 3), ..plain(gpt) };
    let found = of(&shape, model(gpt, prices()));
    assert_eq!(
        terms(&found),
        [("prompt, at most", text), ("images, at most", 3 * 765), ("answer, at most", 1_000)]
    );
    assert_eq!(found.class, Class::Published);
    assert!(found.reasons.contains(Reason::Media));

    let unknown = Shape { media: with_image(Detail::High, None, 1), ..plain(gpt) };
    assert_eq!(terms(&of(&unknown, model(gpt, prices())))[1].1, 1_445);
    let claude = "anthropic/claude-opus-9";
    let row = Model { family: Family::Claude, ..model(claude, prices()) };
    let shape = Shape { models: [Cow::Borrowed(claude)].into_iter().collect(), ..unknown.clone() };
    assert_eq!(terms(&of(&shape, row))[1].1, 4_900);
    let other = Shape { models: [Cow::Borrowed("z/m")].into_iter().collect(), ..unknown.clone() };
    assert_eq!(terms(&of(&other, model("z/m", prices())))[1].1, 16_386);

    // A price for each image, as in 2025, or for each of its tokens, as in 2026.
    let each = prices().with(PriceKey::Image, rate("0.003"));
    assert!(terms(&of(&unknown, model(gpt, each))).contains(&("images, each", 1)));
    let by_token = prices().with(PriceKey::Image, rate("0.000004"));
    let found = of(&unknown, model(gpt, by_token));
    assert_eq!(found.explain(0).terms[1].rate, "4");
    assert_eq!(found.max_price.image.unwrap().per_unit().to_string(), "0.000004000000001");
    assert_eq!(found.max_price.audio, None);

    // More than the context: OpenRouter refuses that.
    let many = Shape { media: with_image(Detail::High, None, 1_000), ..plain(gpt) };
    let found = of(&many, model(gpt, prices()));
    assert_eq!(found.input_tokens, CONTEXT);
    assert!(found.reasons.contains(Reason::ContextLength));
}

#[test]
fn audio_by_its_length_or_the_context() {
    let gpt = "openai/gpt-audio";
    let row = || model(gpt, prices().with(PriceKey::Audio, rate("0.00004")));
    let shape = Shape { media: Media { audio_ms: 60_500, ..Media::default() }, ..plain(gpt) };
    let found = of(&shape, row());
    assert_eq!(terms(&found)[1], ("audio, at most", 605));
    assert_eq!(found.explain(0).terms[1].rate, "40");
    assert_eq!(found.max_price.audio.unwrap().per_unit().to_string(), "0.000040000000001");
    let unknown = Shape { media: Media { audio_unknown: 1, ..Media::default() }, ..plain(gpt) };
    let found = of(&unknown, row());
    assert_eq!(terms(&found)[0], ("prompt, as long as the context", CONTEXT));
    assert_eq!(found.explain(0).terms[0].rate, "40", "all of it may be audio");
    for (family, tokens) in [(Family::Gemini, 1_936), (Family::Other, 3_025)] {
        assert_eq!(terms(&of(&shape, Model { family, ..row() }))[1].1, tokens, "{family:?}");
    }
}

#[test]
fn video_and_files_fill_the_context() {
    let video = Shape { media: Media { videos: 1, ..Media::default() }, ..plain("a/m") };
    let found = of(&video, model("a/m", prices()));
    assert_eq!(found.input, usd("0.100000001"), "100,000 tokens");
    let limitless = Model { context_length: None, ..model("a/m", prices()) };
    let refused = bound(&video, &Grounds::new(&book(vec![limitless]), &POLICY));
    assert_eq!(refused, Err(Unpriced::NoContextLength("a/m".to_owned())));

    let file = Shape { media: Media { files: 2, ..Media::default() }, ..plain("a/m") };
    assert_eq!(of(&file, model("a/m", prices())).pins.pdf, Some(PdfEngine::Native));
    let deaf = Model { about: About::default(), ..model("a/m", prices()) };
    assert_eq!(of(&file, deaf).pins.pdf, Some(PdfEngine::Cloudflare), "it reads no files itself");
    let ocr = Run { pdf: Some(PdfEngine::Mistral), ..Run::default() };
    let found = of(&Shape { run: ocr, ..file }, model("a/m", prices()));
    assert!(terms(&found).contains(&("pages read, at most", 2_000)), "{:?}", terms(&found));
    assert_eq!(found.input, usd("4.500000001"));
    assert_eq!(found.pins.pdf, None, "named already");
}

/// GPT-4o mini bills an image at 33 times what it takes up, and a page that it reads itself is one.
#[test]
fn pages_that_are_billed_beyond_the_context() {
    let filled = |pdf| {
        let media = Media { files: 1, ..Media::default() };
        let shape = Shape { media, run: Run { pdf, ..Run::default() }, ..plain("openai/gpt-4o-mini") };
        let found = of(&shape, model("openai/gpt-4o-mini", prices()));
        assert_eq!(terms(&found)[0].0, "prompt, as long as the context");
        terms(&found)[0].1
    };
    let largest = 2_833 + 8 * 5_667;
    let native = (CONTEXT * 5_667).div_ceil(170);
    assert!(native > 33 * CONTEXT && native > CONTEXT + 8 * largest);
    assert_eq!((filled(None), filled(Some(PdfEngine::Native))), (native, native));
    assert_eq!(filled(Some(PdfEngine::Mistral)), CONTEXT + 8 * largest);
    assert_eq!(filled(Some(PdfEngine::Cloudflare)), CONTEXT, "text alone");
}

fn tools(tools: Vec<ServerTool>) -> Run {
    Run { tools: tools.into_iter().collect(), loops: true, ..Run::default() }
}

#[test]
fn a_loop_is_billed_by_its_turns() {
    let shape = Shape { run: tools(vec![ServerTool::Search(Search::default())]), ..plain("a/m") };
    let found = of(&shape, model("a/m", prices()));
    assert_eq!(found.pins.steps, Some(3));
    let ServerTool::Search(pinned) = found.pins.tools[0] else { panic!("{:?}", found.pins) };
    assert_eq!((pinned.engine, pinned.max_uses, pinned.max_total_results), (Engine::Exa, Some(3), Some(15)));
    let text = terms(&of(&plain("a/m"), model("a/m", prices())))[0].1;
    let results = 15 * (1_000 * 4 + 512) + 4 * 1_024;
    assert_eq!(
        terms(&found),
        [
            ("prompt, at most", 4 * (text + results)),
            ("searches, at most", 3),
            ("answers, read again by later turns", 6 * 1_000),
            ("what their calls bring back, read by later turns", 4 * 6 * 1_000),
            ("answers, at most", 4 * 1_000),
        ]
    );
    // 4 answers at 2, 6 read again at 1, and four times that for what they call: 38 dollars per million tokens of cap.
    assert_eq!(found.output_rate, rate("0.000038000000034"), "a femto-dollar for each");
    assert_eq!(found.cap_within(found.usd_at(500)), Some(500));

    // What the caller set lower stays; what he set higher is lowered where the operator says so.
    let search = Search {
        engine: Engine::Perplexity,
        max_uses: Some(1),
        max_results: Some(2),
        max_characters: Some(100),
        ..Search::default()
    };
    let run = Run { steps: Some(1), ..tools(vec![ServerTool::Search(search)]) };
    let found = of(&Shape { run, ..plain("a/m") }, model("a/m", prices()));
    assert_eq!(
        (found.pins.steps, &found.pins.tools[0]),
        (Some(1), &ServerTool::Search(Search { max_total_results: Some(2), ..search }))
    );
    assert!(found.explain(0).terms.iter().any(|term| term.rate == "0.005"));
    let run = Run { steps: Some(99), ..tools(vec![ServerTool::Clock]) };
    let found = of(&Shape { run, ..plain("a/m") }, model("a/m", prices()));
    assert_eq!(found.pins.steps, Some(3));
    // The time is told for less.
    assert!(terms(&found).contains(&("what their calls bring back, read by later turns", 8 * 6 * 1_000)));

    let fetch = Fetch { max_uses: Some(2), max_content_tokens: Some(1_000), ..Fetch::default() };
    let fetching = |engine| {
        let run = tools(vec![ServerTool::Fetch(Fetch { engine, ..fetch })]);
        bound(&Shape { run, ..plain("a/m") }, &Grounds::new(&book(vec![model("a/m", prices())]), &POLICY))
    };
    let found = fetching(Engine::Auto).unwrap();
    let results = 2 * (4_000 + 512) + 4 * 1_024;
    assert_eq!(
        terms(&found)[..2],
        [("prompt, at most", 4 * (text + results)), ("pages fetched, at most", 2)]
    );
    // `auto` may be the provider's own, which truncates nothing; who is named stays, and Firecrawl has a price of its own.
    assert_eq!(found.pins.tools[0], ServerTool::Fetch(Fetch { engine: Engine::Exa, ..fetch }));
    assert_eq!(fetching(Engine::Native), Err(Unpriced::WebFetch));
    for (engine, each) in
        [(Engine::Parallel, "0.0015"), (Engine::OpenRouter, "0.0015"), (Engine::Firecrawl, "0.00375")]
    {
        let found = fetching(engine).unwrap();
        assert_eq!(found.pins.tools[0], ServerTool::Fetch(Fetch { engine, ..fetch }));
        assert!(found.explain(0).terms.iter().any(|term| term.rate == each), "{engine:?}");
    }
}

#[test]
fn a_providers_own_search_only_where_it_can_be_capped() {
    let native = Search { engine: Engine::Native, ..Search::default() };
    let run = tools(vec![ServerTool::Search(native)]);
    let refused = |row: Model| {
        let shape = Shape { run: run.clone(), ..plain("a/m") };
        bound(&shape, &Grounds::new(&book(vec![row]), &POLICY))
    };
    let own = Err(Unpriced::WebSearch(WebSearch::Native));
    assert_eq!(refused(model("a/m", prices())), own);
    let listed = prices().with(PriceKey::WebSearch, rate("0.01"));
    let served_by = |provider: &str, prices: Prices| {
        let endpoint = Endpoint { provider: provider.to_owned(), ..endpoint("x", Tier::Standard, prices) };
        Model { family: Family::Claude, endpoints: Some(vec![endpoint]), ..model("a/m", self::prices()) }
    };
    assert_eq!(refused(served_by("Anthropic", prices())), own, "no price is listed");
    assert_eq!(refused(served_by("Amazon Bedrock", listed.clone())), own, "its search knows no max_uses");
    let listed = served_by("Anthropic", listed);
    let found = refused(listed).unwrap();
    assert!(terms(&found).contains(&("searches by the provider, at most", 3)));
    assert!(terms(&found).contains(&("prompt, as long as the context", 7 * CONTEXT)), "{:?}", terms(&found));
    let both = Shape { run: tools(vec![ServerTool::Search(native), ServerTool::Clock]), ..plain("a/m") };
    let grounds_of = served_by("Anthropic", prices().with(PriceKey::WebSearch, rate("0.01")));
    let found = bound(&both, &Grounds::new(&book(vec![grounds_of]), &POLICY)).unwrap();
    assert!(
        terms(&found).contains(&("searches by the provider, at most", 4 * 3)),
        "in each turn of the loop"
    );
    assert!(terms(&found).contains(&("prompt, as long as the context", 4 * 4 * CONTEXT)));
    let odd = Search { engine: Engine::Parallel, mode: SearchMode::Deep, ..Search::default() };
    let shape = Shape { run: tools(vec![ServerTool::Search(odd)]), ..plain("a/m") };
    let refused = bound(&shape, &Grounds::new(&book(vec![model("a/m", prices())]), &POLICY));
    assert_eq!(refused, Err(Unpriced::WebSearch(WebSearch::Mode)));
}

#[test]
fn plugins_once_and_those_of_the_account_off() {
    let found = of(&plain("a/m"), model("a/m", prices()));
    assert_eq!(found.pins.off, Plugins::WEB.with(Plugins::FUSION));
    assert_eq!((found.pins.tier, found.pins.steps), (false, None));
    let run = Run { web: Some(Search::default()), named: Plugins::WEB, ..Run::default() };
    let found = of(&Shape { run, ..plain("a/m") }, model("a/m", prices()));
    assert_eq!(found.pins.off, Plugins::FUSION);
    assert_eq!(
        terms(&found),
        [("prompt, as long as the context", CONTEXT), ("searches, at most", 3), ("answer, at most", 1_000)]
    );
    let keep = BoundPolicy { keep_plugin_defaults: true, ..BoundPolicy::DEFAULT };
    let book = book(vec![model("a/m", prices())]);
    let found = bound(&plain("a/m"), &Grounds::new(&book, &keep)).unwrap();
    assert!(found.pins.is_empty() && found.reasons.contains(Reason::PluginDefaults));
}

#[test]
fn answers_in_images_and_audio() {
    let images = prices().with(PriceKey::ImageOutput, rate("0.00003"));
    let row = Model { outputs: answers(Modality::Image), ..model("a/m", images) };
    let found = of(&plain("a/m"), row);
    assert_eq!(found.output_rate, rate("0.00003"));
    assert!(terms(&found).contains(&("an image begun below the cap", 8_192)));
    let audio = prices().with(PriceKey::AudioOutput, rate("0.00008"));
    let row = Model { outputs: answers(Modality::Audio), ..model("a/m", audio) };
    let wants = Outputs { audio: true, ..Outputs::default() };
    assert_eq!(of(&Shape { outputs: wants, ..plain("a/m") }, row).output_rate, rate("0.00008"));
    let unpriced = Model { outputs: answers(Modality::Image), ..model("a/m", prices()) };
    let refused = bound(&plain("a/m"), &Grounds::new(&book(vec![unpriced]), &POLICY));
    assert_eq!(refused, Err(Unpriced::NotText("a/m".to_owned())));
}

#[test]
fn predictions_are_answers_that_may_be_rejected() {
    let found = of(&Shape { prediction_bytes: 700, choices: 2, ..plain("a/m") }, model("a/m", prices()));
    assert!(terms(&found).contains(&("prediction, if rejected", 1_400)));
    assert!(found.reasons.contains(Reason::Prediction));
    // In a loop, later turns read what was rejected: 1 + 2 + 3 times.
    let run = tools(vec![ServerTool::Clock]);
    let found = of(&Shape { prediction_bytes: 700, run, ..plain("a/m") }, model("a/m", prices()));
    assert!(terms(&found).contains(&("prediction, if rejected", 4 * 700)));
    assert!(terms(&found).contains(&("what lies beyond the cap, read again", 6 * 700)));
}

#[test]
fn a_tier_is_pinned_unless_it_is_asked_for() {
    let dear = Prices::new(rate("0.000003"), rate("0.000006"));
    let endpoints =
        vec![endpoint("std", Tier::Standard, prices()), endpoint("std/priority", Tier::Premium, dear)];
    let row = Model { endpoints: Some(endpoints), ..model("a/m", prices()) };
    let found = of(&plain("a/m"), row.clone());
    assert!(found.pins.tier);
    assert_eq!(found.output_rate, rate("0.000002000000001"));
    let premium = of(&Shape { tier: TierAsked::Premium, ..plain("a/m") }, row.clone());
    assert_eq!((premium.pins.tier, premium.output_rate), (false, rate("0.000006000000001")));
    let nitro = of(&plain("a/m:nitro"), row);
    assert_eq!((nitro.pins.tier, nitro.output_rate), (false, rate("0.000006000000001")));
}

fn market() -> Book {
    let dear = Prices::new(rate("0.00001"), rate("0.00005"));
    let written = prices().with(PriceKey::CacheWrite, rate("0.000009"));
    let router = |id: &str| Model { prices: RowPrices::Dynamic, ..model(id, prices()) };
    book(vec![
        model("a/cheap", prices()),
        model("a/written", written),
        model("a/dear", dear),
        router("openrouter/auto"),
    ])
}

#[test]
fn a_router_picks_within_a_ceiling() {
    let book = market();
    let asked = plain("openrouter/auto");
    let router = Err(Unpriced::Router("openrouter/auto".to_owned()));
    assert_eq!(bound(&asked, &Grounds::new(&book, &POLICY)), router);

    let ceiling = RouterCeiling { prompt: rate("0.000002"), completion: rate("0.000004") };
    let allowances = Allowances { router: Some(ceiling), ..Allowances::default() };
    let policy = BoundPolicy { allowances, ..BoundPolicy::DEFAULT };
    let found = bound(&asked, &Grounds::new(&book, &policy)).unwrap();
    assert_eq!(found.max_price.prompt, rate("0.000002000000001"));
    assert_eq!(found.output_rate, rate("0.000004000000001"), "the ceiling, although nobody asks as much");
    assert_eq!(found.explain(0).terms[0].rate, "9", "the dearest condition below it");
    assert_eq!((found.model.as_str(), found.class), ("openrouter/auto", Class::Published));
    assert!(found.reasons.contains(Reason::Router) && found.pins.tier);

    // A model with a price key we do not know may be picked as well.
    let odd = pricing::UnknownPrice { key: "moon".to_owned(), value: "0.5".to_owned() };
    let written = Prices { unknown: vec![odd], ..prices().with(PriceKey::CacheWrite, rate("0.000011")) };
    let mut rows: Vec<Model> = book.models().cloned().collect();
    rows.push(model("u/m", written));
    let strange = self::book(rows);
    let found = bound(&asked, &Grounds::new(&strange, &policy)).unwrap();
    assert_eq!(found.explain(0).terms[0].rate, "11");
    assert!(terms(&found).contains(&("request fee", 1)));

    // Whoever lists neither a cap nor a limit may answer at any length.
    let even = endpoint("even", Tier::Standard, prices());
    let endless = Endpoint {
        supports_output_cap: false,
        max_completion_tokens: None,
        context_length: None,
        ..endpoint("odd", Tier::Standard, prices())
    };
    let mut rows: Vec<Model> = book.models().cloned().collect();
    rows.push(Model { endpoints: Some(vec![endless, even]), ..model("e/m", prices()) });
    let found = bound(&asked, &Grounds::new(&self::book(rows), &policy)).unwrap();
    assert_eq!((found.ignore.as_slice(), found.uncapped_output), (&["odd".to_owned()][..], Nano::ZERO));

    let caller = CallerMaxPrice {
        prompt: Some(rate("0.000001")),
        completion: Some(rate("0.000002")),
        ..CallerMaxPrice::default()
    };
    let found =
        bound(&Shape { caller_max_price: Some(caller), ..asked.clone() }, &Grounds::new(&book, &POLICY));
    assert_eq!(found.unwrap().max_price.prompt, rate("0.000001"), "the caller's own ceiling does as well");
    let half = CallerMaxPrice { completion: None, ..caller };
    let found = bound(&Shape { caller_max_price: Some(half), ..asked }, &Grounds::new(&book, &POLICY));
    assert_eq!(found, router);
}

#[test]
fn what_nobody_can_bound_needs_an_allowance() {
    let ceiling = RouterCeiling { prompt: rate("0.000002"), completion: rate("0.000004") };
    let figures = [
        ("plugin:fusion", "1.5"),
        ("preset:mine", "0.25"),
        ("server_tool:openrouter:*", "0.5"),
        ("searching_model:s/*", "0.03"),
        ("zero_price:z/m", "0.08"),
        ("unknown_price:u/m", "0.07"),
    ];
    let usd_by_key = figures.into_iter().map(|(key, text)| (key.to_owned(), usd(text))).collect();
    let allowances = Allowances { usd: usd_by_key, router: Some(ceiling) };
    let policy = BoundPolicy { allowances, ..BoundPolicy::DEFAULT };
    let zero = Prices::new(Rate::ZERO, Rate::ZERO);
    let odd = pricing::UnknownPrice { key: "moon".to_owned(), value: "1".to_owned() };
    let odd = Prices { unknown: vec![odd], ..prices() };
    let mut rows: Vec<Model> = market().models().cloned().collect();
    rows.extend([model("s/deep-research", prices()), model("z/m", zero), model("u/m", odd)]);
    let book = book(rows);
    let cost = |cost: Unpriced| Shape { costs: [cost].into_iter().collect(), ..plain("a/cheap") };
    let foreign = Unpriced::ServerTool { place: "tools[0]".to_owned(), kind: "openrouter:bash".to_owned() };
    let looping = Shape { run: tools(vec![]), ..cost(foreign) };
    for (shape, allowed) in [
        (cost(Unpriced::Plugin("fusion".to_owned())), "1.5"),
        (looping, "0.5"),
        (cost(Unpriced::Preset("mine".to_owned())), "0.25"),
        (plain("a/cheap@preset/mine"), "0.25"),
        (plain("s/deep-research"), "0.03"),
        (plain("z/m"), "0.08"),
        (plain("u/m"), "0.07"),
    ] {
        assert!(bound(&shape, &Grounds::new(&book, &POLICY)).is_err(), "{shape:?}");
        let found = bound(&shape, &Grounds::new(&book, &policy)).unwrap();
        assert_eq!(found.class, Class::Unbounded, "{shape:?}");
        let term = found.explain(0).terms.into_iter().find(|term| term.what == "allowances");
        assert_eq!(term.map(|term| term.amount), Some(usd(allowed)), "{shape:?}");
    }
    let other = cost(Unpriced::Plugin("armor".to_owned()));
    let refused = bound(&other, &Grounds::new(&book, &policy));
    assert_eq!(refused, Err(Unpriced::Plugin("armor".to_owned())));
}
