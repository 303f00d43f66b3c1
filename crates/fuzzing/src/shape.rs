//! A request body: what is read of it, what it may cost, and what is written into it.
//!
//! Whatever the bytes are, the reader answers. What it accepts is an object without twins where edits go; a splice then
//! changes the permitted members and nothing else, byte by byte, and a second splice changes nothing. A bound grows with
//! its cap, and the cap within an amount costs no more than that.

use std::sync::{Arc, LazyLock};

use money::{Nano, Rate};
use openrouter::catalogue::Catalogue;
use openrouter::chat::{self, BodyError, ChatRequest, Permission};
use pricing::{
    Book, Bound, BoundPolicy, Class, Engine, Fetch, Grounds, MaxPrice, PdfEngine, Pins, Plugins, Search,
    ServerTool,
};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::members::Members;

static BOOK: LazyLock<Arc<Book>> = LazyLock::new(|| Catalogue::open(None).book());
static POLICY: BoundPolicy = BoundPolicy::DEFAULT;

/// One body.
pub fn run(body: &[u8]) {
    let request = match chat::read(body) {
        Ok(request) => request,
        Err(error) => return refused(body, &error),
    };
    let text = std::str::from_utf8(body).expect("what is read is UTF-8");
    assert!(!has_twins(text, true), "a member that is edited is given twice");
    match pricing::bound(&request.shape, &Grounds::new(&BOOK, &POLICY)) {
        Ok(bound) => {
            bounds(&bound, &request);
            splice(text, &request, &permitted(&bound));
        }
        Err(unpriced) => assert!(!unpriced.to_string().is_empty() && !unpriced.code().is_empty()),
    }
    for permission in permissions(body.len() as u64) {
        splice(text, &request, &permission);
    }
}

/// A body that is refused is wrong in the way that is told.
fn refused(body: &[u8], error: &BodyError) {
    let text = std::str::from_utf8(body);
    match error {
        BodyError::Duplicate(_) => {
            // Told before the rest is looked at, which may be no JSON.
            let text = text.expect("read as UTF-8");
            assert!(has_twins(text, false) || Members::of(text).is_none(), "no member is given twice");
        }
        BodyError::NotAnObject => assert!(text.is_ok_and(|text| Members::of(text).is_none())),
        BodyError::NotJson(_) => {
            // A name may be half of a surrogate pair, which is JSON and no text.
            let is_json = text.is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
            assert!(!is_json || body.windows(2).any(|two| two == b"\\u"), "this is JSON");
        }
        BodyError::Field { .. } => assert!(!error.to_string().is_empty()),
    }
}

/// Whether a member is given twice in an object where edits go; not `surely`: in one where they might.
fn has_twins(text: &str, surely: bool) -> bool {
    let Some(root) = Members::of(text) else { return false };
    let provider = root.get("provider").and_then(Members::of);
    let max_price = provider.as_ref().and_then(|provider| Members::of(provider.get("max_price")?));
    root.has_twins()
        || [provider, max_price].iter().flatten().any(Members::has_twins)
        || list(root.get("tools")).iter().any(|tool| tool_has_twins(tool, surely))
        || plugins_have_twins(&list(root.get("plugins")), surely)
}

const SERVER_TOOLS: [&str; 7] = [
    "openrouter:web_search",
    "openrouter:web_fetch",
    "openrouter:datetime",
    "web_search",
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "web_search_2025_08_26",
];

fn tool_has_twins(tool: &Members<'_>, surely: bool) -> bool {
    let mut kinds = tool.iter().filter(|(name, _)| *name == "type").map(|(_, kind)| word(Some(kind)));
    let is_function = tool.iter().any(|(name, value)| name == "function" && value != "null");
    let is_edited = kinds.all(|kind| kind.is_some_and(|kind| SERVER_TOOLS.contains(&kind.as_str())))
        && tool.get("type").is_some()
        && !is_function;
    (is_edited || !surely)
        && (tool.has_twins() || tool.get("parameters").and_then(Members::of).is_some_and(|p| p.has_twins()))
}

fn plugins_have_twins(plugins: &[Members<'_>], surely: bool) -> bool {
    let ids: Vec<String> = plugins.iter().filter_map(|plugin| word(plugin.get("id"))).collect();
    let is_edited = |id: &str| matches!(id, "web" | "file-parser");
    let pdf = |plugin: &Members<'_>| {
        let is_parser = word(plugin.get("id")).is_some_and(|id| id == "file-parser");
        (is_parser || !surely) && plugin.get("pdf").and_then(Members::of).is_some_and(|pdf| pdf.has_twins())
    };
    plugins.iter().any(|plugin| plugin.has_twins() || pdf(plugin))
        || ids.iter().enumerate().any(|(index, id)| is_edited(id) && ids[..index].contains(id))
}

/// A list of objects; what is none of that is empty.
fn list(text: Option<&str>) -> Vec<Members<'_>> {
    let raw: Vec<&RawValue> = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    raw.into_iter().filter_map(|raw| Members::of(raw.get())).collect()
}

fn word(text: Option<&str>) -> Option<String> {
    text.and_then(|text| serde_json::from_str(text).ok())
}

fn permitted(bound: &Bound) -> Permission {
    Permission {
        output_cap: bound.output_cap,
        max_price: bound.max_price,
        ignore: bound.ignore.clone(),
        only: bound.only.clone(),
        pins: bound.pins.clone(),
        models: None,
    }
}

/// Three permissions that do not depend on what the body says.
fn permissions(seed: u64) -> [Permission; 3] {
    let price = |prompt, completion, request| MaxPrice {
        prompt: Rate::from_femtos(prompt),
        completion: Rate::from_femtos(completion),
        request,
        ..MaxPrice::default()
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let one = Permission {
        output_cap: 1 + seed % 5_000,
        max_price: price(seed * 7_919 % 4_000_000_000, 600_000_001, None),
        ..Permission::default()
    };
    let other = Permission {
        output_cap: u64::from(u32::MAX),
        max_price: MaxPrice {
            image: Some(Rate::from_femtos(4_000_000_000_000)),
            audio: Some(Rate::from_femtos(25_000_000)),
            ..price(0, u64::MAX, Some(Rate::from_femtos(5_000_000_000_000)))
        },
        ignore: names(&["x/fp8", "é\"\\"]),
        only: names(&["y", "\u{1F4B8}/\""]),
        models: Some(names(&["a/b:floor", "c/\u{1F4B8}", "e\"f"])),
        pins: every_pin(),
    };
    let single = Permission { models: Some(names(&["task/x"])), ..one.clone() };
    [one, other, single]
}

/// All that can be pinned; of tools, those of the kind at their place.
fn every_pin() -> Pins {
    let search = Search {
        engine: Engine::Exa,
        max_uses: Some(2),
        max_results: Some(3),
        max_total_results: Some(5),
        max_characters: Some(1_000),
        ..Search::default()
    };
    let fetch = Fetch { engine: Engine::Exa, max_uses: Some(2), max_content_tokens: Some(900) };
    let tools = [ServerTool::Search(search), ServerTool::Fetch(fetch), ServerTool::Search(search)];
    Pins {
        tier: true,
        steps: Some(2),
        tools: tools.into_iter().collect(),
        web: Some(search),
        pdf: Some(PdfEngine::Cloudflare),
        off: Plugins::WEB.with(Plugins::FUSION),
    }
}

fn bounds(bound: &Bound, request: &ChatRequest<'_>) {
    assert_eq!(bound.asked_cap, request.shape.output_cap);
    assert_eq!(bound.class == Class::Proven, bound.reasons.is_empty());
    assert!(bound.output_cap > 0, "a bound of no output");
    let mut caps = [0, 1, bound.output_cap / 2, bound.output_cap];
    caps.sort_unstable();
    assert!(caps.map(|cap| bound.usd_at(cap)).is_sorted(), "a larger cap costs less");
    let whole = bound.usd();
    for share in [0, 1, 2, 3, 1_000] {
        let amount = Nano::from_nanos(whole.nanos() / 1_000 * share + share);
        if let Some(cap) = bound.cap_within(amount) {
            assert!(bound.usd_at(cap) <= amount && cap <= bound.output_cap);
        }
    }
    if whole < Nano::MAX {
        assert_eq!(bound.cap_within(whole), Some(bound.output_cap), "the bound does not pay for itself");
    }
    assert_eq!(bound.explain(bound.output_cap).total, whole);
}

fn splice(text: &str, request: &ChatRequest<'_>, permission: &Permission) {
    let spliced = request.splice(text.as_bytes(), permission);
    let again = chat::read(&spliced).expect("what was spliced is a request");
    assert_eq!(again.splice(&spliced, permission), spliced, "a second splice changes something");
    let spliced = std::str::from_utf8(&spliced).expect("UTF-8");
    let (Some(before), Some(after)) = (Members::of(text), Members::of(spliced)) else {
        panic!("not an object")
    };
    let models: &[&str] = if permission.models.is_some() { &["model", "models"] } else { &[] };
    let caps = ["max_tokens", "max_completion_tokens", "provider"];
    let lists = ["service_tier", "stop_server_tools_when", "tools", "plugins"];
    let pinned: &[&str] = if permission.pins.is_empty() { &[] } else { &lists };
    let may_change = [models, &caps, pinned].concat();
    for (added, _) in before.kept_in(&after, &may_change) {
        assert!(may_change.contains(&added), "'{added}' was added");
    }
    check_caps(&before, &after, permission.output_cap);
    check_models(&before, &after, permission);
    check_pins(&before, &after, &again, &permission.pins);
    check_provider(before.get("provider"), after.get("provider").expect("a provider"), permission);
}

const SETTINGS: [&str; 6] =
    ["engine", "max_uses", "max_results", "max_total_results", "max_characters", "max_content_tokens"];

/// Lists keep what they have; of tools and plugins only the settings change, and the pins hold.
fn check_pins(before: &Members<'_>, after: &Members<'_>, again: &ChatRequest<'_>, pins: &Pins) {
    for (name, inner) in [("tools", "parameters"), ("plugins", "pdf"), ("stop_server_tools_when", "")] {
        let (was, is) = (list(before.get(name)), list(after.get(name)));
        assert!(was.len() <= is.len() && (name != "tools" || was.len() == is.len()), "{name}");
        for (was, is) in was.iter().zip(&is) {
            let may_change = [&SETTINGS[..], &[inner]].concat();
            for (added, _) in was.kept_in(is, &may_change) {
                assert!(may_change.contains(&added), "{name}[].{added} was added");
            }
            let (was, is) = (was.get(inner).and_then(Members::of), is.get(inner).and_then(Members::of));
            for (added, _) in was.unwrap_or_default().kept_in(&is.unwrap_or_default(), &SETTINGS) {
                assert!(SETTINGS.contains(&added), "{name}[].{inner}.{added} was added");
            }
        }
    }
    let run = &again.shape.run;
    let within =
        |given: Option<u32>, most: Option<u32>| most.is_none_or(|most| given.is_some_and(|n| n <= most));
    assert!(within(run.steps, pins.steps), "steps");
    for pair in run.tools.iter().zip(&pins.tools) {
        match pair {
            (ServerTool::Search(given), ServerTool::Search(pin)) => {
                assert!(within(given.max_uses, pin.max_uses) && within(given.max_results, pin.max_results));
                assert!(within(given.max_total_results, pin.max_total_results));
                assert!(within(given.max_characters, pin.max_characters));
                assert!(pin.engine == Engine::Auto || given.engine == pin.engine);
            }
            (ServerTool::Fetch(given), ServerTool::Fetch(pin)) => {
                assert!(within(given.max_uses, pin.max_uses));
                assert!(within(given.max_content_tokens, pin.max_content_tokens));
                assert!(pin.engine == Engine::Auto || given.engine == pin.engine);
            }
            _ => {}
        }
    }
    assert!(run.named.contains(pins.off), "a plugin is left on");
    assert!(pins.pdf.is_none_or(|most| run.pdf.is_some_and(|engine| engine <= most)), "a dearer PDF engine");
    if pins.tier {
        assert!(
            matches!(word(after.get("service_tier")).as_deref(), Some("default" | "flex")),
            "a dearer tier"
        );
    }
}

/// Of two caps, what is given is lowered and never raised; where none is, one is set.
fn check_caps(before: &Members<'_>, after: &Members<'_>, most: u64) {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u64>().ok());
    let names = ["max_tokens", "max_completion_tokens"];
    if names.iter().any(|name| number(before.get(name)).is_some()) {
        for name in names {
            match number(before.get(name)) {
                Some(given) => assert_eq!(number(after.get(name)), Some(given.min(most))),
                None => assert_eq!(before.get(name), after.get(name), "one cap is enough"),
            }
        }
        return;
    }
    let set = names.iter().find(|name| before.get(name).is_some()).unwrap_or(&names[0]);
    for name in names {
        let expect = if name == *set { Some(most) } else { None };
        assert_eq!(number(after.get(name)), expect, "{name}");
    }
}

fn check_models(before: &Members<'_>, after: &Members<'_>, permission: &Permission) {
    let Some(models) = &permission.models else { return };
    let names = |text: &str| serde_json::from_str::<Vec<String>>(text).expect("names");
    let first: String = serde_json::from_str(after.get("model").expect("a model")).expect("a name");
    assert_eq!(first, models[0]);
    match (&models[1..], after.get("models")) {
        ([], None) => assert_eq!(before.get("models"), None),
        ([], Some(list)) => assert_eq!(names(list), models[..1]),
        (rest, list) => assert_eq!(names(list.expect("the chain")), rest),
    }
}

fn check_provider(before: Option<&str>, after: &str, permission: &Permission) {
    let before = before.and_then(Members::of).unwrap_or_default();
    let after = Members::of(after).expect("an object");
    let only = (!permission.only.is_empty()).then_some("only");
    let may_change: Vec<&str> = ["max_price", "ignore"].into_iter().chain(only).collect();
    for (added, _) in before.kept_in(&after, &may_change) {
        assert!(may_change.contains(&added), "'provider.{added}' was added");
    }
    let list = |text: Option<&str>| -> Vec<String> {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let (given, ignored) = (list(before.get("ignore")), list(after.get("ignore")));
    let missing = permission.ignore.iter().filter(|tag| !given.contains(tag)).cloned();
    assert_eq!(ignored, given.iter().cloned().chain(missing).collect::<Vec<_>>());
    if only.is_some() {
        assert_eq!(list(after.get("only")), permission.only);
    }
    check_prices(before.get("max_price"), after.get("max_price").expect("a ceiling"), &permission.max_price);
}

fn check_prices(before: Option<&str>, after: &str, most: &MaxPrice) {
    let before = before.and_then(Members::of).unwrap_or_default();
    let after = Members::of(after).expect("an object");
    let ours = [
        ("prompt", Some(most.prompt.per_million().to_string())),
        ("completion", Some(most.completion.per_million().to_string())),
        ("request", most.request.map(|most| most.per_unit().to_string())),
        ("image", most.image.map(|most| most.per_unit().to_string())),
        ("audio", most.audio.map(|most| most.per_unit().to_string())),
    ];
    let may_change: Vec<&str> =
        ours.iter().filter(|(_, most)| most.is_some()).map(|(name, _)| *name).collect();
    for (added, _) in before.kept_in(&after, &may_change) {
        assert!(may_change.contains(&added), "'provider.max_price.{added}' was added");
    }
    for (name, most) in ours {
        if let Some(most) = most {
            check_price(before.get(name), after.get(name).expect("a price"), &most);
        }
    }
}

/// A caller's price stays where it is not above ours. Floats will do: ours is a femto-dollar too much to begin with.
fn check_price(before: Option<&str>, after: &str, ours: &str) {
    const FEMTO_PER_MILLION: f64 = 1e-9;
    let number = |text: &str| text.trim_matches('"').trim().parse::<f64>().ok();
    let most = number(ours).expect("a price");
    let slack = most * 1e-12 + 2.1 * FEMTO_PER_MILLION;
    if after != ours {
        let kept = number(after).expect("a price");
        assert_eq!(before, Some(after), "a price that is neither the caller's nor ours");
        assert!(kept <= most + slack, "{kept} is above {most}");
    } else if let Some(given) = before.filter(|before| *before != "null" && *before != ours).and_then(number)
    {
        assert!(given >= most - slack, "{given} was raised to {most}");
    }
}
