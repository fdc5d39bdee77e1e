//! `postscreen_dnsbl_sites` of Postfix: `domain[=filter][*weight]`, separated by commas or blanks.

use std::fmt::Write as _;

use super::{DialectError, DialectErrorKind, Unwritable, merge, words};
use crate::{Asks, ListKind, Quantifier, ReplyFilter, Rule, Score, Zone, ZoneName};

/// Reads a whole value. Entries of one domain become one zone with several rules; a zone with
/// negative weights only is an allow list.
///
/// # Errors
///
/// At the first entry that Postfix would not take, with its position.
pub fn parse(text: &str) -> Result<Vec<Zone>, DialectError> {
    let mut zones = Vec::new();
    for (at, word) in words(text, |c| c == ',' || c.is_ascii_whitespace()) {
        let (name, rule) = entry(word).map_err(|err| DialectError { at: at + err.at, ..err })?;
        merge(&mut zones, name, rule);
    }
    if zones.is_empty() {
        return Err(DialectError { at: 0, kind: DialectErrorKind::Empty });
    }
    for zone in &mut zones {
        if zone.rules.iter().all(|rule| rule.weight < Score::ZERO) {
            zone.kind = ListKind::Allow;
        }
    }
    Ok(zones)
}

/// One entry, split as Postfix does: first at `*`, then at `=`.
fn entry(word: &str) -> Result<(ZoneName, Rule), DialectError> {
    let (site, weight) = match word.split_once('*') {
        Some((site, weight)) => {
            let weight = weight.strip_prefix('+').unwrap_or(weight);
            let number: Result<i16, _> = weight.parse();
            let error = DialectError { at: site.len() + 1, kind: DialectErrorKind::Weight };
            (site, Score::points(number.map_err(|_| error)?.into()))
        }
        None => (word, Score::ONE),
    };
    let (domain, filter) = match site.split_once('=') {
        Some((domain, filter)) => {
            let at = domain.len() + 1;
            let error = |err| DialectError { at, kind: DialectErrorKind::Filter(err) };
            (domain, ReplyFilter::postfix(filter).map_err(error)?)
        }
        None => (site, ReplyFilter::any()),
    };
    let error = |err| DialectError { at: 0, kind: DialectErrorKind::Zone(err) };
    Ok((domain.parse().map_err(error)?, Rule::new(filter, weight)))
}

/// Writes zones as one value; the names hold keys where the zones do. Of a zone without weights
/// that count (informational) nothing is written, since every entry of Postfix counts.
///
/// # Errors
///
/// If a zone has what Postfix can't say: negations, fractions of a point, domains.
pub fn write(zones: &[Zone]) -> Result<String, Unwritable> {
    let mut text = String::new();
    for zone in zones.iter().filter(|zone| zone.kind != ListKind::Informational) {
        if !matches!(zone.asks, Asks::Addresses { .. }) {
            return Err(Unwritable::Kind(zone.name.clone()));
        }
        for rule in &zone.rules {
            write_rule(&mut text, zone, rule)?;
        }
    }
    Ok(text)
}

fn write_rule(text: &mut String, zone: &Zone, rule: &Rule) -> Result<(), Unwritable> {
    let weight = zone.weight(rule).as_milli();
    if weight % 1000 != 0 {
        return Err(Unwritable::Fraction(zone.name.clone()));
    }
    if rule.filter.quantifier() != Quantifier::Any {
        return Err(Unwritable::Negation(zone.name.clone()));
    }
    let separator = if text.is_empty() { "" } else { " " };
    let _ = write!(text, "{separator}{}", zone.name.secret());
    if !rule.filter.is_any() {
        let octets = rule.filter.joined().ok_or_else(|| Unwritable::Union(zone.name.clone()))?;
        let _ = write!(text, "={octets}");
    }
    if weight != 1000 {
        let _ = write!(text, "*{}", weight / 1000);
    }
    Ok(())
}
