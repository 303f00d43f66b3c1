//! The request to estimate: a whole body as it is, or one made of text. What flags change is changed in its bytes, so
//! that the worst case is exactly what a gateway would hold for that body.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A chat request for one model, as text.
pub(super) fn of_text(model: &str, system: Option<&str>, text: &str, images: &[String]) -> String {
    let message = |role: &str, content: Value| json!({ "role": role, "content": content });
    let system = system.map(|system| message("system", system.into()));
    let image = |url: &String| json!({ "type": "image_url", "image_url": { "url": url } });
    let content = match images {
        [] => text.into(),
        images => {
            [json!({ "type": "text", "text": text })].into_iter().chain(images.iter().map(image)).collect()
        }
    };
    let messages: Vec<Value> = system.into_iter().chain([message("user", content)]).collect();
    format!("{{\"model\":{},\"messages\":{}}}", Value::from(model), Value::from(messages))
}

/// The same body for another model, and no other in its place.
pub(super) fn with_model(body: &str, model: &str) -> String {
    let body = with(body, "model", &Value::from(model).to_string());
    if value(&body, "models").is_some() { with(&body, "models", "null") } else { body }
}

/// The same body with another output cap: under the name it uses, or as `max_tokens`.
pub(super) fn with_cap(body: &str, cap: u64) -> String {
    let newer = value(body, "max_completion_tokens").is_some_and(|(_, raw)| raw != "null");
    let body = if newer { with(body, "max_completion_tokens", &cap.to_string()) } else { body.to_owned() };
    match newer && value(&body, "max_tokens").is_none() {
        true => body,
        false => with(&body, "max_tokens", &cap.to_string()),
    }
}

/// The models a body names: `model`, then `models`.
pub(super) fn models(body: &str) -> Vec<String> {
    let named = |key| value(body, key).and_then(|(_, raw)| serde_json::from_str(raw).ok());
    let first: Option<String> = named("model").and_then(|value: Value| value.as_str().map(str::to_owned));
    let others: Vec<String> =
        value(body, "models").and_then(|(_, raw)| serde_json::from_str(raw).ok()).unwrap_or_default();
    first.into_iter().chain(others).collect()
}

/// An object with one member set: in its place, or first.
fn with(body: &str, key: &str, json: &str) -> String {
    if let Some((at, raw)) = value(body, key) {
        return format!("{}{json}{}", &body[..at], &body[at + raw.len()..]);
    }
    let Some((before, rest)) = body.split_once('{') else { return body.to_owned() };
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    format!("{before}{{\"{key}\":{json}{comma}{rest}")
}

/// The raw value of a member, and where it begins.
fn value<'b>(body: &'b str, key: &str) -> Option<(usize, &'b str)> {
    let object: BTreeMap<Cow<'b, str>, &'b RawValue> = serde_json::from_str(body).ok()?;
    let raw = object.get(key)?.get();
    Some((raw.as_ptr() as usize - body.as_ptr() as usize, raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_keep_everything_else() {
        let body = r#" { "model" : "a/b", "x":[1, 2],"models":["c/d"] } "#;
        assert_eq!(with_model(body, "e/f"), r#" { "model" : "e/f", "x":[1, 2],"models":null } "#);
        assert_eq!(models(body), ["a/b", "c/d"]);
        assert_eq!(with_model("{}", "e/f"), r#"{"model":"e/f"}"#);
        assert_eq!(with_model(r#"{"x":1}"#, "e/f"), r#"{"model":"e/f","x":1}"#);
    }

    #[test]
    fn the_cap_under_the_name_in_use() {
        for (body, expected) in [
            ("{}", r#"{"max_tokens":9}"#),
            (r#"{"max_tokens":null}"#, r#"{"max_tokens":9}"#),
            (r#"{"max_completion_tokens":5}"#, r#"{"max_completion_tokens":9}"#),
            (
                r#"{"max_tokens":7,"max_completion_tokens":5}"#,
                r#"{"max_tokens":9,"max_completion_tokens":9}"#,
            ),
            (r#"{"max_completion_tokens":null}"#, r#"{"max_tokens":9,"max_completion_tokens":null}"#),
        ] {
            assert_eq!(with_cap(body, 9), expected, "{body}");
        }
    }

    #[test]
    fn text_becomes_a_body() {
        assert_eq!(
            of_text("a/b", Some("be \"kind\""), "hi", &[]),
            r#"{"model":"a/b","messages":[{"content":"be \"kind\"","role":"system"},{"content":"hi","role":"user"}]}"#
        );
    }
}
