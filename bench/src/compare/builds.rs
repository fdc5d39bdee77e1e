//! This build of our server and another one, in turns: what an operator gains or loses by the change.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};

use super::{change, writes};
use crate::{
    data::Data,
    lab::Lab,
    measure::take_turns,
    programs,
    report::{self, Table, mebibytes, rate, time},
    servers::{Ours, Server},
    stats::{median, median_time, range},
    usage,
};

const COLUMNS: [&str; 6] = ["", "this build", "the other", "ratio", "spread", "beyond noise"];
/// Changes of a round.
const CHANGES: usize = 100;

/// A build, and the name of its stores.
#[derive(Clone, Copy)]
struct Build<'a> {
    name: &'a str,
    program: &'a Path,
}

/// What figures are counted in.
#[derive(Clone, Copy)]
enum Unit {
    PerSecond,
    Seconds,
    Microseconds,
    Bytes,
}

/// The two figures of each round of a build.
type Rounds = Vec<[f64; 2]>;

/// A figure in each round of both builds.
struct Figure {
    name: String,
    unit: Unit,
    this: Vec<f64>,
    other: Vec<f64>,
}

/// Imports, starts, answers, changes and writes of both builds.
pub(crate) fn all(lab: &mut Lab, other: Option<&Path>) -> Result<()> {
    let Some(other) = other else {
        eprintln!("bench: without `--before` there is no other build to compare");
        return Ok(());
    };
    let program = programs::ours("dnsbl-server")?;
    let builds =
        [Build { name: "this", program: &program }, Build { name: "other", program: other }];
    let (small, large) = (lab.data(lab.small())?, lab.data(lab.large())?);
    let mut figures = import(lab, builds, &large)?;
    figures.extend(start(lab, builds, &large)?);
    figures.extend(answers(lab, builds, &large, 1)?);
    figures.extend(answers(lab, builds, &large, 2)?);
    figures.extend(changes(lab, builds, &large)?);
    if small.size() < large.size() {
        figures.extend(import(lab, builds, &small)?);
        figures.extend(answers(lab, builds, &small, 1)?);
    }
    let text = format!(
        "Medians of {} rounds in turns, and {:?} of each round where a server is asked or written to. Spread: \
         between the least and the most of a build's rounds, over its median; of the build where that is more. \
         Beyond noise: no round of the one build is as good as any of the other.",
        lab.pairs, lab.duration
    );
    lab.report.section("This build and another", &text)?;
    let mut table = Table::new(&COLUMNS);
    figures.iter().for_each(|figure| table.row(figure.cells()));
    lab.report.table(&table)
}

/// Imports a list into an empty zone of each, again and again, and leaves what the last one made.
fn import(lab: &Lab, builds: [Build<'_>; 2], data: &Data) -> Result<Vec<Figure>> {
    let rounds = turns(lab, builds, |build, _| {
        let dir = build.dir(lab, data);
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("clearing {}", dir.display()))?;
        }
        let server = build.start(lab, data, 0)?;
        server.make_zone()?;
        let (took, _) = server.import(&data.plain(), "upsert")?;
        let peak = usage::peak(server.program().id())?;
        server.stop()?;
        Ok([took.as_secs_f64(), peak as f64])
    })?;
    let of = report::size(data.size());
    let heads = [
        (format!("import of {of}"), Unit::Seconds),
        (format!("memory at its most meanwhile, {of}"), Unit::Bytes),
    ];
    Ok(figures(heads, rounds))
}

/// Starts each on its list.
fn start(lab: &Lab, builds: [Build<'_>; 2], data: &Data) -> Result<Vec<Figure>> {
    let rounds = turns(lab, builds, |build, _| {
        let server = build.start(lab, data, 0)?;
        let memory = usage::memory(server.program().id())?;
        let took = server.program().load_time();
        server.stop()?;
        Ok([took.as_secs_f64(), memory as f64])
    })?;
    let of = report::size(data.size());
    let heads = [
        (format!("start with {of}"), Unit::Seconds),
        (format!("memory after the start, {of}"), Unit::Bytes),
    ];
    Ok(figures(heads, rounds))
}

/// Asks each under full load, with so many workers.
fn answers(lab: &Lab, builds: [Build<'_>; 2], data: &Data, workers: usize) -> Result<Vec<Figure>> {
    let [this, other] = builds.map(|build| build.start(lab, data, workers));
    let (this, other, queries) = (this?, other?, data.queries());
    let measured = take_turns(lab, &[(&this, &queries), (&other, &queries)])?;
    this.stop()?;
    other.stop()?;
    let rounds = [0, 1].map(|i| measured[i].iter().map(|round| [round.rate, round.user]).collect());
    let of = format!("{}, workers: {workers}", report::size(data.size()));
    let heads = [
        (format!("answers/s, {of}"), Unit::PerSecond),
        (format!("user time of an answer, {of}"), Unit::Microseconds),
    ];
    Ok(figures(heads, rounds))
}

/// Changes one after the other, then by many clients at once.
fn changes(lab: &Lab, builds: [Build<'_>; 2], data: &Data) -> Result<Vec<Figure>> {
    let rounds = turns(lab, builds, |build, round| {
        let mut server = build.start(lab, data, 0)?;
        let addresses = data.fresh(300 + round).take(CHANGES);
        let times = change::times(&mut server, addresses)?;
        let written = writes::listings_a_second(lab, &server, data, round)?;
        server.stop()?;
        Ok([median_time(&times).as_secs_f64(), written])
    })?;
    let of = report::size(data.size());
    let heads = [
        (format!("from a change to the answer that shows it, {of}"), Unit::Seconds),
        (format!("writes/s of {} clients, {of}", writes::CLIENTS), Unit::PerSecond),
    ];
    Ok(figures(heads, rounds))
}

/// What is measured in each round, of this build and of the other.
fn turns(
    lab: &Lab,
    builds: [Build<'_>; 2],
    mut measure: impl FnMut(Build<'_>, u64) -> Result<[f64; 2]>,
) -> Result<[Rounds; 2]> {
    let mut rounds = [Rounds::new(), Rounds::new()];
    for round in 0..lab.pairs as u64 {
        for (build, rounds) in builds.iter().zip(&mut rounds) {
            let figures = measure(*build, round);
            rounds.push(figures.with_context(|| format!("with {}", build.program.display()))?);
        }
    }
    Ok(rounds)
}

fn figures(heads: [(String, Unit); 2], [this, other]: [Rounds; 2]) -> Vec<Figure> {
    let column = |rounds: &Rounds, i: usize| rounds.iter().map(|round| round[i]).collect();
    let figure =
        |(i, (name, unit))| Figure { name, unit, this: column(&this, i), other: column(&other, i) };
    heads.into_iter().enumerate().map(figure).collect()
}

impl Build<'_> {
    fn dir(self, lab: &Lab, data: &Data) -> PathBuf {
        lab.run_dir().join(format!("build-{}-{}", self.name, data.size()))
    }

    fn start(self, lab: &Lab, data: &Data, workers: usize) -> Result<Ours> {
        Ours::start_as(self.program, &lab.network, &self.dir(lab, data), workers, "")
    }
}

impl Unit {
    fn more_is_better(self) -> bool {
        matches!(self, Self::PerSecond)
    }

    fn render(self, value: f64) -> String {
        match self {
            Self::PerSecond => rate(value),
            Self::Seconds => time(Duration::from_secs_f64(value)),
            Self::Microseconds => format!("{value:.2} µs"),
            Self::Bytes => format!("{} MiB", mebibytes(value as u64)),
        }
    }
}

impl Figure {
    fn cells(&self) -> [String; 6] {
        let [this, other] = [&self.this, &self.other].map(|values| median(values.iter().copied()));
        let spread = |values: &[f64], middle: f64| {
            let range = range(values);
            (range.end() - range.start()) / middle
        };
        let spread = spread(&self.this, this).max(spread(&self.other, other));
        [
            self.name.clone(),
            self.unit.render(this),
            self.unit.render(other),
            report::ratio(this / other),
            format!("{:.0} %", spread * 100.0),
            self.beyond_noise().to_owned(),
        ]
    }

    fn beyond_noise(&self) -> &'static str {
        let (this, other) = (range(&self.this), range(&self.other));
        let (more, less) = (this.start() > other.end(), this.end() < other.start());
        match (more, less, self.unit.more_is_better()) {
            (true, _, true) | (_, true, false) => "better",
            (true, _, false) | (_, true, true) => "worse",
            (false, false, _) => "no",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Figure, Unit};

    fn verdict(unit: Unit, this: [f64; 2], other: [f64; 2]) -> &'static str {
        let (this, other) = (this.to_vec(), other.to_vec());
        Figure { name: String::new(), unit, this, other }.beyond_noise()
    }

    #[test]
    fn a_build_is_worse_or_better_where_all_its_rounds_are() {
        assert_eq!(verdict(Unit::PerSecond, [5.0, 6.0], [3.0, 4.0]), "better");
        assert_eq!(verdict(Unit::Seconds, [5.0, 6.0], [3.0, 4.0]), "worse");
        assert_eq!(verdict(Unit::Bytes, [1.0, 2.0], [3.0, 4.0]), "better");
        assert_eq!(verdict(Unit::PerSecond, [1.0, 2.0], [3.0, 4.0]), "worse");
    }

    #[test]
    fn rounds_that_overlap_say_nothing() {
        assert_eq!(verdict(Unit::PerSecond, [3.0, 6.0], [5.0, 4.0]), "no");
        assert_eq!(verdict(Unit::Seconds, [3.0, 4.0], [4.0, 5.0]), "no");
    }
}
