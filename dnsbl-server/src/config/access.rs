//! `[dns.access]`: as typed, and checked.

use std::net::IpAddr;

use dnsbl_types::{AccessAction, AccessRules, ListAll, Reason};
use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use super::refused::{Refused, read, refuse, usual};

const RULES: &str = "dns.access.rules";

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct AccessSpec {
    default: ActionSpec,
    rules: Spanned<Vec<Spanned<RuleSpec>>>,
}

impl Default for AccessSpec {
    fn default() -> Self {
        Self { default: ActionSpec::Pass, rules: usual(Vec::new()) }
    }
}

/// Either an action, or a return code with a reason.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RuleSpec {
    prefix: Spanned<String>,
    action: Option<ActionSpec>,
    return_code: Option<Spanned<String>>,
    reason: Option<Spanned<String>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ActionSpec {
    Pass,
    Refuse,
    Empty,
    Ignore,
}

impl AccessSpec {
    pub(super) fn check(&self) -> Result<AccessRules, Refused> {
        let rules = self.rules.get_ref().iter().map(check_rule);
        let rules = rules.collect::<Result<Vec<_>, Refused>>()?;
        let rules = AccessRules::new(self.default.into(), rules);
        rules.or_else(|err| refuse(RULES, self.rules.span(), err.to_string()))
    }
}

fn check_rule(rule: &Spanned<RuleSpec>) -> Result<(IpNet, AccessAction), Refused> {
    let RuleSpec { prefix, action, return_code, reason } = rule.get_ref();
    let net = match prefix.get_ref().parse::<IpAddr>() {
        Ok(addr) => addr.into(),
        Err(_) => read(RULES, prefix)?,
    };
    let action = match (action, return_code) {
        (Some(action), None) if reason.is_none() => (*action).into(),
        (None, Some(code)) => AccessAction::List(ListAll {
            return_code: read(RULES, code)?,
            reason: match reason {
                Some(reason) => read::<Reason>(RULES, reason)?,
                None => read(RULES, &usual("$ may not ask".into()))?,
            },
        }),
        _ => {
            let detail = format!("the rule for {net} has either an action, or a return-code");
            return refuse(RULES, rule.span(), detail);
        }
    };
    Ok((net, action))
}

impl From<ActionSpec> for AccessAction {
    fn from(action: ActionSpec) -> Self {
        match action {
            ActionSpec::Pass => Self::Pass,
            ActionSpec::Refuse => Self::Refuse,
            ActionSpec::Empty => Self::Empty,
            ActionSpec::Ignore => Self::Ignore,
        }
    }
}
