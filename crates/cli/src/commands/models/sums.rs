//! What a request costs at some models as sums: likely, and at worst.

use super::cost::Cost;
use crate::amount;
use crate::sums::{self, Block};
use crate::terminal::Terminal;

/// Two blocks for each model, all in the same columns.
pub(super) fn render(costs: &[&Cost<'_>], terminal: &Terminal) -> String {
    let of_model = |cost: &&Cost<'_>| {
        let (name, worst) = (&cost.asked, &cost.estimate.worst);
        let worst = worst.explain(worst.output_cap);
        let (likely, most) = (amount::estimated(cost.likely.total), amount::estimated(worst.total));
        let block = |head, terms| Block { head, about: "", terms };
        [
            block(format!("{name}, likely: {likely}"), cost.likely.terms.clone()),
            block(format!("{name}, at worst ({}): {most}", worst.class), worst.terms),
        ]
    };
    sums::render(&costs.iter().flat_map(of_model).collect::<Vec<_>>(), terminal)
}
