//! Rules of SpamAssassin (`check_rbl`, `check_rbl_sub`).

use std::fmt::Write as _;

use super::{Unwritable, expression, only_any, symbol};
use crate::{Asks, Zone};

/// Writes zones as rules; the names hold keys where the zones do.
///
/// # Errors
///
/// If a zone has what these rules can't say: negations, domains, mail addresses.
pub fn write(zones: &[Zone]) -> Result<String, Unwritable> {
    let mut text = String::new();
    for zone in zones {
        if !matches!(zone.asks, Asks::Addresses { .. }) {
            return Err(Unwritable::Kind(zone.name.clone()));
        }
        let name = symbol(zone);
        let set = name.to_ascii_lowercase();
        let secret = zone.name.secret();
        let _ = writeln!(text, "header __{name} eval:check_rbl('{set}-lastexternal', '{secret}.')");
        let _ = writeln!(text, "tflags __{name} net");
        for (i, rule) in zone.rules.iter().enumerate() {
            only_any(zone, &rule.filter)?;
            let expression = expression(&rule.filter);
            let _ = write!(
                text,
                "header {name}_{i} eval:check_rbl_sub('{set}', '{expression}')\n\
                 tflags {name}_{i} net\nscore {name}_{i} {}\n",
                zone.weight(rule)
            );
        }
    }
    Ok(text)
}
