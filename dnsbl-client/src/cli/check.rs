//! `dnsbl check`.

use std::{
    io::{self, IsTerminal},
    pin::pin,
    process::ExitCode,
};

use anyhow::ensure;
use clap::Args;
use dnsbl_client::Outcome;
use futures_util::{
    StreamExt,
    future::join_all,
    stream::{self, BoxStream},
};

use super::{
    LISTED, UNKNOWN,
    input::{self, Line},
    lists::{Asking, Lists},
    output::Output,
    progress,
    subject::Subject,
};

/// How many subjects are looked up at once.
const CONCURRENT: usize = 256;

const NOTES: &str = "\
Each subject (address, domain) is looked up in each list; one line tells the subject, the list, the status and, where
there is more to say, the return codes and the reason, or why it could not be told:

  listed      the list has it
  not-listed  the list does not have it
  blocked     the list or the resolver refuses to answer
  bogus       the answer is none that a list gives
  failed      no answer: timeout, SERVFAIL, network trouble
  skipped     the list has nothing of this kind

Without a subject, or with -, they are read from standard input, one a line.

Exit status: 1 if anything is listed, else 2 if anything could not be told, else 0.

Examples:
  dnsbl check 192.0.2.99 --zone bl.example.org
  dnsbl check 192.0.2.99 2001:db8::25 --zone bl.example.org --zone zen.example.net
  dnsbl check spam.example.net --zone dbl.example.org
  dnsbl check 127.0.0.2 --zone bl.example.org --resolver 127.0.0.1:5300 --json
  dnsbl check --zone bl.example.org < addresses.txt";

/// Looks addresses and domains up in block lists.
#[derive(Args)]
#[command(after_help = NOTES, override_usage = "dnsbl check ADDRESS... --zone ZONE... [OPTIONS]")]
pub(super) struct Check {
    /// IPv4 or IPv6 address or domain to look up; - reads them from standard input
    #[arg(value_name = "ADDRESS", value_parser = parse_source)]
    sources: Vec<Source>,
    #[command(flatten)]
    lists: Lists,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Where subjects come from.
#[derive(Clone)]
enum Source {
    Typed(Subject),
    StandardInput,
}

/// What came of all lookups.
#[derive(Default)]
struct Total {
    subjects: u64,
    listed: bool,
    unknown: bool,
}

impl Check {
    /// Checks, prints as the answers come, and tells the exit code.
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let (typed, bulk) = self.sources()?;
        let asking = self.lists.open()?;
        let mut output = Output::new(self.json, bulk, &typed, &asking.lists);
        let bar = if bulk { progress::bar()? } else { indicatif::ProgressBar::hidden() };
        let mut total = Total::default();
        let rows = lines(typed, bulk).map(|line| look_up(&asking, line)).buffered(CONCURRENT);
        let mut rows = pin!(rows);
        while let Some(row) = rows.next().await {
            total.subjects += 1;
            match row {
                Ok((subject, outcomes)) => {
                    total.count(&outcomes);
                    output.write(&subject, &outcomes)?;
                }
                Err(why) => {
                    total.unknown = true;
                    bar.suspend(|| eprintln!("dnsbl: {why}"));
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        ensure!(total.subjects > 0, "no address to look up; see dnsbl check --help");
        output.finish()?;
        Ok(total.exit_code())
    }

    /// What was typed, and whether standard input is read too.
    fn sources(&self) -> anyhow::Result<(Vec<Subject>, bool)> {
        let mut typed = Vec::new();
        let mut bulk = false;
        for source in &self.sources {
            match source {
                Source::Typed(subject) => typed.push(subject.clone()),
                Source::StandardInput => bulk = true,
            }
        }
        typed.extend(self.lists.addresses());
        if typed.is_empty() && !bulk {
            ensure!(!io::stdin().is_terminal(), "no address to look up; see dnsbl check --help");
            bulk = true;
        }
        Ok((typed, bulk))
    }
}

fn lines(typed: Vec<Subject>, bulk: bool) -> BoxStream<'static, Line> {
    let typed = stream::iter(typed.into_iter().map(Ok));
    if bulk { typed.chain(input::subjects()).boxed() } else { typed.boxed() }
}

/// Asks all lists about one subject.
async fn look_up(asking: &Asking, line: Line) -> Result<(Subject, Vec<Outcome>), String> {
    let subject = line?;
    let target = subject.target();
    let lookups =
        asking.lists.iter().map(|list| asking.client.lookup(asking.id(list, target), target));
    let outcomes = join_all(lookups).await;
    Ok((subject, outcomes))
}

fn parse_source(text: &str) -> anyhow::Result<Source> {
    match text {
        "-" => Ok(Source::StandardInput),
        text => Ok(Source::Typed(text.parse()?)),
    }
}

impl Total {
    fn count(&mut self, outcomes: &[Outcome]) {
        self.listed |= outcomes.iter().any(|outcome| outcome.status.listing().is_some());
        self.unknown |= outcomes.iter().any(|outcome| !outcome.status.is_verdict());
    }

    fn exit_code(&self) -> ExitCode {
        match (self.listed, self.unknown) {
            (true, _) => ExitCode::from(LISTED),
            (false, true) => ExitCode::from(UNKNOWN),
            (false, false) => ExitCode::SUCCESS,
        }
    }
}
