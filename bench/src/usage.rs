//! What a server's processes use, from `/proc`.

use std::{collections::HashMap, fs, ops::Sub, time::Duration};

use anyhow::{Context, Result};

/// The unit of times in `/proc/PID/stat`: USER_HZ is 100 on all of Linux.
const TICK: Duration = Duration::from_millis(10);

/// Processor time of all threads.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuTime {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

impl Sub for CpuTime {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        let user = self.user.saturating_sub(earlier.user);
        Self { user, system: self.system.saturating_sub(earlier.system) }
    }
}

/// The processor time of a process and its descendants so far.
pub(crate) fn cpu_time(root: u32) -> Result<CpuTime> {
    let mut sum = CpuTime::default();
    for (user, system) in tree(root)?.values() {
        sum.user += TICK * *user;
        sum.system += TICK * *system;
    }
    Ok(sum)
}

/// The processor time so far of those threads of a process whose names begin so.
pub(crate) fn thread_time(pid: u32, name: &str) -> Result<Duration> {
    let tasks = format!("/proc/{pid}/task");
    let mut sum = Duration::ZERO;
    for task in fs::read_dir(&tasks).with_context(|| format!("reading {tasks}"))? {
        let task = task?.path();
        if !fs::read_to_string(task.join("comm"))?.starts_with(name) {
            continue;
        }
        // The first of three numbers: nanoseconds on a processor.
        let text = fs::read_to_string(task.join("schedstat"))?;
        let nanos = text.split_whitespace().next().context("an empty schedstat")?;
        sum += Duration::from_nanos(nanos.parse()?);
    }
    Ok(sum)
}

/// The resident memory of a process in bytes; of several, with what they share counted once.
pub(crate) fn memory(root: u32) -> Result<u64> {
    let pids = tree(root)?;
    if pids.len() == 1 {
        return field(root, "status", "VmRSS:");
    }
    pids.keys().map(|&pid| field(pid, "smaps_rollup", "Pss:")).sum()
}

/// The most resident memory since the last [`forget_peak`], in bytes.
pub(crate) fn peak(pid: u32) -> Result<u64> {
    field(pid, "status", "VmHWM:")
}

/// Lets the peak begin again at what is resident now.
pub(crate) fn forget_peak(pid: u32) -> Result<()> {
    let path = format!("/proc/{pid}/clear_refs");
    fs::write(&path, "5").with_context(|| format!("writing {path}"))
}

/// Datagrams that this network namespace dropped since its socket buffers were full.
pub(crate) fn socket_drops() -> Result<u64> {
    let text = fs::read_to_string("/proc/self/net/snmp").context("reading /proc/self/net/snmp")?;
    let mut rows = text.lines().filter(|line| line.starts_with("Udp:"));
    let (names, values) = rows.next().zip(rows.next()).context("no Udp in /proc/self/net/snmp")?;
    let mut both = names.split_whitespace().zip(values.split_whitespace());
    let (_, value) = both.find(|(name, _)| *name == "RcvbufErrors").context("no RcvbufErrors")?;
    Ok(value.parse()?)
}

/// Whether a child still runs.
pub(crate) fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// A line such as `VmRSS:  123 kB`, in bytes.
fn field(pid: u32, file: &str, name: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/{file}");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    let value = value.and_then(|value| value.trim().strip_suffix(" kB"));
    let kib: u64 = value.with_context(|| format!("no {name} in {path}"))?.trim().parse()?;
    Ok(kib * 1024)
}

/// User and system ticks of a process and of all below it.
fn tree(root: u32) -> Result<HashMap<u32, (u32, u32)>> {
    let mut all = HashMap::new();
    for entry in fs::read_dir("/proc").context("reading /proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        // It may have ended meanwhile.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        all.extend(parse_stat(&stat).map(|(parent, ticks)| (pid, (parent, ticks))));
    }
    let below = |mut pid: u32| {
        while pid != root {
            match all.get(&pid) {
                Some(&(parent, _)) => pid = parent,
                None => return false,
            }
        }
        true
    };
    let members = all.iter().filter(|&(&pid, _)| below(pid));
    Ok(members.map(|(&pid, &(_, ticks))| (pid, ticks)).collect())
}

/// Parent, and user and system ticks, of a line of `/proc/PID/stat` (proc(5)).
fn parse_stat(stat: &str) -> Option<(u32, (u32, u32))> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |i: usize| fields.get(i)?.parse::<u32>().ok();
    Some((number(1)?, (number(11)?, number(12)?)))
}
