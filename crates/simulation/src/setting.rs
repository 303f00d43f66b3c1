//! [`Setting`]: what kind of world a seed makes: budgets, durability, how the load and the faults are mixed.
//!
//! Each seed turns most faults off and some up (swarm testing): a world with everything at once hides what a world of
//! one thing finds.

use fastrand::Rng;
use ledger::{Budget, Label, Straddle, Window};
use money::Nano;
use store::{Durability, Options};

use crate::event::{Kind, Weights};
use crate::machine::BooksKind;
use crate::zones::ZONES;

/// Monday, 2026-10-05, 00:00 UTC; worlds begin within two years of it, around changes of clocks, months and leap days.
const EPOCH_MS: i64 = 1_791_158_400_000;
const DAY_MS: i64 = 86_400_000;

/// Whether OpenRouter keeps to what it permits itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It bills what it was permitted, and what it says is final is final.
    #[default]
    Honest,
    /// It also bills above bounds, for what it refused, and after what was final: overruns, each of which must be
    /// booked, counted and shown.
    Dishonest,
}

/// What is fixed about a world.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its seed.
    pub seed: u64,
    /// Whether OpenRouter is honest.
    pub mode: Mode,
    /// When it begins, milliseconds since the Unix epoch.
    pub starts_ms: i64,
    /// How the store is opened.
    pub options: Options,
    /// Whether the books are a real SQLite file; then no power cut and no damage.
    pub on_sqlite: bool,
    /// How often each kind of event comes.
    pub weights: Weights,
    /// The budgets at first.
    pub budgets: Vec<Line>,
    /// Whether bounds are large beside what is left: the last dollar, many hands.
    pub is_tight: bool,
    /// Calls under way, at most.
    pub calls_max: usize,
    /// Whether clients wait for as long as they may.
    pub is_patient: bool,
    /// How many sessions there may be.
    pub sessions: u32,
    /// Of a hundred answers, how many tell their cost at once.
    pub told_percent: u32,
    /// Of a hundred attempts, how many `/generation` ever tells of.
    pub shown_percent: u32,
    /// Of a hundred calls, how many come with a cap that may be lowered.
    pub clamp_percent: u32,
}

/// A budget as configured, in the words of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Requests must carry these.
    pub selector: Vec<(Label, String)>,
    /// One balance for each combination.
    pub per: Vec<Label>,
    /// USD a window.
    pub limit: Nano,
    /// `day`, `rolling 5h`.
    pub window: &'static str,
    /// An IANA name.
    pub zone: &'static str,
    /// Whether calls near the end of a window are held in the next one too.
    pub straddles: bool,
}

impl Line {
    /// For the ledger.
    pub fn budget(&self) -> Budget {
        Budget {
            name: self.name.clone(),
            selector: self.selector.clone(),
            per: self.per.iter().copied().collect(),
            limit: self.limit,
            window: Window::new(self.window, self.zone).expect("a window of the list"),
            straddle: if self.straddles { Straddle::Both } else { Straddle::Admission },
        }
    }

    /// A budget of any kind.
    pub fn any(number: usize, rng: &mut Rng, is_tight: bool) -> Line {
        const WINDOWS: [&str; 9] =
            ["lifetime", "lifetime", "hour", "day", "day", "week", "month", "rolling 1h", "rolling 5h"];
        const PER: [&[Label]; 7] = [
            &[],
            &[],
            &[Label::Key],
            &[Label::User],
            &[Label::Session],
            &[Label::Model],
            &[Label::Key, Label::User],
        ];
        let window = *pick(rng, &WINDOWS);
        let selector = match rng.u32(0..4) {
            0 => vec![(Label::Key, format!("k{}", rng.u32(0..3)))],
            1 => vec![(Label::App, format!("a{}", rng.u32(0..2)))],
            _ => Vec::new(),
        };
        Line {
            name: format!("b{number}"),
            selector,
            per: pick(rng, &PER).to_vec(),
            limit: Line::limit(rng, is_tight),
            window,
            zone: ZONES[rng.usize(0..ZONES.len())],
            straddles: rng.u32(0..3) == 0,
        }
    }

    /// A limit: a few dollars where it is tight.
    pub fn limit(rng: &mut Rng, is_tight: bool) -> Nano {
        let cents = if is_tight { rng.i64(50..2_000) } else { rng.i64(1_000..100_000) };
        Nano::from_nanos(cents * 10_000_000 + rng.i64(0..3))
    }
}

impl Setting {
    /// The world of a seed.
    pub fn of(seed: u64, mode: Mode) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x5e77_1e5e_ed00_0001);
        let on_sqlite = rng.u32(0..200) == 0;
        let is_tight = rng.u32(0..3) > 0;
        let count = *pick(&mut rng, &[1, 2, 3, 4, 6, 12]);
        let mut budgets: Vec<Line> = (0..count).map(|number| Line::any(number, &mut rng, is_tight)).collect();
        // One that every request matches, so that no world is without a limit.
        budgets[0].selector.clear();
        Setting {
            seed,
            mode,
            starts_ms: EPOCH_MS + rng.i64(-365..365) * DAY_MS + rng.i64(0..DAY_MS),
            options: options(&mut rng),
            on_sqlite,
            weights: weights(&mut rng, on_sqlite),
            budgets,
            is_tight,
            calls_max: 400,
            is_patient: false,
            sessions: *pick(&mut rng, &[1, 3, 50, 5_000]),
            told_percent: *pick(&mut rng, &[50, 80, 95, 100]),
            shown_percent: *pick(&mut rng, &[40, 90, 100]),
            clamp_percent: *pick(&mut rng, &[0, 50, 90]),
        }
    }
}

impl Setting {
    /// A world in which nothing goes wrong but that money is short: calls end, clients wait.
    pub fn calm(seed: u64) -> Self {
        let mut setting = Setting::of(seed, Mode::Honest);
        Kind::FAULTS.iter().for_each(|kind| setting.weights.set(*kind, 0));
        setting.weights.set(Kind::Herd, 12);
        setting.weights.set(Kind::Sync, 500);
        setting.weights.set(Kind::Ship, 250);
        setting.weights.set(Kind::Look, 200);
        // A call takes some seconds, as calls do.
        setting.weights.set(Kind::Pass, 100);
        (setting.calls_max, setting.told_percent, setting.clamp_percent) = (40, 100, 90);
        setting.is_patient = true;
        setting
    }

    /// Where the books are.
    pub fn books(&self) -> BooksKind {
        if self.on_sqlite { BooksKind::Sqlite } else { BooksKind::Memory }
    }
}

/// One of them.
pub(crate) fn pick<'a, T>(rng: &mut Rng, of: &'a [T]) -> &'a T {
    &of[rng.usize(0..of.len())]
}

fn options(rng: &mut Rng) -> Options {
    let segment_bytes = *pick(rng, &[32 << 10, 48 << 10, 128 << 10]);
    Options {
        durability: if rng.bool() { Durability::Power } else { Durability::Process },
        segment_bytes,
        // What a start itself writes has room in it: hundreds of holds and balances.
        journal_bytes_max: (segment_bytes * *pick(rng, &[2, 3, 8, 64])).max(192 << 10),
        ship_records: *pick(rng, &[1, 7, 64, 4_096]),
        retry_after: std::time::Duration::ZERO,
        ship_grace: std::time::Duration::MAX,
        ..Options::default()
    }
}

fn weights(rng: &mut Rng, on_sqlite: bool) -> Weights {
    let mut weights = Weights::usual();
    for kind in Kind::FAULTS {
        match rng.u32(0..3) {
            0 => weights.set(*kind, 0),
            1 => {}
            _ => weights.set(*kind, weights.of(*kind) * 4),
        }
    }
    if on_sqlite {
        // A file has to be read and written: fewer starts, and what the disk cannot do to SQLite not at all.
        [Kind::CutPower, Kind::Damage].into_iter().for_each(|kind| weights.set(kind, 0));
    }
    weights
}
