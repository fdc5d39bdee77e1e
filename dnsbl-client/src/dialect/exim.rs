//! `dnslists` of Exim: `[txt-domain,]domain[operator values][/keys]`, separated by colons.

use super::{DialectError, DialectErrorKind, Unwritable, Written, words};
use crate::{Asks, Quantifier, ReplyFilter, Rule, Score, Zone, ZoneKind, ZoneName};

/// One item of a `dnslists` condition.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Item {
    /// The zone asked. A match counts one point.
    pub zone: Zone,
    /// The zone asked for the text instead, where one is named.
    pub txt_zone: Option<ZoneName>,
    /// What is looked up instead of the client's address, as written behind `/`; such a zone is
    /// taken for one of domains.
    pub keys: Option<String>,
    /// What counts where the zone can't tell; valid from an option on.
    pub unknown: Unknown,
    /// Where it stands: octets from the beginning of the condition.
    pub at: usize,
}

/// The action of Exim where a zone can't tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    /// `+exclude_unknown`: as if not listed.
    #[default]
    Exclude,
    /// `+include_unknown`: as if listed.
    Include,
    /// `+defer_unknown`: a temporary error.
    Defer,
}

/// The most addresses that a filter is written with; Exim has no ranges.
const MAX_ADDRESSES: u64 = 256;

/// Reads a whole condition, with or without `dnslists =` in front. The separator is a colon, or what
/// stands behind `<` at the beginning. Expansions (`$…`) stay as they are.
///
/// # Errors
///
/// At the first item that can't be read, with its position.
pub fn parse(text: &str) -> Result<Vec<Item>, DialectError> {
    let items: Vec<Item> = parse_each(text).into_iter().collect::<Result<_, _>>()?;
    if items.is_empty() {
        return Err(DialectError { at: 0, kind: DialectErrorKind::Empty });
    }
    Ok(items)
}

/// Reads a condition item by item, so that one which can't be read does not hide the others.
pub fn parse_each(text: &str) -> Vec<Result<Item, DialectError>> {
    let (start, separator) = begin(text);
    let mut items = Vec::new();
    let mut unknown = Unknown::Exclude;
    for (at, word) in words(&text[start..], |c| c == separator) {
        let at = start + at + (word.len() - word.trim_start().len());
        match word.trim() {
            "" => {}
            "+exclude_unknown" => unknown = Unknown::Exclude,
            "+include_unknown" => unknown = Unknown::Include,
            "+defer_unknown" => unknown = Unknown::Defer,
            option if option.starts_with('+') => {
                items.push(Err(DialectError { at, kind: DialectErrorKind::Option }));
            }
            word => items.push(match item(word) {
                Ok(item) => Ok(Item { at, unknown, ..item }),
                Err(err) => Err(DialectError { at: at + err.at, ..err }),
            }),
        }
    }
    items
}

/// Where the list begins, and what separates its items.
fn begin(text: &str) -> (usize, char) {
    let blanks = |text: &str| text.len() - text.trim_start().len();
    let mut start = blanks(text);
    if let Some(rest) = text[start..].strip_prefix("dnslists")
        && let Some(list) = rest.trim_start().strip_prefix('=')
    {
        start = text.len() - list.len();
        start += blanks(list);
    }
    let mut chars = text[start..].chars();
    match (chars.next(), chars.next()) {
        (Some('<'), Some(separator)) => (start + 1 + separator.len_utf8(), separator),
        _ => (start, ':'),
    }
}

fn item(word: &str) -> Result<Item, DialectError> {
    let (condition, keys) = match word.split_once('/') {
        Some((condition, keys)) => (condition, Some(keys.trim().to_owned())),
        None => (word, None),
    };
    let end = condition.find(['=', '&', '!']).unwrap_or(condition.len());
    let (names, filter) = condition.split_at(end);
    let filter = match filter.trim_end() {
        "" => ReplyFilter::any(),
        filter => ReplyFilter::exim(filter)
            .map_err(|err| DialectError { at: end, kind: DialectErrorKind::Filter(err) })?,
    };
    let name = |at: usize, text: &str| -> Result<ZoneName, DialectError> {
        text.trim().parse().map_err(|err| DialectError { at, kind: DialectErrorKind::Zone(err) })
    };
    let (txt_zone, name) = match names.split_once(',') {
        Some((txt, main)) => (Some(name(0, txt)?), name(txt.len() + 1, main)?),
        None => (None, name(0, names)?),
    };
    let zone = if keys.is_some() { Zone::domains(name) } else { Zone::addresses(name) };
    let zone = zone.rules([Rule::new(filter, Score::ONE)]);
    Ok(Item { zone, txt_zone, keys, unknown: Unknown::Exclude, at: 0 })
}

/// Writes zones as one condition, which is true if any of their rules matches; the names hold keys
/// where the zones do. Left out is what Exim can't say: filters of very many addresses, zones of mail
/// addresses, and those that count nothing or speak for a client, since Exim has no weights. Where the
/// weights differ, that they are lost is told too.
pub fn write(zones: &[Zone]) -> Written {
    let mut written = Written::default();
    let counting = |zone: &&Zone| zone.kind == ZoneKind::Block;
    let mut weights = zones.iter().filter(counting).flat_map(|z| &z.rules).map(|rule| rule.weight);
    let first = weights.next();
    let differ = weights.any(|weight| Some(weight) != first);
    for zone in zones {
        match (zone.kind, zone.asks) {
            (_, Asks::Emails(_)) => written.leave_out(zone, Unwritable::Emails),
            (ZoneKind::Informational, _) => written.leave_out(zone, Unwritable::Informational),
            (ZoneKind::Allow, _) => written.leave_out(zone, Unwritable::Allow),
            (ZoneKind::Block, _) => {
                write_zone(&mut written, zone);
                if differ {
                    written.leave_out(zone, Unwritable::Weight);
                }
            }
        }
    }
    written
}

fn write_zone(written: &mut Written, zone: &Zone) {
    let keys = if zone.asks == Asks::Domains { "/$sender_address_domain" } else { "" };
    for rule in &zone.rules {
        if rule.weight == Score::ZERO {
            written.leave_out(zone, Unwritable::Informational);
            continue;
        }
        if rule.weight < Score::ZERO {
            written.leave_out(zone, Unwritable::Allow);
            continue;
        }
        match write_filter(&rule.filter) {
            Ok(filter) => {
                let separator = if written.text.is_empty() { "" } else { " : " };
                written.text += &format!("{separator}{}{filter}{keys}", zone.name.secret());
            }
            Err(why) => written.leave_out(zone, why),
        }
    }
}

fn write_filter(filter: &ReplyFilter) -> Result<String, Unwritable> {
    if filter.is_any() {
        return Ok(String::new());
    }
    let masks: Option<Vec<_>> = filter.patterns().iter().map(|octets| octets.as_bits()).collect();
    let (sign, addresses) = match (masks, filter.quantifier()) {
        (Some(masks), Quantifier::Any) => ("&", masks),
        (Some(masks), Quantifier::All) => ("=&", masks),
        (Some(masks), Quantifier::NotAny) => ("!&", masks),
        (Some(masks), Quantifier::NotAll) => ("!=&", masks),
        (None, quantifier) => {
            let count = filter.count();
            if count > MAX_ADDRESSES {
                return Err(Unwritable::TooMany(count));
            }
            let sign = match quantifier {
                Quantifier::Any => "=",
                Quantifier::All => "==",
                Quantifier::NotAny => "!=",
                Quantifier::NotAll => "!==",
            };
            (sign, filter.patterns().iter().flat_map(|octets| octets.iter()).collect())
        }
    };
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    Ok(format!("{sign}{}", addresses.join(",")))
}
