//! What needs the store while the server is stopped.

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt, path::Path, time::Instant};

use anyhow::{Context, anyhow, bail};
use dnsbl_store::{Actor, Change, Follower, MintedToken, Recovery, Store, ZoneSurvey};
use dnsbl_types::{Entry, Name, Serial, Subject, UnixTime, Zone};

use crate::Config;

/// Creates a token and prints it.
pub fn create_token(
    config: &Config,
    name: &str,
    scopes: &[String],
    sources: &[String],
) -> anyhow::Result<()> {
    admin_api::token_name(name).map_err(|err| anyhow!("--{err}"))?;
    let sources = admin_api::token_sources(sources).map_err(|err| anyhow!("--source: {err}"))?;
    let known = admin_api::SCOPES;
    if let Some(scope) = scopes.iter().find(|scope| !known.contains(&scope.as_str())) {
        bail!("--scope {scope}: unknown; there are {}", known.join(", "));
    }
    let scopes = if scopes.is_empty() { all_scopes() } else { scopes.to_vec() };
    let mut minted = mint(name, scopes)?;
    minted.record.sources = sources;
    let store = Store::open(&config.store_dir())?;
    store.start(Box::new(NoFollower))?;
    let actor = Actor::part("dnsbl-server token create");
    store.change(actor, Change::PutToken(minted.record), UnixTime::now())?;
    store.close();
    println!("{}", minted.text.reveal());
    Ok(())
}

/// Makes the first token, if there is none, and leaves it in a file that only the owner can read.
///
/// The file is synced before the token counts: a crash in between leaves a file that the next start
/// writes anew, never a token that nobody knows.
pub(crate) fn ensure_token(store: &Store, file: &Path) -> anyhow::Result<()> {
    if !store.read(UnixTime::now()).tokens()?.is_empty() {
        return Ok(());
    }
    let minted = mint("admin", all_scopes())?;
    write_secret(file, minted.text.reveal())
        .with_context(|| format!("writing {}", file.display()))?;
    store.change(Actor::server(), Change::PutToken(minted.record), UnixTime::now())?;
    tracing::info!(file = %file.display(), "wrote the first token");
    Ok(())
}

fn mint(name: &str, scopes: Vec<String>) -> anyhow::Result<MintedToken> {
    let mut random = [0; MintedToken::RANDOM];
    getrandom::fill(&mut random).context("the system has no randomness for a token")?;
    Ok(MintedToken::mint(random, name.into(), scopes, UnixTime::now(), None))
}

fn all_scopes() -> Vec<String> {
    admin_api::SCOPES.iter().map(|scope| (*scope).into()).collect()
}

pub(crate) fn write_secret(file: &Path, text: &str) -> std::io::Result<()> {
    let part = file.with_extension("token.part");
    let _ = fs::remove_file(&part);
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    writeln!(out, "{text}")?;
    out.sync_all()?;
    fs::rename(&part, file)?;
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Shows what a recovery would keep and drop; does it if told to.
pub fn recover(config: &Config, apply: bool) -> anyhow::Result<()> {
    let store = config.store_dir();
    match Store::open(&store) {
        Ok(_) => {
            println!("{}: the store opens; there is nothing to recover", store.display());
            return Ok(());
        }
        Err(dnsbl_store::StoreError::Damaged { path, detail }) => {
            println!("damaged: {}: {detail}", path.display())
        }
        Err(err) => return Err(err.into()),
    }
    let plan = Recovery::plan(&store)?;
    show(&plan);
    if apply {
        let aside = plan.apply(UnixTime::now())?;
        println!("recovered; the damaged store is kept in {}", aside.display());
    } else {
        plan.discard()?;
        println!("nothing was changed; add --apply to go on with what is kept");
    }
    Ok(())
}

fn show(plan: &Recovery) {
    println!("kept: changes 1 to {}", plan.head);
    for ZoneSurvey { origin, found, expected } in &plan.zones {
        println!("kept: zone {origin}: {found} rows of {expected}");
    }
    if plan.repaired {
        println!("tables had to be rebuilt: older rows may be missing, compare the counts above");
    }
    match &plan.unread {
        Some(why) => {
            println!("dropped: every change after {}; none of them can be read: {why}", plan.head)
        }
        None => println!(
            "dropped: every change after {}; of those, {} can still be read:",
            plan.head,
            plan.dropped.len()
        ),
    }
    for entry in &plan.dropped {
        for op in &entry.ops {
            let zone = op.zone().map(ToString::to_string).unwrap_or_default();
            let subject = op.subject().unwrap_or_default();
            println!("dropped: {} {} {zone} {subject} by {}", entry.seq, op.word(), entry.actor);
        }
    }
}

/// Nobody answers queries while the server is stopped.
struct NoFollower;

impl Follower for NoFollower {
    fn put_zone(&mut self, _: &Zone, _: Serial) {}
    fn remove_zone(&mut self, _: &Name) {}
    fn set_serial(&mut self, _: &Name, _: Serial) {}
    fn set_entries(&mut self, _: &Name, _: &Subject, _: &[Entry]) {}
    fn publish(&mut self, _: u64, _: Instant) {}
}
