//! [`Tariff`]: what requests there are, and what each may cost, reckoned apart from the bound the ledger is given.

use admission::Clamp;
use fastrand::Rng;
use money::Rate;
use pricing::{Book, BookSource, Bound, BoundPolicy, Family, Grounds, Model, Prices, RowPrices, Shape};

use crate::setting::pick;

/// A model: its price a token of output, nano-dollars.
const PRICES: [i64; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Caps on output, tokens; the last is a huge hold.
const CAPS: [u64; 7] = [1, 16, 100, 700, 4_000, 30_000, 1_000_000];

/// A kind of request.
#[derive(Debug)]
pub(crate) struct Kind {
    /// As the ledger is told.
    pub(crate) bound: Bound,
    /// The model asked for.
    pub(crate) model: String,
    /// Nano-dollars a token.
    pub(crate) price: i64,
    /// Tokens.
    pub(crate) cap: u64,
}

impl Kind {
    /// The most it may cost with a cap, nano-dollars: the permission is a femto-dollar a token above the price, and a
    /// nano-dollar that is begun counts.
    pub(crate) fn cost_at(&self, cap: u64) -> i64 {
        let tokens = i64::try_from(cap).unwrap_or(i64::MAX);
        self.price.saturating_mul(tokens).saturating_add((tokens + 999_999) / 1_000_000)
    }

    /// The least it is worth sending with, nano-dollars.
    pub(crate) fn floor(&self, clamp: Clamp) -> i64 {
        match clamp {
            Clamp::Never => self.cost_at(self.cap),
            Clamp::DownTo(tokens) => self.cost_at(tokens.min(self.cap)),
        }
    }
}

/// All kinds.
#[derive(Debug)]
pub(crate) struct Tariff(Vec<Kind>);

impl Tariff {
    /// Made once; the price book is not what is simulated here.
    pub(crate) fn new() -> Self {
        let mut kinds = Vec::new();
        for (number, price) in PRICES.into_iter().enumerate() {
            let caps = CAPS.into_iter().filter(|cap| *cap as i64 * price <= 1_000_000_000_000);
            kinds.extend(caps.map(|cap| kind(format!("test/m{number}"), price, cap)));
        }
        Tariff(kinds)
    }

    /// One of them; seldom a huge one.
    pub(crate) fn any(&self, rng: &mut Rng) -> (usize, &Kind) {
        loop {
            let number = rng.usize(0..self.0.len());
            let kind = &self.0[number];
            if kind.cost_at(kind.cap) <= 3_000_000_000 || rng.u32(0..20) == 0 {
                return (number, kind);
            }
        }
    }

    /// By its number.
    pub(crate) fn kind(&self, number: usize) -> &Kind {
        &self.0[number]
    }
}

impl Default for Tariff {
    fn default() -> Self {
        Self::new()
    }
}

/// How far a cap may be lowered.
pub(crate) fn clamp(percent: u32, rng: &mut Rng) -> Clamp {
    if rng.u32(0..100) < percent { Clamp::DownTo(*pick(rng, &[1, 16, 200])) } else { Clamp::Never }
}

fn kind(model: String, price: i64, cap: u64) -> Kind {
    let dollars = format!("{}.{:09}", price / 1_000_000_000, price % 1_000_000_000);
    let completion = Rate::parse_ceil(&dollars).expect("a price");
    let row = Model {
        id: model.clone(),
        canonical_slug: format!("{model}-1"),
        alias_target: None,
        context_length: Some(10_000_000),
        max_completion_tokens: None,
        family: Family::Gpt,
        prices: RowPrices::Priced(Prices::new(Rate::ZERO, completion)),
        endpoints: None,
        outputs: pricing::Modalities::TEXT,
        supports_output_cap: true,
        ..Model::default()
    };
    let book = Book::new(1, 0, BookSource::Snapshot, vec![row]);
    let models = [model.as_str().into()].into_iter().collect();
    let shape = Shape { models, body: b"{}", output_cap: Some(cap), choices: 1, ..Shape::default() };
    let bound =
        pricing::bound(&shape, &Grounds::new(&book, &BoundPolicy::default())).expect("a price for all of it");
    Kind { model: bound.model.clone(), bound, price, cap }
}
