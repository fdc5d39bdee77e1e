//! Records: `name [ttl] [IN] A|TXT|MX data`.

use std::net::Ipv4Addr;

use dnsbl_types::{Name, UnixTime};

use super::{
    bytes::{is_blank, number, octets, word},
    common::{Common, Kind},
    directive::{self, Directives, Settings},
    error::{FileError, LineError, shown},
    name, time,
    trap::{Trap, Trapped},
};

/// A reader of a data set of records.
#[derive(Debug)]
pub struct GenericReader {
    common: Common,
    records: Vec<Record>,
    bytes: usize,
    fatal: Option<FileError>,
}

/// A record of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The line that has it.
    pub line: u64,
    /// Its name relative to the zone; the root is the zone's own.
    pub name: Name,
    /// Its TTL in seconds, its own or that of `$TTL` above it; `None` is the default of the command line.
    pub ttl: Option<u32>,
    /// What it says.
    pub data: RecordData,
}

/// The data of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordData {
    /// An address.
    A(Ipv4Addr),
    /// A text, in which nothing stands for anything else.
    Txt(Box<[u8]>),
    /// A mail exchange.
    Mx {
        /// The lowest is tried first.
        preference: u16,
        /// Its name.
        exchange: Name,
    },
}

/// A data set of records that was read to its end.
#[derive(Debug)]
pub struct GenericFile {
    /// What its directives say of the zone.
    pub settings: Settings,
    /// In the order of their lines.
    pub records: Vec<Record>,
}

/// About what a record takes beside its name and text, in bytes.
const OVERHEAD: usize = 64;

impl GenericReader {
    /// The most that the records of a file may take, in bytes: hundreds of thousands.
    pub const MAX_HELD: usize = 64 << 20;

    /// A reader of the first line. If it is `strict`, a line that is a [`Trap`] says nothing.
    pub fn new(strict: bool) -> Self {
        Self::within(Common::new(strict, Directives::default()))
    }

    /// A reader of a part of a file, of which something has been read.
    pub(super) fn within(common: Common) -> Self {
        Self { common, records: Vec::new(), bytes: 0, fatal: None }
    }

    /// The traps that were met, each once.
    pub fn traps(&self) -> &[Trapped] {
        self.common.traps.all()
    }

    /// About how many bytes its records take.
    pub(super) fn held(&self) -> usize {
        self.bytes
    }

    pub(super) fn common(&self) -> &Common {
        &self.common
    }

    /// Reads a line, without its LF. Lines are counted from 1 on.
    ///
    /// # Errors
    /// The line says nothing; all others still count, unless rbldnsd would not load the file for it
    /// ([`LineError::Fatal`]), which [`finish`](Self::finish) says again. Or the file has more to say than is kept at
    /// once ([`LineError::TooMuch`]).
    pub fn read(&mut self, line: u64, text: &[u8]) -> Result<(), LineError> {
        if self.bytes > Self::MAX_HELD {
            return Err(LineError::TooMuch(Self::MAX_HELD));
        }
        let Kind::Text(text) = self.common.begin(line, text)? else { return Ok(()) };
        let taken = self.record(text);
        match taken {
            Ok(record) => {
                let text = match &record.data {
                    RecordData::Txt(text) => text.len(),
                    RecordData::A(_) | RecordData::Mx { .. } => 0,
                };
                self.bytes += OVERHEAD + record.name.wire().len() + text;
                self.records.push(record);
                Ok(())
            }
            Err(wrong) => {
                if let LineError::Fatal(why) = wrong {
                    self.fatal.get_or_insert(FileError::NotLoaded { line, why });
                }
                Err(wrong)
            }
        }
    }

    /// All lines are in.
    ///
    /// # Errors
    /// rbldnsd would not serve the file at `now`.
    pub fn finish(self, now: UnixTime) -> Result<GenericFile, FileError> {
        self.common.check(now)?;
        self.fatal.map_or(Ok(()), Err)?;
        Ok(GenericFile { settings: self.common.directives.settings, records: self.records })
    }

    fn record(&mut self, text: &[u8]) -> Result<Record, LineError> {
        let wrong = || LineError::Record(shown(text));
        let (given, rest) = word(text);
        let name = match given {
            b"@" => name::root(),
            given => name::any(given).ok_or_else(wrong)?,
        };
        let (own_ttl, rest) = ttl(rest)?;
        let rest = strip_word(rest, b"IN").unwrap_or(rest);
        let (rtype, data) = word(rest);
        let data = match rtype.to_ascii_uppercase().as_slice() {
            b"A" => RecordData::A(address(data).ok_or_else(wrong)?),
            b"TXT" if data.is_empty() => return Err(wrong()),
            b"TXT" => RecordData::Txt(self.text(data)?),
            b"MX" => exchange(data)?.ok_or_else(wrong)?,
            _ => return Err(wrong()),
        };
        let of_file = self.common.directives.settings.ttl.as_ref().map(|at| at.value);
        let ttl = own_ttl.filter(|ttl| *ttl > 0).or(of_file).filter(|ttl| *ttl > 0);
        Ok(Record { line: self.common.line, name, ttl, data })
    }

    /// The text, without quotes around all of it.
    fn text(&mut self, data: &[u8]) -> Result<Box<[u8]>, LineError> {
        let text = match data {
            [b'"', text @ .., b'"'] => text,
            text => text,
        };
        if text.len() > LONGEST {
            self.common.trap(Trap::LongRecord)?;
        }
        Ok(text.into())
    }
}

/// The longest character-string (RFC 1035 section 3.3).
const LONGEST: usize = 255;

/// A TTL that stands first, if a digit does.
fn ttl(rest: &[u8]) -> Result<(Option<u32>, &[u8]), LineError> {
    if !rest.first().is_some_and(u8::is_ascii_digit) {
        return Ok((None, rest));
    }
    let (ttl, behind) = word(rest);
    match time::seconds(ttl) {
        Some(ttl) => Ok((Some(ttl), behind)),
        None => Err(LineError::Fatal("a TTL of a record is no time")),
    }
}

fn strip_word<'a>(text: &'a [u8], expected: &[u8]) -> Option<&'a [u8]> {
    let (first, rest) = word(text);
    first.eq_ignore_ascii_case(expected).then_some(rest)
}

/// One to four octets, of which the last is the last; what stands behind is ignored.
fn address(data: &[u8]) -> Option<Ipv4Addr> {
    let ([a, b, c, d], count, _) = octets(data)?;
    Some(match count {
        1 => [0, 0, 0, a].into(),
        2 => [a, 0, 0, b].into(),
        3 => [a, b, 0, c].into(),
        _ => [a, b, c, d].into(),
    })
}

/// Preference and name; `None` where they are none.
fn exchange(data: &[u8]) -> Result<Option<RecordData>, LineError> {
    let Some((preference, behind)) = number(data, u32::from(u16::MAX)) else { return Ok(None) };
    if !behind.is_empty() && !is_blank(behind[0]) {
        return Ok(None);
    }
    let (_, rest) = word(data);
    let (exchange, behind) = word(rest);
    if exchange.is_empty() || !behind.is_empty() {
        return Err(LineError::Fatal("an MX record has other words than a preference and a name"));
    }
    let exchange = directive::name(exchange);
    Ok(exchange.map(|exchange| RecordData::Mx { preference: preference as u16, exchange }))
}

impl RecordData {
    /// Its type.
    pub fn rtype(&self) -> &'static str {
        match self {
            Self::A(_) => "A",
            Self::Txt(_) => "TXT",
            Self::Mx { .. } => "MX",
        }
    }

    /// What it says, as text: an address; a preference and a name; a text as it is, or where that is no text of 1 to 1000
    /// bytes without control characters, its octets (`\# LENGTH HEX`, RFC 3597 section 5).
    pub fn text(&self) -> String {
        match self {
            Self::A(addr) => addr.to_string(),
            Self::Mx { preference, exchange } => format!("{preference} {}", exchange.to_absolute()),
            Self::Txt(text) => match std::str::from_utf8(text) {
                Ok(text) if is_plain(text) => text.into(),
                _ => octets_of(text),
            },
        }
    }
}

fn is_plain(text: &str) -> bool {
    let has_form = text.starts_with(r"\#");
    (1..=1000).contains(&text.len()) && !has_form && !text.chars().any(char::is_control)
}

/// The octets of a text as character-strings.
fn octets_of(text: &[u8]) -> String {
    let strings: Vec<&[u8]> =
        if text.is_empty() { vec![&[]] } else { text.chunks(LONGEST).collect() };
    let mut hex = String::new();
    let mut count = 0;
    for string in strings {
        count += 1 + string.len();
        let octets = [string.len() as u8].into_iter().chain(string.iter().copied());
        hex.extend(octets.map(|octet| format!("{octet:02x}")));
    }
    format!(r"\# {count} {hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Result<GenericFile, FileError>, Vec<u64>) {
        let mut reader = GenericReader::new(false);
        let lines = (1..).zip(text.split('\n'));
        let wrong = lines.filter_map(|(number, line)| {
            reader.read(number, line.as_bytes()).is_err().then_some(number)
        });
        let wrong = wrong.collect();
        (reader.finish(UnixTime(1_800_000_000)), wrong)
    }

    fn records(text: &str) -> Vec<String> {
        let (file, wrong) = read(text);
        assert_eq!(wrong, [], "{text}");
        let shown = |record: &Record| {
            let Record { name, ttl, data, .. } = record;
            let ttl = ttl.map_or("-".into(), |ttl| ttl.to_string());
            format!("{name} {ttl} {} {}", data.rtype(), data.text())
        };
        file.unwrap().records.iter().map(shown).collect()
    }

    #[test]
    fn a_record_has_a_name_maybe_a_ttl_and_a_class_a_type_and_data() {
        for (text, expected) in [
            ("W.X. A 1.2.3.4 junk", "w.x - A 1.2.3.4"),
            ("w 5m in a 1.2", "w 300 A 1.0.0.2"),
            ("w 0 A 5", "w - A 0.0.0.5"),
            ("@ TXT \"a\" \"b\"", ". - TXT a\" \"b"),
            ("w TXT a # $1", "w - TXT a # $1"),
            ("w TXT \"\"", r"w - TXT \# 1 00"),
            (r"w TXT \# 1", r"w - TXT \# 5 045c232031"),
            ("w\tMX\t10\tMail.Example..", "w - MX 10 mail.example."),
            ("$TTL 77\nw A 1.2.3.4\n$TTL 0", "w 77 A 1.2.3.4"),
            ("in A 1.2.3.4", "in - A 1.2.3.4"),
        ] {
            assert_eq!(records(text), [expected], "{text}");
        }
    }

    #[test]
    fn a_line_that_is_no_record_is_dropped_and_some_stop_the_file() {
        for text in [
            "w",
            "w A",
            "w A 300",
            "w A 1.2.3.",
            "w TXT",
            "w IN 60 A 1.2.3.4",
            "w IN IN A 1.2.3.4",
            "w NS a.",
            "w MX mail",
            "w MX 70000 mail",
            "w MX 1x mail",
            ":5:x",
            ". A 1.2.3.4",
            "a\\256 A 1.2.3.4",
        ] {
            let (file, wrong) = read(text);
            assert_eq!((file.unwrap().records.len(), wrong), (0, vec![1]), "{text}");
        }
        for text in [
            "w 5x A 1.2.3.4",
            "w 1h30m A 1.2.3.4",
            "@ 1.2.3.4",
            "w MX 10",
            "w MX 10 mail x",
            "w 99999999999 A 1.2.3.4",
        ] {
            let (file, wrong) = read(&format!("v A 1.2.3.4\n{text}"));
            assert!(matches!(file.unwrap_err(), FileError::NotLoaded { line: 2, .. }), "{text}");
            assert_eq!(wrong, [2]);
        }
    }
}
