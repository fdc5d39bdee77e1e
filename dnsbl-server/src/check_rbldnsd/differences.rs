//! What a zone would answer otherwise here, beyond what documentation says of all zones.

use dnsbl_formats::rbldnsd::{AclAction, AclRule};
use dnsbl_types::AccessRules;

use super::{
    finding::{Finding, Level},
    planned::{PlannedList, PlannedZone},
    records,
};

/// What is to be said of a zone and its lists.
pub(super) fn of_zone(zone: &PlannedZone) -> Vec<Finding> {
    let mut findings = Vec::new();
    if zone.soa.is_none() {
        let text = "no file has $SOA: rbldnsd then refuses SOA queries and sends denials that nobody may cache; the zone has an SOA record here";
        findings.push(Finding::new(Level::Differs, text));
    }
    if zone.ns.is_empty() {
        let text = "no file has $NS, and a zone needs a name server: give one with --ns NAME";
        findings.push(Finding::new(Level::LeftOut, text));
    }
    for ns in zone.ns.iter().filter(|ns| zone.has_no_address(ns)) {
        let text = format!(
            "the name server {ns} lies in the zone and has no address in its records: give it as glue in the zone's body"
        );
        findings.push(Finding::new(Level::LeftOut, text));
    }
    for list in &zone.lists {
        findings.extend(of_list(list));
    }
    let is_listed = zone.lists.iter().any(|list| list.list.summary.has_test_entry);
    if !zone.lists.is_empty() && !is_listed && zone.includes.is_empty() {
        let text = if zone.kind.has_addresses() { "127.0.0.2" } else { "test" };
        let text = format!(
            "{text} is not listed in the files, and always is here, with 127.0.0.2 (RFC 5782 section 5)"
        );
        findings.push(Finding::new(Level::Differs, text));
    }
    findings.extend(of_records(zone));
    findings.extend(of_access(zone));
    findings
}

fn of_list(of: &PlannedList) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (summary, file) = (&of.list.summary, &of.files[0]);
    let mut tell = |level, line, count, text: String| {
        findings.push(Finding::new(level, text).at(file, line).many(count));
    };
    if let Some((line, count)) = summary.without_text {
        let text = "entries without a text have the zone's reason as TXT here; rbldnsd has no TXT record for them";
        tell(Level::Differs, Some(line), count, text.into());
    }
    if summary.several_texts > 0 {
        let text = "subjects have several texts, for each of which rbldnsd sends a TXT record; here they are one, joined by semicolons";
        tell(Level::Differs, None, summary.several_texts, text.into());
    }
    if summary.names_in_texts > 0 {
        let text = "wildcards have $ in their text: rbldnsd fills in the name that is listed, and here it is the name that was asked for";
        tell(Level::Differs, None, summary.names_in_texts, text.into());
    }
    if summary.without_effect > 0 {
        let text =
            "entries say something else of a prefix than an earlier one: the first counts, in both";
        tell(Level::Same, None, summary.without_effect, text.into());
    }
    for (guard, count, subject) in &summary.guarded {
        let text = format!(
            "entries such as {subject} are held back here unless override={} says that they are meant, as import.sh does",
            guard.as_str()
        );
        tell(Level::Same, None, *count, text);
    }
    for subject in &summary.never {
        tell(Level::Differs, None, 1, format!("{subject} is never listed here"));
    }
    for (line, wrong, count) in &summary.untold {
        tell(Level::Differs, Some(*line), *count, format!("{wrong}; such entries are left out"));
    }
    if let Some(expires) = &of.list.settings.expires {
        let text = "the rows expire at the time that $TIMESTAMP says; rbldnsd answers SERVFAIL for the zone from then on";
        tell(Level::Differs, Some(expires.line), 1, text.into());
    }
    if !of.list.is_sum_of_files {
        let text = "its files mean something else together than one by one: import.sh imports them as one; no feed can, so join them yourself where cron writes them";
        tell(Level::LeftOut, None, 1, text.into());
    }
    findings
}

fn of_records(zone: &PlannedZone) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_other = |ttl: &u32| *ttl != zone.ttl;
    let other = zone.records.iter().filter(|record| record.ttl.as_ref().is_some_and(is_other));
    let count = other.count() as u64;
    if count > 0 {
        let text = format!(
            "records have a TTL of their own; here they have that of the zone, {}",
            zone.ttl
        );
        findings.push(Finding::new(Level::Differs, text).many(count));
    }
    let (_, refused) = records::of(zone);
    for (owner, why) in refused {
        findings.push(Finding::new(Level::LeftOut, format!("the records of {owner}: {why}")));
    }
    findings
}

fn of_access(zone: &PlannedZone) -> Vec<Finding> {
    let mut findings = Vec::new();
    if zone.access.len() > AccessRules::MAX {
        let text = format!(
            "the access list has {} rules, and a zone has at most {}: none is taken over",
            zone.access.len(),
            AccessRules::MAX
        );
        findings.push(Finding::new(Level::LeftOut, text));
    }
    let masks =
        |rule: &AclRule| matches!(rule.action, Ok(AclAction::Empty | AclAction::Listed(..)));
    if !zone.records.is_empty() && zone.access.iter().any(masks) {
        let text = "records of a data set of type generic are answered under :empty and a value here; rbldnsd answers NODATA for them";
        findings.push(Finding::new(Level::Differs, text));
    }
    let silent = |rule: &&AclRule| matches!(rule.action, Ok(AclAction::Listed(_, None)));
    if let Some(rule) = zone.access.iter().find(silent) {
        let text = format!(
            "line {}: who is told that everything is listed gets a TXT record here, which rbldnsd does not send without a text",
            rule.line
        );
        findings.push(Finding::new(Level::Differs, text));
    }
    for rule in &zone.access {
        if let Err(wrong) = &rule.action {
            let text =
                format!("line {}: the rule for {} is left out: {wrong}", rule.line, rule.prefix);
            findings.push(Finding::new(Level::LeftOut, text));
        }
    }
    findings
}
