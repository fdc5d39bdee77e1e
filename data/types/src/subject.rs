//! Subjects: what is listed.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::{Name, NameError, prefixes::Prefixes};

/// The subject of a listing: an address, a prefix or a domain, in its one canonical form.
///
/// `::ffff:a.b.c.d` is IPv4, host bits are zero, names are lower-case A-labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An IPv4 prefix; an address is a /32.
    V4(Ipv4Net),
    /// An IPv6 prefix; an address is a /128. Never inside `::ffff:0:0/96`.
    V6(Ipv6Net),
    /// A domain, or all names below one.
    Domain(DomainSubject),
}

/// A domain, or all names below one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainSubject {
    /// The domain; not the root.
    name: Name,
    /// `*.name`: every name below it, not the name itself.
    wildcard: bool,
}

/// A text that is no subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// Bits behind the prefix length are set.
    #[error("{given} has host bits set; the prefix is {prefix}")]
    HostBits {
        /// As typed.
        given: String,
        /// The same prefix without host bits.
        prefix: IpNet,
    },
    /// A prefix as others write it.
    #[error("{given:?} is not how a prefix is written here; write {prefix}")]
    Notation {
        /// As typed.
        given: String,
        /// The same prefix as it is written here.
        prefix: IpNet,
    },
    /// A first and a last address.
    #[error("{given:?} is a range; its prefixes are {prefixes}")]
    Range {
        /// As typed.
        given: String,
        /// What makes it up.
        prefixes: Prefixes,
    },
    /// A subject with rbldnsd's value behind it.
    #[error("{given:?} is {subject} with a value of rbldnsd behind it")]
    Value {
        /// As typed.
        given: String,
        /// The part that is a subject.
        subject: String,
    },
    /// rbldnsd's way to write a name and all names below it.
    #[error(
        "\".{name}\" begins with a dot: write {name} for the name itself, and *.{name} for all names below it"
    )]
    LeadingDot {
        /// The name without the dot.
        name: String,
    },
    /// A URL.
    #[error("{given:?} is a URL; the host in it is {host}")]
    Url {
        /// As typed.
        given: String,
        /// The host in it.
        host: String,
    },
    /// It looks like an address or a prefix but is none.
    #[error("{0:?} is not an address or prefix")]
    Prefix(String),
    /// It is no address and no domain name.
    #[error("not an address, and not a domain: {0}")]
    Name(#[from] NameError),
    /// The root of the DNS.
    #[error("the root is not a subject")]
    Root,
    /// An address with a zone identifier, brackets or a port.
    #[error("{0:?} is not an address; leave brackets, ports and scope identifiers out")]
    Decorated(String),
}

impl Subject {
    /// One address.
    pub fn host(addr: IpAddr) -> Self {
        Self::from_net(IpNet::from(addr))
    }

    /// A prefix; bits behind its length are dropped.
    pub fn from_net(net: IpNet) -> Self {
        match net.trunc() {
            IpNet::V4(net) => Self::V4(net),
            IpNet::V6(net) => match (net.addr().to_ipv4_mapped(), net.prefix_len().checked_sub(96))
            {
                (Some(v4), Some(len)) => Self::V4(Ipv4Net::new_assert(v4, len)),
                _ => Self::V6(net),
            },
        }
    }

    /// The prefix, unless this is a domain.
    pub fn net(&self) -> Option<IpNet> {
        match self {
            Self::V4(net) => Some((*net).into()),
            Self::V6(net) => Some((*net).into()),
            Self::Domain(_) => None,
        }
    }

    /// The subject that covers this one and is one step wider, `None` at the widest.
    pub fn parent(&self) -> Option<Self> {
        match self {
            Self::V4(net) => net.supernet().map(Self::V4),
            Self::V6(net) => net.supernet().map(Self::V6),
            Self::Domain(domain) => domain.parent().map(Self::Domain),
        }
    }

    /// Whether every query that `other` answers falls under this subject.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::V4(a), Self::V4(b)) => a.contains(b),
            (Self::V6(a), Self::V6(b)) => a.contains(b),
            (Self::Domain(a), Self::Domain(b)) => a.covers(b),
            _ => false,
        }
    }

    /// An IPv4 address, if that is what the whole text is: four numbers from 0 to 255 without leading
    /// zeros. Most lists are made of these; [`str::parse`] takes them too, and everything else.
    pub fn dotted_quad(text: &[u8]) -> Option<Self> {
        let mut octets = [0; 4];
        let mut rest = text;
        for (i, octet) in octets.iter_mut().enumerate() {
            if i > 0 {
                rest = rest.strip_prefix(b".")?;
            }
            (*octet, rest) = split_octet(rest)?;
        }
        rest.is_empty().then(|| Ipv4Addr::from(octets).into())
    }

    /// Reads what is not an address alone.
    pub(crate) fn parse_other(text: &str) -> Result<Self, SubjectError> {
        if text.contains('/') {
            return Self::parse_net(text);
        }
        if text.contains([':', '[', '%']) {
            return Err(SubjectError::Decorated(shorten(text)));
        }
        if looks_like_ipv4(text) {
            return Err(SubjectError::Prefix(shorten(text)));
        }
        let domain: DomainSubject = text.parse()?;
        // Digits of other scripts become ours by IDNA.
        let top = domain.name.labels().last().unwrap_or_default();
        if top.iter().all(u8::is_ascii_digit) {
            return Err(SubjectError::Prefix(shorten(text)));
        }
        Ok(Self::Domain(domain))
    }

    fn parse_net(text: &str) -> Result<Self, SubjectError> {
        let net: IpNet = text.parse().map_err(|_| SubjectError::Prefix(shorten(text)))?;
        if net.addr() != net.network() {
            return Err(SubjectError::HostBits { given: shorten(text), prefix: net.trunc() });
        }
        Ok(Self::from_net(net))
    }
}

impl From<Ipv4Addr> for Subject {
    fn from(addr: Ipv4Addr) -> Self {
        Self::V4(addr.into())
    }
}

impl From<Ipv6Addr> for Subject {
    fn from(addr: Ipv6Addr) -> Self {
        Self::host(addr.into())
    }
}

impl fmt::Display for Subject {
    /// Addresses without a length, IPv6 as RFC 5952 writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(net) if net.prefix_len() == 32 => net.addr().fmt(f),
            Self::V4(net) => net.fmt(f),
            Self::V6(net) if net.prefix_len() == 128 => net.addr().fmt(f),
            Self::V6(net) => net.fmt(f),
            Self::Domain(domain) => domain.fmt(f),
        }
    }
}

impl DomainSubject {
    /// `name` itself.
    ///
    /// # Errors
    /// `name` is the root.
    pub fn exact(name: Name) -> Result<Self, SubjectError> {
        Self::new(name, false)
    }

    /// Every name below `name`.
    ///
    /// # Errors
    /// `name` is the root.
    pub fn below(name: Name) -> Result<Self, SubjectError> {
        Self::new(name, true)
    }

    fn new(name: Name, wildcard: bool) -> Result<Self, SubjectError> {
        if name.is_root() { Err(SubjectError::Root) } else { Ok(Self { name, wildcard }) }
    }

    /// The domain, without `*.`.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Whether this is `*.name`.
    pub fn is_wildcard(&self) -> bool {
        self.wildcard
    }

    /// The next wider wildcard.
    fn parent(&self) -> Option<Self> {
        let mut labels = self.name.labels();
        labels.next();
        let name = Name::from_labels(labels).ok()?;
        (!name.is_root()).then_some(Self { name, wildcard: true })
    }

    fn covers(&self, other: &Self) -> bool {
        let below = other.name.strip_suffix(&self.name).map(|labels| !labels.is_empty());
        match (self.wildcard, below) {
            (_, None) => false,
            (false, Some(below)) => !below && !other.wildcard,
            (true, Some(below)) => below || other.wildcard,
        }
    }
}

impl FromStr for DomainSubject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        match text.strip_prefix("*.") {
            Some(name) => Self::below(name.parse()?),
            None => Self::exact(text.parse()?),
        }
    }
}

impl fmt::Display for DomainSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.wildcard { "*." } else { "" };
        write!(f, "{star}{}", self.name)
    }
}

/// A number from 0 to 255 without leading zeros, and what follows it.
fn split_octet(text: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |i: usize| text.get(i).map(|c| c.wrapping_sub(b'0')).filter(|digit| *digit <= 9);
    let first = digit(0)?;
    let Some(second) = digit(1).filter(|_| first > 0) else {
        return Some((first, &text[1..]));
    };
    let two = first * 10 + second;
    let Some(third) = digit(2) else {
        return Some((two, &text[2..]));
    };
    Some((two.checked_mul(10)?.checked_add(third)?, &text[3..]))
}

/// All digits and dots: a mistyped address rather than a domain.
fn looks_like_ipv4(text: &str) -> bool {
    let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    !last.is_empty() && last.bytes().all(|c| c.is_ascii_digit())
}

pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::{Subject, SubjectError};

    fn subject(text: &str) -> Subject {
        text.parse().unwrap_or_else(|err| panic!("{text}: {err}"))
    }

    #[test]
    fn every_subject_has_one_canonical_text() {
        for (typed, canonical) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1/32", "192.0.2.1"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("2001:DB8:0:0::1", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::ffff:c000:200/120", "192.0.2.0/24"),
            ("Spam.Example.", "spam.example"),
            ("*.Example.com", "*.example.com"),
        ] {
            assert_eq!(subject(typed).to_string(), canonical, "{typed}");
            assert_eq!(subject(canonical), subject(typed));
        }
    }

    #[test]
    fn host_bits_are_refused_with_the_prefix_that_was_meant() {
        let err = "192.0.2.1/24".parse::<Subject>().unwrap_err();
        assert_eq!(err.to_string(), "192.0.2.1/24 has host bits set; the prefix is 192.0.2.0/24");
    }

    #[test]
    fn what_is_no_subject_is_refused() {
        for text in [
            "",
            ".",
            "*.",
            "1.2.3",
            "1.2.3.256",
            "01.2.3.4",
            "1.2.3.4/33",
            "fe80::1%eth0",
            "[::1]",
            "a b",
            "a/b",
        ] {
            assert!(text.parse::<Subject>().is_err(), "{text:?}");
        }
        assert_eq!("*..".parse::<Subject>().unwrap_err(), SubjectError::Root);
    }

    #[test]
    fn a_wildcard_covers_names_below_but_not_the_name() {
        assert!(subject("*.example.com").covers(&subject("a.example.com")));
        assert!(subject("*.example.com").covers(&subject("*.a.example.com")));
        assert!(subject("*.example.com").covers(&subject("*.example.com")));
        assert!(!subject("*.example.com").covers(&subject("example.com")));
        assert!(!subject("example.com").covers(&subject("a.example.com")));
        assert!(subject("192.0.2.0/24").covers(&subject("192.0.2.7")));
    }

    #[test]
    fn parents_lead_to_the_widest_subject() {
        let parents = |text| std::iter::successors(Some(subject(text)), Subject::parent).count();
        assert_eq!(parents("192.0.2.1"), 33);
        assert_eq!(parents("2001:db8::1"), 129);
        assert_eq!(parents("a.b.example"), 3);
    }

    fn by_std(text: &str) -> Option<Subject> {
        text.parse::<Ipv4Addr>().ok().map(Subject::from)
    }

    proptest! {
        #[test]
        fn a_dotted_quad_is_what_the_standard_library_takes_for_one(
            text in r"([0-9]{1,4}|25[0-9])(\.([0-9]{1,3}|0|25[0-9])){2,4}[./ a-z0-9]?",
        ) {
            prop_assert_eq!(Subject::dotted_quad(text.as_bytes()), by_std(&text));
        }

        #[test]
        fn every_address_is_a_dotted_quad(addr in any::<Ipv4Addr>()) {
            let text = addr.to_string();
            prop_assert_eq!(Subject::dotted_quad(text.as_bytes()), Some(addr.into()));
        }

        #[test]
        fn what_is_no_dotted_quad_for_one_is_none_for_the_other(text in "[0-9.: ]{0,16}|\\PC{0,16}") {
            prop_assert_eq!(Subject::dotted_quad(text.as_bytes()), by_std(&text));
        }
    }
}
