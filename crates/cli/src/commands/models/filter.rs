//! Which models are meant: by what they can do, cost and are called.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use money::Rate;
use pricing::{Book, Feature, Features, Modality, Model, PriceKey};

use super::row;
use crate::failure::Failure;
use crate::prices::Prices;

/// Filters; each given one must hold.
#[derive(Debug, Default, Args)]
pub(crate) struct Filter {
    /// Free models only
    #[arg(long)]
    pub(super) free: bool,
    /// That call functions
    #[arg(long)]
    tools: bool,
    /// That read images
    #[arg(long)]
    vision: bool,
    /// That hear audio
    #[arg(long)]
    audio: bool,
    /// That read files
    #[arg(long)]
    files: bool,
    /// That watch video
    #[arg(long)]
    video: bool,
    /// That answer in this, perhaps beside text
    #[arg(long, value_enum, value_name = "KIND")]
    answers: Option<Answers>,
    /// That answer in a given JSON schema
    #[arg(long)]
    schemas: bool,
    /// That think before they answer
    #[arg(long)]
    reasoning: bool,
    /// With a price for prompts read from a cache
    #[arg(long)]
    caching: bool,
    /// With room for so many tokens of prompt and answer: 200000, 128k, 1M
    #[arg(long, value_name = "TOKENS", value_parser = tokens)]
    context: Option<u64>,
    /// At most so many dollars per million tokens, in and out
    #[arg(long, value_name = "USD", value_parser = per_million)]
    max_price: Option<Rate>,
    /// With a provider that retains nothing, as OpenRouter lists them
    #[arg(long)]
    zdr: bool,
    /// Served by this provider, as far as providers are known
    #[arg(long, value_name = "NAME")]
    pub(super) provider: Option<String>,
    /// With this in the name or id
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

/// What a model answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Answers {
    Text,
    Image,
    Audio,
    /// Video, ranks, decisions: what is not asked by chat
    Other,
}

/// The models with endpoints that retain nothing.
pub(super) type Zdr = BTreeMap<String, Vec<String>>;

impl Filter {
    /// What the filter must know beside the rows.
    ///
    /// # Errors
    /// When that is not known, and nobody tells.
    pub(super) async fn zdr(&self, prices: &mut Prices) -> Result<Option<Zdr>, Failure> {
        if self.zdr { prices.zdr().await.map(Some) } else { Ok(None) }
    }

    /// Whether all that is asked holds.
    pub(super) fn admits(&self, model: &Model, zdr: Option<&Zdr>) -> bool {
        let priced = model.prices.priced();
        model.about.features.contain_all(self.features())
            && (!self.free || model.is_free())
            && self.answers.is_none_or(|kind| model.outputs.contains(kind.modality()))
            && zdr.is_none_or(|zdr| retaining_nothing(model, zdr).is_some())
            && (!self.caching || priced.is_some_and(|prices| prices.rates[PriceKey::CacheRead].is_some()))
            && self.context.is_none_or(|least| model.context_length.is_some_and(|most| most >= least))
            && self.max_price.is_none_or(|most| {
                priced.is_some_and(|prices| prices.prompt() <= most && prices.completion() <= most)
                    && row::tells_its_price(model)
            })
            && (self.provider.is_none() || !self.providers(model, zdr).is_empty())
            && self.search.as_ref().is_none_or(|text| {
                let text = text.to_ascii_lowercase();
                let names = [model.id.as_str(), &model.about.name];
                names.iter().any(|name| name.to_ascii_lowercase().contains(&text))
            })
    }

    /// The tags of the providers that are left of a model's, where the filter is one of providers: what others ask is
    /// not what the model then costs.
    pub(super) fn providers(&self, model: &Model, zdr: Option<&Zdr>) -> Vec<String> {
        let retaining_nothing = zdr.map(|zdr| retaining_nothing(model, zdr).unwrap_or_default());
        let Some(name) = &self.provider else { return retaining_nothing.unwrap_or_default().to_vec() };
        let of_name = model.endpoints.iter().flatten().filter(|endpoint| endpoint.is_named(name));
        let tags = of_name.map(|endpoint| &endpoint.tag);
        tags.filter(|tag| retaining_nothing.is_none_or(|left| left.contains(tag))).cloned().collect()
    }

    fn features(&self) -> Features {
        let asked = [
            (self.tools, Feature::Tools),
            (self.vision, Feature::Images),
            (self.audio, Feature::Audio),
            (self.files, Feature::Files),
            (self.video, Feature::Video),
            (self.schemas, Feature::Schemas),
            (self.reasoning, Feature::Reasoning),
        ];
        asked.into_iter().filter(|(asked, _)| *asked).map(|(_, feature)| feature).collect()
    }
}

impl Answers {
    const fn modality(self) -> Modality {
        match self {
            Answers::Text => Modality::Text,
            Answers::Image => Modality::Image,
            Answers::Audio => Modality::Audio,
            Answers::Other => Modality::Other,
        }
    }
}

/// The tags of a model's endpoints that retain nothing; `None` when it has none. OpenRouter calls a model in that list
/// by its id or by its dated name, which a `:free` row shares with the paid one: what is true of that is not of it.
pub(super) fn retaining_nothing<'z>(model: &Model, zdr: &'z Zdr) -> Option<&'z [String]> {
    let dated = (!model.id.contains(':')).then_some(&model.canonical_slug);
    let names = [Some(&model.id), dated].into_iter().flatten();
    names.filter_map(|name| zdr.get(name)).map(Vec::as_slice).next()
}

/// `200000`, `200,000`, `128k`, `1M`: thousands and millions, as model cards have them.
pub(super) fn tokens(text: &str) -> Result<u64, String> {
    let plain = text.replace([',', '_'], "");
    let (digits, factor) = match plain.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => plain.strip_suffix(['m', 'M']).map_or((plain.as_str(), 1), |digits| (digits, 1_000_000)),
    };
    let count: Option<u64> = digits.parse().ok();
    count
        .and_then(|count| count.checked_mul(factor))
        .ok_or_else(|| format!("'{text}' is not a number of tokens such as 200000, 128k or 1M"))
}

/// Says on stderr of how many models the providers have been read, where not of all; whether they have of all.
pub(super) fn tell_whose_providers_are_known(book: &Book) -> bool {
    let (all, known) = (book.models().len(), book.models().filter(|model| model.endpoints.is_some()).count());
    if known < all {
        eprintln!("the providers of {known} in {all} models are known");
    }
    known == all
}

/// How many of a list: none is no answer.
pub(super) fn limit(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| format!("'{text}' is not a number from 1"))
}

fn per_million(text: &str) -> Result<Rate, String> {
    let digits = text.trim().trim_start_matches('$');
    Rate::parse_per_million_floor(digits)
        .map_err(|_| format!("'{text}' is not a price in dollars per million tokens such as 3 or 0.25"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_write_them() {
        for (text, expected) in
            [("200000", 200_000), ("200,000", 200_000), ("128k", 128_000), ("1M", 1_000_000)]
        {
            assert_eq!(tokens(text), Ok(expected), "{text}");
        }
        for text in ["", "k", "-1", "1.5k", "lots", "99999999999999999999k"] {
            assert!(tokens(text).is_err(), "{text}");
        }
        assert_eq!(per_million("$0.25"), Ok(Rate::from_femtos(250_000_000)));
        assert_eq!(limit("3"), Ok(3));
        assert!(limit("0").is_err() && limit("-1").is_err() && limit("all").is_err());
        assert!(per_million("cheap").is_err() && per_million("-1").is_err());
    }
}
