//! The configuration of our own policy service.

use std::fmt::Write as _;

use dnsbl_client::{Asks, LeftOut, Quantifier, Rule, Score, Unwritable, Written, Zone, ZoneKind};

/// Writes zones as a whole configuration, which `check-config` takes once the files with keys exist.
pub(super) fn write(zones: &[Zone], reject: Score) -> Written {
    let mut written = Written::default();
    for zone in zones {
        let leave_out = |why| LeftOut { zone: zone.name.clone(), why };
        let asks = match zone.asks {
            Asks::Domains => "asks = \"domains\"\n",
            Asks::Addresses { .. } => "",
            _ => {
                written.left_out.push(leave_out(Unwritable::Emails));
                continue;
            }
        };
        let rules: Vec<Result<String, Unwritable>> = zone.rules.iter().map(rule).collect();
        let failed = rules.iter().filter_map(|rule| rule.clone().err());
        written.left_out.extend(failed.map(leave_out));
        let rules: Vec<String> = rules.into_iter().flatten().collect();
        if rules.is_empty() {
            continue;
        }
        let key = if is_keyed(zone) { "key-file = \"FILE-WITH-YOUR-KEY\"\n" } else { "" };
        let kind = match zone.kind {
            ZoneKind::Allow => "kind = \"allow\"\n",
            ZoneKind::Informational => "kind = \"informational\"\n",
            _ => "",
        };
        let _ = write!(
            written.text,
            "\n[[zone]]\nname = \"{}\"\n{key}{kind}{asks}rules = [{}]\n",
            zone.name.public(),
            rules.join(", ")
        );
    }
    if !written.text.is_empty() {
        written.text = format!(
            "version = \"v1\"\nlisten = [\"127.0.0.1:10040\"]\n\n[score]\nreject = {reject}\n{}",
            written.text
        );
    }
    written
}

fn rule(rule: &Rule) -> Result<String, Unwritable> {
    let weight = rule.weight;
    if rule.filter.is_any() {
        return Ok(format!("{{ weight = {weight} }}"));
    }
    match rule.filter.to_postfix() {
        Some(filter) => Ok(format!("{{ filter = \"{filter}\", weight = {weight} }}")),
        None if rule.filter.quantifier() == Quantifier::Any => Err(Unwritable::Union),
        None => Err(Unwritable::Negation),
    }
}

/// Whether the name of a zone holds a key.
pub(super) fn is_keyed(zone: &Zone) -> bool {
    zone.name.secret().to_string().trim_end_matches('.') != zone.name.public()
}
