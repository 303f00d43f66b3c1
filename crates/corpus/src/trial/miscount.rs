//! [`Miscount`]: one thing wrong with how the product counts, which the trial must find.

use pricing::{Book, Counted, Encoding, Shape, prompt_tokens};
use serde_json::Value;

/// One thing wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miscount {
    /// Tools and schemas are not counted.
    NoSchemas,
    /// Nor calls of tools.
    NoCalls,
    /// Arguments of calls are counted as they are, not written anew.
    NoParsing,
    /// Contents in parts are not counted.
    NoParts,
    /// Nor files of text.
    NoTextFiles,
    /// Nor what was thought.
    NoThoughts,
    /// Nor names.
    NoNames,
    /// Answers of tools are counted as they are, not as JSON.
    NoQuotes,
    /// Nor what the template adds.
    NoTemplate,
    /// All is counted with the vocabulary of GPT-4o.
    OneVocabulary,
    /// What Unicode's composed form writes as several characters is counted as one.
    Uncomposed,
}

impl Miscount {
    /// Each of them.
    pub const ALL: [Miscount; 11] = [
        Miscount::NoSchemas,
        Miscount::NoCalls,
        Miscount::NoParsing,
        Miscount::NoParts,
        Miscount::NoTextFiles,
        Miscount::NoThoughts,
        Miscount::NoNames,
        Miscount::NoQuotes,
        Miscount::NoTemplate,
        Miscount::OneVocabulary,
        Miscount::Uncomposed,
    ];

    /// What is counted.
    pub(super) fn counted(
        self,
        body: &[u8],
        shape: &Shape<'_>,
        encodings: &[Encoding],
        book: &Book,
    ) -> Option<Counted> {
        match self {
            Miscount::OneVocabulary => {
                let tokens = tokens::counted(body, &[Encoding::O200k])?.get(Encoding::O200k)?;
                Some(each(encodings, |_| tokens))
            }
            Miscount::NoTemplate => {
                let counted = tokens::counted(body, encodings)?;
                let template = template(shape, encodings, book);
                Some(each(encodings, |encoding| counted.get(encoding).unwrap_or(0).saturating_sub(template)))
            }
            _ => tokens::counted(&self.seen(body)?, encodings),
        }
    }

    /// The body as far as it is seen.
    fn seen(self, body: &[u8]) -> Option<Vec<u8>> {
        if self == Miscount::Uncomposed {
            return Some(uncomposed(std::str::from_utf8(body).ok()?).into_bytes());
        }
        let mut value: Value = serde_json::from_slice(body).ok()?;
        if self == Miscount::NoSchemas {
            let root = value.as_object_mut()?;
            root.retain(|key, _| !matches!(&**key, "tools" | "response_format"));
        }
        for message in value["messages"].as_array_mut().into_iter().flatten() {
            self.blind(message);
        }
        Some(value.to_string().into_bytes())
    }

    fn blind(self, message: &mut Value) {
        let hidden: &[&str] = match self {
            Miscount::NoCalls => &["tool_calls"],
            Miscount::NoThoughts => &["reasoning", "reasoning_details"],
            Miscount::NoNames => &["name", "tool_call_id"],
            _ => &[],
        };
        if let Some(members) = message.as_object_mut() {
            members.retain(|key, _| !hidden.contains(&&**key));
            if self == Miscount::NoQuotes {
                members.insert("role".to_owned(), "user".into());
            }
        }
        if self == Miscount::NoParsing {
            for call in message["tool_calls"].as_array_mut().into_iter().flatten() {
                // A string is written anew as it is.
                let arguments = &mut call["function"]["arguments"];
                *arguments = arguments.to_string().into();
            }
        }
        if let Some(parts) = message["content"].as_array_mut() {
            match self {
                Miscount::NoParts => parts.clear(),
                Miscount::NoTextFiles => parts.retain(|part| part["type"] != "file"),
                _ => {}
            }
        }
    }
}

fn each(encodings: &[Encoding], tokens: impl Fn(Encoding) -> u64) -> Counted {
    encodings.iter().fold(Counted::default(), |counted, &encoding| counted.with(encoding, tokens(encoding)))
}

/// What the product takes for a prompt without any text.
fn template(shape: &Shape<'_>, encodings: &[Encoding], book: &Book) -> u64 {
    let mut shape = shape.clone();
    shape.counted = each(encodings, |_| 0);
    let models = shape.models.iter().filter_map(|name| book.model(name));
    models.map(|model| prompt_tokens(model, &shape)).max().unwrap_or(0)
}

fn uncomposed(text: &str) -> String {
    let one = |character| match character {
        '\u{958}'..='\u{95f}' => '\u{915}',
        '\u{1d15e}'..='\u{1d164}' => '\u{1d158}',
        other => other,
    };
    text.chars().map(one).collect()
}
