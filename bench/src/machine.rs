//! What the figures were taken on.

use std::{env, fs};

use anyhow::{Context, Result};

use crate::{network::Network, programs::run};

/// The head of a report.
pub(crate) fn describe(network: &Network) -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo").context("reading /proc/cpuinfo")?;
    let memory = fs::read_to_string("/proc/meminfo").context("reading /proc/meminfo")?;
    let kernel =
        fs::read_to_string("/proc/sys/kernel/osrelease").context("reading the kernel's release")?;
    let kib: u64 = value(&memory, "MemTotal").trim_end_matches(" kB").parse()?;
    let command: Vec<String> = env::args().skip(1).collect();
    Ok(format!(
        "# Results\n\nTaken by `bench {}` at commit {}, {}, on {} ({} cores, Linux {}, {} GiB of \
         memory). Load: {}.\n",
        command.join(" "),
        commit(),
        jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"),
        value(&cpus, "model name"),
        cpus.lines().filter(|line| line.starts_with("processor")).count(),
        kernel.trim(),
        kib >> 20,
        network.isolation(),
    ))
}

/// `NAME : value`.
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, value)| value.trim())
}

/// The commit, with a plus sign where files differ from it.
fn commit() -> String {
    let commit = run("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let changed =
        run("git", &["status", "--porcelain", "--untracked-files=no"]).unwrap_or_default();
    let plus = if changed.is_empty() { "" } else { "+" };
    if commit.is_empty() { "unknown".to_owned() } else { format!("{}{plus}", commit.trim()) }
}
