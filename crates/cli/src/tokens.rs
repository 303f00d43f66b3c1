//! How many tokens a prompt has: counted with the model's own tokenizer where that is public, guessed from another's
//! count where it is not.
//!
//! For people and their estimates. What the gateway holds is a bound, by bytes or by a count of its own.

use pricing::{Encoding, Family, Model};
use tokens::Prompt as Words;

/// What OpenAI's template adds: "How to count tokens with tiktoken", OpenAI cookbook, 2024: three a message and its
/// role, three for the answer to begin. Others with a public template add about as much.
const PER_MESSAGE: u64 = 4;
const PER_PROMPT: u64 = 3;
/// Nobody publishes how tools are rendered; some sixty tokens of preamble where the template is public, 346 at
/// Anthropic (its documentation of tool use, 2025).
const TOOLS: u64 = 60;
const TOOLS_CLAUDE: u64 = 346;
/// A text that cannot be read as one is guessed by its bytes.
const BYTES_PER_TOKEN: u64 = 4;

/// The words of a request.
#[derive(Debug)]
pub(crate) struct Prompt {
    words: Option<Words>,
    bytes: u64,
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
    /// The text with the model's own tokenizer; what its template adds is a guess.
    Text(&'static str),
    /// With the model's own tokenizer, but how tools and schemas are rendered is not public.
    WithTools(&'static str),
    /// With another tokenizer, so many percent of it.
    About(&'static str, u64),
    /// From its bytes.
    Bytes,
}

impl How {
    /// In words.
    pub(crate) fn words(self) -> String {
        match self {
            How::Counted(name) => format!("counted with the model's own tokenizer, {name}"),
            How::Text(name) => {
                format!(
                    "about: its text is counted with the model's own tokenizer, {name}, and its template guessed"
                )
            }
            How::WithTools(name) => {
                format!("about: counted with {name}, but how tools are rendered is not public")
            }
            How::About(name, percent) => format!(
                "about: the model's tokenizer is not known; counted with {name} and {} % added",
                percent - 100
            ),
            How::Bytes => format!("about: it cannot be counted; a token for every {BYTES_PER_TOKEN} bytes"),
        }
    }

    /// Whether the text was counted with the model's own tokenizer, and there is nothing in it but text.
    pub(crate) fn is_exact(self) -> bool {
        matches!(self, How::Counted(_))
    }
}

impl Prompt {
    /// Of a chat request: what people and programs said, the tools, the schema. Anything else costs no tokens.
    pub(crate) fn of_body(body: &str) -> Prompt {
        Prompt { words: Words::read(body.as_bytes()), bytes: body.len() as u64 }
    }

    /// Whether there is neither a message nor a prompt in it.
    pub(crate) fn says_nothing(&self) -> bool {
        self.words.as_ref().is_some_and(|words| words.messages() == 0)
    }

    /// How many tokens that is for a model.
    pub(crate) fn count(&self, model: &Model) -> Count {
        let Some(words) = &self.words else {
            return Count { tokens: self.bytes.div_ceil(BYTES_PER_TOKEN), how: How::Bytes };
        };
        let own = Encoding::of_model(&model.id);
        let (encoding, percent) = own.map_or_else(|| stand_in(model.family), |own| (own, 100));
        let how = match own {
            None => How::About(encoding.name(), percent),
            Some(_) if words.has_tools() => How::WithTools(encoding.name()),
            Some(_) if publishes_its_template(model) => How::Counted(encoding.name()),
            Some(_) => How::Text(encoding.name()),
        };
        let tools = match model.family {
            _ if !words.has_tools() => 0,
            Family::Claude => TOOLS_CLAUDE,
            _ => TOOLS,
        };
        let text = (words.likely(encoding) * percent).div_ceil(100);
        Count { tokens: text + words.messages() * PER_MESSAGE + PER_PROMPT + tools, how }
    }
}

/// OpenAI says what its template adds; gpt-oss has another.
fn publishes_its_template(model: &Model) -> bool {
    model.id.starts_with("openai/") && !model.id.contains("gpt-oss")
}

/// The tokenizer that stands in for one that is not known, and percent of its count: that of an earlier model of the
/// same family, or OpenAI's.
const fn stand_in(family: Family) -> (Encoding, u64) {
    match family {
        Family::DeepSeek => (Encoding::DeepSeekV3, 105),
        Family::Qwen => (Encoding::Qwen2, 105),
        Family::Gpt => (Encoding::O200k, 105),
        Family::Claude => (Encoding::O200k, 120),
        _ => (Encoding::O200k, 110),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openrouter::catalogue::Catalogue;
    use serde_json::{Value, json};

    fn counted(body: &Value, model: &str) -> Count {
        let book = Catalogue::open(None).book();
        Prompt::of_body(&body.to_string()).count(book.model(model).unwrap())
    }

    #[test]
    fn known_texts() {
        // Each of these words is one token, in all of them.
        let body = json!({"messages": [{"role": "user", "content": "hello world"}]});
        for (model, tokens, how) in [
            ("openai/gpt-4o", 2, How::Counted("o200k_base")),
            ("openai/gpt-4", 2, How::Counted("cl100k_base")),
            ("openai/gpt-oss-120b", 2, How::Text("o200k_base")),
            ("qwen/qwen3-32b", 2, How::Text("qwen2")),
            ("deepseek/deepseek-r1", 2, How::Text("deepseek_v3")),
            ("deepseek/deepseek-v4-pro", 3, How::About("deepseek_v3", 105)),
            ("anthropic/claude-sonnet-4.5", 3, How::About("o200k_base", 120)),
            ("google/gemini-2.5-flash", 3, How::About("o200k_base", 110)),
        ] {
            assert_eq!(counted(&body, model), Count { tokens: tokens + 4 + 3, how }, "{model}");
        }
    }

    #[test]
    fn a_prompt_beside_no_messages_is_one() {
        let bare = json!({"prompt": "hello world"});
        let said = json!({"messages": [{"role": "user", "content": "hello world"}]});
        assert_eq!(counted(&bare, "openai/gpt-4o"), counted(&said, "openai/gpt-4o"));
        let says_nothing = |body: &Value| Prompt::of_body(&body.to_string()).says_nothing();
        assert!(!says_nothing(&bare) && !says_nothing(&said));
        assert!(says_nothing(&json!({"messages": []})) && says_nothing(&json!({"model": "a/b"})));
    }

    #[test]
    fn tools_are_never_exact() {
        let tools = json!({"messages": [], "tools": [{"type": "function", "function": {"name": "f"}}]});
        assert_eq!(counted(&tools, "openai/gpt-4o").how, How::WithTools("o200k_base"));
        assert_eq!(
            counted(&json!({"messages": [], "tools": []}), "openai/gpt-4o").how,
            How::Counted("o200k_base")
        );
    }

    #[test]
    fn what_cannot_be_read_is_guessed() {
        let half = r#"{"messages":[{"role":"user","content":"\ud800"}]}"#;
        let book = Catalogue::open(None).book();
        let count = Prompt::of_body(half).count(book.model("openai/gpt-4o").unwrap());
        assert_eq!(count, Count { tokens: half.len().div_ceil(4) as u64, how: How::Bytes });
    }
}
