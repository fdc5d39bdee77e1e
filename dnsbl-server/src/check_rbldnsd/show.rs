//! A plan in words, and as JSON.

use std::fmt::Write as _;

use dnsbl_types::{Name, ZoneKind};
use serde_json::{Value, json};

use super::{
    bodies,
    finding::{Finding, Level},
    options::OPTIONS,
    planned::{Plan, PlannedList, PlannedZone},
};

/// In words: each zone with its data, and what is to be said.
pub(super) fn text(plan: &Plan) -> String {
    let mut out = String::new();
    if !plan.line.instance.is_empty() {
        let _ = writeln!(out, "{}:", plan.line.instance);
    }
    for finding in &plan.findings {
        let _ = writeln!(out, "{}", line(finding));
    }
    if !plan.access.is_empty() {
        let _ = writeln!(out, "for all zones: {} access rules", plan.access.len());
    }
    for zone in &plan.zones {
        let _ = writeln!(out, "{}", of_zone(zone));
    }
    let count = |level| plan.findings().filter(|(_, finding)| finding.level == level).count();
    let zones = plan.zones.len();
    let _ = write!(
        out,
        "{zones} zones; {} findings differ, {} are left out, {} are broken",
        count(Level::Differs),
        count(Level::LeftOut),
        count(Level::Broken)
    );
    out
}

fn of_zone(zone: &PlannedZone) -> String {
    let kind = if zone.kind == ZoneKind::Domain { "domains" } else { "addresses" };
    let mut out = format!("{}: a zone of {kind}\n", zone.origin);
    let mut row = |name: &str, text: String| {
        let _ = writeln!(out, "  {name:<9} {text}");
    };
    for list in &zone.lists {
        row("list", shown_list(list));
    }
    if !zone.includes.is_empty() {
        row("includes", names(&zone.includes));
    }
    if !zone.records.is_empty() {
        row("records", format!("{} of generic", zone.records.len()));
    }
    let negative = zone.soa.as_ref().map_or("the default".into(), |soa| soa.minimum.to_string());
    row("ttl", format!("{}, negative {negative}", zone.ttl));
    if let Some(soa) = &zone.soa {
        let times = format!("{} {} {}", soa.refresh, soa.retry, soa.expire);
        row("soa", format!("{} {} {} {times}", soa.mname, soa.rname, zone.serial));
    }
    row("ns", names(&zone.ns));
    if !zone.access.is_empty() {
        row("access", format!("{} rules", zone.access.len()));
    }
    for finding in &zone.findings {
        let _ = writeln!(out, "{}", line(finding));
    }
    out.trim_end().to_owned()
}

fn shown_list(of: &PlannedList) -> String {
    let files: Vec<String> = of.files.iter().map(|file| file.display().to_string()).collect();
    let summary = &of.list.summary;
    let mut out = format!(
        "{} {}: {} listings, {} exclusions, {} values, source {}",
        of.dataset,
        files.join(","),
        summary.listings,
        summary.exclusions,
        summary.values,
        of.source
    );
    if let Some((code, reason, _)) = &summary.usual {
        let _ = write!(out, ", mostly {code} {:?}", reason.template());
    }
    if let Some(expires) = &of.list.settings.expires {
        let _ = write!(out, ", expires at {}", expires.value.0);
    }
    out
}

fn names(names: &[Name]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    names.join(" ")
}

fn line(finding: &Finding) -> String {
    let Finding { level, file, line, count, text } = finding;
    let mut out = format!("  {:<9} ", level.as_str());
    if let Some(file) = file {
        let _ = write!(out, "{}", file.display());
        if let Some(line) = line {
            let _ = write!(out, ":{line}");
        }
        out.push_str(": ");
    }
    if *count > 1 {
        let _ = write!(out, "({count}) ");
    }
    out + text
}

/// As JSON, with all that the words say.
pub(super) fn json(plans: &[Plan], status: u8) -> Value {
    let plans: Vec<Value> = plans.iter().map(of_plan).collect();
    json!({"command_lines": plans, "status": status})
}

fn of_plan(plan: &Plan) -> Value {
    let options = plan.line.given.iter().map(|(letter, value)| {
        let becomes = OPTIONS.iter().find(|(known, _)| known == letter).map(|(_, becomes)| becomes);
        json!({"option": format!("-{letter}"), "value": value, "becomes": becomes})
    });
    json!({
        "instance": plan.line.instance,
        "listen": plan.listen(),
        "options": options.collect::<Vec<_>>(),
        "access_rules": plan.access.len(),
        "findings": plan.findings.iter().map(of_finding).collect::<Vec<_>>(),
        "zones": plan.zones.iter().map(zone_json).collect::<Vec<_>>(),
    })
}

fn zone_json(zone: &PlannedZone) -> Value {
    json!({
        "zone": zone.origin.to_string(),
        "body": bodies::zone(zone),
        "lists": zone.lists.iter().map(list_json).collect::<Vec<_>>(),
        "findings": zone.findings.iter().map(of_finding).collect::<Vec<_>>(),
    })
}

fn list_json(of: &PlannedList) -> Value {
    let summary = &of.list.summary;
    let files: Vec<String> = of.files.iter().map(|file| file.display().to_string()).collect();
    json!({
        "dataset": of.dataset,
        "files": files,
        "source": of.source,
        "listings": summary.listings,
        "exclusions": summary.exclusions,
        "values": summary.values,
        "expires": of.list.settings.expires.as_ref().map(|at| at.value.0),
    })
}

fn of_finding(finding: &Finding) -> Value {
    let Finding { level, file, line, count, text } = finding;
    let file = file.as_ref().map(|file| file.display().to_string());
    json!({"level": level.as_str(), "file": file, "line": line, "count": count, "text": text})
}
