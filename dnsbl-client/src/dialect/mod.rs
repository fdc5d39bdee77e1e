//! Lists as mail servers write them in their configuration: read from Postfix and Exim, written for
//! these, rspamd and SpamAssassin.

pub mod exim;
pub mod postscreen;
pub mod rspamd;
pub mod spamassassin;
#[cfg(test)]
mod tests;

use crate::{FilterError, Quantifier, ReplyFilter, Rule, Zone, ZoneName, ZoneNameError};

/// Where and why a line can't be read. It never holds the line, which may hold a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {kind}", at = .at + 1)]
pub struct DialectError {
    /// Octets from the beginning of the line.
    pub at: usize,
    /// What is wrong there.
    pub kind: DialectErrorKind,
}

/// Why a line can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialectErrorKind {
    /// No list in it.
    #[error("there is no zone")]
    Empty,
    /// What stands for the zone is no name.
    #[error(transparent)]
    Zone(#[from] ZoneNameError),
    /// What stands for the filter is none.
    #[error("{0}")]
    Filter(FilterError),
    /// What stands behind `*` is no whole number.
    #[error("the weight is not a whole number")]
    Weight,
    /// An option beginning with `+` that Exim does not have.
    #[error("there is no such option")]
    Option,
}

/// Why a list can't be written in a dialect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unwritable {
    /// The dialect has no negations, or not of this kind.
    #[error("{0}: there is no such negation")]
    Negation(ZoneName),
    /// The dialect has no weights in fractions of a point.
    #[error("{0}: weights are whole numbers")]
    Fraction(ZoneName),
    /// It would take too many addresses to write.
    #[error("{0}: the filter matches too many addresses to name each")]
    TooMany(ZoneName),
    /// The dialect has no alternatives within one filter.
    #[error("{0}: the codes of one rule do not fit into one filter")]
    Union(ZoneName),
    /// The dialect asks no lists of this kind.
    #[error("{0}: lists of this kind can't be asked")]
    Kind(ZoneName),
}

/// The words of a text, with where they begin. Empty ones are left out.
fn words(text: &str, separator: impl Fn(char) -> bool) -> impl Iterator<Item = (usize, &str)> {
    let words = text.split(separator);
    let begin = text.as_ptr() as usize;
    let words = words.map(move |word| (word.as_ptr() as usize - begin, word));
    words.filter(|(_, word)| !word.is_empty())
}

/// Adds a rule to the zone of that name, or a zone.
fn merge(zones: &mut Vec<Zone>, name: ZoneName, rule: Rule) {
    match zones.iter_mut().find(|zone| zone.name == name) {
        Some(zone) => zone.rules.push(rule),
        None => zones.push(Zone::addresses(name).rules([rule])),
    }
}

fn only_any(zone: &Zone, filter: &ReplyFilter) -> Result<(), Unwritable> {
    match filter.quantifier() {
        Quantifier::Any => Ok(()),
        _ => Err(Unwritable::Negation(zone.name.clone())),
    }
}

/// A word for rules about a zone, from its public name: `ZEN_SPAMHAUS_ORG`.
fn symbol(zone: &Zone) -> String {
    let upper = zone.name.public().to_ascii_uppercase();
    upper.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// A regular expression for the return codes of a filter. 127.0.0.1 and error codes are left out
/// where the filter takes any code.
fn expression(filter: &ReplyFilter) -> String {
    if filter.is_any() {
        return "^127\\.(?!0\\.0\\.1$|255\\.255\\.)".into();
    }
    let patterns: Vec<String> =
        filter.patterns().iter().map(|octets| octets.expression()).collect();
    format!("^(?:{})$", patterns.join("|"))
}
