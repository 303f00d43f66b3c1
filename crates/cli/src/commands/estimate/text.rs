//! An estimate for people: one model as a sum, line by line; several as a table.

use money::Nano;
use pricing::{Class, Estimate, Reason};

use super::{Limit, Row, Told, Verdict};
use crate::amount::{self, estimated, grouped};
use crate::obstacle;
use crate::prose;
use crate::sums::{self, Block};
use crate::table::{self, Align, Look};
use crate::terminal::Terminal;

/// Tokens of a prompt from which OpenAI and most others cache it.
const CACHED_FROM: u64 = 1_024;

/// Everything, each line ended.
pub(super) fn of(told: &Told<'_>, terminal: &Terminal) -> String {
    let mut text = match told.rows.as_slice() {
        [row] => alone(row, terminal),
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

fn alone(row: &Row, terminal: &Terminal) -> String {
    let estimate = &row.estimate;
    let worst = estimate.worst.explain(estimate.worst.output_cap);
    let about = if row.count.how.is_exact() { "" } else { "about " };
    let block = |head, about, terms| Block { head, about, terms };
    let mut blocks = vec![block(likely_head(row), about, estimate.likely.terms.clone())];
    if let Some(hit) = &estimate.cache_hit {
        let short = match estimate.prompt_tokens < CACHED_FROM {
            true => format!(" (few providers cache below {} tokens)", grouped(CACHED_FROM)),
            false => String::new(),
        };
        let head = format!("With its prompt cached{short}: {}", estimated(hit.total));
        blocks.push(block(head, about, hit.terms.clone()));
    }
    let at = if worst.dearest == estimate.model { String::new() } else { format!(", at {}", worst.dearest) };
    let head = format!("At worst ({}){at}: {}", worst.class, estimated(worst.total));
    blocks.push(block(head, "", worst.terms));

    let mut text = terminal.bold(&row.asked) + "\n";
    if row.asked != estimate.model {
        text += &format!("billed as {}\n", estimate.model);
    }
    if let Some(obstacle) = &row.obstacle {
        text += &prose::line(&obstacle::told(&row.asked, obstacle), 0, terminal);
    }
    text += &sums::render(&blocks, terminal);
    if let Some(counted) = row.counted.as_ref().filter(|counted| tells(counted.usd(), estimate.worst.usd())) {
        let (usd, tokens) = (estimated(counted.usd()), grouped(counted.input_tokens));
        let sentence = format!(
            "  Counted with the model's own tokenizer, an eighth to spare, its prompt has {tokens} tokens at most: {usd} at worst. A gateway holds that where the bytes do not fit the money, at providers it has seen to count alike."
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

/// Whether a tenth or more is gained by counting.
fn tells(counted: Nano, by_bytes: Nano) -> bool {
    i128::from(counted.nanos()) * 10 <= i128::from(by_bytes.nanos()) * 9
}

fn likely_head(row: &Row) -> String {
    let estimate = &row.estimate;
    let total = estimated(estimate.likely.total);
    match estimate.served_by == estimate.model {
        true => format!("Likely: {total}"),
        false => format!("Likely, at {}: {total}", estimate.served_by),
    }
}

/// Narrow terminals lose columns, the least telling first.
fn compared(rows: &[Row], calls: u32, terminal: &Terminal) -> String {
    const HEADER: [&str; 6] = ["MODEL", "PROMPT", "LIKELY", "CACHED", "WORST", "VS FIRST"];
    // What is refused costs nothing, and is no bargain.
    let column = |of: fn(&Estimate) -> Option<Nano>| {
        let told = |row: &Row| row.obstacle.is_none().then(|| of(&row.estimate)).flatten();
        let times = |row: &Row| told(row).map(|amount| amount.saturating_mul(calls));
        amount::column(&rows.iter().map(times).collect::<Vec<_>>())
    };
    let likely = column(|estimate| Some(estimate.likely.total));
    let cached = column(|estimate| estimate.cache_hit.as_ref().map(|hit| hit.total));
    let worst = column(|estimate| Some(estimate.worst.usd()));
    let likely_of = |row: &Row| row.obstacle.is_none().then_some(row.estimate.likely.total);
    let first = rows.first().and_then(likely_of).unwrap_or_default();
    let cells = |(at, row): (usize, &Row)| {
        let about = if row.count.how.is_exact() { "" } else { "~" };
        [
            row.asked.clone(),
            format!("{about}{}", grouped(row.count.tokens)),
            likely[at].clone(),
            cached[at].clone(),
            worst[at].clone(),
            likely_of(row).map_or_else(|| "-".to_owned(), |cost| against(cost, first)),
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
        let body = rows.iter().enumerate().map(|row| pick(cells(row), Look::Plain)).collect();
        table::render(pick(HEADER.map(str::to_owned), Look::Dim), body, terminal)
    };
    let shapes: [&[usize]; 4] = [&[0, 1, 2, 3, 4, 5], &[0, 2, 3, 4, 5], &[0, 2, 4, 5], &[0, 2, 4]];
    let head = if calls > 1 { format!("For {} calls:\n", grouped(u64::from(calls))) } else { String::new() };
    let table = head + &table::fitting(shapes.into_iter().map(draw), terminal);
    let refused = rows.iter().filter_map(|row| Some(obstacle::told(&row.asked, row.obstacle.as_ref()?)));
    refused.fold(table, |text, why| text + &prose::line(&why, 2, terminal))
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
    let times = |amount: Nano| estimated(amount.saturating_mul(calls));
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
        .map(|fit| cells(&fit.model, &grouped(fit.output_cap), &estimated(fit.bound), Look::Plain));
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
            format!("prompt: {} tokens, {}", grouped(row.count.tokens), row.count.how.words())
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
