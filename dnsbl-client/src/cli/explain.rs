//! `dnsbl explain`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anstream::AutoStream;
use anstyle::Style;
use clap::Args;
use dnsbl_client::{
    Ballot, DownReason, ListKind, Listing, Outcome, Reach, Rule, Score, Source, Status, Vote, Zone,
};
use futures_util::future::join_all;

use super::{
    LISTED, UNKNOWN,
    lists::{Asking, Lists},
    subject::Subject,
};

const NOTES: &str = "\
Tells for each list what was asked, what came back, which rules that matches, what they count, whether the list can be
believed (a probe as dnsbl health makes it; --no-health saves these questions), and what the policy service would do.

Exit status: 1 if the verdict is not to pass, else 2 if anything could not be told, else 0.

Example: dnsbl explain 192.0.2.99 --config /etc/dnsbl/dnsbl-policy.toml";

/// Explains a verdict.
#[derive(Args)]
#[command(after_help = NOTES, override_usage = "dnsbl explain ADDRESS --zone ZONE...|--config FILE [OPTIONS]")]
pub(super) struct Explain {
    /// Address or domain to explain
    #[arg(value_name = "ADDRESS")]
    subject: Subject,
    #[command(flatten)]
    lists: Lists,
    /// Do not probe the lists
    #[arg(long)]
    no_health: bool,
}

/// What is known of one list.
struct Finding<'a> {
    zone: &'a Zone,
    outcome: Outcome,
    fault: Option<DownReason>,
}

impl Explain {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let asking = self.lists.open()?;
        let findings = self.find(&asking).await;
        let ballot = Ballot::count(findings.iter().map(Finding::vote));
        let action = asking.policy.decide(&ballot).unwrap_or_default();
        let mut out = AutoStream::auto(io::stdout());
        for finding in &findings {
            finding.print(&mut out, &self.subject)?;
        }
        let bold = Style::new().bold();
        writeln!(out, "{bold}score {}: {}{bold:#}", ballot.score(), action.word())?;
        let unknown = findings.iter().any(|finding| !finding.outcome.status.is_verdict());
        Ok(match (action, unknown) {
            (dnsbl_client::Action::Pass, false) => ExitCode::SUCCESS,
            (dnsbl_client::Action::Pass, true) => ExitCode::from(UNKNOWN),
            _ => ExitCode::from(LISTED),
        })
    }

    async fn find<'a>(&self, asking: &'a Asking) -> Vec<Finding<'a>> {
        let target = self.subject.target();
        let findings = asking.lists.iter().map(async |list| {
            let id = asking.id(list, target);
            let outcome = asking.client.lookup(id, target).await;
            let fault = match self.no_health {
                true => None,
                false => asking.client.probe(id).await.fault,
            };
            Finding { zone: &asking.zones[id.index()], outcome, fault }
        });
        join_all(findings).await
    }
}

impl Finding<'_> {
    /// What the policy service would make of it.
    fn vote(&self) -> Vote {
        match &self.outcome.status {
            Status::Skipped(_) => Vote::Abstains,
            _ if self.fault.is_some() => Vote::Unknown(self.reach()),
            Status::Listed(_) | Status::NotListed => Vote::Answered(self.outcome.score),
            _ => Vote::Unknown(self.reach()),
        }
    }

    fn reach(&self) -> Reach {
        Reach::of(self.zone.rules.iter().map(|rule| self.counts(rule)))
    }

    fn counts(&self, rule: &Rule) -> Score {
        match self.zone.kind {
            ListKind::Block => rule.weight,
            ListKind::Allow => Score::milli(-rule.weight.as_milli().saturating_abs()),
            _ => Score::ZERO,
        }
    }

    fn print(&self, out: &mut impl Write, subject: &Subject) -> io::Result<()> {
        let bold = Style::new().bold();
        let status = &self.outcome.status;
        writeln!(out, "{bold}{}{bold:#}  {}  {}", self.zone.name, subject, status.word())?;
        match &self.outcome.source {
            Source::Network { took } => writeln!(out, "  asked     over the network, {took:.1?}")?,
            Source::Nowhere => writeln!(out, "  asked     nobody")?,
            _ => writeln!(out, "  asked     nobody: the answer was in memory")?,
        }
        if let Some(detail) = status.detail() {
            writeln!(out, "  because   {detail}")?;
        }
        if let Status::Listed(listing) = status {
            self.print_listing(out, listing)?;
        }
        match self.fault {
            Some(why) => writeln!(out, "  health    not to be believed, counts nothing: {why}")?,
            None => writeln!(out, "  counts    {}", self.outcome.score)?,
        }
        writeln!(out)
    }

    fn print_listing(&self, out: &mut impl Write, listing: &Listing) -> io::Result<()> {
        let codes: Vec<String> = listing.codes.iter().map(ToString::to_string).collect();
        writeln!(out, "  answered  {}", codes.join(", "))?;
        writeln!(out, "  reason    {}", listing.reason.as_deref().unwrap_or("none given"))?;
        for &hit in &listing.hits {
            let rule = &self.zone.rules[usize::from(hit)];
            writeln!(out, "  rule {:<4} matches, {} points", hit + 1, self.counts(rule))?;
        }
        if listing.hits.is_empty() {
            writeln!(out, "  rule      none matches these codes")?;
        }
        Ok(())
    }
}
