//! The clients, and how each is called.

use std::{
    fs,
    io::{BufRead, Write},
    ops::Range,
    path::{Path, PathBuf},
    process::{ChildStdin, Command},
    time::Instant,
};

use anyhow::{Context, Result};

use crate::{
    data::{DEAD_ZONE, Data, ZONES},
    measure::{self, Run},
    programs,
};

/// How many lookups are on their way at once.
pub(crate) const IN_FLIGHT: usize = 200;
/// How many checks are on their way at once where a list is dead.
const CHECKS_AT_ONCE: usize = 20;

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Udns,
    Ours,
    Transport,
    Hickory,
    Adns,
}

impl Client {
    pub(crate) const ALL: [Self; 5] =
        [Self::Udns, Self::Ours, Self::Transport, Self::Hickory, Self::Adns];
    /// Those that can look up several lists at once.
    pub(crate) const CHECKING: [Self; 4] = [Self::Udns, Self::Ours, Self::Transport, Self::Hickory];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Udns => "libudns",
            Self::Ours => "dnsbl-client",
            Self::Transport => "its transport alone",
            Self::Hickory => "hickory-resolver",
            Self::Adns => "adnshost -a -f",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Transport => "transport",
            _ => "hickory",
        }
    }
}

/// Where the clients are.
pub(crate) struct Clients {
    udns: PathBuf,
    run: PathBuf,
    adnshost: PathBuf,
}

impl Clients {
    pub(crate) fn find(dir: &Path) -> Result<Self> {
        Ok(Self {
            udns: programs::compile_udns(dir)?,
            run: programs::ours("bench-client-run")?,
            adnshost: programs::peer("adnshost")?,
        })
    }

    /// Looks up a range of addresses in one list.
    pub(crate) fn bulk(
        &self,
        client: Client,
        server: &str,
        data: &Data,
        range: Range<usize>,
    ) -> Result<Run> {
        if client == Client::Adns {
            return self.adns(server, data, range);
        }
        let file = data.subjects(range)?;
        measure::client(&mut self.command(client, "bulk", server, &file, &ZONES[..1]))
    }

    /// Looks up a range of addresses in all lists, one after the other.
    pub(crate) fn check(
        &self,
        client: Client,
        server: &str,
        data: &Data,
        range: Range<usize>,
    ) -> Result<Run> {
        let file = data.subjects(range)?;
        measure::client(&mut self.command(client, "check", server, &file, &ZONES))
    }

    /// Checks a range of addresses where one list of five is dead.
    pub(crate) fn dead(&self, server: &str, data: &Data, range: Range<usize>) -> Result<Run> {
        let zones = [ZONES[0], ZONES[1], ZONES[2], ZONES[3], DEAD_ZONE];
        let file = data.subjects(range)?;
        let mut command = self.command(Client::Ours, "dead", server, &file, &zones);
        measure::client(command.args(["--in-flight", &CHECKS_AT_ONCE.to_string()]))
    }

    fn command(
        &self,
        client: Client,
        mode: &str,
        server: &str,
        file: &Path,
        zones: &[&str],
    ) -> Command {
        let in_flight = IN_FLIGHT.to_string();
        if client == Client::Udns {
            let mut command = programs::on_last_core(&self.udns);
            command.args([mode, server, "53"]).arg(file).arg(in_flight).args(zones);
            return command;
        }
        let mut command = programs::on_last_core(&self.run);
        command.args([client.word(), mode, &format!("{server}:53")]).arg(file).args(zones);
        command.args(["--in-flight", &in_flight]);
        command
    }

    /// It takes names, and says no times. It asks what it is given at once, so that it is given a name
    /// for each answer.
    fn adns(&self, server: &str, data: &Data, range: Range<usize>) -> Result<Run> {
        let names = fs::read_to_string(data.names(range.clone())?).context("reading the names")?;
        let expected = data.expected(range);
        let config = format!("nameserver {server}");
        let mut command = programs::on_last_core(&self.adnshost);
        command.args(["-a", "-f", "-ta", "-Vq", "--config", &config]);
        let began = Instant::now();
        let mut answers = Answers { expected: &expected, answered: 0, wrong: 0, failed: 0 };
        let left =
            measure::converse(&mut command, |stdin, stdout| answers.take(&names, stdin, stdout))?;
        Ok(Run {
            user: left.user,
            system: left.system,
            lookups: expected.len() as u64,
            elapsed: began.elapsed(),
            p50: None,
            p99: None,
            peak_kib: left.peak_kib,
            wrong: answers.wrong,
            failed: answers.failed,
            again: None,
            grown_kib: None,
        })
    }
}

/// The answers of adnshost.
struct Answers<'a> {
    expected: &'a [bool],
    answered: usize,
    wrong: u64,
    failed: u64,
}

impl Answers<'_> {
    /// Gives it names, as many at once as the others ask, and takes what it says.
    ///
    /// It prints `ID COUNT STATUS …` for each name, ids from 0 on, and then so many lines of records.
    fn take(&mut self, names: &str, mut stdin: ChildStdin, stdout: &mut dyn BufRead) -> Result<()> {
        let mut names = names.lines();
        for name in names.by_ref().take(IN_FLIGHT) {
            writeln!(stdin, "{name}")?;
        }
        let mut lines = stdout.lines();
        while self.answered < self.expected.len() {
            let line = lines.next().context("it ended early")??;
            let mut words = line.split_whitespace();
            let id: usize = words.next().context("an empty line")?.parse()?;
            let records: usize = words.next().context("no count")?.parse()?;
            let status = words.next().context("no status")?;
            lines.by_ref().take(records).for_each(drop);
            self.answered += 1;
            match (status, self.expected.get(id)) {
                ("ok" | "permfail", Some(expected)) => {
                    self.wrong += u64::from((records > 0) != *expected);
                }
                _ => self.failed += 1,
            }
            if let Some(name) = names.next() {
                writeln!(stdin, "{name}")?;
            }
        }
        Ok(())
    }
}
