//! An estimate for people: one model as a sum, line by line; several as a table.

use money::Nano;
use pricing::{Class, Reason, Term};

use super::{Limit, Row, Told, Verdict};
use crate::amount::{grouped, rate};
use crate::prose;
use crate::table::{self, Align, Look};
use crate::terminal::Terminal;

/// Everything, each line ended.
pub(super) fn of(told: &Told<'_>, terminal: &Terminal) -> String {
    let mut text = match told.rows.as_slice() {
        [row] => sums(row, terminal),
        rows => compared(rows, told.calls.unwrap_or(1), terminal),
    };
    text.push('\n');
    if let (Some(calls), [row]) = (told.calls, told.rows.as_slice()) {
        text += &prose::line(&many(row, calls), 2, terminal);
    }
    if let Some(row) = told.rows.first() {
        for (limit, verdict) in &told.limits {
            let sentence = room(limit, verdict, row, told.rows.len() > 1);
            text += &prose::line(&sentence, 2, terminal);
        }
        text += &instead(told, terminal);
        for sentence in origin(row, told.rows.len() > 1) {
            text += &prose::line(&sentence, 2, terminal);
        }
    }
    text + &told.prices.told() + "\n"
}

fn sums(row: &Row, terminal: &Terminal) -> String {
    let estimate = &row.estimate;
    let worst = estimate.worst.explain(estimate.worst.output_cap);
    let about = if row.count.how.is_exact() { "" } else { "about " };
    let mut blocks = vec![(likely_head(row), about, estimate.likely.terms.as_slice())];
    if let Some(hit) = &estimate.cache_hit {
        let head = format!("With its prompt cached: {}", hit.total.for_people());
        blocks.push((head, about, hit.terms.as_slice()));
    }
    let at = if worst.dearest == estimate.model { String::new() } else { format!(", at {}", worst.dearest) };
    let head = format!("At worst ({}){at}: {}", worst.class, worst.total.for_people());
    blocks.push((head, "", worst.terms.as_slice()));

    let heads: Vec<&str> = blocks.iter().map(|(head, ..)| head.as_str()).collect();
    let lines: Vec<Vec<[String; 3]>> = blocks
        .iter()
        .map(|(_, about, terms)| terms.iter().map(|term| line(term, about, terminal)).collect())
        .collect();
    let brief = |what: &str| what.split(',').next().unwrap_or_default().to_owned();
    let short = lines.iter().map(|lines| {
        lines.iter().map(|[what, sum, amount]| [brief(what), sum.clone(), amount.clone()]).collect()
    });
    let mut text = terminal.bold(&row.asked) + "\n";
    if row.asked != estimate.model {
        text += &format!("billed as {}\n", estimate.model);
    }
    text += &table::fitting([aligned(&heads, &lines), aligned(&heads, &short.collect::<Vec<_>>())], terminal);
    if let Some(counted) = &row.counted {
        let (usd, tokens) = (counted.usd().for_people(), grouped(counted.input_tokens));
        let sentence = format!(
            "  Counted with the model's own tokenizer, its prompt has {tokens} tokens at most: {usd} at worst. A gateway holds for the bytes."
        );
        text += &prose::line(&sentence, 2, terminal);
    }
    if estimate.worst.class == Class::Published {
        let why: Vec<&str> = estimate.worst.reasons.iter().map(Reason::words).collect();
        text += &prose::line(&format!("  Published, not proven: {}.", why.join("; ")), 2, terminal);
    }
    if row.models > 1 {
        let sentence =
            format!("  It names {} models: likely is the first, at worst any of them.", row.models);
        text += &prose::line(&sentence, 2, terminal);
    }
    text
}

/// Blocks of lines, each under its head, in the same columns.
fn aligned(heads: &[&str], blocks: &[Vec<[String; 3]>]) -> String {
    let width = |at: usize| blocks.iter().flatten().map(|line| line[at].chars().count()).max().unwrap_or(0);
    let (w0, w1, w2) = (width(0), width(1), width(2));
    let mut text = String::new();
    for (head, lines) in heads.iter().zip(blocks) {
        text += &format!("\n{head}\n");
        for [what, sum, amount] in lines {
            text += &format!("  {what:<w0$}  {sum:<w1$}  {amount:>w2$}\n");
        }
    }
    text
}

fn likely_head(row: &Row) -> String {
    let estimate = &row.estimate;
    let total = estimate.likely.total.for_people();
    match estimate.served_by == estimate.model {
        true => format!("Likely: {total}"),
        false => format!("Likely, at {}: {total}", estimate.served_by),
    }
}

fn line(term: &Term, about: &str, terminal: &Terminal) -> [String; 3] {
    let guessed = if term.what.starts_with("prompt") { about } else { "" };
    let unit = format!("{}{}", term.unit, if term.quantity == 1 { "" } else { "s" });
    let per = if term.unit == "token" { "/M" } else { "" };
    let sum = match term.rate.as_str() {
        "" => String::new(),
        price => {
            let count = grouped(term.quantity);
            format!("{guessed}{count} {unit} {} {}{per}", terminal.times(), rate(price))
        }
    };
    [term.what.to_owned(), sum, term.amount.for_people()]
}

/// Narrow terminals lose columns, the least telling first.
fn compared(rows: &[Row], calls: u32, terminal: &Terminal) -> String {
    const HEADER: [&str; 6] = ["MODEL", "PROMPT", "LIKELY", "CACHED", "WORST", "VS FIRST"];
    let times = |amount: Nano| amount.saturating_mul(calls).for_people();
    let first = rows.first().map(|row| row.estimate.likely.total).unwrap_or_default();
    let cells = |row: &Row| {
        let estimate = &row.estimate;
        let about = if row.count.how.is_exact() { "" } else { "~" };
        [
            row.asked.clone(),
            format!("{about}{}", grouped(estimate.prompt_tokens)),
            times(estimate.likely.total),
            estimate.cache_hit.as_ref().map_or_else(|| "-".to_owned(), |hit| times(hit.total)),
            times(estimate.worst.usd()),
            against(estimate.likely.total, first),
        ]
    };
    let draw = |shown: &[usize]| {
        let pick = |cells: [String; 6], look: Look| {
            let cell = |&at: &usize| {
                let align = if at == 0 { Align::Left } else { Align::Right };
                table::cell(&cells[at], align, look)
            };
            shown.iter().map(cell).collect::<Vec<_>>()
        };
        let body = rows.iter().map(|row| pick(cells(row), Look::Plain)).collect();
        table::render(pick(HEADER.map(str::to_owned), Look::Dim), body, terminal)
    };
    let shapes: [&[usize]; 4] = [&[0, 1, 2, 3, 4, 5], &[0, 2, 3, 4, 5], &[0, 2, 4, 5], &[0, 2, 4]];
    let head = if calls > 1 { format!("For {} calls:\n", grouped(u64::from(calls))) } else { String::new() };
    head + &table::fitting(shapes.into_iter().map(draw), terminal)
}

/// Against the first, in percent: to a tenth where that is telling, and only free is 100 less.
fn against(cost: Nano, first: Nano) -> String {
    if first == Nano::ZERO || cost == first {
        return "-".to_owned();
    }
    let (cost, first) = (i128::from(cost.nanos()), i128::from(first.nanos()));
    let thousandths = (cost - first) * 1000 / first;
    match thousandths {
        1000.. => format!("{}.{}x", cost / first, cost * 10 / first % 10),
        -1000 | -980..1000 => format!("{:+}%", (thousandths + 5 * thousandths.signum()) / 10),
        _ => format!("-{}.{}%", -thousandths / 10, -thousandths % 10),
    }
}

fn many(row: &Row, calls: u32) -> String {
    let times = |amount: Nano| amount.saturating_mul(calls).for_people();
    let estimate = &row.estimate;
    let cached = estimate.cache_hit.as_ref();
    let cached = cached.map(|hit| format!(", cached {}", times(hit.total))).unwrap_or_default();
    let (likely, worst) = (times(estimate.likely.total), times(estimate.worst.usd()));
    format!("{} calls: likely {likely}{cached}, at worst {worst}", grouped(u64::from(calls)))
}

fn room(limit: &Limit, verdict: &Verdict, row: &Row, several: bool) -> String {
    let when =
        limit.when.as_ref().map(|when| format!(", if it is charged there ({when})")).unwrap_or_default();
    let what = match several {
        true => row.asked.as_str(),
        false => "it",
    };
    let left = match &limit.window {
        Some(window) => {
            let window = if *window == limit.name { String::new() } else { format!(" ({window})") };
            format!("Budget {} has {} left{window}", limit.name, limit.available.for_people())
        }
        None => format!("{} allows {} a call", limit.name, limit.available.for_people()),
    };
    let outcome = match verdict {
        Verdict::Fits => "fits".to_owned(),
        Verdict::Clamped(cap) => {
            format!("fits once its output cap is lowered to {} tokens (max_tokens)", grouped(*cap))
        }
        Verdict::Refused => "would be refused".to_owned(),
    };
    format!("{left}: {what} {outcome}{when}.")
}

fn instead(told: &Told<'_>, terminal: &Terminal) -> String {
    if told.instead.is_empty() {
        return String::new();
    }
    let cells = |model: &str, cap: &str, worst: &str, look: Look| {
        vec![
            table::cell(&format!("  {model}"), Align::Left, look),
            table::cell(cap, Align::Right, look),
            table::cell(worst, Align::Right, look),
        ]
    };
    let fits = told
        .instead
        .iter()
        .map(|fit| cells(&fit.model, &grouped(fit.output_cap), &fit.bound.for_people(), Look::Plain));
    let header = cells("WOULD FIT", "MAX_TOKENS", "WORST", Look::Dim);
    table::render(header, fits.collect(), terminal)
}

/// What the numbers rest on.
fn origin(row: &Row, several: bool) -> [String; 2] {
    let (expected, cap) = (grouped(row.estimate.output_tokens), grouped(row.estimate.worst.output_cap));
    let answer = format!("answer: {expected} tokens expected, {cap} at most");
    let prompt = match several {
        true => "prompt: in tokens; ~ where they are guessed, else counted with the model's own tokenizer"
            .to_owned(),
        false => {
            format!("prompt: {} tokens, {}", grouped(row.estimate.prompt_tokens), row.count.how.words())
        }
    };
    [prompt, answer]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn against_the_first() {
        for (cost, first, expected) in [
            (100, 100, "-"),
            (1, 0, "-"),
            (60, 100, "-40%"),
            (1, 3, "-67%"),
            (199, 100, "+99%"),
            (255, 100, "2.5x"),
            (11, 1000, "-98.9%"),
            (1, 1_000_000, "-99.9%"),
            (0, 5, "-100%"),
        ] {
            assert_eq!(against(Nano::from_nanos(cost), Nano::from_nanos(first)), expected);
        }
    }
}
