//! Where the programs lie: ours beside this one, the peers' where `scripts/fetch-tools` puts them.

use std::{env, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use dnsbl_tests::{Finished, Process};

/// A program of this workspace.
pub(crate) fn ours(name: &str) -> Result<PathBuf> {
    let path = release_dir()?.join(name);
    ensure!(path.exists(), "{} is missing; run `make build`", path.display());
    Ok(path)
}

/// A program that others wrote.
pub(crate) fn peer(name: &str) -> Result<PathBuf> {
    let path = target_dir()?.join("tools/bin").join(name);
    ensure!(path.exists(), "{} is missing; run scripts/fetch-tools", path.display());
    Ok(path)
}

/// The folder that lists and stores are kept in: on a disk, unlike some `/tmp`, and open to the user
/// that rbldnsd changes to, unlike some target directories.
pub(crate) fn work_dir() -> PathBuf {
    PathBuf::from("/var/tmp/dnsbl-bench")
}

fn target_dir() -> Result<PathBuf> {
    let release = release_dir()?;
    Ok(release.parent().context("a profile's folder lies in the target directory")?.to_path_buf())
}

fn release_dir() -> Result<PathBuf> {
    let own = env::current_exe().context("finding this program")?;
    Ok(own.parent().context("a program lies in a folder")?.to_path_buf())
}

/// Runs a small command to its end; an error unless it succeeds. Gives its standard output.
pub(crate) fn run(program: &str, args: &[&str]) -> Result<String> {
    let finished = Process::run(Command::new(program).args(args))?;
    check(&format!("{program} {}", args.join(" ")), &finished)?;
    Ok(finished.stdout)
}

/// Waits for a command; an error unless it succeeds.
pub(crate) fn finish(name: &str, process: Process, limit: Duration) -> Result<Finished> {
    let finished = process.wait(limit)?;
    check(name, &finished)?;
    Ok(finished)
}

fn check(name: &str, finished: &Finished) -> Result<()> {
    ensure!(
        finished.code == Some(0),
        "`{name}` failed with {:?}; it said:\n{}{}",
        finished.code,
        finished.stdout,
        finished.stderr
    );
    Ok(())
}
