//! [`Rows`]: the open balances by what they count. A row is small: the words are the budget's, only the values are its
//! own, and equal fingerprints are chained through the rows.

use std::collections::HashMap;

use crate::balances::Slot;
use crate::values::{ByPrint, Values, fingerprint};
use crate::window::Span;

const NONE: u32 = u32::MAX;

/// What one open balance counts.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) slot: Slot,
    pub(crate) budget: u32,
    /// The next row with the same fingerprint.
    next: u32,
    pub(crate) span: Span,
    pub(crate) values: Values,
}

/// The open balances, each at the place of its slot.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: Vec<Option<Row>>,
    first: HashMap<u64, u32, ByPrint>,
    count: usize,
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&Row> {
        self.rows.get(slot.place())?.as_ref().filter(|row| row.slot == slot)
    }

    pub(crate) fn find<'v, V>(&self, budget: u32, span: Span, values: V) -> Option<Slot>
    where
        V: Iterator<Item = &'v str> + Clone,
    {
        let mut place = *self.first.get(&print(budget, span, values.clone()))?;
        while let Some(row) = self.rows.get(place as usize).and_then(Option::as_ref) {
            if row.budget == budget && row.span == span && row.values.are(values.clone()) {
                return Some(row.slot);
            }
            place = row.next;
        }
        None
    }

    pub(crate) fn insert(&mut self, budget: u32, span: Span, values: Values, slot: Slot) {
        let Ok(place) = u32::try_from(slot.place()) else { return };
        if self.rows.len() <= slot.place() {
            self.rows.resize_with(slot.place() + 1, || None);
        }
        let first = self.first.entry(print(budget, span, values.iter())).or_insert(NONE);
        let next = std::mem::replace(first, place);
        let before = self.rows[slot.place()].replace(Row { slot, budget, next, span, values });
        assert!(before.is_none(), "two balances in one place");
        self.count += 1;
    }

    pub(crate) fn remove(&mut self, slot: Slot) {
        if self.get(slot).is_none() {
            return;
        }
        let Some(gone) = self.rows[slot.place()].take() else { return };
        self.count -= 1;
        self.unchain(print(gone.budget, gone.span, gone.values.iter()), slot.place(), gone.next);
    }

    fn unchain(&mut self, print: u64, place: usize, next: u32) {
        let first = self.first.get(&print).copied().unwrap_or(NONE);
        if first as usize == place {
            match next {
                NONE => drop(self.first.remove(&print)),
                next => drop(self.first.insert(print, next)),
            }
            return;
        }
        let mut at = first;
        while let Some(row) = self.rows.get_mut(at as usize).and_then(Option::as_mut) {
            if row.next as usize == place {
                row.next = next;
                return;
            }
            at = row.next;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().flatten()
    }
}

fn print<'v>(budget: u32, span: Span, values: impl Iterator<Item = &'v str>) -> u64 {
    // The budget in the upper bits, where no instant of these centuries reaches.
    fingerprint(u64::from(budget) << 44 ^ span.starts_ms.cast_unsigned(), values)
}
