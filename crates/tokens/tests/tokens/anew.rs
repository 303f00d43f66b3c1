//! Calls of tools whose arguments somebody parses and writes anew: both bounds are at least what that has.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use openrouter::catalogue::Catalogue;
use openrouter::chat;
use pricing::{Encoding, prompt_tokens};
use proptest::prelude::*;
use serde_json::{Number, Value, json};

use crate::hard;

/// How a program writes JSON.
struct Writer {
    comma: &'static str,
    colon: &'static str,
    /// Whether all but printable ASCII is escaped.
    ascii: bool,
    /// Whether what means something in HTML is.
    html: bool,
    number: fn(&Number) -> String,
}

const PYTHON: Writer = Writer { comma: ", ", colon: ": ", ascii: true, html: false, number: python };
const TEMPLATE: Writer = Writer { ascii: false, ..PYTHON };
const JAVASCRIPT: Writer = Writer { comma: ",", colon: ":", ascii: false, html: false, number: javascript };
const GO: Writer = Writer { html: true, ..JAVASCRIPT };
/// Google's `Struct` has no whole numbers.
const STRUCT: Writer = Writer { number: floats, ..PYTHON };
/// As minijinja writes a number, and all the rest at its longest.
const RUDEST: Writer = Writer { html: true, number: written_out, ..PYTHON };

fn python(number: &Number) -> String {
    if number.is_f64() { floats(number) } else { number.to_string() }
}

fn floats(number: &Number) -> String {
    let value = number.as_f64().unwrap();
    exponent(value, -4..16, 2).unwrap_or_else(|| format!("{value:?}"))
}

fn javascript(number: &Number) -> String {
    let value = number.as_f64().unwrap();
    exponent(value, -6..21, 1).unwrap_or_else(|| value.to_string())
}

fn written_out(number: &Number) -> String {
    let text = number.as_f64().unwrap().to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// With an exponent of so many digits, where it lies outside of these.
fn exponent(value: f64, plain: std::ops::Range<i32>, digits: usize) -> Option<String> {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap();
    let exponent: i32 = exponent.parse().unwrap();
    let sign = if exponent < 0 { '-' } else { '+' };
    let places = exponent.unsigned_abs();
    (value != 0.0 && !plain.contains(&exponent)).then(|| format!("{mantissa}e{sign}{places:0digits$}"))
}

impl Writer {
    fn write(&self, value: &Value) -> String {
        match value {
            Value::Number(number) => (self.number)(number),
            Value::String(text) => self.quote(text),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.write(item)).collect();
                format!("[{}]", items.join(self.comma))
            }
            Value::Object(members) => {
                let member = |(key, value): (&String, &Value)| {
                    format!("{}{}{}", self.quote(key), self.colon, self.write(value))
                };
                let members: Vec<String> = members.iter().map(member).collect();
                format!("{{{}}}", members.join(self.comma))
            }
            other => other.to_string(),
        }
    }

    fn quote(&self, text: &str) -> String {
        let json = Value::from(text).to_string();
        let is_escaped = |character: char| {
            self.ascii && !matches!(character, ' '..='~') || self.html && "<>&'".contains(character)
        };
        let escape = |unit: &mut u16| format!("\\u{unit:04x}");
        let written = |character: char| match is_escaped(character) {
            true => character.encode_utf16(&mut [0; 2]).iter_mut().map(escape).collect(),
            false => character.to_string(),
        };
        json.chars().map(written).collect::<String>().replace("\\b", "\\u0008").replace("\\f", "\\u000c")
    }
}

fn number() -> impl Strategy<Value = String> {
    let finite = |text: &String| text.parse::<f64>().is_ok_and(f64::is_finite);
    prop_oneof![
        Just("1e20".to_owned()),
        Just("1E15".to_owned()),
        Just("-1e-6".to_owned()),
        "-?(0|[1-9][0-9]{0,18})",
        "-?(0|[1-9][0-9]{0,18})\\.[0-9]{1,20}",
        "-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,20})?[eE][+-]?[0-9]{1,3}".prop_filter("it is finite", finite),
    ]
}

/// JSON as models and programs write it.
fn arguments() -> impl Strategy<Value = String> {
    let text = prop_oneof![hard::text(), "[<>&'\u{7f}\u{8}\u{c}\"\\\\/,: 0-9eа-яé]{0,20}"];
    let leaf = prop_oneof![
        3 => number(),
        2 => text.prop_map(|text| Value::from(text.chars().take(60).collect::<String>()).to_string()),
        1 => Just("null".to_owned()),
    ];
    let space = prop::sample::select(&["", "", " ", "\n  ", "\t"][..]);
    leaf.prop_recursive(3, 60, 12, move |inner| {
        let items = (prop::collection::vec(inner, 0..12), space.clone(), any::<bool>());
        items.prop_map(|(items, space, is_list)| {
            let name = |at| if is_list { String::new() } else { format!("\"{at}\":") };
            let item = |(at, item)| format!("{space}{}{space}{item}", name(at));
            let items: Vec<String> = items.iter().enumerate().map(item).collect();
            let (open, close) = if is_list { ('[', ']') } else { ('{', '}') };
            format!("{open}{}{space}{close}", items.join(","))
        })
    })
}

/// A string of JSON in JSON; with escapes, every so many characters are one that need not be.
fn quoted(text: &str, escapes: Option<usize>) -> String {
    let Some(every) = escapes else { return Value::from(text).to_string() };
    let one = |(at, character): (usize, char)| match at % every {
        0 if character.is_ascii() => format!("\\u{:04x}", u32::from(character)),
        _ => {
            let json = Value::from(character.to_string()).to_string();
            json[1..json.len() - 1].to_owned()
        }
    };
    let inner: String = text.chars().enumerate().map(one).collect();
    format!("\"{}\"", inner)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn growth_is_at_least_what_any_writer_adds(arguments in arguments(), escapes in prop::option::of(1_usize..7)) {
        let value: Value = serde_json::from_str(&arguments).unwrap();
        let quoted = quoted(&arguments, escapes);
        prop_assert_eq!(serde_json::from_str::<Value>(&quoted).unwrap(), Value::from(arguments.as_str()));
        let growth = |body: &str| chat::read(body.as_bytes()).unwrap().shape.growth_bytes;
        let call = growth(&format!(r#"{{"messages":[{{"function_call":{{"arguments":{quoted}}}}}]}}"#));
        let tools = format!(r#"[{{"function":{arguments}}}]"#);
        let schema = growth(&format!(r#"{{"tools":{tools}}}"#));
        for writer in [PYTHON, TEMPLATE, JAVASCRIPT, GO, STRUCT, RUDEST] {
            let anew = writer.write(&value);
            let most = quoted.len() as u64 + call;
            prop_assert!(anew.len() as u64 <= most, "{}: {} {}", most, quoted, anew);
            let anew = writer.write(&json!([{ "function": value }]));
            let most = 2 * tools.len() as u64 + schema;
            prop_assert!(anew.len() as u64 <= most, "{}: {} {}", most, tools, anew);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn bounds_hold_for_arguments_written_anew(arguments in prop::collection::vec(arguments(), 1..4)) {
        let book = Catalogue::open(None).book();
        let call = |arguments: &String| format!(r#"{{"function":{{"name":"f","arguments":{}}}}}"#, quoted(arguments, None));
        let calls: Vec<String> = arguments.iter().map(call).collect();
        let body = format!(r#"{{"messages":[{{"role":"assistant","tool_calls":[{}]}}]}}"#, calls.join(","));
        let mut shape = chat::read(body.as_bytes()).unwrap().shape;
        for model in super::bodies::MODELS.iter().map(|id| book.model(id).unwrap()) {
            let encoding = Encoding::of_model(&model.id).unwrap();
            for writer in [PYTHON, TEMPLATE, JAVASCRIPT, GO, STRUCT, RUDEST] {
                let anew = |arguments: &String| writer.write(&serde_json::from_str(arguments).unwrap());
                let rendered: Vec<String> = arguments.iter().map(anew).collect();
                let exact = tokens::count(&rendered.join("\nf"), encoding);
                shape.counted = pricing::Counted::default();
                prop_assert!(exact <= prompt_tokens(model, &shape), "{}: {}", model.id, body);
                shape.counted = tokens::counted(body.as_bytes(), &[encoding]).unwrap();
                prop_assert!(exact <= prompt_tokens(model, &shape), "{}: {}", model.id, body);
            }
        }
    }
}
