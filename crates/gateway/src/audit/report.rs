//! [`AuditReport`]: what came out of holding the books against the bill.

use money::Nano;

use super::compare::Compared;

/// How many, and how much, USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// How much, USD; of corrections what they added, which may be below zero.
    pub amount: Nano,
}

impl Sum {
    pub(super) fn add(&mut self, amount: Nano) {
        self.count += 1;
        self.amount = self.amount.saturating_add(amount);
    }
}

/// One audit. Amounts are USD, times milliseconds since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// When it was made.
    pub at_ms: i64,
    /// Calls made from here on.
    pub from_ms: i64,
    /// Until before here.
    pub until_ms: i64,
    /// Entries compared.
    pub entries: u64,
    /// What the books had on them, before.
    pub ours: Nano,
    /// What OpenRouter billed.
    pub theirs: Nano,
    /// Costs that were booked anew: changed ones, and generations that no entry had.
    pub corrected: Sum,
    /// Generations billed that can be tied to no entry, and were not booked: other traffic on the key, or calls the
    /// books have lost.
    pub extras: Sum,
    /// Those of them that were booked now, each as a call of its own.
    pub booked: Sum,
    /// Entries with a cost that are not on the bill.
    pub missing: Sum,
    /// What remains when all that could be corrected is: the bill less the books.
    pub drift: Nano,
    /// Whether OpenRouter told all it knows. If not, nothing was lowered, and what is missing may be there.
    pub complete: bool,
}

impl AuditReport {
    /// Nothing yet, of calls made from one instant until before another.
    pub fn of(at_ms: i64, from_ms: i64, until_ms: i64) -> AuditReport {
        AuditReport { at_ms, from_ms, until_ms, complete: true, ..AuditReport::default() }
    }

    /// Adds what was found for one upstream key.
    pub fn add(&mut self, compared: &Compared, complete: bool) {
        self.entries += compared.entries;
        self.ours = self.ours.saturating_add(compared.ours);
        self.theirs = self.theirs.saturating_add(compared.theirs);
        for fix in &compared.fixes {
            self.corrected.add(fix.cost.saturating_sub(fix.was));
        }
        for extra in &compared.extras {
            self.extras.add(extra.cost.ceil());
        }
        for (_, cost) in &compared.missing {
            self.missing.add(*cost);
        }
        self.complete &= complete;
        self.reckon();
    }

    /// Extras were booked.
    pub fn book(&mut self, amounts: impl Iterator<Item = Nano>) {
        amounts.for_each(|amount| self.booked.add(amount));
        self.reckon();
    }

    /// A correction that could not be booked: it stays in the drift.
    pub fn take_back(&mut self, fix_by: Nano) {
        self.corrected.count = self.corrected.count.saturating_sub(1);
        self.corrected.amount = self.corrected.amount.saturating_sub(fix_by);
        self.reckon();
    }

    fn reckon(&mut self) {
        let corrected = self.corrected.amount.saturating_add(self.booked.amount);
        self.drift = self.theirs.saturating_sub(self.ours).saturating_sub(corrected);
    }
}
