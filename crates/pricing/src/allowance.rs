//! [`Allowances`]: the operator's own figure for what nobody can bound.
//!
//! A cost without a bound is refused, unless its key stands here: then the bound grows by the figure, and its class
//! is *unbounded*, for it rests on somebody's word.

use std::collections::BTreeMap;

use money::{Nano, Rate};

/// What the operator allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowances {
    /// USD a call, by [`crate::Unpriced::key`] (`plugin:fusion`, `server_tool:openrouter:bash`); a key that ends in
    /// `*` stands for all that begin so, the longest counts.
    pub usd: BTreeMap<String, Nano>,
    /// The ceiling for routers and presets, whose price is decided at run time: USD per token, sent as
    /// `provider.max_price`.
    pub router: Option<RouterCeiling>,
}

/// The dearest base prices a router may pick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouterCeiling {
    /// USD per input token.
    pub prompt: Rate,
    /// USD per output token.
    pub completion: Rate,
}

impl Allowances {
    /// What is allowed for a cost, USD.
    pub fn of(&self, key: &str) -> Option<Nano> {
        if let Some(&usd) = self.usd.get(key) {
            return Some(usd);
        }
        let stems = self.usd.iter().filter_map(|(pattern, &usd)| Some((pattern.strip_suffix('*')?, usd)));
        let found = stems.filter(|(stem, _)| key.starts_with(stem)).max_by_key(|(stem, _)| stem.len());
        found.map(|(_, usd)| usd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_pattern_counts() {
        let usd = [("plugin:*", 1), ("plugin:fu*", 2), ("plugin:fusion", 3)];
        let allowances = Allowances {
            usd: usd.into_iter().map(|(key, n)| (key.to_owned(), Nano::from_nanos(n))).collect(),
            router: None,
        };
        for (key, expect) in
            [("plugin:fusion", Some(3)), ("plugin:full", Some(2)), ("plugin:x", Some(1)), ("preset:x", None)]
        {
            assert_eq!(allowances.of(key).map(Nano::nanos), expect, "{key}");
        }
    }
}
