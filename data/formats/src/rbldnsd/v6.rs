//! IPv6 prefixes.

use std::net::Ipv6Addr;

use ipnet::Ipv6Net;

use super::{
    bytes::number,
    error::LineError,
    v4::{beginning, ends},
};

/// An address as it is written, maybe in part.
struct Written<'a> {
    addr: Ipv6Addr,
    /// Groups that are written, all eight where `::` stands for some.
    groups: usize,
    /// The last thing written is `::`.
    is_open: bool,
    rest: &'a [u8],
}

/// A prefix, whether it is an address that ends with `::` and has no length, and what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix<'a> {
    pub(super) net: Ipv6Net,
    pub(super) no_length: bool,
    pub(super) rest: &'a [u8],
}

/// The prefix that a line begins with: groups alone are a prefix of as many bits.
pub(super) fn prefix(text: &[u8]) -> Result<Prefix<'_>, LineError> {
    let expected = "an IPv6 address or prefix";
    let wrong = || LineError::Subject { given: beginning(text), expected };
    let Written { addr, groups, is_open, rest } = address(text)?.ok_or_else(wrong)?;
    let (len, rest, no_length) = match rest {
        [b'/', rest @ ..] => {
            let (len, rest) = number(rest, 128).ok_or_else(wrong)?;
            (len as u8, rest, false)
        }
        _ if groups == 1 => return Err(wrong()),
        _ => (groups as u8 * 16, rest, is_open),
    };
    ends(rest).then_some(()).ok_or_else(wrong)?;
    let net = Ipv6Net::new_assert(addr, len);
    if net.network() != addr {
        let prefix = net.trunc().into();
        return Err(LineError::HostBits { given: beginning(text), prefix });
    }
    Ok(Prefix { net, no_length, rest })
}

/// The network of 64 bits that a line begins with: four groups.
pub(super) fn network(text: &[u8]) -> Result<(Ipv6Net, &[u8]), LineError> {
    let expected = "four groups of an IPv6 address, without :: and without a length";
    match address(text)? {
        Some(Written { addr, groups: 4, is_open: false, rest }) if ends(rest) => {
            Ok((Ipv6Net::new_assert(addr, 64), rest))
        }
        _ => Err(LineError::Subject { given: beginning(text), expected }),
    }
}

/// The address that a line begins with.
pub(super) fn host(text: &[u8]) -> Result<(Ipv6Net, &[u8]), LineError> {
    match address(text)? {
        Some(Written { addr, groups: 8, rest, .. }) if ends(rest) => Ok((addr.into(), rest)),
        _ => Err(LineError::Subject {
            given: beginning(text),
            expected: "an IPv6 address, which is all that ip6tset excludes",
        }),
    }
}

/// One to eight groups. What rbldnsd reads in ways of its own is refused.
fn address(text: &[u8]) -> Result<Option<Written<'_>>, LineError> {
    let doubtful = || LineError::Doubtful(beginning(text));
    let mut groups = [0u16; 8];
    let mut count = 0;
    // Where `::` stands.
    let mut gap = None;
    let mut rest = text;
    if let Some(behind) = rest.strip_prefix(b"::") {
        (gap, rest) = (Some(0), behind);
    }
    loop {
        let Some((group, behind)) = hex(rest) else {
            // Nothing may follow `::`, and something must follow a colon.
            if gap == Some(count) {
                break;
            }
            // rbldnsd takes an address for ended by a colon only if it has a `::`.
            return if gap.is_some() { Err(doubtful()) } else { Ok(None) };
        };
        if count == 8 {
            return Err(doubtful());
        }
        groups[count] = group;
        count += 1;
        rest = behind;
        match rest {
            [b':', b':', ..] if gap.is_some() => return Err(doubtful()),
            [b':', b':', behind @ ..] => (gap, rest) = (Some(count), behind),
            // A value follows the last group.
            [b':', ..] if count == 8 && gap.is_none() => break,
            [b':', behind @ ..] => rest = behind,
            _ => break,
        }
    }
    let is_open = gap == Some(count);
    if let Some(gap) = gap {
        if count == 8 {
            return Err(doubtful());
        }
        groups[gap..].rotate_right(8 - count);
        count = 8;
    }
    Ok(Some(Written { addr: groups.into(), groups: count, is_open, rest }))
}

/// One to four hexadecimal digits.
fn hex(text: &[u8]) -> Option<(u16, &[u8])> {
    let len = text.iter().take_while(|c| c.is_ascii_hexdigit()).count();
    let (digits, rest) = text.split_at(len);
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.len() <= 4)?;
    Some((u16::from_str_radix(digits, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let Prefix { net, rest, .. } = prefix(text.as_bytes()).ok()?;
        Some(format!("{net}{}", String::from_utf8_lossy(rest)))
    }

    #[test]
    fn groups_alone_are_a_prefix_and_two_colons_make_an_address() {
        for (text, expected) in [
            ("2001:db8", "2001:db8::/32"),
            ("2001/16", "2001::/16"),
            ("2001:db8::", "2001:db8::/128"),
            ("2001:DB8::1 x", "2001:db8::1/128 x"),
            ("::1", "::1/128"),
            ("::", "::/128"),
            ("::/0", "::/0"),
            ("1:2:3:4:5:6:7:8:9:x", "1:2:3:4:5:6:7:8/128:9:x"),
            ("2001:db8:1::/48:7:x", "2001:db8:1::/48:7:x"),
            ("a:b:c:d/64;x", "a:b:c:d::/64;x"),
            ("::ffff:7f00:2", "::ffff:127.0.0.2/128"),
            ("0:0/16", "::/16"),
            ("2001:db8:::5:x", "2001:db8::/128:5:x"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "2001",
            "2001:",
            "2001:db8:1::/47",
            "2001:db8::1x",
            "2001:db8::/129",
            "::ffff:127.0.0.2",
            "00001:2",
            "1::2::3",
            "1:2:3:4:5:6::7:8",
            ":1:2",
            "1::5:",
            "x",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert!(prefix(b"2001:db8::").unwrap().no_length);
        assert!(!prefix(b"2001:db8::/32").unwrap().no_length);
    }

    #[test]
    fn the_other_set_has_networks_of_four_groups() {
        assert_eq!(network(b"1:2:3:4").unwrap().0.to_string(), "1:2:3:4::/64");
        for text in ["1:2:3", "1:2:3:4/64", "1:2:3:4::", "1:2:3:4:5", "1:2:3:4:x"] {
            assert!(network(text.as_bytes()).is_err(), "{text}");
        }
        assert!(host(b"1:2:3:4::9").is_ok() && host(b"1:2:3:4").is_err());
    }
}
