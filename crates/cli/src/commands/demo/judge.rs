//! The judge: the sandbox's own bill against the budget and the books.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use console::{BudgetRow, UnknownRow};
use money::Nano;
use serde::{Deserialize, Serialize};
use store::Recovered;

use super::DemoArgs;
use super::progress::Progress;
use super::tally::{Answer, Refused, Tally, starved};
use crate::failure::Failure;
use crate::live;
use crate::terminal::Terminal;

/// Two looks at the bill this far apart that agree: nothing is running any more.
const CALM: Duration = Duration::from_millis(400);

/// Who asks the sandbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judge {
    sandbox: SocketAddr,
}

/// What the sandbox has billed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Billed {
    /// Its own text, not rounded, USD.
    pub(crate) exact: String,
    /// The same, rounded up.
    pub(crate) rounded_up: Nano,
}

/// How it went.
#[derive(Debug)]
pub(crate) struct Verdict {
    budget: Nano,
    billed: Billed,
    booked: Nano,
    unknown: Nano,
    unknown_holds: usize,
    clients: u32,
    served: usize,
    refused: usize,
    failed: u32,
    starved: usize,
    kills: u32,
    seed: u64,
}

/// How it went, for programs: a contract. Money is decimal text; `billed_usd` is the sandbox's own, not rounded.
#[derive(Debug, Serialize)]
pub(crate) struct Line<'v> {
    budget_usd: String,
    billed_usd: &'v str,
    booked_usd: String,
    unknown_usd: String,
    overshoot_usd: String,
    served: usize,
    refused: usize,
    starved: usize,
    kills: u32,
    seed: u64,
}

#[derive(Deserialize)]
struct Bill {
    total_usd: String,
}

#[derive(Deserialize)]
struct Generation {
    data: GenerationData,
}

#[derive(Deserialize)]
struct GenerationData {
    total_cost: serde_json::Number,
}

impl Judge {
    pub(crate) fn new(sandbox: SocketAddr) -> Self {
        Judge { sandbox }
    }

    /// What the sandbox has billed so far.
    pub(crate) async fn billed(&self) -> Result<Billed, Failure> {
        let bill: Bill = self.ask("/sandbox/bill").await?;
        let rounded_up = Nano::parse_ceil(&bill.total_usd)
            .map_err(|error| Failure::caused(&format!("the sandbox billed '{}'", bill.total_usd), &error))?;
        Ok(Billed { exact: bill.total_usd, rounded_up })
    }

    async fn ask<T: for<'de> Deserialize<'de>>(&self, path: &str) -> Result<T, Failure> {
        let body = live::get_ok(&self.sandbox.to_string(), path).await?;
        serde_json::from_slice(&body)
            .map_err(|error| Failure::caused("the sandbox's answer cannot be read", &error))
    }

    /// Waits until nothing is in flight, everything with an id is resolved and the bill stands still.
    pub(crate) async fn wait_until_settled(
        &self,
        console: SocketAddr,
        most: Duration,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let console = console.to_string();
        let since = Instant::now();
        let mut before = None;
        loop {
            let unknown: Vec<UnknownRow> = read(&live::get_ok(&console, "/unknown").await?)?;
            let rows: Vec<BudgetRow> = read(&live::get_ok(&console, "/budgets").await?)?;
            let open = unknown.iter().filter(|hold| hold.generation.is_some()).count();
            let billed = self.billed().await?;
            let calm = before.as_ref() == Some(&billed);
            if open == 0 && calm && rows.iter().all(|row| row.held_usd == Nano::ZERO) {
                return Ok(());
            }
            if since.elapsed() > most {
                progress.say(&format!(
                    "{open} calls are still being looked up; they stay charged at their bounds"
                ));
                return Ok(());
            }
            before = Some(billed);
            tokio::time::sleep(CALM).await;
        }
    }

    /// Judges the books as the gateway left them.
    pub(crate) async fn verdict(
        &self,
        args: &DemoArgs,
        books: &Recovered,
        tally: &Tally,
        kills: u32,
    ) -> Result<Verdict, Failure> {
        let booked: Nano = books.balances.iter().map(|row| row.posted).sum();
        let unknown: Nano = books.open.iter().map(|hold| hold.bound).sum();
        let refusals = tally.refusals();
        let answers = self.later_answers(&refusals, tally).await;
        let (served, refused) = tally.counts();
        if served == 0 {
            return Err(Failure::failed("no call was served, so nothing was shown")
                .hint("a larger --budget lets some calls through"));
        }
        Ok(Verdict {
            budget: args.budget,
            billed: self.billed().await?,
            booked,
            unknown,
            unknown_holds: books.open.len(),
            clients: args.clients,
            served,
            refused,
            failed: tally.failures(),
            starved: starved(&refusals, &answers, booked.saturating_add(unknown), args.budget),
            kills,
            seed: args.seed,
        })
    }

    /// The answers sent after the first refusal, with costs that their clients did not wait for.
    async fn later_answers(&self, refusals: &[Refused], tally: &Tally) -> Vec<Answer> {
        let Some(first) = refusals.iter().map(|refused| refused.at).min() else { return Vec::new() };
        let mut answers = tally.answers_since(first);
        for answer in &mut answers {
            if let (None, Some(id)) = (answer.cost, &answer.generation) {
                answer.cost = self.cost_of(id).await;
            }
        }
        answers
    }

    async fn cost_of(&self, generation: &str) -> Option<Nano> {
        let found: Generation = self.ask(&format!("/api/v1/generation?id={generation}")).await.ok()?;
        Nano::parse_ceil(&found.data.total_cost.to_string()).ok()
    }
}

fn read<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body)
        .map_err(|error| Failure::caused("the console's answer cannot be read", &error))
}

impl Verdict {
    fn overshoot(&self) -> Nano {
        self.billed.rounded_up.saturating_sub(self.budget).max(Nano::ZERO)
    }

    fn accounted(&self) -> Nano {
        self.booked.saturating_add(self.unknown)
    }

    /// Whether the promise was kept: no more billed than the budget, and no more than the books know of.
    pub(crate) fn held(&self) -> bool {
        self.overshoot() == Nano::ZERO && self.billed.rounded_up <= self.accounted()
    }

    /// The line for programs.
    pub(crate) fn line(&self) -> Line<'_> {
        Line {
            budget_usd: self.budget.to_string(),
            billed_usd: &self.billed.exact,
            booked_usd: self.booked.to_string(),
            unknown_usd: self.unknown.to_string(),
            overshoot_usd: self.overshoot().to_string(),
            served: self.served,
            refused: self.refused,
            starved: self.starved,
            kills: self.kills,
            seed: self.seed,
        }
    }

    /// The page for people.
    pub(crate) fn text(&self, terminal: &Terminal) -> String {
        let exact = |amount: Nano| format!("${amount}");
        let share = |amount: Nano| amount.nanos() as f64 / self.budget.nanos() as f64;
        let bar = terminal.bar(40, share(self.billed.rounded_up), share(self.accounted()));
        let mut text = format!(
            "\n  {} client{}, one budget of {}, {} kill -9\n\n",
            self.clients,
            if self.clients == 1 { "" } else { "s" },
            self.budget.for_people(),
            self.kills
        );
        text += &format!("  {bar} {}\n\n", terminal.dim("billed, kept aside, left"));
        let mut line = |what: &str, amount: String, remark: &str| {
            let amount = format!("{amount:>14}");
            text += &format!("  {what:<24}{}  {}\n", terminal.bold(&amount), terminal.dim(remark))
                .replace("  \n", "\n");
        };
        line("budget", exact(self.budget), "");
        line("billed by the sandbox", exact(self.billed.rounded_up), "the judge: its own books");
        line("booked by farebox", exact(self.booked), "each cost rounded up");
        let lost = match self.unknown_holds {
            0 => String::new(),
            1 => "1 call cut off by the kill".to_owned(),
            count => format!("{count} calls cut off by the kill"),
        };
        line("kept aside, unknown", exact(self.unknown), &lost);
        line("overshoot", exact(self.overshoot()), "");
        let dot = terminal.dot();
        text += &format!(
            "\n  served {} {dot} refused {} {dot} starved {}",
            self.served, self.refused, self.starved
        );
        if self.failed > 0 {
            text += &format!(" {dot} upstream errors {}", self.failed);
        }
        let verdict = match self.held() {
            true => terminal.green("The budget held."),
            false if self.overshoot() > Nano::ZERO => terminal.red("The budget did NOT hold."),
            false => terminal.red("The books do NOT know of everything that was billed."),
        };
        text + &format!(" {dot} seed {}\n\n  {verdict}\n", self.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(billed: &str, booked: &str, unknown: &str) -> Verdict {
        let usd = |text: &str| Nano::parse_ceil(text).unwrap();
        Verdict {
            budget: usd("1"),
            billed: Billed { exact: billed.into(), rounded_up: usd(billed) },
            booked: usd(booked),
            unknown: usd(unknown),
            unknown_holds: 2,
            clients: 200,
            served: 612,
            refused: 200,
            failed: 0,
            starved: 0,
            kills: 1,
            seed: 1,
        }
    }

    #[test]
    fn what_holds() {
        assert!(verdict("0.9912345678901", "0.98", "0.02").held());
        assert!(verdict("1", "1", "0").held());
        assert!(!verdict("1.0000000000001", "1.01", "0").held(), "not even by less than a nano-dollar");
        assert!(!verdict("0.9", "0.8", "0.09").held(), "billed behind our back");
    }

    #[test]
    fn the_line_for_programs() {
        let verdict = verdict("1.0000000000001", "0.98", "0.02");
        assert_eq!(
            serde_json::to_string(&verdict.line()).unwrap(),
            r#"{"budget_usd":"1.000000000","billed_usd":"1.0000000000001","booked_usd":"0.980000000","unknown_usd":"0.020000000","overshoot_usd":"0.000000001","served":612,"refused":200,"starved":0,"kills":1,"seed":1}"#
        );
    }

    #[test]
    fn the_page_for_people() {
        let text = verdict("0.9512345678901", "0.951235", "0.0314").text(&Terminal::plain());
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        assert!(
            text.contains("  billed by the sandbox     $0.951234568  the judge: its own books\n"),
            "{text}"
        );
        assert!(
            text.ends_with("served 612 - refused 200 - starved 0 - seed 1\n\n  The budget held.\n"),
            "{text}"
        );
        assert!(verdict("1.1", "1.2", "0").text(&Terminal::plain()).contains("did NOT hold"));
    }
}
