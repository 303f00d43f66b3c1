//! [`compare`]: entries and bills of one upstream key, side by side.
//!
//! A bill with the id of an entry says what that entry costs. A bill that no entry has an id for, a *stranger*, may be
//! of a hold that is still open; else it is tied to an entry of its model that was under way when it began, which is
//! raised by it; else it is an *extra*. An entry that an earlier audit raised keeps its strangers: what it has above
//! its own bill is matched against them first, so that the same bills give the same books however often it is asked.

use std::collections::HashMap;

use ledger::{Evidence, HoldId};
use money::{Exact, Nano};
use store::EntryRow;

use super::bill::{Bill, bare};

/// How far a bill's time may be off: it is told to the minute, by another machine's clock.
const SLACK_MS: i64 = 120_000;

/// What is compared: entries of holds made in it. Times are milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// From here on.
    pub from_ms: i64,
    /// Until before here.
    pub until_ms: i64,
    /// Until before here strangers are looked at that may belong to those entries.
    pub strangers_until_ms: i64,
}

impl Span {
    fn has(&self, at_ms: i64) -> bool {
        (self.from_ms..self.until_ms).contains(&at_ms)
    }
}

/// A hold that has not ended, and may be any bill without an entry that began in this range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MayBe {
    /// The model asked for.
    pub model: String,
    /// When it was made, milliseconds since the Unix epoch.
    pub from_ms: i64,
    /// When its attempt had ended at the latest.
    pub until_ms: i64,
}

impl MayBe {
    /// Whether a bill began in its time.
    pub(crate) fn covers(&self, bill: &Bill) -> bool {
        is_within(bill.created_ms, self.from_ms, self.until_ms)
    }

    /// Whether a bill is of its model, as far as the bill says.
    pub(crate) fn is_of_model(&self, bill: &Bill) -> bool {
        bill.may_be_of(&self.model)
    }
}

/// An entry whose cost must be booked anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Its hold.
    pub hold: HoldId,
    /// The model asked for.
    pub model: String,
    /// The most it could cost, USD.
    pub bound: Nano,
    /// What is booked, USD.
    pub was: Nano,
    /// What is right, USD.
    pub cost: Nano,
    /// The same, for the books.
    pub text: String,
    /// Whether a generation that no entry had is in it.
    pub has_extra: bool,
}

/// A generation that can be tied to no entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extra {
    /// OpenRouter's id.
    pub id: String,
    /// When it began, milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// Its model, where the bill says.
    pub model: Option<String>,
    /// What it cost, USD.
    pub cost: Exact,
    /// The same as OpenRouter wrote it.
    pub text: String,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Entries compared.
    pub entries: u64,
    /// Their costs as booked, USD.
    pub ours: Nano,
    /// What was billed for them, and for what no entry has, USD.
    pub theirs: Nano,
    /// To book.
    pub fixes: Vec<Fix>,
    /// To look into.
    pub extras: Vec<Extra>,
    /// Entries with a cost that are not on the bill, with that.
    pub missing: Vec<(HoldId, Nano)>,
}

/// The bills whose id stands in none of these entries, by their place. An entry further back may have one, or a hold
/// that is open: ask the books before [`compare`].
pub fn strangers(entries: &[EntryRow], bills: &[Bill]) -> Vec<usize> {
    let known: HashMap<&str, ()> =
        entries.iter().filter_map(|entry| Some((entry.generation.as_deref()?, ()))).collect();
    (0..bills.len()).filter(|&at| !known.contains_key(bills[at].id.as_str())).collect()
}

/// Compares the entries of holds made in a span with what was billed. `entries` may begin earlier and end later: those
/// are only there for strangers. `strangers`: the bills that no entry and no open hold has an id for, by their
/// place. `may_be`: holds that have not ended and have no id.
pub fn compare(
    span: Span,
    entries: &[EntryRow],
    bills: &[Bill],
    strangers: &[usize],
    may_be: &[MayBe],
    complete: bool,
) -> Compared {
    let by_id: HashMap<&str, &Bill> = bills.iter().map(|bill| (bill.id.as_str(), bill)).collect();
    let longest_ms =
        entries.iter().map(|entry| ended_ms(entry).saturating_sub(entry.at_ms)).max().unwrap_or(0);
    let mut sides: Vec<Side<'_>> = entries.iter().map(|entry| Side::new(entry, &by_id, longest_ms)).collect();
    sides.sort_by_key(|side| (side.entry.at_ms, side.entry.hold));
    let mut found = Compared::default();
    let mut strangers: Vec<&Bill> = strangers.iter().filter_map(|&at| bills.get(at)).collect();
    strangers.sort_by(|one, other| (one.created_ms, &one.id).cmp(&(other.created_ms, &other.id)));
    let in_reach = span.from_ms..span.strangers_until_ms;
    strangers.retain(|bill| in_reach.contains(&bill.created_ms) && bill.cost > Exact::ZERO);
    strangers.retain(|bill| !may_be.iter().any(|hold| hold.covers(bill) && hold.is_of_model(bill)));
    // Exact matches first, all of them: what an audit has booked is found again by the next one.
    strangers.retain(|bill| !claim(&mut sides, bill, true));
    for bill in strangers {
        if !claim(&mut sides, bill, false) && !add(&mut sides, bill) && span.has(bill.created_ms) {
            found.theirs = found.theirs.saturating_add(bill.cost.ceil());
            found.extras.push(Extra {
                id: bill.id.clone(),
                created_ms: bill.created_ms,
                model: bill.model.clone(),
                cost: bill.cost,
                text: bill.text.clone(),
            });
        }
    }
    for side in &sides {
        let entry = side.entry;
        // What began before the span may have strangers that are not looked at here.
        let is_whole = complete && entry.at_ms >= span.from_ms.saturating_add(SLACK_MS);
        let fix = side.fix(is_whole);
        if side.is_a_booked_extra() {
            continue;
        }
        if span.has(entry.at_ms) {
            found.entries += 1;
            found.ours = found.ours.saturating_add(entry.cost);
            found.theirs = found.theirs.saturating_add(side.billed().ceil());
            if side.is_missing() && complete {
                found.missing.push((entry.hold, entry.cost));
            }
            found.fixes.extend(fix);
        } else if entry.at_ms < span.from_ms && side.added > Exact::ZERO {
            found.theirs = found.theirs.saturating_add(side.added.ceil());
            found.fixes.extend(fix);
        }
    }
    found
}

/// An entry with what is on the bill for it.
struct Side<'a> {
    entry: &'a EntryRow,
    /// The longest that any attempt took, milliseconds.
    longest_ms: i64,
    booked: Exact,
    /// By its own id, the provider's part under BYOK included.
    own: Option<Exact>,
    /// What earlier audits added to it, as far as no stranger has claimed it.
    surplus: Exact,
    /// Strangers that were booked on it before.
    kept: Exact,
    /// Strangers to be booked on it now.
    added: Exact,
}

impl<'a> Side<'a> {
    fn new(entry: &'a EntryRow, by_id: &HashMap<&str, &Bill>, longest_ms: i64) -> Side<'a> {
        let booked = Exact::parse_sum(&entry.text).unwrap_or_else(|_| Exact::from(entry.cost));
        let bill = entry.generation.as_deref().and_then(|id| by_id.get(id));
        let own = bill.map(|bill| bill.cost + providers_part(&entry.text));
        let surplus = match (own, entry.evidence) {
            (Some(own), Evidence::Analytics) if booked > own => booked - own,
            (None, Evidence::Analytics | Evidence::Attributed) if entry.generation.is_none() => booked,
            _ => Exact::ZERO,
        };
        Side { entry, longest_ms, booked, own, surplus, kept: Exact::ZERO, added: Exact::ZERO }
    }

    /// Whether a bill may be of this call.
    fn may_have(&self, bill: &Bill) -> bool {
        is_within(bill.created_ms, self.entry.at_ms, ended_ms(self.entry))
            && bill.may_be_of(bare(&self.entry.model))
    }

    /// What OpenRouter billed for it, as far as that is known.
    fn billed(&self) -> Exact {
        self.own.unwrap_or(Exact::ZERO) + self.kept + self.added
    }

    /// A generation of another time that was booked by itself, as a hold of nothing: its bill is not among these.
    fn is_a_booked_extra(&self) -> bool {
        let entry = self.entry;
        self.own.is_none() && entry.bound == Nano::ZERO && entry.evidence == Evidence::Analytics
    }

    fn is_missing(&self) -> bool {
        self.own.is_none() && self.entry.generation.is_some() && self.entry.cost > Nano::ZERO
    }

    /// What it should cost, as far as the bill says.
    fn due(&self) -> Exact {
        match self.own {
            Some(own) => own + self.kept + self.added,
            // Nothing on the bill by its id: what was booked stands, until a stranger explains it.
            None if self.entry.generation.is_some() => self.booked + self.added,
            None if self.kept + self.added > Exact::ZERO => self.kept + self.added,
            None => self.booked,
        }
    }

    fn fix(&self, may_lower: bool) -> Option<Fix> {
        let (due, entry) = (self.due(), self.entry);
        let cost = due.ceil();
        if cost == entry.cost || (cost < entry.cost && !may_lower) {
            return None;
        }
        let has_extra = self.kept + self.added > Exact::ZERO;
        Some(Fix {
            hold: entry.hold,
            model: entry.model.clone(),
            bound: entry.bound,
            was: entry.cost,
            cost,
            text: text(due, providers_part(&entry.text)),
            has_extra,
        })
    }
}

/// Finds an entry that has more than its own bill, and ties a stranger to it; whether there is one. Of an entry that has
/// more than the stranger, the rest is nobody's: one stranger each, so that the next audit matches exactly.
fn claim(sides: &mut [Side<'_>], bill: &Bill, exactly: bool) -> bool {
    let fits = |side: &&mut Side<'_>| {
        let there = side.surplus;
        (if exactly { there == bill.cost } else { there > bill.cost }) && side.may_have(bill)
    };
    let found = under_way(sides, bill.created_ms).iter_mut().find(fits);
    if let Some(side) = found {
        side.surplus = Exact::ZERO;
        side.kept = bill.cost;
        return true;
    }
    false
}

/// Raises the entry that a stranger fits best by it; whether there is one. Those whose own id is not on the bill come last:
/// whatever is booked on them looks missing. Then those without a stranger come first.
fn add(sides: &mut [Side<'_>], bill: &Bill) -> bool {
    let weight = |side: &Side<'_>| {
        let entry = side.entry;
        let is_free = side.kept + side.added == Exact::ZERO;
        let is_void = entry.generation.is_none() && entry.cost == Nano::ZERO;
        let is_told = side.own.is_some() || entry.generation.is_none();
        (is_told, is_free, is_void, side.own == Some(bill.cost), entry.at_ms, entry.hold)
    };
    let sides = under_way(sides, bill.created_ms).iter_mut();
    let best = sides.filter(|side| side.may_have(bill)).max_by_key(|side| weight(side));
    match best {
        Some(side) => {
            side.added = side.added + bill.cost;
            true
        }
        None => false,
    }
}

/// Those that can have been under way at an instant; they are in the order in which they were made.
fn under_way<'s, 'a>(sides: &'s mut [Side<'a>], at_ms: i64) -> &'s mut [Side<'a>] {
    let longest_ms = sides.first().map_or(0, |first| first.longest_ms);
    let earliest_ms = at_ms.saturating_sub(SLACK_MS).saturating_sub(longest_ms);
    let first = sides.partition_point(|side| side.entry.at_ms < earliest_ms);
    let end = sides.partition_point(|side| side.entry.at_ms <= at_ms.saturating_add(SLACK_MS));
    &mut sides[first.min(end)..end]
}

/// When the attempt of an entry was over.
fn ended_ms(entry: &EntryRow) -> i64 {
    if entry.unknown_since_ms > 0 { entry.unknown_since_ms } else { entry.settled_ms }
}

/// A cost for the books; the provider's part stays apart, for the next audit.
fn text(due: Exact, providers: Exact) -> String {
    match providers {
        Exact::ZERO => due.to_string(),
        providers => format!("{}+{providers}", due - providers),
    }
}

/// Under BYOK a cost is written as OpenRouter's part and the provider's, joined by `+`; the bill has the first.
fn providers_part(text: &str) -> Exact {
    let is_joint = |at: usize| text[at..].starts_with('+') && !text[..at].ends_with(['e', 'E']);
    let joint = (1..text.len()).find(|&at| text.is_char_boundary(at) && is_joint(at));
    joint.and_then(|at| Exact::parse_sum(&text[at + 1..]).ok()).unwrap_or(Exact::ZERO)
}

fn is_within(at_ms: i64, from_ms: i64, until_ms: i64) -> bool {
    (from_ms.saturating_sub(SLACK_MS)..=until_ms.saturating_add(SLACK_MS)).contains(&at_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditReport;
    use ledger::{BoundClass, UpstreamKeyId};

    const MINUTE: i64 = 60_000;
    const NOON: i64 = 1_795_521_600_000;
    const SPAN: Span = Span {
        from_ms: NOON - 60 * MINUTE,
        until_ms: NOON + 60 * MINUTE,
        strangers_until_ms: NOON + 60 * MINUTE,
    };

    /// An entry made `minute` minutes after noon that took ten seconds.
    fn entry(hold: u64, minute: i64, generation: &str, text: &str, evidence: Evidence) -> EntryRow {
        let at_ms = NOON + minute * MINUTE;
        EntryRow {
            hold: HoldId(hold),
            at_ms,
            settled_ms: at_ms + 10_000,
            bound: Nano::from_cents(100),
            class: BoundClass::Proven,
            cost: Exact::parse_sum(text).unwrap_or_default().ceil(),
            text: text.to_owned(),
            evidence,
            overrun: Nano::ZERO,
            set: None,
            members: Default::default(),
            upstream_key: UpstreamKeyId([1; 8]),
            key: String::new(),
            model: "a/m".to_owned(),
            generation: Some(generation.to_owned()).filter(|id| !id.is_empty()),
            unknown: None,
            unknown_since_ms: 0,
        }
    }

    fn bill(id: &str, minute: i64, text: &str) -> Bill {
        let cost = Exact::parse_sum(text).unwrap();
        let model = Some("a/m".to_owned());
        Bill { id: id.to_owned(), created_ms: NOON + minute * MINUTE, model, cost, text: text.to_owned() }
    }

    fn of(entries: &[EntryRow], bills: &[Bill]) -> Compared {
        compare(SPAN, entries, bills, &strangers(entries, bills), &[], true)
    }

    fn costs(compared: &Compared) -> Vec<(u64, String)> {
        compared.fixes.iter().map(|fix| (fix.hold.0, fix.text.clone())).collect()
    }

    /// The entries as they are once the fixes are booked.
    fn booked(mut entries: Vec<EntryRow>, compared: &Compared) -> Vec<EntryRow> {
        for fix in &compared.fixes {
            let entry = entries.iter_mut().find(|entry| entry.hold == fix.hold).unwrap();
            assert_eq!(entry.cost, fix.was);
            (entry.cost, entry.text, entry.evidence) = (fix.cost, fix.text.clone(), Evidence::Analytics);
        }
        entries
    }

    #[test]
    fn books_and_bill_agree() {
        let entries = [
            entry(1, 0, "g1", "0.1", Evidence::Usage),
            entry(2, 1, "", "", Evidence::NeverSent),
            entry(3, 1, "g3", "0.000001979964", Evidence::Generation),
            entry(4, 1, "g4", "0.01+0.2", Evidence::Usage),
            entry(5, 1, "g5", "", Evidence::Refused),
        ];
        let bills =
            [bill("g1", 0, "0.1"), bill("g3", 1, "1.979964E-6"), bill("g4", 1, "0.010"), bill("g5", 1, "0")];
        let found = of(&entries, &bills);
        assert_eq!((found.entries, found.ours, found.ours), (5, found.theirs, Nano::from_nanos(310_001_980)));
        assert!(found.fixes.is_empty() && found.extras.is_empty() && found.missing.is_empty());
    }

    #[test]
    fn what_changed_is_booked_anew() {
        let entries = vec![
            entry(1, 0, "raised", "0.1", Evidence::Usage),
            entry(2, 0, "refunded", "0.1", Evidence::Usage),
            entry(3, 0, "late", "", Evidence::Insured),
            entry(4, 0, "byok", "1e-2+0.2", Evidence::Usage),
            entry(5, 0, "gone", "0.5", Evidence::Usage),
        ];
        let bills = [
            bill("raised", 0, "0.15"),
            bill("refunded", 0, "0.0000000001"),
            bill("late", 0, "0.3"),
            bill("byok", 0, "0.02"),
        ];
        let found = of(&entries, &bills);
        let expect =
            [(1, "0.150000000"), (2, "0.0000000001"), (3, "0.300000000"), (4, "0.020000000+0.200000000")];
        assert_eq!(costs(&found), expect.map(|(hold, text)| (hold, text.to_owned())));
        assert_eq!(found.missing, [(HoldId(5), Nano::from_cents(50))]);
        let mut report = AuditReport::of(0, SPAN.from_ms, SPAN.until_ms);
        report.add(&found, true);
        assert_eq!(report.drift, Nano::from_cents(-50), "what is missing remains: {report:?}");
        let again = of(&booked(entries.clone(), &found), &bills);
        assert_eq!(costs(&again), [], "booked once");
        let cut = compare(SPAN, &entries, &bills, &[], &[], false);
        assert_eq!(costs(&cut).len(), 3, "an incomplete bill lowers nothing");
        assert!(cut.missing.is_empty());
    }

    #[test]
    fn a_stranger_goes_to_an_entry_that_was_under_way_and_stays_there() {
        let entries = vec![
            entry(1, -30, "g1", "0.1", Evidence::Usage),
            entry(2, 0, "g2", "0.2", Evidence::Usage),
            entry(3, 1, "g3", "0.1", Evidence::Usage),
        ];
        let mut bills = vec![bill("g1", -30, "0.1"), bill("g2", 0, "0.2"), bill("g3", 1, "0.1")];
        bills.push(bill("twin", 1, "0.2"));
        let found = of(&entries, &bills);
        assert_eq!(costs(&found), [(2, "0.400000000".to_owned())], "of the one that cost the same");
        assert!(found.fixes[0].has_extra);
        let mut entries = booked(entries, &found);
        assert_eq!(of(&entries, &bills), Compared { fixes: Vec::new(), ..of(&entries, &bills) });
        // Another entry ends late that would have been as good: the twin stays where it is.
        entries.push(entry(4, 1, "g4", "0.2", Evidence::Usage));
        bills.push(bill("g4", 1, "0.2"));
        let again = of(&entries, &bills);
        assert_eq!((costs(&again), again.ours), (Vec::new(), again.theirs));
        // The twin is taken back.
        bills.retain(|bill| bill.id != "twin");
        assert_eq!(costs(&of(&entries, &bills)), [(2, "0.200000000".to_owned())]);
        let strangers = strangers(&entries, &bills);
        let cut = compare(SPAN, &entries, &bills, &strangers, &[], false);
        assert_eq!(costs(&cut), [], "unless the bill is cut short");
    }

    #[test]
    fn a_stranger_fits_a_void_without_an_id_best() {
        let void = entry(1, 0, "", "", Evidence::ControlTotal);
        let entries = [void, entry(2, 0, "g2", "0.1", Evidence::Usage)];
        let bills = [bill("g2", 0, "0.1"), bill("lost", 0, "0.1")];
        assert_eq!(costs(&of(&entries, &bills)), [(1, "0.100000000".to_owned())]);
    }

    #[test]
    fn what_was_charged_on_suspicion_becomes_what_was_billed() {
        let entries =
            [entry(1, 0, "", "0.9", Evidence::Attributed), entry(2, 0, "", "0.9", Evidence::Attributed)];
        let found = of(&entries, &[bill("it", 0, "0.4")]);
        assert_eq!(costs(&found), [(1, "0.400000000".to_owned())], "the other one may be another's");
    }

    #[test]
    fn a_stranger_is_not_booked_where_it_would_look_missing() {
        let entries =
            [entry(1, 0, "g1", "0.1", Evidence::Usage), entry(2, 0, "error", "", Evidence::Refused)];
        let bills = [bill("g1", 0, "0.1"), bill("twin", 0, "0.1"), bill("other", 0, "0.2")];
        let found = of(&entries, &bills);
        assert_eq!(costs(&found), [(1, "0.400000000".to_owned())]);
        assert!(found.missing.is_empty());
    }

    #[test]
    fn many_strangers_come_to_rest() {
        let suspected = |hold, cost| entry(hold, 0, "", cost, Evidence::Attributed);
        let mut entries = vec![suspected(1, "0.9"), suspected(2, "0.9"), suspected(3, "0.3")];
        entries.extend((4..7).map(|hold| entry(hold, 0, &format!("g{hold}"), "0.1", Evidence::Usage)));
        let mut bills: Vec<Bill> = (4..7).map(|hold| bill(&format!("g{hold}"), 0, "0.1")).collect();
        let costs_of = ["0.25", "0.3", "0.9", "0.05", "0.15", "0.1", "0.4"];
        bills.extend(costs_of.iter().enumerate().map(|(at, cost)| bill(&format!("s{at}"), 0, cost)));
        let found = of(&entries, &bills);
        let entries = booked(entries, &found);
        let again = of(&entries, &bills);
        assert_eq!((costs(&again), again.extras.len()), (Vec::new(), 0), "booked once");
        assert_eq!(again.ours, again.theirs, "and nothing twice");
    }

    #[test]
    fn a_stranger_that_fits_nothing_is_told() {
        let other = EntryRow { model: "a/n".to_owned(), ..entry(2, 0, "g2", "0.1", Evidence::Usage) };
        let entries = [entry(1, 0, "g1", "0.1", Evidence::Usage), other];
        let bills = [
            bill("g1", 0, "0.1"),
            bill("g2", 0, "0.1"),
            bill("later", 30, "0.7"),
            Bill { model: Some("a/x".to_owned()), ..bill("foreign", 0, "0.2") },
            bill("before", -70, "9"),
        ];
        let found = of(&entries, &bills);
        let extras: Vec<&str> = found.extras.iter().map(|extra| extra.id.as_str()).collect();
        assert_eq!((extras, costs(&found)), (vec!["foreign", "later"], Vec::new()));
        let mut report = AuditReport::of(0, SPAN.from_ms, SPAN.until_ms);
        report.add(&found, true);
        assert_eq!(
            (report.extras.count, report.extras.amount, report.drift),
            (2, Nano::from_cents(90), Nano::from_cents(90))
        );
    }

    #[test]
    fn an_extra_that_was_booked_by_itself_is_not_missing() {
        let booked = EntryRow { bound: Nano::ZERO, ..entry(1, 0, "old", "0.4", Evidence::Analytics) };
        let entries = [booked];
        assert_eq!(of(&entries, &[]), Compared::default());
        let found = of(&entries, &[bill("old", 0, "0.4")]);
        assert_eq!((found.entries, found.ours, found.fixes.len()), (1, found.theirs, 0));
    }

    #[test]
    fn a_stranger_that_may_be_an_open_hold_is_left_to_it() {
        let entries = [entry(1, 0, "g1", "0.1", Evidence::Usage)];
        let bills = [bill("g1", 0, "0.1"), bill("it", 0, "0.7")];
        let open = |model: &str| MayBe { model: model.to_owned(), from_ms: NOON, until_ms: NOON + 1 };
        let strangers = strangers(&entries, &bills);
        let found = compare(SPAN, &entries, &bills, &strangers, &[open("a/m:floor")], true);
        assert!(found.fixes.is_empty() && found.extras.is_empty());
        let found = compare(SPAN, &entries, &bills, &strangers, &[open("a/n")], true);
        assert_eq!(found.fixes.len(), 1, "of another model");
    }

    #[test]
    fn byok_parts() {
        for (text, part) in
            [("0.1", "0"), ("0.1+0.2", "0.2"), ("1e+2", "0"), ("1E-3+2e+1", "20"), ("", "0"), ("+", "0")]
        {
            assert_eq!(providers_part(text), Exact::parse_ceil(part).unwrap(), "{text}");
        }
    }
}
