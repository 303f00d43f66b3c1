//! What a route saved on one call: the tokens that OpenRouter counted, at the baseline's listed prices, against what
//! it charged. Beside the money, never part of it.

use money::Nano;
use pricing::{Book, Used, listed_cost};
use store::SavingRow;

use crate::route_table::ModelRoute;

const DAY_MS: i64 = 86_400_000;

/// The row that one call adds. Without its cost, its tokens or a baseline the call is counted as not compared.
pub(crate) fn of(
    route: &ModelRoute,
    book: &Book,
    cost: Option<Nano>,
    used: Option<Used>,
    now_ms: i64,
) -> SavingRow {
    let row = SavingRow {
        route: route.name.clone(),
        day: now_ms.div_euclid(DAY_MS),
        uncompared: 1,
        ..SavingRow::default()
    };
    let compared = || {
        let instead = listed_cost(book.model(route.baseline())?, used?)?;
        Some((cost?, instead))
    };
    match compared() {
        Some((cost, instead)) => SavingRow { calls: 1, cost, instead, uncompared: 0, ..row },
        None => row,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openrouter::catalogue::Catalogue;

    #[test]
    fn one_call() {
        let book = Catalogue::open(None).book();
        let route = |models: &[&str], instead_of: Option<&str>| ModelRoute {
            name: "task/x".to_owned(),
            models: models.iter().map(|model| (*model).to_owned()).collect(),
            instead_of: instead_of.map(str::to_owned),
            hides_model: false,
        };
        let used = Some(Used { prompt: 1_000, cached: 0, completion: 100 });
        let cost = Some(Nano::from_nanos(250_000));
        let day = 20_781;
        let now_ms = day * DAY_MS + 5;
        // openai/gpt-4o lists 2.5 and 10 USD a million tokens.
        for (route, cost, used, expect) in [
            (route(&["openai/gpt-4o:floor", "a/b"], None), cost, used, (1, 250_000, 3_500_000, 0)),
            (route(&["a/b"], Some("openai/gpt-4o")), cost, used, (1, 250_000, 3_500_000, 0)),
            (route(&["a/b"], None), cost, used, (0, 0, 0, 1)),
            (route(&["openai/gpt-4o"], None), None, used, (0, 0, 0, 1)),
            (route(&["openai/gpt-4o"], None), cost, None, (0, 0, 0, 1)),
        ] {
            let row = of(&route, &book, cost, used, now_ms);
            let told = (row.calls, row.cost.nanos(), row.instead.nanos(), row.uncompared);
            assert_eq!((told, row.day, row.route.as_str()), (expect, day, "task/x"), "{route:?}");
        }
    }
}
