//! What the clients ask for: seeded, and dear enough to matter.

use std::net::SocketAddr;

use fastrand::Rng;
use money::{Nano, Rate};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::live;

/// Output caps that clients set; `None`: they leave it to the gateway.
const CAPS: [Option<u64>; 6] = [Some(4_096), Some(8_192), Some(16_384), Some(32_768), Some(65_536), None];
/// What the gateway sends then, tokens.
const CAP_UNSAID: u64 = 16_384;
/// The bounds that make a crowd fight for a dollar, USD.
const BOUND_LEAST: Nano = Nano::from_nanos(5_000_000);
const BOUND_MOST: Nano = Nano::from_nanos(100_000_000);
const WORDS: [&str; 16] = [
    "budget", "river", "compare", "the", "of", "table", "explain", "why", "green", "function", "returns",
    "seven", "light", "and", "summary", "please",
];

/// What there is to ask for: models with the caps that make a call's bound worth the fight.
#[derive(Clone, Debug)]
pub(crate) struct Menu {
    dishes: Vec<(String, Option<u64>)>,
}

/// How a client behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Reads the stream to its end.
    Stream,
    /// Waits for the whole answer.
    Plain,
    /// Leaves after this many pieces of the stream.
    Leave(u32),
}

/// One call.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) manner: Manner,
    pub(crate) body: String,
}

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    #[serde(default)]
    pricing: Pricing,
    #[serde(default)]
    architecture: Architecture,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pricing {
    prompt: String,
    completion: String,
    request: Option<String>,
    web_search: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Architecture {
    output_modalities: Vec<String>,
}

impl Menu {
    /// Every model of the sandbox that answers in text.
    pub(crate) async fn of_sandbox(sandbox: SocketAddr) -> Result<Menu, Failure> {
        let body = live::get_ok(&sandbox.to_string(), "/api/v1/models").await?;
        let models: Models = serde_json::from_slice(&body)
            .map_err(|error| Failure::caused("the sandbox's models cannot be read", &error))?;
        let menu = Menu::of_models(&models.data);
        match menu.dishes.is_empty() {
            true => Err(Failure::failed("the sandbox has no model that the demo could use")),
            false => Ok(menu),
        }
    }

    fn of_models(models: &[Model]) -> Menu {
        let text_only =
            |model: &&Model| model.architecture.output_modalities.iter().all(|kind| kind == "text");
        // Models that may search the web are refused, for nobody can bound what that costs.
        let tokens_only = |model: &&Model| {
            let pricing = &model.pricing;
            let free = |fee: &str| Rate::parse_ceil(fee) == Ok(Rate::ZERO);
            pricing.request.as_deref().is_none_or(free) && pricing.web_search.is_none()
        };
        let mut dishes = Vec::new();
        for model in models.iter().filter(text_only).filter(tokens_only) {
            let (Ok(prompt), Ok(completion)) =
                (Rate::parse_ceil(&model.pricing.prompt), Rate::parse_ceil(&model.pricing.completion))
            else {
                continue;
            };
            for cap in CAPS {
                let output = completion.times(cap.unwrap_or(CAP_UNSAID));
                let bound = output.saturating_add(prompt.times(1_000));
                if (BOUND_LEAST..=BOUND_MOST).contains(&bound) {
                    dishes.push((model.id.clone(), cap));
                }
            }
        }
        Menu { dishes }
    }

    /// The call with this number.
    pub(crate) fn plan(&self, seed: u64, number: u32) -> Plan {
        let mut rng =
            Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(u64::from(number)));
        let (model, cap) = &self.dishes[rng.usize(..self.dishes.len())];
        let (manner, tools) = match rng.u32(..100) {
            0..50 => (Manner::Stream, false),
            50..70 => (Manner::Plain, false),
            70..80 => (Manner::Stream, true),
            80..90 => (Manner::Plain, true),
            _ => (Manner::Leave(rng.u32(1..8)), false),
        };
        let mut body = json!({
            "model": model,
            "messages": [
                {"role": "system", "content": "Answer briefly."},
                {"role": "user", "content": prompt(&mut rng)},
            ],
        });
        if manner != Manner::Plain {
            body["stream"] = true.into();
        }
        if let Some(cap) = cap {
            body["max_tokens"] = (*cap).into();
        }
        if tools {
            body["tools"] = tool();
        }
        Plan { manner, body: body.to_string() }
    }
}

fn prompt(rng: &mut Rng) -> String {
    let words = rng.usize(8..200);
    (0..words).map(|_| WORDS[rng.usize(..WORDS.len())]).collect::<Vec<_>>().join(" ")
}

fn tool() -> Value {
    json!([{"type": "function", "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }}])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(id: &str, completion: &str) -> Model {
        Model {
            id: id.into(),
            pricing: Pricing {
                prompt: "0.000001".into(),
                completion: completion.into(),
                ..Pricing::default()
            },
            architecture: Architecture::default(),
        }
    }

    #[test]
    fn only_what_is_worth_the_fight() {
        let menu = Menu::of_models(&[
            model("free", "0"),
            model("m", "0.000001"),
            model("router", "-1"),
            model("gold", "1"),
        ]);
        let caps: Vec<_> = menu.dishes.iter().map(|(id, cap)| (id.as_str(), *cap)).collect();
        assert_eq!(
            caps,
            [
                ("m", Some(4_096)),
                ("m", Some(8_192)),
                ("m", Some(16_384)),
                ("m", Some(32_768)),
                ("m", Some(65_536)),
                ("m", None)
            ]
        );
    }

    #[test]
    fn the_same_seed_asks_the_same() {
        let menu = Menu::of_models(&[model("m", "0.000001")]);
        assert_eq!(menu.plan(7, 3).body, menu.plan(7, 3).body);
        assert_ne!(menu.plan(7, 3).body, menu.plan(8, 3).body);
        let manners: Vec<Manner> = (0..200).map(|number| menu.plan(1, number).manner).collect();
        assert!(manners.contains(&Manner::Plain) && manners.contains(&Manner::Stream));
        assert!(manners.iter().any(|manner| matches!(manner, Manner::Leave(_))));
    }
}
