//! Running one client and seeing what it used.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

/// What a client used, and how it went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    pub(crate) lookups: u64,
    pub(crate) elapsed: Duration,
    /// Of a lookup, or of a check of all lists.
    pub(crate) p50: Option<Duration>,
    pub(crate) p99: Option<Duration>,
    /// The most that was resident, in KiB.
    pub(crate) peak_kib: u64,
    pub(crate) wrong: u64,
    pub(crate) failed: u64,
    pub(crate) again: Option<u64>,
    /// By how much resident memory grew after the first quarter, in KiB.
    pub(crate) grown_kib: Option<u64>,
}

/// What a process left.
pub(crate) struct Left {
    pub(crate) stdout: String,
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    pub(crate) peak_kib: u64,
}

/// Runs a client that prints `key=value` words.
pub(crate) fn client(command: &mut Command) -> Result<Run> {
    let left = finish(command)?;
    let words = left.stdout.split_whitespace().filter_map(|word| word.split_once('='));
    let words: HashMap<&str, u64> =
        words.map(|(key, value)| Ok((key, value.parse()?))).collect::<Result<_>>()?;
    let number = |key| words.get(key).copied().with_context(|| format!("no {key} was printed"));
    Ok(Run {
        user: left.user,
        system: left.system,
        lookups: number("lookups")?,
        elapsed: Duration::from_micros(number("elapsed_us")?),
        p50: Some(Duration::from_micros(number("p50_us")?)),
        p99: Some(Duration::from_micros(number("p99_us")?)),
        peak_kib: number("rss_kib")?,
        wrong: number("wrong")?,
        failed: number("failed")?,
        again: words.get("again").copied(),
        grown_kib: words.get("grown_kib").copied(),
    })
}

/// Runs a command to its end.
fn finish(command: &mut Command) -> Result<Left> {
    let mut text = String::new();
    let left = converse(command, |stdin, stdout| {
        drop(stdin);
        stdout.read_to_string(&mut text)?;
        Ok(())
    })?;
    Ok(Left { stdout: text, ..left })
}

/// Runs a command to its end while somebody talks to it.
pub(crate) fn converse(
    command: &mut Command,
    talk: impl FnOnce(ChildStdin, &mut dyn BufRead) -> Result<()>,
) -> Result<Left> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("starting {command:?}"))?;
    let stdin = child.stdin.take().context("no standard input")?;
    let stdout = child.stdout.take().context("no standard output")?;
    talk(stdin, &mut BufReader::new(stdout)).with_context(|| format!("talking to {command:?}"))?;
    let (status, usage) = wait4(&child)?;
    ensure!(libc::WIFEXITED(status), "{command:?} was killed");
    // adnshost exits with up to 6 if a question had no data, by the kind of the worst.
    let code = libc::WEXITSTATUS(status);
    ensure!(code <= 6, "{command:?} failed with {code}");
    Ok(Left {
        stdout: String::new(),
        user: duration(usage.ru_utime),
        system: duration(usage.ru_stime),
        peak_kib: usage.ru_maxrss as u64,
    })
}

/// Waits for a child; gives its status and what it used.
#[allow(unsafe_code, reason = "std does not say what a child used")]
fn wait4(child: &Child) -> Result<(libc::c_int, libc::rusage)> {
    let mut status = 0;
    // SAFETY: the structure is plain numbers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let pid = libc::pid_t::try_from(child.id())?;
    // SAFETY: both pointers are to variables that outlive the call.
    let waited = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
    ensure!(waited == pid, "wait4: {}", std::io::Error::last_os_error());
    Ok((status, usage))
}

fn duration(time: libc::timeval) -> Duration {
    Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
}
