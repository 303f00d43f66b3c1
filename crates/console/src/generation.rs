//! [`GenerationRow`]: what our books say of one generation, live or from the folder.

use std::collections::BTreeMap;

use ledger::{BalanceName, Evidence};
use money::Nano;
use serde::{Deserialize, Serialize};

use crate::amount;
use crate::row::rfc3339;

/// One generation in the books: the hold it was made under, and how that ended. Amounts are USD.
///
/// The one shape of `GET /generation/{id}` and of `books` in `farebox generation ID --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationRow {
    /// OpenRouter's id.
    pub generation: String,
    /// The number of the hold.
    pub hold: u64,
    /// The model asked for.
    pub model: String,
    /// When the hold was made, RFC 3339 in UTC.
    pub at: String,
    /// The most the call could cost, which was held.
    #[serde(with = "amount")]
    pub bound_usd: Nano,
    /// How well that is founded: `proven` or `published`.
    pub class: String,
    /// `held`, `unknown`, `settled` or `voided`.
    pub state: String,
    /// What was booked; `null` while it is not known.
    #[serde(with = "amount::maybe")]
    pub cost_usd: Option<Nano>,
    /// The cost as OpenRouter wrote it.
    pub cost_text: Option<String>,
    /// What proved it: `usage`, `generation`, `never-sent`, `refused`, `insured`.
    pub evidence: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Why its cost was not known for a while, or is not yet.
    pub reason: Option<String>,
    /// The balances it was charged to.
    pub budgets: Vec<ChargedBudget>,
}

/// One balance that a generation was charged to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargedBudget {
    /// The budget's name.
    pub name: String,
    /// `hour`, `day`, `week`, `month` or `lifetime`.
    pub window: String,
    /// The value of each label of `per`; empty without.
    #[serde(default)]
    pub scope: BTreeMap<String, String>,
}

impl From<&store::GenerationRow> for GenerationRow {
    fn from(row: &store::GenerationRow) -> Self {
        let end = row.end.as_ref();
        GenerationRow {
            generation: row.generation.clone(),
            hold: row.hold.0,
            model: row.model.clone(),
            at: rfc3339(row.at_ms),
            bound_usd: row.bound,
            class: row.class.text().to_owned(),
            state: state(row).to_owned(),
            cost_usd: end.map(|end| end.cost),
            cost_text: end.map(|end| end.text.clone()).filter(|text| !text.is_empty()),
            evidence: end.map(|end| end.evidence.text().to_owned()),
            ended_at: end.map(|end| rfc3339(end.at_ms)),
            reason: row.unknown.map(|(reason, _)| reason.text().to_owned()),
            budgets: row.balances.iter().map(ChargedBudget::from).collect(),
        }
    }
}

fn state(row: &store::GenerationRow) -> &'static str {
    match (&row.end, row.unknown) {
        (Some(end), _) if is_void(end.evidence, end.cost) => "voided",
        (Some(_), _) => "settled",
        (None, Some(_)) => "unknown",
        (None, None) => "held",
    }
}

/// OpenRouter's own figure settles even where it is zero.
fn is_void(evidence: Evidence, cost: Nano) -> bool {
    cost == Nano::ZERO && !matches!(evidence, Evidence::Usage | Evidence::Generation)
}

impl From<&BalanceName> for ChargedBudget {
    fn from(name: &BalanceName) -> Self {
        ChargedBudget {
            name: name.budget.clone(),
            window: name.window.clone(),
            scope: name.scope.iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::{BoundClass, HoldId, UnknownReason};
    use store::HoldEnd;

    #[test]
    fn states() {
        let mut row = store::GenerationRow {
            hold: HoldId(7),
            at_ms: 1_000,
            bound: Nano::from_cents(10),
            class: BoundClass::Proven,
            model: "m".into(),
            generation: "gen-7".into(),
            balances: vec![],
            unknown: None,
            end: None,
        };
        assert_eq!(GenerationRow::from(&row).state, "held");
        row.unknown = Some((UnknownReason::Broken, 0));
        let unknown = GenerationRow::from(&row);
        assert_eq!((unknown.state.as_str(), unknown.cost_usd), ("unknown", None), "not known is not zero");
        row.end = Some(HoldEnd {
            at_ms: 2_000,
            cost: Nano::from_nanos(5),
            text: "5e-9".into(),
            evidence: Evidence::Generation,
        });
        let json = serde_json::to_string(&GenerationRow::from(&row)).unwrap();
        assert_eq!(
            json,
            r#"{"generation":"gen-7","hold":7,"model":"m","at":"1970-01-01T00:00:01Z","bound_usd":"0.100000000","class":"proven","state":"settled","cost_usd":"0.000000005","cost_text":"5e-9","evidence":"generation","ended_at":"1970-01-01T00:00:02Z","reason":"broken","budgets":[]}"#
        );
        assert_eq!(serde_json::from_str::<GenerationRow>(&json).unwrap(), GenerationRow::from(&row));
        row.end = row.end.map(|end| HoldEnd { evidence: Evidence::Refused, cost: Nano::ZERO, ..end });
        assert_eq!(GenerationRow::from(&row).state, "voided");
        row.end = row.end.map(|end| HoldEnd { evidence: Evidence::Generation, ..end });
        assert_eq!(GenerationRow::from(&row).state, "settled", "a zero that OpenRouter told");
    }
}
