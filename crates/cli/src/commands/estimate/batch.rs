//! Many requests in one file: a request a line, or a JSON list of them; a request may be wrapped as in OpenAI's batches
//! (`{"custom_id":…,"body":{…}}`). They are read one after the other, and no more of one is kept than its place.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::failure::Failure;

/// All of them.
pub(super) struct Batch {
    /// The file's name.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) form: Form,
}

/// How they are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Lines,
    List,
}

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry<'t> {
    /// Its line, or its place in the list, from 1.
    pub(super) at: usize,
    /// `custom_id`.
    pub(super) id: Option<String>,
    /// The request; or why there is none.
    pub(super) body: Result<&'t str, String>,
}

impl Form {
    /// Of a text; `None` for a single request, and for what is none.
    pub(super) fn of(text: &str) -> Option<Form> {
        let text = text.trim_start();
        if text.starts_with('[') {
            return Some(Form::List);
        }
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        let Ok(first) = values.next()?.map(RawValue::get) else {
            // The first may be broken where the second is not.
            let second = text.lines().filter(|line| !line.trim().is_empty()).nth(1)?;
            let is_request = second.starts_with('{') && serde_json::from_str::<&RawValue>(second).is_ok();
            return is_request.then_some(Form::Lines);
        };
        let rest = text.get(values.byte_offset()..)?.trim_start();
        let many = first.starts_with('{') && !first.contains('\n') && rest.starts_with('{');
        (many || is_wrapped(first)).then_some(Form::Lines)
    }
}

impl Batch {
    /// What one is called: `line 3`.
    pub(super) fn place(&self, at: usize) -> String {
        match self.form {
            Form::Lines => format!("line {at}"),
            Form::List => format!("request {at}"),
        }
    }

    /// Each of them, in order.
    ///
    /// # Errors
    /// When the list is no JSON, or as `work` says.
    pub(super) fn each(&self, mut work: impl FnMut(Entry<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
        match self.form {
            Form::Lines => {
                let lines = self.text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
                for (at, line) in lines {
                    work(entry(at + 1, line))?;
                }
                Ok(())
            }
            Form::List => {
                let mut stopped = None;
                let mut one = |at: usize, raw: &str| match work(entry(at, raw)) {
                    Ok(()) => true,
                    Err(failure) => {
                        stopped = Some(failure);
                        false
                    }
                };
                let read = elements(&self.text, &mut one);
                match (stopped, read) {
                    (Some(failure), _) => Err(failure),
                    (None, Err(error)) => {
                        Err(Failure::usage(format!("{}: the list is not valid JSON ({error})", self.name)))
                    }
                    (None, Ok(())) => Ok(()),
                }
            }
        }
    }
}

fn entry(at: usize, raw: &str) -> Entry<'_> {
    let Ok(members) = members(raw) else {
        // Whoever reads it as a request says what is wrong with it.
        return Entry { at, id: None, body: Ok(raw) };
    };
    let id = members.get("custom_id").and_then(|id| serde_json::from_str(id.get()).ok());
    let body = match members.get("body") {
        _ if members.contains_key("messages") => Ok(raw),
        Some(body) => chat_of(&members, body.get()),
        None if members.contains_key("role") => {
            Err("it is a message, and no request: a list of messages goes under \"messages\"".to_owned())
        }
        None => Ok(raw),
    };
    Entry { at, id, body }
}

/// The request in a wrapping, which must be for chats.
fn chat_of<'t>(members: &Members<'t>, body: &'t str) -> Result<&'t str, String> {
    let url: Option<String> = members.get("url").and_then(|url| serde_json::from_str(url.get()).ok());
    match url {
        Some(url) if !url.ends_with("/chat/completions") => {
            Err(format!("it is for {}, and only chats can be estimated", url.escape_debug()))
        }
        _ => Ok(body),
    }
}

type Members<'t> = BTreeMap<Cow<'t, str>, &'t RawValue>;

fn members(raw: &str) -> Result<Members<'_>, serde_json::Error> {
    serde_json::from_str(raw)
}

fn is_wrapped(raw: &str) -> bool {
    members(raw).is_ok_and(|members| {
        !members.contains_key("messages")
            && members.get("body").is_some_and(|body| body.get().starts_with('{'))
    })
}

/// Each element of a JSON list as it stands in the text, until `work` has had enough.
fn elements(text: &str, work: &mut dyn FnMut(usize, &str) -> bool) -> Result<(), serde_json::Error> {
    struct Elements<'w>(&'w mut dyn FnMut(usize, &str) -> bool);
    impl<'de> Visitor<'de> for Elements<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
            let mut at = 0;
            while let Some(raw) = list.next_element::<&RawValue>()? {
                at += 1;
                if !(self.0)(at, raw.get()) {
                    return Err(de::Error::custom("stopped"));
                }
            }
            Ok(())
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_seq(Elements(work))?;
    deserializer.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(usize, Option<String>, Result<String, String>)> {
        let batch = Batch { name: "b".to_owned(), text: text.to_owned(), form: Form::of(text).unwrap() };
        let mut all = Vec::new();
        let each = batch.each(|entry| {
            all.push((entry.at, entry.id, entry.body.map(str::to_owned)));
            Ok(())
        });
        each.unwrap();
        all
    }

    #[test]
    fn what_is_a_batch() {
        let one = r#"{"model":"a/b","messages":[]}"#;
        for (text, form) in [
            (one.to_owned(), None),
            (format!("\n {one} \n"), None),
            ("{\n\"model\":\"a/b\"\n}\n".to_owned(), None),
            ("hello".to_owned(), None),
            (String::new(), None),
            ("{\"model\":".to_owned(), None),
            (format!("{one} nonsense"), None),
            (format!("{one}\n{one}\n"), Some(Form::Lines)),
            (format!("{one}\n{{broken\n"), Some(Form::Lines)),
            (format!("[{one}]"), Some(Form::List)),
            (format!(r#"{{"custom_id":"x","body":{one}}}"#), Some(Form::Lines)),
        ] {
            assert_eq!(Form::of(&text), form, "{text}");
        }
    }

    #[test]
    fn each_in_its_place() {
        let lines = "{\"a\":1}\n\n{\"custom_id\":\"x\",\"url\":\"/v1/chat/completions\",\"body\":{\"b\":2}}\n{broken\n";
        let own = |text: &str| Ok(text.to_owned());
        assert_eq!(
            read(lines),
            [
                (1, None, own("{\"a\":1}")),
                (3, Some("x".to_owned()), own("{\"b\":2}")),
                (4, None, own("{broken"))
            ]
        );
        let list = r#" [ {"a": 1} , {"role":"user","content":"hi"}, {"url":"/v1/embeddings","body":{}} ] "#;
        let [first, second, third] = read(list).try_into().unwrap();
        assert_eq!(first, (1, None, own("{\"a\": 1}")));
        assert!(second.2.is_err_and(|why| why.contains("under \"messages\"")));
        assert!(third.2.is_err_and(|why| why.contains("/v1/embeddings")));
    }

    #[test]
    fn a_list_that_breaks_off_and_work_that_stops() {
        let batch = |text: &str| Batch { name: "b".to_owned(), text: text.to_owned(), form: Form::List };
        for text in ["[{}", "[{} {}]", "[{}] x", "[,]"] {
            assert!(batch(text).each(|_| Ok(())).is_err(), "{text}");
        }
        let mut seen = 0;
        let stopped = batch("[{},{},{}]").each(|_| {
            seen += 1;
            Err(Failure::failed("enough"))
        });
        assert!(stopped.is_err() && seen == 1);
    }
}
