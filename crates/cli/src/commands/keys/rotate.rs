//! `farebox keys rotate`: a new key with the settings of an old one, then the old one goes.
//!
//! ```text
//! find old -> make new -> hand new over -> (--grace) -> disable or delete old
//! ```
//!
//! Outside failures: each step leaves what was before it as it is, and the error says what is there. The old key is
//! never touched before the new one is handed over.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use money::Nano;
use openrouter::account::{CreatedKey, Key, KeyChange, NewKey};

use super::create::{give, make};
use super::find::find;
use super::handover::HandoverArgs;
use super::row::{named, short};
use super::terms::{LimitFlag, limit_words};
use crate::account::{Administrator, UpstreamArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::instant;
use crate::terminal::Terminal;

pub(crate) const EXAMPLES: &str = "Examples:\n  farebox keys rotate backend-prod --out new.key\n  farebox keys rotate backend-prod --grace 10m    the old one works that much longer\n  farebox keys rotate backend-prod --delete-old --to -- sh -c 'deploy the key from stdin'";

/// `keys rotate`
#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    /// The old key: its hash or the beginning of it, its name, or its label
    #[arg(value_name = "KEY")]
    key: String,
    /// Another limit than the old one's, USD
    #[arg(long, value_name = "USD|none")]
    limit: Option<LimitFlag>,
    /// Wait this long before the old one is switched off: 10m, 1h
    #[arg(long, value_name = "TIME", value_parser = instant::wait)]
    grace: Option<Duration>,
    /// Delete the old one instead of switching it off
    #[arg(long)]
    delete_old: bool,
    /// Look in this workspace [default: the account's default one]
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    #[command(flatten)]
    handover: HandoverArgs,
    #[command(flatten)]
    upstream: UpstreamArgs,
    /// Print JSON: {key, data}, the new one; without the key where it goes elsewhere
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) async fn run(args: RotateArgs) -> Result<Exit, Failure> {
    let administrator = args.upstream.administer("rotating a key")?;
    let old = find(&administrator, &args.key, args.workspace.as_deref()).await?;
    let handover = args.handover.prepare()?;
    let new = NewKey {
        name: old.name.clone(),
        limit: args.limit.map_or(old.limit, |limit| limit.0),
        limit_reset: old.limit_reset.clone(),
        include_byok_in_limit: old.include_byok_in_limit.unwrap_or(false),
        expires_at: old.expires_at.as_deref().and_then(in_seconds),
        workspace_id: old.workspace_id.clone(),
    };
    let created = make(&administrator, &new).await?;
    let words = handover.words();
    give(handover, &created, args.json).map_err(|failure| {
        failure.hint(format!(
            "the old key {} is as it was; delete the new one, farebox keys delete {}, and rotate again",
            short(&old.hash),
            short(&created.key.hash)
        ))
    })?;
    let terminal = Terminal::of_stderr();
    eprintln!("{} {}; the key is {words}", terminal.green("made"), named(&created.key));
    if let Some(note) = limit_note(&old, &created) {
        eprintln!("{} {note}", terminal.bold("note:"));
    }
    retire(&administrator, &old, args.grace, args.delete_old).await?;
    Ok(Exit::Ok)
}

async fn retire(
    administrator: &Administrator,
    old: &Key,
    grace: Option<Duration>,
    delete: bool,
) -> Result<(), Failure> {
    let command = if delete { "delete" } else { "disable" };
    if let Some(grace) = grace.filter(|grace| !grace.is_zero()) {
        eprintln!(
            "the old one, {}, works for another {} s; to end it sooner: farebox keys {command} {}",
            named(old),
            grace.as_secs(),
            short(&old.hash)
        );
        tokio::time::sleep(grace).await;
    }
    let retired = match delete {
        true => administrator
            .admin
            .delete_key(&old.hash)
            .await
            .map_err(|error| administrator.not_changed(error, "farebox keys list --all")),
        false => switch_off(administrator, old).await,
    };
    retired.map_err(|failure| {
        let hash = short(&old.hash);
        failure
            .before(&format!(
                "the new key is made and handed over, but the old one, {}, may still be on",
                named(old)
            ))
            .hint(format!("farebox keys {command} {hash}"))
    })?;
    let word = if delete { "deleted" } else { "off, and carries the date of today in its name" };
    eprintln!("{} {} is {word}", Terminal::of_stderr().green("done"), named(old));
    Ok(())
}

/// Off, and under another name, so that the old name means the new key alone.
async fn switch_off(administrator: &Administrator, old: &Key) -> Result<(), Failure> {
    let today = Timestamp::now().strftime("%Y-%m-%d");
    let change = KeyChange {
        name: Some(format!("{}, until {today}", old.name)),
        disabled: Some(true),
        ..KeyChange::default()
    };
    let changed = administrator.admin.update_key(&old.hash, &change).await;
    changed
        .map(|_| ())
        .map_err(|error| administrator.not_changed(error, &format!("farebox keys show {}", short(&old.hash))))
}

/// OpenRouter counts per key, so a new one begins with its whole limit. Said where the old one has spent some of it.
fn limit_note(old: &Key, created: &CreatedKey) -> Option<String> {
    let (limit, spent) = (created.key.limit?, old.window_spent()?);
    if spent <= Nano::ZERO {
        return None;
    }
    let left = old.limit_remaining?.max(Nano::ZERO);
    Some(format!(
        "the old key had {} left of {}; the new one begins this window with all of {}, so both together may spend \
         {}. To carry over only what was left: farebox keys update {} --limit {}",
        left.for_people(),
        limit_words(old.limit, old.limit_reset.as_ref()),
        limit.for_people(),
        spent.saturating_add(limit).for_people(),
        short(&created.key.hash),
        left.shortest()
    ))
}

/// As OpenRouter takes it back: UTC with seconds.
fn in_seconds(at: &str) -> Option<String> {
    at.parse().ok().map(instant::seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_explained() {
        let key = |remaining: &str| {
            let json =
                format!(r#"{{"hash":"a","limit":50,"limit_remaining":{remaining},"limit_reset":"monthly"}}"#);
            serde_json::from_str::<Key>(&json).unwrap()
        };
        let new = r#"{"key":"sk","data":{"hash":"0123456789abcdef","limit":50}}"#;
        let new = serde_json::from_str::<CreatedKey>(new).unwrap();
        let note = limit_note(&key("12.5"), &new).unwrap();
        assert!(note.starts_with("the old key had $12.50 left of $50.00 per month; "), "{note}");
        assert!(
            note.contains("may spend $87.50")
                && note.ends_with("farebox keys update 0123456789ab --limit 12.5"),
            "{note}"
        );
        assert_eq!(limit_note(&key("50"), &new), None, "nothing spent, nothing to say");
        assert!(limit_note(&key("-1"), &new).unwrap().starts_with("the old key had $0.00 left"));
        assert_eq!(in_seconds("2027-12-31T23:59:59.000Z").as_deref(), Some("2027-12-31T23:59:59Z"));
    }
}
