//! `dnslists` of Exim: `[txt-domain,]domain[operator values][/keys]`, separated by colons.

use std::fmt::Write as _;

use super::{DialectError, DialectErrorKind, Unwritable, words};
use crate::{Asks, ListKind, Quantifier, ReplyFilter, Rule, Score, Zone, ZoneName};

/// One item of a `dnslists` condition.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Item {
    /// The list asked. A match counts one point.
    pub zone: Zone,
    /// The list asked for the text instead, where one is named.
    pub txt_zone: Option<ZoneName>,
    /// What is looked up instead of the client's address, as written behind `/`; such a list is
    /// taken for one of domains.
    pub keys: Option<String>,
    /// What counts where the list can't tell; valid from an option on.
    pub unknown: Unknown,
}

/// What Exim does where a list can't tell.
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

/// The most addresses that a filter is written with.
const MAX_ADDRESSES: u64 = 64;

/// Reads a whole condition, with or without `dnslists =` in front. The separator is a colon, or what
/// stands behind `<` at the beginning. Expansions (`$…`) stay as they are.
///
/// # Errors
///
/// At the first item that can't be read, with its position.
pub fn parse(text: &str) -> Result<Vec<Item>, DialectError> {
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
                return Err(DialectError { at, kind: DialectErrorKind::Option });
            }
            word => {
                let item = item(word).map_err(|err| DialectError { at: at + err.at, ..err })?;
                items.push(Item { unknown, ..item });
            }
        }
    }
    if items.is_empty() {
        return Err(DialectError { at: 0, kind: DialectErrorKind::Empty });
    }
    Ok(items)
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
    Ok(Item { zone, txt_zone, keys, unknown: Unknown::Exclude })
}

/// Writes zones as one condition, which is true if any of their rules matches; the names hold keys
/// where the zones do. Exim has no weights: rules that add nothing to a score are left out.
///
/// # Errors
///
/// If a zone has what Exim can't say: filters that match very many addresses, mail addresses.
pub fn write(zones: &[Zone]) -> Result<String, Unwritable> {
    let mut text = String::new();
    for zone in zones.iter().filter(|zone| zone.kind == ListKind::Block) {
        let keys = match zone.asks {
            Asks::Addresses { .. } => "",
            Asks::Domains => "/$sender_address_domain",
            Asks::Emails(_) => return Err(Unwritable::Kind(zone.name.clone())),
        };
        for rule in zone.rules.iter().filter(|rule| rule.weight > Score::ZERO) {
            let separator = if text.is_empty() { "" } else { " : " };
            let filter = write_filter(zone, &rule.filter)?;
            let _ = write!(text, "{separator}{}{filter}{keys}", zone.name.secret());
        }
    }
    Ok(text)
}

fn write_filter(zone: &Zone, filter: &ReplyFilter) -> Result<String, Unwritable> {
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
            if filter.patterns().iter().map(|octets| octets.count()).sum::<u64>() > MAX_ADDRESSES {
                return Err(Unwritable::TooMany(zone.name.clone()));
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
