//! Which answers a rule is about.

mod octets;
mod parse;
mod quantifier;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

pub(crate) use self::octets::Octets;
pub use self::parse::{FilterError, FilterErrorKind};
pub use self::quantifier::Quantifier;

/// The filter of the answers that a rule is about, compiled from any dialect.
///
/// A filter sees return codes only: what no zone answers is sorted out before, so that a negation
/// can't turn a parked domain or a refusal into a listing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReplyFilter {
    quantifier: Quantifier,
    /// Empty: every address matches.
    patterns: Box<[Octets]>,
}

impl ReplyFilter {
    /// Every return code.
    pub fn any() -> Self {
        Self { quantifier: Quantifier::Any, patterns: Box::default() }
    }

    /// Postfix's syntax: `127.0.[2..11].[1;3]`, each field a number or a list of numbers and ranges.
    ///
    /// # Errors
    ///
    /// Where the text leaves the grammar of Postfix's `ip_match`, with the position.
    pub fn postfix(text: &str) -> Result<Self, FilterError> {
        parse::postfix(text).map(Self::one)
    }

    /// Exim's syntax: one of the operators `=`, `&`, `==`, `=&`, `!=`, `!&`, `!==`, `!=&`, and addresses
    /// with commas in between; with `&` they are masks, whose bits must all be set.
    ///
    /// # Errors
    ///
    /// Where the text leaves the grammar, with the position.
    pub fn exim(text: &str) -> Result<Self, FilterError> {
        let (quantifier, patterns) = parse::exim(text)?;
        Ok(Self::from_patterns(quantifier, patterns))
    }

    /// The addresses of a prefix.
    pub fn prefix(net: Ipv4Net) -> Self {
        let mask = net.netmask();
        Self::one(Octets::masked(mask, Ipv4Addr::from(u32::from(net.addr()) & u32::from(mask))))
    }

    /// The addresses that have all these bits.
    pub fn bits(mask: Ipv4Addr) -> Self {
        Self::one(Octets::masked(mask, mask))
    }

    /// These addresses.
    pub fn codes(codes: impl IntoIterator<Item = Ipv4Addr>) -> Self {
        Self::from_patterns(Quantifier::Any, codes.into_iter().map(Octets::exactly))
    }

    /// How many of the addresses have to match.
    pub fn quantifier(&self) -> Quantifier {
        self.quantifier
    }

    /// Whether every return code matches.
    pub fn is_any(&self) -> bool {
        self.patterns.is_empty() && self.quantifier == Quantifier::Any
    }

    /// Whether the addresses of one answer match; `false` if there are none.
    pub fn matches(&self, addresses: &[Ipv4Addr]) -> bool {
        if addresses.is_empty() {
            return false;
        }
        match self.quantifier {
            Quantifier::Any => addresses.iter().any(|addr| self.has(*addr)),
            Quantifier::All => addresses.iter().all(|addr| self.has(*addr)),
            Quantifier::NotAny => !addresses.iter().any(|addr| self.has(*addr)),
            Quantifier::NotAll => !addresses.iter().all(|addr| self.has(*addr)),
        }
    }

    /// Whether some address makes both match; negations, which match almost all, are not looked into.
    pub fn meets(&self, other: &Self) -> bool {
        let negated = |quantifier| matches!(quantifier, Quantifier::NotAny | Quantifier::NotAll);
        if [self, other].iter().any(|it| it.patterns.is_empty() || negated(it.quantifier)) {
            return true;
        }
        self.patterns.iter().any(|mine| other.patterns.iter().any(|theirs| mine.meets(theirs)))
    }

    /// As Postfix writes it, such as `127.0.0.[2..11]`; nothing where any answer matches, where it is
    /// negated, and where one such pattern does not hold it.
    pub fn to_postfix(&self) -> Option<String> {
        match self.quantifier {
            Quantifier::Any => self.joined().map(|octets| octets.to_string()),
            _ => None,
        }
    }

    /// A filter for what any of these match; nothing if one of them is a negation.
    pub fn union<'a>(filters: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut patterns = Vec::new();
        for filter in filters {
            match filter.quantifier {
                Quantifier::Any if filter.patterns.is_empty() => return Some(Self::any()),
                Quantifier::Any => patterns.extend(filter.patterns.iter().cloned()),
                _ => return None,
            }
        }
        Some(Self::from_patterns(Quantifier::Any, patterns))
    }

    /// How many addresses its patterns hold, those counted twice that two of them hold.
    pub(crate) fn count(&self) -> u64 {
        self.patterns.iter().map(Octets::count).sum()
    }

    pub(crate) fn patterns(&self) -> &[Octets] {
        &self.patterns
    }

    /// One pattern for all, if they differ in one place at most.
    pub(crate) fn joined(&self) -> Option<Octets> {
        let (first, rest) = self.patterns.split_first()?;
        rest.iter().try_fold(first.clone(), |joined, octets| joined.union(octets))
    }

    pub(crate) fn from_patterns(
        quantifier: Quantifier,
        patterns: impl IntoIterator<Item = Octets>,
    ) -> Self {
        Self { quantifier, patterns: patterns.into_iter().collect() }
    }

    fn one(pattern: Octets) -> Self {
        Self::from_patterns(Quantifier::Any, [pattern])
    }

    fn has(&self, addr: Ipv4Addr) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.has(addr))
    }
}
