//! Reading filters as Postfix and Exim write them.

use std::{net::Ipv4Addr, ops::RangeInclusive};

use super::{
    octets::{OctetSet, Octets},
    quantifier::Quantifier,
};

/// An error of reading a filter: where, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {kind}", at = .at + 1)]
pub struct FilterError {
    /// Octets from the beginning of the filter.
    pub at: usize,
    /// What is wrong there.
    pub kind: FilterErrorKind,
}

/// The reason why a text is no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterErrorKind {
    /// A field does not begin with a digit or `[`, or a member of a list not with a digit.
    #[error("a number from 0 to 255 is missing")]
    NumberMissing,
    /// A number above 255.
    #[error("a number is above 255")]
    NumberTooLarge,
    /// `[` without `]`, or something foreign inside.
    #[error("';', '..' or ']' is missing")]
    ListOpen,
    /// A range whose end lies below its beginning.
    #[error("a range ends below its beginning")]
    RangeBackwards,
    /// Fewer than four fields.
    #[error("'.' and another field are missing")]
    FieldMissing,
    /// Text behind the fourth field.
    #[error("more text than a filter has")]
    Trailing,
    /// None of Exim's operators.
    #[error("an operator is missing: =, &, ==, =&, !=, !&, !== or !=&")]
    OperatorMissing,
    /// No IPv4 address.
    #[error("an IPv4 address is missing")]
    AddressMissing,
}

/// The text that is left to read.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

/// `v4field = v4octet | "[" seq "]"`, four of them with dots in between.
pub(super) fn postfix(text: &str) -> Result<Octets, FilterError> {
    let mut reader = Reader { text: text.as_bytes(), at: 0 };
    let mut octets = Octets([OctetSet::default(); 4]);
    for (i, set) in octets.0.iter_mut().enumerate() {
        if i > 0 && !reader.skip(b".") {
            return Err(reader.error(FilterErrorKind::FieldMissing));
        }
        *set = reader.field()?;
    }
    match reader.rest() {
        [] => Ok(octets),
        _ => Err(reader.error(FilterErrorKind::Trailing)),
    }
}

/// An operator, and addresses with commas in between.
pub(super) fn exim(text: &str) -> Result<(Quantifier, Vec<Octets>), FilterError> {
    const OPERATORS: [(&str, Quantifier, bool); 8] = [
        ("!==", Quantifier::NotAll, false),
        ("!=&", Quantifier::NotAll, true),
        ("!=", Quantifier::NotAny, false),
        ("!&", Quantifier::NotAny, true),
        ("==", Quantifier::All, false),
        ("=&", Quantifier::All, true),
        ("=", Quantifier::Any, false),
        ("&", Quantifier::Any, true),
    ];
    let operator = OPERATORS.iter().find(|(sign, ..)| text.starts_with(sign));
    let &(sign, quantifier, masks) =
        operator.ok_or(FilterError { at: 0, kind: FilterErrorKind::OperatorMissing })?;
    let mut at = sign.len();
    let mut patterns = Vec::new();
    for word in text[at..].split(',') {
        let blanks = word.len() - word.trim_start().len();
        let error = FilterError { at: at + blanks, kind: FilterErrorKind::AddressMissing };
        let addr: Ipv4Addr = word.trim().parse().map_err(|_| error)?;
        patterns.push(if masks { Octets::masked(addr, addr) } else { Octets::exactly(addr) });
        at += word.len() + 1;
    }
    Ok((quantifier, patterns))
}

impl Reader<'_> {
    fn field(&mut self) -> Result<OctetSet, FilterError> {
        let mut set = OctetSet::default();
        if !self.skip(b"[") {
            let octet = self.octet()?;
            set.insert(octet..=octet);
            return Ok(set);
        }
        loop {
            set.insert(self.member()?);
            if self.skip(b"]") {
                return Ok(set);
            }
            if !self.skip(b";") {
                return Err(self.error(FilterErrorKind::ListOpen));
            }
        }
    }

    fn member(&mut self) -> Result<RangeInclusive<u8>, FilterError> {
        let first = self.octet()?;
        if !self.skip(b"..") {
            return Ok(first..=first);
        }
        let at = self.at;
        let last = self.octet()?;
        if last < first {
            return Err(FilterError { at, kind: FilterErrorKind::RangeBackwards });
        }
        Ok(first..=last)
    }

    fn octet(&mut self) -> Result<u8, FilterError> {
        let at = self.at;
        let digits = self.rest().iter().take_while(|c| c.is_ascii_digit()).count();
        let number = self.rest()[..digits]
            .iter()
            .fold(0u32, |n, c| n.saturating_mul(10).saturating_add(u32::from(c - b'0')));
        self.at += digits;
        match u8::try_from(number) {
            _ if digits == 0 => Err(FilterError { at, kind: FilterErrorKind::NumberMissing }),
            Ok(octet) => Ok(octet),
            Err(_) => Err(FilterError { at, kind: FilterErrorKind::NumberTooLarge }),
        }
    }

    fn skip(&mut self, sign: &[u8]) -> bool {
        let found = self.rest().starts_with(sign);
        self.at += if found { sign.len() } else { 0 };
        found
    }

    fn rest(&self) -> &[u8] {
        &self.text[self.at..]
    }

    fn error(&self, kind: FilterErrorKind) -> FilterError {
        FilterError { at: self.at, kind }
    }
}
