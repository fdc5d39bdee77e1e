//! Running where nothing can leave, and where port 53 is free: in a network namespace of our own.

use std::{
    env,
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result};

/// Says to the inner program that it is inside.
const VARIABLE: &str = "DNSBL_BENCH_CLIENT_INSIDE";

/// For root, and for others where the kernel lets them.
const WAYS: [&[&str]; 2] = [
    &["--net", "--pid", "--fork", "--kill-child", "--mount-proc"],
    &["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"],
];

/// Whether this is the inner program.
pub(crate) fn is_inside() -> bool {
    env::var_os(VARIABLE).is_some()
}

/// Runs this program again inside. The namespaces end with it, however it ends.
pub(crate) fn run_inside() -> Result<ExitCode> {
    let way = WAYS.into_iter().find(|way| {
        let mut attempt = Command::new("unshare");
        attempt.args(*way).arg("true").stdin(Stdio::null()).stderr(Stdio::null());
        attempt.status().is_ok_and(|status| status.success())
    });
    let way = way.context("no network namespace may be made here (unshare, of util-linux)")?;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare"]).args(way);
    command.arg(env::current_exe().context("finding this program")?);
    command.args(env::args_os().skip(1)).env(VARIABLE, "1");
    let status = command.status().context("starting this program inside its namespaces")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
