//! Who may ask, and how much: between JSON and the vocabulary.

use std::{net::IpAddr, num::NonZeroU32};

use admin_api_types as api;
use dnsbl_types::{
    Access, AccessAction, AccessRules, Denial, LargeUdp, ListAll, Quota, SubscriberMode, ZoneQuotas,
};
use ipnet::IpNet;

use super::{BodyError, parse};

/// The access that a body asks for.
pub(crate) fn read(body: &api::Access) -> Result<Access, BodyError> {
    let rules = body.rules.iter().map(rule).collect::<Result<Vec<_>, BodyError>>()?;
    let quotas = body.quotas.unwrap_or_default();
    Ok(Access {
        rules: AccessRules::new(action(body.default), rules).map_err(BodyError::refused)?,
        subscribers: match body.subscribers {
            api::SubscriberMode::Off => SubscriberMode::Off,
            api::SubscriberMode::Optional => SubscriberMode::Optional,
            api::SubscriberMode::Required => SubscriberMode::Required,
        },
        denial: match body.denial {
            api::Denial::Refused => Denial::Refused,
            api::Denial::Code => Denial::Code,
            api::Denial::Drop => Denial::Drop,
        },
        quotas: ZoneQuotas {
            address: quota("access.quotas.address", quotas.address)?,
            network: quota("access.quotas.network", quotas.network)?,
            zone: quota("access.quotas.zone", quotas.zone)?,
        },
        large_udp: body.large_udp.map(|large_udp| match large_udp {
            api::LargeUdp::All => LargeUdp::All,
            api::LargeUdp::Cookie => LargeUdp::Cookie,
        }),
    })
}

fn rule(rule: &api::AccessRule) -> Result<(IpNet, AccessAction), BodyError> {
    let api::AccessRule { prefix, action, return_code, reason } = rule;
    let net = network("access.rules.prefix", prefix)?;
    let action = match (action, return_code) {
        (Some(action), None) if reason.is_none() => self::action(*action),
        (None, Some(code)) => AccessAction::List(ListAll {
            return_code: parse("access.rules.return_code", code)?,
            reason: parse("access.rules.reason", reason.as_deref().unwrap_or("$ may not ask"))?,
        }),
        _ => {
            let detail = format!("the rule for {prefix} has either an action, or a return_code");
            return Err(BodyError::malformed("access.rules", detail));
        }
    };
    Ok((net, action))
}

/// An address or prefix.
pub(crate) fn network(field: &'static str, text: &str) -> Result<IpNet, BodyError> {
    let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    net.map_err(|_| BodyError::malformed(field, format!("{text:?} is no address or prefix")))
}

fn action(action: api::AccessAction) -> AccessAction {
    match action {
        api::AccessAction::Pass => AccessAction::Pass,
        api::AccessAction::Refuse => AccessAction::Refuse,
        api::AccessAction::Empty => AccessAction::Empty,
        api::AccessAction::Ignore => AccessAction::Ignore,
    }
}

/// The quota that a body asks for.
pub(crate) fn quota(field: &'static str, body: api::Quota) -> Result<Quota, BodyError> {
    let number = |count: Option<u32>| {
        let none = || "a quota is at least 1; leave it out for any number".to_owned();
        let number =
            |count| NonZeroU32::new(count).ok_or_else(|| BodyError::malformed(field, none()));
        count.map(number).transpose()
    };
    Ok(Quota { per_second: number(body.per_second)?, per_day: number(body.per_day)? })
}

/// An access as it is shown; `None` where everybody may ask everything.
pub(crate) fn write(access: &Access) -> Option<api::Access> {
    let rules = access.rules.rules().iter().map(|(prefix, action)| write_rule(prefix, action));
    let ZoneQuotas { address, network, zone } = access.quotas;
    let quotas = api::ZoneQuotas {
        address: write_quota(address),
        network: write_quota(network),
        zone: write_quota(zone),
    };
    let default = write_action(access.rules.default_action());
    let shown = api::Access {
        // What lists everything has no name of its own; it is a rule for all addresses where it is the default.
        default: default.unwrap_or_default(),
        rules: rules.collect(),
        subscribers: match access.subscribers {
            SubscriberMode::Off => api::SubscriberMode::Off,
            SubscriberMode::Optional => api::SubscriberMode::Optional,
            SubscriberMode::Required => api::SubscriberMode::Required,
        },
        denial: match access.denial {
            Denial::Refused => api::Denial::Refused,
            Denial::Code => api::Denial::Code,
            Denial::Drop => api::Denial::Drop,
        },
        quotas: Some(quotas).filter(|quotas| *quotas != api::ZoneQuotas::default()),
        large_udp: access.large_udp.map(|large_udp| match large_udp {
            LargeUdp::All => api::LargeUdp::All,
            LargeUdp::Cookie => api::LargeUdp::Cookie,
        }),
    };
    (*access != Access::default()).then_some(shown)
}

fn write_rule(prefix: &IpNet, action: &AccessAction) -> api::AccessRule {
    let (return_code, reason) = match action {
        AccessAction::List(ListAll { return_code, reason }) => {
            (Some(return_code.to_string()), Some(reason.template().into()))
        }
        _ => (None, None),
    };
    let action = write_action(action);
    api::AccessRule { prefix: prefix.to_string(), action, return_code, reason }
}

fn write_action(action: &AccessAction) -> Option<api::AccessAction> {
    match action {
        AccessAction::Pass => Some(api::AccessAction::Pass),
        AccessAction::Refuse => Some(api::AccessAction::Refuse),
        AccessAction::Empty => Some(api::AccessAction::Empty),
        AccessAction::Ignore => Some(api::AccessAction::Ignore),
        AccessAction::List(_) => None,
    }
}

/// A quota as it is shown.
pub(crate) fn write_quota(quota: Quota) -> api::Quota {
    let number = |count: Option<NonZeroU32>| count.map(NonZeroU32::get);
    api::Quota { per_second: number(quota.per_second), per_day: number(quota.per_day) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_reads_back() {
        let json = r#"{"default":"empty","rules":[
            {"prefix":"192.0.2.0/24","action":"pass"},{"prefix":"192.0.2.7/32","action":"ignore"},
            {"prefix":"0.0.0.0/0","return_code":"127.0.0.9","reason":"$ asks too much"}],
            "subscribers":"optional","denial":"code",
            "quotas":{"address":{"per_second":10},"network":{},"zone":{"per_day":1000000}},"large_udp":"cookie"}"#;
        let access = read(&serde_json::from_str(json).unwrap()).unwrap();
        assert_eq!(read(&write(&access).unwrap()).unwrap(), access);
        assert!(write(&Access::default()).is_none());
    }

    #[test]
    fn rules_that_say_nothing_or_two_things_are_refused() {
        for rule in [
            r#"{"prefix":"192.0.2.0/24"}"#,
            r#"{"prefix":"192.0.2.0/24","action":"pass","return_code":"127.0.0.2"}"#,
            r#"{"prefix":"192.0.2.0/24","action":"pass","reason":"x"}"#,
            r#"{"prefix":"192.0.2.0/24","return_code":"127.255.255.254"}"#,
            r#"{"prefix":"example.org","action":"pass"}"#,
        ] {
            let body = format!(r#"{{"rules":[{rule}]}}"#);
            assert!(read(&serde_json::from_str(&body).unwrap()).is_err(), "{rule}");
        }
        let none = r#"{"quotas":{"address":{"per_second":0}}}"#;
        assert!(read(&serde_json::from_str(none).unwrap()).is_err());
    }
}
