//! What requests and configuration say of a plan.

use dnsbl_formats::rbldnsd::{AclAction, AclRule};
use dnsbl_types::{AccessRules, Name, ZoneKind};
use serde_json::{Map, Value, json};

use super::{planned::PlannedZone, records};

/// The body of a zone, as `PUT /v1/zones/{zone}` takes it.
pub(super) fn zone(zone: &PlannedZone) -> Value {
    let mut body = Map::new();
    let kind = if zone.kind == ZoneKind::Domain { "domain" } else { "ip" };
    body.insert("kind".into(), json!(kind));
    body.insert("ns".into(), json!(zone.ns.iter().map(Name::to_absolute).collect::<Vec<_>>()));
    body.insert("ttl".into(), json!(zone.ttl));
    body.insert("soa".into(), soa(zone));
    if let Some(soa) = &zone.soa {
        body.insert("negative_ttl".into(), json!(soa.minimum.max(1)));
    }
    let usual = zone.lists.iter().filter_map(|list| list.list.summary.usual.as_ref());
    if let Some((code, reason, _)) = usual.max_by_key(|(_, _, count)| *count) {
        body.insert("return_codes".into(), json!([code.to_string()]));
        body.insert("reason".into(), json!(reason.template()));
    }
    let codes = zone.lists.iter().flat_map(|list| list.list.summary.test_codes.iter());
    let codes: Vec<u8> = codes.copied().collect();
    if !codes.is_empty() && zone.kind.has_addresses() {
        body.insert("test_codes".into(), json!(codes));
    }
    if let Some((default, rules)) = access(&zone.access) {
        let rules: Vec<Value> = rules.iter().map(|rule| rule.json()).collect();
        body.insert("access".into(), json!({"default": default, "rules": rules}));
    }
    if !zone.includes.is_empty() {
        let includes = zone.includes.iter().map(|name| json!({"zone": name.to_string()}));
        body.insert("includes".into(), includes.collect());
    }
    let (records, _) = records::of(zone);
    if !records.is_empty() {
        body.insert("records".into(), json!(records));
    }
    Value::Object(body)
}

fn soa(zone: &PlannedZone) -> Value {
    let mut out = Map::new();
    if let Some(soa) = &zone.soa {
        out.insert("mname".into(), json!(soa.mname.to_absolute()));
        out.insert("rname".into(), json!(soa.rname.to_absolute()));
        for (key, value) in [("refresh", soa.refresh), ("retry", soa.retry), ("expire", soa.expire)]
        {
            out.insert(key.into(), json!(value.max(1)));
        }
    }
    if zone.serial > 0 {
        out.insert("serial".into(), json!(zone.serial));
    }
    Value::Object(out)
}

/// A rule, in words.
pub(super) struct Rule {
    pub(super) prefix: String,
    pub(super) says: Says,
}

/// What a rule says.
pub(super) enum Says {
    Action(&'static str),
    Listed { code: String, reason: Option<String> },
}

impl Rule {
    fn json(&self) -> Value {
        match &self.says {
            Says::Action(action) => json!({"prefix": self.prefix, "action": action}),
            Says::Listed { code, reason: None } => {
                json!({"prefix": self.prefix, "return_code": code})
            }
            Says::Listed { code, reason: Some(reason) } => {
                json!({"prefix": self.prefix, "return_code": code, "reason": reason})
            }
        }
    }
}

/// The access that rules make: what becomes of all others, and the rules. `None` where there are none, or more than a
/// zone takes.
pub(super) fn access(rules: &[AclRule]) -> Option<(&'static str, Vec<Rule>)> {
    if rules.is_empty() || rules.len() > AccessRules::MAX {
        return None;
    }
    let rules = rules.iter().filter_map(|AclRule { prefix, action, .. }| {
        let says = match action.as_ref().ok()? {
            AclAction::Ignore => Says::Action("ignore"),
            AclAction::Refuse => Says::Action("refuse"),
            AclAction::Empty => Says::Action("empty"),
            AclAction::Pass => Says::Action("pass"),
            AclAction::Listed(code, reason) => Says::Listed {
                code: code.to_string(),
                reason: reason.as_ref().map(|reason| reason.template().to_owned()),
            },
        };
        Some(Rule { prefix: prefix.to_string(), says })
    });
    Some(("pass", rules.collect()))
}
