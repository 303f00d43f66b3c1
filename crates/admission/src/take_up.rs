//! What a start takes up: the balances that matter at once, and every open hold as unknown.

use std::collections::HashMap;
use std::sync::Arc;

use ledger::mutants::{self, Mutant};
use ledger::{BalanceId, HoldSet, Member, Seat, SetId, Slot, UnknownReason};
use store::{BalanceRow, JournalError, Members, Record, Recovered};

use crate::admission::OpenError;
use crate::core::Core;
use crate::opening::Standing;
use crate::unknown::UnknownHold;

/// The sets of the holds that are taken up.
#[derive(Default)]
struct Sets {
    by_id: HashMap<SetId, Arc<HoldSet>>,
    by_members: HashMap<Members, SetId>,
}

impl Core {
    pub(crate) fn take_up(&self, recovered: Recovered) -> Result<(), OpenError> {
        let now_ms = self.latest_ms();
        let mut slots: HashMap<BalanceId, Slot> = HashMap::with_capacity(recovered.balances.len());
        for row in recovered.balances {
            slots.insert(row.id, self.take_up_balance(row, now_ms)?);
        }
        let mut sets = Sets::default();
        for open in recovered.open {
            if mutants::is(Mutant::VoidUnknownOnRestart) {
                continue;
            }
            let set = self.set_taken_up(&mut sets, &open, &slots)?;
            self.take_up_hold(open, set, now_ms)?;
        }
        Ok(())
    }

    /// A changed limit is declared anew; what was spent stays spent.
    fn take_up_balance(&self, row: BalanceRow, now_ms: i64) -> Result<Slot, OpenError> {
        let mut ways = self.ways.write();
        let budget = ways.index.budget_of(&row.name);
        let budgeted = budget.filter(|_| !mutants::is(Mutant::LimitKept));
        let limit = budgeted.map_or(row.limit, |budget| ways.index.budgets()[budget].limit);
        if limit != row.limit {
            self.store.append(&Record::Balance { id: row.id, name: &row.name, limit })?;
        }
        let name = row.name.clone();
        let slot = self.place(&name, Standing { limit, ..Standing::from(row) }, now_ms)?;
        if let Some(budget) = budget {
            ways.index.insert(budget, &name, slot);
        }
        Ok(slot)
    }

    fn set_taken_up(
        &self,
        sets: &mut Sets,
        open: &store::OpenHold,
        slots: &HashMap<BalanceId, Slot>,
    ) -> Result<Arc<HoldSet>, JournalError> {
        let id = match (open.set, sets.by_members.get(&open.members)) {
            (Some(id), _) | (None, Some(&id)) => id,
            // Of before there were sets.
            (None, None) => {
                let id = self.declare(&mut self.opening.lock(), &open.members)?;
                sets.by_members.insert(open.members.clone(), id);
                id
            }
        };
        let make = || {
            let seats: Vec<Seat> = open.members.iter().map(|member| seat(member, slots)).collect();
            Core::old_set(id, &seats)
        };
        Ok(Arc::clone(sets.by_id.entry(id).or_insert_with(make)))
    }

    fn take_up_hold(
        &self,
        open: store::OpenHold,
        set: Arc<HoldSet>,
        now_ms: i64,
    ) -> Result<(), JournalError> {
        let (reason, status) = open.unknown.unwrap_or((UnknownReason::Restart, 0));
        if open.unknown.is_none() {
            self.store.append(&Record::Unknown { hold: open.hold, at_ms: now_ms, reason, status })?;
        }
        let hold = UnknownHold {
            hold: open.hold,
            at_ms: open.at_ms,
            since_ms: if open.unknown.is_some() { open.unknown_since_ms } else { now_ms },
            bound: open.bound,
            class: open.class,
            model: open.model,
            generation: open.generation,
            reason,
            status,
            upstream_key: open.upstream_key,
            key: open.key.into(),
            set,
        };
        self.money.lock().charge_unknown(hold.set.seats(), hold.bound, hold.is_stuck());
        self.unknowns.insert(hold, now_ms);
        Ok(())
    }
}

fn seat(member: &Member, slots: &HashMap<BalanceId, Slot>) -> Seat {
    let slot = slots.get(&member.balance).expect("the store recovers every balance with an open hold on it");
    Seat::between(*slot, member.from_ms, member.until_ms)
}
