//! How many tokens a prompt has: by a real tokenizer, or a token a byte when it is adversarial.

use std::hash::{DefaultHasher, Hasher};

use crate::catalogue::Family;
use crate::request::Request;

/// What a chat template adds.
struct Template {
    per_prompt: u64,
    per_message: u64,
    tool_preamble: u64,
    per_tool: u64,
}

/// As the public templates have it: ChatML's marks, a tool preamble of some sixty tokens.
const USUAL: Template = Template { per_prompt: 3, per_message: 4, tool_preamble: 60, per_tool: 8 };
/// Anthropic publishes 346 tokens for its tool preamble.
const CLAUDE: Template = Template { per_prompt: 3, per_message: 4, tool_preamble: 346, per_tool: 8 };
/// A long system prompt of the template's own, and the largest preamble Anthropic publishes.
const WORST: Template = Template { per_prompt: 100, per_message: 8, tool_preamble: 804, per_tool: 12 };

/// Three bytes, of which the compatibility forms of Unicode make 33.
const LONGEST: char = '\u{FDFA}';

/// Prompt tokens as counted by a tokenizer.
pub(crate) fn counted(request: &Request, family: Family) -> u64 {
    let template = if family == Family::Claude { CLAUDE } else { USUAL };
    *request.count.get_or_init(|| of(&request.rendered)) + template.adds(request)
}

/// A token for each byte of the prompt, and the worst template.
pub(crate) fn worst(request: &Request, family: Family) -> u64 {
    let grown =
        if family == Family::Normalised { 30 * request.rendered.matches(LONGEST).count() as u64 } else { 0 };
    request.rendered.len() as u64 + grown + WORST.adds(request)
}

/// Tokens of a text by itself.
pub(crate) fn of(text: &str) -> u64 {
    bpe_openai::o200k_base().count(text) as u64
}

/// Loads the tokenizer, which takes a while the first time.
pub(crate) fn warm() {
    bpe_openai::o200k_base().count("warm");
}

/// A hash that is the same in every run.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

impl Template {
    fn adds(&self, request: &Request) -> u64 {
        let tools = (request.tools.len() + request.asks.tools.len()) as u64;
        let preamble = if tools == 0 { 0 } else { self.tool_preamble + tools * self.per_tool };
        self.per_prompt + request.messages * self.per_message + preamble
    }
}
