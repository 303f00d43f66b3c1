//! `farebox models show`: one model whole: its row, its providers, and what farebox makes of it.

use std::borrow::Cow;

use clap::Args;
use money::Rate;
use pricing::{
    Book, Bound, BoundPolicy, Endpoint, Grounds, Modality, Model, Override, PriceKey, Reason, RowPrices,
    Shape, Tier, Unpriced, bound,
};
use serde_json::{Value, json};

use super::{filter, moved, row};
use crate::amount::{self, grouped};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::prices::{PriceArgs, Prices};
use crate::table::{self, Align, Look, printable};
use crate::terminal::Terminal;
use crate::{output, prose};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox models show openai/gpt-4o-mini\n  farebox models show anthropic/claude-sonnet-4.5 --refresh\n  farebox models show deepseek/deepseek-v4-pro --json";

/// A request that asks for nothing special.
const PLAIN: &[u8] = br#"{"messages":[{"role":"user","content":"hello"}]}"#;

/// `models show`
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Its name
    #[arg(value_name = "MODEL")]
    model: String,
    /// Print JSON; prices are decimal text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    prices: PriceArgs,
}

/// Prints it.
pub(crate) async fn run(args: ShowArgs) -> Result<Exit, Failure> {
    let mut prices = Prices::open(&args.prices).await?;
    prices.know(vec![args.model.clone()]).await;
    let book = prices.book();
    let model = Prices::model(&book, &args.model)?;
    let policy = prices.config.bounds.clone();
    let mut judged = judge(&book, &args.model, &policy);
    if let Ok(bound) = &mut judged {
        prices.date(bound);
    }
    prices.warn();
    if args.json {
        return output::json(&as_json(model, &judged, &prices));
    }
    let terminal = Terminal::of_stdout();
    let zdr = prices.known_zdr().unwrap_or_default();
    let keeps_nothing = filter::retaining_nothing(model, &zdr).unwrap_or_default();
    let text = head(model, &args.model, &judged, &terminal) + &endpoints(model, keeps_nothing, &terminal);
    output::text(&(text + "\n" + &prices.told() + "\n"))
}

fn judge(book: &Book, asked: &str, policy: &BoundPolicy) -> Result<Bound, Unpriced> {
    let models = [Cow::Borrowed(asked)].into_iter().collect();
    bound(
        &Shape { models, body: PLAIN, messages: 1, choices: 1, ..Shape::default() },
        &Grounds::new(book, policy),
    )
}

fn head(model: &Model, asked: &str, judged: &Result<Bound, Unpriced>, terminal: &Terminal) -> String {
    let mut text = terminal.bold(&model.id);
    if !model.about.name.is_empty() {
        text += &format!(" {} {}", terminal.dot(), printable(&model.about.name));
    }
    text.push('\n');
    let mut say = |what: &str, said: String| {
        text += &prose::line(&format!("  {what:<8}  {said}"), 12, terminal);
    };
    if asked != model.id {
        say("asked", format!("{asked}, which is billed as this"));
    }
    say("context", size(model.context_length, model.max_completion_tokens));
    let can = model.about.features.iter().map(|feature| feature.word()).collect::<Vec<_>>();
    say("can", if can.is_empty() { "text".to_owned() } else { can.join(", ") });
    if !model.text_output_only() {
        let kind = |modality| match modality {
            Modality::Other => "something else than text, images and audio",
            known => known.word(),
        };
        let kinds: Vec<&str> = model.outputs.iter().map(kind).collect();
        say(
            "answers",
            if kinds.is_empty() {
                "in what, it does not say".to_owned()
            } else {
                format!("in {}", kinds.join(", "))
            },
        );
    }
    if let Some(day) = row::listed(model) {
        let gone = model.about.expires.as_ref().map(|day| format!(", goes on {day}")).unwrap_or_default();
        say("listed", day + &gone);
    }
    say("price", if row::tells_its_price(model) { price(&model.prices) } else { untold(&model.prices) });
    let unknown = model.prices.priced().into_iter().flat_map(|prices| &prices.unknown);
    for unknown in unknown {
        say(
            "",
            format!(
                "{} for '{}', which farebox does not know",
                printable(&unknown.value),
                printable(&unknown.key)
            ),
        );
    }
    for condition in model.prices.priced().into_iter().flat_map(|prices| &prices.overrides) {
        say("", words(condition));
    }
    match judged {
        Ok(bound) => {
            say("farebox", class(bound));
            if !bound.ignore.is_empty() {
                say("", format!("leaves out {}, which may ignore the output cap", bound.ignore.join(", ")));
            }
        }
        Err(unpriced) => say("farebox", format!("refuses it: {unpriced}")),
    }
    text
}

fn class(bound: &Bound) -> String {
    let why: Vec<&str> = bound.reasons.iter().map(Reason::words).collect();
    match why.is_empty() {
        true => "bounds it; the bound is proven".to_owned(),
        false => format!("bounds it; published, not proven: {}", why.join("; ")),
    }
}

fn size(context: Option<u64>, answer: Option<u64>) -> String {
    match (context, answer) {
        (Some(context), Some(answer)) => {
            format!("{} tokens, at most {} of answer", grouped(context), grouped(answer))
        }
        (Some(context), None) => format!("{} tokens", grouped(context)),
        (None, _) => "not listed".to_owned(),
    }
}

fn price(prices: &RowPrices) -> String {
    match prices {
        RowPrices::Priced(prices) => {
            let listed = |by_token: bool| {
                let of_kind = prices
                    .rates
                    .iter()
                    .filter(move |(key, rate)| key.is_by_token(*rate, prices.prompt()) == by_token);
                of_kind.filter(|(_, rate)| *rate > Rate::ZERO || by_token).map(each).collect::<Vec<_>>()
            };
            let (tokens, others) = (listed(true), listed(false));
            let others = if others.is_empty() { String::new() } else { format!("; {}", others.join(", ")) };
            tokens.join(", ") + ", per million tokens" + &others
        }
        RowPrices::Dynamic => "decided at run time".to_owned(),
        RowPrices::Unreadable(why) => format!("cannot be read: {why}"),
    }
}

/// A zero that is not free, or a figure whose unit is not told.
fn untold(prices: &RowPrices) -> String {
    let listed = prices.priced().map(|prices| (prices.prompt(), prices.completion()));
    match listed {
        Some((prompt, completion)) if prompt > Rate::ZERO || completion > Rate::ZERO => {
            let [prompt, completion] =
                [prompt, completion].map(|rate| amount::rate(&rate.per_unit().to_string()));
            format!(
                "listed as {prompt} in and {completion} out, by what is not told: seconds, characters, pieces"
            )
        }
        Some(_) => "listed as zero, which is not what it costs".to_owned(),
        None => price(prices),
    }
}

/// `$2.00 in`, `$0.01 a search`, `$0.0048 an image`.
fn each((key, rate): (PriceKey, Rate)) -> String {
    match key {
        PriceKey::Request | PriceKey::WebSearch => {
            format!("{} {}", amount::rate(&rate.per_unit().to_string()), key.words())
        }
        PriceKey::Image if moved::is_whole_image(rate) => {
            format!("{} an image", amount::rate(&rate.per_unit().to_string()))
        }
        _ => format!("{} {}", row::price(Some(rate)), key.words()),
    }
}

/// `above 272,000 prompt tokens: $4.00 in, $15.00 out`.
fn words(condition: &Override) -> String {
    format!("{}: {}", condition.when(), condition.rates.iter().map(each).collect::<Vec<_>>().join(", "))
}

/// The providers, the cheapest first.
fn endpoints(model: &Model, keeps_nothing: &[String], terminal: &Terminal) -> String {
    const HEADER: [&str; 8] = ["PROVIDER", "TAG", "IN", "OUT", "CACHED", "CONTEXT", "ANSWER", "NOTES"];
    let mut listed: Vec<&Endpoint> = model.endpoints.iter().flatten().collect();
    if listed.is_empty() {
        let why = match model.endpoints {
            Some(_) => "No provider is listed.",
            None => "Its providers are not known; they are read when OpenRouter can be asked.",
        };
        return "\n".to_owned() + &prose::line(why, 0, terminal);
    }
    listed.sort_by_key(|endpoint| {
        let prices = endpoint.prices.priced();
        (prices.is_none(), prices.map(|prices| (prices.prompt(), prices.completion())))
    });
    let tells = row::tells_its_price(model);
    let price = |rate| if tells { row::price(rate) } else { "unknown".to_owned() };
    let cells = |endpoint: &&Endpoint| {
        let prices = endpoint.prices.priced();
        [
            printable(&endpoint.provider),
            printable(&endpoint.tag),
            price(prices.map(|prices| prices.prompt())),
            price(prices.map(|prices| prices.completion())),
            row::price(prices.and_then(|prices| prices.rates[PriceKey::CacheRead])),
            row::context(endpoint.context_length),
            row::context(endpoint.output_limit()),
            notes(endpoint, keeps_nothing),
        ]
    };
    let draw = |shown: &[usize]| {
        let pick = |cells: [String; 8], look: Look| {
            let cell = |&at: &usize| {
                let align = if (2..=6).contains(&at) { Align::Right } else { Align::Left };
                table::cell(&cells[at], align, look)
            };
            shown.iter().map(cell).collect::<Vec<_>>()
        };
        let body = listed.iter().map(|endpoint| pick(cells(endpoint), Look::Plain)).collect();
        table::render(pick(HEADER.map(str::to_owned), Look::Dim), body, terminal)
    };
    let shapes: [&[usize]; 5] =
        [&[0, 1, 2, 3, 4, 5, 6, 7], &[1, 2, 3, 4, 5, 6, 7], &[1, 2, 3, 4, 5, 6], &[1, 2, 3, 4], &[1, 2, 3]];
    "\n".to_owned() + &table::fitting(shapes.into_iter().map(draw), terminal) + &conditions(model, terminal)
}

/// Conditional prices that a provider has and the row has not.
fn conditions(model: &Model, terminal: &Terminal) -> String {
    let of_row = model.prices.priced().map(|prices| prices.overrides.as_slice()).unwrap_or_default();
    let mut text = String::new();
    for endpoint in model.endpoints.iter().flatten() {
        let own = endpoint.prices.priced().into_iter().flat_map(|prices| &prices.overrides);
        for condition in own.filter(|condition| !of_row.contains(condition)) {
            let line = format!("{}, {}", printable(&endpoint.tag), words(condition));
            text += &prose::line(&line, 2, terminal);
        }
    }
    if text.is_empty() { text } else { "\n".to_owned() + &text }
}

fn notes(endpoint: &Endpoint, keeps_nothing: &[String]) -> String {
    let mut notes = Vec::new();
    match &endpoint.prices {
        RowPrices::Priced(prices) => {
            notes.extend((!prices.overrides.is_empty()).then_some("conditional prices"));
            notes.extend((!prices.unknown.is_empty()).then_some("a price farebox does not know"));
        }
        _ => notes.push("no readable price"),
    }
    notes.extend(match endpoint.tier {
        Tier::Standard => None,
        Tier::Flex => Some("flex tier"),
        Tier::Premium => Some("premium tier"),
    });
    notes.extend((!endpoint.supports_output_cap).then_some("may ignore the output cap"));
    notes.extend(keeps_nothing.contains(&endpoint.tag).then_some("retains nothing"));
    notes.join(", ")
}

fn as_json(model: &Model, judged: &Result<Bound, Unpriced>, prices: &Prices) -> Value {
    let endpoints = model.endpoints.iter().flatten().map(|endpoint| {
        let listed = endpoint.prices.priced();
        let per_million = |rate: Option<money::Rate>| rate.map(|rate| rate.per_million().to_string());
        json!({
            "provider": endpoint.provider,
            "tag": endpoint.tag,
            "tier": endpoint.tier.word(),
            "context_length": endpoint.context_length,
            "max_completion_tokens": endpoint.max_completion_tokens,
            "obeys_output_cap": endpoint.supports_output_cap,
            "prompt_usd_per_million": per_million(listed.map(|prices| prices.prompt())),
            "completion_usd_per_million": per_million(listed.map(|prices| prices.completion())),
            "cache_read_usd_per_million": per_million(listed.and_then(|prices| prices.rates[PriceKey::CacheRead])),
            "conditional_prices": listed.map(|prices| prices.overrides.iter().map(words).collect::<Vec<_>>()),
        })
    });
    let farebox = match judged {
        Ok(bound) => json!({
            "bounded": true,
            "class": bound.class.word(),
            "why_not_proven": bound.reasons.iter().map(Reason::words).collect::<Vec<_>>(),
            "ignored_providers": bound.ignore,
        }),
        Err(unpriced) => {
            json!({ "bounded": false, "reason": unpriced.code(), "sentence": unpriced.to_string() })
        }
    };
    let mut whole = row::json(model);
    whole["canonical_slug"] = model.canonical_slug.clone().into();
    let conditions = model.prices.priced().into_iter().flat_map(|prices| &prices.overrides).map(words);
    whole["conditional_prices"] = conditions.collect::<Vec<_>>().into();
    whole["endpoints"] = match model.endpoints {
        Some(_) => endpoints.collect::<Vec<_>>().into(),
        None => Value::Null,
    };
    whole["farebox"] = farebox;
    whole["prices"] = prices.as_json();
    whole
}
