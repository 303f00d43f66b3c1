//! [`Query`]: what stands after the question mark.

use crate::account::fields::expected;
use crate::error::Failure;

/// A query, undecoded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(String);

impl Query {
    pub(crate) fn of<B>(request: &http::Request<B>) -> Query {
        Query(request.uri().query().unwrap_or_default().to_owned())
    }

    /// The first value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let pairs = self.0.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).next()
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value == "true" || value == "1")
    }

    /// A whole number of at least 0.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        match self.get(name).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(expected(name, "a whole number of at least 0")),
            },
        }
    }

    /// `offset` and `limit`, which is 50 unless given and 100 at the most (CONTRACT 6.1).
    pub(crate) fn page(&self) -> Result<(usize, usize), Failure> {
        let offset = self.number("offset")?.unwrap_or(0);
        let limit = self.number("limit")?.unwrap_or(50);
        if !(1..=100).contains(&limit) {
            return Err(expected("limit", "a whole number from 1 to 100"));
        }
        Ok((usize::try_from(offset).unwrap_or(usize::MAX), limit as usize))
    }
}

/// Percent-decoded; what is no escape stays.
pub(crate) fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = (byte == b'%').then(|| after.get(..2)).flatten();
        let value = escape.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        out.push(value.unwrap_or(byte));
        rest = if value.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let query = Query("a=1&b=x%2Fy&c=&d=-1&include=true".to_owned());
        assert_eq!((query.get("b"), query.get("z")), (Some("x/y".to_owned()), None));
        assert_eq!(query.number("a").expect("a number"), Some(1));
        assert_eq!(query.number("c").expect("nothing"), None);
        assert!(query.number("d").is_err() && query.is_true("include"));
        assert_eq!(Query(String::new()).page().expect("a page"), (0, 50));
        for bad in ["limit=0", "limit=101", "offset=x"] {
            assert!(Query(bad.to_owned()).page().is_err(), "{bad}");
        }
    }
}
