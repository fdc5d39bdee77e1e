//! Zones as mail servers write them in their configuration: read from Postfix and Exim, written for
//! these, rspamd and SpamAssassin.

pub mod exim;
pub mod postscreen;
pub mod rspamd;
pub mod spamassassin;
#[cfg(test)]
mod tests;

use crate::{FilterError, Quantifier, ReplyFilter, Rule, Score, Zone, ZoneName, ZoneNameError};

/// An error of reading a line: where, and why. It never holds the line, which may hold a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {}: {kind}", .at + .kind.inside() + 1)]
pub struct DialectError {
    /// Octets from the beginning of the line.
    pub at: usize,
    /// What is wrong there.
    pub kind: DialectErrorKind,
}

/// The reason why a line can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialectErrorKind {
    /// No zone in it.
    #[error("there is no zone")]
    Empty,
    /// What stands for the zone is no name.
    #[error(transparent)]
    Zone(#[from] ZoneNameError),
    /// What stands for the filter is none.
    #[error("{}", .0.kind)]
    Filter(FilterError),
    /// What stands behind `*` is no whole number.
    #[error("the weight is not a whole number")]
    Weight,
    /// An option beginning with `+` that Exim does not have.
    #[error("there is no such option")]
    Option,
}

impl DialectErrorKind {
    /// Octets from the beginning of what can't be read to where it can't.
    fn inside(&self) -> usize {
        match self {
            Self::Filter(err) => err.at,
            _ => 0,
        }
    }
}

/// Zones in a dialect, as far as it can say them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The zones; empty if none could be written.
    pub text: String,
    /// What is not in it, or means something else there, in the order of the zones.
    pub left_out: Vec<LeftOut>,
}

/// A zone, or a rule of one, that is not written as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{zone}: {why}")]
pub struct LeftOut {
    /// The zone.
    pub zone: ZoneName,
    /// What the dialect can't say.
    pub why: Unwritable,
}

/// A meaning that a dialect can't express.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unwritable {
    /// No negations, or not of this kind.
    #[error("left out: it has no such negation")]
    Negation,
    /// No weights in fractions of a point.
    #[error("left out: its weights are whole numbers, and {0} is none")]
    Fraction(Score),
    /// It would take too many addresses to write.
    #[error("left out: its filter matches {0} addresses, and each would have to be named")]
    TooMany(u64),
    /// No alternatives within one filter.
    #[error("left out: the codes of one rule do not fit into one filter")]
    Union,
    /// It asks no zones of domains.
    #[error("left out: it does not ask lists of domains there")]
    Domains,
    /// It asks no zones of mail addresses in this form.
    #[error("left out: lists of mail addresses are written by hand, since their hashes differ")]
    Emails,
    /// A zone that counts nothing would count.
    #[error("left out: it counts nothing, and every list counts there")]
    Informational,
    /// A zone that speaks for a client would speak against it.
    #[error(
        "left out: a list that speaks for clients would reject them there; accept its clients in a statement before"
    )]
    Allow,
    /// No scores: the zone decides by itself.
    #[error("its weight is lost: there every list decides by itself")]
    Weight,
}

impl Written {
    fn leave_out(&mut self, zone: &Zone, why: Unwritable) {
        let left_out = LeftOut { zone: zone.name.clone(), why };
        if self.left_out.last() != Some(&left_out) {
            self.left_out.push(left_out);
        }
    }
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

/// The rules that can be written where there are no negations; the others are left out.
fn rules<'z>(zone: &'z Zone, written: &mut Written) -> Vec<&'z Rule> {
    let (rules, others): (Vec<&Rule>, Vec<&Rule>) =
        zone.rules.iter().partition(|rule| rule.filter.quantifier() == Quantifier::Any);
    if !others.is_empty() {
        written.leave_out(zone, Unwritable::Negation);
    }
    rules
}

/// A word for rules about a zone, from its public name: `ZEN_SPAMHAUS_ORG`.
fn symbol(zone: &Zone) -> String {
    let upper = zone.name.public().to_ascii_uppercase();
    let word = upper.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    // No name of a rule begins with a digit.
    if word.starts_with(|c: char| c.is_ascii_digit()) { format!("RBL_{word}") } else { word }
}

/// A regular expression for the return codes of a filter that is no negation. 127.0.0.1 and error
/// codes are left out where the filter takes any code.
pub fn expression(filter: &ReplyFilter) -> String {
    if filter.is_any() {
        return "^127\\.(?!0\\.0\\.1$|255\\.255\\.)".into();
    }
    let patterns: Vec<String> =
        filter.patterns().iter().map(|octets| octets.expression()).collect();
    match &patterns[..] {
        [one] => format!("^{one}$"),
        _ => format!("^(?:{})$", patterns.join("|")),
    }
}
