//! The fields of a chat request, for those who mistype one or take it from another API.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::prices::meant;
use crate::prose;
use crate::terminal::Terminal;

/// What the root of a chat request has (CONTRACT 9).
const KNOWN: [&str; 59] = [
    "audio",
    "cache_control",
    "debug",
    "frequency_penalty",
    "function_call",
    "functions",
    "image_config",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "max_tool_calls",
    "messages",
    "metadata",
    "min_p",
    "modalities",
    "model",
    "models",
    "n",
    "parallel_tool_calls",
    "plugins",
    "prediction",
    "presence_penalty",
    "preset",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "provider",
    "reasoning",
    "reasoning_effort",
    "repetition_penalty",
    "response_format",
    "route",
    "safety_identifier",
    "seed",
    "service_tier",
    "session_id",
    "speed",
    "stop",
    "stop_server_tools_when",
    "store",
    "stream",
    "stream_options",
    "structured_outputs",
    "temperature",
    "tool_choice",
    "tools",
    "top_a",
    "top_k",
    "top_logprobs",
    "top_p",
    "trace",
    "transforms",
    "usage",
    "user",
    "verbosity",
    "web_search_options",
];

/// What to do about a field that a chat request does not have; `None` where nothing is known of it.
pub(super) fn hint(field: &str) -> Option<String> {
    match field {
        field if KNOWN.contains(&field) => None,
        "input" | "instructions" => {
            Some(format!("'{field}' is of /responses, and this is a chat: say it in \"messages\""))
        }
        "system" | "system_prompt" => Some(format!(
            "'{field}' is no field of a chat request: say it in \"messages\", with the role system"
        )),
        _ => meant(field, &KNOWN).map(|known| format!("did you mean '{known}'?")),
    }
}

/// Says on stderr which fields of a body are none, as far as something is known of them: what they say is not counted.
/// Those that hold lists or objects are refused, and told then.
pub(super) fn warn(body: &str) {
    let terminal = Terminal::of_stderr();
    for key in scalars(body) {
        if let Some(hint) = hint(&key) {
            let text = format!("'{}' is not counted: {hint}", key.escape_debug());
            eprint!("{}", prose::line(&format!("{} {text}", terminal.yellow("warning:")), 2, &terminal));
        }
    }
}

fn scalars(body: &str) -> Vec<String> {
    let object: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(body).unwrap_or_default();
    let scalar = |raw: &RawValue| !raw.get().starts_with(['{', '[']);
    object.into_iter().filter(|(_, raw)| scalar(raw)).map(|(key, _)| key.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant() {
        for (field, word) in [
            ("mesages", "did you mean 'messages'?"),
            ("max_token", "did you mean 'max_tokens'?"),
            ("maxTokens", "did you mean 'max_tokens'?"),
            ("temprature", "did you mean 'temperature'?"),
            ("input", "of /responses"),
            ("system", "with the role system"),
        ] {
            assert!(hint(field).is_some_and(|hint| hint.contains(word)), "{field}: {:?}", hint(field));
        }
        for field in KNOWN {
            assert_eq!(hint(field), None);
        }
        assert_eq!(hint("chat_template_kwargs"), None);
        assert_eq!(scalars(r#"{"b":1,"a":{"c":2},"d":[],"c":"e"}"#), ["b", "c"]);
    }

    #[test]
    fn what_is_known_costs_nothing_unknown() {
        for field in KNOWN {
            let body = format!("{{\"{field}\":null}}");
            let read = openrouter::chat::read(body.as_bytes());
            assert!(read.is_ok_and(|request| !request.shape.unknown_scalars), "{field}");
        }
        let other = openrouter::chat::read(br#"{"mesages":null,"x":1}"#).unwrap();
        assert!(other.shape.unknown_scalars);
    }
}
