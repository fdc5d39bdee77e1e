//! Records that a zone has beside its listings: those of a web site, a mailbox, or a proof for a third party.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, Ipv6Addr},
};

use crate::{Name, NameError, Reason};

mod character_string;
mod rtype;

pub use rtype::{RecordType, RecordTypeError};

/// Records at the apex of a zone and below it, by their owners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records(BTreeMap<Name, Vec<Rrset>>);

/// Records of one owner and type; at least one, none twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rrset {
    rtype: RecordType,
    /// In wire form, names uncompressed.
    data: Vec<Box<[u8]>>,
}

/// Records that a zone can't have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordsError {
    /// An owner that is no name.
    #[error("records: {0}")]
    Owner(#[from] NameError),
    /// An owner elsewhere.
    #[error("records: {0} lies outside the zone; a name without a final dot is relative to it")]
    Outside(Name),
    /// A type that a zone can't have records of.
    #[error("records: {0}")]
    Type(#[from] RecordTypeError),
    /// Data that the type does not have.
    #[error("records: {text:?} is no data of a {rtype} record: {why}")]
    Data {
        /// The type.
        rtype: RecordType,
        /// The text.
        text: String,
        /// What is wrong with it.
        why: DataError,
    },
    /// A type without records.
    #[error("records: {owner} has no {rtype} record; leave the type out")]
    Empty {
        /// Where.
        owner: Name,
        /// Which type.
        rtype: RecordType,
    },
    /// The same record twice.
    #[error("records: {owner} has a {rtype} record twice")]
    Twice {
        /// Where.
        owner: Name,
        /// Which type.
        rtype: RecordType,
    },
    /// More of something than a zone may have.
    #[error("records: {count} {what} are more than {max}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many.
        count: usize,
        /// The most.
        max: usize,
    },
    /// An owner that asks for an address, or lies below one that does.
    #[error(
        "records: {0} is, or lies below, a name that asks for an address, and would hide its listing"
    )]
    AtAddress(Name),
    /// An owner that is a test entry.
    #[error("records: {0} is a test entry (RFC 5782 section 5), which must be answered as one")]
    AtTestEntry(Name),
    /// Records that another setting gives already.
    #[error(
        "records: {owner} has {rtype} records in {setting} already: put all of them into one of the two"
    )]
    GivenElsewhere {
        /// Where.
        owner: Name,
        /// Which type.
        rtype: RecordType,
        /// The other setting.
        setting: &'static str,
    },
}

/// What is wrong with the text of a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// No address of the family.
    #[error("it is no IPv{0} address")]
    Address(u8),
    /// No TXT.
    #[error("it is not 1 to 1000 bytes without control characters")]
    Text,
    /// No MX.
    #[error("write it as \"PREFERENCE HOST\", such as \"10 mail.example.org.\"")]
    Mx,
    /// No CAA.
    #[error(
        "write it as \"FLAGS TAG VALUE\", such as \"0 issue \\\"ca.example.net\\\"\" (RFC 8659)"
    )]
    Caa,
    /// Not in the form that all types have.
    #[error("write it as \"\\# LENGTH HEX\" (RFC 3597 section 5)")]
    Unknown,
    /// Octets that such a record does not have.
    #[error("these octets are no such record")]
    Malformed,
    /// Fewer or more octets than it says.
    #[error("it has {is} octets, not {said}")]
    Length {
        /// What it says.
        said: usize,
        /// How many there are.
        is: usize,
    },
    /// Too long.
    #[error("{0} octets are more than {max}", max = Rrset::MAX_DATA)]
    TooLong(usize),
}

impl Rrset {
    /// The most records.
    pub const MAX: usize = 16;
    /// The longest data of a record, in octets.
    pub const MAX_DATA: usize = 1024;

    /// Records by their texts.
    fn parse(owner: &Name, rtype: RecordType, texts: &[String]) -> Result<Self, RecordsError> {
        if texts.is_empty() {
            return Err(RecordsError::Empty { owner: owner.clone(), rtype });
        }
        too_many("records of one name and type", texts.len(), Self::MAX)?;
        let mut data: Vec<Box<[u8]>> = Vec::with_capacity(texts.len());
        for text in texts {
            let wire = parse_data(rtype, text).and_then(|wire| match wire.len() {
                len if len > Self::MAX_DATA => Err(DataError::TooLong(len)),
                _ => Ok(wire.into_boxed_slice()),
            });
            let shown = || text.chars().take(100).collect();
            let wire = wire.map_err(|why| RecordsError::Data { rtype, text: shown(), why })?;
            if data.contains(&wire) {
                return Err(RecordsError::Twice { owner: owner.clone(), rtype });
            }
            data.push(wire);
        }
        Ok(Self { rtype, data })
    }

    /// The type of all of them.
    pub fn rtype(&self) -> RecordType {
        self.rtype
    }

    /// The data of the records, in wire form with names uncompressed.
    pub fn data(&self) -> &[Box<[u8]>] {
        &self.data
    }

    /// The texts that [`Records::parse`] reads them from.
    pub fn texts(&self) -> Vec<String> {
        self.data.iter().map(|data| write_data(self.rtype, data)).collect()
    }
}

impl Records {
    /// The most names that have any.
    pub const MAX_OWNERS: usize = 64;
    /// The most types of one name.
    pub const MAX_TYPES: usize = 16;
    /// The most octets of data in all.
    pub const MAX_BYTES: usize = 65_536;

    /// The records of the zone at `origin` by their texts.
    ///
    /// Owners are relative to the zone, `@` and nothing being the apex, or end with a dot or with the
    /// zone's own name.
    ///
    /// # Errors
    /// A name, type or text is none, or there are too many.
    pub fn parse<'a>(
        origin: &Name,
        texts: impl IntoIterator<Item = (&'a str, &'a BTreeMap<String, Vec<String>>)>,
    ) -> Result<Self, RecordsError> {
        let mut records = Self::default();
        for (owner, types) in texts {
            let owner = parse_owner(origin, owner)?;
            for (rtype, texts) in types {
                let rtype = rtype.parse()?;
                records.add(owner.clone(), Rrset::parse(&owner, rtype, texts)?)?;
            }
        }
        Ok(records)
    }

    /// Records as they were read before, in wire form: of each owner, types with their data.
    ///
    /// # Errors
    /// There are too many, or a type that a zone can't have.
    pub fn from_wire(
        wire: impl IntoIterator<Item = (Name, Vec<(u16, Vec<Box<[u8]>>)>)>,
    ) -> Result<Self, RecordsError> {
        let mut records = Self::default();
        for (owner, types) in wire {
            for (rtype, data) in types {
                let rtype = RecordType::new(rtype)?;
                records.add(owner.clone(), Rrset { rtype, data })?;
            }
        }
        Ok(records)
    }

    fn add(&mut self, owner: Name, rrset: Rrset) -> Result<(), RecordsError> {
        let bytes = self.bytes() + rrset.data.iter().map(|data| data.len()).sum::<usize>();
        too_many("octets of data", bytes, Self::MAX_BYTES)?;
        let rrsets = self.0.entry(owner.clone()).or_default();
        if rrsets.iter().any(|other| other.rtype == rrset.rtype) {
            return Err(RecordsError::Twice { owner, rtype: rrset.rtype });
        }
        rrsets.push(rrset);
        rrsets.sort_by_key(|rrset| rrset.rtype);
        too_many("types of one name", rrsets.len(), Self::MAX_TYPES)?;
        too_many("names", self.0.len(), Self::MAX_OWNERS)
    }

    /// Octets of data in all.
    fn bytes(&self) -> usize {
        self.iter()
            .flat_map(|(_, rrsets)| rrsets)
            .flat_map(Rrset::data)
            .map(|data| data.len())
            .sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them by their owners, the types ascending.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &[Rrset])> {
        self.0.iter().map(|(owner, rrsets)| (owner, rrsets.as_slice()))
    }

    /// The records of an owner, by its wire form in lower case; `None` where it has none.
    pub fn at(&self, owner: &[u8]) -> Option<&[Rrset]> {
        self.0.get(owner).map(Vec::as_slice)
    }

    /// The records of an owner that have a type.
    pub fn rrset(&self, owner: &[u8], rtype: u16) -> Option<&Rrset> {
        self.at(owner)?.iter().find(|rrset| rrset.rtype.number() == rtype)
    }
}

fn too_many(what: &'static str, count: usize, max: usize) -> Result<(), RecordsError> {
    if count > max { Err(RecordsError::TooMany { what, count, max }) } else { Ok(()) }
}

/// The owner that a text names. What ends with the zone's name is not meant to have it twice.
fn parse_owner(origin: &Name, text: &str) -> Result<Name, RecordsError> {
    if matches!(text, "" | "@") {
        return Ok(origin.clone());
    }
    let name: Name = text.parse()?;
    match name.strip_suffix(origin) {
        Some(_) => Ok(name),
        None if text.ends_with('.') => Err(RecordsError::Outside(name)),
        None => Ok(origin.prepend(name.labels())?),
    }
}

/// Data in the form of the type, or in that which all types have.
fn parse_data(rtype: RecordType, text: &str) -> Result<Vec<u8>, DataError> {
    if text.starts_with(r"\#") {
        let wire = parse_unknown(text)?;
        return if is_well_formed(rtype, &wire) { Ok(wire) } else { Err(DataError::Malformed) };
    }
    match rtype {
        RecordType::A => {
            let addr: Ipv4Addr = text.parse().map_err(|_| DataError::Address(4))?;
            Ok(addr.octets().to_vec())
        }
        RecordType::AAAA => {
            let addr: Ipv6Addr = text.parse().map_err(|_| DataError::Address(6))?;
            Ok(addr.octets().to_vec())
        }
        RecordType::TXT => parse_txt(text),
        RecordType::MX => parse_mx(text).ok_or(DataError::Mx),
        RecordType::CAA => parse_caa(text).ok_or(DataError::Caa),
        _ => Err(DataError::Unknown),
    }
}

/// Whether octets are the data of a type that has a form of its own; others may have any.
fn is_well_formed(rtype: RecordType, data: &[u8]) -> bool {
    match rtype {
        RecordType::A => data.len() == 4,
        RecordType::AAAA => data.len() == 16,
        RecordType::TXT => !data.is_empty() && strings(data).is_some(),
        RecordType::MX => write_mx(data).is_some(),
        RecordType::CAA => write_caa(data).is_some() && data[1] > 0,
        _ => true,
    }
}

fn parse_txt(text: &str) -> Result<Vec<u8>, DataError> {
    if !(1..=1000).contains(&text.len()) || text.chars().any(char::is_control) {
        return Err(DataError::Text);
    }
    let mut wire = Vec::with_capacity(text.len() + 4);
    for string in Reason::strings(text) {
        wire.push(string.len() as u8);
        wire.extend(string.as_bytes());
    }
    Ok(wire)
}

/// RFC 1035 section 3.3.9; the root is "no mail" (RFC 7505).
fn parse_mx(text: &str) -> Option<Vec<u8>> {
    let mut words = text.split_ascii_whitespace();
    let preference: u16 = words.next()?.parse().ok()?;
    let host: Name = words.next()?.parse().ok()?;
    let wire = [&preference.to_be_bytes(), host.wire()].concat();
    words.next().is_none().then_some(wire)
}

/// RFC 8659 section 4.1.1.
fn parse_caa(text: &str) -> Option<Vec<u8>> {
    let (flags, rest) = text.trim().split_once(' ')?;
    let (tag, value) = rest.trim_start().split_once(' ')?;
    let flags: u8 = flags.parse().ok()?;
    let is_tag = (1..=15).contains(&tag.len()) && tag.bytes().all(|c| c.is_ascii_alphanumeric());
    let value = character_string::parse(value.trim_start())?;
    let mut wire = vec![flags, tag.len() as u8];
    wire.extend(tag.as_bytes());
    wire.extend(value);
    is_tag.then_some(wire)
}

/// RFC 3597 section 5.
fn parse_unknown(text: &str) -> Result<Vec<u8>, DataError> {
    let mut words = text.split_ascii_whitespace();
    let said = words.next().filter(|word| *word == r"\#").and_then(|_| words.next());
    let said: usize = said.and_then(|said| said.parse().ok()).ok_or(DataError::Unknown)?;
    let hex: String = words.collect();
    if !hex.len().is_multiple_of(2) || !hex.bytes().all(|c| c.is_ascii_hexdigit()) {
        return Err(DataError::Unknown);
    }
    let octet = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16);
    let wire = (0..hex.len()).step_by(2).map(octet).collect::<Result<Vec<u8>, _>>();
    let wire = wire.map_err(|_| DataError::Unknown)?;
    if wire.len() == said { Ok(wire) } else { Err(DataError::Length { said, is: wire.len() }) }
}

/// The text that is read as this data; in the form of RFC 3597 where there is no other.
fn write_data(rtype: RecordType, data: &[u8]) -> String {
    let known = match rtype {
        RecordType::A => {
            data.try_into().ok().map(|octets: [u8; 4]| Ipv4Addr::from(octets).to_string())
        }
        RecordType::AAAA => {
            data.try_into().ok().map(|octets: [u8; 16]| Ipv6Addr::from(octets).to_string())
        }
        RecordType::TXT => write_txt(data),
        RecordType::MX => write_mx(data),
        RecordType::CAA => write_caa(data),
        _ => None,
    };
    // Octets that no text stands for, such as control characters, are written as they are.
    let exact = known.filter(|text| parse_data(rtype, text).is_ok_and(|again| again == data));
    exact.unwrap_or_else(|| {
        let hex: String = data.iter().map(|octet| format!("{octet:02x}")).collect();
        format!(r"\# {} {hex}", data.len()).trim_end().to_owned()
    })
}

/// The octets of all character-strings, one behind the other.
fn strings(mut data: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(data.len());
    while let Some((&len, rest)) = data.split_first() {
        let (string, rest) = rest.split_at_checked(len.into())?;
        text.extend(string);
        data = rest;
    }
    Some(text)
}

fn write_txt(data: &[u8]) -> Option<String> {
    String::from_utf8(strings(data)?).ok()
}

fn write_mx(data: &[u8]) -> Option<String> {
    let (preference, mut host) = data.split_first_chunk()?;
    let mut labels = Vec::new();
    while host != [0] {
        let (&len, rest) = host.split_first().filter(|(len, _)| **len > 0)?;
        let (label, rest) = rest.split_at_checked(len.into())?;
        labels.push(label);
        host = rest;
    }
    let host = Name::from_labels(labels).ok()?;
    Some(format!("{} {}", u16::from_be_bytes(*preference), host.to_absolute()))
}

fn write_caa(data: &[u8]) -> Option<String> {
    let [flags, len, rest @ ..] = data else { return None };
    let (tag, value) = rest.split_at_checked((*len).into())?;
    let tag = str::from_utf8(tag).ok()?;
    Some(format!("{flags} {tag} {}", character_string::write(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Name {
        "bl.example.org".parse().unwrap()
    }

    fn parse(owner: &str, rtype: &str, texts: &[&str]) -> Result<Records, RecordsError> {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        let types = BTreeMap::from([(rtype.to_owned(), texts)]);
        Records::parse(&origin(), [(owner, &types)])
    }

    #[track_caller]
    fn reads_back(rtype: &str, text: &str, wire: &[u8]) {
        let records = parse("www", rtype, &[text]).unwrap();
        let (_, rrsets) = records.iter().next().unwrap();
        assert_eq!(&*rrsets[0].data()[0], wire, "{text}");
        assert_eq!(rrsets[0].texts(), [text]);
    }

    #[test]
    fn texts_become_wire_form_and_read_back() {
        reads_back("A", "192.0.2.80", &[192, 0, 2, 80]);
        reads_back("AAAA", "::1", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        reads_back("TXT", "v=spf1 -all", b"\x0bv=spf1 -all");
        reads_back("MX", "10 mail.example.org.", b"\x00\x0a\x04mail\x07example\x03org\x00");
        reads_back("MX", "0 .", b"\x00\x00\x00");
        reads_back("CAA", "0 issue \"ca.example.net\"", b"\x00\x05issueca.example.net");
        reads_back("CAA", "128 iodef \"a \\\"b\\\\\"", b"\x80\x05iodefa \"b\\");
        reads_back("CAA", "0 issue \"\"", b"\x00\x05issue");
        reads_back("TYPE65", "\\# 3 0001ff", &[0, 1, 255]);
        reads_back("TYPE52", "\\# 0", &[]);
    }

    #[test]
    fn the_form_of_rfc_3597_is_taken_for_every_type_and_kept_where_no_text_says_the_same() {
        let read = |rtype: &str, text: &str| {
            let records = parse("www", rtype, &[text]).unwrap();
            let rrset = records.iter().next().unwrap().1[0].clone();
            (rrset.rtype().to_string(), rrset.texts().concat())
        };
        let text = |rtype: &str, text: &str| (rtype.to_owned(), text.to_owned());
        let caa = r"\# 8 00 05 69 73 73 75 65 3b";
        assert_eq!(read("TYPE257", caa), text("CAA", r#"0 issue ";""#));
        assert_eq!(read("A", r"\# 4 c0000250"), text("A", "192.0.2.80"));
        // Two strings, and a control character.
        assert_eq!(read("TXT", r"\# 4 01610162"), text("TXT", r"\# 4 01610162"));
        assert_eq!(read("TXT", r"\# 2 0107"), text("TXT", r"\# 2 0107"));
    }

    #[test]
    fn a_long_text_is_cut_into_strings() {
        let text = "x".repeat(300);
        let records = parse("@", "TXT", &[&text]).unwrap();
        let rrset = records.rrset(origin().wire(), 16).unwrap();
        assert_eq!((rrset.data()[0][0], rrset.data()[0][256]), (255, 45));
        assert_eq!(rrset.texts(), [text]);
    }

    #[test]
    fn an_owner_is_relative_or_ends_with_the_zone() {
        let owner = |text: &str| {
            let records = parse(text, "A", &["192.0.2.1"]);
            records.map(|records| records.iter().next().unwrap().0.to_string())
        };
        assert_eq!(owner("").unwrap(), "bl.example.org");
        assert_eq!(owner("@").unwrap(), "bl.example.org");
        assert_eq!(owner("www").unwrap(), "www.bl.example.org");
        assert_eq!(owner("_dmarc.www").unwrap(), "_dmarc.www.bl.example.org");
        assert_eq!(owner("www.bl.example.org").unwrap(), "www.bl.example.org");
        assert_eq!(owner("www.bl.example.org.").unwrap(), "www.bl.example.org");
        assert!(matches!(owner("www.example.org."), Err(RecordsError::Outside(_))));
        assert!(matches!(owner("*"), Err(RecordsError::Owner(_))));
    }

    #[test]
    fn what_the_type_does_not_have_is_refused_with_how_to_write_it() {
        for (rtype, text, why) in [
            ("A", "::1", "no IPv4 address"),
            ("AAAA", "192.0.2.1", "no IPv6 address"),
            ("TXT", "", "1 to 1000"),
            ("TXT", "a\nb", "control"),
            ("MX", "mail.example.org.", "PREFERENCE"),
            ("MX", "10 mail.example.org. 5", "PREFERENCE"),
            ("MX", "70000 a.example", "PREFERENCE"),
            ("CAA", "0 issue", "FLAGS"),
            ("CAA", "0 is-sue \"x\"", "FLAGS"),
            ("CAA", "0 issue \"x", "FLAGS"),
            ("TYPE257", "x", "FLAGS"),
            ("TYPE257", r"\# 2 0005", "no such record"),
            ("MX", r"\# 2 000a", "no such record"),
            ("TYPE65", "x", "RFC 3597"),
            ("TYPE65", r"\# 2 00", "1 octets, not 2"),
            ("TYPE65", r"\# 2 0g", "RFC 3597"),
        ] {
            let err = parse("www", rtype, &[text]).unwrap_err().to_string();
            assert!(err.contains(why), "{rtype} {text}: {err}");
        }
        assert!(matches!(parse("www", "A", &[]), Err(RecordsError::Empty { .. })));
        let twice = parse("www", "A", &["192.0.2.1", "192.0.2.1"]);
        assert!(matches!(twice, Err(RecordsError::Twice { .. })));
    }

    #[test]
    fn there_are_limits_on_count_and_size() {
        let many: Vec<String> = (0..17).map(|i| format!("192.0.2.{i}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(matches!(parse("www", "A", &many), Err(RecordsError::TooMany { .. })));
        let long = format!(r"\# 1025 {}", "00".repeat(1025));
        let err = parse("www", "TYPE65", &[&long]).unwrap_err();
        assert!(matches!(err, RecordsError::Data { why: DataError::TooLong(1025), .. }), "{err}");
        let names: Vec<String> = (0..65).map(|i| format!("n{i}")).collect();
        let types = BTreeMap::from([("A".to_owned(), vec!["192.0.2.1".to_owned()])]);
        let all = |count| {
            Records::parse(&origin(), names[..count].iter().map(|name| (name.as_str(), &types)))
        };
        assert!(all(64).is_ok());
        assert!(matches!(all(65), Err(RecordsError::TooMany { what: "names", .. })));
    }
}
