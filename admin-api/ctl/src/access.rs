//! `dnsblctl access`: who may ask a zone.

use std::process::ExitCode;

use admin_api_types as api;
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value};

use crate::{
    client::Client,
    output::{self, Output},
    path::parse_segment,
    text,
};

const SHOW_NOTES: &str = "\
Examples:
  dnsblctl access show bl.example.org
  dnsblctl access show bl.example.org --json";

const SET_NOTES: &str = "\
What is not said stays as it is; --rule replaces the rule for the same prefix, and PREFIX=none removes it. The
longest prefix that holds a client decides. An action is pass, refuse, empty or ignore, or a return code, with
which everything is listed to that client.

Examples:
  dnsblctl access set bl.example.org --subscribers required --denial code
  dnsblctl access set bl.example.org --default refuse --rule 192.0.2.0/24=pass --rule 2001:db8::/32=pass
  dnsblctl access set bl.example.org --rule 198.51.100.7=127.0.0.9 --rule 192.0.2.0/24=none
  dnsblctl access set bl.example.org --address-per-second 50 --zone-per-day 100000000";

/// Shows and changes who may ask a zone
#[derive(Subcommand)]
pub(crate) enum AccessCommand {
    Show(ShowAccess),
    Set(SetAccess),
}

/// Shows who may ask a zone
#[derive(Args)]
#[command(after_help = SHOW_NOTES)]
pub(crate) struct ShowAccess {
    /// The zone's name
    #[arg(value_parser = parse_segment)]
    zone: String,
}

/// Changes who may ask a zone
#[derive(Args)]
#[command(after_help = SET_NOTES)]
pub(crate) struct SetAccess {
    /// The zone's name
    #[arg(value_parser = parse_segment)]
    zone: String,
    /// What becomes of the queries that no rule is about
    #[arg(long, value_name = "ACTION", value_parser = parse_action)]
    default: Option<api::AccessAction>,
    /// What becomes of the queries of a network; may be given several times
    #[arg(long = "rule", value_name = "PREFIX=ACTION", value_parser = parse_rule)]
    rules: Vec<Rule>,
    /// What subscribers are to the zone
    #[arg(long, value_parser = ["off", "optional", "required"])]
    subscribers: Option<String>,
    /// How a query is denied
    #[arg(long, value_parser = ["refused", "code", "drop"])]
    denial: Option<String>,
    /// Questions in a second by each address that is no subscriber's; 0: any number
    #[arg(long, value_name = "COUNT")]
    address_per_second: Option<u32>,
    /// Questions in a day by each address; 0: any number
    #[arg(long, value_name = "COUNT")]
    address_per_day: Option<u32>,
    /// Questions in a second by each /24, of IPv6 each /48; 0: any number
    #[arg(long, value_name = "COUNT")]
    network_per_second: Option<u32>,
    /// Questions in a day by each /24, of IPv6 each /48; 0: any number
    #[arg(long, value_name = "COUNT")]
    network_per_day: Option<u32>,
    /// Questions in a second by all together; 0: any number
    #[arg(long, value_name = "COUNT")]
    zone_per_second: Option<u32>,
    /// Questions in a day by all together; 0: any number
    #[arg(long, value_name = "COUNT")]
    zone_per_day: Option<u32>,
}

/// A rule for a prefix, or that there is to be none.
#[derive(Clone)]
struct Rule {
    prefix: String,
    set: Option<api::AccessRule>,
}

fn parse_action(text: &str) -> anyhow::Result<api::AccessAction> {
    Ok(match text {
        "pass" => api::AccessAction::Pass,
        "refuse" => api::AccessAction::Refuse,
        "empty" => api::AccessAction::Empty,
        "ignore" => api::AccessAction::Ignore,
        _ => bail!("it is none of pass, refuse, empty and ignore"),
    })
}

fn parse_rule(text: &str) -> anyhow::Result<Rule> {
    let (prefix, what) = text.split_once('=').context("it is not PREFIX=ACTION")?;
    let rule = |action, return_code| {
        Some(api::AccessRule { prefix: prefix.into(), action, return_code, reason: None })
    };
    let set = match what {
        "none" => None,
        code if code.parse::<std::net::Ipv4Addr>().is_ok() => rule(None, Some(code.to_owned())),
        action => rule(Some(parse_action(action)?), None),
    };
    Ok(Rule { prefix: whole(prefix), set })
}

/// A prefix as the server shows it: an address is one, too.
fn whole(prefix: &str) -> String {
    match prefix.parse::<std::net::IpAddr>() {
        Ok(addr) => format!("{addr}/{}", if addr.is_ipv4() { 32 } else { 128 }),
        Err(_) => prefix.to_owned(),
    }
}

impl AccessCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Show(show) => {
                let (_, access) = find(client, &show.zone).await?;
                print(&access, output)?;
            }
            Self::Set(set) => set.run(client, output).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The settings of a zone as they are, and its access.
///
/// They are members of any name: what a newer server has besides would be reset if it were left out.
async fn find(client: &Client, zone: &str) -> anyhow::Result<(Map<String, Value>, api::Access)> {
    let request = client.v1(Method::GET, &["zones", zone]);
    let mut settings = client.ask::<Map<String, Value>>(request).await?.body;
    // The serial as it reads back would be a floor, which is not what was asked for.
    if let Some(Value::Object(soa)) = settings.get_mut("soa") {
        soa.remove("serial");
    }
    let access = match settings.get("access") {
        None | Some(Value::Null) => api::Access::default(),
        Some(access) => serde_json::from_value(access.clone())
            .context("the zone has an access that this release does not know")?,
    };
    Ok((settings, access))
}

fn print(access: &api::Access, output: Output) -> anyhow::Result<()> {
    match output.is_json() {
        true => output::data(&serde_json::to_string(access)?),
        false => output::print(&text::members(access)),
    }
}

impl SetAccess {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let (mut settings, access) = find(client, &self.zone).await?;
        let zone = self.zone.clone();
        let access = self.merged(access);
        settings.insert("access".into(), serde_json::to_value(&access)?);
        let request = client.v1(Method::PUT, &["zones", &zone]).json(&settings);
        let put = client.ask::<api::Zone>(request).await?;
        print(&put.body.access.unwrap_or_default(), output)?;
        output::warnings(put.body.warnings.as_deref().unwrap_or_default(), output);
        Ok(())
    }

    /// The access as it is, with what the command line says in its place.
    fn merged(self, mut access: api::Access) -> api::Access {
        access.default = self.default.unwrap_or(access.default);
        for Rule { prefix, set } in self.rules {
            access.rules.retain(|rule| whole(&rule.prefix) != prefix);
            access.rules.extend(set);
        }
        access.subscribers = match self.subscribers.as_deref() {
            Some("off") => api::SubscriberMode::Off,
            Some("optional") => api::SubscriberMode::Optional,
            Some("required") => api::SubscriberMode::Required,
            _ => access.subscribers,
        };
        access.denial = match self.denial.as_deref() {
            Some("refused") => api::Denial::Refused,
            Some("code") => api::Denial::Code,
            Some("drop") => api::Denial::Drop,
            _ => access.denial,
        };
        let mut quotas = access.quotas.unwrap_or_default();
        for (quota, said) in [
            (&mut quotas.address.per_second, self.address_per_second),
            (&mut quotas.address.per_day, self.address_per_day),
            (&mut quotas.network.per_second, self.network_per_second),
            (&mut quotas.network.per_day, self.network_per_day),
            (&mut quotas.zone.per_second, self.zone_per_second),
            (&mut quotas.zone.per_day, self.zone_per_day),
        ] {
            if let Some(count) = said {
                *quota = Some(count).filter(|count| *count > 0);
            }
        }
        access.quotas = Some(quotas).filter(|quotas| *quotas != api::ZoneQuotas::default());
        access
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_takes_the_place_of_that_for_the_same_prefix() {
        let rules = |text: &[&str], access| {
            let rules = text.iter().map(|text| parse_rule(text).unwrap()).collect();
            let set = SetAccess {
                zone: "bl.example.org".into(),
                default: None,
                rules,
                subscribers: None,
                denial: None,
                address_per_second: None,
                address_per_day: None,
                network_per_second: None,
                network_per_day: None,
                zone_per_second: None,
                zone_per_day: None,
            };
            set.merged(access)
        };
        let access = rules(&["192.0.2.1=pass", "192.0.2.0/24=refuse"], api::Access::default());
        let access = rules(&["192.0.2.1/32=127.0.0.9", "192.0.2.0/24=none"], access);
        let [rule] = access.rules.as_slice() else { panic!("{access:?}") };
        assert_eq!(rule.return_code.as_deref(), Some("127.0.0.9"));
        assert!(parse_rule("192.0.2.0/24=block").is_err() && parse_rule("192.0.2.0/24").is_err());
    }
}
