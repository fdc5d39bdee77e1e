//! Commands that need the store while the server is stopped.

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt, path::Path};

use admin_api::{AskedToken, TokenTermsBody};
use anyhow::{Context, anyhow, bail};
use dnsbl_store::{
    Actor, Change, Examined, MintedToken, Operation, Recovery, Store, StoreError, ZoneSurvey,
};
use dnsbl_types::UnixTime;

use crate::Config;

/// The role of the first token.
pub const FIRST_ROLE: &str = "operator";

/// Creates a token and prints it. It comes from no other token.
///
/// # Errors
/// The name or the terms make no sense, or the store can't be opened or written.
pub fn create_token(config: &Config, name: &str, terms: &TokenTermsBody) -> anyhow::Result<()> {
    admin_api::token_name(name).map_err(|err| anyhow!("--{err}"))?;
    let asked = AskedToken::read(terms, UnixTime::now()).map_err(|err| anyhow!("{err}"))?;
    let MintedToken { mut record, text } = mint(name, asked.scopes)?;
    (record.sources, record.terms) = (asked.sources, asked.terms);
    record.expires_at = asked.expires_at;
    let store = open_store(config)?;
    store.start(Box::new(()))?;
    let actor = Actor::part("dnsbl-server token create");
    store.commit(Change::new(actor, Operation::PutToken(record)), UnixTime::now())?;
    store.close();
    println!("{}", text.reveal());
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
    let minted = mint("admin", admin_api::SCOPES.iter().map(|scope| (*scope).into()).collect())?;
    write_secret(file, minted.text.reveal())
        .with_context(|| format!("writing {}", file.display()))?;
    let put = Operation::PutToken(minted.record);
    store.commit(Change::new(Actor::server(), put), UnixTime::now())?;
    tracing::info!(file = %file.display(), "wrote the first token");
    Ok(())
}

fn mint(name: &str, scopes: Vec<String>) -> anyhow::Result<MintedToken> {
    let mut random = [0; MintedToken::RANDOM];
    getrandom::fill(&mut random).context("the system has no randomness for a token")?;
    Ok(MintedToken::mint(random, name.into(), scopes, UnixTime::now(), None))
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

/// Opens the store, or makes one where there was none before.
pub(crate) fn open_store(config: &Config) -> anyhow::Result<Store> {
    let (store, token) = (config.store_dir(), config.token_file());
    // The token was handed out by a store, which must not be replaced by an empty one.
    if token.is_file() && !Store::exists(&store)? {
        bail!(
            "{} is there, but {} is empty or missing: bring the store back; for a new one, move the token file away",
            token.display(),
            store.display()
        );
    }
    Ok(Store::open(&store)?)
}

/// Shows what a recovery would keep and lose; does it if told to.
///
/// # Errors
/// There is no store, or it can't be read or recovered.
pub fn recover(config: &Config, apply: bool) -> anyhow::Result<()> {
    let store = config.store_dir();
    let (why, plan) = match Recovery::examine(&store)? {
        Examined::Absent => bail!("{}: there is no store", store.display()),
        Examined::Sound { torn } => {
            println!(
                "{}: the store opens, and all of it can be read; there is nothing to recover",
                store.display()
            );
            if let Some(torn) = torn {
                println!(
                    "the last write was cut off and never acknowledged; the next start drops it: {torn}"
                );
            }
            return Ok(());
        }
        Examined::Damaged { why, plan } => (why, plan),
    };
    match &why {
        StoreError::Damaged { path, detail } => println!("damaged: {}: {detail}", path.display()),
        StoreError::Behind { found, expected, .. } => println!(
            "behind: the store ends with change {found}, but change {expected} was acknowledged"
        ),
        other => println!("damaged: {other}"),
    }
    show(&plan);
    if apply {
        let done = plan.apply(UnixTime::now())?;
        done.notes.iter().for_each(|note| println!("{note}"));
        println!(
            "recovered, in a new epoch; the damaged store is kept in {}",
            done.aside.display()
        );
    } else {
        println!("nothing was changed; add --apply to go on with what is kept");
    }
    Ok(())
}

fn show(plan: &Recovery) {
    plan.damage.iter().for_each(|damage| println!("damaged: {damage}"));
    println!("kept: changes up to {}", plan.head);
    for ZoneSurvey { origin, found, expected } in &plan.zones {
        match expected {
            Some(expected) if expected > found => {
                let lost = expected - found;
                println!("kept: zone {origin}: {found} rows of {expected}; lost: {lost}");
            }
            Some(expected) => println!("kept: zone {origin}: {found} rows of {expected}"),
            None => println!("kept: zone {origin}: {found} rows; how many there were is lost"),
        }
    }
    plan.notes.iter().for_each(|note| println!("{note}"));
    if plan.missing > 0 {
        println!("lost: the log's entries of {} changes", plan.missing);
    }
    if let Some(expected) = plan.expected.filter(|expected| *expected > plan.head) {
        println!("lost: changes {} to {expected}, which were acknowledged", plan.head + 1);
    }
}
