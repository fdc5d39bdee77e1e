//! What can be wrong with how lists are asked.

use std::net::Ipv4Addr;

use dnsbl_client::{
    Quantifier, ReplyFilter, Rule, Score, Zone, ZoneName,
    dialect::{
        exim::{self, Item, Unknown},
        postscreen,
    },
};

use super::{
    Finding, Severity, dead,
    lines::{About, Line},
};

/// Answers by which lists refuse (127.255.255.0/24), and that of a parked domain.
const ERRORS: [Ipv4Addr; 3] = [
    Ipv4Addr::new(127, 255, 255, 252),
    Ipv4Addr::new(127, 255, 255, 254),
    Ipv4Addr::new(127, 255, 255, 255),
];
const PARKED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
/// Lists of domains, which have no answer for addresses.
const DOMAIN_LISTS: [&str; 4] =
    ["dbl.spamhaus.org", "dbl.dq.spamhaus.net", "multi.surbl.org", "multi.uribl.com"];

/// In whose syntax something is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Postfix,
    Exim,
}

/// Everything that is wrong, in the order of the lines.
pub(super) fn check(lines: &[Line]) -> Vec<Finding> {
    let has = |wanted: &About| lines.iter().any(|line| line.about == *wanted);
    let mut findings = Vec::new();
    for line in lines {
        let mut found = match &line.about {
            About::PostscreenSites(sites) => {
                postscreen_sites(sites, threshold(lines), has(&About::PostscreenReplyMap))
            }
            About::PostscreenThreshold(value) => postscreen_threshold(value),
            About::Restriction(name, argument) => {
                restriction(name, argument, has(&About::RblReplyMaps))
            }
            About::EximLists(value) => exim_lists(value),
            About::PostscreenReplyMap | About::RblReplyMaps => Vec::new(),
        };
        found.iter_mut().for_each(|finding| finding.line = line.number);
        findings.append(&mut found);
    }
    findings
}

fn finding(
    zone: Option<&ZoneName>,
    rule: &'static str,
    severity: Severity,
    text: impl Into<String>,
) -> Finding {
    let zone = zone.map(ToString::to_string);
    Finding { line: 1, zone, rule, severity, text: text.into() }
}

/// The threshold of postscreen; 1 unless set.
fn threshold(lines: &[Line]) -> Score {
    let set = lines.iter().rev().find_map(|line| match &line.about {
        About::PostscreenThreshold(value) => value.parse().ok(),
        _ => None,
    });
    set.unwrap_or(Score::ONE)
}

fn postscreen_sites(sites: &str, threshold: Score, hides_names: bool) -> Vec<Finding> {
    let zones = match postscreen::parse(sites) {
        Ok(zones) => zones,
        Err(err) => return vec![unreadable(err.to_string())],
    };
    let mut findings: Vec<Finding> =
        zones.iter().flat_map(|zone| zone_mistakes(zone, Dialect::Postfix, hides_names)).collect();
    findings.extend(zones.iter().filter_map(|zone| wrong_kind(zone, false)));
    let most: Score =
        zones.iter().flat_map(|z| &z.rules).map(|rule| rule.weight.max(Score::ZERO)).sum();
    if most < threshold {
        let text = format!(
            "all lists together reach {most}, less than the threshold {threshold}: nothing is ever rejected"
        );
        findings.push(finding(None, "threshold-out-of-reach", Severity::Warning, text));
    }
    findings
}

fn postscreen_threshold(value: &str) -> Vec<Finding> {
    match value.parse::<Score>() {
        Ok(threshold) if threshold >= Score::ONE => Vec::new(),
        Ok(_) => vec![finding(
            None,
            "threshold-below-one",
            Severity::Error,
            "a threshold below 1 rejects clients that no list has; Postfix refuses it or crashes",
        )],
        Err(_) => vec![unreadable("postscreen_dnsbl_threshold is no whole number".into())],
    }
}

fn restriction(name: &str, argument: &str, hides_names: bool) -> Vec<Finding> {
    // A value that is set elsewhere.
    if argument.starts_with('$') {
        return Vec::new();
    }
    let zone = match postscreen::parse(argument) {
        Ok(zones) => zones.into_iter().next(),
        Err(err) => return vec![unreadable(format!("{name}: {err}"))],
    };
    let Some(zone) = zone else { return Vec::new() };
    let mut findings = zone_mistakes(&zone, Dialect::Postfix, hides_names);
    findings.extend(wrong_kind(&zone, name.contains("rhs")));
    findings
}

fn exim_lists(value: &str) -> Vec<Finding> {
    match exim::parse(value) {
        Ok(items) => items.iter().flat_map(exim_item).collect(),
        Err(err) => vec![unreadable(err.to_string())],
    }
}

fn exim_item(item: &Item) -> Vec<Finding> {
    let mut findings = zone_mistakes(&item.zone, Dialect::Exim, false);
    findings.extend(wrong_kind(&item.zone, item.keys.is_some()));
    if item.unknown == Unknown::Include {
        findings.push(finding(
            Some(&item.zone.name),
            "unknown-is-listed",
            Severity::Error,
            "+include_unknown: when the list can't be reached every client is listed",
        ));
    }
    findings
}

fn zone_mistakes(zone: &Zone, dialect: Dialect, hides_names: bool) -> Vec<Finding> {
    let name = &zone.name;
    let mut findings: Vec<Finding> =
        zone.rules.iter().filter_map(|rule| filter_mistake(name, rule, dialect)).collect();
    if let Some(year) = dead::ended(name.public()) {
        let text =
            format!("the list ended in {year}; dead lists come to list the world: remove it");
        findings.push(finding(Some(name), "dead-list", Severity::Error, text));
    }
    if name.secret().to_string().trim_end_matches('.') != name.public() && !hides_names {
        let text = match dialect {
            Dialect::Postfix => {
                "the key in its name gets into rejections and logs: map the name in rbl_reply_maps or postscreen_dnsbl_reply_map"
            }
            Dialect::Exim => {
                "the key in its name is in $dnslist_domain: do not use that in a message or log_message"
            }
        };
        findings.push(finding(Some(name), "key-in-text", Severity::Error, text));
    }
    findings
}

fn filter_mistake(name: &ZoneName, rule: &Rule, dialect: Dialect) -> Option<Finding> {
    let filter = &rule.filter;
    let better = match dialect {
        Dialect::Postfix => format!("write {name}=127.0.0.[2..254], or the codes you mean"),
        Dialect::Exim => format!("write {name}=127.0.0.2, or the codes you mean"),
    };
    let (rule, text) = if matches!(filter.quantifier(), Quantifier::NotAny | Quantifier::NotAll) {
        (
            "negation-lists-the-world",
            "a negation is true for the answers of a lapsed domain or a rewriting resolver: every client is listed",
        )
    } else if filter.is_any() && dialect == Dialect::Postfix {
        (
            "no-filter",
            "any answer is a listing: that of a lapsed domain, and that of a list which refuses to answer your resolver (127.255.255.254)",
        )
    } else if filter.is_any() {
        (
            "no-filter",
            "any answer inside 127/8 is a listing, that of a list which refuses to answer your resolver (127.255.255.254) too",
        )
    } else if dialect == Dialect::Postfix && filter.matches(&[PARKED]) {
        (
            "filter-outside-loopback",
            "the filter takes addresses outside 127/8, such as that of a lapsed domain, for listings",
        )
    } else if takes_errors(filter) {
        (
            "error-code-is-listed",
            "the filter takes error codes of lists (127.255.255.252, .254, .255) for listings",
        )
    } else {
        return None;
    };
    Some(finding(Some(name), rule, Severity::Error, format!("{text}; {better}")))
}

fn takes_errors(filter: &ReplyFilter) -> bool {
    ERRORS.iter().any(|code| filter.matches(&[*code]))
}

fn wrong_kind(zone: &Zone, asks_domains: bool) -> Option<Finding> {
    let is_of_domains = DOMAIN_LISTS.contains(&zone.name.public());
    (is_of_domains && !asks_domains).then(|| {
        let text =
            "a list of domains is asked about addresses; some answer that with an error code";
        finding(Some(&zone.name), "wrong-kind", Severity::Error, text)
    })
}

fn unreadable(why: String) -> Finding {
    finding(None, "unreadable", Severity::Error, why)
}

#[cfg(test)]
mod tests {
    use super::super::lines;

    fn rules(text: &str) -> Vec<&'static str> {
        super::check(&lines::read(text)).iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn each_mistake_is_found() {
        for (text, expected) in [
            ("postscreen_dnsbl_sites = bl.example*2", &["no-filter"][..]),
            ("reject_rbl_client bl.example", &["no-filter"]),
            ("bl.example=127.[0..255].[0..255].[0..255]", &["error-code-is-listed"]),
            ("bl.example=[0..255].0.113.[2..9]", &["filter-outside-loopback"]),
            ("bl.example=127.0.0.[2..11]*1 dnsbl.sorbs.net=127.0.0.[2..11]", &["dead-list"]),
            ("reject_rbl_client s3cret.zen.dq.spamhaus.net=127.0.0.[2..11]", &["key-in-text"]),
            ("reject_rbl_client dbl.spamhaus.org=127.0.1.[2..99]", &["wrong-kind"]),
            ("dnslists = bl.example", &["no-filter"]),
            ("dnslists = bl.example!&0.255.255.0", &["negation-lists-the-world"]),
            ("dnslists = bl.example!=127.0.0.2", &["negation-lists-the-world"]),
            ("dnslists = bl.example&0.0.0.2", &["error-code-is-listed"]),
            ("dnslists = +include_unknown : bl.example=127.0.0.2", &["unknown-is-listed"]),
            ("postscreen_dnsbl_threshold = 0", &["threshold-below-one"]),
            (
                "postscreen_dnsbl_threshold = 3\npostscreen_dnsbl_sites = bl.example=127.0.0.2*2",
                &["threshold-out-of-reach"],
            ),
            ("bl.example=127.0.0.[2", &["unreadable"]),
        ] {
            assert_eq!(rules(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_right_is_left_alone() {
        for text in [
            "bl.example=127.0.0.[2..254]*2 wl.example=127.0.[0..255].[1..3]*-4",
            "reject_rbl_client bl.example=127.0.0.[2..254]",
            "reject_rhsbl_sender dbl.spamhaus.org=127.0.1.[2..99]",
            "reject_rbl_client $our_list",
            "rbl_reply_maps = texthash:/etc/postfix/rbl\nsmtpd_client_restrictions = reject_rbl_client s3cret.zen.dq.spamhaus.net=127.0.0.[2..11]",
            "dnslists = bl.example=127.0.0.2,127.0.0.3 : dbl.example=127.0.1.2/$sender_address_domain",
            include_str!("../../../../deploy/postfix/main.cf.smtpd"),
            include_str!("../../../../deploy/postfix/main.cf.postscreen"),
            include_str!("../../../../deploy/postfix/main.cf.policy"),
            include_str!("../../../../deploy/exim/dnslists.acl"),
            include_str!("../../../../deploy/exim/readsocket.acl"),
        ] {
            assert_eq!(rules(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn case_45_no_finding_shows_a_key() {
        for text in [
            "reject_rbl_client s3cret.zen.dq.spamhaus.net",
            "dnslists = s3cret.zen.dq.spamhaus.net!=127.0.0.2",
            "s3cret.zen.dq.spamhaus.net=127.0.0.[2 s3cret.zen.dq.spamhaus.net*x",
        ] {
            let findings = super::check(&lines::read(text));
            assert!(
                !findings.is_empty() && !format!("{findings:?}").contains("s3cret"),
                "{findings:?}"
            );
        }
    }
}
