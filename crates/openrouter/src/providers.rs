//! Which providers stop billing when a stream is cancelled (CONTRACT 11.6; OpenRouter's pages of 2026-08-22).

/// Providers that stop generating, and billing, when a streamed request is aborted.
const STOP: [&str; 24] = [
    "anthropic",
    "anyscale",
    "avian",
    "azure",
    "chutes",
    "cloudflare",
    "cohere",
    "deepinfra",
    "deepseek",
    "fireworks",
    "friendli",
    "hyperbolic",
    "infermatic",
    "lepton",
    "liquid",
    "mancer",
    "nineteen",
    "novita",
    "octoai",
    "openai",
    "recursal",
    "sfcompute",
    "together",
    "xai",
];

/// Whether a provider, by the `provider` name of a stream, stops billing when the stream is aborted. Unlisted
/// providers run on and bill in full.
pub fn stops_billing(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    STOP.binary_search(&plain.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stops() {
        assert!(STOP.is_sorted());
        for name in [
            "OpenAI",
            "Azure",
            "Anthropic",
            "DeepInfra",
            "xAI",
            "SFCompute",
            "Together",
            "DeepSeek",
            "Fireworks",
        ] {
            assert!(stops_billing(name), "{name}");
        }
        for name in [
            "Google",
            "Google AI Studio",
            "Amazon Bedrock",
            "Groq",
            "Mistral",
            "Alibaba",
            "Nebius",
            "",
            "OpenAI 2",
        ] {
            assert!(!stops_billing(name), "{name}");
        }
    }
}
