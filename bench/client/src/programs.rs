//! Where programs lie, and running them.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

/// A program of this package.
pub(crate) fn ours(name: &str) -> Result<PathBuf> {
    let path = release_dir()?.join(name);
    ensure!(path.exists(), "{} is missing; run `make bench-client`", path.display());
    Ok(path)
}

/// A program that others wrote.
pub(crate) fn peer(name: &str) -> Result<PathBuf> {
    let path = tools_dir()?.join("bin").join(name);
    ensure!(path.exists(), "{} is missing; run scripts/fetch-tools", path.display());
    Ok(path)
}

/// Compiles the program that uses libudns, with the library inside.
pub(crate) fn compile_udns(dir: &Path) -> Result<PathBuf> {
    let (source, program) = (dir.join("udns.c"), dir.join("udns"));
    fs::write(&source, include_str!("../udns.c")).context("writing udns.c")?;
    let root = tools_dir()?.join("root/usr");
    let library = find(&root.join("lib"), "libudns.a")?;
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-o"]).arg(&program).arg(&source).arg(library);
    let status = cc.arg("-I").arg(root.join("include")).status().context("starting cc")?;
    ensure!(status.success(), "{cc:?} failed");
    Ok(program)
}

/// A command on the first core, where the servers are.
pub(crate) fn on_first_core(program: &Path) -> Command {
    on_core("0", program)
}

/// A command on the last core, where the client is.
pub(crate) fn on_last_core(program: &Path) -> Command {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    on_core(&(cores - 1).to_string(), program)
}

fn on_core(core: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(program);
    command
}

/// Runs a small command; gives what it prints.
pub(crate) fn run(program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("starting {program}"))?;
    ensure!(output.status.success(), "{program} {args:?}: {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Waits before the next attempt.
pub(crate) fn rest(duration: Duration) -> io::Result<()> {
    std::thread::park_timeout(duration);
    Ok(())
}

fn find(dir: &Path, name: &str) -> Result<PathBuf> {
    let direct = dir.join(name);
    let below = fs::read_dir(dir)?.filter_map(|entry| Some(entry.ok()?.path().join(name)));
    [direct]
        .into_iter()
        .chain(below)
        .find(|path| path.exists())
        .with_context(|| format!("{name} is missing; run scripts/fetch-tools"))
}

fn tools_dir() -> Result<PathBuf> {
    let release = release_dir()?;
    let target = release.parent().context("a profile's folder lies in the target directory")?;
    Ok(target.join("tools"))
}

fn release_dir() -> Result<PathBuf> {
    let own = env::current_exe().context("finding this program")?;
    Ok(own.parent().context("a program lies in a folder")?.to_path_buf())
}
