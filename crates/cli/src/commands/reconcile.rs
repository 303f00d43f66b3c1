//! `farebox reconcile HOLD`: the operator says what a call cost, where no other evidence will come.
//!
//! Through the gateway that has the folder open, or into the books themselves when none has. Who and why stand in the
//! journal for good.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use admission::{Admission, Policy};
use clap::Args;
use console::{Reconcile, Reconciled};
use jiff::Timestamp;
use money::Nano;
use store::{Durability, Options, Store};

use super::budgets::list::folder;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::{consent, live, output};

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox unknown                       which calls there are\n  farebox reconcile 1234 --cost 0.0123 --why \"OpenRouter's activity page\"\n  farebox reconcile 1234 --free --why \"no such call on the activity page\"";

/// `reconcile`
#[derive(Debug, Args)]
pub(crate) struct ReconcileArgs {
    /// The number of the hold: farebox unknown
    #[arg(value_name = "HOLD")]
    hold: u64,
    /// What it cost, USD
    #[arg(long, value_name = "USD", value_parser = cost, required_unless_present = "free", conflicts_with = "free")]
    cost: Option<Nano>,
    /// It was not billed
    #[arg(long)]
    free: bool,
    /// How you know; kept in the books
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// The folder of the books
    #[arg(long, value_name = "DIR", env = "FAREBOX_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Print JSON: {hold, was_usd, cost_usd}; money is decimal text
    #[arg(long)]
    json: bool,
}

fn cost(text: &str) -> Result<Nano, String> {
    let bare = text.strip_prefix('$').unwrap_or(text);
    Nano::parse_ceil(bare).map_err(|error| format!("'{text}' is not an amount of USD: {error}"))
}

/// Books it.
pub(crate) async fn run(args: ReconcileArgs) -> Result<Exit, Failure> {
    consent::possible(args.yes)?;
    let folder = folder(args.data)?;
    let cost_usd = args.cost.unwrap_or(Nano::ZERO);
    let what = if cost_usd == Nano::ZERO { "free".to_owned() } else { cost_usd.for_people() };
    if !args.yes && !consent::given(&format!("book hold {} as {what}, for good?", args.hold))? {
        return Err(Failure::failed("nothing was changed"));
    }
    let asked = Reconcile { hold: args.hold, cost_usd, who: who(), why: args.why };
    let done = match live::of_folder(&folder) {
        Some(address) => live::change(&address, &folder, "/reconcile", &asked).await?,
        None => offline(&folder, &asked)?,
    };
    if args.json {
        return output::json(&done);
    }
    let (was, cost) = (done.was_usd.for_people(), done.cost_usd.for_people());
    output::text(&format!("hold {}: {cost} booked, {was} was charged until now\n", done.hold))
}

fn offline(folder: &Path, asked: &Reconcile) -> Result<Reconciled, Failure> {
    let (store, admission) = open_offline(folder)?;
    let done = asked.apply(&admission).map_err(|error| {
        Failure::failed(chain(&error)).hint("the numbers of unknown holds: farebox unknown")
    })?;
    drop(admission);
    store.close().map_err(|error| Failure::failed(chain(&error)))?;
    Ok(done)
}

/// The books as a gateway would open them that lets nothing through. Nothing is made where there are none.
pub(crate) fn open_offline(folder: &Path) -> Result<(Arc<Store>, Admission), Failure> {
    store::read(folder).map_err(|error| super::budgets::list::unreadable(&error))?;
    let failed = |error: &dyn std::error::Error| Failure::failed(chain(error));
    let (store, recovered) =
        Store::open(folder, Options::new(Durability::Power)).map_err(|error| failed(&error))?;
    let store = Arc::new(store);
    let policy = Policy::new(Vec::new(), false);
    let now_ms = Timestamp::now().as_millisecond();
    let admission =
        Admission::open(Arc::clone(&store), recovered, policy, now_ms).map_err(|error| failed(&error))?;
    Ok((store, admission))
}

/// The login of whoever decides, as far as the environment tells.
pub(crate) fn who() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}
