//! [`ChatRequest::splice`]: the permission, written into the caller's own bytes.

use money::Rate;
use pricing::MaxPrice;

use super::edits::{Edits, member};
use super::pins;
use super::provider::{Ceiling, Ignore, MaxPricePlace, Provider};
use super::{ChatRequest, Permission};

impl ChatRequest<'_> {
    /// The same bytes with only the permission spliced in: output cap, `provider.max_price`, `ignore` and `only`, the
    /// pins, and other models where the permission names some. What the caller set lower stays as it is. `body` is
    /// the body this was read from.
    pub fn splice(&self, body: &[u8], permission: &Permission) -> Vec<u8> {
        let mut edits = Edits::new();
        let mut added = String::new();
        if let Some((first, rest)) = permission.models.as_deref().and_then(<[String]>::split_first) {
            self.models(first, rest, &mut edits, &mut added);
        }
        self.cap(permission.output_cap, &mut edits, &mut added);
        self.provider(permission, &mut edits, &mut added);
        if !permission.pins.is_empty() {
            let (pins, steps) = (&permission.pins, self.shape.run.steps);
            self.places.pin(pins, steps, &mut edits, &mut added);
            self.places.plug(self, pins, &mut edits, &mut added);
        }
        edits.add(self.places.root, added);
        let spliced = edits.apply(body);
        debug_assert!(
            self.holds(&spliced, permission),
            "the spliced body reads as the permission it was given"
        );
        spliced
    }

    /// `model` becomes the first, `models` the rest. A list the caller gave is never left empty: nobody documents what
    /// that means.
    fn models(&self, first: &str, rest: &[String], edits: &mut Edits, added: &mut String) {
        let first = quoted(first);
        match &self.places.model {
            Some(span) => edits.put(span, first.clone()),
            None => member(added, format_args!("\"model\":{first}")),
        }
        let list = match rest {
            [] => first,
            rest => tags(rest.iter()),
        };
        match &self.places.models {
            Some(span) => edits.put(span, format!("[{list}]")),
            None if rest.is_empty() => {}
            None => member(added, format_args!("\"models\":[{list}]")),
        }
    }

    fn cap(&self, most: u64, edits: &mut Edits, added: &mut String) {
        let caps = [&self.places.max_tokens, &self.places.max_completion_tokens];
        let given = caps.iter().any(|cap| cap.as_ref().is_some_and(|cap| cap.value.is_some()));
        if given {
            for cap in caps.into_iter().flatten() {
                if cap.value.is_some_and(|value| value > most) {
                    edits.put(&cap.span, most.to_string());
                }
            }
        } else if let Some(null) = caps.into_iter().flatten().next() {
            edits.put(&null.span, most.to_string());
        } else {
            member(added, format_args!("\"max_tokens\":{most}"));
        }
    }

    fn provider(&self, permission: &Permission, edits: &mut Edits, added: &mut String) {
        let whole = || {
            let mut inside = String::new();
            member(&mut inside, format_args!("\"max_price\":{{{}}}", prices(&permission.max_price)));
            if !permission.ignore.is_empty() {
                member(&mut inside, format_args!("\"ignore\":[{}]", tags(permission.ignore.iter())));
            }
            only(&permission.only, &mut inside);
            inside
        };
        match &self.places.provider {
            None => member(added, format_args!("\"provider\":{{{}}}", whole())),
            Some(Provider { span, object: None, .. }) => {
                edits.put(span, format!("{{{}}}", whole()));
            }
            Some(Provider { object: Some(object), max_price: place, ignore: list, only: named, .. }) => {
                let mut inside = String::new();
                max_price(place.as_ref(), &permission.max_price, edits, &mut inside);
                ignore(list.as_ref(), &permission.ignore, edits, &mut inside);
                match named {
                    Some(place) if !permission.only.is_empty() => {
                        edits.put(place, format!("[{}]", tags(permission.only.iter())));
                    }
                    _ => only(&permission.only, &mut inside),
                }
                edits.add(*object, inside);
            }
        }
    }

    /// Whether a spliced body says what it should; `true` when nothing can be said.
    fn holds(&self, spliced: &[u8], permission: &Permission) -> bool {
        let Ok(read) = super::read(spliced) else { return false };
        let slack = |most: Rate| most.saturating_add(Rate::from_femtos(1));
        let within = |rate: Option<Rate>, most: Rate| rate.is_some_and(|rate| rate <= slack(most));
        let caller = read.shape.caller_max_price.unwrap_or_default();
        read.shape.output_cap.is_some_and(|cap| cap <= permission.output_cap)
            && within(caller.prompt, permission.max_price.prompt)
            && within(caller.completion, permission.max_price.completion)
            && permission.max_price.request.is_none_or(|most| within(caller.request, most))
            && permission.max_price.image.is_none_or(|most| within(caller.image, most))
            && permission.max_price.audio.is_none_or(|most| within(caller.audio, most))
            && (permission.only.is_empty() || read.shape.only.as_slice() == permission.only)
            && pins::hold(self, &read, &permission.pins)
            && match permission.models.as_deref() {
                None | Some([]) => read.shape.models == self.shape.models,
                Some(models) => read.shape.models.as_slice() == models,
            }
    }
}

fn max_price(place: Option<&MaxPricePlace>, most: &MaxPrice, edits: &mut Edits, added: &mut String) {
    match place {
        None => member(added, format_args!("\"max_price\":{{{}}}", prices(most))),
        Some(MaxPricePlace { span, object: None, .. }) => {
            edits.put(span, format!("{{{}}}", prices(most)));
        }
        Some(MaxPricePlace { object: Some(object), prompt, completion, request, image, audio, .. }) => {
            let mut inside = String::new();
            ceiling("prompt", prompt, most.prompt, most.prompt.per_million().to_string(), edits, &mut inside);
            let text = most.completion.per_million().to_string();
            ceiling("completion", completion, most.completion, text, edits, &mut inside);
            let others = [
                ("request", request, most.request),
                ("image", image, most.image),
                ("audio", audio, most.audio),
            ];
            for (key, given, most) in others {
                if let Some(most) = most {
                    ceiling(key, given, most, most.per_unit().to_string(), edits, &mut inside);
                }
            }
            edits.add(*object, inside);
        }
    }
}

fn ceiling(
    key: &str,
    given: &Option<Ceiling>,
    most: Rate,
    text: String,
    edits: &mut Edits,
    added: &mut String,
) {
    match given {
        None => member(added, format_args!("\"{key}\":{text}")),
        Some(Ceiling { rate: Some(rate), .. }) if *rate <= most => {}
        Some(Ceiling { span, .. }) => edits.put(span, text),
    }
}

fn ignore(given: Option<&Ignore>, tags_wanted: &[String], edits: &mut Edits, added: &mut String) {
    if tags_wanted.is_empty() {
        return;
    }
    match given {
        None => member(added, format_args!("\"ignore\":[{}]", tags(tags_wanted.iter()))),
        Some(Ignore { span, names: None }) => {
            edits.put(span, format!("[{}]", tags(tags_wanted.iter())));
        }
        Some(Ignore { span, names: Some(names) }) => {
            let missing = tags(tags_wanted.iter().filter(|tag| !names.contains(tag)));
            if !missing.is_empty() {
                let comma = if names.is_empty() { "" } else { "," };
                let at = span.end - 1;
                edits.put(&(at..at), format!("{comma}{missing}"));
            }
        }
    }
}

fn only(names: &[String], added: &mut String) {
    if !names.is_empty() {
        member(added, format_args!("\"only\":[{}]", tags(names.iter())));
    }
}

/// The members of a `max_price` object: prompt and completion in USD per million tokens, the others per unit.
fn prices(most: &MaxPrice) -> String {
    let mut text =
        format!("\"prompt\":{},\"completion\":{}", most.prompt.per_million(), most.completion.per_million());
    for (key, most) in [("request", most.request), ("image", most.image), ("audio", most.audio)] {
        if let Some(most) = most {
            member(&mut text, format_args!("\"{key}\":{}", most.per_unit()));
        }
    }
    text
}

fn tags<'t>(tags: impl Iterator<Item = &'t String>) -> String {
    tags.map(|tag| quoted(tag)).collect::<Vec<_>>().join(",")
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
