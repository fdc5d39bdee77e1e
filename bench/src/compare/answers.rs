//! How many answers a second: beside rbldnsd and the echo, with two workers, and with a long list.

use std::path::Path;

use anyhow::Result;

use crate::{
    lab::Lab,
    measure::{Measured, medians, ratio, take_turns},
    report::{self, Table, rate},
    servers::{Echo, Rbldnsd, Server},
    stats::range,
};

/// The largest list on one core, in turns with rbldnsd and the echo.
pub(crate) fn beside_rbldnsd(lab: &mut Lab) -> Result<()> {
    let data = lab.data(lab.large())?;
    let ours = lab.ours(&data, 1)?;
    let rbldnsd = Rbldnsd::start(&lab.network, &data, &lab.run_dir())?;
    let echo = Echo::start(&lab.network, 1)?;
    let queries = &*data.queries();
    let servers: [(&dyn Server, &Path); 3] =
        [(&rbldnsd, queries), (&ours, queries), (&echo, queries)];
    let rounds = take_turns(lab, &servers)?;
    let title = format!("Answers a second with {} listings", report::size(data.size()));
    print(lab, &title, &["rbldnsd", "dnsbl-server", "echo"], &rounds)?;
    let [rbldnsd, ours, echo] = [&rounds[0], &rounds[1], &rounds[2]];
    let of = |other: &[Measured], pick| report::ratio(ratio(ours, other, pick));
    lab.report.finding("answers/s to rbldnsd", &of(rbldnsd, |m| m.rate), "at least 1.10")?;
    lab.report.finding("answers/s to the echo", &of(echo, |m| m.rate), "at least 0.92")?;
    lab.report.finding("user time of an answer to rbldnsd", &of(rbldnsd, |m| m.user), "at most 0.4")
}

/// Two workers, in turns with an echo of two workers.
pub(crate) fn with_two_workers(lab: &mut Lab) -> Result<()> {
    let data = lab.data(lab.large())?;
    let ours = lab.ours(&data, 2)?;
    let echo = Echo::start(&lab.network, 2)?;
    let queries = &*data.queries();
    let rounds = take_turns(lab, &[(&ours, queries), (&echo, queries)])?;
    print(lab, "Two workers on two cores", &["dnsbl-server", "echo"], &rounds)?;
    let ratio = report::ratio(ratio(&rounds[0], &rounds[1], |m| m.rate));
    lab.report.finding("answers/s to the echo", &ratio, "at least 0.92")
}

/// The largest list in turns with a small one.
pub(crate) fn flat(lab: &mut Lab) -> Result<()> {
    if lab.small() == lab.large() {
        eprintln!("bench: with one size only there is nothing to compare");
        return Ok(());
    }
    let (small, large) = (lab.data(lab.small())?, lab.data(lab.large())?);
    let (with_small, with_large) = (lab.ours(&small, 1)?, lab.ours(&large, 1)?);
    let (few, many) = (small.queries(), large.queries());
    let rounds = take_turns(lab, &[(&with_large, &many), (&with_small, &few)])?;
    let names = [large.size(), small.size()].map(report::size);
    print(lab, "Long and short list", &names.each_ref().map(String::as_str), &rounds)?;
    let ratio = report::ratio(ratio(&rounds[0], &rounds[1], |m| m.rate));
    lab.report.finding("answers/s, long to short list", &ratio, "at least 0.95")
}

/// How many zones the list is spread over where it is combined.
const PARTS: usize = 5;

/// The largest list in one zone in turns with the same in five that one zone includes.
pub(crate) fn combined(lab: &mut Lab) -> Result<()> {
    let data = lab.data(lab.large())?;
    let (one, combined) = (lab.ours(&data, 1)?, lab.combined(&data, PARTS, 1)?);
    let queries = &*data.queries();
    let rounds = take_turns(lab, &[(&combined, queries), (&one, queries)])?;
    let each = report::size(data.size() / PARTS);
    let names =
        [format!("{PARTS} zones of {each}"), format!("1 zone of {}", report::size(data.size()))];
    print(lab, "Combined zone", &names.each_ref().map(String::as_str), &rounds)?;
    let ratio = report::ratio(ratio(&rounds[0], &rounds[1], |m| m.rate));
    lab.report.finding("answers/s, combined to single zone", &ratio, "at least 0.80")
}

pub(super) fn print(
    lab: &mut Lab,
    title: &str,
    names: &[&str],
    rounds: &[Vec<Measured>],
) -> Result<()> {
    let text = format!(
        "Medians of {} rounds of {:?} in turns; µs of processor time an answer.",
        lab.pairs, lab.duration
    );
    let mut table = Table::new(&["", "answers/s", "least", "most", "user µs", "system µs"]);
    for (name, rounds) in names.iter().zip(rounds) {
        let middle = medians(rounds);
        let rates = range(&rounds.iter().map(|round| round.rate).collect::<Vec<_>>());
        table.row([
            (*name).to_owned(),
            rate(middle.rate),
            rate(*rates.start()),
            rate(*rates.end()),
            format!("{:.2}", middle.user),
            format!("{:.2}", middle.system),
        ]);
    }
    lab.report.section(title, &text)?;
    lab.report.table(&table)
}
