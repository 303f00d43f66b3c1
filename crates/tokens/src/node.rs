//! [`Node`]: JSON as it was written. Not `serde_json::Value`, which keeps one of two members with the same name: a
//! provider may read the other.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Numbers written out may be so many times as long as all of the JSON was, or as long as this.
const LONGER_MAX: usize = 2;
const WRITTEN_FREELY: usize = 64 << 10;

/// A JSON value, its members in their order, duplicates included.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Text(String),
    /// A number, a boolean, null, as JSON.
    Scalar(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn items(&self) -> &[Node] {
        match self {
            Node::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn members(&self) -> &[(String, Node)] {
        match self {
            Node::Object(members) => members,
            _ => &[],
        }
    }

    /// Whether there is nothing in it: null, an empty list or object.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Node::Text(text) => text.is_empty(),
            Node::Scalar(json) => json == "null",
            Node::List(items) => items.is_empty(),
            Node::Object(members) => members.is_empty(),
        }
    }

    /// Reads JSON; `None` where it is none, or holds numbers that are much longer once they are written out: a megabyte
    /// of `1e308` would be sixty.
    pub(crate) fn read(json: &[u8]) -> Option<Node> {
        let node: Node = serde_json::from_slice(json).ok()?;
        (node.scalar_bytes() <= json.len().saturating_mul(LONGER_MAX).max(WRITTEN_FREELY)).then_some(node)
    }

    fn scalar_bytes(&self) -> usize {
        match self {
            Node::Text(_) => 0,
            Node::Scalar(scalar) => scalar.len(),
            Node::List(items) => items.iter().map(Node::scalar_bytes).sum(),
            Node::Object(members) => members.iter().map(|(_, value)| value.scalar_bytes()).sum(),
        }
    }

    /// As compact JSON.
    pub(crate) fn json(&self) -> String {
        let mut json = String::new();
        self.write(&mut json, &COMPACT);
        json
    }

    /// As the longest JSON that is written of it: spaces, all numbers as floats, and those that some write with an
    /// exponent in both ways, for either may have more tokens.
    pub(crate) fn spaced(&self) -> String {
        let mut json = String::new();
        self.write(&mut json, &SPACED);
        json
    }

    fn write(&self, json: &mut String, style: &Style) {
        match self {
            Node::Text(text) => quote(text, json),
            Node::Scalar(scalar) => {
                json.push_str(scalar);
                if style.floats {
                    as_float(scalar, json);
                }
            }
            Node::List(items) => {
                json.push('[');
                for (at, item) in items.iter().enumerate() {
                    json.push_str(if at == 0 { "" } else { style.comma });
                    item.write(json, style);
                }
                json.push(']');
            }
            Node::Object(members) => {
                json.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    json.push_str(if at == 0 { "" } else { style.comma });
                    quote(key, json);
                    json.push_str(style.colon);
                    value.write(json, style);
                }
                json.push('}');
            }
        }
    }
}

/// How JSON is written.
struct Style {
    comma: &'static str,
    colon: &'static str,
    /// Whether numbers are written as floats.
    floats: bool,
}

const COMPACT: Style = Style { comma: ",", colon: ":", floats: false };
const SPACED: Style = Style { comma: ", ", colon: ": ", floats: true };

/// What makes the longest float of a number that is written; nothing where it is none.
fn as_float(scalar: &str, json: &mut String) {
    let Ok(value) = scalar.parse::<f64>() else { return };
    if !scalar.contains('.') {
        json.push_str(".0");
    }
    let digits = format!("{value:e}");
    let (mantissa, exponent) = digits.split_once('e').unwrap_or((&digits, "0"));
    let places: i32 = exponent.parse().unwrap_or(0);
    // Python's limits, the narrowest.
    if value != 0.0 && !(-4..16).contains(&places) {
        json.push_str(&format!("{mantissa}e{places:+03}"));
    }
}

/// A string as JSON.
pub(crate) fn quote(text: &str, json: &mut String) {
    json.push_str(&serde_json::Value::from(text).to_string());
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    /// The longest that any writer makes of it: all its digits, and no exponent.
    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar("null".to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = object.next_entry()? {
            members.push(member);
        }
        Ok(Node::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost() {
        let json = r#"{"a":[1,-2,0.5,true,null,"x\"\n"],"a":{"b":"é"},"":[]}"#;
        let node: Node = serde_json::from_str(json).unwrap();
        assert_eq!(node.json(), json);
        assert_eq!(node.members().len(), 3);
        assert!(serde_json::from_str::<Node>(r#""\ud800""#).is_err(), "half a pair is no text");
    }

    #[test]
    fn the_longest_that_is_written() {
        let node: Node = serde_json::from_str(r#"{"a":[1,-2,0.5,true,null,"1,2:3"],"b":{}}"#).unwrap();
        assert_eq!(node.spaced(), r#"{"a": [1.0, -2.0, 0.5, true, null, "1,2:3"], "b": {}}"#);
        for (short, long) in [
            ("1e20", "100000000000000000000.01e+20"),
            ("1E15", "1000000000000000.0"),
            ("-2.5e-7", "-0.00000025-2.5e-07"),
            ("12345678901234567890123", "12345678901234568000000.01.2345678901234568e+22"),
            ("12345678901234567", "12345678901234567.01.2345678901234568e+16"),
            ("0e5", "0.0"),
        ] {
            assert_eq!(serde_json::from_str::<Node>(short).unwrap().spaced(), long);
        }
    }
}
