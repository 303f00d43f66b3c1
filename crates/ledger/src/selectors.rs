//! [`Selectors`]: which budgets a request may match, without looking at all of them.

use std::collections::HashMap;

use crate::budget::{Budget, Label, Scope};

/// Each budget under one part of its selector: the one that fewest budgets share.
#[derive(Debug, Default)]
pub(crate) struct Selectors {
    /// Budgets that match everything.
    all: Vec<u32>,
    /// Budgets by a value they ask for.
    by_value: [HashMap<String, Vec<u32>>; Label::ALL.len()],
}

impl Selectors {
    pub(crate) fn new(budgets: &[Budget]) -> Self {
        let mut shared: HashMap<(Label, &str), usize> = HashMap::new();
        for (label, value) in budgets.iter().flat_map(|budget| &budget.selector) {
            *shared.entry((*label, value)).or_default() += 1;
        }
        let mut selectors = Selectors::default();
        for (number, budget) in (0..).zip(budgets) {
            let rarest =
                budget.selector.iter().min_by_key(|(label, value)| shared[&(*label, value.as_str())]);
            match rarest {
                None => selectors.all.push(number),
                Some((label, value)) => {
                    let place = &mut selectors.by_value[*label as usize];
                    place.entry(value.clone()).or_default().push(number);
                }
            }
        }
        selectors
    }

    /// The numbers of the budgets that match, in the order configured.
    pub(crate) fn matching(&self, budgets: &[Budget], scope: &Scope<'_>) -> Vec<u32> {
        let mut numbers = self.all.clone();
        for label in Label::ALL {
            let by_value = &self.by_value[label as usize];
            numbers.extend(by_value.get(scope.value(label)).into_iter().flatten().copied());
        }
        numbers.retain(|number| budgets[*number as usize].matches(scope));
        numbers.sort_unstable();
        numbers
    }
}
