//! What a request costs at some models as sums: likely, and at worst.

use super::cost::Cost;
use crate::amount;
use crate::sums::{self, Block};
use crate::terminal::Terminal;

/// Two blocks for each model that can do it, all in the same columns.
pub(super) fn render(costs: &[Cost<'_>], terminal: &Terminal) -> String {
    let of_model = |cost: &Cost<'_>| {
        let (name, sums) = (&cost.asked, cost.made()?);
        let worst = sums.estimate.worst.explain(sums.estimate.worst.output_cap);
        let (likely, most) = (amount::estimated(sums.likely.total), amount::estimated(worst.total));
        let block = |head, terms| Block { head, about: "", terms };
        Some([
            block(format!("{name}, likely: {likely}"), sums.likely.terms.clone()),
            block(format!("{name}, at worst ({}): {most}", worst.class), worst.terms),
        ])
    };
    sums::render(&costs.iter().filter_map(of_model).flatten().collect::<Vec<_>>(), terminal)
}
