//! `postscreen_dnsbl_sites` of Postfix: `domain[=filter][*weight]`, separated by commas or blanks.

use super::{DialectError, DialectErrorKind, Unwritable, Written, merge, rules, words};
use crate::{Asks, ReplyFilter, Rule, Score, Zone, ZoneKind, ZoneName};

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
            zone.kind = ZoneKind::Allow;
        }
    }
    Ok(zones)
}

/// The zone of an entry whose filter or weight may be unreadable, if its name is not.
pub fn zone_of(entry: &str) -> Option<ZoneName> {
    entry.split(['=', '*']).next()?.parse().ok()
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

/// Writes zones as one value; the names hold keys where the zones do. Left out is what Postfix can't
/// say: negations, fractions of a point, zones of anything but addresses, and zones that count
/// nothing, since every entry of Postfix counts.
pub fn write(zones: &[Zone]) -> Written {
    let mut written = Written::default();
    for zone in zones {
        let why = match (zone.kind, zone.asks) {
            (_, Asks::Domains) => Unwritable::Domains,
            (_, Asks::Emails(_)) => Unwritable::Emails,
            (ZoneKind::Informational, _) => Unwritable::Informational,
            (_, Asks::Addresses { .. }) => {
                for rule in rules(zone, &mut written) {
                    match entry_of(zone, rule) {
                        Ok(entry) if written.text.is_empty() => written.text = entry,
                        Ok(entry) => written.text += &format!(" {entry}"),
                        Err(why) => written.leave_out(zone, why),
                    }
                }
                continue;
            }
        };
        written.leave_out(zone, why);
    }
    written
}

fn entry_of(zone: &Zone, rule: &Rule) -> Result<String, Unwritable> {
    let weight = zone.weight(rule);
    let points = weight.as_milli() / 1000;
    if Score::points(points) != weight {
        return Err(Unwritable::Fraction(weight));
    }
    let mut entry = zone.name.secret().to_string();
    if !rule.filter.is_any() {
        let octets = rule.filter.joined().ok_or(Unwritable::Union)?;
        entry += &format!("={octets}");
    }
    if points != 1 {
        entry += &format!("*{points}");
    }
    Ok(entry)
}
