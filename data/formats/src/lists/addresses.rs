//! Lists of networks: ranges, netmasks, and plain prefixes.

use std::net::{IpAddr, Ipv4Addr};

use dnsbl_types::Subject;
use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};

use super::{
    entry::Entry,
    error::ListError,
    words::{content, shown, uncommented},
};

/// What stands between the columns of a range.
const PARTS: [char; 12] = [' ', '\t', ',', ';', '|', '"', '-', '–', '—', '−', '~', '>'];

/// First and last address, as words or columns; what follows them is about the range.
pub(super) fn range(line: &str) -> Result<Option<Entry>, ListError> {
    let Some(text) = content(line).map(uncommented).filter(|text| !is_header(text)) else {
        return Ok(None);
    };
    let text = text.trim_start_matches('"');
    let (first, rest) = word(text);
    let (parts, rest) = rest.split_at(rest.len() - after_parts(rest).len());
    if rest.is_empty() && parts.trim_matches([' ', '\t', '"']).is_empty() {
        return prefix(first).map(Some);
    }
    let start: IpAddr = first.parse().map_err(|_| ListError::Address(shown(first)))?;
    let (last, more) = word(rest);
    let end = match (last.parse(), start) {
        (Ok(end), _) => end,
        (Err(_), IpAddr::V4(start)) if parts.contains('-') && is_octet(last) => {
            let [a, b, c, _] = start.octets();
            let octet = last.parse().map_err(|_| ListError::Address(shown(last)))?;
            IpAddr::V4(Ipv4Addr::new(a, b, c, octet))
        }
        (Err(_), _) => return Err(ListError::Rest(shown(rest))),
    };
    let third = word(after_parts(more)).0;
    if !third.is_empty() && prefix(third).is_ok() {
        return Err(ListError::Rest(shown(third)));
    }
    if matches!((start, end), (IpAddr::V4(start), IpAddr::V4(end)) if looks_like_mask(start, end)) {
        return Err(ListError::Netmask(shown(text)));
    }
    let subjects: Vec<Subject> = match (start, end) {
        (IpAddr::V4(start), IpAddr::V4(end)) if start <= end => {
            Ipv4Subnets::new(start, end, 0).map(|net| Subject::from_net(net.into())).collect()
        }
        (IpAddr::V6(start), IpAddr::V6(end)) if start <= end => {
            Ipv6Subnets::new(start, end, 0).map(|net| Subject::from_net(net.into())).collect()
        }
        _ => return Err(ListError::Backwards(shown(text))),
    };
    Ok(Some(Entry::listed(subjects)))
}

/// An address and its netmask or number of bits.
pub(super) fn netmask(line: &str) -> Result<Option<Entry>, ListError> {
    let Some(text) = content(line).map(uncommented) else { return Ok(None) };
    let (addr, mask) = match text.split_once(['/', ' ', '\t', ',', ';']) {
        None => return prefix(text).map(Some),
        Some((addr, mask)) => {
            let mask = mask.trim_start_matches([' ', '\t', ',', ';', '/']);
            let word = ["netmask", "mask"].iter().find_map(|word| mask.strip_prefix(word));
            (addr, word.unwrap_or(mask).trim())
        }
    };
    let addr: IpAddr = addr.parse().map_err(|_| ListError::Address(shown(addr)))?;
    let wrong = || ListError::Mask(shown(mask));
    let len = match (addr, mask.parse::<Ipv4Addr>()) {
        (IpAddr::V4(_), Ok(mask)) => mask_len(mask).ok_or_else(wrong)?,
        _ if is_octet(mask) => mask.parse().map_err(|_| wrong())?,
        _ => return Err(wrong()),
    };
    let net = IpNet::new(addr, len).map_err(|_| wrong())?;
    if net.addr() != net.network() {
        return Err(ListError::HostBits { given: shown(text), prefix: net.trunc().to_string() });
    }
    Ok(Some(Entry::listed(vec![Subject::from_net(net)])))
}

/// An address or prefix alone, or a line of what `ipset save` writes.
pub(super) fn netset(line: &str) -> Result<Option<Entry>, ListError> {
    let Some(text) = content(line).map(uncommented) else { return Ok(None) };
    let mut words = text.split_ascii_whitespace();
    match (words.next(), words.next()) {
        (Some("create"), Some(_)) => Ok(None),
        (Some("add"), Some(_)) => {
            let given = words.next().unwrap_or_default();
            let mut entry = prefix(given)?;
            match (words.next(), words.next()) {
                (None, _) => {}
                (Some("nomatch"), None) => entry.exclusion = true,
                (Some(option), _) => return Err(ListError::Rest(shown(option))),
            }
            Ok(Some(entry))
        }
        (Some(given), None) => prefix(given).map(Some),
        (_, Some(rest)) => Err(ListError::Rest(shown(rest))),
        (None, None) => Ok(None),
    }
}

/// One address or prefix.
fn prefix(text: &str) -> Result<Entry, ListError> {
    match text.parse()? {
        Subject::Domain(_) => Err(ListError::Address(shown(text))),
        subject => Ok(Entry::listed(vec![subject])),
    }
}

/// Up to the end of an address or prefix, and the rest.
fn word(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '/' | '_');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    // `1.2.3.4..1.2.3.9`
    let end = text[..end].find("..").unwrap_or(end);
    text.split_at(end)
}

/// What stands behind the parts between columns, `..` and `to`.
fn after_parts(text: &str) -> &str {
    let rest = text.trim_start_matches(PARTS);
    let rest = rest.strip_prefix("..").unwrap_or(rest);
    let rest = rest.strip_prefix("to ").unwrap_or(rest);
    rest.trim_start_matches(PARTS)
}

/// The header of a DShield block list.
fn is_header(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace();
    let mut is = |word: &str| words.next().is_some_and(|next| next.eq_ignore_ascii_case(word));
    is("start") && is("end")
}

fn is_octet(text: &str) -> bool {
    let plain = text == "0" || !text.starts_with('0');
    (1..=3).contains(&text.len()) && plain && text.bytes().all(|c| c.is_ascii_digit())
}

/// A range up to 255/8 would list what nobody has; a netmask lies there.
fn looks_like_mask(start: Ipv4Addr, end: Ipv4Addr) -> bool {
    end.octets()[0] == 255 && start.octets()[0] != 255
}

/// The length of a netmask, or of what routers call a wildcard mask.
fn mask_len(mask: Ipv4Addr) -> Option<u8> {
    let bits = mask.to_bits();
    let is_mask = |bits: u32| bits.leading_ones() + bits.trailing_zeros() == 32;
    let bits = if is_mask(bits) || bits == 0 { bits } else { !bits };
    (is_mask(bits) || bits == 0).then(|| bits.leading_ones() as u8)
}

#[cfg(test)]
mod tests {
    use ipnet::Ipv4Net;
    use proptest::prelude::*;

    use super::*;

    type Reader = fn(&str) -> Result<Option<Entry>, ListError>;

    fn subjects(read: Reader, line: &str) -> Result<Vec<String>, String> {
        match read(line) {
            Ok(entry) => Ok(entry
                .into_iter()
                .flat_map(|entry| entry.subjects)
                .map(|s| s.to_string())
                .collect()),
            Err(err) => Err(err.to_string()),
        }
    }

    #[track_caller]
    fn says(read: Reader, line: &str, listed: &[&str]) {
        assert_eq!(subjects(read, line).unwrap(), listed, "{line}");
    }

    /// Field cases 1 and 2.
    #[test]
    fn a_range_is_all_of_its_prefixes_however_it_is_written() {
        for line in [
            "192.0.2.8-192.0.2.15",
            "192.0.2.8 - 192.0.2.15",
            "192.0.2.8 192.0.2.15",
            "192.0.2.8\t192.0.2.15\t29\t3012\tEXAMPLE-NET\tZZ\tabuse@example.net",
            "192.0.2.8,192.0.2.15,ZZ",
            "\"192.0.2.8\",\"192.0.2.15\",\"ZZ\"",
            "192.0.2.8 – 192.0.2.15 # why",
            "192.0.2.8..192.0.2.15",
            "192.0.2.8 to 192.0.2.15",
            "192.0.2.8 - 192.0.2.15 , 100 , some range",
            "192.0.2.8-15",
            "192.0.2.8/29",
        ] {
            says(range, line, &["192.0.2.8/29"]);
        }
        says(range, "192.0.2.1-192.0.2.4", &["192.0.2.1", "192.0.2.2/31", "192.0.2.4"]);
        says(range, "2001:db8::-2001:db8::ff", &["2001:db8::/120"]);
        says(range, "192.0.2.1", &["192.0.2.1"]);
        for nothing in ["", "# x", "; x", "Start\tEnd\tNetblock\tAttacks", "  "] {
            says(range, nothing, &[]);
        }
    }

    #[test]
    fn a_range_that_makes_no_sense_lists_nothing() {
        for line in [
            "192.0.2.9-192.0.2.1",
            "192.0.2.9 - 2001:db8::",
            "192.0.2.0 24",
            "192.0.2.0 24 3012",
            "192.0.2.1 spam",
            "192.0.2.1-192.0.2.300",
            "001.002.003.004 - 001.002.003.255",
            "192.0.2.1 192.0.2.4 192.0.2.9",
            "192.0.2.0/24 192.0.3.0/24",
            "192.0.2.8-7",
            "192.0.2.8-07",
            "bad.example.com",
            "192.0.2.8-",
            "192.0.2.0 255.255.255.0",
        ] {
            assert!(subjects(range, line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_netmask_is_its_prefix() {
        for line in [
            "192.0.2.0 255.255.255.0",
            "192.0.2.0/255.255.255.0",
            "192.0.2.0\t0.0.0.255",
            "192.0.2.0 netmask 255.255.255.0",
            "192.0.2.0,24",
            "192.0.2.0 / 24",
            "192.0.2.0/24 # x",
            "192.0.2.0 24",
        ] {
            says(netmask, line, &["192.0.2.0/24"]);
        }
        says(netmask, "2001:db8:: 32", &["2001:db8::/32"]);
        says(netmask, "192.0.2.7", &["192.0.2.7"]);
        for line in [
            "192.0.2.4 255.255.255.0",
            "192.0.2.0 255.0.255.0",
            "192.0.2.0 33",
            "192.0.2.0 024",
            "192.0.2.0 24 25",
            "192.0.2.0 192.0.2.255",
            "2001:db8:: 255.255.0.0",
            "bad.example.com 24",
        ] {
            assert!(subjects(netmask, line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_netset_has_prefixes_and_the_lines_of_ipset() {
        says(netset, "192.0.2.0/24", &["192.0.2.0/24"]);
        says(netset, "create bad hash:net family inet hashsize 1024 maxelem 65536", &[]);
        says(netset, "add bad 192.0.2.0/24", &["192.0.2.0/24"]);
        assert!(netset("add bad 192.0.2.7 nomatch").unwrap().unwrap().exclusion);
        for line in
            ["add bad 192.0.2.7 timeout 60", "add bad", "192.0.2.1 24", "example.com", "flush bad"]
        {
            assert!(subjects(netset, line).is_err(), "{line}");
        }
    }

    fn covers(entry: &Entry, addr: u32) -> bool {
        let host = Subject::host(Ipv4Addr::from(addr).into());
        entry.subjects.iter().any(|subject| subject.covers(&host))
    }

    proptest! {
        #[test]
        fn a_range_covers_its_ends_and_not_what_lies_beyond(first in 0u32..0xfe00_0000, len in 0u32..100_000) {
            let last = first.saturating_add(len);
            let line = format!("{}-{}", Ipv4Addr::from(first), Ipv4Addr::from(last));
            let entry = range(&line).unwrap().unwrap();
            prop_assert!(covers(&entry, first) && covers(&entry, last));
            if let Some(before) = first.checked_sub(1) {
                prop_assert!(!covers(&entry, before));
            }
            if let Some(after) = last.checked_add(1) {
                prop_assert!(!covers(&entry, after));
            }
        }

        #[test]
        fn a_network_is_the_same_in_every_notation(addr: u32, len in 1u8..=32) {
            let net = Ipv4Net::new(addr.into(), len).unwrap().trunc();
            let whole = vec![Subject::from_net(net.into())];
            prop_assume!(!looks_like_mask(net.network(), net.broadcast()));
            let ends = format!("{} - {}", net.network(), net.broadcast());
            prop_assert_eq!(&range(&ends).unwrap().unwrap().subjects, &whole);
            let masked = format!("{} {}", net.network(), net.netmask());
            prop_assert_eq!(&netmask(&masked).unwrap().unwrap().subjects, &whole);
            prop_assert_eq!(&netset(&net.to_string()).unwrap().unwrap().subjects, &whole);
        }
    }
}
