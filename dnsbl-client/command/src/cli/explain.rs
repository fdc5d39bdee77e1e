//! `dnsbl explain`.

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use anstream::AutoStream;
use anstyle::Style;
use clap::Args;
use dnsbl_client::{
    Client, Health, HealthChecks, Listing, Outcome, Report, Rule, Score, Source, Status, Zone,
    ZoneKind, ZoneName,
};
use serde_json::{Value, json};

use super::{
    exit::{LISTED, UNKNOWN},
    lists::{Lists, Typed},
    subject::Subject,
};
use crate::policy_service::{Basis, Config, Decider, Request};

const NOTES: &str = "\
Tells for each list what was asked, what came back, which rules that matches, what they count, and whether the list can
be believed (its test entries are looked up first; --no-health saves these questions).

With --config it does what the policy service would do, by the same code: its grants, lists, checks, exempt networks,
special addresses, shadow and score; only that it waits for all lists, and for --timeout. Without, one point rejects and
special addresses are asked.

Exit status: 1 if the verdict is neither to pass nor to permit, else 2 if anything could not be told, else 0.

Example: dnsbl explain 192.0.2.99 --config /etc/dnsbl/dnsbl-policy.toml";

/// Explains a verdict.
#[derive(Args)]
#[command(after_help = NOTES, override_usage = "dnsbl explain ADDRESS --zone ZONE...|--config FILE [OPTIONS]")]
pub(super) struct Explain {
    /// Address or domain to explain
    #[arg(value_name = "ADDRESS")]
    subject: Typed,
    #[command(flatten)]
    lists: Lists,
    /// Do not probe the lists
    #[arg(long)]
    no_health: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is decided, and by what.
#[derive(Default)]
struct Explained {
    zones: Vec<Zone>,
    health: Vec<Health>,
    report: Option<Report>,
    /// What zones of grants say.
    grants: Vec<(ZoneName, Status)>,
    /// The zone by which the client has a grant.
    granted: Option<String>,
    /// Why no list was asked.
    unasked: Option<String>,
    /// What the lists lead to.
    action: &'static str,
    /// Whether the service lets everything pass.
    shadow: bool,
    /// What is wrong with the resolver.
    resolver: Option<String>,
}

impl Explain {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let subject = Subject::typed(1, self.subject.text())?;
        let explained = match &self.lists.config {
            Some(path) => self.by_config(path, &subject).await?,
            None => self.by_lists(&subject).await?,
        };
        let mut out = AutoStream::auto(io::stdout());
        if self.json {
            writeln!(out, "{}", explained.json(&subject))?;
        } else {
            explained.print(&mut out, &subject)?;
        }
        Ok(explained.exit_code())
    }

    /// As the policy service decides.
    async fn by_config(&self, path: &Path, subject: &Subject) -> anyhow::Result<Explained> {
        anyhow::ensure!(
            !self.lists.names_lists(),
            "--config names the lists: leave out the others"
        );
        let mut config = Config::load(path)?;
        config.ask_resolvers(&self.lists.resolvers);
        let decider = Decider::new(config, |client| {
            let client = self.lists.adapt(client).without_state_file();
            if self.no_health { client.health_checks(HealthChecks::Off) } else { client }
        })?;
        if let Some(client) = decider.client() {
            client.run_probes().await;
        }
        let request = Request::about(subject.target());
        let decided = decider.decide(&request, self.lists.timeout, None).await;
        let (report, unasked) = match decided.basis {
            Basis::Lists(report) => (Some(report), None),
            Basis::Nothing(why) => (None, Some(why.to_string())),
            Basis::Grant | Basis::Memory => (None, None),
        };
        Ok(Explained {
            action: decided.decision.action.as_str(),
            report,
            granted: decided.decision.granted,
            grants: decided.grants.outcomes,
            unasked,
            shadow: decider.is_in_shadow(),
            ..decider.client().map(Explained::of).unwrap_or_default()
        })
    }

    async fn by_lists(&self, subject: &Subject) -> anyhow::Result<Explained> {
        let watch = if self.no_health { HealthChecks::Off } else { HealthChecks::Required };
        let client = self.lists.open_for(subject.target(), watch)?;
        client.run_probes().await;
        let report = client.check(subject.target().clone()).await;
        Ok(Explained {
            action: report.action.as_str(),
            report: Some(report),
            ..Explained::of(&client)
        })
    }
}

impl Explained {
    /// What is known of the lists.
    fn of(client: &Client) -> Self {
        Self {
            zones: client.zones().cloned().collect(),
            health: client.health(),
            action: "pass",
            resolver: client.resolver_trouble().map(|trouble| trouble.to_string()),
            ..Self::default()
        }
    }

    fn exit_code(&self) -> ExitCode {
        let is_told = |outcome: &Outcome| match outcome.status {
            Status::Skipped(why) => !why.is_unknown(),
            ref status => status.is_verdict(),
        };
        let told = |report: &Report| report.outcomes.iter().all(is_told);
        let grants_told =
            self.granted.is_some() || self.grants.iter().all(|(_, status)| status.is_verdict());
        if !matches!(self.action, "pass" | "permit") && !self.shadow {
            ExitCode::from(LISTED)
        } else if self.report.as_ref().is_some_and(|report| !told(report)) || !grants_told {
            ExitCode::from(UNKNOWN)
        } else {
            ExitCode::SUCCESS
        }
    }

    fn score(&self) -> Score {
        self.report.as_ref().map_or(Score::ZERO, |report| report.score)
    }

    /// What the service does in the end.
    fn verdict(&self) -> String {
        let (score, action) = (self.score(), self.action);
        if let Some(zone) = &self.granted {
            return match self.shadow {
                true => format!(
                    "granted in {zone}: {action}, but the service is in shadow: it passes and is logged"
                ),
                false => format!("granted in {zone}: {action}; no list is asked"),
            };
        }
        match (&self.unasked, self.shadow) {
            (Some(why), _) => format!("score 0: pass, nothing is looked up; {why}"),
            (None, true) if action != "pass" => {
                format!(
                    "score {score}: {action}, but the service is in shadow: it passes and is logged"
                )
            }
            (None, _) => format!("score {score}: {action}"),
        }
    }

    fn print(&self, out: &mut impl Write, subject: &Subject) -> io::Result<()> {
        for (zone, status) in &self.grants {
            print_grant(out, zone, status, subject)?;
        }
        for outcome in self.report.iter().flat_map(|report| &report.outcomes) {
            self.print_outcome(out, outcome, subject)?;
        }
        if let Some(trouble) = &self.resolver {
            writeln!(out, "resolver  {trouble}\n")?;
        }
        let bold = Style::new().bold();
        writeln!(out, "{bold}{}{bold:#}", self.verdict())
    }

    fn print_outcome(
        &self,
        out: &mut impl Write,
        outcome: &Outcome,
        subject: &Subject,
    ) -> io::Result<()> {
        let bold = Style::new().bold();
        let (zone, status) = (&self.zones[outcome.id.index()], &outcome.status);
        writeln!(out, "{bold}{}{bold:#}  {}  {}", zone.name, subject, status.as_str())?;
        match &outcome.source {
            Source::Network { took } => writeln!(out, "  asked     over the network, {took:.1?}")?,
            Source::Nowhere => writeln!(out, "  asked     nobody")?,
            _ => writeln!(out, "  asked     nobody: the answer was in memory")?,
        }
        if let Some(detail) = status.detail() {
            writeln!(out, "  because   {detail}")?;
        }
        if let Status::Listed(listing) = status {
            print_listing(out, zone, listing)?;
        }
        match self.distrust(outcome) {
            Some(why) => writeln!(out, "  health    not to be believed, counts nothing: {why}")?,
            None if zone.kind == ZoneKind::Informational => {
                writeln!(out, "  counts    0: it is in shadow, or there to be known only")?;
            }
            None => writeln!(out, "  counts    {}", outcome.score)?,
        }
        writeln!(out)
    }

    /// Why the list is not believed, if it is not.
    fn distrust(&self, outcome: &Outcome) -> Option<String> {
        match self.health[outcome.id.index()] {
            Health::Suspect { why } | Health::Down { why, .. } => Some(why.to_string()),
            _ => None,
        }
    }

    fn json(&self, subject: &Subject) -> Value {
        let lists: Vec<Value> = self
            .report
            .iter()
            .flat_map(|report| &report.outcomes)
            .map(|outcome| self.outcome_json(outcome))
            .collect();
        let grants: Vec<Value> = self
            .grants
            .iter()
            .map(|(zone, status)| {
                json!({"zone": zone.public(), "result": grant_word(status), "detail": status.detail()})
            })
            .collect();
        let passes = self.shadow || self.action == "pass";
        json!({"address": subject.to_string(), "grants": grants, "lists": lists,
            "score": self.score().to_string(),
            "action": if passes { "pass" } else { self.action }, "verdict": self.action,
            "shadow": self.shadow, "unasked": self.unasked, "resolver": self.resolver})
    }

    fn outcome_json(&self, outcome: &Outcome) -> Value {
        let zone = &self.zones[outcome.id.index()];
        let listing = outcome.status.listing();
        let codes: Vec<String> =
            listing.iter().flat_map(|l| &l.codes).map(ToString::to_string).collect();
        let rules: Vec<Value> = listing
            .iter()
            .flat_map(|listing| &listing.hits)
            .map(|&hit| {
                let points = counts(zone, &zone.rules[usize::from(hit)]);
                json!({"rule": hit + 1, "points": points.to_string()})
            })
            .collect();
        json!({"zone": zone.name.public(), "status": outcome.status.as_str(), "codes": codes,
            "reason": listing.and_then(|listing| listing.reason.clone()),
            "detail": outcome.status.detail(), "rules": rules, "score": outcome.score.to_string(),
            "health": self.health[outcome.id.index()].as_str(), "fault": self.distrust(outcome)})
    }
}

fn print_grant(
    out: &mut impl Write,
    zone: &ZoneName,
    status: &Status,
    subject: &Subject,
) -> io::Result<()> {
    let bold = Style::new().bold();
    writeln!(out, "{bold}{zone}{bold:#}  {subject}  {}", grant_word(status))?;
    if let Some(detail) = status.detail() {
        writeln!(out, "  because   {detail}")?;
    }
    writeln!(out)
}

/// What a zone of grants says.
fn grant_word(status: &Status) -> &'static str {
    match status {
        Status::Listed(_) => "granted",
        Status::NotListed => "no grant",
        other => other.as_str(),
    }
}

fn counts(zone: &Zone, rule: &Rule) -> Score {
    match zone.kind {
        ZoneKind::Block => rule.weight,
        ZoneKind::Allow => Score::milli(-rule.weight.as_milli().saturating_abs()),
        _ => Score::ZERO,
    }
}

fn print_listing(out: &mut impl Write, zone: &Zone, listing: &Listing) -> io::Result<()> {
    let codes: Vec<String> = listing.codes.iter().map(ToString::to_string).collect();
    writeln!(out, "  answered  {}", codes.join(", "))?;
    writeln!(out, "  reason    {}", listing.reason.as_deref().unwrap_or("none given"))?;
    for &hit in &listing.hits {
        let points = counts(zone, &zone.rules[usize::from(hit)]);
        writeln!(out, "  rule {:<4} matches, {points} points", hit + 1)?;
    }
    if listing.hits.is_empty() {
        writeln!(out, "  rule      none matches these codes")?;
    }
    Ok(())
}
