//! Rows of an answer: generations grouped, summed, sorted and cut.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use serde_json::Value;

use super::ask::{By, Dimension, Granularity, Metric, Order, Query};
use crate::account::Account;
use crate::clock::Moment;
use crate::entry::Generation;
use crate::exact::Exact;
use crate::server::State;

/// Sums of what is grouped together.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    requests: u64,
    usage: Exact,
    prompt: u64,
    completion: u64,
    reasoning: u64,
}

/// What tells a row from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Group {
    step: Option<Moment>,
    names: Vec<Arc<str>>,
}

/// The whole answer.
pub(crate) fn answer(state: &State, query: &Query, now: Moment) -> String {
    let (mut rows, more) = {
        let account = state.account.read();
        collect(state, &account, query, now)
    };
    if let Some(order) = query.order {
        rows.sort_by(|a, b| compare(query, order, a, b));
    }
    let mut seen: HashMap<Vec<Arc<str>>, usize> = HashMap::new();
    rows.retain(|(group, _)| {
        let count = seen.entry(group.names.clone()).or_default();
        *count += 1;
        *count <= query.group_limit
    });
    let truncated = more || rows.len() > query.limit;
    rows.truncate(query.limit);
    let mut out = String::from("{\"data\":{\"data\":[");
    for (index, row) in rows.iter().enumerate() {
        write_row(&mut out, state, query, index, row);
    }
    let _ = write!(
        out,
        "],\"metadata\":{{\"query_time_ms\":1,\"row_count\":{},\"truncated\":{truncated}}}}}}}",
        rows.len()
    );
    out
}

/// The groups, newest first, and whether the search was cut short: each generation a row, and too many of them.
fn collect(state: &State, account: &Account, query: &Query, now: Moment) -> (Vec<(Group, Sum)>, bool) {
    let single = query.dimensions.contains(&Dimension::Generation) && query.order.is_none();
    let lag_ms = state.config.counter_lag_ms;
    let books = state.books();
    let mut places: HashMap<Group, usize> = HashMap::new();
    let mut rows: Vec<(Group, Sum)> = Vec::new();
    for generation in books.all().rev() {
        let created = generation.plan.created;
        let seen = generation.billed.is_some_and(|billed| billed.after_ms(lag_ms) <= now);
        if !seen || created < query.start || created >= query.end || !passes(query, generation) {
            continue;
        }
        if single && rows.len() > query.limit {
            return (rows, true);
        }
        let names = query.dimensions.iter().map(|own| label(account, *own, generation)).collect();
        let step = query.granularity.map(|granularity| granularity.floor(created));
        let group = Group { step, names };
        let place = *places.entry(group).or_insert_with_key(|group| {
            rows.push((group.clone(), Sum::default()));
            rows.len() - 1
        });
        rows[place].1.add(generation, now, lag_ms);
    }
    rows.sort_by_key(|(group, _)| std::cmp::Reverse(group.step));
    (rows, false)
}

impl Sum {
    fn add(&mut self, generation: &Generation, now: Moment, lag_ms: u64) {
        let charge = match &generation.before {
            Some((at, before)) if at.after_ms(lag_ms) > now => before,
            _ => &generation.charge,
        };
        self.requests += 1;
        self.usage = self.usage.plus(charge.openrouter);
        self.prompt += generation.usage.prompt;
        self.completion += generation.usage.completion;
        self.reasoning += generation.usage.reasoning;
    }

    fn count(&self, metric: Metric) -> u64 {
        match metric {
            Metric::Requests => self.requests,
            Metric::Prompt => self.prompt,
            Metric::Completion => self.completion,
            Metric::Total => self.prompt + self.completion,
            Metric::Reasoning => self.reasoning,
            Metric::Usage => 0,
        }
    }
}

/// A filter takes what is stored; of a key its hash, of a model either of its slugs.
fn passes(query: &Query, generation: &Generation) -> bool {
    let plan = &generation.plan;
    query.filters.iter().all(|filter| match filter.dimension {
        Dimension::Generation => filter.passes(&[&plan.id]),
        Dimension::Model => filter.passes(&[&plan.model.id, &plan.model.canonical]),
        Dimension::Provider => filter.passes(&[&plan.provider]),
        Dimension::Key => filter.passes(&[&generation.payer.key]),
        Dimension::Workspace => filter.passes(&[&generation.payer.workspace]),
    })
}

/// What a dimension is called in a row: keys and workspaces by their names.
fn label(account: &Account, dimension: Dimension, generation: &Generation) -> Arc<str> {
    let (plan, payer) = (&generation.plan, &generation.payer);
    match dimension {
        Dimension::Generation => Arc::clone(&plan.id),
        Dimension::Model => Arc::clone(&plan.model.canonical),
        Dimension::Provider => Arc::clone(&plan.provider),
        Dimension::Key => {
            account.key(&payer.key).map_or_else(|| Arc::clone(&payer.key), |key| key.name.as_str().into())
        }
        Dimension::Workspace => account
            .workspace(&payer.workspace)
            .map_or_else(|| Arc::clone(&payer.workspace), |own| own.name.as_str().into()),
    }
}

fn compare(
    query: &Query,
    order: Order,
    (group, sum): &(Group, Sum),
    (other, others): &(Group, Sum),
) -> Ordering {
    let ordering = match order.by {
        By::Date => group.step.cmp(&other.step),
        By::Metric(Metric::Usage) => sum.usage.cmp(&others.usage),
        By::Metric(metric) => sum.count(metric).cmp(&others.count(metric)),
        By::Dimension(dimension) => {
            let place = query.dimensions.iter().position(|own| *own == dimension).unwrap_or_default();
            group.names.get(place).cmp(&other.names.get(place))
        }
    };
    if order.descending { ordering.reverse() } else { ordering }
}

/// Counts are text in one row and numbers in the next, for both were seen; amounts are numbers, now and then with an
/// exponent.
fn write_row(out: &mut String, state: &State, query: &Query, index: usize, (group, sum): &(Group, Sum)) {
    let comma = |at: usize| if at == 0 { "" } else { "," };
    let _ = write!(out, "{}{{", comma(index));
    let mut fields = 0;
    if let Some((granularity, step)) = query.granularity.zip(group.step) {
        let _ = write!(out, "\"{}__{}\":\"{}\"", source(query), granularity.name(), step.iso());
        fields += 1;
    }
    for (dimension, name) in query.dimensions.iter().zip(&group.names) {
        let _ = write!(out, "{}\"{}\":{}", comma(fields), dimension.name(), Value::from(&**name));
        fields += 1;
    }
    for metric in &query.metrics {
        let _ = write!(out, "{}\"{}\":", comma(fields), metric.name());
        fields += 1;
        let _ = match metric {
            Metric::Usage if has_exponent(state, index) => write!(out, "{}", sum.usage.exponent_form()),
            Metric::Usage => write!(out, "{}", sum.usage),
            _ if index.is_multiple_of(2) => write!(out, "\"{}\"", sum.count(*metric)),
            _ => write!(out, "{}", sum.count(*metric)),
        };
    }
    out.push('}');
}

/// Which of two names the column of time has: `created_at` where single generations are looked at.
fn source(query: &Query) -> &'static str {
    let raw = [Dimension::Generation, Dimension::Provider];
    let fine = query.granularity == Some(Granularity::Minute);
    if fine || query.dimensions.iter().any(|own| raw.contains(own)) { "created_at" } else { "date" }
}

/// Evenly over the rows, as often as the configuration says.
fn has_exponent(state: &State, index: usize) -> bool {
    let share = state.config.exponents;
    ((index + 1) as f64 * share).floor() > (index as f64 * share).floor()
}
