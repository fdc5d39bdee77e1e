//! The types of records that a zone may have of its own.

use std::{fmt, str::FromStr};

/// The type of a record, such as an operator may add to a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordType(u16);

/// A type that a zone can't have records of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordTypeError {
    /// No type's name.
    #[error("{0:?} is no type: it is A, AAAA, TXT, MX, CAA, or TYPE and a number (RFC 3597)")]
    Unknown(String),
    /// A type that the server answers by itself.
    #[error("{name} can't be added: {why}")]
    Reserved {
        /// Its name.
        name: String,
        /// Why not.
        why: &'static str,
    },
}

/// Those that are written by name.
const NAMED: [(RecordType, &str); 5] = [
    (RecordType::A, "A"),
    (RecordType::TXT, "TXT"),
    (RecordType::MX, "MX"),
    (RecordType::AAAA, "AAAA"),
    (RecordType::CAA, "CAA"),
];

impl RecordType {
    /// RFC 1035.
    pub const A: Self = Self(1);
    /// RFC 1035.
    pub const MX: Self = Self(15);
    /// RFC 1035.
    pub const TXT: Self = Self(16);
    /// RFC 3596.
    pub const AAAA: Self = Self(28);
    /// RFC 8659.
    pub const CAA: Self = Self(257);

    /// The type with a number.
    ///
    /// # Errors
    /// A zone can't have records of it.
    pub fn new(number: u16) -> Result<Self, RecordTypeError> {
        match reserved(number) {
            Some((name, why)) => Err(RecordTypeError::Reserved { name, why }),
            None => Ok(Self(number)),
        }
    }

    /// Its number.
    pub fn number(self) -> u16 {
        self.0
    }
}

/// The name of a type that can't be added, and why not.
fn reserved(number: u16) -> Option<(String, &'static str)> {
    let (name, why) = match number {
        2 => ("NS", "the name servers are in ns; names below are no zones of others"),
        5 => ("CNAME", "the name could have no other records, and no listing; give its addresses"),
        6 => ("SOA", "it is made of soa, ttl and negative_ttl"),
        39 => ("DNAME", "it would hide the listings below; give the records themselves"),
        43 => ("DS", "it belongs into the zone above"),
        24 | 25 | 30 | 46 | 47 | 48 | 50 | 51 | 59 | 60 => {
            ("a type of DNSSEC", "nothing is signed")
        }
        0 | 41 | 128..=255 => ("a type that only questions have", "no record has it"),
        _ => return None,
    };
    Some((name.to_owned(), why))
}

impl FromStr for RecordType {
    type Err = RecordTypeError;

    fn from_str(text: &str) -> Result<Self, RecordTypeError> {
        let upper = text.to_ascii_uppercase();
        if let Some((rtype, _)) = NAMED.iter().find(|(_, name)| *name == upper) {
            return Ok(*rtype);
        }
        let number = match upper.as_str() {
            "NS" => 2,
            "CNAME" => 5,
            "SOA" => 6,
            "DNAME" => 39,
            "DS" => 43,
            _ => {
                let number = upper.strip_prefix("TYPE").and_then(|digits| digits.parse().ok());
                let shown = || text.chars().take(40).collect();
                number.ok_or_else(|| RecordTypeError::Unknown(shown()))?
            }
        };
        Self::new(number)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMED.iter().find(|(rtype, _)| rtype == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_and_written_by_name_or_number() {
        for text in ["A", "AAAA", "TXT", "MX", "CAA", "TYPE52", "TYPE65", "TYPE65280"] {
            assert_eq!(text.parse::<RecordType>().unwrap().to_string(), text);
        }
        assert_eq!("caa".parse(), Ok(RecordType::CAA));
        assert_eq!("TYPE257".parse(), Ok(RecordType::CAA));
    }

    #[test]
    fn what_a_zone_can_not_have_is_refused_with_the_reason() {
        for (text, why) in [
            ("CNAME", "give its addresses"),
            ("SOA", "negative_ttl"),
            ("NS", "in ns"),
            ("DS", "the zone above"),
            ("TYPE43", "the zone above"),
            ("TYPE46", "nothing is signed"),
            ("TYPE255", "no record has it"),
            ("TYPE0", "no record has it"),
            ("PTR", "TYPE and a number"),
            ("TYPE70000", "TYPE and a number"),
        ] {
            let err = text.parse::<RecordType>().unwrap_err().to_string();
            assert!(err.contains(why), "{text}: {err}");
        }
    }
}
