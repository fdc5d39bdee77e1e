//! Key bytes: big-endian, so that rows lie in the order of their subjects.

use std::{
    cmp::Ordering,
    net::{Ipv4Addr, Ipv6Addr},
};

use dnsbl_types::{DomainSubject, Name, Subject, UnixTime};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::StoreError;

/// The start of the keys of second copies.
pub(crate) const COPY: &[u8] = b"copy/";
/// The start of the keys under which imports are noted.
pub(crate) const IMPORTS: &[u8] = b"import/";
/// The start of the keys under which frozen sources are kept.
pub(crate) const FROZEN: &[u8] = b"frozen/";
/// The key of the place where the sweep goes on.
pub(crate) const SWEPT: &[u8] = b"swept";
/// The key of the first segment id that no import that was cut off or called off may have left expiries of.
pub(crate) const FREE_SEGMENT: &[u8] = b"free-segment";
/// The key of the first zone id that no deleted zone may have left expiries of.
pub(crate) const FREE_ZONE: &[u8] = b"free-zone";

/// The key of the second copy of what `zones` and `segments` say of a zone.
pub(crate) fn copy(origin: &Name) -> Vec<u8> {
    [COPY, origin.wire()].concat()
}

/// The key of a zone's serial and counts.
pub(crate) fn state(origin: &Name) -> Vec<u8> {
    [b"state/", origin.wire()].concat()
}

/// The start of the keys of a zone's imports; then comes the source.
pub(crate) fn imports(origin: &Name) -> Vec<u8> {
    [IMPORTS, origin.wire()].concat()
}

/// The start of the keys of a zone's frozen sources; then comes the source.
pub(crate) fn frozen(origin: &Name) -> Vec<u8> {
    [FROZEN, origin.wire()].concat()
}

/// A zone's id. Never used again, even when a zone of the same name is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ZoneId(pub(crate) u32);

/// A segment's id; a higher one is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SegmentId(pub(crate) u32);

/// Where the rows of a segment lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SegmentKey {
    pub(crate) zone: ZoneId,
    pub(crate) segment: SegmentId,
}

/// Blocks of plain IPv4 addresses; before all rows.
const HOSTS: u8 = 3;
const V4: u8 = 4;
const V6: u8 = 6;
const DOMAIN: u8 = 16;

impl SegmentKey {
    /// How many bytes a segment's key has.
    pub(crate) const LEN: usize = 8;

    pub(crate) fn bytes(self) -> [u8; Self::LEN] {
        (u64::from(self.zone.0) << 32 | u64::from(self.segment.0)).to_be_bytes()
    }

    /// The first key after all rows of the segment.
    pub(crate) fn end(self) -> [u8; Self::LEN] {
        let key = u64::from(self.zone.0) << 32 | u64::from(self.segment.0);
        key.saturating_add(1).to_be_bytes()
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        let head = bytes.first_chunk::<8>();
        let key =
            head.ok_or_else(|| StoreError::unreadable("segment key", format!("{bytes:x?}")))?;
        let key = u64::from_be_bytes(*key);
        Ok(Self { zone: ZoneId((key >> 32) as u32), segment: SegmentId(key as u32) })
    }

    /// The key of the block of the plain IPv4 addresses of a /16.
    pub(crate) fn hosts(self, net: u16) -> [u8; Self::LEN + 3] {
        let mut key = [HOSTS; Self::LEN + 3];
        key[..Self::LEN].copy_from_slice(&self.bytes());
        key[Self::LEN + 1..].copy_from_slice(&net.to_be_bytes());
        key
    }

    /// The first key behind the blocks, where the rows begin.
    pub(crate) fn rows(self) -> Vec<u8> {
        self.row(&[HOSTS + 1])
    }

    /// The key of a subject's row.
    pub(crate) fn row(self, subject: &[u8]) -> Vec<u8> {
        [&self.bytes(), subject].concat()
    }
}

/// The key of a row that expires.
pub(crate) fn expiry(at: u64, row: &[u8]) -> Vec<u8> {
    [&at.to_be_bytes(), row].concat()
}

/// The first key of rows of a zone that expire at a second.
pub(crate) fn expiry_in(at: u64, zone: ZoneId) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&at.to_be_bytes());
    key[8..].copy_from_slice(&zone.0.to_be_bytes());
    key
}

/// The first key of rows that have not expired at a second.
pub(crate) fn expiry_after(now: UnixTime) -> [u8; 8] {
    now.0.saturating_add(1).to_be_bytes()
}

/// A row that expires.
pub(crate) struct Expiry<'a> {
    pub(crate) at: UnixTime,
    pub(crate) segment: SegmentKey,
    pub(crate) subject: &'a [u8],
}

/// Reads what [`expiry`] wrote.
pub(crate) fn read_expiry(bytes: &[u8]) -> Result<Expiry<'_>, StoreError> {
    let unreadable = || StoreError::unreadable("expiry", format!("{bytes:x?}"));
    let (at, row) = bytes.split_first_chunk::<8>().ok_or_else(unreadable)?;
    let subject = row.get(SegmentKey::LEN..).ok_or_else(unreadable)?;
    let at = UnixTime(u64::from_be_bytes(*at));
    Ok(Expiry { at, segment: SegmentKey::read(row)?, subject })
}

/// The /16 of a block's key.
pub(crate) fn read_hosts(bytes: &[u8]) -> Result<u16, StoreError> {
    match bytes.get(SegmentKey::LEN..) {
        Some(&[HOSTS, high, low]) => Ok(u16::from_be_bytes([high, low])),
        _ => Err(StoreError::unreadable("block key", format!("{bytes:x?}"))),
    }
}

/// The bytes of an IPv4 address as a subject.
pub(crate) type HostKey = [u8; 6];

/// An IPv4 address as it stands in keys.
pub(crate) fn host(addr: u32) -> HostKey {
    let [a, b, c, d] = addr.to_be_bytes();
    [V4, a, b, c, d, 32]
}

/// The first (0) or last (255) key of all IPv4 prefixes that begin with an octet.
pub(crate) fn v4(first: u8, rest: u8) -> Vec<u8> {
    vec![V4, first, rest, rest, rest, rest]
}

/// The first key behind those of IPv4.
pub(crate) fn behind_v4() -> Vec<u8> {
    vec![V4 + 1]
}

/// The IPv4 address that a subject is, if it is one.
pub(crate) fn read_host(subject: &[u8]) -> Option<u32> {
    match *subject {
        [V4, a, b, c, d, 32] => Some(u32::from_be_bytes([a, b, c, d])),
        _ => None,
    }
}

/// The first IPv4 address whose key is not before `from`.
pub(crate) fn first_host(from: &[u8]) -> Option<u32> {
    match *from {
        [V4, a, b, c, d, len, ref behind @ ..] => {
            let addr = u32::from_be_bytes([a, b, c, d]);
            let is_behind = len > 32 || (len == 32 && !behind.is_empty());
            if is_behind { addr.checked_add(1) } else { Some(addr) }
        }
        [tag, ..] if tag > V4 => None,
        _ => Some(0),
    }
}

/// How many addresses there are, counted from 0.0.0.0, whose keys are before this one.
pub(crate) fn hosts_before(key: &[u8]) -> u64 {
    first_host(key).map_or(1 << 32, u64::from)
}

/// The order in which the store has subjects: what one covers comes behind it.
pub fn compare_subjects(one: &Subject, other: &Subject) -> Ordering {
    subject(one).cmp(&subject(other))
}

/// A subject as it stands in keys: what it covers comes behind it.
pub(crate) fn subject(subject: &Subject) -> Vec<u8> {
    match subject {
        Subject::V4(net) => net_bytes(V4, &net.network().octets(), net.prefix_len()),
        Subject::V6(net) => net_bytes(V6, &net.network().octets(), net.prefix_len()),
        Subject::Domain(domain) => domain_bytes(domain),
    }
}

fn net_bytes(tag: u8, octets: &[u8], len: u8) -> Vec<u8> {
    [&[tag], octets, &[len]].concat()
}

/// Labels from the right, each closed by a zero byte; `*` as the last for all names below.
fn domain_bytes(domain: &DomainSubject) -> Vec<u8> {
    let labels: Vec<&[u8]> = domain.name().labels().collect();
    let mut bytes = vec![DOMAIN];
    for label in labels.into_iter().rev().chain(domain.is_wildcard().then_some(b"*".as_slice())) {
        bytes.extend(label);
        bytes.push(0);
    }
    bytes
}

/// Reads what [`subject`] wrote.
pub(crate) fn read_subject(bytes: &[u8]) -> Result<Subject, StoreError> {
    let unreadable = || StoreError::unreadable("subject", format!("{bytes:x?}"));
    match bytes {
        [V4, addr @ .., len] => {
            let addr: [u8; 4] = addr.try_into().map_err(|_| unreadable())?;
            let net = Ipv4Net::new(Ipv4Addr::from(addr), *len).map_err(|_| unreadable())?;
            Ok(Subject::from_net(IpNet::V4(net)))
        }
        [V6, addr @ .., len] => {
            let addr: [u8; 16] = addr.try_into().map_err(|_| unreadable())?;
            let net = Ipv6Net::new(Ipv6Addr::from(addr), *len).map_err(|_| unreadable())?;
            Ok(Subject::from_net(IpNet::V6(net)))
        }
        [DOMAIN, labels @ .., 0] => read_domain(labels),
        _ => Err(unreadable()),
    }
}

fn read_domain(bytes: &[u8]) -> Result<Subject, StoreError> {
    let mut labels: Vec<&[u8]> = bytes.split(|&byte| byte == 0).collect();
    let wildcard = labels.pop_if(|label| *label == b"*").is_some();
    let name = Name::from_labels(labels.into_iter().rev());
    let name = name.map_err(|err| StoreError::unreadable("subject", err))?;
    let domain = if wildcard { DomainSubject::below(name)? } else { DomainSubject::exact(name)? };
    Ok(Subject::Domain(domain))
}

/// The range of keys that holds everything `subject` covers, wider prefixes at its start too.
pub(crate) fn covered_range(subject: &Subject) -> (Vec<u8>, Vec<u8>) {
    match subject {
        Subject::V4(net) => (
            net_bytes(V4, &net.network().octets(), 0),
            net_bytes(V4, &net.broadcast().octets(), u8::MAX),
        ),
        Subject::V6(net) => (
            net_bytes(V6, &net.network().octets(), 0),
            net_bytes(V6, &net.broadcast().octets(), u8::MAX),
        ),
        Subject::Domain(domain) => {
            let start = domain_bytes(&strip_wildcard(domain));
            let mut end = start.clone();
            end.push(u8::MAX);
            (start, end)
        }
    }
}

fn strip_wildcard(domain: &DomainSubject) -> DomainSubject {
    DomainSubject::exact(domain.name().clone()).unwrap_or_else(|_| domain.clone())
}

#[cfg(test)]
mod tests {
    use dnsbl_types::Subject;

    use super::{covered_range, first_host, host, read_host, read_subject, subject};

    #[test]
    fn an_address_is_found_from_every_key_before_it() {
        let addr = 0xc000_0201;
        let of = |text: &str| subject(&text.parse().unwrap());
        assert_eq!(host(addr).as_slice(), of("192.0.2.1"));
        assert_eq!(read_host(&of("192.0.2.1")), Some(addr));
        assert_eq!(read_host(&of("192.0.2.0/24")), None);
        assert_eq!(first_host(&[]), Some(0));
        assert_eq!(first_host(&of("192.0.2.1")), Some(addr));
        assert_eq!(first_host(&of("192.0.2.0/24")), Some(0xc000_0200));
        assert_eq!(first_host(&covered_range(&"192.0.2.1".parse().unwrap()).1), Some(addr + 1));
        assert_eq!(first_host(&of("2001:db8::1")), None);
    }

    #[test]
    fn every_subject_survives_its_key() {
        for text in [
            "192.0.2.1",
            "0.0.0.0/1",
            "2001:db8::/32",
            "::1",
            "example.com",
            "*.a.example.com",
            "*.com",
        ] {
            let subject_: Subject = text.parse().unwrap();
            assert_eq!(read_subject(&subject(&subject_)).unwrap(), subject_, "{text}");
        }
    }

    #[test]
    fn keys_that_nobody_wrote_are_refused() {
        for bytes in [&[][..], &[4], &[4, 1, 2, 3, 4, 33], &[6, 1], &[16], &[16, 0], &[99, 1]] {
            assert!(read_subject(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn the_covered_range_holds_what_a_subject_covers() {
        for (wide, narrow) in [
            ("192.0.2.0/24", "192.0.2.255"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("2001:db8::/32", "2001:db8:ffff::/48"),
            ("*.example.com", "a.b.example.com"),
            ("*.example.com", "*.example.com"),
        ] {
            let (start, end) = covered_range(&wide.parse().unwrap());
            let key = subject(&narrow.parse().unwrap());
            assert!(start <= key && key <= end, "{wide} {narrow}");
        }
        let (start, end) = covered_range(&"*.example.com".parse().unwrap());
        let other = subject(&"example.community".parse().unwrap());
        assert!(!(start <= other && other <= end));
    }
}
