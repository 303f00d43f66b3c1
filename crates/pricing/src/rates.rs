//! [`Rates`]: prices by what they are for.

use std::fmt;
use std::ops::{Index, IndexMut};

use money::Rate;

use crate::price_key::PriceKey;

/// What is asked for each [`PriceKey`], USD per unit, each rounded up from its text; `None` where nothing is listed.
///
/// ```
/// use money::Rate;
/// use pricing::{PriceKey, Rates};
/// let rates = Rates::default().with(PriceKey::Prompt, Rate::from_femtos(150_000_000));
/// assert_eq!(rates[PriceKey::Prompt], Some(Rate::from_femtos(150_000_000)));
/// assert_eq!(rates[PriceKey::CacheRead], None);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates([Option<Rate>; PriceKey::ALL.len()]);

impl Rates {
    /// The same with this price.
    #[must_use]
    pub fn with(mut self, key: PriceKey, rate: Rate) -> Rates {
        self[key] = Some(rate);
        self
    }

    /// Those that are listed, the common ones first.
    pub fn iter(&self) -> impl Iterator<Item = (PriceKey, Rate)> {
        PriceKey::ALL.into_iter().filter_map(|key| Some((key, self[key]?)))
    }
}

/// Those that are listed, by their keys.
impl fmt::Debug for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Index<PriceKey> for Rates {
    type Output = Option<Rate>;

    fn index(&self, key: PriceKey) -> &Option<Rate> {
        &self.0[key as usize]
    }
}

impl IndexMut<PriceKey> for Rates {
    fn index_mut(&mut self, key: PriceKey) -> &mut Option<Rate> {
        &mut self.0[key as usize]
    }
}

/// A key is its place in the list of all.
const _: () = {
    let mut at = 0;
    while at < PriceKey::ALL.len() {
        assert!(PriceKey::ALL[at] as usize == at);
        at += 1;
    }
};
