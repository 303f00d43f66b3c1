//! How many tokens a prompt has: counted with OpenAI's public tokenizers, guessed from that for everyone else's.
//!
//! For people and their estimates only: the gateway bounds prompts by their bytes and never counts.

use std::cell::OnceCell;

use pricing::{Family, Model};
use serde_json::Value;

/// What OpenAI's template adds: "How to count tokens with tiktoken", OpenAI cookbook, 2024: three a message and its
/// role, three for the answer to begin.
const PER_MESSAGE: u64 = 4;
const PER_PROMPT: u64 = 3;
/// Nobody publishes how tools are rendered; some sixty tokens of preamble where the template is public, 346 at
/// Anthropic (its documentation of tool use, 2025).
const TOOLS: u64 = 60;
const TOOLS_CLAUDE: u64 = 346;

/// The words of a request, and its counts so far.
#[derive(Debug, Default)]
pub(crate) struct Prompt {
    /// Each counted by itself, as a template keeps them apart.
    words: Vec<String>,
    messages: u64,
    tools: bool,
    o200k: OnceCell<u64>,
    cl100k: OnceCell<u64>,
}

/// A number of tokens, and what it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// Tokens.
    pub(crate) tokens: u64,
    /// How it was found.
    pub(crate) how: How,
}

/// How tokens were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// With the model's own tokenizer, of this name.
    Counted(&'static str),
    /// With the model's own tokenizer, but how tools and schemas are rendered is not public.
    WithTools(&'static str),
    /// With OpenAI's tokenizer, so many percent of it.
    About(u64),
}

impl How {
    /// In words.
    pub(crate) fn words(self) -> String {
        match self {
            How::Counted(name) => format!("counted with the model's own tokenizer, {name}"),
            How::WithTools(name) => {
                format!("about: counted with {name}, but how tools are rendered is not public")
            }
            How::About(percent) => format!(
                "about: the model's tokenizer is not at hand; OpenAI's count (o200k_base) and {} % on top",
                percent - 100
            ),
        }
    }

    /// Whether the text was counted with the model's own tokenizer, and there is nothing in it but text.
    pub(crate) fn is_exact(self) -> bool {
        matches!(self, How::Counted(_))
    }
}

impl Prompt {
    /// Of a chat request: what people and programs said, the tools, the schema. Anything else costs no tokens.
    pub(crate) fn of_body(body: &Value) -> Prompt {
        let mut prompt = Prompt::default();
        for message in body["messages"].as_array().into_iter().flatten() {
            prompt.messages += 1;
            prompt.message(message);
        }
        for key in ["tools", "functions", "response_format"] {
            let value = &body[key];
            if !value.is_null()
                && value["type"] != "text"
                && value.as_array().is_none_or(|list| !list.is_empty())
            {
                prompt.tools = true;
                prompt.say(&value.to_string());
            }
        }
        prompt
    }

    /// How many tokens that is for a model.
    pub(crate) fn count(&self, model: &Model) -> Count {
        let words = |count: u64, percent: u64| (count * percent).div_ceil(100);
        let template = self.messages * PER_MESSAGE + PER_PROMPT;
        let own = model.id.starts_with("openai/") && !model.id.contains("gpt-oss");
        if own && model.family == Family::Gpt {
            let (name, count) = self.openai(&model.id);
            let tools = if self.tools { TOOLS } else { 0 };
            let how = if self.tools { How::WithTools(name) } else { How::Counted(name) };
            return Count { tokens: count + template + tools, how };
        }
        let (percent, tools) = match model.family {
            Family::Claude => (120, TOOLS_CLAUDE),
            _ => (110, TOOLS),
        };
        let tools = if self.tools { tools } else { 0 };
        Count { tokens: words(self.o200k(), percent) + template + tools, how: How::About(percent) }
    }

    fn openai(&self, id: &str) -> (&'static str, u64) {
        let old = id.starts_with("openai/gpt-3.5") || id == "openai/gpt-4" || id.starts_with("openai/gpt-4-");
        match old {
            true => {
                ("cl100k_base", *self.cl100k.get_or_init(|| count(bpe_openai::cl100k_base(), &self.words)))
            }
            false => ("o200k_base", self.o200k()),
        }
    }

    fn o200k(&self) -> u64 {
        *self.o200k.get_or_init(|| count(bpe_openai::o200k_base(), &self.words))
    }

    fn message(&mut self, message: &Value) {
        match &message["content"] {
            Value::String(text) => self.say(text),
            Value::Array(parts) => {
                for part in parts {
                    for key in ["text", "refusal", "thinking"] {
                        self.say(part[key].as_str().unwrap_or_default());
                    }
                }
            }
            _ => {}
        }
        for key in ["name", "reasoning", "reasoning_content", "refusal"] {
            self.say(message[key].as_str().unwrap_or_default());
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            for key in ["name", "arguments"] {
                self.say(call["function"][key].as_str().unwrap_or_default());
            }
        }
    }

    fn say(&mut self, text: &str) {
        if !text.is_empty() {
            self.words.push(text.to_owned());
        }
    }
}

fn count(tokenizer: &bpe_openai::Tokenizer, words: &[String]) -> u64 {
    words.iter().map(|text| tokenizer.count(text.as_str()) as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use openrouter::catalogue::Catalogue;
    use serde_json::json;

    fn counted(body: &Value, model: &str) -> Count {
        let book = Catalogue::open(None).book();
        Prompt::of_body(body).count(book.model(model).unwrap())
    }

    #[test]
    fn known_texts() {
        // o200k_base and cl100k_base have each of these words as one token.
        let body = json!({"messages": [{"role": "user", "content": "hello world"}]});
        let by = |model: &str| counted(&body, model);
        assert_eq!(by("openai/gpt-4o"), Count { tokens: 2 + 4 + 3, how: How::Counted("o200k_base") });
        assert_eq!(by("openai/gpt-4"), Count { tokens: 2 + 4 + 3, how: How::Counted("cl100k_base") });
        assert_eq!(by("anthropic/claude-sonnet-4.5"), Count { tokens: 3 + 4 + 3, how: How::About(120) });
        assert!(!by("openai/gpt-oss-120b").how.is_exact(), "its template is another");
    }

    #[test]
    fn all_that_is_said_counts_and_nothing_else() {
        let said = json!({"messages": [
            {"role": "user", "content": [{"type": "text", "text": "hello"}]},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "x", "function": {"name": "hello", "arguments": "{}"}}]},
        ], "temperature": 0.123456789, "tools": []});
        assert_eq!(counted(&said, "openai/gpt-4o").how, How::Counted("o200k_base"));
        assert_eq!(Prompt::of_body(&said).words, ["hello", "hello", "{}"]);
        let tools = json!({"messages": [], "tools": [{"type": "function", "function": {"name": "f"}}]});
        assert_eq!(counted(&tools, "openai/gpt-4o").how, How::WithTools("o200k_base"));
        assert!(Prompt::of_body(&json!(7)).words.is_empty());
    }
}
