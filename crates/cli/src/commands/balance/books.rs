//! What calls through these books may still cost: each open hold once, however many budgets it is held on.

use std::path::PathBuf;

use money::Nano;
use store::{OpenError, Recovered};

use crate::commands::budgets::list::{folder, unreadable};
use crate::failure::Failure;
use crate::live;

/// Sums over the open holds, USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Bounds of calls that are running.
    pub(crate) running: Nano,
    /// How many those are.
    pub(crate) running_count: usize,
    /// Bounds of calls whose cost is not known yet.
    pub(crate) unknown: Nano,
    /// How many those are.
    pub(crate) unknown_count: usize,
}

/// The open holds, where there are books.
pub(crate) fn open(data: Option<PathBuf>) -> Result<Option<Held>, Failure> {
    let Ok(folder) = folder(data) else { return Ok(None) };
    match store::read(&folder) {
        Ok(books) => Ok(Some(Held::of(&books, live::of_folder(&folder).is_some()))),
        Err(OpenError::Absent(_)) => Ok(None),
        Err(error) => Err(unreadable(&error)),
    }
}

impl Held {
    /// Without a gateway nothing runs: then every open hold is unknown.
    fn of(books: &Recovered, gateway_runs: bool) -> Held {
        let mut held = Held::default();
        for hold in &books.open {
            let (sum, count) = match gateway_runs && hold.unknown.is_none() {
                true => (&mut held.running, &mut held.running_count),
                false => (&mut held.unknown, &mut held.unknown_count),
            };
            *sum = sum.saturating_add(hold.bound);
            *count += 1;
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::{BalanceId, BoundClass, HoldId, Member, UnknownReason, UpstreamKeyId};
    use store::OpenHold;

    #[test]
    fn each_hold_counts_once() {
        let hold = |id, unknown| OpenHold {
            hold: HoldId(id),
            at_ms: 1,
            bound: Nano::from_cents(10),
            class: BoundClass::Proven,
            set: None,
            members: [1, 2].map(|id| Member::plain(BalanceId(id))).into_iter().collect(),
            key: String::new(),
            upstream_key: UpstreamKeyId([0; 8]),
            model: "m".into(),
            generation: None,
            unknown,
            unknown_since_ms: 0,
        };
        let open = vec![hold(1, None), hold(2, None), hold(3, Some((UnknownReason::Broken, 0)))];
        let books = Recovered { open, ..Recovered::default() };
        let live = Held::of(&books, true);
        assert_eq!((live.running, live.running_count, live.unknown_count), (Nano::from_cents(20), 2, 1));
        assert_eq!(Held::of(&books, false).unknown, Nano::from_cents(30));
    }
}
