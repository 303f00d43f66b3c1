//! The page of rules, `docs/reference/bound.md`, says what the code says: its tables are written from it.
//! `FAREBOX_BLESS=1 cargo test -p pricing --test rules` writes them anew.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write;
use std::fs;

use pricing::{
    Engine, IMAGE_RULES, ImageCount, OCR_PAGE, OCR_PAGES_MAX, Reason, Search, SearchMode, USUAL_IMAGE_ELSE,
    USUAL_IMAGE_RULES, Unpriced, UsualImageCount, WebSearch, Whole, fetch_fee, search_fee,
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/bound.md");

fn images() -> String {
    let mut table = "| models | tokens of an image | who says so, and when |\n|---|---|---|\n".to_owned();
    for rule in IMAGE_RULES {
        let models = rule.models.iter().map(|id| if id.is_empty() { "all others" } else { id });
        let count = match rule.count {
            ImageCount::Tiles { base, tile } => {
                format!("{base}, and {tile} for each tile of 512 pixels, at most 8; `low`: {base}")
            }
            ImageCount::Patches { most, original, percent } => {
                let original =
                    if original == most { String::new() } else { format!(", {original} at `original`") };
                format!("patches of 32 pixels, at most {most}{original}, times {percent} %")
            }
            ImageCount::Either { base, tile, most, percent } => format!(
                "the more of: {base} and {tile} for each tile; patches of 32 pixels, at most {most}, times {percent} %"
            ),
            ImageCount::Area { most } => {
                format!("patches of 28 pixels, or a token for 750 pixels; at most {most}")
            }
            ImageCount::Crops => "258 for each crop, at most 24".to_owned(),
            ImageCount::Flat { tokens } => format!("{tokens}"),
        };
        let models: Vec<&str> = models.collect();
        writeln!(table, "| {} | {count} | {}, {} |", models.join(", "), rule.source, rule.read).unwrap();
    }
    table
}

fn usual_images() -> String {
    let mut table = "| models | tokens of an image | who says so, and when |\n|---|---|---|\n".to_owned();
    for rule in USUAL_IMAGE_RULES.iter().chain([&USUAL_IMAGE_ELSE]) {
        let models =
            rule.models.iter().map(|id| if id.is_empty() { "all others" } else { id.trim_end_matches(':') });
        let count = match rule.count {
            UsualImageCount::Tiles { base, tile } => {
                format!("{base}, and {tile} for each tile of 512 pixels; `low`: {base}")
            }
            UsualImageCount::Patches { side, most, percent, marks } => {
                let times = if percent == 100 { String::new() } else { format!(", times {percent} %") };
                let marks = if marks == 0 { String::new() } else { format!(", and {marks} marks") };
                format!("patches of {side} pixels, at most {most}{times}{marks}")
            }
            UsualImageCount::Rows { side, within } => format!(
                "patches of {side} pixels and a token for each row's end, within {within} pixels a side"
            ),
            UsualImageCount::Area { pixels, within, least, most } => {
                let least = if least == 1 { String::new() } else { format!(" at least {least},") };
                format!(
                    "a token for {pixels} pixels, or patches of 28 pixels, within {within} a side;{least} at most {most}"
                )
            }
            UsualImageCount::Grid { side, most, tile, whole } => {
                let whole = match whole {
                    Whole::Never => "",
                    Whole::Parted => ", and one of the whole where there are several",
                    Whole::Always => ", and one of the whole",
                };
                format!("{tile} for each tile of {side} pixels, at most {most}{whole}")
            }
            UsualImageCount::Crops => "258 for each crop, as above".to_owned(),
            UsualImageCount::Flat { tokens } => format!("{tokens}"),
        };
        let models: Vec<&str> = models.collect();
        writeln!(table, "| {} | {count} | {}, {} |", models.join(", "), rule.source, rule.read).unwrap();
    }
    table
}

fn fees() -> String {
    let mut table = "| what | USD |\n|---|---|\n".to_owned();
    for engine in [Engine::Exa, Engine::Parallel, Engine::Perplexity, Engine::Firecrawl, Engine::Native] {
        for (mode, word) in
            [(SearchMode::Usual, ""), (SearchMode::Deep, ", deep"), (SearchMode::Deepest, ", deep-reasoning")]
        {
            let fee = |max_results| search_fee(&Search { engine, mode, max_results, ..Search::default() });
            let ten = fee(Some(10));
            let same = mode != SearchMode::Usual
                && ten == search_fee(&Search { engine, max_results: Some(10), ..Search::default() });
            if same {
                continue;
            }
            let price = match (engine, ten) {
                (Engine::Native, _) => "the provider's own price, at Anthropic; refused elsewhere".to_owned(),
                (Engine::Firecrawl, _) => "nothing at OpenRouter: your own key".to_owned(),
                (_, None) => "refused: no price is published".to_owned(),
                (_, Some(fee)) => fee.per_unit().to_string(),
            };
            let more = fee(Some(11)).zip(ten).filter(|(eleven, ten)| eleven > ten).map(|(eleven, ten)| {
                let further = eleven.femtos() - ten.femtos();
                format!(", and {} for each result above ten", money::Rate::from_femtos(further).per_unit())
            });
            writeln!(table, "| a search, {}{word} | {price}{} |", engine.word(), more.unwrap_or_default())
                .unwrap();
        }
    }
    writeln!(table, "| a page fetched | {} |", fetch_fee(Engine::Exa).per_unit()).unwrap();
    writeln!(table, "| a page fetched, firecrawl | {} |", fetch_fee(Engine::Firecrawl).per_unit()).unwrap();
    writeln!(table, "| a page fetched, native | refused: nothing caps it |").unwrap();
    writeln!(
        table,
        "| a page read by `mistral-ocr`, {OCR_PAGES_MAX} a file at most | {} |",
        OCR_PAGE.per_unit()
    )
    .unwrap();
    table
}

fn reasons() -> String {
    Reason::ALL.iter().fold(String::new(), |mut list, reason| {
        writeln!(list, "- {}", reason.words()).unwrap();
        list
    })
}

/// All there are.
fn unpriced() -> Vec<Unpriced> {
    let text = || "NAME".to_owned();
    vec![
        Unpriced::NoModel,
        Unpriced::UnknownModel(text()),
        Unpriced::Router(text()),
        Unpriced::Variant(text()),
        Unpriced::Preset(text()),
        Unpriced::UnreadablePrice { model: text(), reason: "why".to_owned() },
        Unpriced::UnknownPrice { model: text(), key: "KEY".to_owned() },
        Unpriced::ZeroPrice(text()),
        Unpriced::NotText(text()),
        Unpriced::SearchingModel(text()),
        Unpriced::NothingWithinMaxPrice(text()),
        Unpriced::NoOutputLimit(text()),
        Unpriced::NoContextLength(text()),
        Unpriced::BrokenWord { model: text(), provider: String::new() },
        Unpriced::Media { place: "messages[0].content[0]".to_owned(), kind: text() },
        Unpriced::ServerTool { place: "tools[0]".to_owned(), kind: text() },
        Unpriced::Plugin(text()),
        Unpriced::WebSearch(WebSearch::Online),
        Unpriced::WebSearch(WebSearch::Options),
        Unpriced::WebSearch(WebSearch::Native),
        Unpriced::WebSearch(WebSearch::Mode),
        Unpriced::WebFetch,
        Unpriced::Modality(text()),
        Unpriced::ServiceTier(text()),
        Unpriced::UnknownField(text()),
    ]
}

fn refusals() -> String {
    let mut table = "| code | sentence | allowance |\n|---|---|---|\n".to_owned();
    for cost in unpriced() {
        let key = cost.key().map(|key| format!("`{key}`")).unwrap_or_default();
        writeln!(table, "| `{}` | {cost} | {key} |", cost.code()).unwrap();
    }
    table
}

#[test]
fn whatever_can_be_allowed_is_a_cost() {
    let codes: Vec<&str> = unpriced().iter().map(Unpriced::code).collect();
    for code in Unpriced::ALLOWABLE {
        assert!(codes.contains(&code), "{code}");
    }
}

/// The page with what stands between two marks replaced.
fn with(page: &str, name: &str, table: &str) -> String {
    let begin = format!("<!-- {name}: written by the test `rules` of the crate pricing -->\n");
    let end = format!("<!-- /{name} -->");
    let (before, rest) = page.split_once(&begin).expect("the mark begins");
    let (_, after) = rest.split_once(&end).expect("the mark ends");
    format!("{before}{begin}{table}{end}{after}")
}

#[test]
fn the_page_of_rules_is_the_code() {
    let page = fs::read_to_string(PAGE).expect("the page");
    let tables = [
        ("images", images()),
        ("usual images", usual_images()),
        ("fees", fees()),
        ("reasons", reasons()),
        ("refusals", refusals()),
    ];
    let written = tables.iter().fold(page.clone(), |page, (name, table)| with(&page, name, table));
    if std::env::var_os("FAREBOX_BLESS").is_some() {
        fs::write(PAGE, &written).expect("written");
        return;
    }
    assert_eq!(page, written, "FAREBOX_BLESS=1 cargo test -p pricing --test rules");
}
