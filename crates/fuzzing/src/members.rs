//! The members of a JSON object, in order and as they are written: another reader than the one under test.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Names and values, as they stand in the text.
#[derive(Debug, Default)]
pub struct Members<'a>(Vec<(String, &'a str)>);

impl<'a> Members<'a> {
    /// Of a text that is one object; `None`: it is none, or a name in it is no text.
    pub fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Each name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// The last value with this name.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rfind(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// Whether a name is given twice.
    pub fn has_twins(&self) -> bool {
        let mut seen = HashSet::new();
        self.0.iter().any(|(name, _)| !seen.insert(name))
    }

    /// Those that `after` has besides, in order. Panics where one of these is missing, has moved or, unless
    /// `may_change`, is written differently.
    pub fn kept_in<'b>(&self, after: &'b Members<'_>, may_change: &[&str]) -> Vec<(&'b str, &'b str)> {
        let mut rest = after.iter();
        for (name, value) in self.iter() {
            let (found, written) = rest.next().unwrap_or_else(|| panic!("'{name}' was lost"));
            assert_eq!(found, name, "a member is out of place");
            assert!(value == written || may_change.contains(&name), "'{name}': {value} became {written}");
        }
        rest.collect()
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while let Some(name) = map.next_key::<String>()? {
                    members.0.push((name, map.next_value::<&'de RawValue>()?.get()));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(List)
    }
}
