//! [`Register`]: the rows, what they mean for bounds, and a bound on how many there are.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use pricing::Distrust;
use store::HonestyRow;

use super::finding::Finding;
use super::policy::{self, OnOverrun};

/// Rows, at most. Beyond, the oldest one that nothing follows from goes, or the oldest.
const ROWS_MAX: usize = 4_096;
/// Names longer than this are cut: they come from the upstream.
const NAME_BYTES_MAX: usize = 128;

#[derive(Debug, Default)]
pub(crate) struct Register {
    policy: OnOverrun,
    rows: Mutex<BTreeMap<(String, String), Kept>>,
    distrust: RwLock<Arc<Distrust>>,
    /// Whether somebody is distrusted, and whether somebody breaks cancels: read on the walk.
    distrusts: AtomicBool,
    breaks_cancels: AtomicBool,
}

#[derive(Debug)]
struct Kept {
    row: HonestyRow,
    /// It billed a request that had excluded it.
    in_vain: bool,
}

impl Register {
    /// With what earlier processes found.
    pub(crate) fn new(policy: OnOverrun, rows: Vec<HonestyRow>) -> Register {
        let kept =
            |row: HonestyRow| ((row.model.clone(), row.provider.clone()), Kept { row, in_vain: false });
        let register = Register { policy, ..Register::default() };
        let mut known: BTreeMap<_, _> = rows.into_iter().map(kept).collect();
        while known.len() > ROWS_MAX {
            drop_one(&mut known);
        }
        register.publish(&known);
        *register.rows.lock() = known;
        register
    }

    /// What bounds must know; `None` as long as everybody keeps to theirs.
    pub(crate) fn distrust(&self) -> Option<Arc<Distrust>> {
        self.distrusts.load(Ordering::Relaxed).then(|| Arc::clone(&self.distrust.read()))
    }

    /// Whether this provider stops billing when a stream of this model is aborted: it says so, and has done so.
    pub(crate) fn stops_billing(&self, model: &str, provider: &str) -> bool {
        openrouter::providers::stops_billing(provider)
            && (!self.breaks_cancels.load(Ordering::Relaxed) || self.keeps_cancels(model, provider))
    }

    /// Whether nobody who may be this provider has counted more than a model's tokenizer. Looked up where it is needed,
    /// which is not on every walk.
    pub(crate) fn keeps_counts(&self, model: &str, provider: &str) -> bool {
        let rows = self.rows.lock();
        let broke = |provider: &str| {
            let name = (cut(model).to_owned(), cut(provider).to_owned());
            rows.get(&name).is_some_and(|kept| kept.row.counts_broken > 0)
        };
        // One that was not named may have been any.
        !broke(provider) && !broke("")
    }

    fn keeps_cancels(&self, model: &str, provider: &str) -> bool {
        let name = (model.to_owned(), cut(provider).to_owned());
        self.rows.lock().get(&name).is_none_or(|kept| policy::keeps_cancels(&kept.row))
    }

    /// Counts one finding; what it adds to the row, to be kept.
    pub(crate) fn find(&self, model: &str, provider: &str, finding: Finding, now_ms: i64) -> HonestyRow {
        let mut rows = self.rows.lock();
        let name = (cut(model).to_owned(), cut(provider).to_owned());
        if rows.len() >= ROWS_MAX && !rows.contains_key(&name) {
            drop_one(&mut rows);
        }
        let (model, provider) = name.clone();
        let kept = rows.entry(name).or_insert_with(|| Kept {
            row: HonestyRow { model, provider, ..HonestyRow::default() },
            in_vain: false,
        });
        let counts = counts(&kept.row, finding, now_ms);
        kept.row.add(&counts);
        kept.in_vain |= matches!(finding, Finding::Overrun { in_vain: true, .. });
        self.publish(&rows);
        counts
    }

    /// Every row, by model and provider.
    pub(crate) fn rows(&self) -> Vec<HonestyRow> {
        self.rows.lock().values().map(|kept| kept.row.clone()).collect()
    }

    /// Trusts a model's provider anew, or all of them: their counts begin at zero. The rows as they are now.
    pub(crate) fn clear(&self, model: &str, provider: Option<&str>, now_ms: i64) -> Vec<HonestyRow> {
        let mut rows = self.rows.lock();
        let mut cleared = Vec::new();
        for ((of, by), kept) in rows.iter_mut() {
            if of == model && provider.is_none_or(|name| by.eq_ignore_ascii_case(name)) {
                let (model, provider) = (of.clone(), by.clone());
                kept.row = HonestyRow {
                    model,
                    provider,
                    last_ms: kept.row.last_ms,
                    cleared_ms: Some(now_ms),
                    ..HonestyRow::default()
                };
                kept.in_vain = false;
                cleared.push(kept.row.clone());
            }
        }
        self.publish(&rows);
        cleared
    }

    fn publish(&self, rows: &BTreeMap<(String, String), Kept>) {
        let mut distrust = Distrust::default();
        for kept in rows.values() {
            if let Some(distrusted) = self.policy.distrust(&kept.row, kept.in_vain) {
                distrust.add(&kept.row.model, distrusted);
            }
        }
        let breaks = rows.values().any(|kept| !policy::keeps_cancels(&kept.row));
        let distrusts = !distrust.is_empty();
        *self.distrust.write() = Arc::new(distrust);
        self.distrusts.store(distrusts, Ordering::Relaxed);
        self.breaks_cancels.store(breaks, Ordering::Relaxed);
    }
}

fn counts(of: &HonestyRow, finding: Finding, now_ms: i64) -> HonestyRow {
    let (model, provider) = (of.model.clone(), of.provider.clone());
    let mut counts = HonestyRow { model, provider, calls: 1, last_ms: now_ms, ..HonestyRow::default() };
    match finding {
        Finding::Overrun { held, cost, .. } => {
            counts.overruns = 1;
            counts.overrun = cost.saturating_sub(held);
            counts.worst_percent = policy::percent(held, cost);
        }
        Finding::CapBroken => counts.caps_broken = 1,
        Finding::CancelBroken => counts.cancels_broken = 1,
        Finding::UsageMissing => counts.usage_missing = 1,
        Finding::CountBroken => counts.counts_broken = 1,
    }
    counts
}

fn drop_one(rows: &mut BTreeMap<(String, String), Kept>) {
    let oldest = rows.iter().min_by_key(|(_, kept)| {
        let row = &kept.row;
        (row.overruns > 0 || row.counts_broken > 0, row.last_ms)
    });
    if let Some(name) = oldest.map(|(name, _)| name.clone()) {
        rows.remove(&name);
    }
}

fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use money::Nano;

    const OVERRUN: Finding =
        Finding::Overrun { held: Nano::from_nanos(100), cost: Nano::from_nanos(150), in_vain: false };

    #[test]
    fn an_empty_register_changes_nothing() {
        let register = Register::default();
        assert!(register.distrust().is_none() && register.rows().is_empty());
        assert!(register.stops_billing("a/m", "OpenAI") && !register.stops_billing("a/m", "Groq"));
    }

    #[test]
    fn what_is_found_is_counted_and_can_be_cleared() {
        let register = Register::default();
        register.find("a/m", "OpenAI", OVERRUN, 5);
        assert_eq!(register.find("a/m", "OpenAI", Finding::CapBroken, 6).overruns, 0, "what it adds");
        let row = register.rows().remove(0);
        assert_eq!((row.overruns, row.overrun.nanos(), row.worst_percent, row.caps_broken), (1, 50, 150, 1));
        assert!(register.distrust().is_some());
        assert_eq!(register.clear("a/m", Some("Groq"), 7), []);
        assert!(register.distrust().is_some(), "another provider was cleared");
        let cleared = register.clear("a/m", None, 8);
        assert_eq!((cleared.len(), cleared[0].overruns, cleared[0].cleared_ms), (1, 0, Some(8)));
        assert!(register.distrust().is_none());
    }

    #[test]
    fn cancels_are_believed_until_they_were_broken_often_enough() {
        let register = Register::default();
        for times in 1..=3 {
            assert!(register.stops_billing("a/m", "OpenAI"), "before {times}");
            register.find("a/m", "OpenAI", Finding::CancelBroken, times);
        }
        assert!(!register.stops_billing("a/m", "OpenAI"));
        assert!(register.stops_billing("a/n", "OpenAI"), "of another model");
        assert!(register.distrust().is_none(), "money is another matter");
    }

    #[test]
    fn rows_of_earlier_processes_count() {
        let earlier = Register::default();
        earlier.find("a/m", "x", OVERRUN, 1);
        let rows = earlier.rows();
        assert!(Register::new(OnOverrun::Guard, rows.clone()).distrust().is_some());
        assert!(Register::new(OnOverrun::Show, rows).distrust().is_none());
    }

    #[test]
    fn there_is_a_bound_on_rows() {
        let register = Register::default();
        register.find("keep", "x", OVERRUN, 0);
        for number in 0..ROWS_MAX + 10 {
            register.find(&format!("m{number}"), "y", Finding::UsageMissing, number as i64);
        }
        let rows = register.rows();
        assert_eq!(rows.len(), ROWS_MAX);
        assert!(rows.iter().any(|row| row.model == "keep"), "an overrun is not forgotten for a triviality");
        register.find(&"é".repeat(100), "z", Finding::CapBroken, 9_999);
    }
}
