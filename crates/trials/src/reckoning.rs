//! The reckoning: each generation of the sandbox's bill beside what the books say of it.
//!
//! A generation is *settled* when its entry has exactly its cost, rounded up to a nano-dollar; *voided* when nothing
//! was billed and nothing is booked; *listed* when a hold says that its cost is unknown. One whose id the books do not
//! have is *astray*. The gateway's audit books such a one on an entry of its model, as an *extra*: what entries have
//! above their own generations, by the proof of analytics. What is astray beyond the extras must be covered by holds
//! without an id, or by what was charged for some of them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use ledger::Evidence;
use money::{Exact, Nano};
use serde_json::Value;
use store::{Durability, EntryRow, OpenHold, Options, Store};

const PAGE: usize = 10_000;

/// The books, read after the gateway has ended.
#[derive(Debug)]
pub struct Books {
    /// Holds that have ended.
    pub entries: Vec<EntryRow>,
    /// Holds that have not.
    pub open: Vec<OpenHold>,
}

impl Books {
    /// Reads all of them.
    ///
    /// # Errors
    /// When the folder cannot be opened, or is in use.
    pub fn read(data: &Path) -> Result<Books> {
        let (store, recovered) = Store::open(data, Options::new(Durability::Process))?;
        store.flush()?;
        let mut entries: Vec<EntryRow> = Vec::new();
        loop {
            let after = entries.last().map(|entry| entry.hold);
            let page = store.entries(i64::MIN, i64::MAX, after, PAGE)?;
            let last = page.len() < PAGE;
            entries.extend(page);
            if last {
                break;
            }
        }
        store.close()?;
        Ok(Books { entries, open: recovered.open })
    }
}

/// How many, and how much.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// How much, USD.
    pub usd: Nano,
}

impl Sum {
    fn add(&mut self, usd: Nano) {
        self.count += 1;
        self.usd = self.usd.saturating_add(usd);
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (${})", self.count, self.usd)
    }
}

/// What came out.
#[derive(Debug, Default)]
pub struct Reckoning {
    /// All generations, each billed cost rounded up to a nano-dollar.
    pub billed: Sum,
    /// The same, unrounded.
    pub billed_exact: Exact,
    /// Settled.
    pub settled: Sum,
    /// Nothing billed, nothing booked.
    pub voided: Sum,
    /// Listed unknown, at what was billed.
    pub listed: Sum,
    /// Charged from the key's counter, at what was billed.
    pub attributed: Sum,
    /// Not in the books by its id, at what was billed.
    pub astray: Sum,
    /// The same, unrounded.
    pub astray_exact: Exact,
    /// Entries that have more than their own generation cost, at what they have more.
    pub extras: Sum,
    /// The same, unrounded.
    pub extras_exact: Exact,
    /// Entries without an id that something was charged for, at that.
    pub nameless: Sum,
    /// Second bills, among all of these.
    pub twins: Sum,
    /// Of all entries, the costs as booked.
    pub posted: Nano,
    /// The same as the upstream wrote them.
    pub posted_exact: Exact,
    /// Of all holds that have not ended, the bounds.
    pub unknown: Sum,
    /// Entries by what proved them.
    pub by_evidence: BTreeMap<&'static str, u64>,
    /// Everything that is not as it must be, in words.
    pub complaints: Vec<String>,
}

impl Reckoning {
    /// Compares; `generations` are the rows of `/sandbox/generations`.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn of(generations: &[Value], books: &Books) -> Result<Reckoning> {
        let mut own = Reckoning::default();
        let mut entries: HashMap<&str, Vec<&EntryRow>> = HashMap::new();
        let mut open: HashMap<&str, &OpenHold> = HashMap::new();
        let mut bounds = Nano::ZERO;
        for entry in &books.entries {
            own.post(entry)?;
            match entry.generation.as_deref() {
                Some(id) => entries.entry(id).or_default().push(entry),
                None if entry.cost > Nano::ZERO => own.nameless.add(entry.cost),
                None => {}
            }
        }
        for hold in &books.open {
            own.unknown.add(hold.bound);
            match hold.generation.as_deref() {
                Some(id) => drop(open.insert(id, hold)),
                None => bounds = bounds.saturating_add(hold.bound),
            }
            if hold.unknown.is_none() {
                own.complaints.push(format!("hold {} has not ended and is not unknown", hold.hold.0));
            }
        }
        for row in generations {
            let (id, cost) = (text(row, "id")?, text(row, "cost_usd")?);
            let exact = Exact::parse_ceil(cost)?;
            let cost = Nano::parse_ceil(cost)?;
            own.billed.add(cost);
            own.billed_exact = own.billed_exact + exact;
            if row["twin_of"].is_string() {
                own.twins.add(cost);
            }
            match (entries.remove(id), open.remove(id)) {
                (Some(found), None) => own.settle(row, exact, &found)?,
                (None, Some(hold)) => own.list(row, cost, hold),
                (None, None) => own.lose(cost, exact),
                (Some(_), Some(_)) => own.complaints.push(format!("{row} has ended and has not")),
            }
        }
        own.rest(&entries, bounds);
        Ok(own)
    }

    /// What is booked more than was billed, settled generations and attributed money alike; unknown apart.
    pub fn drift(&self) -> Nano {
        self.posted.saturating_sub(self.billed.usd)
    }

    /// The same before rounding.
    pub fn drift_exact(&self) -> Exact {
        self.posted_exact - self.billed_exact
    }

    fn post(&mut self, entry: &EntryRow) -> Result<()> {
        self.posted = self.posted.saturating_add(entry.cost);
        self.posted_exact = self.posted_exact + booked(entry)?;
        *self.by_evidence.entry(entry.evidence.text()).or_default() += 1;
        Ok(())
    }

    fn settle(&mut self, row: &Value, cost: Exact, found: &[&EntryRow]) -> Result<()> {
        let [entry] = found else {
            self.complaints.push(format!("{} entries: {row}", found.len()));
            return Ok(());
        };
        let booked = booked(entry)?;
        let more = booked - cost;
        match (booked.cmp(&cost), entry.evidence) {
            (Ordering::Equal, _) if cost == Exact::ZERO => self.voided.add(Nano::ZERO),
            (Ordering::Equal, _) => self.settled.add(cost.ceil()),
            (Ordering::Greater, Evidence::Analytics) => {
                self.settled.add(cost.ceil());
                self.extras.add(more.ceil());
                self.extras_exact = self.extras_exact + more;
            }
            (Ordering::Greater, Evidence::Attributed) => self.attributed.add(cost.ceil()),
            (_, evidence) => self.complaints.push(format!("booked {booked} by {}: {row}", evidence.text())),
        }
        if entry.cost != booked.ceil() {
            self.complaints.push(format!("{} booked for {booked}: {row}", entry.cost));
        }
        Ok(())
    }

    fn list(&mut self, row: &Value, cost: Nano, hold: &OpenHold) {
        self.listed.add(cost);
        if hold.bound < cost {
            self.complaints.push(format!("unknown at {}, and billed more: {row}", hold.bound));
        }
    }

    fn lose(&mut self, cost: Nano, exact: Exact) {
        match cost {
            Nano::ZERO => self.voided.add(cost),
            _ => self.astray.add(cost),
        }
        self.astray_exact = self.astray_exact + exact;
    }

    /// Entries that no generation belongs to must have cost nothing; what is astray must be covered. `bounds`: those of
    /// holds that have not ended and have no id.
    fn rest(&mut self, entries: &HashMap<&str, Vec<&EntryRow>>, bounds: Nano) {
        for entry in entries.values().flatten().filter(|entry| entry.cost > Nano::ZERO) {
            let evidence = entry.evidence.text();
            self.complaints.push(format!(
                "hold {} is booked at {} by {evidence}, and nothing was billed for {:?}",
                entry.hold.0, entry.cost, entry.generation
            ));
        }
        let left = self.astray_exact - self.extras_exact;
        let covered = bounds.saturating_add(self.nameless.usd);
        if left > covered.into() {
            self.complaints.push(format!(
                "{} billed are in the books under no id, {} of them as extras, and only ${covered} may be the rest",
                self.astray, self.extras
            ));
        }
        if left < Exact::ZERO {
            self.complaints
                .push(format!("extras of {}, and only {} billed are under no id", self.extras, self.astray));
        }
        if self.posted.saturating_add(self.unknown.usd) < self.billed.usd {
            self.complaints.push(format!(
                "billed {}, and only {} is posted and {} unknown",
                self.billed, self.posted, self.unknown
            ));
        }
    }
}

impl fmt::Display for Reckoning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reckoning { billed, settled, voided, listed, attributed, astray, .. } = self;
        let Reckoning { extras, nameless, twins, unknown, .. } = self;
        writeln!(
            f,
            "{billed} billed: {settled} settled, {voided} voided, {listed} unknown by id, {attributed} attributed, {astray} under no id; {twins} of them second bills"
        )?;
        let proofs: Vec<_> = self.by_evidence.iter().map(|(name, count)| format!("{count} {name}")).collect();
        writeln!(
            f,
            "{} posted, {extras} of it extras, {nameless} under no id; {unknown} unknown; entries: {}",
            self.posted,
            proofs.join(", ")
        )?;
        write!(f, "drift {} ({} before rounding)", self.drift(), self.drift_exact())
    }
}

/// What an entry costs, before it is rounded.
fn booked(entry: &EntryRow) -> Result<Exact> {
    Ok(if entry.text.is_empty() { entry.cost.into() } else { Exact::parse_sum(&entry.text)? })
}

fn text<'a>(row: &'a Value, name: &str) -> Result<&'a str> {
    row[name].as_str().with_context(|| format!("a generation without {name}"))
}

#[cfg(test)]
mod tests {
    use ledger::{BoundClass, HoldId, UnknownReason, UpstreamKeyId};
    use serde_json::json;

    use super::*;

    fn usd(text: &str) -> Nano {
        Nano::parse_ceil(text).expect(text)
    }

    fn entry(generation: Option<&str>, cost: &str, evidence: Evidence) -> EntryRow {
        EntryRow {
            hold: HoldId(1),
            at_ms: 0,
            settled_ms: 0,
            bound: usd("1"),
            class: BoundClass::Proven,
            cost: usd(cost),
            text: if evidence == Evidence::Refused { String::new() } else { cost.to_owned() },
            evidence,
            overrun: Nano::ZERO,
            set: None,
            members: Default::default(),
            upstream_key: UpstreamKeyId([0; 8]),
            key: String::new(),
            model: "m".to_owned(),
            generation: generation.map(str::to_owned),
            unknown: None,
            unknown_since_ms: 0,
        }
    }

    fn hold(generation: Option<&str>, bound: &str) -> OpenHold {
        OpenHold {
            hold: HoldId(2),
            at_ms: 0,
            bound: usd(bound),
            class: BoundClass::Proven,
            set: None,
            members: Default::default(),
            upstream_key: UpstreamKeyId([0; 8]),
            key: String::new(),
            model: "m".to_owned(),
            generation: generation.map(str::to_owned),
            unknown: Some((UnknownReason::Broken, 0)),
            unknown_since_ms: 0,
        }
    }

    fn generation(id: &str, cost: &str, twin_of: Option<&str>) -> Value {
        json!({ "id": id, "cost_usd": cost, "twin_of": twin_of })
    }

    fn reckon(generations: &[Value], entries: Vec<EntryRow>, open: Vec<OpenHold>) -> Reckoning {
        Reckoning::of(generations, &Books { entries, open }).expect("amounts")
    }

    #[test]
    fn a_good_day() {
        let bill = [
            generation("a", "0.0000000001", None),
            generation("b", "0", None),
            generation("c", "0.5", None),
            generation("d", "0.25", None),
            generation("e", "0.125", None),
            generation("f", "0.625", None),
            generation("t", "0.125", Some("a")),
        ];
        let entries = vec![
            entry(Some("a"), "0.0000000001", Evidence::Usage),
            entry(Some("b"), "0", Evidence::Refused),
            entry(Some("x"), "0", Evidence::Refused),
            entry(None, "0.2", Evidence::Attributed),
            entry(Some("f"), "0.75", Evidence::Analytics),
        ];
        let open = vec![hold(Some("c"), "0.5"), hold(None, "0.2")];
        let told = reckon(&bill, entries, open);
        assert!(told.complaints.is_empty(), "{:?}", told.complaints);
        let counts = [told.settled, told.voided, told.listed, told.astray].map(|sum| sum.count);
        assert_eq!(counts, [2, 1, 1, 3]);
        assert_eq!((told.extras.count, told.extras_exact.to_string().as_str()), (1, "0.125000000"));
        assert_eq!((told.posted.nanos(), told.drift().nanos()), (950_000_001, -675_000_000));
        assert_eq!(told.drift_exact().to_string(), "-0.675000000");
    }

    #[test]
    fn everything_that_can_be_wrong() {
        let a = || vec![generation("a", "0.5", None)];
        let twin = vec![generation("t", "0.1", Some("a"))];
        let paid = |cost| vec![entry(Some("a"), cost, Evidence::Usage)];
        for (bill, entries, open, expect) in [
            (a(), paid("0.4"), vec![], "booked 0.4"),
            (a(), paid("0.6"), vec![], "booked 0.6"),
            (a(), paid("0"), vec![], "booked 0.0"),
            (a(), [paid("0.5"), paid("0")].concat(), vec![], "2 entries"),
            (a(), vec![entry(Some("a"), "0.6", Evidence::Analytics)], vec![], "extras of 1"),
            (a(), vec![], vec![hold(Some("a"), "0.4")], "billed more"),
            (a(), paid("0.5"), vec![hold(Some("a"), "0.5")], "has ended and has not"),
            (a(), vec![], vec![hold(None, "0.4")], "only $0.4"),
            (a(), vec![], vec![], "under no id"),
            (twin, vec![], vec![hold(None, "0.05")], "as extras"),
            (vec![], paid("0.5"), vec![], "nothing was billed"),
            (vec![], vec![], vec![OpenHold { unknown: None, ..hold(None, "1") }], "is not unknown"),
        ] {
            let told = reckon(&bill, entries, open);
            assert!(
                told.complaints.iter().any(|words| words.contains(expect)),
                "{expect}: {:?}",
                told.complaints
            );
        }
    }
}
