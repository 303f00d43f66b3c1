//! `provider`: the caller's own ceiling, exclusions and preferences, and where ours go.

use std::borrow::Cow;
use std::ops::Range;

use money::Rate;
use pricing::{CallerMaxPrice, Unpriced};
use smallvec::SmallVec;

use super::fields::{Text, duplicate, is_empty, is_null, members, span, wrong};
use super::notes::Notes;
use super::{BodyError, Object};

/// Where edits to `provider` go.
#[derive(Clone, Debug)]
pub(super) struct Provider {
    pub(super) span: Range<usize>,
    /// `None` where it says `null`.
    pub(super) object: Option<Object>,
    pub(super) max_price: Option<MaxPricePlace>,
    pub(super) ignore: Option<Ignore>,
    /// Where the caller's `only` is.
    pub(super) only: Option<Range<usize>>,
}

#[derive(Clone, Debug)]
pub(super) struct MaxPricePlace {
    pub(super) span: Range<usize>,
    pub(super) object: Option<Object>,
    pub(super) prompt: Option<Ceiling>,
    pub(super) completion: Option<Ceiling>,
    pub(super) request: Option<Ceiling>,
    pub(super) image: Option<Ceiling>,
    pub(super) audio: Option<Ceiling>,
}

/// A price in the caller's `max_price`; `None` where it says `null`.
#[derive(Clone, Debug)]
pub(super) struct Ceiling {
    pub(super) span: Range<usize>,
    pub(super) rate: Option<Rate>,
}

/// The caller's `ignore` list; `None` where it says `null`.
#[derive(Clone, Debug)]
pub(super) struct Ignore {
    pub(super) span: Range<usize>,
    pub(super) names: Option<Vec<String>>,
}

type Keys<'a> = SmallVec<[Cow<'a, str>; 24]>;

/// Reads the `provider` object into the shape and remembers its places.
pub(super) fn read<'a>(notes: &mut Notes<'a, '_>, raw: &'a str) -> Result<Provider, BodyError> {
    let body = notes.body;
    let place = span(body, raw);
    let mut provider = Provider { span: place, object: None, max_price: None, ignore: None, only: None };
    if is_null(raw) {
        return Ok(provider);
    }
    let mut keys = Keys::new();
    members(raw, &wrong("provider", "an object"), |key, value| {
        match key.as_ref() {
            "max_price" => provider.max_price = Some(max_price(body, value)?),
            "ignore" => {
                let names = if is_null(value) { None } else { Some(names(value, "provider.ignore")?) };
                provider.ignore =
                    Some(Ignore { span: span(body, value), names: names.as_deref().map(owned) });
                notes.shape.ignore = names.into_iter().flatten().collect();
            }
            "only" => {
                provider.only = Some(span(body, value));
                if !is_null(value) {
                    notes.shape.only = names(value, "provider.only")?.into_iter().collect();
                }
            }
            // What is no list of names is for OpenRouter to refuse.
            "order" => {
                notes.shape.order = names(value, "provider.order").unwrap_or_default().into_iter().collect();
            }
            "allow_fallbacks" => notes.shape.no_fallbacks = value == "false",
            "sort" => notes.shape.by_price = is_by_price(value),
            // Handed to the provider as it is: what it switches on there, nobody knows.
            "options" if !is_empty(value) => {
                notes.cost(Unpriced::UnknownField("provider.options".to_owned()));
            }
            _ => {}
        }
        keys.push(key);
        Ok(())
    })?;
    if let Some(key) = duplicate(&mut keys) {
        return Err(BodyError::Duplicate(format!("provider.{key}")));
    }
    provider.object = Some(Object { close: provider.span.end - 1, empty: keys.is_empty() });
    notes.shape.caller_max_price =
        provider.max_price.as_ref().filter(|place| place.object.is_some()).map(|place| {
            let rate = |ceiling: &Option<Ceiling>| ceiling.as_ref().and_then(|ceiling| ceiling.rate);
            CallerMaxPrice {
                prompt: rate(&place.prompt),
                completion: rate(&place.completion),
                request: rate(&place.request),
                image: rate(&place.image),
                audio: rate(&place.audio),
            }
        });
    Ok(provider)
}

fn max_price<'a>(body: &'a str, raw: &'a str) -> Result<MaxPricePlace, BodyError> {
    let mut place = MaxPricePlace {
        span: span(body, raw),
        object: None,
        prompt: None,
        completion: None,
        request: None,
        image: None,
        audio: None,
    };
    if is_null(raw) {
        return Ok(place);
    }
    let mut keys = Keys::new();
    members(raw, &wrong("provider.max_price", "an object"), |key, value| {
        match key.as_ref() {
            "prompt" => place.prompt = Some(ceiling(body, value, per_million)?),
            "completion" => place.completion = Some(ceiling(body, value, per_million)?),
            "request" => place.request = Some(ceiling(body, value, per_unit)?),
            "image" => place.image = Some(ceiling(body, value, per_unit)?),
            "audio" => place.audio = Some(ceiling(body, value, per_unit)?),
            _ => {}
        }
        keys.push(key);
        Ok(())
    })?;
    if let Some(key) = duplicate(&mut keys) {
        return Err(BodyError::Duplicate(format!("provider.max_price.{key}")));
    }
    place.object = Some(Object { close: place.span.end - 1, empty: keys.is_empty() });
    Ok(place)
}

fn ceiling<'a>(
    body: &'a str,
    raw: &'a str,
    read: impl Fn(&str) -> Option<Rate>,
) -> Result<Ceiling, BodyError> {
    let must = wrong("provider.max_price", "prices of zero or more, as numbers or numeric strings");
    let rate = match raw {
        "null" => None,
        // Numbers and numeric strings alike (CONTRACT 8.4).
        text => Some(read(text.trim_matches('"')).ok_or(must)?),
    };
    Ok(Ceiling { span: span(body, raw), rate })
}

/// USD per million tokens: never below what the text says, and less than two femto-dollars above it.
fn per_million(text: &str) -> Option<Rate> {
    let floor = Rate::parse_per_million_floor(text).ok()?;
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let zero = !mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    Some(if zero { floor } else { floor.saturating_add(Rate::from_femtos(1)) })
}

fn per_unit(text: &str) -> Option<Rate> {
    Rate::parse_ceil(text).ok()
}

fn owned(names: &[Cow<'_, str>]) -> Vec<String> {
    names.iter().map(|name| name.as_ref().to_owned()).collect()
}

/// `"price"`, or `{"by": "price", …}`.
fn is_by_price(raw: &str) -> bool {
    const MUST: BodyError = wrong("provider.sort", "a word, or an object with one");
    let mut by_price = raw == "\"price\"";
    if raw.starts_with('{') {
        let read = members(raw, &MUST, |key, value| {
            by_price |= key == "by" && value == "\"price\"";
            Ok(())
        });
        by_price &= read.is_ok();
    }
    by_price
}

/// Each is compared with every provider of every model: nobody needs more, and each one costs time.
const NAMES_MAX: usize = 256;
const NAMES_BYTES_MAX: usize = 64 << 10;

fn names<'a>(raw: &'a str, field: &'static str) -> Result<Vec<Cow<'a, str>>, BodyError> {
    let must = wrong(field, "a list of at most 256 strings");
    if raw.len() > NAMES_BYTES_MAX {
        return Err(must);
    }
    let list: Vec<Text<'a>> = serde_json::from_str(raw).map_err(|_| must.clone())?;
    if list.len() > NAMES_MAX {
        return Err(must);
    }
    Ok(list.into_iter().map(|Text(name)| name).collect())
}
