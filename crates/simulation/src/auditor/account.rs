//! [`Ledger`]: what the journal adds up to, by plain addition of the auditor's own.

use std::collections::{HashMap, VecDeque};

use super::journal::{Entry, Member, Name};

/// Codes of evidence that proves a call free, and of the word of an operator.
pub(super) const NEVER_SENT: u8 = 3;
const FREE: [u8; 3] = [NEVER_SENT, 4, 5];
/// Codes of evidence that tells a cost: usage, generation, the bill.
pub(super) const TOLD: [u8; 3] = [1, 2, 8];

/// One balance.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) name: Name,
    pub(super) limit: i64,
    /// All that was ever posted.
    pub(super) posted: i64,
    /// Bounds of the open holds on it.
    pub(super) open: i64,
    /// By how much costs were above bounds.
    pub(super) overruns: i64,
    rolling: Option<Rolling>,
}

/// The costs of a rolling window.
#[derive(Clone, Debug)]
struct Rolling {
    length_ms: i64,
    bucket_ms: i64,
    /// First instant of the bucket, and amount, in the order posted.
    costs: VecDeque<(i64, i64)>,
}

impl Rolling {
    fn of(window: &str) -> Option<Self> {
        let length = window.strip_prefix("rolling ")?;
        let (count, unit) = length.split_at(length.len() - 1);
        let unit_ms = match unit {
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        let length_ms = count.parse::<i64>().ok()? * unit_ms;
        Some(Rolling { length_ms, bucket_ms: (length_ms + 95) / 96, costs: VecDeque::new() })
    }

    fn counts(&self, bucket: i64, now_ms: i64) -> bool {
        now_ms < bucket + self.bucket_ms + self.length_ms
    }
}

impl Account {
    fn new(name: Name, limit: i64) -> Self {
        let rolling = Rolling::of(&name.window);
        Account { name, limit, posted: 0, open: 0, overruns: 0, rolling }
    }

    /// What counts against the limit at an instant.
    pub(super) fn counted(&self, now_ms: i64) -> i64 {
        match &self.rolling {
            None => self.posted,
            Some(rolling) => {
                let counts = |(bucket, _): &&(i64, i64)| rolling.counts(*bucket, now_ms);
                rolling.costs.iter().filter(counts).map(|(_, cost)| cost).sum()
            }
        }
    }

    fn post(&mut self, cost: i64, at_ms: i64, latest_ms: i64) {
        self.posted += cost;
        if let Some(rolling) = &mut self.rolling {
            rolling.costs.push_back((at_ms.div_euclid(rolling.bucket_ms) * rolling.bucket_ms, cost));
            let (length_ms, bucket_ms) = (rolling.length_ms, rolling.bucket_ms);
            // The order of posting is nearly that of time; what is left behind in the middle only takes room.
            while rolling
                .costs
                .front()
                .is_some_and(|(bucket, _)| bucket + 2 * bucket_ms + length_ms < latest_ms - 86_400_000)
            {
                rolling.costs.pop_front();
            }
        }
    }

    /// Gives back a part of what settled at an instant.
    fn refund(&mut self, less: i64, settled_ms: i64) {
        self.posted -= less;
        if let Some(rolling) = &mut self.rolling {
            let bucket = settled_ms.div_euclid(rolling.bucket_ms) * rolling.bucket_ms;
            rolling.costs.push_back((bucket, -less));
        }
    }
}

/// One hold.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) at_ms: i64,
    pub(super) bound: i64,
    pub(super) set: u32,
    pub(super) is_unknown: bool,
    pub(super) has_id: bool,
    /// Cost and instant, once it has ended.
    pub(super) end: Option<(i64, i64)>,
}

/// What a line of the journal did.
pub(super) enum Change {
    Held { hold: u64 },
    Ended { hold: u64, cost: i64, evidence: u8 },
    Corrected { hold: u64, cost: i64 },
    Other,
}

/// What the journal adds up to.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) accounts: Vec<Option<Account>>,
    pub(super) sets: Vec<Option<Vec<Member>>>,
    pub(super) holds: HashMap<u64, Hold>,
    pub(super) open: usize,
    pub(super) latest_ms: i64,
}

impl Ledger {
    /// Takes a line, or says which rule it breaks.
    pub(super) fn apply(&mut self, entry: &Entry) -> Result<Change, String> {
        match entry {
            Entry::Balance { id, name, limit } => self.balance(*id, name, *limit)?,
            Entry::Set { id, members } => self.set(*id, members)?,
            Entry::Hold { hold, at_ms, bound, set, .. } => {
                self.advance("hold", *hold, *at_ms)?;
                self.hold(*hold, *at_ms, *bound, *set)?;
                return Ok(Change::Held { hold: *hold });
            }
            Entry::Generation { hold } => self.open_hold(*hold)?.has_id = true,
            Entry::Unknown { hold, at_ms } => {
                self.advance("unknown", *hold, *at_ms)?;
                self.open_hold(*hold)?.is_unknown = true;
            }
            Entry::Settle { hold, at_ms, cost, evidence, text } => {
                self.advance("settle", *hold, *at_ms)?;
                self.settle(*hold, *at_ms, *cost)?;
                let is_proved =
                    *cost == 0 || !(FREE.contains(evidence) || TOLD.contains(evidence) && text.is_empty());
                if !is_proved {
                    return Err(format!("I8: hold {hold} ends at {cost} on evidence {evidence} ('{text}')"));
                }
                return Ok(Change::Ended { hold: *hold, cost: *cost, evidence: *evidence });
            }
            Entry::Correct { hold, at_ms, settled_ms, was, cost } => {
                self.correct(*hold, *at_ms, *settled_ms, (*was, *cost))?;
                return Ok(Change::Corrected { hold: *hold, cost: *cost });
            }
            // No money moved then.
            Entry::Clock | Entry::Action => {}
        }
        Ok(Change::Other)
    }

    /// Time in the journal does not go back.
    fn advance(&mut self, what: &str, hold: u64, at_ms: i64) -> Result<(), String> {
        if at_ms < self.latest_ms {
            return Err(format!("{what} of hold {hold} at {at_ms}, after {}", self.latest_ms));
        }
        self.latest_ms = at_ms;
        Ok(())
    }

    fn balance(&mut self, id: u32, name: &Name, limit: i64) -> Result<(), String> {
        let place = place(&mut self.accounts, id)?;
        match place {
            Some(account) if account.name == *name => account.limit = limit,
            Some(account) => return Err(format!("balance {id} is {:?} and {name:?}", account.name)),
            None => *place = Some(Account::new(name.clone(), limit)),
        }
        Ok(())
    }

    fn set(&mut self, id: u32, members: &[Member]) -> Result<(), String> {
        for (at, member) in members.iter().enumerate() {
            let declared = self.accounts.get(member.balance as usize).is_some_and(Option::is_some);
            let twice = members[..at].iter().any(|other| other.balance == member.balance);
            if !declared || twice {
                return Err(format!("I5, I7: set {id} names balance {} (twice: {twice})", member.balance));
            }
        }
        let place = place(&mut self.sets, id)?;
        if place.replace(members.to_vec()).is_some() {
            return Err(format!("I7: set {id} is declared a second time"));
        }
        Ok(())
    }

    /// The balances of a declared set.
    pub(super) fn members(&self, set: u32) -> Result<&[Member], String> {
        let members = self.sets.get(set as usize).and_then(Option::as_deref);
        members.ok_or_else(|| format!("I7: set {set} was not declared"))
    }

    pub(super) fn account(&self, id: u32) -> Option<&Account> {
        self.accounts.get(id as usize)?.as_ref()
    }

    fn each(&mut self, set: u32, mut change: impl FnMut(&mut Account, &Member)) -> Result<(), String> {
        let members = self.sets.get(set as usize).and_then(Option::as_ref);
        for member in members.ok_or_else(|| format!("I7: set {set} was not declared"))? {
            if let Some(account) = &mut self.accounts[member.balance as usize] {
                change(account, member);
            }
        }
        Ok(())
    }

    fn hold(&mut self, hold: u64, at_ms: i64, bound: i64, set: u32) -> Result<(), String> {
        self.each(set, |account, _| account.open += bound)?;
        self.open += 1;
        let made = Hold { at_ms, bound, set, is_unknown: false, has_id: false, end: None };
        match self.holds.insert(hold, made) {
            None => Ok(()),
            Some(_) => Err(format!("I6: hold {hold} is made a second time")),
        }
    }

    fn open_hold(&mut self, hold: u64) -> Result<&mut Hold, String> {
        let found = self.holds.get_mut(&hold).filter(|hold| hold.end.is_none());
        found.ok_or_else(|| format!("I6: hold {hold} is not open"))
    }

    fn settle(&mut self, hold: u64, at_ms: i64, cost: i64) -> Result<(), String> {
        let found = self.open_hold(hold)?;
        found.end = Some((cost, at_ms));
        let (set, bound) = (found.set, found.bound);
        self.open -= 1;
        self.each(set, |account, member| {
            account.open -= bound;
            if member.takes(at_ms) {
                account.post(cost, at_ms, at_ms);
                account.overruns += (cost - bound).max(0);
            }
        })
    }

    fn correct(
        &mut self,
        hold: u64,
        at_ms: i64,
        settled_ms: i64,
        (was, cost): (i64, i64),
    ) -> Result<(), String> {
        let found = self.holds.get_mut(&hold).ok_or_else(|| format!("correction of no hold {hold}"))?;
        if found.end != Some((was, settled_ms)) {
            return Err(format!(
                "hold {hold} is corrected from {was} at {settled_ms}, but ended {:?}",
                found.end
            ));
        }
        found.end = Some((cost, settled_ms));
        let set = found.set;
        self.latest_ms = self.latest_ms.max(at_ms);
        self.each(set, |account, member| {
            if cost > was && member.takes(settled_ms) {
                account.post(cost - was, at_ms, at_ms);
                account.overruns += cost - was;
            } else if cost < was && member.takes(settled_ms) {
                account.refund(was - cost, settled_ms);
            }
        })
    }
}

/// The place of a number; numbers are given densely.
fn place<T>(list: &mut Vec<Option<T>>, id: u32) -> Result<&mut Option<T>, String> {
    let id = id as usize;
    if id > list.len() + 1_000 {
        return Err(format!("number {id} after {}", list.len()));
    }
    if id >= list.len() {
        list.resize_with(id + 1, || None);
    }
    Ok(&mut list[id])
}
