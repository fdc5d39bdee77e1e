//! What the figures were taken on.

use std::{env, fs};

use anyhow::{Context, Result};

use crate::programs::run;

/// The head of a report.
pub(crate) fn describe() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo").context("reading /proc/cpuinfo")?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").context("reading osrelease")?;
    let model = cpus.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(':')).map_or("unknown", |(_, value)| value);
    let command: Vec<String> = env::args().skip(1).collect();
    Ok(format!(
        "# Results of the client\n\nTaken by `bench-client {}` at commit {}, {}, on {} ({} cores, \
         Linux {}). Servers have the first core, the client has the last; all is on loopback.\n",
        command.join(" "),
        commit(),
        jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"),
        model.trim(),
        cpus.lines().filter(|line| line.starts_with("processor")).count(),
        kernel.trim(),
    ))
}

/// The commit, with a plus sign where files differ from it.
fn commit() -> String {
    let commit = run("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let changed = run("git", &["status", "--porcelain", "--untracked-files=no"]);
    let plus = if changed.is_ok_and(|changed| changed.is_empty()) { "" } else { "+" };
    if commit.is_empty() { "unknown".to_owned() } else { format!("{}{plus}", commit.trim()) }
}
