//! The verdict: the sandbox's bill against the books and the limit, and who was starved.
//!
//! *Starved*: refused for good although everything admitted until then, at what it came to cost in the end, plus
//! this call's smallest useful bound, is within the limit (DESIGN.md section 1). The sandbox knows when each
//! generation began and what it came to; one that it had not begun yet counts as nothing, which makes more
//! refusals look starved, never fewer.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use money::Nano;
use serde_json::Value;

use crate::load::{Refused, Seen};
use crate::world::World;

/// What was billed, booked and refused.
#[derive(Debug)]
pub struct Verdict {
    /// The sandbox's bill, exact decimal text.
    pub billed_text: String,
    /// The same, rounded up to a nano-dollar.
    pub billed: Nano,
    /// Generations that the sandbox ran.
    pub generations: usize,
    /// The budget's limit.
    pub limit: Nano,
    /// Known costs.
    pub posted: Nano,
    /// Bounds of requests in flight; none at the end.
    pub held: Nano,
    /// Bounds of requests whose cost is not known.
    pub unknown: Nano,
    /// Unknown holds that have an id, which must not be.
    pub unknown_with_id: usize,
    /// Unknown holds without one.
    pub unknown_without_id: usize,
    /// Final refusals that were not necessary.
    pub starved: usize,
    /// Attempts billed above their hold.
    pub overruns: u64,
}

impl Verdict {
    /// Waits until what can be resolved is resolved, and judges.
    ///
    /// # Errors
    /// When a process does not answer, or answers something else than amounts.
    pub async fn of(world: &World, seen: &Seen, patience: Duration) -> Result<Verdict> {
        settle(world, patience).await?;
        let bill = world.sandbox("bill").await?;
        let generations = world.sandbox("generations").await?;
        let generations = rows(&generations)?;
        let budgets = world.console("budgets").await?;
        let budget = rows(&budgets)?.first().context("no budget")?;
        let unknown = world.console("unknown").await?;
        let unknown = rows(&unknown)?;
        let stats = world.console("stats").await?;
        let unknown_with_id = unknown.iter().filter(|hold| hold["generation"].is_string()).count();
        let billed_text = bill["total_usd"].as_str().context("no total")?.to_owned();
        let limit = usd(budget, "limit_usd")?;
        Ok(Verdict {
            billed: Nano::parse_ceil(&billed_text)?,
            billed_text,
            generations: generations.len(),
            limit,
            posted: usd(budget, "posted_usd")?,
            held: usd(budget, "held_usd")?,
            unknown: usd(budget, "unknown_usd")?,
            unknown_with_id,
            unknown_without_id: unknown.len() - unknown_with_id,
            starved: starved(&seen.refused, generations, limit)?,
            overruns: stats["gateway"]["overruns"]
                .as_u64()
                .or(stats["overruns"].as_u64())
                .context("no overruns")?,
        })
    }

    /// Every promise that was broken, in words, but for starvation.
    pub fn complaints(&self, seen: &Seen) -> Vec<String> {
        let owed = self.posted.saturating_add(self.unknown);
        let mut complaints = seen.surprises.clone();
        let mut check = |holds: bool, complaint: String| {
            if !holds {
                complaints.push(complaint);
            }
        };
        check(self.billed <= self.limit, format!("overshoot: billed {} of {}", self.billed_text, self.limit));
        check(
            self.billed <= owed,
            format!("billed {} but only {owed} is posted or unknown", self.billed_text),
        );
        check(owed <= self.limit, format!("posted and unknown are {owed} of {}", self.limit));
        check(self.held == Nano::ZERO, format!("{} is still held", self.held));
        check(self.overruns == 0, format!("{} overruns", self.overruns));
        check(self.unknown_with_id == 0, format!("{} unknown holds with an id", self.unknown_with_id));
        check(
            self.unknown_without_id > 0 || self.unknown == Nano::ZERO,
            "unknown money without a hold".to_owned(),
        );
        // Each posted cost is its text rounded up to a nano-dollar.
        let rounding = Nano::from_nanos(i64::try_from(self.generations).unwrap_or(i64::MAX));
        let beyond = self.posted.saturating_sub(self.billed);
        check(beyond <= rounding, format!("posted is {beyond} more than was billed"));
        complaints
    }

    /// Whether the books owe at least the bill, and no more than the limit.
    pub fn owes_enough(&self) -> Option<String> {
        let owed = self.posted.saturating_add(self.unknown);
        let enough = self.billed <= owed && owed <= self.limit;
        (!enough).then(|| format!("billed {}, owed {owed}, limit {}", self.billed_text, self.limit))
    }

    /// The other half of the promise: fewer than two in a hundred requests starved.
    pub fn starvation(&self, seen: &Seen) -> Option<String> {
        let (starved, requests) = (self.starved as u64, seen.requests());
        (starved * 100 >= requests.max(1) * 2).then(|| format!("{starved} of {requests} requests starved"))
    }
}

async fn settle(world: &World, patience: Duration) -> Result<()> {
    let deadline = Instant::now() + patience;
    loop {
        // In this order: a hold goes from held to unknown, never back.
        let budgets = world.console("budgets").await?;
        let unknown = world.console("unknown").await?;
        let held = usd(rows(&budgets)?.first().context("no budget")?, "held_usd")?;
        let open = rows(&unknown)?.iter().any(|hold| hold["generation"].is_string());
        if (!open && held == Nano::ZERO) || Instant::now() > deadline {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn starved(refused: &[Refused], generations: &[Value], limit: Nano) -> Result<usize> {
    let mut costs = Vec::with_capacity(generations.len());
    for generation in generations {
        let cost = Nano::parse_ceil(generation["cost_usd"].as_str().context("a generation without a cost")?)?;
        costs.push((generation["created"].as_i64().context("a generation without a time")?, cost));
    }
    costs.sort_unstable();
    let admitted_before =
        |at_ms: i64| costs.iter().take_while(|(created, _)| *created <= at_ms).map(|(_, cost)| *cost).sum();
    let is_starved = |refused: &&Refused| {
        let admitted: Nano = admitted_before(refused.at_ms);
        admitted.saturating_add(refused.needed) <= limit
    };
    Ok(refused.iter().filter(is_starved).count())
}

fn rows(json: &Value) -> Result<&Vec<Value>> {
    let rows = json.as_array().or_else(|| json.as_object()?.values().find_map(Value::as_array));
    rows.context("not a list")
}

fn usd(row: &Value, name: &str) -> Result<Nano> {
    Ok(Nano::parse_ceil(row[name].as_str().with_context(|| format!("no {name}"))?)?)
}
