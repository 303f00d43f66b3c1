//! Bodies of any JSON: what a splice makes of them is the same value with the permitted members changed, and no other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write;

use money::Rate;
use openrouter::chat::{self, BodyError, Permission};
use pricing::{Engine, Fetch, MaxPrice, PdfEngine, Pins, Plugins, Search, ServerTool};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// An object as it will be written: members in order, and how each name is spelt.
type Object = Vec<(String, Json)>;

#[derive(Clone, Debug)]
enum Json {
    /// Written as it is.
    Text(String),
    List(Vec<Json>),
    Object(Object),
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The same name, its first letter as an escape.
fn escaped(name: &str) -> String {
    let first = name.chars().next().filter(char::is_ascii).map(u32::from);
    let quoted = quoted(name);
    first.map_or(quoted, |first| format!("\"\\u{first:04X}{}\"", &name[1..]))
}

/// Writes a value with this much space around each of its marks.
fn write(json: &Json, space: &str, text: &mut String) {
    let mut comma = "";
    match json {
        Json::Text(value) => text.push_str(value),
        Json::List(list) => {
            text.push('[');
            for value in list {
                text.push_str(comma);
                text.push_str(space);
                write(value, space, text);
                comma = ",";
            }
            text.push_str(space);
            text.push(']');
        }
        Json::Object(members) => {
            text.push('{');
            for (name, value) in members {
                write!(text, "{comma}{space}{name}{space}:{space}").unwrap();
                write(value, space, text);
                comma = ",";
            }
            text.push_str(space);
            text.push('}');
        }
    }
}

fn written(body: &Json, space: &str) -> String {
    let mut text = space.to_owned();
    write(body, space, &mut text);
    text.push_str(space);
    text
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,6})\\.[0-9]{1,20}([eE][-+]?[0-9]{1,2})?",
        any::<String>().prop_map(|text| quoted(&text)),
        "[a-z_\\\\\"{}:,]{0,12}".prop_map(|text| quoted(&text)),
    ];
    leaf.prop_map(Json::Text).prop_recursive(4, 24, 5, |inner| {
        let object = prop::collection::hash_map(any::<String>(), inner.clone(), 0..5);
        let object =
            object.prop_map(|members| members.into_iter().map(|(name, value)| (quoted(&name), value)));
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Json::List),
            object.prop_map(|members| Json::Object(members.collect())),
        ]
    })
}

/// Some of these members, in any order, some names with an escape in them.
fn some_of(members: Vec<(&'static str, BoxedStrategy<Json>)>) -> BoxedStrategy<Object> {
    let member = |(name, value): (&'static str, BoxedStrategy<Json>)| {
        let name = prop_oneof![4 => Just(quoted(name)), 1 => Just(escaped(name))];
        prop::option::of((name, value)).boxed()
    };
    let all: Vec<_> = members.into_iter().map(member).collect();
    all.prop_map(|members| members.into_iter().flatten().collect()).prop_shuffle().boxed()
}

fn one_of(texts: &'static [&'static str]) -> BoxedStrategy<Json> {
    prop::sample::select(texts).prop_map(|text| Json::Text(text.to_owned())).boxed()
}

const CAPS: &[&str] = &["null", "1", "99", "100", "101", "4294967295"];
const PRICES: &[&str] = &["null", "0", "0.1", "\"0.15\"", "0.151", "1e-3", "\" 5 \"", "1E2"];

fn max_price() -> BoxedStrategy<Json> {
    let members = some_of(vec![
        ("prompt", one_of(PRICES)),
        ("completion", one_of(PRICES)),
        ("request", one_of(PRICES)),
        ("image", one_of(PRICES)),
        ("audio", one_of(PRICES)),
        ("x", any_json().boxed()),
    ]);
    prop_oneof![Just(Json::Text("null".to_owned())), members.prop_map(Json::Object)].boxed()
}

fn provider() -> BoxedStrategy<Json> {
    let members = some_of(vec![
        ("max_price", max_price()),
        ("ignore", one_of(&["null", "[ ]", "[\"z\"]", "[ \"q\" , \"\\u007a\" ]"])),
        ("only", one_of(&["null", "[\"q\"]"])),
        ("sort", any_json().boxed()),
        ("options", any_json().boxed()),
    ]);
    prop_oneof![Just(Json::Text("null".to_owned())), members.prop_map(Json::Object)].boxed()
}

/// Members with one that is always there, in any place among them.
fn with(name: &'static str, value: &str, members: BoxedStrategy<Object>) -> BoxedStrategy<Json> {
    let member = (quoted(name), Json::Text(value.to_owned()));
    let all =
        members.prop_map(move |members| members.into_iter().chain([member.clone()]).collect::<Object>());
    all.prop_shuffle().prop_map(Json::Object).boxed()
}

const LIMITS: &[&str] = &["null", "1", "3", "4", "4294967295"];
const ENGINES: &[&str] = &["null", "\"auto\"", "\"exa\"", "\"native\"", "\"n\\u0061tive\""];

fn settings(names: &'static [&'static str]) -> BoxedStrategy<Object> {
    let mut members: Vec<_> = names.iter().map(|name| (*name, one_of(LIMITS))).collect();
    members.push(("engine", one_of(ENGINES)));
    members.push(("allowed_domains", any_json().boxed()));
    members.push(("x", any_json().boxed()));
    some_of(members)
}

fn or_null(object: BoxedStrategy<Object>) -> BoxedStrategy<Json> {
    prop_oneof![1 => Just(Json::Text("null".to_owned())), 4 => object.prop_map(Json::Object)].boxed()
}

fn list_of(element: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    prop_oneof![
        1 => one_of(&["null", "{ }"]),
        6 => prop::collection::vec(element, 0..4).prop_map(Json::List),
    ]
    .boxed()
}

const SEARCH: &[&str] = &["max_uses", "max_results", "max_total_results", "max_characters"];
const FETCH: &[&str] = &["max_uses", "max_content_tokens"];

fn tool() -> BoxedStrategy<Json> {
    let parameters = |names| some_of(vec![("parameters", or_null(settings(names)))]);
    let shorthand = (settings(SEARCH), parameters(SEARCH))
        .prop_map(|(top, inner)| top.into_iter().chain(inner).collect::<Object>())
        .boxed();
    prop_oneof![
        with("type", "\"openrouter:web_search\"", parameters(SEARCH)),
        with("type", "\"web_search_preview\"", shorthand),
        with("type", "\"openrouter:web_fetch\"", parameters(FETCH)),
        with("type", "\"openrouter:datetime\"", some_of(vec![("x", any_json().boxed())])),
        with("type", "\"function\"", some_of(vec![("function", any_json().boxed())])),
        with("type", "\"openrouter:bash\"", some_of(vec![("parameters", any_json().boxed())])),
    ]
    .boxed()
}

/// Plugins, each at most once.
fn plugins() -> BoxedStrategy<Json> {
    let enabled = || ("enabled", one_of(&["true", "false", "null"]));
    let plugin = |id, names: &'static [&'static str]| {
        let members = (settings(names), some_of(vec![enabled()]));
        with("id", id, members.prop_map(|(one, other)| one.into_iter().chain(other).collect()).boxed())
    };
    let engine = one_of(&["null", "\"pdf-text\"", "\"native\"", "\"mistral-ocr\"", "\"other\""]);
    let pdf = or_null(some_of(vec![("engine", engine), ("x", any_json().boxed())]));
    let all = [
        plugin("\"web\"", &["max_uses", "max_results"]),
        with("id", "\"file-parser\"", some_of(vec![enabled(), ("pdf", pdf)])),
        with("id", "\"fusion\"", some_of(vec![enabled(), ("x", any_json().boxed())])),
    ];
    let some = all.map(|plugin| prop::option::of(plugin).boxed()).to_vec();
    let some = some.prop_map(|plugins| plugins.into_iter().flatten().collect::<Vec<_>>()).prop_shuffle();
    prop_oneof![1 => one_of(&["null", "{ }"]), 6 => some.prop_map(Json::List)].boxed()
}

fn conditions() -> BoxedStrategy<Json> {
    let cost = with("type", "\"max_cost\"", some_of(vec![("step_count", one_of(&["1"]))]));
    let steps = with("type", "\"step_count_is\"", some_of(vec![("step_count", one_of(LIMITS))]));
    list_of(prop_oneof![1 => cost, 3 => steps].boxed())
}

const TIERS: &[&str] =
    &["null", "\"auto\"", "\"standard\"", "\"default\"", "\"fl\\u0065x\"", "\"priority\"", "\"x\""];

fn body() -> BoxedStrategy<Object> {
    let any = || any_json().boxed();
    some_of(vec![
        ("max_tokens", one_of(CAPS)),
        ("max_completion_tokens", one_of(CAPS)),
        ("provider", provider()),
        ("model", one_of(&["null", "\"m\"", "\"t\\u0061sk\\/x\""])),
        ("models", one_of(&["null", "[ ]", "[\"n\" , \"m\"]"])),
        ("service_tier", one_of(TIERS)),
        ("stop_server_tools_when", conditions()),
        ("tools", list_of(tool())),
        ("plugins", plugins()),
        (
            "messages",
            one_of(&["null", "[]", "[ {\"role\":\"user\",\"content\":\"{\\\"max_tokens\\\":9}\"} ]"]),
        ),
        ("metadata", any()),
        ("stop", any()),
        ("temperature", any()),
        ("", any()),
        ("provider.max_price", any()),
        ("max_tokens ", any()),
    ])
}

fn search() -> BoxedStrategy<Search> {
    let engine = prop::sample::select(&[Engine::Auto, Engine::Exa, Engine::Native]);
    let limit = || prop::option::of(1..6_u32);
    (engine, limit(), limit(), limit(), limit())
        .prop_map(|(engine, max_uses, max_results, max_total_results, max_characters)| Search {
            engine,
            max_uses,
            max_results,
            max_total_results,
            max_characters,
            ..Search::default()
        })
        .boxed()
}

fn fetch() -> BoxedStrategy<Fetch> {
    let engine = prop::sample::select(&[Engine::Auto, Engine::Exa, Engine::OpenRouter]);
    let limit = || prop::option::of(1..6_u32);
    (engine, limit(), limit())
        .prop_map(|(engine, max_uses, max_content_tokens)| Fetch { engine, max_uses, max_content_tokens })
        .boxed()
}

/// Pins of any kind; those of tools are given to each tool of their kind.
#[derive(Clone, Debug)]
struct AnyPins {
    pins: Pins,
    search: Search,
    fetch: Fetch,
}

fn pins() -> BoxedStrategy<AnyPins> {
    let pdf = prop::option::of(prop::sample::select(&[
        PdfEngine::Cloudflare,
        PdfEngine::Native,
        PdfEngine::Mistral,
    ]));
    let off = prop::sample::select(vec![
        Plugins::default(),
        Plugins::WEB,
        Plugins::FUSION,
        Plugins::WEB.with(Plugins::FUSION),
    ]);
    let plugins = (prop::option::of(search()), pdf, off);
    (any::<bool>(), prop::option::of(1..6_u32), search(), fetch(), plugins)
        .prop_map(|(tier, steps, search, fetch, (web, pdf, off))| AnyPins {
            pins: Pins { tier, steps, web, pdf, off, ..Pins::default() },
            search,
            fetch,
        })
        .boxed()
}

impl AnyPins {
    /// For these tools.
    fn of(&self, tools: &[ServerTool]) -> Pins {
        let pin = |tool: &ServerTool| match tool {
            ServerTool::Search(_) => ServerTool::Search(self.search),
            ServerTool::Fetch(_) => ServerTool::Fetch(self.fetch),
            ServerTool::Clock => ServerTool::Clock,
        };
        Pins { tools: tools.iter().map(pin).collect(), ..self.pins.clone() }
    }
}

fn permission(media: bool, ignore: bool, chain: usize, pins: Pins) -> Permission {
    let names = ["a/b:floor", "c\"\\d", "é/\u{1F4B8}"];
    let price = |text: &str| media.then(|| Rate::parse_ceil(text).unwrap());
    Permission {
        output_cap: 100,
        max_price: MaxPrice {
            prompt: Rate::from_femtos(150_000_001),
            completion: Rate::from_femtos(600_000_001),
            request: price("0.005"),
            image: price("0.25"),
            audio: price("0.0625"),
        },
        ignore: if ignore { vec!["z".to_owned(), "y/\"fp8".to_owned()] } else { Vec::new() },
        only: if media != ignore { vec!["x".to_owned(), "w/\"é".to_owned()] } else { Vec::new() },
        pins,
        models: (chain > 0).then(|| names[..chain].iter().map(|name| (*name).to_owned()).collect()),
    }
}

/// What a body becomes, by the words of the permission.
fn expected(body: &Value, permission: &Permission, any: &AnyPins) -> Value {
    let mut expected = body.as_object().unwrap().clone();
    caps(&mut expected, permission.output_cap);
    pinned(&mut expected, any);
    if let Some([first, rest @ ..]) = permission.models.as_deref() {
        expected.insert("model".to_owned(), json!(first));
        match rest {
            [] if !expected.contains_key("models") => {}
            [] => drop(expected.insert("models".to_owned(), json!([first]))),
            rest => drop(expected.insert("models".to_owned(), json!(rest))),
        }
    }
    let provider = object_at(&mut expected, "provider");
    if !permission.ignore.is_empty() {
        let given = provider.get("ignore").and_then(Value::as_array).cloned().unwrap_or_default();
        let missing = permission.ignore.iter().map(|tag| json!(tag)).filter(|tag| !given.contains(tag));
        provider.insert("ignore".to_owned(), given.iter().cloned().chain(missing).collect());
    }
    if !permission.only.is_empty() {
        provider.insert("only".to_owned(), json!(permission.only));
    }
    let max_price = object_at(provider, "max_price");
    price(max_price, "prompt", Some(0.150_000_001));
    price(max_price, "completion", Some(0.600_000_001));
    price(max_price, "request", permission.max_price.request.map(|_| 0.005));
    price(max_price, "image", permission.max_price.image.map(|_| 0.25));
    price(max_price, "audio", permission.max_price.audio.map(|_| 0.0625));
    Value::Object(expected)
}

/// The pins, on values.
fn pinned(body: &mut Map<String, Value>, any: &AnyPins) {
    let pins = &any.pins;
    let tier = body.get("service_tier").and_then(Value::as_str);
    if pins.tier && !matches!(tier, Some("default" | "flex")) {
        body.insert("service_tier".to_owned(), json!("default"));
    }
    if let Some(most) = pins.steps {
        let given = body.get("stop_server_tools_when").and_then(Value::as_array).cloned().unwrap_or_default();
        let counts = given.iter().filter(|condition| condition["type"] == "step_count_is");
        if counts
            .filter_map(|condition| condition["step_count"].as_u64())
            .all(|steps| steps > u64::from(most))
        {
            let list = given.into_iter().chain([json!({"type": "step_count_is", "step_count": most})]);
            body.insert("stop_server_tools_when".to_owned(), list.collect());
        }
    }
    for tool in body.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten() {
        let tool = tool.as_object_mut().unwrap();
        match tool["type"].as_str() {
            Some("openrouter:web_search") => searches(object_at(tool, "parameters"), &any.search, SEARCH),
            Some("web_search_preview") => {
                searches(tool, &any.search, SEARCH);
                if let Some(inner) = tool.get_mut("parameters").and_then(Value::as_object_mut) {
                    searches(inner, &any.search, SEARCH);
                }
            }
            Some("openrouter:web_fetch") => fetches(object_at(tool, "parameters"), &any.fetch),
            _ => {}
        }
    }
    plugged(body, pins);
}

fn plugged(body: &mut Map<String, Value>, pins: &Pins) {
    let mut list = body.get("plugins").and_then(Value::as_array).cloned().unwrap_or_default();
    let named: Vec<Value> = list.iter().map(|plugin| plugin["id"].clone()).collect();
    for plugin in &mut list {
        let plugin = plugin.as_object_mut().unwrap();
        let enabled = plugin.get("enabled") != Some(&json!(false));
        match (plugin["id"].as_str(), pins.pdf) {
            (Some("web"), _) if enabled => {
                pins.web.iter().for_each(|pin| searches(plugin, pin, &["max_uses", "max_results"]));
            }
            (Some("file-parser"), Some(most)) => {
                let pdf = object_at(plugin, "pdf");
                let given = match pdf.get("engine").and_then(Value::as_str) {
                    Some("pdf-text") => 1,
                    Some("native") => 2,
                    _ => 3,
                };
                let is_named = pdf.get("engine").is_some_and(Value::is_string);
                if !is_named || given > rank(most) {
                    pdf.insert("engine".to_owned(), json!(pdf_name(most)));
                }
            }
            _ => {}
        }
    }
    let off = pins.off.names().filter(|name| !named.contains(&json!(name)));
    list.extend(off.map(|name| json!({"id": name, "enabled": false})));
    if let Some(engine) = pins.pdf.filter(|_| !named.contains(&json!("file-parser"))) {
        list.push(json!({"id": "file-parser", "pdf": {"engine": pdf_name(engine)}}));
    }
    if list.len() > named.len() || body.get("plugins").is_some_and(Value::is_array) {
        body.insert("plugins".to_owned(), list.into());
    }
}

fn rank(engine: PdfEngine) -> u8 {
    match engine {
        PdfEngine::Cloudflare => 1,
        PdfEngine::Native => 2,
        PdfEngine::Mistral => 3,
    }
}

fn pdf_name(engine: PdfEngine) -> &'static str {
    ["cloudflare-ai", "native", "mistral-ocr"][usize::from(rank(engine)) - 1]
}

fn searches(object: &mut Map<String, Value>, pin: &Search, names: &[&str]) {
    engine(object, pin.engine);
    let limits = [pin.max_uses, pin.max_results, pin.max_total_results, pin.max_characters];
    for (name, most) in SEARCH.iter().zip(limits).filter(|(name, _)| names.contains(name)) {
        limit(object, name, most);
    }
}

fn fetches(object: &mut Map<String, Value>, pin: &Fetch) {
    engine(object, pin.engine);
    limit(object, "max_uses", pin.max_uses);
    limit(object, "max_content_tokens", pin.max_content_tokens);
}

fn engine(object: &mut Map<String, Value>, pin: Engine) {
    if pin != Engine::Auto {
        object.insert("engine".to_owned(), json!(pin.word()));
    }
}

fn limit(object: &mut Map<String, Value>, name: &str, most: Option<u32>) {
    let Some(most) = most.map(u64::from) else { return };
    let given = object.get(name).and_then(Value::as_u64);
    object.insert(name.to_owned(), json!(given.unwrap_or(most).min(most)));
}

/// The object that is there, or an empty one where there is none, or null.
fn object_at<'v>(object: &'v mut Map<String, Value>, name: &str) -> &'v mut Map<String, Value> {
    let value = object.entry(name).or_insert(Value::Null);
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut().unwrap()
}

fn caps(body: &mut Map<String, Value>, most: u64) {
    let names = ["max_tokens", "max_completion_tokens"];
    let given = |name: &&&str| body.get(**name).is_some_and(Value::is_u64);
    if names.iter().any(|name| given(&name)) {
        for name in names {
            if let Some(cap) = body.get_mut(name).filter(|cap| cap.is_u64()) {
                *cap = json!(cap.as_u64().unwrap().min(most));
            }
        }
    } else {
        let name = names.iter().find(|name| body.contains_key(**name)).unwrap_or(&names[0]);
        body.insert((*name).to_owned(), json!(most));
    }
}

fn price(max_price: &mut Map<String, Value>, name: &str, most: Option<f64>) {
    let Some(most) = most else { return };
    let given = max_price.get(name).and_then(|given| match given {
        Value::String(text) => text.trim().parse::<f64>().ok(),
        given => given.as_f64(),
    });
    if given.is_none_or(|given| given > most) {
        max_price.insert(name.to_owned(), json!(most));
    }
}

/// Whether a value nests deeper than serde_json reads.
fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn exactly_the_permitted_members_change(
        body in body(), space in "[ \n\t\r]{0,2}", media: bool, ignore: bool, chain in 0..4_usize, pins in pins(),
    ) {
        let text = written(&Json::Object(body), &space);
        let read = chat::read(text.as_bytes()).unwrap();
        let permission = permission(media, ignore, chain, pins.of(&read.shape.run.tools));
        let spliced = read.splice(text.as_bytes(), &permission);
        let again = chat::read(&spliced).unwrap().splice(&spliced, &permission);
        prop_assert_eq!(&again, &spliced, "a second splice changes nothing");
        let spliced = String::from_utf8(spliced).unwrap();
        let expected = expected(&value(&text), &permission, &pins);
        prop_assert_eq!(value(&spliced), expected, "{} became {}", text, spliced);
    }

    /// A member given twice where edits go, whatever it says and however it is spelt.
    #[test]
    fn twins_are_refused(body in body(), which: prop::sample::Index, at: prop::sample::Index, space in "[ \n]{0,2}") {
        let mut body = Json::Object(body);
        let paths = edited(&body);
        let mut object = &mut body;
        for index in &paths[which.index(paths.len())] {
            object = match object {
                Json::Object(members) => &mut members[*index].1,
                Json::List(list) => &mut list[*index],
                Json::Text(_) => unreachable!("a path leads through what holds something"),
            };
        }
        let Json::Object(members) = object else { unreachable!("a path leads to an object") };
        prop_assume!(!members.is_empty());
        let (name, value) = members[which.index(members.len())].clone();
        let name: String = serde_json::from_str(&name).unwrap();
        members.insert(at.index(members.len() + 1), (escaped(&name), value));
        let text = written(&body, &space);
        let error = chat::read(text.as_bytes()).err();
        prop_assert!(matches!(error, Some(BodyError::Duplicate(_))), "{:?}: {}", error, text);
    }

    #[test]
    fn any_json_and_any_cut_of_it_is_answered(json in any_json(), cut: prop::sample::Index, byte: u8) {
        let text = written(&json, " ").into_bytes();
        let mut cut_off = text[..cut.index(text.len())].to_vec();
        let _ = (chat::read(&text), chat::read(&cut_off));
        cut_off.push(byte);
        let _ = chat::read(&cut_off);
    }
}

/// The ways to each object that may be edited.
fn edited(body: &Json) -> Vec<Vec<usize>> {
    let mut paths = vec![vec![]];
    let inside = |path: &[usize], json: &Json, name: &str| {
        let Json::Object(members) = json else { return None };
        let index = members.iter().position(|(written, _)| is_named(written, name))?;
        let path = path.iter().copied().chain([index]).collect::<Vec<_>>();
        Some((path, members[index].1.clone()))
    };
    let mut object = |found: Option<(Vec<usize>, Json)>| {
        let (path, json) = found.filter(|(_, json)| matches!(json, Json::Object(_)))?;
        paths.push(path.clone());
        Some((path, json))
    };
    if let Some((path, provider)) = object(inside(&[], body, "provider")) {
        object(inside(&path, &provider, "max_price"));
    }
    for (list, within) in [("tools", "parameters"), ("plugins", "pdf")] {
        let Some((path, Json::List(elements))) = inside(&[], body, list) else { continue };
        for (index, element) in elements.into_iter().enumerate() {
            let path: Vec<usize> = path.iter().copied().chain([index]).collect();
            let of_type =
                inside(&path, &element, "type").map(|(_, json)| format!("{json:?}")).unwrap_or_default();
            if !of_type.contains("function") && !of_type.contains("bash") {
                object(Some((path.clone(), element.clone())));
                let is_parser =
                    inside(&path, &element, "id").is_none_or(|(_, id)| format!("{id:?}").contains("parser"));
                if is_parser {
                    object(inside(&path, &element, within));
                }
            }
        }
    }
    paths
}

fn is_named(written: &str, name: &str) -> bool {
    serde_json::from_str::<String>(written).is_ok_and(|written| written == name)
}
