//! The codec between addresses and the names that ask for them (RFC 5782 sections 2.1 and 2.4).
//!
//! `192.0.2.99` is asked as `99.2.0.192.<origin>`, an IPv6 address as 32 nibbles, last one first.
//! Names that are shorter lie above addresses: they are empty non-terminals and must never be
//! denied, or a resolver that minimises its query names (RFC 9156) would conclude from a cached
//! denial that nothing lies below (RFC 8020).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::Ipv6Net;

use crate::{Labels, Name, NameError};

/// The meaning of the labels below an IP zone's apex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressName {
    /// An IPv4 address, also where it was written as `::ffff:a.b.c.d`.
    V4 {
        /// The address.
        addr: Ipv4Addr,
        /// The IPv6 /16 whose empty non-terminal the name is as well: four labels of one digit are nibbles, too.
        non_terminal: Option<Ipv6Net>,
    },
    /// An IPv6 address outside `::ffff:0:0/96`.
    V6(Ipv6Addr),
    /// A name above addresses, where nothing is but below which something may be (RFC 8499 section 7).
    EmptyNonTerminal,
    /// No address and no name above one.
    Other,
}

/// The name that asks for an address in the zone at `origin`.
///
/// An IPv4-mapped address is written as the IPv6 address that it is; fold it first where the IPv4
/// form is meant.
///
/// # Errors
/// The name would be longer than 255 octets.
pub fn encode(addr: IpAddr, origin: &Name) -> Result<Name, NameError> {
    // Labels and their lengths: up to four of three digits, or 32 nibbles.
    let room = if addr.is_ipv4() { 16 } else { 64 };
    let mut front = Vec::with_capacity(room + origin.wire().len());
    match addr {
        IpAddr::V4(addr) => {
            for octet in addr.octets().into_iter().rev() {
                write_octet(octet, &mut front);
            }
        }
        IpAddr::V6(addr) => {
            for octet in addr.octets().into_iter().rev() {
                front.extend([1, hex(octet & 15), 1, hex(octet >> 4)]);
            }
        }
    }
    origin.below(front)
}

/// A label of decimal digits.
fn write_octet(octet: u8, wire: &mut Vec<u8>) {
    let digit = |n: u8| b'0' + n % 10;
    match octet {
        0..10 => wire.extend([1, digit(octet)]),
        10..100 => wire.extend([2, digit(octet / 10), digit(octet)]),
        100.. => wire.extend([3, digit(octet / 100), digit(octet / 10), digit(octet)]),
    }
}

/// Reads the labels left of an IP zone's apex; there is at least one.
pub fn decode(labels: Labels<'_>) -> AddressName {
    let count = labels.count_labels();
    let octets = if count <= 4 { read_octets(labels) } else { None };
    if let (4, Some(addr)) = (count, octets) {
        // Four labels of one octet each, and their lengths.
        let nibbles = if labels.wire_len() == 8 { read_nibbles(labels) } else { None };
        return AddressName::V4 { addr, non_terminal: nibbles.map(|nibbles| prefix(nibbles, 4)) };
    }
    let nibbles = if count <= 32 { read_nibbles(labels) } else { None };
    match (count, octets, nibbles) {
        (32, _, Some(bits)) => match Ipv6Addr::from(bits) {
            addr if let Some(v4) = addr.to_ipv4_mapped() => {
                AddressName::V4 { addr: v4, non_terminal: None }
            }
            addr => AddressName::V6(addr),
        },
        (1..=31, _, Some(_)) | (1..=3, Some(_), _) => AddressName::EmptyNonTerminal,
        _ => AddressName::Other,
    }
}

/// The IPv4 address inside a 6to4 address (RFC 3056): `2002:V4::/48`.
pub fn six_to_four(addr: Ipv6Addr) -> Option<Ipv4Addr> {
    match addr.segments() {
        [0x2002, high, low, ..] => Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))),
        _ => None,
    }
}

/// Reversed decimal octets, the missing ones zero; `None` unless every label is one.
fn read_octets(labels: Labels<'_>) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    for (slot, label) in octets.iter_mut().zip(labels) {
        *slot = read_octet(label)?;
    }
    octets.reverse();
    Some(octets.into())
}

/// 0 to 255 without leading zeros.
fn read_octet(label: &[u8]) -> Option<u8> {
    let digit = |c: &u8| c.is_ascii_digit().then(|| u16::from(c - b'0'));
    let value = match label {
        [c] => digit(c)?,
        [b'1'..=b'9', ..] => match label {
            [b, c] => 10 * digit(b)? + digit(c)?,
            [a, b, c] => 100 * digit(a)? + 10 * digit(b)? + digit(c)?,
            _ => return None,
        },
        _ => return None,
    };
    value.try_into().ok()
}

/// Reversed nibbles, right-aligned; `None` unless every label is one.
fn read_nibbles(labels: Labels<'_>) -> Option<u128> {
    let mut bits = 0;
    for (i, label) in labels.enumerate() {
        let [digit] = label else { return None };
        bits |= u128::from((*digit as char).to_digit(16)?) << (4 * i);
    }
    Some(bits)
}

fn prefix(nibbles: u128, count: u8) -> Ipv6Net {
    let len = 4 * count;
    Ipv6Net::new_assert((nibbles << (128 - len)).into(), len)
}

fn hex(nibble: u8) -> u8 {
    b"0123456789abcdef"[usize::from(nibble)]
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::{AddressName, decode, encode, six_to_four};
    use crate::Name;

    fn origin() -> Name {
        "bl.example.org".parse().unwrap()
    }

    fn read(relative: &str) -> AddressName {
        let name: Name = format!("{relative}.bl.example.org").parse().unwrap();
        decode(name.strip_suffix(&origin()).unwrap())
    }

    /// The codec once more, over texts and without arithmetic.
    mod model {
        use super::super::AddressName;

        pub(super) fn encode(addr: std::net::IpAddr) -> Vec<String> {
            match addr {
                std::net::IpAddr::V4(addr) => {
                    addr.to_string().rsplit('.').map(str::to_owned).collect()
                }
                std::net::IpAddr::V6(addr) => {
                    let groups = addr.segments().map(|group| format!("{group:04x}")).concat();
                    groups.chars().rev().map(String::from).collect()
                }
            }
        }

        /// Labels in lower case.
        pub(super) fn decode(labels: &[Vec<u8>]) -> AddressName {
            let texts: Vec<String> =
                labels.iter().rev().map(|label| String::from_utf8_lossy(label).into()).collect();
            let is_octet =
                |text: &String| text.parse::<u8>().is_ok_and(|octet| octet.to_string() == *text);
            let is_nibble = |text: &String| text.len() == 1 && u8::from_str_radix(text, 16).is_ok();
            let (octets, nibbles) = (texts.iter().all(is_octet), texts.iter().all(is_nibble));
            match texts.len() {
                4 if octets => AddressName::V4 {
                    addr: texts.join(".").parse().unwrap(),
                    non_terminal: nibbles
                        .then(|| format!("{}::/16", texts.concat()).parse().unwrap()),
                },
                32 if nibbles => {
                    let groups: Vec<String> = texts.chunks(4).map(<[String]>::concat).collect();
                    match groups.join(":").parse::<std::net::Ipv6Addr>().unwrap().to_canonical() {
                        std::net::IpAddr::V4(addr) => AddressName::V4 { addr, non_terminal: None },
                        std::net::IpAddr::V6(addr) => AddressName::V6(addr),
                    }
                }
                ..=31 if nibbles => AddressName::EmptyNonTerminal,
                ..=3 if octets => AddressName::EmptyNonTerminal,
                _ => AddressName::Other,
            }
        }
    }

    fn label() -> impl Strategy<Value = Vec<u8>> {
        let other = prop::collection::vec(any::<u8>(), 1..=63);
        prop_oneof![
            8 => (0u32..1100).prop_map(|n| n.to_string().into_bytes()),
            8 => (0u8..16).prop_map(|n| format!("{n:x}").into_bytes()),
            1 => (0u64..).prop_map(|n| n.to_string().into_bytes()),
            1 => (0u8..=99).prop_map(|n| format!("{n:03}").into_bytes()),
            1 => other.prop_map(|label| label.to_ascii_lowercase()),
        ]
    }

    /// Labels of all kinds, or of one, as many as a name can hold.
    fn labels() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let nibble = (0u8..16).prop_map(|n| format!("{n:x}").into_bytes());
        let octet = (0u32..300).prop_map(|n| n.to_string().into_bytes());
        let run = |len: usize| {
            prop::collection::vec((0u8..16).prop_map(|n| format!("{n:x}").into_bytes()), len)
        };
        prop_oneof![
            prop::collection::vec(label(), 1..6),
            prop::collection::vec(octet, 1..6),
            prop::collection::vec(nibble, 1..=127),
            run(4),
            run(31),
            run(32),
            run(33),
            run(127),
        ]
    }

    proptest! {
        #[test]
        fn decoding_agrees_with_the_model(labels in labels()) {
            let name = Name::from_labels(labels.iter().map(Vec::as_slice));
            // Too long for a name.
            prop_assume!(name.is_ok());
            prop_assert_eq!(decode(name.unwrap().labels()), model::decode(&labels));
        }

        /// Origins so long that a part of the addresses, or all of them, have no room.
        #[test]
        fn encoding_agrees_with_the_model_up_to_the_longest_name(bits: u128, v4: bool, lens in prop::collection::vec(prop_oneof![Just(63usize), 1usize..=63], 1..5)) {
            let labels: Vec<String> = lens.iter().map(|len| "o".repeat(*len)).collect();
            let origin = Name::from_labels(labels.iter().map(String::as_bytes));
            prop_assume!(origin.is_ok());
            let origin = origin.unwrap();
            let addr: IpAddr = if v4 { Ipv4Addr::from(bits as u32).into() } else { Ipv6Addr::from(bits).into() };
            let all: Vec<String> = model::encode(addr).into_iter().chain(labels).collect();
            let octets = 1 + all.iter().map(|label| 1 + label.len()).sum::<usize>();
            let encoded = encode(addr, &origin);
            prop_assert_eq!(encoded.is_ok(), octets <= 255, "{} octets", octets);
            if let Ok(name) = encoded {
                prop_assert_eq!(name.wire().len(), octets);
                prop_assert_eq!(name.to_string(), all.join("."));
            }
        }

        #[test]
        fn decoding_an_encoded_ipv4_address_gives_it_back(bits: u32) {
            let addr = Ipv4Addr::from(bits);
            let name = encode(addr.into(), &origin()).unwrap();
            let decoded = decode(name.strip_suffix(&origin()).unwrap());
            let same = matches!(decoded, AddressName::V4 { addr: found, .. } if found == addr);
            prop_assert!(same);
        }

        #[test]
        fn decoding_an_encoded_ipv6_address_gives_it_back(bits: u128) {
            let addr = Ipv6Addr::from(bits);
            let name = encode(addr.into(), &origin()).unwrap();
            let decoded = decode(name.strip_suffix(&origin()).unwrap());
            match addr.to_canonical() {
                IpAddr::V6(addr) => prop_assert_eq!(decoded, AddressName::V6(addr)),
                IpAddr::V4(addr) => prop_assert_eq!(decoded, AddressName::V4 { addr, non_terminal: None }),
            }
        }
    }

    #[test]
    fn a_mapped_address_is_ipv4() {
        let name = encode("::ffff:127.0.0.2".parse().unwrap(), &origin()).unwrap();
        let decoded = decode(name.strip_suffix(&origin()).unwrap());
        assert_eq!(
            decoded,
            AddressName::V4 { addr: Ipv4Addr::new(127, 0, 0, 2), non_terminal: None }
        );
    }

    #[test]
    fn four_labels_of_one_digit_are_an_address_and_the_top_of_a_prefix() {
        let AddressName::V4 { addr, non_terminal } = read("1.0.0.2") else { panic!() };
        assert_eq!(addr, Ipv4Addr::new(2, 0, 0, 1));
        assert_eq!(non_terminal, Some("2001::/16".parse().unwrap()));
        assert_eq!(
            read("10.0.0.2"),
            AddressName::V4 { addr: Ipv4Addr::new(2, 0, 0, 10), non_terminal: None }
        );
    }

    #[test]
    fn names_above_addresses_are_told_from_names_that_mean_nothing() {
        for above in ["1", "192", "255.1", "f", "8.b.d.0.1.0.0.2", "a.0.0.2", "1.2.3.4.5"] {
            assert_eq!(read(above), AddressName::EmptyNonTerminal, "{above}");
        }
        for other in [
            "256",
            "01",
            "1.2.3.256",
            "1.2.3.04",
            "x",
            "1.2.3.4.192",
            "txt.1",
            "1.2.3.x",
            "10.2.3.4.5",
            "g.0.0.2",
        ] {
            assert_eq!(read(other), AddressName::Other, "{other}");
        }
        assert_eq!(read(&["0"; 33].join(".")), AddressName::Other);
    }

    #[test]
    fn a_6to4_address_carries_an_ipv4_address() {
        assert_eq!(
            six_to_four("2002:c000:201::1".parse().unwrap()),
            Some(Ipv4Addr::new(192, 0, 2, 1))
        );
        assert_eq!(six_to_four("2001:db8::1".parse().unwrap()), None);
    }
}
