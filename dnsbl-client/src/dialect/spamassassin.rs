//! Rules of SpamAssassin (`check_rbl`, `check_rbl_envfrom`, `check_rbl_sub`).

use std::fmt::Write as _;

use super::{Unwritable, Written, expression, rules, symbol};
use crate::{Asks, Score, Zone};

/// What SpamAssassin scores a rule that counts nothing with: it does not even look up one of score 0.
const NEXT_TO_NOTHING: &str = "0.001";

/// Writes zones as rules; the names hold keys where the zones do. Zones of domains are asked about the
/// domain of the envelope sender. Left out are negations and zones of mail addresses.
pub fn write(zones: &[Zone]) -> Written {
    let mut written = Written::default();
    for zone in zones {
        let name = symbol(zone);
        let set = name.to_ascii_lowercase();
        // A set is found again by its whole name, of which the ending says which hosts are looked up.
        let (set, check) = match zone.asks {
            Asks::Addresses { .. } => (format!("{set}-lastexternal"), "check_rbl"),
            Asks::Domains => (set, "check_rbl_envfrom"),
            Asks::Emails(_) => {
                written.leave_out(zone, Unwritable::Emails);
                continue;
            }
        };
        let rules = rules(zone, &mut written);
        if rules.is_empty() {
            continue;
        }
        let (text, secret) = (&mut written.text, zone.name.secret());
        let _ = write!(
            text,
            "header __{name} eval:{check}('{set}', '{secret}.')\ntflags __{name} net\n"
        );
        for (i, rule) in rules.into_iter().enumerate() {
            let (filter, weight) = (expression(&rule.filter), zone.weight(rule));
            let nice = if weight < Score::ZERO { " nice" } else { "" };
            let score = match weight {
                Score::ZERO => NEXT_TO_NOTHING.into(),
                weight => weight.to_string(),
            };
            let _ = write!(
                text,
                "header {name}_{i} eval:check_rbl_sub('{set}', '{filter}')\n\
                 tflags {name}_{i} net{nice}\nscore {name}_{i} {score}\n"
            );
        }
    }
    written
}
