//! IPv4 prefixes and ranges.

use ipnet::Ipv4Net;

use super::{
    bytes::{number, octets},
    error::{LineError, shown},
};

/// The addresses from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Range {
    pub(super) fn count(self) -> u64 {
        u64::from(self.last - self.first) + 1
    }
}

const EXPECTED: &str = "an IPv4 address or prefix";
const EXPECTED_RANGE: &str = "an IPv4 address, prefix or range";

/// The prefix that a line begins with, and the rest.
pub(super) fn prefix(text: &[u8]) -> Result<(Range, &[u8]), LineError> {
    let wrong = || wrong(text, EXPECTED);
    let (given, count, rest) = octets(text).ok_or_else(wrong)?;
    let first = u32::from_be_bytes(given);
    let (len, rest) = match rest {
        [b'/', rest @ ..] => number(rest, 32).ok_or_else(wrong)?,
        _ if count == 1 => return Err(wrong()),
        _ => (count as u32 * 8, rest),
    };
    let range = Range { first, last: first | host_mask(len) };
    ends(rest).then_some(()).ok_or_else(wrong)?;
    if first & host_mask(len) != 0 {
        let prefix = Ipv4Net::new_assert(first.into(), len as u8).trunc().into();
        return Err(LineError::HostBits { given: beginning(text), prefix });
    }
    Ok((range, rest))
}

/// The prefix or range that a line begins with, and the rest.
pub(super) fn prefix_or_range(text: &[u8]) -> Result<(Range, &[u8]), LineError> {
    let wrong = || wrong(text, EXPECTED_RANGE);
    let (first, count, rest) = octets(text).ok_or_else(wrong)?;
    let Some(rest) = rest.strip_prefix(b"-") else {
        return prefix(text);
    };
    let (mut last, given, rest) = octets(rest).ok_or_else(wrong)?;
    if given == 1 && count > 1 {
        // It replaces the last octet that was given.
        let octet = last[0];
        last = first;
        last[count - 1] = octet;
    } else if given != count {
        return Err(wrong());
    }
    let first = u32::from_be_bytes(first);
    let last = u32::from_be_bytes(last) | host_mask(count as u32 * 8);
    if first > last || !ends(rest) {
        return Err(wrong());
    }
    Ok((Range { first, last }, rest))
}

/// The address that a line begins with, and the rest.
pub(super) fn address(text: &[u8]) -> Result<(u32, &[u8]), LineError> {
    match octets(text) {
        Some((octets, 4, rest)) if ends(rest) => Ok((u32::from_be_bytes(octets), rest)),
        _ => Err(wrong(text, "an IPv4 address")),
    }
}

/// Four numbers from 0 to 255 and nothing else, as most lines are.
pub(super) fn dotted_quad(text: &[u8]) -> Option<u32> {
    let mut addr: u32 = 0;
    let mut octet: u32 = 256;
    let mut dots = 0;
    for &c in text {
        match c {
            b'0'..=b'9' => {
                let digit = u32::from(c - b'0');
                octet = if octet == 256 { digit } else { octet * 10 + digit };
                if octet > 255 {
                    return None;
                }
            }
            b'.' if octet < 256 && dots < 3 => {
                addr = addr << 8 | octet;
                octet = 256;
                dots += 1;
            }
            _ => return None,
        }
    }
    (dots == 3 && octet < 256).then_some(addr << 8 | octet)
}

fn host_mask(len: u32) -> u32 {
    u32::MAX.checked_shr(len).unwrap_or(0)
}

/// Whether an address may end here.
pub(super) fn ends(rest: &[u8]) -> bool {
    matches!(rest, [] | [b' ' | b'\t' | b'#' | b';' | b':', ..])
}

/// Up to the first blank.
pub(super) fn beginning(text: &[u8]) -> String {
    shown(super::bytes::word(text).0)
}

fn wrong(text: &[u8], expected: &'static str) -> LineError {
    LineError::Subject { given: beginning(text), expected }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn read(text: &str) -> Option<String> {
        let (range, rest) = prefix_or_range(text.as_bytes()).ok()?;
        let (first, last) = (Ipv4Addr::from(range.first), Ipv4Addr::from(range.last));
        Some(format!("{first}-{last} {}", String::from_utf8_lossy(rest)))
    }

    #[test]
    fn prefixes_may_be_cut_short_and_ranges_name_the_last_octet_alone() {
        for (text, expected) in [
            ("1.2.3.4", "1.2.3.4-1.2.3.4 "),
            ("1.2", "1.2.0.0-1.2.255.255 "),
            ("1.2.3:5:x", "1.2.3.0-1.2.3.255 :5:x"),
            ("1/8", "1.0.0.0-1.255.255.255 "),
            ("1/16", "1.0.0.0-1.0.255.255 "),
            ("1.2.3.0/024 x", "1.2.3.0-1.2.3.255  x"),
            ("1.2.3.4-6", "1.2.3.4-1.2.3.6 "),
            ("1.2.3-4", "1.2.3.0-1.2.4.255 "),
            ("1-2", "1.0.0.0-2.255.255.255 "),
            ("1.2.3.4-1.2.4.1#c", "1.2.3.4-1.2.4.1 #c"),
            ("0001.02.003.0000025", "1.2.3.25-1.2.3.25 "),
            ("0-255", "0.0.0.0-255.255.255.255 "),
            ("1.2.3.4 - 1.2.3.6", "1.2.3.4-1.2.3.4  - 1.2.3.6"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "1",
            "1.2.3.256",
            "1.2.3.4.5",
            "1.2.3.",
            "1.2.3.4x",
            "1.2.3.4,x",
            "1.2.3.4/33",
            "1.2.3.4/",
            "1.2.3.4/24",
            "1.2.3.4-",
            "1.2.3.4-3",
            "1.2.3-1.2.3.4",
            "1.2.3.4-1.2.3.5/32",
            "1.2.3.4/32-1.2.3.5",
            "127-127.0.0",
            "",
            "x",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_quick_way_reads_what_the_other_does() {
        for text in ["1.2.3.4", "255.255.255.255", "0.0.0.0", "001.2.3.4"] {
            let (range, _) = prefix_or_range(text.as_bytes()).unwrap();
            assert_eq!(dotted_quad(text.as_bytes()), Some(range.first), "{text}");
        }
        for text in ["1.2.3", "1.2.3.4.5", "1.2.3.256", "1..2.3", "1.2.3.", "1.2.3.4 ", ".1.2.3"] {
            assert_eq!(dotted_quad(text.as_bytes()), None, "{text}");
        }
    }
}
