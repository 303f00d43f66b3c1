//! Smaller bodies that fail alike.

use serde_json::Value;

/// A body none of whose members, elements or halves of text can be left out.
pub(super) fn smallest(body: Vec<u8>, fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(&body) else { return body };
    if !fails(value.to_string().as_bytes()) {
        return body;
    }
    loop {
        let smaller = candidates(&value).into_iter().find(|smaller| fails(smaller.to_string().as_bytes()));
        match smaller {
            Some(smaller) => value = smaller,
            None => return value.to_string().into_bytes(),
        }
    }
}

/// The value with one thing left out, larger things first.
fn candidates(value: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    match value {
        Value::Object(members) => {
            for key in members.keys() {
                let mut fewer = members.clone();
                fewer.remove(key);
                found.push(Value::Object(fewer));
            }
            for (key, inner) in members {
                for smaller in candidates(inner) {
                    let mut changed = members.clone();
                    changed.insert(key.clone(), smaller);
                    found.push(Value::Object(changed));
                }
            }
        }
        Value::Array(elements) => {
            for at in 0..elements.len() {
                let mut fewer = elements.clone();
                fewer.remove(at);
                found.push(Value::Array(fewer));
            }
            for (at, inner) in elements.iter().enumerate() {
                for smaller in candidates(inner) {
                    let mut changed = elements.clone();
                    changed[at] = smaller;
                    found.push(Value::Array(changed));
                }
            }
        }
        Value::String(text) if text.len() > 16 && !text.starts_with("data:") => {
            found.push(Value::String(text.chars().take(text.chars().count() / 2).collect()));
        }
        _ => {}
    }
    found
}
