//! A batch: each of its requests estimated, one after the other, and their sums.
//!
//! Nothing is kept of a request but what the sums and the first lines need: a batch may have as many as its file holds.
//! Requests that OpenRouter would refuse, that a model cannot do, or that have no bound are in no sum, and are said to
//! be in none.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write};

use indicatif::{ProgressBar, ProgressDrawTarget};
use money::Nano;
use pricing::Class;
use serde_json::{Value, json};

use super::batch::{Batch, Entry};
use super::input::Input;
use super::room::{self, Limit};
use super::{Asking, EstimateArgs, Row, body, json};
use crate::amount::{column, grouped};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::prices::Prices;
use crate::prose;
use crate::table;
use crate::terminal::Terminal;

/// So many requests are told one by one; more are told by their models.
const TOLD_MAX: usize = 20;
/// Of each kind of what is in no sum.
const REASONS_MAX: usize = 5;

/// Prints it.
pub(super) async fn run(batch: &Batch, args: &EstimateArgs) -> Result<Exit, Failure> {
    if args.compare || args.calls.is_some() || args.model.len() > 1 {
        let failure = Failure::usage(format!("{} has many requests", batch.name));
        return Err(
            failure.hint("--compare, --calls and several models are for one; a batch takes one --model")
        );
    }
    let mut prices = Prices::open(&args.prices).await?;
    let (names, requests) = models(batch, args)?;
    if requests == 0 {
        return Err(Failure::usage(format!("{} has no request", batch.name)));
    }
    prices.know(names.iter().flat_map(|name| prices.routed(name)).collect()).await;
    let limits = room::limits(args.console.as_deref(), &prices, "").await?;
    let mut out = Out::new(args.json);
    let bar = progress(requests);
    let mut tally = Tally::default();
    batch.each(|entry| {
        let told = told(&entry, args, &prices);
        out.one(&entry, &told)?;
        tally.add(batch, &entry, &told, &prices);
        bar.inc(1);
        Ok(())
    })?;
    bar.finish_and_clear();
    prices.warn();
    if args.json {
        out.end(&tally, &limits, &prices)?;
    } else if tally.estimated > 0 || tally.unable > 0 {
        output::text(&text(batch, &tally, &limits, &prices, &Terminal::of_stdout()))?;
    }
    match (tally.estimated + tally.unable, tally.failure) {
        (0, Some(failure)) => Err(failure),
        _ => Ok(Exit::Ok),
    }
}

/// Every name of a model in it, and how many requests there are.
fn models(batch: &Batch, args: &EstimateArgs) -> Result<(BTreeSet<String>, usize), Failure> {
    let mut names: BTreeSet<String> = args.model.iter().cloned().collect();
    let mut requests = 0;
    batch.each(|entry| {
        requests += 1;
        if let (true, Ok(request)) = (args.model.is_empty(), entry.body) {
            names.extend(body::models(request));
        }
        Ok(())
    })?;
    Ok((names, requests))
}

fn told(entry: &Entry<'_>, args: &EstimateArgs, prices: &Prices) -> Result<Row, Failure> {
    let request = entry.body.clone().map_err(Failure::failed)?;
    let asking = Asking::new(Input::Body(request.to_owned()), args, prices.config.bounds.clone());
    asking.row(args.model.first().map(String::as_str), prices)
}

/// On a terminal, while there is much to do.
fn progress(requests: usize) -> ProgressBar {
    let is_long = requests > 500 && Terminal::of_stderr().interactive;
    let target = if is_long { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    ProgressBar::with_draw_target(Some(requests as u64), target)
}

/// The sums so far.
#[derive(Default)]
struct Tally {
    requests: u64,
    estimated: u64,
    /// What OpenRouter would refuse, or a model cannot do.
    unable: u64,
    /// What has no bound, or cannot be read.
    failed: u64,
    published: u64,
    /// Above what the configuration allows a call.
    too_dear: u64,
    likely: Nano,
    worst: Nano,
    by_model: BTreeMap<String, Share>,
    first: Vec<Line>,
    why_unable: Vec<String>,
    why_failed: Vec<String>,
    failure: Option<Failure>,
}

/// What one model has of it.
#[derive(Clone, Copy, Default)]
struct Share {
    requests: u64,
    likely: Nano,
    worst: Nano,
}

/// One request.
struct Line {
    name: String,
    model: String,
    likely: Option<Nano>,
    worst: Option<Nano>,
}

impl Tally {
    fn add(&mut self, batch: &Batch, entry: &Entry<'_>, told: &Result<Row, Failure>, prices: &Prices) {
        self.requests += 1;
        let id = entry.id.as_deref().map(table::printable);
        let place = batch.place(entry.at);
        let name = id.map_or_else(|| place.clone(), |id| format!("{place} ({id})"));
        let sums = match told {
            Ok(row) => match &row.obstacle {
                None => Some(self.pay(row, prices)),
                Some(obstacle) => {
                    self.unable += 1;
                    note(&mut self.why_unable, format!("{name}: {}", obstacle.told(&row.asked)));
                    None
                }
            },
            Err(failure) => {
                self.failed += 1;
                let hint = failure.known_hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
                note(&mut self.why_failed, format!("{name}: {}{hint}.", failure.message()));
                self.failure.get_or_insert_with(|| {
                    let mut first = Failure::failed(format!("{}, {name}: {}", batch.name, failure.message()));
                    first.exit = failure.exit;
                    match failure.known_hint() {
                        Some(hint) => first.hint(hint),
                        None => first,
                    }
                });
                None
            }
        };
        if self.first.len() <= TOLD_MAX {
            let model = told.as_ref().map_or_else(|_| "-".to_owned(), |row| row.asked.clone());
            let (likely, worst) = sums.unzip();
            self.first.push(Line { name, model, likely, worst });
        }
    }

    /// One more that costs something.
    fn pay(&mut self, row: &Row, prices: &Prices) -> (Nano, Nano) {
        let (likely, worst) = (row.estimate.likely.total, row.estimate.worst.usd());
        self.estimated += 1;
        self.published += u64::from(row.estimate.worst.class == Class::Published);
        self.too_dear += u64::from(prices.config.per_request.is_some_and(|most| worst > most));
        self.likely = self.likely.saturating_add(likely);
        self.worst = self.worst.saturating_add(worst);
        let share = self.by_model.entry(row.asked.clone()).or_default();
        share.requests += 1;
        share.likely = share.likely.saturating_add(likely);
        share.worst = share.worst.saturating_add(worst);
        (likely, worst)
    }
}

fn note(reasons: &mut Vec<String>, reason: String) {
    if reasons.len() < REASONS_MAX {
        reasons.push(reason);
    }
}

fn text(batch: &Batch, tally: &Tally, limits: &[Limit], prices: &Prices, terminal: &Terminal) -> String {
    let requests = grouped(tally.requests);
    let head = format!("{}: {requests} request{}", batch.name, if tally.requests == 1 { "" } else { "s" });
    let mut text = prose::line(&terminal.bold(&head), 2, terminal);
    text += &if tally.requests <= TOLD_MAX as u64 {
        one_by_one(tally, terminal)
    } else {
        by_model(tally, terminal)
    };
    text.push('\n');
    for sentence in missing(tally).into_iter().chain(rooms(tally, limits, prices)) {
        text += &prose::line(&sentence, 2, terminal);
    }
    if tally.published > 0 {
        let all = tally.published == tally.estimated;
        let of = if all {
            "all"
        } else {
            &format!("{} of {}", grouped(tally.published), grouped(tally.estimated))
        };
        text += &prose::line(&format!("worst: published, not proven, for {of}"), 2, terminal);
    }
    text + &prose::line(&prices.told(), 2, terminal)
}

fn one_by_one(tally: &Tally, terminal: &Terminal) -> String {
    let of = |pick: fn(&Line) -> Option<Nano>, total| {
        column(&tally.first.iter().map(pick).chain([Some(total)]).collect::<Vec<_>>())
    };
    let (likely, worst) = (of(|line| line.likely, tally.likely), of(|line| line.worst, tally.worst));
    let names = tally.first.iter().map(|line| (line.name.clone(), line.model.clone()));
    let rows = names.chain([("total".to_owned(), String::new())]).zip(likely.into_iter().zip(worst));
    let rows: Vec<[String; 4]> =
        rows.map(|((name, model), (likely, worst))| [name, model, likely, worst]).collect();
    table::fitted(
        ["REQUEST", "MODEL", "LIKELY", "WORST"],
        &[0, 1],
        &rows,
        &[&[0, 1, 2, 3], &[0, 2, 3]],
        terminal,
    )
}

/// The dearest first.
fn by_model(tally: &Tally, terminal: &Terminal) -> String {
    let mut shares: Vec<(&str, Share)> =
        tally.by_model.iter().map(|(model, share)| (model.as_str(), *share)).collect();
    shares.sort_by_key(|(_, share)| Reverse((share.likely, share.worst)));
    shares.push(("total", Share { requests: tally.estimated, likely: tally.likely, worst: tally.worst }));
    let of = |pick: fn(&Share) -> Nano| {
        column(&shares.iter().map(|(_, share)| Some(pick(share))).collect::<Vec<_>>())
    };
    let (likely, worst) = (of(|share| share.likely), of(|share| share.worst));
    let sums = likely.into_iter().zip(worst);
    let rows: Vec<[String; 4]> = shares
        .iter()
        .zip(sums)
        .map(|((model, share), (likely, worst))| {
            [(*model).to_owned(), grouped(share.requests), likely, worst]
        })
        .collect();
    table::fitted(
        ["MODEL", "REQUESTS", "LIKELY", "WORST"],
        &[0],
        &rows,
        &[&[0, 1, 2, 3], &[0, 2, 3]],
        terminal,
    )
}

/// What is in no sum, and why.
fn missing(tally: &Tally) -> Vec<String> {
    let mut sentences = Vec::new();
    for (count, what, reasons) in [
        (tally.unable, "would not be done as asked, and are in no sum", &tally.why_unable),
        (tally.failed, "cannot be estimated, and are in no sum", &tally.why_failed),
    ] {
        if count > 0 {
            sentences.push(format!("{} of {} {what}:", grouped(count), grouped(tally.requests)));
            sentences.extend(reasons.iter().map(|reason| format!("  {reason}")));
            let more = count - reasons.len() as u64;
            sentences.extend((more > 0).then(|| format!("  and {} more", grouped(more))));
        }
    }
    sentences
}

/// What the limits mean for all of it.
fn rooms(tally: &Tally, limits: &[Limit], prices: &Prices) -> Vec<String> {
    let mut sentences = Vec::new();
    if let (Some(most), 1..) = (prices.config.per_request, tally.too_dear) {
        let (count, most) = (grouped(tally.too_dear), most.for_people());
        sentences.push(format!("limits.per_request allows {most} a call: {count} may cost more."));
    }
    for limit in limits.iter().filter(|limit| limit.window.is_some()) {
        let when =
            limit.when.as_ref().map(|when| format!(", if it is charged there ({when})")).unwrap_or_default();
        let outcome = match limit.available {
            left if tally.worst <= left => "all of it fits, even at worst",
            left if tally.likely <= left => "it likely fits, call after call, and not at worst",
            _ => "not even its likely cost fits",
        };
        let left = limit.available.for_people();
        sentences.push(format!("Budget {} has {left} left: {outcome}{when}.", limit.name));
    }
    sentences
}

/// What is printed while it goes on: JSON, a request a line.
struct Out {
    stdout: Option<BufWriter<io::Stdout>>,
    requests: usize,
}

impl Out {
    fn new(as_json: bool) -> Out {
        Out { stdout: as_json.then(|| BufWriter::new(io::stdout())), requests: 0 }
    }

    fn one(&mut self, entry: &Entry<'_>, told: &Result<Row, Failure>) -> Result<(), Failure> {
        if self.stdout.is_none() {
            return Ok(());
        }
        let mut one = match told {
            Ok(row) => json::estimate(row, None),
            Err(failure) => json!({ "error": failure.message() }),
        };
        one["at"] = entry.at.into();
        one["custom_id"] = json!(entry.id);
        let before = if self.requests == 0 { "{\"requests\":[\n" } else { ",\n" };
        self.requests += 1;
        self.write(&format!("{before}{one}"))
    }

    fn end(&mut self, tally: &Tally, limits: &[Limit], prices: &Prices) -> Result<(), Failure> {
        let total = json!({
            "requests": tally.requests,
            "estimated": tally.estimated,
            "with_obstacle": tally.unable,
            "failed": tally.failed,
            "likely_usd": tally.likely.to_string(),
            "worst_usd": tally.worst.to_string(),
        });
        let limits: Vec<Value> = limits.iter().map(|limit| of_limit(limit, tally)).collect();
        let limits = Value::from(limits);
        self.write(&format!(
            "\n],\"total\":{total},\"limits\":{limits},\"prices\":{}}}\n",
            prices.as_json()
        ))?;
        self.stdout.as_mut().map_or(Ok(()), Write::flush).or_else(gone)
    }

    /// A reader that left is no error.
    fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.stdout.as_mut().map_or(Ok(()), |stdout| stdout.write_all(text.as_bytes())).or_else(gone)
    }
}

fn of_limit(limit: &Limit, tally: &Tally) -> Value {
    json!({
        "name": limit.name,
        "window": limit.window,
        "available_usd": limit.available.to_string(),
        "if": limit.when,
        "fits": if limit.window.is_some() { tally.worst <= limit.available } else { tally.too_dear == 0 },
    })
}

fn gone(error: io::Error) -> Result<(), Failure> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(Failure::caused("cannot write to stdout", &error)),
    }
}
