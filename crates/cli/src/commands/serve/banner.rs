//! What a start says on stderr: where to point programs, what they are held to, and what was found in the books.

use std::net::SocketAddr;
use std::path::Path;

use admission::UnknownHold;
use farebox::Config;
use ledger::Budget;
use money::Nano;
use store::Durability;

use super::checks;
use crate::commands::version::VERSION;
use crate::secrets::Key;
use crate::terminal::Terminal;

/// Budgets named one by one, at most.
const BUDGETS_SHOWN: usize = 6;

/// Routes named one by one, at most.
const ROUTES_SHOWN: usize = 6;

/// What is known at the start.
#[derive(Debug)]
pub(crate) struct Banner<'a> {
    pub(crate) listen: SocketAddr,
    pub(crate) console: SocketAddr,
    pub(crate) upstream: &'a str,
    pub(crate) sandbox: bool,
    pub(crate) key: Option<&'a Key>,
    pub(crate) config: &'a Config,
    pub(crate) data: &'a Path,
    pub(crate) unknown: &'a [UnknownHold],
    /// What is not as it should be, in sentences.
    pub(crate) warnings: &'a [String],
}

impl Banner<'_> {
    /// The lines.
    pub(crate) fn text(&self, terminal: &Terminal) -> String {
        let mut lines = vec![format!("{} {VERSION}", terminal.bold("farebox"))];
        let mut line = |what: &str, text: String| {
            lines.push(format!("  {} {text}", terminal.dim(&format!("{what:<9}"))))
        };
        line("base URL", terminal.bold(&format!("http://{}/api/v1", self.listen)));
        line("console", format!("http://{}", self.console));
        let fake = if self.sandbox { " (sandbox: no real money)" } else { "" };
        line("upstream", format!("{}{fake}", self.upstream));
        line("key", self.key.map_or("each caller's own", |key| key.from).to_owned());
        self.budgets().into_iter().for_each(|text| line("budget", text));
        let durability = match self.config.durability {
            Durability::Power => "survives a power cut",
            Durability::Process => "survives the death of the process",
        };
        line("books", format!("{} ({durability})", self.data.display()));
        if !self.config.files.is_empty() {
            let files: Vec<String> =
                self.config.files.iter().map(|file| file.display().to_string()).collect();
            line("config", files.join(", "));
        }
        if let Some(text) = self.routes() {
            line("routes", text);
        }
        if let Some(text) = recovered(self.unknown) {
            line("unknown", text);
        }
        if checks::is_bare_http(self.upstream) {
            lines.push(format!(
                "{} keys and prompts go to {} unencrypted",
                terminal.yellow("warning:"),
                self.upstream
            ));
        }
        let warning = terminal.yellow("warning:");
        lines.extend(self.warnings.iter().map(|text| format!("{warning} {text}")));
        lines.join("\n") + "\n"
    }

    fn routes(&self) -> Option<String> {
        let routes = self.config.routes.sorted();
        let names: Vec<&str> = routes.iter().take(ROUTES_SHOWN).map(|route| route.name.as_str()).collect();
        let more = if routes.len() > names.len() {
            format!(" and {} more", routes.len() - names.len())
        } else {
            String::new()
        };
        (!names.is_empty()).then(|| names.join(", ") + &more)
    }

    fn budgets(&self) -> Vec<String> {
        let budgets = &self.config.budgets;
        if budgets.is_empty() {
            return vec!["none: every call passes, uncounted".to_owned()];
        }
        let mut lines: Vec<String> = budgets.iter().take(BUDGETS_SHOWN).map(budget).collect();
        if budgets.len() > BUDGETS_SHOWN {
            lines.push(format!("and {} more: farebox budgets list", budgets.len() - BUDGETS_SHOWN));
        }
        if self.config.allow_unbudgeted {
            lines.push("calls that match none pass, uncounted".to_owned());
        }
        lines
    }
}

fn budget(budget: &Budget) -> String {
    let mut text = match budget.window.kind() {
        ledger::WindowKind::Lifetime => format!("{} for a lifetime", budget.limit.for_people()),
        ledger::WindowKind::Rolling(rolling) => {
            format!("{} in any {}", budget.limit.for_people(), rolling.length())
        }
        kind => format!("{} per {}", budget.limit.for_people(), kind.words()),
    };
    if budget.name != budget.window.kind().words().replace(' ', "-") {
        text = format!("{}: {text}", budget.name);
    }
    for (label, value) in &budget.selector {
        text += &format!(", {} {value}", label.word());
    }
    if !budget.per.is_empty() {
        let labels: Vec<&str> = budget.per.iter().map(|label| label.word()).collect();
        text += &format!(", for each {}", labels.join(" and "));
    }
    text
}

fn recovered(unknown: &[UnknownHold]) -> Option<String> {
    let bounds: Nano = unknown.iter().map(|hold| hold.bound).sum();
    let stuck = unknown.iter().filter(|hold| hold.generation.is_none()).count();
    let calls = |count: usize| if count == 1 { "1 call".to_owned() } else { format!("{count} calls") };
    match (unknown.len(), stuck) {
        (0, _) => None,
        (all, 0) => {
            Some(format!("{} of before, {} kept aside; being looked up", calls(all), bounds.for_people()))
        }
        (all, stuck) => Some(format!(
            "{} of before, {} kept aside; {stuck} without an id, the others are being looked up",
            calls(all),
            bounds.for_people()
        )),
    }
}
