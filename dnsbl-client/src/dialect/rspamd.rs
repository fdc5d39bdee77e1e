//! The `rbls` section of rspamd's `local.d/rbl.conf`.

use std::fmt::Write as _;

use super::{Unwritable, only_any, symbol};
use crate::{Asks, ListKind, ReplyFilter, Zone};

/// Writes zones as an `rbls` section; the names hold keys where the zones do. Scores go into
/// comments: rspamd keeps them in `local.d/rbl_group.conf`.
///
/// # Errors
///
/// If a zone has what rspamd can't say: negations.
pub fn write(zones: &[Zone]) -> Result<String, Unwritable> {
    let mut text = String::from("rbls {\n");
    for zone in zones {
        let (name, secret) = (symbol(zone), zone.name.secret());
        let _ = write!(text, "  {name} {{\n    symbol = \"{name}\";\n    rbl = \"{secret}\";\n");
        text.push_str(match zone.asks {
            Asks::Addresses { v4: true, v6: true } => {
                "    checks = [\"from\"];\n    ipv4 = true;\n    ipv6 = true;\n"
            }
            Asks::Addresses { v4: true, .. } => {
                "    checks = [\"from\"];\n    ipv4 = true;\n    ipv6 = false;\n"
            }
            Asks::Addresses { .. } => {
                "    checks = [\"from\"];\n    ipv4 = false;\n    ipv6 = true;\n"
            }
            Asks::Domains => "    checks = [\"urls\", \"helo\"];\n    no_ip = true;\n",
            Asks::Emails(_) => return Err(Unwritable::Kind(zone.name.clone())),
        });
        if zone.kind == ListKind::Allow {
            text.push_str("    is_whitelist = true;\n");
        }
        text.push_str("    returncodes_matcher = \"regexp\";\n    returncodes {\n");
        for (i, rule) in zone.rules.iter().enumerate() {
            only_any(zone, &rule.filter)?;
            let _ = writeln!(
                text,
                "      {name}_{i} = [\"{}\"]; # score {}",
                expression(&rule.filter),
                zone.weight(rule)
            );
        }
        text.push_str("    }\n  }\n");
    }
    text.push_str("}\n");
    Ok(text)
}

/// A regular expression for the addresses of a filter; return codes only.
fn expression(filter: &ReplyFilter) -> String {
    super::expression(filter).replace('\\', "\\\\")
}
