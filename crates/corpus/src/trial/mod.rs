//! [`Trial`]: whether a bill is ever above its bound.
//!
//! A request is tried by its bytes, against a judge that counts a token for each; and where every model that it may be
//! billed at has a public tokenizer, once more with its prompt counted, against a judge that counts with that tokenizer.

mod miscount;
mod mutant;
mod shrink;
mod tally;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use fastrand::Rng;
use money::{Nano, Rate};
use openrouter::catalogue::{read_endpoints, read_models};
use openrouter::chat::{self, Permission};
use pricing::{
    Allowances, Book, BookSource, BoundPolicy, Class, Counted, Distrust, Encoding, Grounds, Reason,
    RouterCeiling, Shape, bound,
};
use sandbox::{Counting, Judge};

use crate::catalogue::Catalogue;
use crate::requests::Requests;

pub use miscount::Miscount;
pub use mutant::Mutant;
pub use tally::Tally;

/// How long a call may run (`pricing::Grounds`), and how far clocks may differ.
const SPAN_MS: u64 = 4 * 60 * 60 * 1_000;
const SLACK_MS: u64 = 10 * 60 * 1_000;
/// 2026-11-23, a Monday.
const START_MS: u64 = 1_795_392_000_000;
const WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// A book and a judge over the same catalogue, and requests to try on both.
pub struct Trial {
    book: Book,
    judge: Judge,
    requests: Requests,
    plain: BoundPolicy,
    /// Allows everything, at a figure.
    generous: BoundPolicy,
    distrust: Distrust,
}

/// How a prompt is bounded, and judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// By its bytes, and a token for each.
    Bytes,
    /// By a count, and with the model's own tokenizer.
    Counted,
}

/// One thing wrong with the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// With what it sees or writes.
    Bound(Mutant),
    /// With how it counts.
    Count(Miscount),
}

/// What became of a request.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It is not counted: a model's tokenizer is not public, or its bound does not rest on a count.
    Uncounted,
    /// It is no request.
    NoRequest(String),
    /// It has no bound, for the reason of this code.
    Refused(&'static str),
    /// OpenRouter refuses what was sent, with this status, and bills nothing.
    Declined(u16),
    /// It was billed within its bound.
    Within {
        /// How far the bound can be trusted.
        class: Class,
        /// The bound, billionths of a dollar.
        bound: u128,
        /// The bill, billionths of a dollar, rounded up.
        bill: u128,
    },
    /// It was billed above its bound.
    Above {
        /// How far the bound can be trusted.
        class: Class,
        /// Both sums line by line.
        report: String,
    },
}

impl Trial {
    /// Over a catalogue drawn from the seed.
    pub fn new(seed: u64) -> Trial {
        let catalogue = crate::catalogue::catalogue(seed);
        let usd = [("*".to_owned(), Nano::from_nanos(1_500_000_000))].into_iter().collect();
        let router = RouterCeiling {
            prompt: Rate::from_femtos(3_000_000_000),
            completion: Rate::from_femtos(15_000_000_000),
        };
        Trial {
            book: book(&catalogue),
            judge: Judge::new(&catalogue.models, &catalogue.endpoints_text()).expect("a catalogue is JSON"),
            requests: Requests::new(seed, &catalogue),
            plain: BoundPolicy::default(),
            generous: BoundPolicy {
                allowances: Allowances { usd, router: Some(router) },
                ..BoundPolicy::default()
            },
            distrust: tally::distrust(&catalogue.ids),
        }
    }

    /// The body of this number.
    pub fn body(&self, number: u64) -> Vec<u8> {
        self.requests.nth(number)
    }

    /// Tries the request of this number, with the product as it is or with one thing wrong.
    pub fn run(&self, number: u64, basis: Basis, wrong: Option<Wrong>) -> Verdict {
        self.judge_body(&self.body(number), number, basis, wrong)
    }

    /// Tries a body under the circumstances of this number: time, policy, clamp.
    pub fn judge_body(&self, body: &[u8], number: u64, basis: Basis, wrong: Option<Wrong>) -> Verdict {
        let mut rng = Rng::with_seed(number ^ 0x6369_7263);
        let now_ms = START_MS + rng.u64(..WEEK_MS);
        let policy = if rng.u8(..4) == 0 { &self.generous } else { &self.plain };
        let grounds = Grounds {
            now_ms: (rng.u8(..5) > 0).then_some(now_ms as i64),
            distrust: (rng.u8(..20) == 0).then_some(&self.distrust),
            ..Grounds::new(&self.book, policy)
        };
        let mut request = match chat::read(body) {
            Ok(request) => request,
            Err(error) => return Verdict::NoRequest(tally::kind(&error).to_owned()),
        };
        if basis == Basis::Counted {
            match self.counted(body, &request.shape, wrong) {
                Some(counted) => request.shape.counted = counted,
                None => return Verdict::Uncounted,
            }
        }
        let sent_shape = request.shape.clone();
        if let Some(Wrong::Bound(mutant)) = wrong {
            mutant.blind(&mut request.shape);
        }
        let bound = match bound(&request.shape, &grounds) {
            Ok(bound) => bound,
            Err(unpriced) => return Verdict::Refused(unpriced.code()),
        };
        if basis == Basis::Counted && !bound.reasons.contains(Reason::Counted) {
            return Verdict::Uncounted;
        }
        request.shape = sent_shape;
        let clamped = if rng.bool() { bound.output_cap } else { rng.u64(1..=bound.output_cap) };
        let mut permission = Permission {
            output_cap: clamped,
            max_price: bound.max_price,
            ignore: bound.ignore.clone(),
            only: bound.only.clone(),
            pins: bound.pins.clone(),
            models: None,
        };
        if let Some(Wrong::Bound(mutant)) = wrong {
            mutant.loosen(&mut permission);
        }
        let sent = request.splice(body, &permission);
        let from = now_ms.saturating_sub(SLACK_MS);
        let counting = match basis {
            Basis::Bytes => Counting::Bytes,
            Basis::Counted => Counting::Tokenizer,
        };
        let verdict = match self.judge.worst(&sent, counting, from, SPAN_MS + SLACK_MS) {
            Ok(verdict) => verdict,
            Err(refused) => return Verdict::Declined(refused.status),
        };
        let most = u128::try_from(bound.usd_at(clamped).nanos()).unwrap_or_default();
        let bill = verdict.nanos_up();
        if bill <= most {
            return Verdict::Within { class: bound.class, bound: most, bill };
        }
        let report = report(&bound, clamped, &verdict, &sent);
        Verdict::Above { class: bound.class, report }
    }

    /// What the product counts, where it would: as in `gateway::counting`.
    fn counted(&self, body: &[u8], shape: &Shape<'_>, wrong: Option<Wrong>) -> Option<Counted> {
        let of = |name: &str| Encoding::of_model(&self.book.model(name)?.id);
        let mut encodings = shape.models.iter().map(|name| of(name)).collect::<Option<Vec<Encoding>>>()?;
        encodings.sort_unstable();
        encodings.dedup();
        match wrong {
            _ if encodings.is_empty() => None,
            Some(Wrong::Count(miscount)) => miscount.counted(body, shape, &encodings, &self.book),
            _ => tokens::counted(body, &encodings),
        }
    }

    /// Tries all of these, on every core; stops at the first bill above a proven or published bound.
    pub fn all(&self, numbers: std::ops::Range<u64>, wrong: Option<Wrong>) -> Tally {
        let next = AtomicU64::new(numbers.start);
        let total = Mutex::new(Tally::default());
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let mut own = Tally::default();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= numbers.end {
                            break;
                        }
                        self.one(number, wrong, &mut own);
                        if own.is_over(wrong.is_some()) {
                            next.store(numbers.end, Ordering::Relaxed);
                        }
                    }
                    total.lock().expect("no thread panicked").add(own);
                });
            }
        });
        total.into_inner().expect("no thread panicked")
    }

    /// By its bytes and counted; with one thing wrong, as it shows.
    fn one(&self, number: u64, wrong: Option<Wrong>, tally: &mut Tally) {
        let body = self.body(number);
        let bases: &[Basis] = match wrong {
            None => &[Basis::Bytes, Basis::Counted],
            Some(Wrong::Bound(_)) => &[Basis::Bytes],
            Some(Wrong::Count(_)) => &[Basis::Counted],
        };
        for &basis in bases {
            tally.count(number, basis, self.judge_body(&body, number, basis, wrong));
        }
    }

    /// The smallest body found that is still billed above its bound under the circumstances of this number.
    pub fn shrink(&self, number: u64, basis: Basis) -> Vec<u8> {
        let fails = |body: &[u8]| {
            let verdict = self.judge_body(body, number, basis, None);
            matches!(verdict, Verdict::Above { class, .. } if class != Class::Unbounded)
        };
        shrink::smallest(self.body(number), fails)
    }
}

/// The product's book of a catalogue.
pub fn book(catalogue: &Catalogue) -> Book {
    let mut rows = read_models(&catalogue.models).map(|rows| rows.rows).unwrap_or_default();
    for row in &mut rows {
        let listed = catalogue.endpoints.get(&row.id).and_then(|answer| read_endpoints(answer));
        row.endpoints = listed.map(|listed| listed.rows);
    }
    Book::new(1, START_MS as i64, BookSource::Live, rows)
}

fn report(bound: &pricing::Bound, cap: u64, verdict: &sandbox::Verdict, sent: &[u8]) -> String {
    let explained = bound.explain(cap);
    let mut text = format!("bound {} ({}), cap {cap}\n", bound.usd_at(cap), bound.class.word());
    for term in &explained.terms {
        text.push_str(&format!(
            "  {:<40} {:>12} x {:<28} = {}\n",
            term.what, term.quantity, term.rate, term.amount
        ));
    }
    let sent = String::from_utf8_lossy(sent);
    let short: String = sent.chars().take(3_000).collect();
    format!("{text}bill  {verdict}sent  {short}\n")
}
