//! Which endpoints may serve a request: OpenRouter's filters, in its order (CONTRACT 8.4).

use crate::account::guardrail::Rules;
use crate::catalogue::{Asked, Endpoint, PriceKind, Tier, Variant};
use crate::error::Failure;
use crate::exact::Exact;
use crate::request::{MaxPrice, Request};

const MILLION: u64 = 1_000_000;

/// Why none is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nothing {
    /// Preferences and tiers left none.
    Provider,
    /// The prompt fits in none; the largest context.
    Context(u64),
    /// `max_price` left none.
    Price,
    /// A guardrail left none.
    Guardrail,
    /// None sees, hears or watches.
    Input(&'static str),
}

impl Nothing {
    /// What OpenRouter says.
    pub(crate) fn failure(self, tokens: u64, models: &[String]) -> Failure {
        match self {
            Nothing::Provider => Failure::availability(
                404,
                "No allowed providers are available for the selected model.",
                "no_endpoints",
                models,
            ),
            Nothing::Guardrail => Failure::guarded("every provider of the model"),
            Nothing::Input(kind) => Failure::availability(
                404,
                &format!("No endpoints found that support {kind} input"),
                "no_endpoints",
                models,
            ),
            Nothing::Price => Failure::availability(
                404,
                "No endpoints found that satisfy the max price for this request",
                "constraint_filtered",
                models,
            ),
            Nothing::Context(most) => Failure::new(
                400,
                &format!(
                    "This endpoint's maximum context length is {most} tokens. However, you requested about {tokens} tokens. \
                     Please reduce the length of either one, or use the context-compression plugin."
                ),
                serde_json::json!({ "error_type": "context_length_exceeded" }),
            ),
        }
    }
}

/// The endpoints of a model that may serve the request, whose prompt has so many tokens.
pub(crate) fn eligible<'a>(
    asked: &'a Asked,
    request: &Request,
    tokens: u64,
    rules: &Rules,
    premium: bool,
) -> Result<Vec<&'a Endpoint>, Nothing> {
    let asks = &request.asks;
    let wanted = [
        ("image", !asks.pictures.is_empty()),
        ("audio", !asks.sounds.is_empty()),
        ("video", asks.videos > 0),
    ];
    let lacks = |(kind, _): &(&str, bool)| !asked.model.inputs.iter().any(|input| input == kind);
    if let Some((kind, _)) = wanted.iter().filter(|(_, wanted)| *wanted).find(|one| lacks(one)) {
        return Err(Nothing::Input(kind));
    }
    let provider = &request.provider;
    let called = |names: &[String], endpoint: &Endpoint| names.iter().any(|name| endpoint.is_called(name));
    let has_flex = asked.model.endpoints.iter().any(|endpoint| endpoint.tier == Tier::Flex);
    let mut left: Vec<&Endpoint> = asked
        .model
        .endpoints
        .iter()
        .filter(|endpoint| {
            let tier = request.service_tier.as_deref();
            let silent = matches!(tier, None | Some("auto"));
            tier_is_open(endpoint.tier, has_flex, asked.variant, tier) || (premium && silent)
        })
        .filter(|endpoint| provider.only.is_empty() || called(&provider.only, endpoint))
        .filter(|endpoint| !called(&provider.ignore, endpoint))
        .filter(|endpoint| !provider.zdr || endpoint.retains_nothing())
        .filter(|endpoint| {
            provider.allow_fallbacks || provider.order.is_empty() || called(&provider.order, endpoint)
        })
        .collect();
    if left.is_empty() {
        return Err(Nothing::Provider);
    }
    left.retain(|endpoint| rules.allow_endpoint(endpoint));
    if left.is_empty() {
        return Err(Nothing::Guardrail);
    }
    let most =
        left.iter().map(|endpoint| endpoint.context.min(endpoint.prompt_max)).max().unwrap_or_default();
    left.retain(|endpoint| tokens < endpoint.context && tokens <= endpoint.prompt_max);
    if left.is_empty() {
        return Err(Nothing::Context(most));
    }
    left.retain(|endpoint| provider.max_price.allows(endpoint));
    if left.is_empty() { Err(Nothing::Price) } else { Ok(left) }
}

/// Flex endpoints serve flex requests and `:floor`, priority endpoints priority requests and `:nitro`. A flex request
/// falls back to the standard tier only where there is no flex endpoint.
fn tier_is_open(tier: Tier, has_flex: bool, variant: Variant, asked: Option<&str>) -> bool {
    match tier {
        Tier::Standard => !(has_flex && asked == Some("flex")),
        Tier::Flex => asked == Some("flex") || variant == Variant::Floor,
        Tier::Priority => {
            matches!(asked, Some("priority" | "fast" | "scale" | "ultrafast")) || variant == Variant::Nitro
        }
    }
}

impl MaxPrice {
    /// Whether the base prices are within it; exactly equal is within.
    fn allows(&self, endpoint: &Endpoint) -> bool {
        let base = &endpoint.prices.base;
        let within = |most: Option<Exact>, price: Exact| most.is_none_or(|most| price <= most);
        within(self.prompt, base.prompt.times(MILLION))
            && within(self.completion, base.completion.times(MILLION))
            && within(self.request, base.request)
            && within(self.image, base.image.unwrap_or_default())
            && within(self.audio, base.audio.unwrap_or_default())
    }
}

/// The weight of an endpoint in the draw: the inverse square of its price.
pub(crate) fn weight(endpoint: &Endpoint, kind: PriceKind) -> f64 {
    if kind != PriceKind::Listed {
        return 1.0;
    }
    let base = &endpoint.prices.base;
    let price =
        base.prompt.approximately() + base.completion.approximately() + base.request.approximately() / 1000.0;
    1.0 / (price * price).max(1e-30)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use fastrand::Rng;

    fn tags(model: &str, rest: &str, tokens: u64) -> Result<Vec<String>, Nothing> {
        let catalogue = Catalogue::load(1000);
        let body = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"x"}}]{rest}}}"#);
        let request = Request::read(body.as_bytes()).expect(&body);
        let asked = catalogue.resolve(model, &mut Rng::with_seed(1)).expect(model);
        eligible(&asked, &request, tokens, &Rules::default(), false)
            .map(|left| left.iter().map(|endpoint| endpoint.tag.clone()).collect())
    }

    #[test]
    fn max_price_is_a_hard_and_exact_filter() {
        let llama = "meta-llama/llama-3.1-8b-instruct";
        let with = |prompt: &str, completion: &str| {
            tags(
                llama,
                &format!(r#","provider":{{"max_price":{{"prompt":{prompt},"completion":{completion}}}}}"#),
                9,
            )
        };
        let count = |prompt: &str, completion: &str| with(prompt, completion).map(|tags| tags.len());
        assert_eq!(tags(llama, "", 9).map(|tags| tags.len()), Ok(5));
        assert_eq!(count("0.22", "0.287"), Ok(5));
        assert_eq!(count("0.152", "0.287"), Ok(4));
        assert_eq!(count("\"0.152\"", "2.87e-1"), Ok(4));
        assert_eq!(count("0.1519999999999999999999", "0.287"), Ok(3));
        assert_eq!(count("0.152", "0.2869999999999999999"), Ok(3));
        assert_eq!(count("0.02", "0.05"), Ok(2));
        assert_eq!(count("0.0199999999999999999999999", "0.05"), Err(Nothing::Price));
        assert_eq!(count("0", "0"), Err(Nothing::Price));
        assert_eq!(
            tags("perplexity/sonar", r#","provider":{"max_price":{"request":0.004999999}}"#, 9),
            Err(Nothing::Price)
        );
    }

    #[test]
    fn preferences() {
        let llama = "meta-llama/llama-3.1-8b-instruct";
        let with = |provider: &str| tags(llama, &format!(r#","provider":{provider}"#), 9);
        assert_eq!(with(r#"{"only":["groq"]}"#), Ok(vec!["groq".to_owned()]));
        assert_eq!(with(r#"{"only":["DeepInfra","novita/fp8"]}"#).map(|tags| tags.len()), Ok(2));
        assert_eq!(with(r#"{"ignore":["novita","WandB"]}"#).map(|tags| tags.len()), Ok(3));
        assert_eq!(with(r#"{"order":["groq"],"allow_fallbacks":false}"#), Ok(vec!["groq".to_owned()]));
        assert_eq!(with(r#"{"order":["groq"]}"#).map(|tags| tags.len()), Ok(5));
        assert_eq!(with(r#"{"only":["nobody"]}"#), Err(Nothing::Provider));
        assert_eq!(with(r#"{"zdr":true}"#), Ok(vec!["deepinfra/bf16".to_owned(), "groq".to_owned()]));
        assert_eq!(tags("openai/gpt-4o", r#","provider":{"zdr":true}"#, 9), Err(Nothing::Provider));
        assert_eq!(tags(llama, "", 40_000).map(|tags| tags.len()), Ok(3));
        assert_eq!(tags(llama, "", 131_072), Err(Nothing::Context(131_072)));
    }

    #[test]
    fn tiers() {
        let has = |model: &str, rest: &str, tag: &str| {
            tags(model, rest, 9).is_ok_and(|tags| tags.iter().any(|own| own == tag))
        };
        assert!(!has("openai/gpt-5", "", "openai/flex") && !has("openai/gpt-5", "", "openai/priority"));
        assert!(
            has("openai/gpt-5:floor", "", "openai/flex") && has("openai/gpt-5:nitro", "", "openai/priority")
        );
        assert!(has("openai/gpt-5", r#","service_tier":"priority""#, "openai/priority"));
        assert_eq!(tags("openai/gpt-5", r#","service_tier":"flex""#, 9), Ok(vec!["openai/flex".to_owned()]));
    }
}
