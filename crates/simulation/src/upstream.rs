//! [`Upstream`]: OpenRouter as it is behind what it tells: what each attempt costs, when that is charged, who hears of
//! it and when. Only the auditor sees all of it.

use std::collections::{BTreeMap, HashMap};

use fastrand::Rng;
use ledger::UnknownReason;
use money::{Exact, Nano};

use crate::setting::Mode;

/// The longest that an attempt is charged after its end, and the counter behind the charge, milliseconds.
const LATE_MS_MAX: i64 = 240_000;
const LAG_MS_MAX: i64 = 120_000;
/// From here on nothing about an attempt changes any more, milliseconds after its end; longer than both together.
pub(crate) const FINAL_MS: i64 = 600_000;

/// A cost: as OpenRouter writes it, exact, and rounded up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Verbatim.
    pub(crate) text: String,
    /// To the last digit.
    pub(crate) exact: Exact,
    /// Rounded up to nano-dollars.
    pub(crate) nanos: i64,
}

impl Cost {
    /// So many nano-dollars, and so many thousandths of one more.
    fn of(nanos: i64, thousandths: i64) -> Self {
        let (dollars, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
        let text = match thousandths {
            0 => format!("{dollars}.{rest:09}"),
            _ => format!("{dollars}.{rest:09}{thousandths:03}"),
        };
        let exact = Exact::parse_ceil(&text).expect("a decimal number");
        Cost { text, exact, nanos: nanos + i64::from(thousandths > 0) }
    }

    /// For the ledger.
    pub(crate) fn amount(&self) -> Nano {
        Nano::from_nanos(self.nanos)
    }
}

/// How an attempt ends, as the gateway sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The answer tells its cost.
    Told,
    /// It ends for another reason, and nothing is known.
    Unknown(UnknownReason, u16),
    /// Refused with OpenRouter's own error.
    Refused,
}

/// One attempt, and the truth about it.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The hold it was sent under.
    pub(crate) hold: u64,
    /// Which upstream key it was sent with.
    pub(crate) key: usize,
    /// What it was permitted to cost, nano-dollars.
    pub(crate) permitted: i64,
    /// Its generation id.
    pub(crate) generation: String,
    /// Whether the response headers bring that.
    pub(crate) has_id: bool,
    /// How it ends.
    pub(crate) ending: Ending,
    /// What is charged at first,
    pub(crate) first: Cost,
    /// and in the end.
    pub(crate) last: Cost,
    /// When it ends; `None` while it is under way.
    pub(crate) ended_ms: Option<i64>,
    charged_ms: i64,
    counted_ms: i64,
    corrected_ms: i64,
    is_shown: bool,
}

impl Attempt {
    /// The most that is ever charged for it, nano-dollars.
    pub(crate) fn most(&self) -> i64 {
        self.first.nanos.max(self.last.nanos)
    }

    /// When it was charged, as far as that is known.
    pub(crate) fn charged_ms(&self) -> i64 {
        self.charged_ms
    }
}

/// OpenRouter.
#[derive(Debug)]
pub(crate) struct Upstream {
    mode: Mode,
    told_percent: u32,
    shown_percent: u32,
    attempts: Vec<Attempt>,
    by_hold: HashMap<u64, usize>,
    by_generation: HashMap<String, usize>,
    /// What the counters will show, by instant.
    due: BTreeMap<(i64, usize, bool), (usize, Exact)>,
    counters: Vec<Exact>,
}

impl Upstream {
    /// Has charged nothing yet.
    pub(crate) fn new(mode: Mode, (told_percent, shown_percent): (u32, u32), keys: usize) -> Self {
        Upstream {
            mode,
            told_percent,
            shown_percent,
            attempts: Vec::new(),
            by_hold: HashMap::new(),
            by_generation: HashMap::new(),
            due: BTreeMap::new(),
            counters: vec![Exact::ZERO; keys],
        }
    }

    /// A request arrives; what it will cost is settled now. Its number.
    pub(crate) fn send(&mut self, hold: u64, key: usize, permitted: i64, rng: &mut Rng) -> usize {
        let number = self.attempts.len();
        let ending = self.ending(rng);
        let is_free = matches!(ending, Ending::Refused | Ending::Unknown(UnknownReason::ServerError, _));
        let honest = self.mode == Mode::Honest || rng.u32(0..8) > 0;
        let most = match honest {
            true if is_free => 0,
            true => permitted,
            false => permitted.saturating_mul(2).saturating_add(1_000),
        };
        let last = cost(most, rng);
        let first = match rng.u32(0..8) {
            // Corrected later, upwards or downwards.
            0 if self.mode == Mode::Dishonest => cost(most, rng),
            _ => last.clone(),
        };
        let generation = format!("gen-{number}");
        self.by_hold.insert(hold, number);
        self.by_generation.insert(generation.clone(), number);
        self.attempts.push(Attempt {
            hold,
            key,
            permitted,
            generation,
            has_id: rng.u32(0..10) > 0 && !matches!(ending, Ending::Unknown(UnknownReason::TimedOut, _)),
            ending,
            first,
            last,
            ended_ms: None,
            charged_ms: i64::MAX,
            counted_ms: i64::MAX,
            corrected_ms: i64::MAX,
            is_shown: rng.u32(0..100) < self.shown_percent,
        });
        number
    }

    fn ending(&self, rng: &mut Rng) -> Ending {
        if rng.u32(0..100) < self.told_percent {
            return Ending::Told;
        }
        match rng.u32(0..6) {
            0 => Ending::Refused,
            1 => Ending::Unknown(UnknownReason::ServerError, 502),
            2 => Ending::Unknown(UnknownReason::NoCost, 200),
            3 => Ending::Unknown(UnknownReason::TimedOut, 0),
            _ => Ending::Unknown(UnknownReason::Broken, 200),
        }
    }

    /// It ends, or its client goes away: it is charged within minutes.
    pub(crate) fn end(&mut self, number: usize, now_ms: i64, rng: &mut Rng) {
        let late_ms = *crate::setting::pick(rng, &[0, 0, 1_000, LATE_MS_MAX]);
        let lag_ms = *crate::setting::pick(rng, &[0, 5_000, LAG_MS_MAX]);
        let attempt = &mut self.attempts[number];
        if attempt.ended_ms.is_some() {
            return;
        }
        let after_ms = match self.mode {
            // What was final is not.
            Mode::Dishonest if rng.u32(0..40) == 0 => FINAL_MS * 2,
            _ => 0,
        };
        attempt.ended_ms = Some(now_ms);
        attempt.charged_ms = now_ms + late_ms + after_ms;
        attempt.counted_ms = attempt.charged_ms + lag_ms;
        attempt.corrected_ms = attempt.charged_ms + 30_000;
        let (key, first, last) = (attempt.key, attempt.first.exact, attempt.last.exact);
        self.due.insert((attempt.counted_ms, number, false), (key, first));
        if first != last {
            self.due.insert((attempt.counted_ms + 30_000, number, true), (key, last - first));
        }
    }

    /// Everything that goes on with nobody there ends.
    pub(crate) fn end_all(&mut self, now_ms: i64, rng: &mut Rng) {
        (0..self.attempts.len()).for_each(|number| self.end(number, now_ms, rng));
    }

    /// All attempts.
    pub(crate) fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The attempt that was sent under a hold.
    pub(crate) fn of_hold(&self, hold: u64) -> Option<&Attempt> {
        self.by_hold.get(&hold).map(|number| &self.attempts[*number])
    }

    /// `GET /generation`: the cost, or nothing yet, or never anything.
    pub(crate) fn generation(&self, id: &str, now_ms: i64) -> Option<&Cost> {
        let attempt = &self.attempts[*self.by_generation.get(id)?];
        if !attempt.is_shown || now_ms < attempt.charged_ms || attempt.most() == 0 {
            return None;
        }
        Some(if now_ms < attempt.corrected_ms { &attempt.first } else { &attempt.last })
    }

    /// The counter of a key.
    pub(crate) fn counter(&mut self, key: usize, now_ms: i64) -> Exact {
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > now_ms {
                break;
            }
            let (key, more) = entry.remove();
            self.counters[key] = self.counters[key] + more;
        }
        self.counters[key]
    }

    /// Whether nothing about an attempt will change any more.
    pub(crate) fn is_final(&self, attempt: &Attempt, now_ms: i64) -> bool {
        let later_ms = if self.mode == Mode::Honest { FINAL_MS } else { FINAL_MS * 4 };
        attempt.ended_ms.is_some_and(|ended_ms| now_ms - ended_ms > later_ms)
    }
}

/// Anything up to so much: often all of it, often nothing, mostly a little.
fn cost(most: i64, rng: &mut Rng) -> Cost {
    match rng.u32(0..10) {
        0 => Cost::of(0, 0),
        1 => Cost::of(most, 0),
        2 if most > 0 => Cost::of(most - 1, rng.i64(1..1_000)),
        3 => Cost::of(rng.i64(0..=most), 0),
        _ => Cost::of(rng.i64(0..=most / 16), 0),
    }
}
