//! How many tokens a prompt has: by the model's tokenizer, or a token a byte when it is adversarial.

use std::hash::{DefaultHasher, Hasher};
use std::sync::OnceLock;

use crate::anew::Writer;
use crate::catalogue::{Family, Model};
use crate::request::Request;
use crate::vocabulary::Vocabulary;

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

/// The tokens of one prompt by each vocabulary, once somebody has counted.
#[derive(Debug, Default)]
pub(crate) struct Counts([OnceLock<u64>; Vocabulary::COUNT]);

impl Counts {
    fn of(&self, vocabulary: Vocabulary, text: &str) -> u64 {
        *self.0[vocabulary as usize].get_or_init(|| vocabulary.count(text))
    }
}

/// Prompt tokens as counted by the model's tokenizer, and a usual template.
pub(crate) fn counted(request: &Request, model: &Model) -> u64 {
    let template = if model.family == Family::Claude { CLAUDE } else { USUAL };
    request.counts.of(model.vocabulary, &request.rendered) + template.adds(request)
}

/// Prompt tokens as counted by the model's tokenizer, and the worst template, which may write answers of tools as JSON,
/// and calls and schemas anew.
pub(crate) fn counted_at_worst(request: &Request, model: &Model) -> u64 {
    let plain = request.counts.of(model.vocabulary, &request.rendered);
    let anew = Writer::ALL.iter().zip(&request.anew).map(|(writer, counts)| {
        request.rendered_by(*writer).map_or(0, |text| counts.of(model.vocabulary, &text))
    });
    anew.fold(plain, u64::max) + WORST.adds(request)
}

/// A token for each byte of the prompt, however it is written, and the worst template.
pub(crate) fn worst(request: &Request, model: &Model) -> u64 {
    let normalised = model.family == Family::Normalised;
    let grown = |text: &str| if normalised { 30 * text.matches(LONGEST).count() as u64 } else { 0 };
    let bytes = |text: &str| text.len() as u64 + grown(text);
    let anew = Writer::ALL.iter().filter_map(|writer| request.rendered_by(*writer)).map(|text| bytes(&text));
    anew.fold(bytes(&request.rendered), u64::max) + WORST.adds(request)
}

/// Loads the tokenizer that most are counted with, which takes a while the first time.
pub(crate) fn warm() {
    Vocabulary::O200k.count("warm");
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
