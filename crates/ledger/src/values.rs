//! [`Values`]: a few texts in one piece of memory, each after its length.

use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

/// The values of some labels, in an order that both sides know. One allocation, or none when there are no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Values(Box<[u8]>);

impl Values {
    pub(crate) fn new<'v>(values: impl Iterator<Item = &'v str>) -> Self {
        let mut bytes = Vec::new();
        for value in values {
            bytes.extend_from_slice(&length(value));
            bytes.extend_from_slice(value.as_bytes());
        }
        Values(bytes.into_boxed_slice())
    }

    /// Whether these are the same values. Allocates nothing.
    pub(crate) fn are<'v>(&self, values: impl Iterator<Item = &'v str>) -> bool {
        let mut rest: &[u8] = &self.0;
        for value in values {
            let after =
                rest.strip_prefix(&length(value)).and_then(|rest| rest.strip_prefix(value.as_bytes()));
            let Some(after) = after else { return false };
            rest = after;
        }
        rest.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<LENGTH_BYTES>()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (value, after) = after.split_at_checked(length)?;
            rest = after;
            std::str::from_utf8(value).ok()
        })
    }
}

const LENGTH_BYTES: usize = 4;

/// Labels come from headers and bodies of at most some megabytes; what is longer than four gigabytes cannot be here.
fn length(value: &str) -> [u8; LENGTH_BYTES] {
    u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes()
}

/// A number for some values and another number; equal for equals.
pub(crate) fn fingerprint<'v>(number: u64, values: impl Iterator<Item = &'v str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    number.hash(&mut hasher);
    values.for_each(|value| value.hash(&mut hasher));
    hasher.finish()
}

/// Hashes what is a fingerprint already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Printed(u64);

/// For maps whose keys are fingerprints.
pub(crate) type ByPrint = BuildHasherDefault<Printed>;

impl Hasher for Printed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        self.0 = hasher.finish();
    }

    fn write_u64(&mut self, print: u64) {
        self.0 = print;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_borders() {
        let some: [&[&str]; 5] = [&[], &[""], &["ab", "c"], &["a", "bc"], &["abc"]];
        for (at, values) in some.iter().enumerate() {
            let kept = Values::new(values.iter().copied());
            assert!(kept.iter().eq(values.iter().copied()));
            for (other, others) in some.iter().enumerate() {
                assert_eq!(kept.are(others.iter().copied()), at == other, "{values:?} and {others:?}");
                let prints = [values, others].map(|values| fingerprint(7, values.iter().copied()));
                assert_eq!(prints[0] == prints[1], at == other);
            }
        }
    }
}
