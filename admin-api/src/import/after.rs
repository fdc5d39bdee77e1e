//! What stands behind a subject in a line of plain text: a comment, unless it can be part of the subject
//! or its value, which must not be lost in silence.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dnsbl_types::{Subject, SubjectError};

use super::{
    row::{Doubt, Rejection},
    seems::{Seems, dataset_for},
};

/// What stands between the first and the last address of a range.
const DASHES: [char; 6] = ['-', '–', '—', '−', '~', '>'];

/// The same in words.
const TO: [&str; 5] = ["to", "through", "thru", "until", "bis"];

/// Words before a netmask.
const MASK: [&str; 2] = ["mask", "netmask"];

/// Words before a number of bits.
const BITS: [&str; 4] = ["bits", "prefix", "cidr", "len"];

/// What parts columns.
const COLUMNS: [char; 9] = [',', '|', '=', '"', '\'', '&', '+', '!', ';'];

/// Types of records that stand in the zone files of lists.
const TYPES: [&str; 8] = ["A", "AAAA", "TXT", "CNAME", "NS", "SOA", "PTR", "MX"];

/// Looks at what follows a subject, which was written as `given`.
pub(super) fn look(given: &str, subject: &Subject, rest: &str) -> Result<Option<Doubt>, Rejection> {
    let rest = rest.trim_matches(is_blank);
    let row = Behind { given, subject, rest };
    if rest.is_empty() || rest.starts_with('#') || rest.starts_with("//") {
        return Ok(None);
    }
    if rest.starts_with(';') {
        return row.columns();
    }
    let wrong = row
        .value()
        .or_else(|| row.range())
        .or_else(|| row.bits_or_mask())
        .or_else(|| row.hosts())
        .or_else(|| row.record());
    match wrong {
        Some(wrong) => Err(wrong),
        None => row.columns(),
    }
}

/// A subject, and what stands behind it.
struct Behind<'a> {
    given: &'a str,
    subject: &'a Subject,
    rest: &'a str,
}

impl Behind<'_> {
    /// rbldnsd's `:code:text`.
    fn value(&self) -> Option<Rejection> {
        let value = self.rest.strip_prefix(':')?.trim_start_matches([':', ' ', '\t']);
        let is_value =
            value.starts_with(|c: char| c.is_ascii_digit()) || self.rest.starts_with("::");
        is_value.then(|| self.with_value())
    }

    fn with_value(&self) -> Rejection {
        let why = format!(
            "{} has a value behind it, {:?}, which plain would lose; format=rbldnsd&dataset={} reads it, and format=csv has columns for return_codes and reason",
            self.given,
            short(self.rest),
            dataset_for(self.subject)
        );
        Rejection::new(why, Seems::Rbldnsd)
    }

    fn range(&self) -> Option<Rejection> {
        let dashed = self.rest.trim_start_matches(|c| DASHES.contains(&c));
        let dashed = if dashed.starts_with("..") { dashed.trim_start_matches('.') } else { dashed };
        if dashed.len() < self.rest.len() {
            let last = dashed.trim_start_matches(is_blank);
            return match address(last) {
                Some((last, _)) => Some(self.to(last)),
                // Its last octets alone.
                None => {
                    Some(self.to(word(last))).filter(|wrong| wrong.seems == Some(Seems::Ranges))
                }
            };
        }
        let last = after_word(self.rest, &TO)?;
        address(last).map(|(last, _)| self.to(last))
    }

    /// A range from the subject to there.
    fn to(&self, last: &str) -> Rejection {
        match format!("{}-{last}", self.given).parse::<Subject>() {
            Err(err @ SubjectError::Range { .. }) => {
                let why = format!("{err}; plain has one subject a line{}", ranges(self.subject));
                Rejection::new(why, Seems::Ranges)
            }
            _ => Rejection::text(format!(
                "{} and {last} stand in one line; plain has one subject a line",
                self.given
            )),
        }
    }

    fn bits_or_mask(&self) -> Option<Rejection> {
        let bits = self.rest.strip_prefix('/').map(|bits| bits.trim_start_matches(is_blank));
        if let Some(bits) = bits.filter(|bits| bits.starts_with(|c: char| c.is_ascii_digit())) {
            return Some(self.prefix(word(bits)));
        }
        if let Some(bits) = after_word(self.rest, &BITS) {
            let bits = word(bits);
            return bits.parse::<u8>().ok().map(|_| self.prefix(bits));
        }
        if let Some(mask) = hex_mask(word(self.rest)) {
            return Some(self.prefix(&mask.to_string()));
        }
        let (mask, _) = address(after_word(self.rest, &MASK)?)?;
        Some(self.prefix(mask))
    }

    /// The subject with bits or a netmask.
    fn prefix(&self, len: &str) -> Rejection {
        let meant = format!("{}/{len}", self.given);
        let why = match meant.parse::<Subject>() {
            Ok(subject) => format!(
                "{:?} looks like a prefix in two parts; write {subject}",
                short(&format!("{} {}", self.given, self.rest))
            ),
            Err(err) => format!("{err}"),
        };
        Rejection::new(why, Seems::Netmasks)
    }

    /// An address that no list has, and a name.
    fn hosts(&self) -> Option<Rejection> {
        let addr = self.subject.net()?;
        let sink = [
            Ipv4Addr::UNSPECIFIED.into(),
            Ipv4Addr::LOCALHOST.into(),
            Ipv4Addr::BROADCAST.into(),
            IpAddr::from(Ipv6Addr::UNSPECIFIED),
            Ipv6Addr::LOCALHOST.into(),
        ];
        let is_host = addr.prefix_len() == addr.max_prefix_len() && sink.contains(&addr.addr());
        let name = word(self.rest);
        let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        let is_name = begins && matches!(name.parse(), Ok(Subject::Domain(_)));
        (is_host && (is_name || address(name).is_some())).then(|| {
            let why = format!("{} {name} is a line of a hosts file", self.given);
            Rejection::new(why, Seems::Hosts)
        })
    }

    /// `[TTL] [IN] TYPE DATA` of a zone file.
    fn record(&self) -> Option<Rejection> {
        let mut words = self.rest.split(is_blank).filter(|word| !word.is_empty()).peekable();
        let ttl = words.next_if(|word| word.bytes().all(|c| c.is_ascii_digit()));
        let class = words.next_if(|word| *word == "IN");
        let rtype = words.next().filter(|word| TYPES.contains(word))?;
        let data = words.next()?;
        let is_data = match rtype {
            "A" | "AAAA" => data.parse::<IpAddr>().is_ok(),
            "TXT" => data.starts_with('"'),
            "CNAME" => data.ends_with('.'),
            _ => ttl.is_some(),
        };
        (class.is_some() || is_data).then(|| {
            let why = format!("{} {} is a record of a zone file", self.given, short(self.rest));
            Rejection::new(why, Seems::ZoneFile)
        })
    }

    /// Columns that begin with an address or a number.
    fn columns(&self) -> Result<Option<Doubt>, Rejection> {
        let rest = self.rest.trim_start_matches(|c| COLUMNS.contains(&c) || is_blank(c));
        if let Some((addr, tail)) = address(rest) {
            return Err(self.second(addr, tail));
        }
        match word(rest).parse::<u8>() {
            Ok(bits) if word(rest).bytes().all(|c| c.is_ascii_digit()) => self.number(bits),
            _ => Ok(None),
        }
    }

    /// An address in the second column.
    fn second(&self, addr: &str, tail: &str) -> Rejection {
        if addr.starts_with("127.") && addr.len() > "127.0.0.".len() {
            return self.with_value();
        }
        let third = word(tail.trim_start_matches(|c| COLUMNS.contains(&c) || is_blank(c)));
        let is_bits = third.parse::<u8>().is_ok_and(|bits| bits <= 128);
        let prefix = format!("{}/{third}", self.given).parse::<Subject>();
        if let (true, Ok(prefix)) = (is_bits && self.is_host(), prefix) {
            let why = format!(
                "{} {addr} {third} looks like a row of a DShield block list (first address, last address, bits); write {prefix}",
                self.given
            );
            return Rejection::new(why, Seems::Dshield);
        }
        match format!("{}/{addr}", self.given).parse::<Subject>() {
            Err(err @ SubjectError::Notation { .. }) => {
                Rejection::new(format!("{err} (an address and a netmask)"), Seems::Netmasks)
            }
            _ => self.to(addr),
        }
    }

    /// A number in the second column: how often an address was seen, or the bits of a prefix. Only those
    /// of a network's own address are in doubt, as no other makes a prefix with them.
    fn number(&self, bits: u8) -> Result<Option<Doubt>, Rejection> {
        let Some(net) = self.subject.net().filter(|_| self.is_host()) else {
            return Ok(None);
        };
        if bits >= net.max_prefix_len() {
            return Ok(None);
        }
        match format!("{}/{bits}", self.given).parse::<Subject>() {
            Ok(prefix) => {
                let why = format!(
                    "{} {bits} may be an address and a number of bits, as in a DShield block list; write {prefix}, or {} alone",
                    self.given, self.given
                );
                Err(Rejection::new(why, Seems::Netmasks))
            }
            Err(_) if bits >= PLAUSIBLE => Ok(Some(Doubt::Bits)),
            Err(_) => Ok(None),
        }
    }

    fn is_host(&self) -> bool {
        self.subject.net().is_some_and(|net| net.prefix_len() == net.max_prefix_len())
    }
}

/// Which format reads ranges, if there are such.
fn ranges(subject: &Subject) -> &'static str {
    match subject {
        Subject::V4(_) => {
            ", and format=rbldnsd&dataset=ip4set reads ranges that are written without blanks"
        }
        Subject::V6(_) | Subject::Domain(_) => "",
    }
}

/// Prefixes shorter than this many bits are rare in lists.
const PLAUSIBLE: u8 = 16;

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// Up to the next blank or column.
fn word(text: &str) -> &str {
    text.split(|c| is_blank(c) || matches!(c, ',' | ';' | '|' | '"' | '\''))
        .next()
        .unwrap_or_default()
}

/// A netmask as ifconfig wrote it, such as 0xffffff00.
fn hex_mask(word: &str) -> Option<Ipv4Addr> {
    let bits = u32::from_str_radix(word.strip_prefix("0x")?, 16).ok()?;
    (word.len() == 10 && bits.leading_ones() > 0).then(|| bits.into())
}

/// What follows one of these words.
fn after_word<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    let (first, rest) = text.split_once(is_blank)?;
    let found = words.iter().any(|word| first.trim_end_matches(':').eq_ignore_ascii_case(word));
    found.then(|| rest.trim_start_matches(is_blank))
}

/// The address that a text begins with, and the rest. A host name may begin like one.
fn address(text: &str) -> Option<(&str, &str)> {
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
    let (addr, _) = text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()));
    let v4 = addr.split(':').next().unwrap_or_default().trim_end_matches('.');
    if is_quad(v4) {
        let (v4, tail) = text.split_at(v4.len());
        let mut next = tail.chars();
        let goes_on = match next.next() {
            Some('.' | '-') => next.next().is_some_and(char::is_alphabetic),
            Some(c) => c.is_alphanumeric() || c == '_',
            None => false,
        };
        return (!goes_on).then_some((v4, tail));
    }
    let v6 = [addr, addr.trim_end_matches([':', '.'])];
    let v6 = v6.into_iter().find(|addr| addr.parse::<Ipv6Addr>().is_ok())?;
    let tail = &text[v6.len()..];
    (!tail.starts_with(char::is_alphanumeric)).then_some((v6, tail))
}

/// Four numbers of up to three digits, whether or not they are octets: a mistyped address is no comment.
fn is_quad(text: &str) -> bool {
    let is_octet =
        |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit());
    text.split('.').count() == 4 && text.split('.').all(is_octet)
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: &str) -> Result<Option<Doubt>, Rejection> {
        let (given, rest) = line.split_once([' ', '\t']).unwrap();
        look(given, &given.parse().unwrap(), rest)
    }

    #[track_caller]
    fn rejects(line: &str, part: &str) {
        match at(line) {
            Err(wrong) => assert!(wrong.why.contains(part), "{line}: {}", wrong.why),
            Ok(_) => panic!("{line}: taken for a comment"),
        }
    }

    /// Field case 1.
    #[test]
    fn rows_of_a_dshield_block_list_are_told_with_their_prefix() {
        rejects("198.51.100.0\t198.51.100.255\t24\t3012\tEXAMPLE-NET\tZZ", "write 198.51.100.0/24");
        rejects("198.51.100.0\t198.51.100.255\t24\t3012", "DShield");
        rejects("198.51.100.0 24 3012 EXAMPLE-NET", "write 198.51.100.0/24");
        rejects("198.51.100.0 | 24 | US", "write 198.51.100.0/24");
        rejects("2001:db8:: 32", "write 2001:db8::/32");
    }

    /// Field case 2.
    #[test]
    fn ranges_in_two_words_are_told_with_their_prefixes() {
        for line in [
            "192.0.2.8 - 192.0.2.15",
            "192.0.2.8 -192.0.2.15",
            "192.0.2.8 – 192.0.2.15",
            "192.0.2.8\t--\t192.0.2.15 x",
            "192.0.2.8 .. 192.0.2.15",
            "192.0.2.8 -> 192.0.2.15",
            "192.0.2.8 to 192.0.2.15",
            "192.0.2.8 192.0.2.15",
            "192.0.2.8 , 192.0.2.15 , 000 , x",
            "192.0.2.8 | 192.0.2.15",
            "192.0.2.8 \"192.0.2.15\"",
            "192.0.2.8 ; 192.0.2.15 ; 24",
            "192.0.2.8 - 15",
            "192.0.2.8 -15",
        ] {
            rejects(line, "192.0.2.8/29");
            rejects(line, "format=rbldnsd&dataset=ip4set");
        }
        rejects("192.0.2.8 203.0.113.9-203.0.113.10", "a range");
        rejects("2001:db8:: - 2001:db8::ff", "2001:db8::/120");
        rejects("192.0.2.9 192.0.2.1", "one subject a line");
        rejects("192.0.2.0/25 192.0.2.128/25", "one subject a line");
        rejects("bad.example.com 192.0.2.1", "one subject a line");
    }

    #[test]
    fn netmasks_and_bits_in_two_words_are_told_with_the_prefix() {
        for line in [
            "192.0.2.0 255.255.255.0",
            "192.0.2.0\t0.0.0.255",
            "192.0.2.0 netmask 255.255.255.0",
            "192.0.2.0 mask 255.255.255.0",
            "192.0.2.0 /24",
            "192.0.2.0 / 24",
            "192.0.2.0 24",
            "192.0.2.0\t24\t# x",
            "192.0.2.0 024",
            "192.0.2.0 bits 24",
            "192.0.2.0 prefix: 24",
            "192.0.2.0 0xffffff00",
        ] {
            rejects(line, "192.0.2.0/24");
        }
        rejects("192.0.2.4 255.255.255.0", "192.0.2.0/24");
        rejects("192.0.2.4 /24", "192.0.2.0/24");
    }

    /// Newcomer A1: values were lost, and dial-up hosts became open relays.
    #[test]
    fn values_of_rbldnsd_are_not_lost() {
        for line in [
            "192.0.2.12 :4:Dynamic $",
            "192.0.2.10 :127.0.0.3:Spam source $",
            "192.0.2.10\t:127.0.0.3",
            "192.0.2.10 : 127.0.0.3 : x",
            "192.0.2.10 127.0.0.3",
            "bad.example.org :127.0.1.5:Phish",
            "bad.example.org 127.0.1.5",
        ] {
            rejects(line, "format=rbldnsd");
        }
    }

    #[test]
    fn hosts_files_and_zone_files_are_known() {
        for line in [
            "0.0.0.0 bad.example.com",
            "127.0.0.1 localhost",
            "::1 localhost",
            "0.0.0.0 0.0.0.0",
            "127.0.0.1\tbad.example.net # why",
            "0.0.0.0 www #.198.51.100.1",
            "255.255.255.255 broadcasthost",
        ] {
            assert_eq!(at(line).unwrap_err().seems, Some(Seems::Hosts), "{line}");
        }
        for line in [
            "99.2.0.192 IN A 127.0.0.2",
            "99.2.0.192 300 IN A 127.0.0.2",
            "99.2.0.192 A 127.0.0.2",
            "bad.example.com CNAME .",
            "bad.example.com IN TXT \"why\"",
        ] {
            assert_eq!(at(line).unwrap_err().seems, Some(Seems::ZoneFile), "{line}");
        }
    }

    #[test]
    fn all_else_is_a_comment() {
        for line in [
            "77.90.185.20\t10",
            "192.0.2.1 1",
            "192.0.2.1 300",
            "192.0.2.1 32",
            "192.0.2.0 1",
            "198.51.100.0/24 3012",
            "198.51.100.0/24 24",
            "bad.example.com 24",
            "192.0.2.1 seen today",
            "192.0.2.1 # 192.0.2.9",
            "192.0.2.1 ; SBL000001",
            "192.0.2.1 // x",
            "192.0.2.1 mail.example.com",
            "192.0.2.1 192.0.2.1.example.net",
            "192.0.2.1 1.2.3.4-static.example.net",
            "192.0.2.1 2026-01-02 10:11:12",
            "192.0.2.1 - spam since 2026",
            "192.0.2.9 - 3 hits",
            "192.0.2.1 -",
            "192.0.2.1 : spam",
            "192.0.2.1 :-)",
            "192.0.2.1 (AS64500)",
            "192.0.2.1 dead beef",
            "192.0.2.1 A spammer",
            "192.0.2.1 to be checked",
            "192.0.2.1 2.5",
            "192.0.2.1 /etc",
            "192.0.2.1 | spam | US",
            "127.0.0.2 test entry",
        ] {
            assert!(at(line).is_ok_and(|doubt| doubt.is_none()), "{line}: {:?}", at(line));
        }
        assert_eq!(at("192.0.2.1 24"), Ok(Some(Doubt::Bits)));
    }
}
