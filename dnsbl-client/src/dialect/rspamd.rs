//! The `rbls` section of rspamd's `local.d/rbl.conf`.

use std::fmt::Write as _;

use super::{Unwritable, Written, rules, symbol};
use crate::{Asks, ReplyFilter, Zone, ZoneKind};

/// Writes zones as an `rbls` section; the names hold keys where the zones do. Scores go into
/// comments: rspamd keeps them in `local.d/rbl_group.conf`. Left out are negations and zones of mail
/// addresses.
pub fn write(zones: &[Zone]) -> Written {
    let mut written = Written::default();
    for zone in zones {
        let (name, secret) = (symbol(zone), zone.name.secret());
        let checks = match zone.asks {
            Asks::Addresses { v4, v6 } => {
                format!("    checks = [\"from\"];\n    ipv4 = {v4};\n    ipv6 = {v6};\n")
            }
            Asks::Domains => "    checks = [\"urls\", \"helo\"];\n    no_ip = true;\n".into(),
            Asks::Emails(_) => {
                written.leave_out(zone, Unwritable::Emails);
                continue;
            }
        };
        let rules = rules(zone, &mut written);
        if rules.is_empty() {
            continue;
        }
        let text = &mut written.text;
        let _ = write!(
            text,
            "  {name} {{\n    symbol = \"{name}\";\n    rbl = \"{secret}\";\n{checks}"
        );
        if zone.kind == ZoneKind::Allow {
            text.push_str("    is_whitelist = true;\n");
        }
        text.push_str("    returncodes_matcher = \"regexp\";\n    returncodes {\n");
        for (i, rule) in rules.into_iter().enumerate() {
            let (filter, weight) = (expression(&rule.filter), zone.weight(rule));
            let _ = writeln!(text, "      {name}_{i} = [\"{filter}\"]; # score {weight}");
        }
        text.push_str("    }\n  }\n");
    }
    if !written.text.is_empty() {
        written.text = format!("rbls {{\n{}}}\n", written.text);
    }
    written
}

/// A regular expression for the addresses of a filter; return codes only.
fn expression(filter: &ReplyFilter) -> String {
    super::expression(filter).replace('\\', "\\\\")
}
