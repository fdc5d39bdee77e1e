//! `dnsbl convert`.

use std::{
    io::{self, Read, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use dnsbl_client::{
    Asks, ListKind, Rule, Zone, ZoneName,
    dialect::{exim, postscreen, rspamd, spamassassin},
};

use crate::policy_service::Config;

/// The most that is read, in octets.
const MAX_TEXT: u64 = 16 << 20;
/// Stands for a key, which is never printed.
const KEY: &str = "your-key";

const NOTES: &str = "\
A key in a list's name is written as \"your-key\": put it in yourself.

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

#[derive(Clone, Copy, ValueEnum)]
enum Readable {
    Postscreen,
    Exim,
    Toml,
}

#[derive(Clone, Copy, ValueEnum)]
enum Writable {
    Postscreen,
    Exim,
    Rspamd,
    Spamassassin,
    Toml,
}

impl Convert {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let zones: Vec<Zone> =
            self.read()?.into_iter().map(without_key).collect::<Result<_, _>>()?;
        ensure!(!zones.is_empty(), "there is no list in it");
        let text = match self.to {
            Writable::Postscreen => postscreen::write(&zones)?,
            Writable::Exim => exim::write(&zones)?,
            Writable::Rspamd => rspamd::write(&zones)?,
            Writable::Spamassassin => spamassassin::write(&zones)?,
            Writable::Toml => zones.iter().map(toml_of).collect::<Result<Vec<_>, _>>()?.join("\n"),
        };
        writeln!(io::stdout(), "{}", text.trim_end())?;
        Ok(ExitCode::SUCCESS)
    }

    fn read(&self) -> anyhow::Result<Vec<Zone>> {
        match self.from {
            Readable::Postscreen => {
                Ok(postscreen::parse(value(&self.text()?, "postscreen_dnsbl_sites"))?)
            }
            Readable::Exim => {
                let items = exim::parse(value(&self.text()?, "dnslists"))?;
                Ok(items.into_iter().map(|item| item.zone).collect())
            }
            Readable::Toml => {
                let config = match &self.text[..] {
                    [] => Config::read(Path::new("standard input"), &self.text()?)?,
                    [path] => Config::load(Path::new(path))?,
                    _ => bail!("a configuration is one file"),
                };
                Ok(config.zones().collect())
            }
        }
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

/// What stands behind `name =`, or all.
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let rest = text.trim().strip_prefix(name).and_then(|rest| rest.trim_start().strip_prefix('='));
    rest.unwrap_or(text).trim()
}

fn without_key(mut zone: Zone) -> anyhow::Result<Zone> {
    let public = zone.name.public();
    if zone.name.secret().to_string().trim_end_matches('.') != public {
        zone.name = ZoneName::keyed(KEY, public)?;
    }
    Ok(zone)
}

/// A table `[[zone]]` of the policy service.
fn toml_of(zone: &Zone) -> anyhow::Result<String> {
    let public = zone.name.public();
    let mut text = format!("[[zone]]\nname = \"{public}\"\n");
    if zone.name.secret().to_string().trim_end_matches('.') != public {
        text += "key-file = \"FILE-WITH-YOUR-KEY\"\n";
    }
    match zone.kind {
        ListKind::Allow => text += "kind = \"allow\"\n",
        ListKind::Informational => text += "kind = \"informational\"\n",
        _ => {}
    }
    match zone.asks {
        Asks::Addresses { .. } => {}
        Asks::Domains => text += "asks = \"domains\"\n",
        _ => {
            bail!("{}: lists of mail addresses are written by hand: their hashes differ", zone.name)
        }
    }
    let rules: Vec<String> =
        zone.rules.iter().map(|rule| rule_of(zone, rule)).collect::<Result<_, _>>()?;
    text += &format!("rules = [{}]\n", rules.join(", "));
    Ok(text)
}

fn rule_of(zone: &Zone, rule: &Rule) -> anyhow::Result<String> {
    let weight = rule.weight;
    if rule.filter.is_any() {
        return Ok(format!("{{ weight = {weight} }}"));
    }
    // Postfix's syntax is ours: what stands between "=" and "*".
    let site = Zone::addresses(zone.name.clone())
        .rules([Rule::new(rule.filter.clone(), dnsbl_client::Score::ONE)]);
    let site = postscreen::write(&[site])?;
    let filters =
        site.split_whitespace().filter_map(|entry| entry.split_once('=')).map(|(_, filter)| {
            let filter = filter.split('*').next().unwrap_or_default();
            format!("{{ filter = \"{filter}\", weight = {weight} }}")
        });
    Ok(filters.collect::<Vec<_>>().join(", "))
}
