//! The models and their endpoints, at the prices of the moment.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::account::guardrail::Rules;
use crate::exact::Exact;
use crate::prices::Prices;
use crate::vocabulary::Vocabulary;

const MODELS: &str = include_str!("../../openrouter/data/models.json");
const ENDPOINTS: &str = include_str!("../../openrouter/data/endpoints.json");

/// Where a router goes: a dear one, for the caller set no ceiling.
const ROUTED_TO: &str = "openai/gpt-5.5-pro";
/// Where nothing is said.
const CONTEXT_DEFAULT: u64 = 1_000_000;

/// Providers that retain nothing, for `/endpoints/zdr` and `provider.zdr`: an invention, but for the shape. OpenRouter's list moves, and has
/// some endpoints of most models.
const RETAINING_NOTHING: [&str; 8] =
    ["Amazon Bedrock", "Google", "DeepInfra", "Fireworks", "Groq", "Nebius", "Parasail", "Together"];

/// Providers that stop generating when a stream is aborted (CONTRACT 11.6, 2026-08-22).
const CANCELLING: &str = " OpenAI Azure Anthropic Fireworks Mancer Recursal AnyScale Lepton OctoAI Novita DeepInfra Together \
    Cohere Hyperbolic Infermatic Avian xAI Cloudflare SFCompute Nineteen Liquid Friendli Chutes DeepSeek ";

/// One row of `/models`.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) id: Arc<str>,
    pub(crate) canonical: Arc<str>,
    pub(crate) family: Family,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) price: PriceKind,
    /// Writes text at all, and is asked in tokens.
    pub(crate) chats: bool,
    /// Thinks before it answers.
    pub(crate) reasons: bool,
    /// Searches the web unasked.
    pub(crate) searches: bool,
    /// `input_modalities`.
    pub(crate) inputs: Vec<String>,
    /// `output_modalities`.
    pub(crate) outputs: Vec<String>,
    pub(crate) endpoints: Vec<Endpoint>,
    alias: Option<String>,
}

/// What matters of a tokenizer and its provider's habits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Claude,
    Gemini,
    /// Others that may bring text into a compatibility form of Unicode first.
    Normalised,
    Other,
}

/// What a row's price means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PriceKind {
    /// A `:free` row: nothing.
    Free,
    /// As listed.
    Listed,
    /// Zero on a row that is not `:free`: real money.
    Zero,
    /// `-1`: a router.
    Dynamic,
}

/// One provider of a model.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) id: Arc<str>,
    pub(crate) provider: Arc<str>,
    pub(crate) tag: String,
    pub(crate) context: u64,
    pub(crate) output_max: u64,
    pub(crate) prompt_max: u64,
    pub(crate) prices: Prices,
    /// Its prices under the conditions of its model's row, where it lists none: an adversary bills by either.
    under_row: Option<Prices>,
    pub(crate) tier: Tier,
    /// Lists `max_tokens` or `max_completion_tokens`; otherwise the field is dropped.
    pub(crate) obeys_cap: bool,
    pub(crate) takes_tools: bool,
    /// Caches without being asked.
    pub(crate) caches: bool,
    /// Stops, and stops billing, when a stream is aborted.
    pub(crate) cancels: bool,
}

/// The service tier of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    Standard,
    Flex,
    Priority,
}

/// All of them, and the texts that `/models` and `/endpoints` answer with.
#[derive(Debug)]
pub(crate) struct Catalogue {
    models: Vec<Arc<Model>>,
    by_name: HashMap<String, usize>,
    pub(crate) models_text: Bytes,
    endpoint_texts: HashMap<String, Bytes>,
    pub(crate) providers_text: Bytes,
    pub(crate) zdr_text: Bytes,
}

/// A model that was asked for, and how.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) model: Arc<Model>,
    pub(crate) variant: Variant,
    /// `:online`, the web plugin.
    pub(crate) online: bool,
}

/// A suffix that is not a row of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    None,
    Nitro,
    Floor,
    Exacto,
}

impl Catalogue {
    /// The embedded rows, all prices times `thousandths / 1000`.
    pub(crate) fn load(thousandths: u64) -> Catalogue {
        Catalogue::read(MODELS, ENDPOINTS, thousandths).expect("the embedded catalogue is one")
    }

    /// Rows of `/models`, and answers of `/endpoints` by id.
    pub(crate) fn read(
        models: &str,
        endpoints: &str,
        thousandths: u64,
    ) -> Result<Catalogue, serde_json::Error> {
        let mut listing: Value = serde_json::from_str(models)?;
        let mut answers: BTreeMap<String, Value> = serde_json::from_str(endpoints)?;
        let rows = listing["data"].as_array_mut().expect("a list of models");
        rows.iter_mut().for_each(|row| scale(&mut row["pricing"], thousandths));
        for answer in answers.values_mut() {
            let endpoints = answer["data"]["endpoints"].as_array_mut().expect("a list of endpoints");
            for endpoint in endpoints {
                scale(&mut endpoint["pricing"], thousandths);
                complete(endpoint);
            }
        }
        let models: Vec<Arc<Model>> = rows
            .iter()
            .map(|row| Arc::new(Model::read(row, answers.get(row["id"].as_str().unwrap_or_default()))))
            .collect();
        listing["total_count"] = json!(models.len());
        listing["links"] = json!({ "next": null });
        Ok(Catalogue {
            by_name: names(&models),
            models_text: text(&listing),
            providers_text: providers(&models),
            zdr_text: retaining_nothing(answers.values()),
            endpoint_texts: answers.iter().map(|(id, answer)| (id.clone(), text(answer))).collect(),
            models,
        })
    }

    /// Every model that a router may choose.
    pub(crate) fn routed(&self) -> impl Iterator<Item = Asked> {
        let ordinary = self.models.iter().filter(|model| {
            model.chats && model.price == PriceKind::Listed && model.alias.is_none() && !model.searches
        });
        ordinary.map(|model| Asked { model: Arc::clone(model), variant: Variant::None, online: false })
    }

    /// Whether a name, variants stripped, is a router's.
    pub(crate) fn is_router(&self, name: &str) -> bool {
        let name = name.split_once(':').map_or(name, |(before, _)| before);
        self.by_name.get(name).is_some_and(|&index| self.models[index].price == PriceKind::Dynamic)
    }

    /// How many rows there are.
    pub(crate) fn count(&self) -> usize {
        self.models.len()
    }

    /// The answer of `/models/{name}/endpoints`.
    pub(crate) fn endpoints_text(&self, name: &str) -> Option<Bytes> {
        let model = &self.models[*self.by_name.get(name)?];
        self.endpoint_texts.get(&*model.id).cloned()
    }

    /// The dated slug of a model, variants stripped, as guardrails tell it.
    pub(crate) fn canonical(&self, name: &str) -> Option<Arc<str>> {
        let rest = name.split_once(':').map_or(name, |(before, _)| before);
        let index = self.by_name.get(name).or_else(|| self.by_name.get(rest))?;
        Some(Arc::clone(&self.models[*index].canonical))
    }

    /// What a key may use, as `/models` tells it.
    pub(crate) fn models_under(&self, rules: &Rules) -> Bytes {
        let mut listing: Value = serde_json::from_slice(&self.models_text).expect("the listing is JSON");
        let rows = listing["data"].as_array_mut().expect("a list of models");
        let allowed = |row: &Value| {
            let index = row["id"].as_str().and_then(|id| self.by_name.get(id));
            index.is_some_and(|index| rules.allow_model(&self.models[*index]))
        };
        rows.retain(allowed);
        let count = rows.len();
        listing["total_count"] = json!(count);
        text(&listing)
    }

    /// The model behind a name, variants stripped, aliases and routers followed.
    pub(crate) fn resolve(&self, name: &str, rng: &mut Rng) -> Option<Asked> {
        let mut rest = name;
        let mut variant = Variant::None;
        let mut online = false;
        let mut model = loop {
            if let Some(&index) = self.by_name.get(rest) {
                break &self.models[index];
            }
            let (before, suffix) = rest.rsplit_once(':')?;
            match suffix {
                "nitro" => variant = Variant::Nitro,
                "floor" => variant = Variant::Floor,
                "exacto" => variant = Variant::Exacto,
                "online" => online = true,
                _ => return None,
            }
            rest = before;
        };
        if let Some(target) = &model.alias {
            model = &self.models[*self.by_name.get(target)?];
        }
        if &*model.id == "openrouter/free" {
            let free: Vec<&Arc<Model>> =
                self.models.iter().filter(|model| model.id.ends_with(":free")).collect();
            model = free[rng.usize(..free.len())];
        }
        if model.price == PriceKind::Dynamic {
            model = match self.by_name.get(ROUTED_TO) {
                Some(&index) => &self.models[index],
                None => self.models.iter().find(|model| model.chats && model.price == PriceKind::Listed)?,
            };
        }
        Some(Asked { model: Arc::clone(model), variant, online })
    }

    #[cfg(test)]
    pub(crate) fn models(&self) -> &[Arc<Model>] {
        &self.models
    }
}

impl Model {
    fn read(row: &Value, answer: Option<&Value>) -> Model {
        let id: Arc<str> = row["id"].as_str().expect("an id").into();
        let price = PriceKind::read(&id, &row["pricing"]);
        let tokenizer = row["architecture"]["tokenizer"].as_str().unwrap_or_default();
        let outputs = strings(&row["architecture"]["output_modalities"]);
        let listed =
            answer.and_then(|answer| answer["data"]["endpoints"].as_array()).map_or(&[][..], Vec::as_slice);
        let mut endpoints: Vec<Endpoint> =
            listed.iter().filter_map(|listed| Endpoint::read(listed, row)).collect();
        if answer.is_none() {
            endpoints.extend(Endpoint::of_row(row));
        }
        Model {
            canonical: row["canonical_slug"].as_str().unwrap_or(&id).into(),
            family: match tokenizer {
                "Claude" => Family::Claude,
                "Gemini" if id.contains("gemini") => Family::Gemini,
                // The tokenizers of these two are published, and bring text into no other form.
                _ if id.starts_with("moonshotai/kimi-k2") || id.starts_with("z-ai/glm-4") => Family::Other,
                "Other" | "Nova" => Family::Normalised,
                _ => Family::Other,
            },
            vocabulary: Vocabulary::of_model(&id),
            chats: outputs.iter().any(|output| matches!(output.as_str(), "text" | "image"))
                && row["context_length"] != 0,
            reasons: strings(&row["supported_parameters"]).iter().any(|name| name == "reasoning"),
            searches: id.starts_with("perplexity/")
                || id.contains("search-preview")
                || id.contains("deep-research"),
            inputs: strings(&row["architecture"]["input_modalities"]),
            outputs,
            alias: row["alias_target"]["slug"].as_str().map(str::to_owned),
            price,
            endpoints,
            id,
        }
    }
}

impl PriceKind {
    fn read(id: &str, pricing: &Value) -> PriceKind {
        if id.ends_with(":free") || id == "openrouter/free" {
            return PriceKind::Free;
        }
        match Prices::read(pricing) {
            Err(_) => PriceKind::Dynamic,
            Ok(prices) if prices.is_zero() => PriceKind::Zero,
            Ok(_) => PriceKind::Listed,
        }
    }
}

impl Endpoint {
    /// The one endpoint of a model whose endpoints are not listed.
    fn of_row(row: &Value) -> Option<Endpoint> {
        let mut listed = row.clone();
        listed["provider_name"] = json!("Unlisted");
        listed["tag"] = json!("unlisted");
        listed["max_completion_tokens"] = row["top_provider"]["max_completion_tokens"].clone();
        Endpoint::read(&listed, row)
    }

    fn read(listed: &Value, row: &Value) -> Option<Endpoint> {
        let provider = listed["provider_name"].as_str()?;
        let tag = listed["tag"].as_str()?;
        let count = |value: &Value| value.as_u64().filter(|&count| count > 0);
        let context = count(&listed["context_length"])
            .or_else(|| count(&row["context_length"]))
            .unwrap_or(CONTEXT_DEFAULT);
        let parameters = strings(&listed["supported_parameters"]);
        let lists = |name: &str| parameters.iter().any(|parameter| parameter == name);
        let prices = Prices::read(&listed["pricing"]).ok()?;
        let under_row = Prices::read(&row["pricing"]).ok().and_then(|row| prices.with_conditions_of(&row));
        Some(Endpoint {
            id: endpoint_id(row["id"].as_str()?, tag).into(),
            provider: provider.into(),
            tag: tag.to_owned(),
            context,
            output_max: count(&listed["max_completion_tokens"]).unwrap_or(context),
            prompt_max: count(&listed["max_prompt_tokens"]).unwrap_or(context),
            prices,
            under_row,
            tier: match (listed["service_tier"].as_str(), tag.rsplit('/').next()) {
                (Some("flex"), _) | (None, Some("flex")) => Tier::Flex,
                (Some("priority" | "ultrafast"), _) | (None, Some("priority")) => Tier::Priority,
                _ => Tier::Standard,
            },
            obeys_cap: lists("max_tokens") || lists("max_completion_tokens"),
            takes_tools: lists("tools"),
            caches: listed["supports_implicit_caching"] == true,
            cancels: CANCELLING.contains(&format!(" {provider} ")),
        })
    }

    /// Whether `/endpoints/zdr` lists it.
    pub(crate) fn retains_nothing(&self) -> bool {
        RETAINING_NOTHING.contains(&&*self.provider)
    }

    /// The prices by which an adversary may bill.
    pub(crate) fn price_lists(&self) -> impl Iterator<Item = &Prices> {
        [&self.prices].into_iter().chain(&self.under_row)
    }

    /// Whether a name in `provider.only`, `ignore` or `order` means this endpoint: its tag, the provider's part of it,
    /// or the provider's name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let slug = self.tag.split('/').next().unwrap_or_default();
        [self.tag.as_str(), slug, &self.provider].iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// Multiplies every price in a `pricing` object, overrides included, rounding up at the thirtieth digit.
fn scale(pricing: &mut Value, thousandths: u64) {
    if thousandths == 1000 {
        return;
    }
    for (key, value) in pricing.as_object_mut().into_iter().flat_map(Map::iter_mut) {
        if key == "overrides" {
            value
                .as_array_mut()
                .into_iter()
                .flatten()
                .for_each(|conditional| scale(conditional, thousandths));
        } else if let Some(price) = value.as_str().and_then(Exact::parse) {
            *value = json!(price.fraction_up(thousandths, 1000).to_string());
        }
    }
}

/// Adds the fields that OpenRouter's Python SDK 1.3.84 insists on and the recordings of May 2026 did not have yet.
fn complete(endpoint: &mut Value) {
    let tools = strings(&endpoint["supported_parameters"]).iter().any(|name| name == "tools");
    let defaults = json!({
        "native_tools": {}, "service_tier": null, "supports_diarization": false,
        "supports_tool_choice": { "none": tools, "auto": tools, "required": tools, "function": tools },
    });
    if let (Some(endpoint), Value::Object(defaults)) = (endpoint.as_object_mut(), defaults) {
        for (name, value) in defaults {
            endpoint.entry(name).or_insert(value);
        }
    }
}

/// Ids and dated slugs; a slug that several rows share means the paid one.
fn names(models: &[Arc<Model>]) -> HashMap<String, usize> {
    let mut names = HashMap::new();
    for (index, model) in models.iter().enumerate() {
        if !model.id.ends_with(":free") || !names.contains_key(&*model.canonical) {
            names.insert(model.canonical.to_string(), index);
        }
    }
    names.extend(models.iter().enumerate().map(|(index, model)| (model.id.to_string(), index)));
    names
}

fn providers(models: &[Arc<Model>]) -> Bytes {
    let slug = |endpoint: &Endpoint| endpoint.tag.split('/').next().unwrap_or_default().to_owned();
    let slugs: BTreeMap<String, String> =
        models.iter().flat_map(|model| &model.endpoints).map(|e| (e.provider.to_string(), slug(e))).collect();
    let rows: Vec<Value> = slugs
        .iter()
        .map(|(name, slug)| {
            json!({ "name": name, "slug": slug, "privacy_policy_url": null, "terms_of_service_url": null,
                "status_page_url": null })
        })
        .collect();
    text(&json!({ "data": rows }))
}

/// The answer of `/endpoints/zdr`: rows of `/endpoints`, of all models in one list.
fn retaining_nothing<'a>(answers: impl Iterator<Item = &'a Value>) -> Bytes {
    let listed = answers.flat_map(|answer| answer["data"]["endpoints"].as_array().into_iter().flatten());
    let kept: Vec<&Value> = listed
        .filter(|row| row["provider_name"].as_str().is_some_and(|name| RETAINING_NOTHING.contains(&name)))
        .collect();
    text(&json!({ "data": kept }))
}

fn endpoint_id(model: &str, tag: &str) -> String {
    let hash = crate::tokens::hash(format!("{model}|{tag}").as_bytes());
    format!("{:08x}-{:04x}-4000-8000-{:012x}", hash >> 32, hash & 0xffff, hash & 0xffff_ffff_ffff)
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

fn text(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_loads_and_every_price_reads() {
        let catalogue = Catalogue::load(1000);
        assert_eq!(catalogue.count(), 87);
        let mut endpoints = 0;
        for model in catalogue.models() {
            let answer: Value =
                serde_json::from_slice(&catalogue.endpoints_text(&model.id).expect("endpoints"))
                    .expect("JSON");
            let listed = answer["data"]["endpoints"].as_array().expect("a list");
            assert_eq!(listed.len(), model.endpoints.len(), "{}: an endpoint was not read", model.id);
            endpoints += listed.len();
            for listed in listed {
                for (key, price) in listed["pricing"].as_object().expect("prices") {
                    if let Some(text) = price.as_str() {
                        let exact = Exact::parse(text).unwrap_or_else(|| panic!("{} {key} {text}", model.id));
                        assert_eq!(exact.to_string(), text, "printed as listed");
                    }
                }
            }
            let routed = model.id.starts_with("openrouter/") || model.id.starts_with('~');
            assert_eq!(listed.is_empty(), routed, "{}", model.id);
        }
        assert_eq!(endpoints, 245);
        let listing: Value = serde_json::from_slice(&catalogue.models_text).expect("JSON");
        for row in listing["data"].as_array().expect("rows") {
            for field in [
                "id",
                "canonical_slug",
                "links",
                "supported_voices",
                "per_request_limits",
                "architecture",
                "top_provider",
                "pricing",
                "supported_parameters",
                "default_parameters",
                "name",
                "created",
                "context_length",
            ] {
                assert!(row.get(field).is_some(), "{} lacks {field}", row["id"]);
            }
        }
    }

    #[test]
    fn names_resolve() {
        let catalogue = Catalogue::load(1000);
        let resolve = |name: &str| {
            let asked = catalogue.resolve(name, &mut Rng::with_seed(1))?;
            Some((asked.model.id.to_string(), asked.variant, asked.online))
        };
        for (name, model, variant) in [
            ("openai/gpt-4o-mini", "openai/gpt-4o-mini", Variant::None),
            ("openai/gpt-4o-mini:floor", "openai/gpt-4o-mini", Variant::Floor),
            ("openai/gpt-4o:extended", "openai/gpt-4o:extended", Variant::None),
            ("openai/gpt-4o:extended:nitro", "openai/gpt-4o:extended", Variant::Nitro),
            ("google/gemma-2-9b-it:free", "google/gemma-2-9b-it:free", Variant::None),
            ("google/gemma-2-9b-it", "google/gemma-2-9b-it", Variant::None),
            ("~openai/gpt-sol-latest", "openai/gpt-6.1-sol", Variant::None),
            ("openai/gpt-4.1-2025-04-14", "openai/gpt-4.1", Variant::None),
            ("openrouter/auto", ROUTED_TO, Variant::None),
        ] {
            assert_eq!(resolve(name), Some((model.to_owned(), variant, false)), "{name}");
        }
        assert!(resolve("openrouter/free").is_some_and(|(id, ..)| id.ends_with(":free")));
        assert!(resolve("openai/gpt-4o:online").is_some_and(|(.., online)| online));
        for name in ["", "gpt-4o", "openai/gpt-4o:fast", "openai/gpt-99:floor", ":floor", "nobody/nothing"] {
            assert_eq!(resolve(name), None, "{name}");
        }
    }

    #[test]
    fn prices_rise() {
        let (before, after) = (Catalogue::load(1000), Catalogue::load(1500));
        let prompt = |catalogue: &Catalogue, name: &str| {
            let asked = catalogue.resolve(name, &mut Rng::with_seed(1)).expect(name);
            asked.model.endpoints[0].prices.base.prompt.to_string()
        };
        assert_eq!(prompt(&before, "openai/gpt-4o-mini"), "0.00000015");
        assert_eq!(prompt(&after, "openai/gpt-4o-mini"), "0.000000225");
        let listing: Value = serde_json::from_slice(&after.models_text).expect("JSON");
        let row = listing["data"]
            .as_array()
            .expect("rows")
            .iter()
            .find(|row| row["id"] == "openrouter/auto")
            .expect("auto");
        assert_eq!(row["pricing"]["prompt"], "-1");
    }

    #[test]
    fn some_endpoints_retain_nothing() {
        let catalogue = Catalogue::load(1500);
        let answer: Value = serde_json::from_slice(&catalogue.zdr_text).expect("JSON");
        let rows = answer["data"].as_array().expect("a list");
        assert!(rows.len() > 50 && rows.len() < 245, "a part of them: {}", rows.len());
        for row in rows {
            let model = row["model_id"].as_str().expect("a model");
            let of_model: Value =
                serde_json::from_slice(&catalogue.endpoints_text(model).expect("endpoints")).expect("JSON");
            let endpoints = of_model["data"]["endpoints"].as_array().expect("a list");
            assert!(endpoints.contains(row), "{model}: the same row, at the same prices");
        }
        assert!(rows.iter().all(|row| row["provider_name"] != "OpenAI"));
    }

    #[test]
    fn who_stops() {
        let catalogue = Catalogue::load(1000);
        for model in catalogue.models() {
            for endpoint in &model.endpoints {
                match &*endpoint.provider {
                    "OpenAI" | "Anthropic" | "DeepInfra" | "xAI" | "Together" => assert!(endpoint.cancels),
                    "Google" | "Google AI Studio" | "Amazon Bedrock" | "Groq" | "Mistral" | "Alibaba"
                    | "Nebius" => {
                        assert!(!endpoint.cancels, "{}", endpoint.provider);
                    }
                    _ => {}
                }
            }
        }
    }
}
