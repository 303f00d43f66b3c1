//! The lines of models that rows are drawn from.

/// One line of models.
pub(super) struct Line {
    pub(super) author: &'static str,
    /// The first of the line; later ones have a number after it.
    pub(super) slug: &'static str,
    pub(super) tokenizer: &'static str,
    pub(super) inputs: &'static [&'static str],
    pub(super) outputs: &'static [&'static str],
    /// Input price, cents of a dollar per million tokens: least and most.
    pub(super) cents: (u64, u64),
    pub(super) context: u64,
    pub(super) output: u64,
    /// How often another one of the line is drawn, tenths.
    pub(super) often: u8,
    /// May have a `:free` twin.
    pub(super) free: bool,
    /// Is served by many providers.
    pub(super) open: bool,
    pub(super) reasons: bool,
}

const TEXT: &[&str] = &["text"];
const SEES: &[&str] = &["text", "image"];
const READS: &[&str] = &["text", "image", "file"];
const ALL: &[&str] = &["text", "image", "file", "audio", "video"];
const HEARS: &[&str] = &["text", "audio"];

const BASE: Line = Line {
    author: "",
    slug: "",
    tokenizer: "Other",
    inputs: TEXT,
    outputs: TEXT,
    cents: (5, 200),
    context: 131_072,
    output: 16_384,
    often: 5,
    free: false,
    open: false,
    reasons: false,
};

const GPT: Line = Line { author: "openai", tokenizer: "GPT", inputs: READS, cents: (10, 500), ..BASE };
const CLAUDE: Line = Line {
    author: "anthropic",
    tokenizer: "Claude",
    inputs: READS,
    cents: (25, 1_000),
    context: 200_000,
    output: 64_000,
    ..BASE
};
const GEMINI: Line = Line {
    author: "google",
    tokenizer: "Gemini",
    inputs: ALL,
    cents: (10, 200),
    context: 1_048_576,
    output: 65_535,
    ..BASE
};
const OPEN: Line = Line { free: true, open: true, often: 7, cents: (2, 100), ..BASE };

pub(super) const LINES: &[Line] = &[
    Line { slug: "gpt-4o", context: 128_000, ..GPT },
    Line { slug: "gpt-4o-mini", cents: (10, 30), context: 128_000, ..GPT },
    Line { slug: "gpt-4.1", context: 1_047_576, output: 32_768, ..GPT },
    Line { slug: "gpt-4.1-mini", cents: (20, 60), context: 1_047_576, output: 32_768, ..GPT },
    Line { slug: "gpt-4.1-nano", cents: (8, 20), context: 1_047_576, output: 32_768, ..GPT },
    Line { slug: "o3", context: 200_000, output: 100_000, reasons: true, ..GPT },
    Line { slug: "o4-mini", context: 200_000, output: 100_000, reasons: true, ..GPT },
    Line { slug: "gpt-5", context: 400_000, output: 128_000, reasons: true, ..GPT },
    Line { slug: "gpt-5-mini", cents: (20, 60), context: 400_000, output: 128_000, reasons: true, ..GPT },
    Line { slug: "gpt-5-nano", cents: (4, 20), context: 400_000, output: 128_000, reasons: true, ..GPT },
    Line { slug: "gpt-6.1-sol", context: 1_050_000, output: 128_000, reasons: true, ..GPT },
    Line {
        slug: "gpt-4",
        cents: (1_000, 3_000),
        inputs: TEXT,
        context: 8_191,
        output: 4_096,
        often: 1,
        ..GPT
    },
    Line { slug: "gpt-audio", inputs: HEARS, outputs: &["text", "audio"], context: 128_000, often: 2, ..GPT },
    Line {
        slug: "gpt-5-image",
        inputs: SEES,
        outputs: &["image", "text"],
        context: 400_000,
        often: 2,
        ..GPT
    },
    Line { slug: "gpt-4o-search-preview", inputs: TEXT, context: 128_000, often: 1, ..GPT },
    Line { slug: "gpt-oss-120b", inputs: TEXT, tokenizer: "GPT", author: "openai", reasons: true, ..OPEN },
    Line { slug: "claude-3-haiku", output: 4_096, inputs: SEES, ..CLAUDE },
    Line { slug: "claude-3.5-sonnet", output: 8_192, inputs: SEES, ..CLAUDE },
    Line { slug: "claude-haiku-4.5", reasons: true, ..CLAUDE },
    Line { slug: "claude-sonnet-4.5", context: 1_000_000, reasons: true, ..CLAUDE },
    Line {
        slug: "claude-opus-4.8",
        context: 1_000_000,
        output: 128_000,
        reasons: true,
        cents: (300, 1_500),
        ..CLAUDE
    },
    Line { slug: "claude-sonnet-5.5", context: 1_000_000, output: 128_000, reasons: true, ..CLAUDE },
    Line { slug: "gemini-2.5-flash", reasons: true, ..GEMINI },
    Line { slug: "gemini-2.5-flash-lite", cents: (5, 20), ..GEMINI },
    Line { slug: "gemini-2.5-pro", reasons: true, ..GEMINI },
    Line { slug: "gemini-3.1-pro", reasons: true, ..GEMINI },
    Line { slug: "gemini-3-flash", reasons: true, ..GEMINI },
    Line {
        slug: "gemini-3.1-flash-image",
        inputs: SEES,
        outputs: &["image", "text"],
        context: 131_072,
        output: 32_768,
        often: 2,
        ..GEMINI
    },
    Line { slug: "gemma-3-27b-it", author: "google", tokenizer: "Gemini", inputs: SEES, ..OPEN },
    Line { slug: "llama-3.1-8b-instruct", author: "meta-llama", tokenizer: "Llama3", ..OPEN },
    Line { slug: "llama-3.3-70b-instruct", author: "meta-llama", tokenizer: "Llama3", ..OPEN },
    Line {
        slug: "llama-4-maverick",
        author: "meta-llama",
        tokenizer: "Llama4",
        inputs: SEES,
        context: 1_048_576,
        ..OPEN
    },
    Line { slug: "deepseek-chat", author: "deepseek", tokenizer: "DeepSeek", ..OPEN },
    Line {
        slug: "deepseek-r1",
        author: "deepseek",
        tokenizer: "DeepSeek",
        context: 163_840,
        reasons: true,
        ..OPEN
    },
    Line {
        slug: "deepseek-v4-pro",
        author: "deepseek",
        tokenizer: "DeepSeek",
        context: 1_048_576,
        output: 131_072,
        ..OPEN
    },
    Line { slug: "qwen-2.5-72b-instruct", author: "qwen", tokenizer: "Qwen", ..OPEN },
    Line {
        slug: "qwen3-coder",
        author: "qwen",
        tokenizer: "Qwen3",
        context: 262_144,
        output: 65_536,
        ..OPEN
    },
    Line {
        slug: "qwen3-vl-235b",
        author: "qwen",
        tokenizer: "Qwen3",
        inputs: &["text", "image", "video"],
        ..OPEN
    },
    Line { slug: "mistral-nemo", author: "mistralai", tokenizer: "Mistral", ..OPEN },
    Line {
        slug: "mistral-large",
        author: "mistralai",
        tokenizer: "Mistral",
        inputs: READS,
        context: 262_144,
        ..BASE
    },
    Line {
        slug: "voxtral-small",
        author: "mistralai",
        tokenizer: "Mistral",
        inputs: HEARS,
        context: 32_768,
        often: 2,
        ..BASE
    },
    Line {
        slug: "grok-4.3",
        author: "x-ai",
        tokenizer: "Grok",
        inputs: SEES,
        context: 1_000_000,
        output: 128_000,
        reasons: true,
        ..BASE
    },
    Line { slug: "kimi-k2", author: "moonshotai", inputs: SEES, context: 262_144, ..OPEN },
    Line { slug: "glm-4.6", author: "z-ai", context: 202_752, output: 131_072, reasons: true, ..OPEN },
    Line { slug: "minimax-m2", author: "minimax", context: 204_800, ..OPEN },
    Line {
        slug: "command-a",
        author: "cohere",
        tokenizer: "Cohere",
        context: 256_000,
        output: 8_192,
        cents: (50, 500),
        ..BASE
    },
    Line {
        slug: "nova-pro-v1",
        author: "amazon",
        tokenizer: "Nova",
        inputs: READS,
        context: 300_000,
        output: 5_120,
        ..BASE
    },
    Line { slug: "sonar", author: "perplexity", context: 127_072, often: 1, ..BASE },
    Line { slug: "nemotron-3-super", author: "nvidia", context: 262_144, ..OPEN },
    Line { slug: "hermes-4-405b", author: "nousresearch", tokenizer: "Llama3", ..OPEN },
];
