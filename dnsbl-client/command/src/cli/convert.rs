//! `dnsbl convert`.

mod toml;

use std::{
    io::{self, Read, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use dnsbl_client::{
    Action, Ballot, Policy, Score, Unwritable, Vote, Zone, ZoneKind, ZoneName,
    dialect::{exim, postscreen, rspamd, spamassassin},
};

use super::mail_server::{self, Statement, Text};
use crate::policy_service::Config;

/// Exit code: something is not written as it was.
const LEFT_OUT: u8 = 1;
/// The most that is read, in octets.
const MAX_TEXT: u64 = 16 << 20;
/// Stands for a key, which is never printed.
const KEY: &str = "your-key";

const NOTES: &str = "\
Reads the value of postscreen_dnsbl_sites or dnslists, or a whole main.cf or configuration of Exim, in which it finds them.
A key in a list's name is written as \"your-key\": put it in yourself. What only the policy service has (texts, limits, exempt
networks) has no other words.

Exit status: 0 if all is written, 1 if something is left out or means something else there, which is told on
standard error, 2 if nothing can be written, and for bad usage.

Examples:
  dnsbl convert --from postscreen --to toml 'bl.example.org=127.0.0.[2..11]*3 wl.example.org*-2'
  dnsbl convert --from exim --to rspamd 'bl.example.org=127.0.0.2,127.0.0.3'
  dnsbl convert --from toml --to postscreen < /etc/dnsbl/dnsbl-policy.toml";

/// Writes lists in another mail server's words.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(super) struct Convert {
    /// In whose words they are
    #[arg(long)]
    from: Readable,
    /// In whose words to write them
    #[arg(long)]
    to: Writable,
    /// The value of postscreen_dnsbl_sites or dnslists, or the path of a configuration of the policy service; without
    /// it, what stands on standard input
    #[arg(value_name = "TEXT")]
    text: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Readable {
    Postscreen,
    Exim,
    Toml,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Writable {
    Postscreen,
    Exim,
    Rspamd,
    Spamassassin,
    Toml,
}

/// What was read.
struct Lists {
    zones: Vec<Zone>,
    /// From which score of Postfix on a client is rejected, where that is known.
    threshold: Option<Score>,
    /// What scores lead to, where that is known.
    policy: Option<Policy>,
    /// What is lost already.
    lost: Vec<String>,
}

impl Convert {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Lists { zones, threshold, policy, mut lost } = match self.from {
            Readable::Postscreen => from_postscreen(&self.text()?)?,
            Readable::Exim => from_exim(&self.text()?)?,
            Readable::Toml => self.read_toml()?,
        };
        let zones: Vec<Zone> = zones.into_iter().map(without_key).collect::<Result<_, _>>()?;
        let written = match self.to {
            Writable::Postscreen => postscreen::write(&zones),
            Writable::Exim => exim::write(&zones),
            Writable::Rspamd => rspamd::write(&zones),
            Writable::Spamassassin => spamassassin::write(&zones),
            Writable::Toml => toml::write(&zones, threshold.unwrap_or(Score::ONE)),
        };
        lost.extend(written.left_out.iter().map(ToString::to_string));
        if let (Writable::Exim, Some(policy)) = (self.to, &policy) {
            let milder = zones.iter().filter(|zone| does_not_reject_alone(zone, policy));
            lost.extend(milder.map(|zone| format!("{}: {}", zone.name, Unwritable::Weight)));
        }
        let mut seen = Vec::new();
        for text in lost {
            if !seen.contains(&text) {
                writeln!(io::stderr(), "dnsbl: {text}")?;
                seen.push(text);
            }
        }
        ensure!(!written.text.is_empty(), "nothing of it can be written so");
        writeln!(io::stdout(), "{}", written.text.trim_end())?;
        Ok(if seen.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(LEFT_OUT) })
    }

    fn read_toml(&self) -> anyhow::Result<Lists> {
        ensure!(self.to != Writable::Toml, "it is TOML already");
        let config = match &self.text[..] {
            [] => Config::read(Path::new("standard input"), &self.text()?)?,
            [path] => Config::load(Path::new(path))?,
            _ => bail!("a configuration is one file"),
        };
        Ok(Lists {
            zones: config.zones().collect(),
            threshold: None,
            policy: Some(config.policy()),
            lost: config.grants().map(|name| format!("{name}: a zone of grants")).collect(),
        })
    }

    fn text(&self) -> anyhow::Result<String> {
        if !self.text.is_empty() {
            return Ok(self.text.join(" "));
        }
        let mut text = String::new();
        io::stdin().take(MAX_TEXT).read_to_string(&mut text).context("standard input")?;
        Ok(text)
    }
}

fn from_postscreen(text: &str) -> anyhow::Result<Lists> {
    let (sites, threshold) = mail_server::postscreen_sites(text);
    let words = sites.iter().flat_map(|value| value.words(|c| c == ',' || c.is_whitespace()));
    let (unset, words): (Vec<Text>, Vec<Text>) =
        words.partition(|word| word.as_str().contains('$'));
    for word in &words {
        if let Err(err) = postscreen::parse(word.as_str()) {
            let zone = postscreen::zone_of(word.as_str());
            let zone = zone.map_or_else(String::new, |zone| format!("{zone}: "));
            bail!("line {}: {zone}{err}", word.line());
        }
    }
    ensure!(!words.is_empty(), "there is no postscreen_dnsbl_sites in it");
    let words: Vec<&str> = words.iter().map(Text::as_str).collect();
    let zones = postscreen::parse(&words.join(" "))?;
    let threshold: Option<Score> = match &threshold {
        Some(value) => Some(
            value
                .as_str()
                .parse()
                .with_context(|| format!("line {}: postscreen_dnsbl_threshold", value.line()))?,
        ),
        None => None,
    };
    let policy = threshold.map(|score| Policy::new([(score, Action::Reject)])).transpose();
    let policy = policy.context("postscreen_dnsbl_threshold")?;
    Ok(Lists { zones, threshold, policy, lost: unset.iter().map(is_not_set).collect() })
}

fn from_exim(text: &str) -> anyhow::Result<Lists> {
    let (mut zones, mut lost) = (Vec::new(), Vec::new());
    for statement in mail_server::exim_lists(text) {
        match statement {
            Statement::Unset(name) => lost.push(is_not_set(&name)),
            Statement::EximLists(value, _) => {
                for item in exim::parse_each(value.as_str()) {
                    let item = item
                        .map_err(|err| anyhow::anyhow!("line {}: {err}", value.line_at(err.at)))?;
                    if item.unknown != exim::Unknown::Exclude {
                        lost.push(format!(
                            "{}: what counts where it can't tell is lost (+include_unknown, +defer_unknown)",
                            item.zone.name
                        ));
                    }
                    zones.push(item.zone);
                }
            }
            _ => {}
        }
    }
    ensure!(!zones.is_empty(), "there is no dnslists in it");
    Ok(Lists { zones, threshold: None, policy: None, lost })
}

/// A block list that would not reject by itself, as each does in Exim.
fn does_not_reject_alone(zone: &Zone, policy: &Policy) -> bool {
    let decides = |score| policy.decide(&Ballot::count([Vote::Answered(score)]));
    zone.kind == ZoneKind::Block
        && zone.rules.iter().any(|rule| decides(rule.weight) != Some(Action::Reject))
}

fn is_not_set(name: &Text) -> String {
    let word = mail_server::unset_name(name.as_str());
    format!("line {}: {word} is not set here: left out", name.line())
}

fn without_key(mut zone: Zone) -> anyhow::Result<Zone> {
    let public = zone.name.public();
    if toml::is_keyed(&zone) {
        zone.name = ZoneName::keyed(KEY, public)?;
    }
    Ok(zone)
}
