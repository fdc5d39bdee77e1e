//! A long list over HTTP: how long, how much memory, and whether DNS answers meanwhile.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result};

use crate::{
    data,
    lab::Lab,
    pause::pause,
    prober,
    report::{self, Table, mebibytes, time},
    servers::{Ours, Server},
    usage,
};

const COLUMNS: [&str; 9] = [
    "",
    "time",
    "memory before MiB",
    "peak MiB",
    "after MiB",
    "peak over after MiB",
    "probes",
    "answered",
    "longest gap",
];

/// A data set of rbldnsd, as a query of the API has it.
const IP4SET: &str = "rbldnsd&dataset=ip4set";

/// Imports the largest list into an empty zone as a data set of rbldnsd; into another empty one with one address in a
/// hundred changed, then as it is; later comparisons find it so.
pub(crate) fn all(lab: &mut Lab) -> Result<()> {
    let list = lab.data(lab.large())?;
    let (plain, changed) = (list.plain(), list.changed()?);
    let dir = lab.store_dir(&list);
    let mut table = Table::new(&COLUMNS);
    let of_rbldnsd = dir.with_extension("ip4set");
    let server = lab.empty_ours(clear(&of_rbldnsd)?, 0)?;
    import(lab, &server, &mut table, "first import, ip4set", (&list.ip4set()?, IP4SET), "upsert")?;
    server.stop()?;
    clear(&of_rbldnsd)?;
    let server = lab.empty_ours(clear(&dir)?, 0)?;
    let took = import(lab, &server, &mut table, "first import", (&changed, "plain"), "upsert")?;
    let name = "replace-source, 1 % changed";
    import(lab, &server, &mut table, name, (&plain, "plain"), "replace-source")?;
    server.stop()?;
    lab.imported(&list, took);
    let text = format!(
        "{} lines; all cores. Memory: resident; after: {:?} later. Probes: questions for an \
         address that is always listed, 1,000 a second.",
        report::size(list.size()),
        lab.settle
    );
    lab.report.section("Imports", &text)?;
    lab.report.table(&table)
}

fn import(
    lab: &Lab,
    server: &Ours,
    table: &mut Table,
    name: &str,
    (list, format): (&Path, &str),
    mode: &str,
) -> Result<Duration> {
    eprintln!("bench: {name}");
    let id = server.program().id();
    usage::forget_peak(id)?;
    let before = usage::memory(id)?;
    let prober = prober::start(server.program().addr())?;
    let (took, counts) = server.import_as(format, data::ORIGIN, list, mode)?;
    let probe = prober.stop()?;
    eprintln!("bench: {counts}");
    // The time that memory is given to settle is what is measured.
    pause(lab.settle);
    let (peak, after) = (usage::peak(id)?, usage::memory(id)?);
    table.row([
        name.to_owned(),
        time(took),
        mebibytes(before),
        mebibytes(peak),
        mebibytes(after),
        mebibytes(peak.saturating_sub(after)),
        probe.asked.to_string(),
        format!("{} ({} wrong)", probe.answered, probe.wrong),
        time(probe.longest_gap),
    ]);
    Ok(took)
}

fn clear(dir: &Path) -> Result<&Path> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("clearing {}", dir.display()))?;
    }
    Ok(dir)
}
