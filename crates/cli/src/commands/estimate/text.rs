//! An estimate for people: one model as a sum, line by line; several as a table.

use money::Nano;
use pricing::{Class, Estimate, Reason};

use super::{Limit, Row, Told, Unbounded, Verdict};
use crate::amount::{self, estimated, grouped};
use crate::prose;
use crate::sums::{self, Block};
use crate::table::{self, Align, Look};
use crate::terminal::Terminal;

/// Tokens of a prompt from which OpenAI and most others cache it.
const CACHED_FROM: u64 = 1_024;

/// Everything, each line ended.
pub(super) fn of(told: &Told<'_>, terminal: &Terminal) -> String {
    let several = told.rows.len() + told.unbounded.len() > 1;
    let mut text = match told.rows.as_slice() {
        [row] if !several => alone(row, terminal),
        rows => compared(rows, &told.unbounded, told.calls.unwrap_or(1), terminal),
    };
    text.push('\n');
    if let (Some(calls), [row], false) = (told.calls, told.rows.as_slice(), several) {
        text += &prose::line(&many(row, calls), 2, terminal);
    }
    if let Some(row) = told.rows.first() {
        for (limit, verdict) in &told.limits {
            let sentence = room(limit, verdict, row, several);
            text += &prose::line(&sentence, 2, terminal);
        }
        text += &instead(told, terminal);
    }
    for sentence in origin(&told.rows, several) {
        text += &prose::line(&sentence, 2, terminal);
    }
    text + &prose::line(&told.prices.told(), 2, terminal)
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
        text += &prose::line(&obstacle.told(&row.asked), 0, terminal);
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
        text += &prose::line(&format!("  It {}", names_several(row)), 2, terminal);
    }
    text
}

fn names_several(row: &Row) -> String {
    format!("names {} models: likely is the first, at worst any of them.", row.models)
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
fn compared(rows: &[Row], unbounded: &[Unbounded], calls: u32, terminal: &Terminal) -> String {
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
    let mut all: Vec<[String; 6]> = rows.iter().enumerate().map(cells).collect();
    for one in unbounded.iter().rev() {
        let dash = || "-".to_owned();
        all.insert(one.at, [one.asked.clone(), dash(), dash(), dash(), dash(), dash()]);
    }
    let shapes: [&[usize]; 4] = [&[0, 1, 2, 3, 4, 5], &[0, 2, 3, 4, 5], &[0, 2, 4, 5], &[0, 2, 4]];
    let head = if calls > 1 { format!("For {} calls:\n", grouped(u64::from(calls))) } else { String::new() };
    let table = head + &table::fitted(HEADER, &[0], &all, &shapes, terminal);
    let several = rows.iter().filter(|row| row.models > 1);
    let named = several.map(|row| format!("{} {}", row.asked, names_several(row)));
    let refused = rows.iter().filter_map(|row| Some(row.obstacle.as_ref()?.told(&row.asked)));
    let without = unbounded.iter().map(|one| format!("{} has no bound: {}.", one.asked, one.why.message()));
    named.chain(refused).chain(without).fold(table, |text, why| text + &prose::line(&why, 2, terminal))
}

/// Against the first: in percent, to a tenth where that is telling; as a multiple from twice on. Rounded to the nearest,
/// but only the same is a dash, and only free is 100 less: a little cheaper has its sign.
fn against(cost: Nano, first: Nano) -> String {
    if first == Nano::ZERO || cost == first {
        return "-".to_owned();
    }
    let (cost, first) = (i128::from(cost.nanos()), i128::from(first.nanos()));
    let sign = if cost < first { '-' } else { '+' };
    // Of how many parts, to the nearest.
    let nearest = |parts: i128, all: i128| (2 * parts + all) / (2 * all);
    let thousandths = nearest((cost - first).abs() * 1_000, first);
    match thousandths {
        1_000 if cost == 0 => "-100%".to_owned(),
        995.. if cost > first => {
            let tenths = nearest(cost * 10, first);
            format!("{}.{}x", tenths / 10, tenths % 10)
        }
        10.. if cost > first || thousandths <= 980 => format!("{sign}{}%", nearest(thousandths, 10)),
        // Below a hundredth, and nearly free.
        _ => {
            let tenths = thousandths.min(999);
            format!("{sign}{}.{}%", tenths / 10, tenths % 10)
        }
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
fn origin(rows: &[Row], several: bool) -> Vec<String> {
    let prompt = match rows {
        [row] if !several => {
            format!("prompt: {} tokens, {}", grouped(row.count.tokens), row.count.how.words())
        }
        _ => "prompt: in tokens; ~ where they are guessed, else counted with the model's own tokenizer"
            .to_owned(),
    };
    let choices = rows.iter().map(|row| row.choices).max().unwrap_or(1);
    let each = |row: &Row| row.estimate.output_tokens / row.choices;
    let expected = range(rows.iter().map(each));
    let most = range(rows.iter().map(|row| row.estimate.worst.output_cap));
    let answer = match choices {
        1 => format!("answer: {expected} tokens expected, {most} at most"),
        choices => format!("answer: {choices} answers of {expected} tokens expected, {most} at most each"),
    };
    vec![prompt, answer]
}

/// `500`, or `500 to 1,524` where they differ.
fn range(numbers: impl Iterator<Item = u64> + Clone) -> String {
    let (least, most) = (numbers.clone().min().unwrap_or(0), numbers.max().unwrap_or(0));
    match least == most {
        true => grouped(least),
        false => format!("{} to {}", grouped(least), grouped(most)),
    }
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
            (1_994, 1_000, "+99%"),
            (1_995, 1_000, "2.0x"),
            (255, 100, "2.6x"),
            (5_978, 1_000, "6.0x"),
            (156, 100, "+56%"),
            (995, 1_000, "-0.5%"),
            (999_999, 1_000_000, "-0.0%"),
            (1_000_001, 1_000_000, "+0.0%"),
            (11, 1000, "-98.9%"),
            (1, 1_000_000, "-99.9%"),
            (0, 5, "-100%"),
        ] {
            assert_eq!(against(Nano::from_nanos(cost), Nano::from_nanos(first)), expected);
        }
    }
}
