//! Chat requests: the count with its template, and the byte bound, are at least what one rendered text has.

use openrouter::catalogue::Catalogue;
use pricing::{Book, Counted, Encoding, Model, prompt_tokens};
use proptest::prelude::*;

use crate::hard;

/// A model of each encoding that the built-in catalogue has one for.
pub(crate) const MODELS: [&str; 7] = [
    "openai/gpt-4",
    "openai/gpt-4o",
    "deepseek/deepseek-chat",
    "qwen/qwen3-32b",
    "mistralai/mistral-nemo",
    "moonshotai/kimi-k2.6",
    "z-ai/glm-4.6",
];

#[derive(Clone, Debug)]
struct Message {
    role: &'static str,
    content: String,
    /// The content as parts, cut in two.
    in_parts: bool,
    call: Option<String>,
}

fn message() -> impl Strategy<Value = Message> {
    let role = prop::sample::select(&["system", "user", "assistant", "tool"][..]);
    let object = hard::text().prop_map(|text| serde_json::json!({ "text": text }).to_string());
    let arguments = prop_oneof![4 => object, 1 => hard::text()];
    (role, hard::text(), any::<bool>(), prop::option::of(arguments))
        .prop_map(|(role, content, in_parts, call)| Message { role, content, in_parts, call })
}

fn quoted(text: &str, escaped: bool) -> String {
    let json = serde_json::Value::from(text).to_string();
    let escape = |unit: u16| format!("\\u{unit:04x}");
    if !escaped {
        return json;
    }
    json.chars()
        .map(|c| {
            if c.is_ascii() {
                c.to_string()
            } else {
                c.encode_utf16(&mut [0; 2]).iter().map(|&u| escape(u)).collect()
            }
        })
        .collect()
}

/// The body, and the prompt as one text.
fn request(messages: &[Message], tool: Option<&str>, escaped: bool) -> (String, String) {
    let mut rendered = String::new();
    let mut items = Vec::new();
    for Message { role, content, in_parts, call } in messages {
        rendered += &format!("{role}\n{content}\n");
        let content = match in_parts {
            true => {
                let (one, two) = content.split_at(content.floor_char_boundary(content.len() / 2));
                let part = |text| format!(r#"{{"type":"text","text":{}}}"#, quoted(text, escaped));
                format!("[{},{}]", part(one), part(two))
            }
            false => quoted(content, escaped),
        };
        let call = call.as_ref().map(|arguments| {
            rendered += &format!("look_up{arguments}\n");
            format!(r#","tool_calls":[{{"id":"c1","type":"function","function":{{"name":"look_up","arguments":{}}}}}]"#, quoted(arguments, escaped))
        });
        items.push(format!(r#"{{"role":"{role}","content":{content}{}}}"#, call.unwrap_or_default()));
    }
    let tools = tool.map(|description| {
        let tools = format!(r#"[{{"type":"function","function":{{"name":"look_up","description":{},"parameters":{{"type":"object"}}}}}}]"#, quoted(description, escaped));
        rendered += &tools;
        format!(r#","tools":{tools}"#)
    });
    (format!(r#"{{"model":"m","messages":[{}]{}}}"#, items.join(","), tools.unwrap_or_default()), rendered)
}

/// Whether each call has arguments that are JSON, or none: others are not counted.
fn is_readable(messages: &[Message]) -> bool {
    let is_json =
        |text: &String| text.trim().is_empty() || serde_json::from_str::<serde_json::Value>(text).is_ok();
    messages.iter().filter_map(|message| message.call.as_ref()).all(is_json)
}

fn check(book: &Book, body: &str, rendered: &str) -> Result<(), TestCaseError> {
    let mut shape = openrouter::chat::read(body.as_bytes()).expect("as listed above").shape;
    let counted = tokens::counted(body.as_bytes(), &Encoding::ALL);
    prop_assert!(counted.is_some(), "a body that can be read can be counted");
    for model in MODELS.iter().map(|id| book.model(id).expect("as listed above")) {
        let encoding = Encoding::of_model(&model.id).expect("as listed above");
        let exact = tokens::count(rendered, encoding);
        shape.counted = Counted::default();
        let by_bytes = prompt_tokens(model, &shape);
        shape.counted = counted.unwrap_or_default();
        let by_count = prompt_tokens(model, &shape);
        prop_assert!(exact <= by_count, "{}: {} of {}", model.id, by_count, exact);
        prop_assert!(by_count <= by_bytes, "{}", model.id);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn bounds_hold_for_what_is_rendered(
        messages in prop::collection::vec(message(), 0..6),
        tool in prop::option::of(hard::text()),
        escaped in any::<bool>(),
    ) {
        let book = Catalogue::open(None).book();
        let (body, rendered) = request(&messages, tool.as_deref(), escaped);
        if is_readable(&messages) {
            check(&book, &body, &rendered)?;
        } else {
            prop_assert_eq!(tokens::counted(body.as_bytes(), &Encoding::ALL), None);
        }
    }
}

#[test]
fn every_encoding_has_a_model_of_its_own() {
    let book = Catalogue::open(None).book();
    let of = |model: &Model| Encoding::of_model(&model.id);
    for encoding in Encoding::ALL {
        assert!(
            book.models().any(|model| of(model) == Some(encoding)),
            "nobody is counted with {encoding:?}"
        );
    }
}

#[test]
fn a_count_is_what_makes_prose_cheap() {
    let book = Catalogue::open(None).book();
    let prose =
        "Every morning the miller counted his sacks twice, and wrote the sum upon the door. ".repeat(200);
    let body =
        serde_json::json!({"model": "m", "messages": [{"role": "user", "content": prose}]}).to_string();
    let mut shape = openrouter::chat::read(body.as_bytes()).unwrap().shape;
    let model = book.model("openai/gpt-4o").unwrap();
    let by_bytes = prompt_tokens(model, &shape);
    shape.counted = tokens::counted(body.as_bytes(), &[Encoding::O200k]).unwrap();
    assert!(prompt_tokens(model, &shape) * 3 < by_bytes);
    let other = book.model("anthropic/claude-sonnet-4.5").unwrap();
    assert!(prompt_tokens(other, &shape) >= by_bytes, "nobody has counted for Claude");
}
