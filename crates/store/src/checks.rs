//! What the writer refuses to write: records that a replay would refuse to read.

use std::collections::{BTreeMap, HashMap, HashSet};

use ledger::{HoldId, Member};

use crate::{JournalError, Record, Recovered};

/// The open holds, the declared balances and the declared sets, as of the last record written.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    /// Each with the segment it began in; 0 when that is not known.
    open: HashMap<u64, u64>,
    /// The first hold id that was not given before the store was opened,
    first_hold: u64,
    /// and the first above all that were given.
    next_hold: u64,
    balances: Declared,
    sets: Declared,
}

/// Numbers given so far. They are dense, so that `above` stays near empty.
#[derive(Debug, Default)]
struct Declared {
    below: u32,
    above: HashSet<u32>,
}

impl Checks {
    /// `began`: the segment of each open hold, where it is known.
    pub(crate) fn new(recovered: &Recovered, began: &BTreeMap<u64, u64>) -> Self {
        let of = |hold: u64| (hold, began.get(&hold).copied().unwrap_or(0));
        Self {
            open: recovered.open.iter().map(|open| of(open.hold.0)).collect(),
            first_hold: recovered.next_hold,
            next_hold: recovered.next_hold,
            balances: Declared { below: recovered.next_balance, above: HashSet::new() },
            sets: Declared { below: recovered.next_set, above: HashSet::new() },
        }
    }

    /// Whether the record may follow those before it.
    pub(crate) fn allow(&self, record: &Record<'_>) -> Result<(), JournalError> {
        match *record {
            Record::Balance { .. } | Record::Clock { .. } | Record::Action { .. } => Ok(()),
            Record::Set { id, .. } if self.sets.has(id.0) => {
                Err(JournalError::Invalid("a second record for a hold set"))
            }
            Record::Set { members, .. } => self.allow_members(members),
            Record::Hold { hold, .. } if self.open.contains_key(&hold.0) => {
                Err(JournalError::AlreadyOpen(hold))
            }
            Record::Hold { hold, .. } if hold.0 < self.first_hold => {
                Err(JournalError::Invalid("a hold id that was given before"))
            }
            Record::Hold { set, .. } if !self.sets.has(set.0) => Err(JournalError::UndeclaredSet(set)),
            Record::Hold { .. } => Ok(()),
            Record::Generation { hold, .. } | Record::Unknown { hold, .. } | Record::Settle { hold, .. } => {
                if self.open.contains_key(&hold.0) {
                    Ok(())
                } else {
                    Err(JournalError::NotOpen(hold))
                }
            }
            Record::Correct { hold, .. } if self.open.contains_key(&hold.0) => {
                Err(JournalError::AlreadyOpen(hold))
            }
            Record::Correct { hold, .. } if hold.0 >= self.next_hold => Err(JournalError::NotOpen(hold)),
            Record::Correct { set, .. } if !self.sets.has(set.0) => Err(JournalError::UndeclaredSet(set)),
            Record::Correct { .. } => Ok(()),
        }
    }

    fn allow_members(&self, members: &[Member]) -> Result<(), JournalError> {
        for (at, member) in members.iter().enumerate() {
            if !self.balances.has(member.balance.0) {
                return Err(JournalError::Undeclared(member.balance));
            }
            if members[..at].iter().any(|earlier| earlier.balance == member.balance) {
                return Err(JournalError::Invalid("a balance twice in one hold set"));
            }
        }
        Ok(())
    }

    /// Notes a record that is written into this segment. Of a hold that began or ended: the segment it began in.
    pub(crate) fn wrote(&mut self, record: &Record<'_>, segment: u64) -> Option<u64> {
        match *record {
            Record::Balance { id, .. } => self.balances.declare(id.0),
            Record::Set { id, .. } => self.sets.declare(id.0),
            Record::Hold { hold: HoldId(hold), .. } => {
                let before = self.open.insert(hold, segment);
                assert_eq!(before, None, "hold {hold} was written twice");
                self.next_hold = self.next_hold.max(hold + 1);
                return Some(segment);
            }
            Record::Settle { hold: HoldId(hold), .. } => {
                let began = self.open.remove(&hold);
                assert!(began.is_some(), "hold {hold} was settled twice");
                return began;
            }
            Record::Generation { .. }
            | Record::Unknown { .. }
            | Record::Correct { .. }
            | Record::Clock { .. }
            | Record::Action { .. } => {}
        }
        None
    }

    /// How many open holds began in this segment.
    pub(crate) fn open_of(&self, segment: u64) -> usize {
        self.open.values().filter(|began| **began == segment).count()
    }
}

impl Declared {
    fn has(&self, id: u32) -> bool {
        id < self.below || self.above.contains(&id)
    }

    fn declare(&mut self, id: u32) {
        if id >= self.below {
            self.above.insert(id);
        }
        while self.above.remove(&self.below) {
            self.below += 1;
        }
    }
}
