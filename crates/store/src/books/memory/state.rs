//! What the books in memory hold.

use std::collections::BTreeMap;

use ledger::{HoldId, UpstreamKeyId};

use crate::books::{Clock, Extent, Snapshot};
use crate::recovered::Members;
use crate::tally::Tally;
use crate::{
    ActionRow, BalanceRow, ControlPoint, CorrectionRow, DecisionRow, EntryRow, HonestyRow, OpenHold,
    SavingRow,
};

/// Everything.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) at: Extent,
    pub(super) clean: bool,
    pub(super) latest_ms: i64,
    pub(super) next_balance: u32,
    pub(super) next_set: u32,
    pub(super) next_hold: u64,
    pub(super) clock: Option<Clock>,
    pub(super) restored: Option<i64>,
    pub(super) balances: BTreeMap<u32, BalanceRow>,
    pub(super) sets: BTreeMap<u32, Members>,
    pub(super) open: BTreeMap<u64, OpenHold>,
    /// The segments that open holds began in, where they are known.
    pub(super) began: BTreeMap<u64, u64>,
    pub(super) entries: BTreeMap<u64, EntryRow>,
    /// By hold and record.
    pub(super) corrections: BTreeMap<(u64, u64), CorrectionRow>,
    pub(super) actions: Vec<ActionRow>,
    pub(super) tally: Tally,
    pub(super) decisions: Vec<DecisionRow>,
    pub(super) savings: BTreeMap<(i64, String), SavingRow>,
    pub(super) honesty: BTreeMap<(String, String), HonestyRow>,
    pub(super) controls: BTreeMap<UpstreamKeyId, Vec<ControlPoint>>,
}

impl State {
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut held: Vec<u32> =
            self.open.values().flat_map(|open| open.members.iter().map(|member| member.balance.0)).collect();
        held.sort_unstable();
        held.dedup();
        Snapshot {
            balances: held.iter().filter_map(|id| self.balance(*id)).collect(),
            open: self.open.values().cloned().collect(),
            began: self.began.iter().map(|(hold, segment)| (HoldId(*hold), *segment)).collect(),
            ..self.head()
        }
    }

    /// The snapshot without the open holds and their balances.
    pub(super) fn head(&self) -> Snapshot {
        Snapshot {
            seq: self.at.seq,
            segment: self.at.ordinal,
            offset: self.at.offset,
            latest_ms: self.latest_ms,
            next_balance: self.next_balance,
            next_set: self.next_set,
            next_hold: self.next_hold,
            clock: self.clock,
            restored: self.restored,
            clean: self.clean,
            ..Snapshot::default()
        }
    }

    /// Forgets the journal that the books belong to.
    pub(super) fn restore(&mut self) {
        self.at = Extent { seq: self.at.seq, ..Extent::default() };
        self.clean = false;
        self.restored = self.restored.or(Some(self.latest_ms));
        self.began.clear();
    }

    /// With the buckets that count.
    pub(super) fn balance(&self, id: u32) -> Option<BalanceRow> {
        let mut row = self.balances.get(&id)?.clone();
        row.expire(self.latest_ms);
        Some(row)
    }
}
