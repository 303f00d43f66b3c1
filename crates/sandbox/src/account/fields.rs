//! [`Fields`]: the body of an administrative request. Absent, null and given are three things here; amounts are read
//! from their text.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::account::window::Interval;
use crate::error::Failure;
use crate::exact::Exact;

/// The fields of a JSON object.
#[derive(Debug)]
pub(crate) struct Fields(BTreeMap<String, Box<RawValue>>);

/// A field that was given, if only as null.
pub(crate) type Given<T> = Option<Option<T>>;

impl Fields {
    /// Reads a body.
    pub(crate) fn read(body: &[u8]) -> Result<Fields, Failure> {
        let fields = serde_json::from_slice(body);
        fields.map(Fields).map_err(|_| Failure::invalid("Request body is not a JSON object".to_owned()))
    }

    /// Whether any of these was given.
    pub(crate) fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.0.contains_key(*name))
    }

    /// Text.
    pub(crate) fn text(&self, name: &str) -> Result<Given<String>, Failure> {
        self.read_as(name, "a string")
    }

    /// Text that must not be empty when it is given, nor null.
    pub(crate) fn name(&self, name: &str, longest: usize) -> Result<Option<String>, Failure> {
        match self.text(name)? {
            None => Ok(None),
            Some(Some(text)) if !text.trim().is_empty() && text.chars().count() <= longest => Ok(Some(text)),
            Some(_) => Err(expected(name, &format!("a string of 1 to {longest} characters"))),
        }
    }

    /// True or false; null is as good as absent.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        Ok(self.read_as(name, "a boolean")?.flatten())
    }

    /// USD, never negative.
    pub(crate) fn usd(&self, name: &str) -> Result<Given<Exact>, Failure> {
        self.given(name, |value| {
            Exact::parse(value.get()).ok_or_else(|| expected(name, "a number of at least 0"))
        })
    }

    /// A window.
    pub(crate) fn interval(&self, name: &str) -> Result<Given<Interval>, Failure> {
        let word: Given<String> = self.read_as(name, "a string")?;
        match word {
            Some(Some(word)) => match Interval::read(&word) {
                Some(interval) => Ok(Some(Some(interval))),
                None => Err(expected(name, "daily, weekly or monthly")),
            },
            Some(None) => Ok(Some(None)),
            None => Ok(None),
        }
    }

    /// A list of text; an empty one is an error.
    pub(crate) fn list(&self, name: &str) -> Result<Given<Vec<String>>, Failure> {
        let list: Given<Vec<String>> = self.read_as(name, "an array of strings")?;
        match &list {
            Some(Some(list)) if list.is_empty() || list.iter().any(String::is_empty) => {
                Err(expected(name, "an array of at least one string"))
            }
            _ => Ok(list),
        }
    }

    /// Anything of a shape that serde knows.
    pub(crate) fn read_as<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        what: &str,
    ) -> Result<Given<T>, Failure> {
        self.given(name, |value| serde_json::from_str(value.get()).map_err(|_| expected(name, what)))
    }

    fn given<T>(
        &self,
        name: &str,
        read: impl FnOnce(&RawValue) -> Result<T, Failure>,
    ) -> Result<Given<T>, Failure> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) if value.get() == "null" => Ok(Some(None)),
            Some(value) => read(value).map(|value| Some(Some(value))),
        }
    }
}

/// 400 about one field.
pub(crate) fn expected(name: &str, what: &str) -> Failure {
    Failure::invalid(format!("Invalid request parameters: {name} must be {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_null_and_given() {
        let fields = Fields::read(br#"{"a":null,"b":"x","c":1.50,"d":-1,"e":"weekly","f":[],"g":["x"]}"#)
            .expect("fields");
        assert_eq!(fields.text("z").expect("absent"), None);
        assert_eq!(fields.text("a").expect("null"), Some(None));
        assert_eq!(fields.text("b").expect("text"), Some(Some("x".to_owned())));
        assert_eq!(fields.usd("c").expect("usd"), Some(Exact::parse("1.5")));
        assert_eq!(fields.interval("e").expect("interval"), Some(Some(Interval::Weekly)));
        assert_eq!(fields.list("g").expect("list"), Some(Some(vec!["x".to_owned()])));
        for bad in ["b", "d", "e", "g"] {
            assert!(fields.usd(bad).is_err(), "{bad}");
        }
        assert!(fields.text("c").is_err() && fields.list("f").is_err() && fields.interval("b").is_err());
        assert!(fields.name("a", 9).is_err() && Fields::read(b"[]").is_err());
    }
}
