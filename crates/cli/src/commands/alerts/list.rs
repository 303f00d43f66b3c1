//! `farebox alerts list`: open alerts, what was said of late, how each channel does.

use ::alerts::{ChannelRow, EventRow, Report};
use clap::Args;
use farebox::config::{ChannelPlan, Layer};
use jiff::Timestamp;

use super::Places;
use crate::commands::serve::alerting::FILE;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::{self, Align, Look};
use crate::terminal::Terminal;
use crate::{instant, live, output};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox alerts list\n  farebox alerts list --json\n  farebox alerts list --data /var/lib/farebox    works when the gateway is down";

/// Events told of, at most.
const EVENTS_MAX: u32 = 20;

/// `alerts list`
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Ask the gateway whose console is here
    #[arg(long, value_name = "ADDRESS")]
    console: Option<String>,
    #[command(flatten)]
    places: Places,
    /// Print JSON: {open, recent, channels}; money is decimal text
    #[arg(long)]
    json: bool,
}

/// Prints them.
pub(crate) async fn run(args: ListArgs) -> Result<Exit, Failure> {
    let report = match &args.console {
        Some(console) => live::read(console, "/alerts").await?,
        None => of_folder(&args.places)?,
    };
    if args.json {
        return output::json(&report);
    }
    output::text(&render(&report, &Terminal::of_stdout(), Timestamp::now()))
}

fn of_folder(places: &Places) -> Result<Report, Failure> {
    let config = places.config(Layer::default())?;
    let file = Places::folder(&config)?.join(FILE);
    let kind = |plan: &ChannelPlan| (plan.name.clone(), plan.kind());
    let kinds: Vec<(String, &str)> = config.alerts.channels.iter().map(kind).collect();
    ::alerts::report(&file, &kinds, EVENTS_MAX)
        .map_err(|error| Failure::caused(&format!("cannot read {}", file.display()), &error))
}

fn render(report: &Report, terminal: &Terminal, now: Timestamp) -> String {
    let mut text = match report.open.is_empty() {
        true => "nothing is wrong: no alert is open\n".to_owned(),
        false => events("OPEN", &report.open, terminal, now),
    };
    if !report.recent.is_empty() {
        text += "\n";
        text += &events("LATELY", &report.recent, terminal, now);
    }
    text += "\n";
    text + &match report.channels.is_empty() {
        true => "no channel is configured: alerts are only listed here\n".to_owned(),
        false => channels(&report.channels, terminal),
    }
}

fn events(title: &str, rows: &[EventRow], terminal: &Terminal, now: Timestamp) -> String {
    let widths = [(true, 60), (false, 60), (false, 42), (false, 30), (false, 20)];
    let shapes = widths.map(|(sent, chars)| {
        let header = [title, "AGO", "SENT TO"].into_iter().take(if sent { 3 } else { 2 });
        let header = header.map(|name| table::cell(name, Align::Left, Look::Dim)).collect();
        let rows = rows.iter().map(|row| {
            let data = |field: &str| row.data[field].as_str().unwrap_or_default();
            let look = match data("severity") {
                "critical" | "error" => Look::Alarm,
                "warning" => Look::Warn,
                _ => Look::Plain,
            };
            let mut cells = vec![
                table::cell(&table::printable_to(data("title"), chars), Align::Left, look),
                table::cell(&ago(&row.at, now), Align::Left, Look::Plain),
            ];
            if sent {
                cells.push(table::cell(&sent_to(row, now), Align::Left, Look::Plain));
            }
            cells
        });
        table::render(header, rows.collect(), terminal)
    });
    table::fitting(shapes, terminal)
}

/// `chat, pager (waiting, next try in 5m)`.
fn sent_to(row: &EventRow, now: Timestamp) -> String {
    let deliveries = row.deliveries.iter().map(|delivery| {
        let name = &delivery.channel;
        match (delivery.state.as_str(), delivery.next_at.as_ref().and_then(|at| at.parse::<Timestamp>().ok()))
        {
            ("delivered", _) => name.clone(),
            ("waiting", Some(at)) => format!("{name} (next try {})", instant::until(now, at)),
            (state, _) => format!("{name} ({state})"),
        }
    });
    let sent: Vec<String> = deliveries.collect();
    if sent.is_empty() { "nobody".to_owned() } else { sent.join(", ") }
}

fn ago(at: &str, now: Timestamp) -> String {
    at.parse::<Timestamp>().map_or_else(|_| at.to_owned(), |at| instant::span(at, now))
}

fn channels(rows: &[ChannelRow], terminal: &Terminal) -> String {
    let shapes = [true, false].map(|wide| {
        let mut header = vec![("CHANNEL", Align::Left), ("KIND", Align::Left)];
        if wide {
            header.extend([("DELIVERED", Align::Right), ("FAILED", Align::Right)]);
        }
        header.extend([("WAITING", Align::Right), ("STATE", Align::Left)]);
        let header = header.into_iter().map(|(name, align)| table::cell(name, align, Look::Dim)).collect();
        let rows = rows.iter().map(|row| {
            let number = |count: u64| table::cell(&count.to_string(), Align::Right, Look::Plain);
            let (state, look) = match (&row.disabled, row.waiting) {
                (Some(why), _) => (format!("off: {}", table::printable(why)), Look::Alarm),
                (None, 1..) => ("behind".to_owned(), Look::Warn),
                (None, 0) => ("fine".to_owned(), Look::Plain),
            };
            let mut cells = vec![
                table::cell(&table::printable(&row.name), Align::Left, Look::Plain),
                table::cell(row.kind.as_deref().unwrap_or("not configured"), Align::Left, Look::Plain),
            ];
            if wide {
                cells.extend([number(row.delivered), number(row.failed)]);
            }
            cells.extend([number(row.waiting), table::cell(&state, Align::Left, look)]);
            cells
        });
        table::render(header, rows.collect(), terminal)
    });
    table::fitting(shapes, terminal)
}
