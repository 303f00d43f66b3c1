//! Bodies of any JSON: what a splice makes of them is the same value with the permitted members changed, and no other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write;

use money::Rate;
use openrouter::chat::{self, BodyError, Permission};
use pricing::MaxPrice;
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
        ("image", any_json().boxed()),
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

fn body() -> BoxedStrategy<Object> {
    let any = || any_json().boxed();
    some_of(vec![
        ("max_tokens", one_of(CAPS)),
        ("max_completion_tokens", one_of(CAPS)),
        ("provider", provider()),
        ("model", one_of(&["null", "\"m\"", "\"t\\u0061sk\\/x\""])),
        ("models", one_of(&["null", "[ ]", "[\"n\" , \"m\"]"])),
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

fn permission(request: bool, ignore: bool, chain: usize) -> Permission {
    let names = ["a/b:floor", "c\"\\d", "é/\u{1F4B8}"];
    Permission {
        output_cap: 100,
        max_price: MaxPrice {
            prompt: Rate::from_femtos(150_000_001),
            completion: Rate::from_femtos(600_000_001),
            request: request.then(|| Rate::parse_ceil("0.005").unwrap()),
            ..MaxPrice::default()
        },
        ignore: if ignore { vec!["z".to_owned(), "y/\"fp8".to_owned()] } else { Vec::new() },
        pins: pricing::Pins::default(),
        models: (chain > 0).then(|| names[..chain].iter().map(|name| (*name).to_owned()).collect()),
    }
}

/// What a body becomes, by the words of the permission.
fn expected(body: &Value, permission: &Permission) -> Value {
    let mut expected = body.as_object().unwrap().clone();
    caps(&mut expected, permission.output_cap);
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
    let max_price = object_at(provider, "max_price");
    price(max_price, "prompt", Some(0.150_000_001));
    price(max_price, "completion", Some(0.600_000_001));
    price(max_price, "request", permission.max_price.request.map(|_| 0.005));
    Value::Object(expected)
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
        body in body(), space in "[ \n\t\r]{0,2}", request: bool, ignore: bool, chain in 0..4_usize,
    ) {
        let text = written(&Json::Object(body), &space);
        let permission = permission(request, ignore, chain);
        let spliced = chat::read(text.as_bytes()).unwrap().splice(text.as_bytes(), &permission);
        let spliced = String::from_utf8(spliced).unwrap();
        prop_assert_eq!(value(&spliced), expected(&value(&text), &permission), "{} became {}", text, spliced);
    }

    /// A member given twice where edits go, whatever it says and however it is spelt.
    #[test]
    fn twins_are_refused(body in body(), which: prop::sample::Index, at: prop::sample::Index, space in "[ \n]{0,2}") {
        let mut body = body;
        let mut paths = vec![vec![]];
        for (index, (_, value)) in body.iter().enumerate() {
            if let (Json::Object(members), true) = (value, is_named(&body[index].0, "provider")) {
                paths.push(vec![index]);
                let inner = members.iter().position(|(name, _)| is_named(name, "max_price"));
                paths.extend(inner.map(|inner| vec![index, inner]));
            }
        }
        let path = paths[which.index(paths.len())].clone();
        let mut object = &mut body;
        for index in path {
            let Json::Object(inner) = &mut object[index].1 else { return Ok(()) };
            object = inner;
        }
        prop_assume!(!object.is_empty());
        let (name, value) = object[which.index(object.len())].clone();
        let name: String = serde_json::from_str(&name).unwrap();
        object.insert(at.index(object.len() + 1), (escaped(&name), value));
        let text = written(&Json::Object(body), &space);
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

fn is_named(written: &str, name: &str) -> bool {
    serde_json::from_str::<String>(written).is_ok_and(|written| written == name)
}
