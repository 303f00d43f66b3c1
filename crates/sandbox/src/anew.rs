//! JSON that is read and written again, as other programs than the one that sent it write it.

use serde_json::{Number, Value};

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// `json.dumps` of Python: spaces, `1e15` as `1000000000000000.0`, and nothing beyond ASCII.
    Python,
    /// `JSON.stringify`: no spaces, `1e20` as `100000000000000000000`.
    JavaScript,
}

impl Writer {
    pub(crate) const ALL: [Writer; 2] = [Writer::Python, Writer::JavaScript];

    /// Writes a value.
    pub(crate) fn write(self, value: &Value) -> String {
        let mut out = String::new();
        self.value(value, &mut out);
        out
    }

    fn value(self, value: &Value, out: &mut String) {
        match value {
            Value::Null | Value::Bool(_) => out.push_str(&value.to_string()),
            Value::Number(number) => out.push_str(&self.number(number)),
            Value::String(text) => self.text(text, out),
            Value::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.comma(at, out);
                    self.value(item, out);
                }
                out.push(']');
            }
            Value::Object(members) => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    self.comma(at, out);
                    self.text(key, out);
                    out.push_str(if self == Writer::Python { ": " } else { ":" });
                    self.value(value, out);
                }
                out.push('}');
            }
        }
    }

    fn comma(self, at: usize, out: &mut String) {
        match self {
            _ if at == 0 => {}
            Writer::Python => out.push_str(", "),
            Writer::JavaScript => out.push(','),
        }
    }

    fn text(self, text: &str, out: &mut String) {
        for character in Value::from(text).to_string().chars() {
            if self == Writer::JavaScript || matches!(character, ' '..='~') {
                out.push(character);
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }

    /// Both write the fewest digits that mean the number, and an exponent only beyond some places.
    fn number(self, number: &Number) -> String {
        let Some(float) = number.as_f64().filter(|_| self == Writer::JavaScript || number.is_f64()) else {
            return number.to_string();
        };
        let digits = format!("{float:e}");
        let (mantissa, places) = digits.split_once('e').unwrap_or((&digits, "0"));
        let places: i32 = places.parse().unwrap_or_default();
        let sign = if places < 0 { '-' } else { '+' };
        match self {
            Writer::Python if (-4..16).contains(&places) => format!("{float:?}"),
            Writer::Python => format!("{mantissa}e{sign}{:02}", places.abs()),
            Writer::JavaScript if (-6..21).contains(&places) => float.to_string(),
            Writer::JavaScript => format!("{mantissa}e{sign}{}", places.abs()),
        }
    }
}

/// A call of a tool, or a list of them, with the arguments as what they are: objects, where they can be read.
pub(crate) fn parsed(call: &Value) -> Value {
    match call {
        Value::Array(calls) => calls.iter().map(parsed).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), member(key, value))).collect()
        }
        other => other.clone(),
    }
}

/// As the most lenient read it: half of a pair is a letter to Python and JavaScript.
fn read(text: &str) -> Option<Value> {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&text.replace("\\ud800", "\\ufffd"))).ok()
}

fn member(key: &str, value: &Value) -> Value {
    match (key, value) {
        ("function", function) => parsed(function),
        ("arguments", Value::String(text)) => read(text).unwrap_or_else(|| value.clone()),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What CPython 3.11 and Node 20 print.
    #[test]
    fn as_they_write_it() {
        for (text, python, javascript) in [
            ("1", "1", "1"),
            ("-1.5", "-1.5", "-1.5"),
            ("1e15", "1000000000000000.0", "1000000000000000"),
            ("1e16", "1e+16", "10000000000000000"),
            ("1e20", "1e+20", "100000000000000000000"),
            ("1e21", "1e+21", "1e+21"),
            ("0.0001", "0.0001", "0.0001"),
            ("2.5e-6", "2.5e-06", "0.0000025"),
            ("1e-7", "1e-07", "1e-7"),
            ("9007199254740993", "9007199254740993", "9007199254740992"),
            ("1.0", "1.0", "1"),
            (
                r#"{"a":["é",{}],"b":"\u007f💸\n"}"#,
                r#"{"a": ["\u00e9", {}], "b": "\u007f\ud83d\udcb8\n"}"#,
                "{\"a\":[\"é\",{}],\"b\":\"\u{7f}💸\\n\"}",
            ),
        ] {
            let value: Value = serde_json::from_str(text).expect("JSON");
            assert_eq!(Writer::Python.write(&value), python);
            assert_eq!(Writer::JavaScript.write(&value), javascript);
        }
    }

    #[test]
    fn arguments_are_what_they_are() {
        let calls = json!([{ "id": "x", "function": { "name": "f", "arguments": "{\"a\":[1,2]}" } }]);
        let expect = json!([{ "id": "x", "function": { "name": "f", "arguments": { "a": [1, 2] } } }]);
        assert_eq!(parsed(&calls), expect);
        let broken = json!({ "name": "f", "arguments": "{" });
        assert_eq!(parsed(&broken), broken);
    }
}
