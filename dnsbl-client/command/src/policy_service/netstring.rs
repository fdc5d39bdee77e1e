//! Lookups on the wire: the socketmap protocol of Postfix and Sendmail (socketmap_table(5)).
//!
//! A lookup is the netstring of the map's name, a blank and the key: `17:popauth 192.0.2.9,`. So is its
//! reply, of a status, a blank and a value.

use std::net::{IpAddr, Ipv6Addr};

/// The longest lookup, in octets without its length and its comma: a key is an address or a host's name.
pub(super) const MAX_LOOKUP: usize = 1 << 10;
/// The most digits of its length.
const MAX_DIGITS: usize = 4;

/// A lookup in a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lookup {
    /// The name of the map.
    pub(super) map: String,
    /// What is looked up there.
    pub(super) key: String,
}

/// What a map says of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// It has it; the value is what access(5) calls a permission.
    Found,
    /// It does not have it.
    NotFound,
}

/// Why no lookup can be read any more from this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("a lookup that does not begin with its length and a colon")]
    Length,
    #[error("a lookup longer than {MAX_LOOKUP} octets")]
    Long,
    #[error("a lookup that does not end with a comma")]
    End,
    #[error("a lookup without a blank between map and key")]
    NoKey,
}

/// Finds lookups in the octets of one connection, however they are cut.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// What was received and not read begins at `start`.
    buffer: Vec<u8>,
    start: usize,
}

impl Decoder {
    /// Takes what was received.
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(octets);
    }

    /// The next complete lookup; `None` until more is received.
    pub(super) fn next(&mut self) -> Result<Option<Lookup>, Malformed> {
        let rest = &self.buffer[self.start..];
        let Some((len, head)) = length(rest)? else { return Ok(None) };
        let Some(whole) = rest.get(head..=head + len) else { return Ok(None) };
        let Some((b',', text)) = whole.split_last() else { return Err(Malformed::End) };
        let text = String::from_utf8_lossy(text);
        let (map, key) = text.split_once(' ').ok_or(Malformed::NoKey)?;
        let lookup = Lookup { map: map.to_owned(), key: key.to_owned() };
        self.start += head + len + 1;
        Ok(Some(lookup))
    }

    /// Whether a lookup has begun but not ended.
    pub(super) fn is_within_lookup(&self) -> bool {
        self.start < self.buffer.len()
    }
}

/// The length of a netstring, and that of what stands before its text; `None` until more is received.
fn length(octets: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let digits = octets.iter().take_while(|octet| octet.is_ascii_digit()).count();
    let (number, colon) = (&octets[..digits.min(MAX_DIGITS)], octets.get(digits));
    match (number, colon) {
        _ if digits > MAX_DIGITS => Err(Malformed::Long),
        ([b'0', _, ..], _) | ([], Some(_)) => Err(Malformed::Length),
        (_, None) => Ok(None),
        (number, Some(b':')) => {
            let len = number.iter().fold(0, |len, digit| 10 * len + usize::from(digit - b'0'));
            if len > MAX_LOOKUP { Err(Malformed::Long) } else { Ok(Some((len, digits + 1))) }
        }
        (_, Some(_)) => Err(Malformed::Length),
    }
}

impl Lookup {
    /// The client whose address the key is: also in brackets, and behind `IPv6:` as in Sendmail. Host
    /// names, domains and networks are none.
    pub(super) fn client(&self) -> Option<IpAddr> {
        let text = &*self.key;
        let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        match text.split_at_checked(5) {
            Some((tag, addr)) if tag.eq_ignore_ascii_case("ipv6:") => {
                addr.parse::<Ipv6Addr>().ok().map(IpAddr::from)
            }
            _ => text.parse().ok(),
        }
    }
}

impl Reply {
    /// The netstring of it.
    pub(super) fn encoded(self) -> &'static str {
        match self {
            Self::Found => "5:OK OK,",
            Self::NotFound => "9:NOTFOUND ,",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Decoder, Lookup, MAX_LOOKUP, Malformed, Reply};

    fn netstring(text: &str) -> String {
        format!("{}:{text},", text.len())
    }

    fn lookup(map: &str, key: &str) -> Lookup {
        Lookup { map: map.into(), key: key.into() }
    }

    /// All that comes of octets that arrive in pieces of this length.
    fn decode(octets: &[u8], piece: usize) -> Result<Vec<Lookup>, Malformed> {
        let mut decoder = Decoder::default();
        let mut lookups = Vec::new();
        for piece in octets.chunks(piece) {
            decoder.push(piece);
            while let Some(lookup) = decoder.next()? {
                lookups.push(lookup);
            }
        }
        Ok(lookups)
    }

    #[test]
    fn lookups_may_come_byte_by_byte_and_pipelined() {
        let text = netstring("popauth 192.0.2.9").repeat(3);
        for piece in [1, 7, 100] {
            let lookups = decode(text.as_bytes(), piece).unwrap();
            assert_eq!(lookups, vec![lookup("popauth", "192.0.2.9"); 3]);
        }
    }

    #[test]
    fn a_key_may_hold_blanks_commas_and_nothing() {
        for (text, expected) in [
            ("a b c", lookup("a", "b c")),
            ("a 1,2:3", lookup("a", "1,2:3")),
            ("a ", lookup("a", "")),
            (" b", lookup("", "b")),
        ] {
            assert_eq!(decode(netstring(text).as_bytes(), 1), Ok(vec![expected]));
        }
    }

    #[test]
    fn what_is_no_lookup_is_refused() {
        for (text, wrong) in [
            ("GET / HTTP/1.1\r\n", Malformed::Length),
            (":a b,", Malformed::Length),
            ("-3:a b,", Malformed::Length),
            ("03:a b,", Malformed::Length),
            ("3 :a b,", Malformed::Length),
            ("3;a b,", Malformed::Length),
            ("3:a bc,", Malformed::End),
            ("0:,", Malformed::NoKey),
            ("3:a-b,", Malformed::NoKey),
            ("99999", Malformed::Long),
            ("1025:", Malformed::Long),
        ] {
            for piece in [1, 100] {
                assert_eq!(decode(text.as_bytes(), piece), Err(wrong), "{text}");
            }
        }
    }

    #[test]
    fn the_limit_is_what_it_says() {
        let fits = netstring(&format!("a {}", "b".repeat(MAX_LOOKUP - 2)));
        assert_eq!(decode(fits.as_bytes(), 100).unwrap().len(), 1);
        let long = netstring(&format!("a {}", "b".repeat(MAX_LOOKUP - 1)));
        assert_eq!(decode(long.as_bytes(), 100), Err(Malformed::Long));
    }

    #[test]
    fn only_a_whole_address_is_a_client() {
        for (key, expected) in [
            ("192.0.2.9", "192.0.2.9"),
            ("[192.0.2.9]", "192.0.2.9"),
            ("2001:db8::9", "2001:db8::9"),
            ("[2001:db8::9]", "2001:db8::9"),
            ("IPv6:2001:db8:0:0:0:0:0:9", "2001:db8::9"),
            ("[IPv6:2001:db8::9]", "2001:db8::9"),
            ("ipv6:2001:db8::9", "2001:db8::9"),
            ("::ffff:192.0.2.9", "::ffff:192.0.2.9"),
        ] {
            assert_eq!(lookup("a", key).client(), Some(expected.parse().unwrap()), "{key}");
        }
        for key in [
            "",
            "192.0.2",
            "192.0",
            "192.0.2.9/32",
            "192.0.2.09",
            " 192.0.2.9",
            "IPv6:192.0.2.9",
            "2001:db8",
            "2001:db8:",
            "[192.0.2.9",
            "mx.example.net",
            "example.net",
            "unknown",
            "é:192.0.2.9",
        ] {
            assert_eq!(lookup("a", key).client(), None, "{key}");
        }
    }

    #[test]
    fn replies_have_their_length() {
        for reply in [Reply::Found, Reply::NotFound] {
            let text = reply.encoded();
            let (len, rest) = text.split_once(':').unwrap();
            let rest = rest.strip_suffix(',').unwrap();
            assert_eq!(len.parse(), Ok(rest.len()));
        }
    }

    proptest! {
        #[test]
        fn case_44_no_octets_panic_or_are_kept_beyond_the_limit(
            octets in prop::collection::vec(
                prop_oneof![Just(b':'), Just(b','), b'0'..=b'9', any::<u8>()], 0..3000),
            piece in 1usize..200,
        ) {
            let mut decoder = Decoder::default();
            for piece in octets.chunks(piece) {
                decoder.push(piece);
                loop {
                    match decoder.next() {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(_) => return Ok(()),
                    }
                }
                prop_assert!(decoder.buffer.len() - decoder.start <= MAX_LOOKUP + "1024:".len());
            }
        }

        #[test]
        fn every_lookup_comes_through_however_it_is_cut(
            lookups in prop::collection::vec(("[!-~é]{0,20}", "[ -~é]{0,60}"), 0..20),
            piece in 1usize..64,
        ) {
            let octets: String =
                lookups.iter().map(|(map, key)| netstring(&format!("{map} {key}"))).collect();
            let expected: Vec<_> = lookups.iter().map(|(map, key)| lookup(map, key)).collect();
            prop_assert_eq!(decode(octets.as_bytes(), piece), Ok(expected));
        }
    }
}
