//! Budgets: from `[[budget]]` tables and from `--budget 10/day`.

use ledger::{Budget, Label, Rolling, Straddle, Window, WindowError, WindowKind};
use toml::Spanned;

use super::ConfigError;
use super::amount;
use super::nearest::nearest;
use super::place::Source;
use super::raw::RawBudget;

/// Budgets at most; a call is checked against each.
const BUDGETS_MAX: usize = 10_000;
/// The longest name, bytes.
const NAME_BYTES_MAX: usize = 64;
const LABELS: &str = "key, user, model, session or app";

/// One `--budget`.
#[derive(Clone, Debug)]
pub enum BudgetFlag {
    /// `none`: pass everything, count nothing.
    Nothing,
    /// `10/day`, `10/5h` (in any five hours), `5` (for a lifetime): over all calls.
    Limit(Budget),
}

impl std::str::FromStr for BudgetFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(BudgetFlag::Nothing);
        }
        let (limit, window) = text.rsplit_once('/').unwrap_or((text, "lifetime"));
        let limit = amount::limit(limit)?;
        let window = flag_window(window)?;
        // The name stays when the amount is changed, so that what was spent stays with it.
        let name = window.kind().words().replace(' ', "-");
        let (selector, per) = (Vec::new(), [].into_iter().collect());
        Ok(BudgetFlag::Limit(Budget { name, selector, per, limit, window, straddle: Straddle::Admission }))
    }
}

/// `day`, or a length: any so many hours.
fn flag_window(text: &str) -> Result<Window, String> {
    let rolling = format!("rolling {text}");
    let words = if Rolling::from_words(&rolling).is_some() { &rolling } else { text };
    Window::new(words, "UTC").map_err(|_| {
        format!("unknown window '{text}': use hour, day, week, month, lifetime, or a length such as 5h or 7d")
    })
}

/// What several `--budget` mean together; `None` when there is none.
///
/// # Errors
/// When two of them cannot stand side by side.
pub fn budgets_of_flags(flags: &[BudgetFlag]) -> Result<Option<Vec<Budget>>, ConfigError> {
    let limits = flags.iter().filter_map(|flag| match flag {
        BudgetFlag::Nothing => None,
        BudgetFlag::Limit(budget) => Some(budget.clone()),
    });
    let budgets: Vec<Budget> = limits.collect();
    if budgets.len() < flags.len() && !budgets.is_empty() {
        return Err(ConfigError::new("--budget none cannot stand beside another --budget"));
    }
    for (at, budget) in budgets.iter().enumerate() {
        if budgets[..at].iter().any(|other| other.name == budget.name) {
            return Err(ConfigError::new(format!("two --budget over the same window: {}", budget.name))
                .hint("the smaller one would always bind: keep that one"));
        }
    }
    Ok((!flags.is_empty()).then_some(budgets))
}

/// What the `[[budget]]` tables of a file mean.
pub(super) fn budgets_of_file(raw: Vec<RawBudget>, source: Source<'_>) -> Result<Vec<Budget>, ConfigError> {
    if raw.len() > BUDGETS_MAX {
        return Err(ConfigError::new(format!(
            "{}: more than {BUDGETS_MAX} budgets; use `per` instead",
            source.path.display()
        )));
    }
    let mut budgets: Vec<Budget> = Vec::with_capacity(raw.len());
    let mut names = Vec::with_capacity(raw.len());
    for raw in raw {
        let name = raw.name.span();
        let budget = budget(raw, source)?;
        if budgets.iter().any(|other| other.name == budget.name) {
            return Err(source.wrong(name, format_args!("a second budget is named '{}'", budget.name)));
        }
        budgets.push(budget);
        names.push(name);
    }
    for (budget, name) in budgets.iter().zip(names) {
        if !is_founded(budget, &budgets) {
            let sentence = format!(
                "budget '{}' counts by labels that callers set themselves, so a caller could rename itself into fresh money",
                budget.name
            );
            return Err(source.wrong(name, sentence).hint(
                "add a budget over all calls above it, such as [[budget]] name = \"all\", limit, window",
            ));
        }
    }
    Ok(budgets)
}

fn budget(raw: RawBudget, source: Source<'_>) -> Result<Budget, ConfigError> {
    let name = name(&raw.name, source)?;
    let mut selector = Vec::with_capacity(raw.selector.len());
    for (word, value) in raw.selector {
        selector.push((label(&word, value.span(), source)?, value.into_inner()));
    }
    let mut per = Vec::with_capacity(raw.per.len());
    for word in raw.per {
        let label = label(word.get_ref(), word.span(), source)?;
        if per.contains(&label) {
            return Err(source.wrong(word.span(), format_args!("'{}' stands twice in per", word.get_ref())));
        }
        per.push(label);
    }
    let limit = amount::limit(&raw.limit.get_ref().0)
        .map_err(|error| source.wrong(raw.limit.span(), format_args!("limit: {error}")))?;
    let zone = raw.timezone.as_ref().map_or("UTC", |zone| zone.get_ref());
    let window = Window::new(raw.window.get_ref(), zone).map_err(|error| {
        let span = match (&error, &raw.timezone) {
            (WindowError::Zone(_), Some(zone)) => zone.span(),
            _ => raw.window.span(),
        };
        source.wrong(span, error)
    })?;
    let straddle = straddle(raw.straddle.as_ref(), &window, source)?;
    Ok(Budget { name, selector, per: per.into_iter().collect(), limit, window, straddle })
}

fn straddle(
    raw: Option<&Spanned<String>>,
    window: &Window,
    source: Source<'_>,
) -> Result<Straddle, ConfigError> {
    let Some(raw) = raw else { return Ok(Straddle::Admission) };
    let has_end = !matches!(window.kind(), WindowKind::Lifetime | WindowKind::Rolling(_));
    match raw.get_ref().as_str() {
        "admission" => Ok(Straddle::Admission),
        "both" if has_end => Ok(Straddle::Both),
        "both" => Err(source
            .wrong(raw.span(), format_args!("a window '{}' has no end to straddle", window.kind().words()))),
        word => Err(source
            .wrong(raw.span(), format_args!("unknown straddle '{word}': use \"admission\" or \"both\""))),
    }
}

/// Names stand in headers, tables and commands: visible, without spaces.
fn name(raw: &Spanned<String>, source: Source<'_>) -> Result<String, ConfigError> {
    let name = raw.get_ref();
    let fits = !name.is_empty() && name.len() <= NAME_BYTES_MAX;
    let fits = fits && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte));
    match fits {
        true => Ok(name.clone()),
        false => Err(source.wrong(
            raw.span(),
            format_args!(
                "'{name}' cannot name a budget: use 1 to {NAME_BYTES_MAX} letters, digits and -_./:@"
            ),
        )),
    }
}

fn label(word: &str, span: std::ops::Range<usize>, source: Source<'_>) -> Result<Label, ConfigError> {
    Label::from_word(word).ok_or_else(|| {
        let error = source.wrong(span, format_args!("unknown label '{word}': use {LABELS}"));
        match nearest(word, Label::ALL.iter().map(|label| label.word())) {
            Some(meant) => error.hint(format!("did you mean '{meant}'?")),
            None => error,
        }
    })
}

/// Whether nobody can escape this budget by renaming itself: it looks only at labels that callers cannot set, or
/// another one that does covers every call that it covers (DESIGN.md section 6).
fn is_founded(budget: &Budget, all: &[Budget]) -> bool {
    let covers = |other: &Budget| other.selector.iter().all(|part| budget.selector.contains(part));
    is_trusted(budget) || all.iter().any(|other| is_trusted(other) && covers(other))
}

fn is_trusted(budget: &Budget) -> bool {
    let trusted = |label: &Label| matches!(label, Label::Key | Label::Model);
    budget.selector.iter().all(|(label, _)| trusted(label)) && budget.per.iter().all(trusted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(texts: &[&str]) -> Result<Option<Vec<Budget>>, ConfigError> {
        let flags: Vec<BudgetFlag> = texts.iter().map(|text| text.parse().unwrap()).collect();
        budgets_of_flags(&flags)
    }

    #[test]
    fn budgets_on_the_command_line() {
        let budgets = flags(&["10/day", "$2.50", "100/month", "3/5h"]).unwrap().unwrap();
        let told: Vec<(&str, String)> =
            budgets.iter().map(|budget| (budget.name.as_str(), budget.limit.to_string())).collect();
        assert_eq!(
            told,
            [
                ("day", "10.000000000".to_owned()),
                ("lifetime", "2.500000000".to_owned()),
                ("month", "100.000000000".to_owned()),
                ("rolling-5h", "3.000000000".to_owned())
            ]
        );
        assert!(flags(&[]).unwrap().is_none());
        assert!(flags(&["none"]).unwrap().unwrap().is_empty());
        assert!(flags(&["none", "1"]).is_err());
        assert!(flags(&["1/day", "2/day"]).is_err());
        assert!(flags(&["1/5h", "2/300m"]).is_err());
        assert!(flags(&["1/rolling 5h"]).is_ok());
        for text in ["", "day", "10/fortnight", "0/day", "-1", "10/day/x", "10/5x", "10/0h"] {
            assert!(text.parse::<BudgetFlag>().is_err(), "{text}");
        }
    }

    fn file(text: &str) -> Result<Vec<Budget>, String> {
        let path = std::path::Path::new("f.toml");
        super::super::Layer::of_file(path, text)
            .map(|layer| layer.budgets.unwrap_or_default())
            .map_err(|error| error.text())
    }

    const ALL: &str = "[[budget]]\nname = \"all\"\nlimit = \"10\"\nwindow = \"day\"\n";

    #[test]
    fn budgets_in_a_file() {
        let text = format!(
            "{ALL}[[budget]]\nname = \"sonnet/each\"\nmatch = {{ model = \"m\" }}\nper = [\"user\"]\nlimit = \"2.50\"\nwindow = \"week\"\ntimezone = \"Europe/Berlin\"\nstraddle = \"both\"\n[[budget]]\nname = \"lately\"\nlimit = \"1\"\nwindow = \"rolling 5h\"\n"
        );
        let budgets = file(&text).unwrap();
        assert_eq!(budgets[1].selector, [(Label::Model, "m".to_owned())]);
        assert_eq!(budgets[1].per.as_slice(), [Label::User]);
        let straddles: Vec<Straddle> = budgets.iter().map(|budget| budget.straddle).collect();
        assert_eq!(straddles, [Straddle::Admission, Straddle::Both, Straddle::Admission]);
        assert_eq!(budgets[2].window.kind().words(), "rolling 5h");
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let one = |rest: &str| file(&format!("[[budget]]\nname = \"b\"\n{rest}")).unwrap_err();
        let day = "window = \"day\"\n";
        for (text, told) in [
            (format!("limit = \"ten\"\n{day}"), "f.toml:3: limit: 'ten' is not an amount"),
            (format!("limit = \"0\"\n{day}"), "f.toml:3: limit: '0' is not above zero"),
            (format!("limit = 10.5\n{day}"), "f.toml:3: money is exact text: write \"10.5\""),
            (format!("limit = 10\n{day}"), "f.toml:3: money is exact text: write \"10.00\""),
            (format!("limt = \"1\"\n{day}"), "f.toml:3: unknown key 'limt'\nhint: did you mean 'limit'?"),
            ("limit = \"1\"\nwindow = \"fortnight\"\n".to_owned(), "f.toml:4: unknown window 'fortnight'"),
            (format!("limit = \"1\"\n{day}timezone = \"Mars\"\n"), "f.toml:5: unknown time zone 'Mars'"),
            (format!("limit = \"1\"\n{day}per = [\"usr\"]\n"), "f.toml:5: unknown label 'usr'"),
            (format!("limit = \"1\"\n{day}per = [\"key\", \"key\"]\n"), "f.toml:5: 'key' stands twice"),
            (format!("limit = \"1\"\n{day}match = {{ team = \"a\" }}\n"), "f.toml:5: unknown label 'team'"),
            (
                format!("limit = \"1\"\n{day}[[budget]]\nname = \"b\"\nlimit = \"1\"\n{day}"),
                "f.toml:6: a second",
            ),
            ("limit = \"1\"\n".to_owned(), "missing field `window`"),
            (format!("limit = \"1\"\n{day}straddle = \"next\"\n"), "f.toml:5: unknown straddle 'next'"),
            (
                "limit = \"1\"\nwindow = \"rolling 5h\"\nstraddle = \"both\"\n".to_owned(),
                "f.toml:5: a window 'rolling 5h' has no end to straddle",
            ),
        ] {
            let error = one(&text);
            assert!(error.contains(told), "{text}\n{error}");
        }
        let error = file("[[budget]]\nname = \"a b\"\nlimit = \"1\"\nwindow = \"day\"").unwrap_err();
        assert!(error.contains("f.toml:2: 'a b' cannot name a budget"), "{error}");
    }

    #[test]
    fn a_caller_cannot_rename_itself_into_fresh_money() {
        let each = |selector: &str| {
            format!(
                "[[budget]]\nname = \"each\"\n{selector}per = [\"user\"]\nlimit = \"1\"\nwindow = \"day\"\n"
            )
        };
        let error = file(&each("")).unwrap_err();
        assert!(error.contains("f.toml:2: budget 'each' counts by labels that callers set"), "{error}");
        assert!(file(&(each("") + ALL)).is_ok());
        let of_m = "[[budget]]\nname = \"m\"\nmatch = { model = \"m\" }\nlimit = \"1\"\nwindow = \"day\"\n";
        assert!(file(&(each("match = { model = \"m\" }\n") + of_m)).is_ok());
        assert!(file(&(each("match = { model = \"n\" }\n") + of_m)).is_err());
        assert!(file(&(each("") + of_m)).is_err());
        assert!(file(of_m).is_ok());
    }
}
