//! `farebox audit`: these books beside OpenRouter's own bill, generation by generation.
//!
//! Through the gateway that has the folder open, or with the books opened here when none has; both do the same. With
//! `--apply` what differs is booked, and books that were restored or repaired are whole again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use console::{AuditRow, RunAudit};
use farebox::config::{self, BudgetFlag, Config, Layer};
use farebox::{Farebox, OpenError};
use jiff::Timestamp;
use money::Nano;

use super::budgets::list::unreadable;
use super::reconcile::who;
use crate::amount::grouped;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::terminal::Terminal;
use crate::{live, output, secrets};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox audit\n  farebox audit --since 7d\n  farebox audit --apply                 book what OpenRouter says\n\nNeeds a management key in OPENROUTER_MANAGEMENT_KEY.";

/// `audit`
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// How far back: 90m, 24h, 7d; restored or repaired books: at least to where they end
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = ago)]
    since: Duration,
    /// Book what OpenRouter says: changed costs, and generations the books do not know
    #[arg(long)]
    apply: bool,
    /// The folder of the books
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Where calls go [default: https://openrouter.ai/api/v1]
    #[arg(long, value_name = "URL", env = "OPENROUTER_BASE_URL", hide_env_values = true)]
    upstream: Option<String>,
    /// Read this configuration file and no other
    #[arg(long, value_name = "FILE", env = "FAREBOX_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Without a running gateway: the limits it is given, as farebox serve has them
    #[arg(long, value_name = "LIMIT", env = "FAREBOX_BUDGET", hide_env_values = true, value_delimiter = ',')]
    budget: Vec<BudgetFlag>,
    /// Print JSON: {at, from, until, entries, ours_usd, theirs_usd, drift_usd,
    /// corrected, corrected_usd, extras, extras_usd, missing, missing_usd,
    /// complete, applied, accepted, shut}; money is decimal text
    #[arg(long, verbatim_doc_comment)]
    json: bool,
}

fn ago(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is not a time: write 90m, 24h or 7d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let count: u64 = text.strip_suffix(unit).and_then(|count| count.parse().ok()).ok_or_else(wrong)?;
    let unit_s = match unit {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let most = Duration::from_secs(31 * 86_400);
    match count.checked_mul(unit_s).map(Duration::from_secs) {
        Some(ago) if ago <= most => Ok(ago),
        _ => Err(format!("'{text}' is too long ago: OpenRouter tells of at most 31 days")),
    }
}

/// Audits, prints, and fails where something differs.
pub(crate) async fn run(args: AuditArgs) -> Result<Exit, Failure> {
    let upstream = args.upstream.clone();
    let layer = Layer {
        data: args.data.clone(),
        upstream: upstream.map(|value| farebox::config::Setting { value, from: "--upstream".to_owned() }),
        budgets: config::budgets_of_flags(&args.budget)?,
        ..Layer::default()
    };
    let config = Config::load(layer, args.config.clone())?;
    let folder = config.data.clone().map_or_else(|| super::budgets::list::folder(None), Ok)?;
    let since_s = i64::try_from(args.since.as_secs()).unwrap_or(i64::MAX);
    let now = Timestamp::now().as_millisecond();
    let asked = RunAudit {
        from_ms: now.saturating_sub(since_s.saturating_mul(1_000)),
        apply: args.apply,
        who: who(),
    };
    let report = match live::of_folder(&folder) {
        Some(address) => live::change(&address, &folder, "/audit", &asked).await?,
        None => offline(&folder, config, &asked).await?,
    };
    if args.json {
        output::json(&report)?;
    } else {
        output::text(&text(&report, &Terminal::of_stdout()))?;
    }
    Ok(if report.is_even() { Exit::Ok } else { Exit::Drift })
}

/// With the books open here, and no calls let in.
async fn offline(folder: &Path, config: Config, asked: &RunAudit) -> Result<AuditRow, Failure> {
    store::read(folder).map_err(|error| unreadable(&error))?;
    let management_key = secrets::needed_management_key("an audit")?;
    let mut builder =
        Farebox::builder().config(config).data(folder).management_key(management_key.secret.expose());
    if let Some(key) = secrets::api_key()? {
        builder = builder.upstream_key(key.secret.expose());
    }
    let house = builder.open().await.map_err(|error| {
        let failure = Failure::failed(chain(&error));
        match error {
            OpenError::NoBudget => failure.hint(
                "what is found is charged to the budgets: say them as for farebox serve, or start it first; it lets nothing through until the books are whole",
            ),
            _ => failure,
        }
    })?;
    let report = asked.run(house.gateway(), house.admission()).await;
    house.close_now().await.map_err(|error| Failure::failed(chain(&error)))?;
    report.map_err(|why| Failure::failed(why.to_string()))
}

fn text(report: &AuditRow, terminal: &Terminal) -> String {
    let calls =
        if report.entries == 1 { "1 call".to_owned() } else { format!("{} calls", grouped(report.entries)) };
    let drift = format!("drift {}", exact(report.drift_usd));
    let drift = if report.drift_usd == Nano::ZERO { terminal.green(&drift) } else { terminal.red(&drift) };
    let mut text = format!(
        "{calls} since {} · own books {} · OpenRouter {} · {drift}\n",
        report.from,
        exact(report.ours_usd),
        exact(report.theirs_usd),
    );
    let booked = if report.applied { "booked" } else { "to be booked: --apply" };
    for (count, amount, what) in [
        (report.corrected, report.corrected_usd, format!("cost otherwise than we have it ({booked})")),
        (report.extras, report.extras_usd, format!("are not in the books ({booked})")),
        (report.missing, report.missing_usd, "are in the books and not on the bill".to_owned()),
    ] {
        if count > 0 {
            text += &format!("  {} {what}: {}\n", grouped(count), exact(amount));
        }
    }
    if report.shut && report.applied {
        text += "  calls of before may still be billed, so nothing is let through yet: with the gateway running for final_after (15m), audit again\n";
    }
    if !report.complete {
        text +=
            "  OpenRouter did not tell all of it: nothing was lowered, and what is missing may be there\n";
    }
    text
}

/// To the nano-dollar.
fn exact(amount: Nano) -> String {
    format!("${amount}")
}
