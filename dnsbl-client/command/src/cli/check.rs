//! `dnsbl check`.

use std::{
    io::{self, IsTerminal},
    pin::pin,
    process::ExitCode,
};

use anyhow::ensure;
use clap::Args;
use dnsbl_client::{HealthChecks, Outcome};
use futures_util::{
    StreamExt,
    future::join_all,
    stream::{self, BoxStream},
};

use super::{
    exit::{LISTED, UNKNOWN},
    input::{self, Line},
    judge::Judge,
    lists::{Lists, Typed},
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

A list is believed if it denies what was made up for the purpose and has its test entry (RFC 5782 section 5): that is
asked where something is listed, and once where something is not. One that lists everything, or that is not there, is
bogus; a resolver that rewrites or strips answers is told by name.

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
    #[arg(value_name = "ADDRESS")]
    sources: Vec<Typed>,
    #[command(flatten)]
    lists: Lists,
    /// Print JSON
    #[arg(long)]
    json: bool,
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
        let asking = self.lists.open(HealthChecks::ListingsOnly)?;
        let judges: Vec<Judge<'_>> =
            asking.lists.iter().map(|list| Judge::new(&asking, list)).collect();
        let mut output = Output::new(self.json, bulk, &typed, &asking.lists);
        let bar = if bulk { progress::bar()? } else { indicatif::ProgressBar::hidden() };
        let mut total = Total::default();
        let rows = lines(typed, bulk).map(|line| look_up(&judges, line)).buffered(CONCURRENT);
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
        if let Some(trouble) = asking.client.resolver_trouble() {
            total.unknown = true;
            eprintln!("dnsbl: {trouble}");
        }
        ensure!(total.subjects > 0, "no address to look up; see dnsbl check --help");
        output.finish()?;
        Ok(total.exit_code())
    }

    /// What was typed, and whether standard input is read too.
    fn sources(&self) -> anyhow::Result<(Vec<Subject>, bool)> {
        let mut typed = Vec::new();
        let mut bulk = false;
        for (n, source) in (1..).zip(&self.sources) {
            match source.text() {
                "-" => bulk = true,
                text => typed.push(Subject::typed(n, text)?),
            }
        }
        typed.extend(self.lists.addresses()?);
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
async fn look_up(judges: &[Judge<'_>], line: Line) -> Result<(Subject, Vec<Outcome>), String> {
    let subject = line?;
    let outcomes = join_all(judges.iter().map(|judge| judge.look_up(subject.target()))).await;
    Ok((subject, outcomes))
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
