//! Guards against listings that can hardly be meant (RFC 6471 section 3.5).

use std::{fmt, net::Ipv4Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use psl::Psl as _;

use crate::{DomainSubject, Subject};

/// A rule that a subject breaks, and that an operator may lift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guard {
    /// Addresses and names that do not send mail over the Internet.
    SpecialUse,
    /// Prefixes shorter than /8 (IPv4) or /19 (IPv6), and domains of a single label.
    ShortPrefix,
    /// Domains of two labels and more below which everybody may register names, such as `co.uk`, and all
    /// names below one (<https://publicsuffix.org>, both of its sections).
    PublicSuffix,
}

/// A subject that may not be listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// The whole address space, 127.0.0.1 or `invalid`: a list that has them is broken.
    #[error(
        "{0} is never listed: clients take a list that has it for broken (RFC 5782 section 5, RFC 6471 section 3.4)"
    )]
    Never(Subject),
    /// It lies in, or holds, space that is not used on the Internet.
    #[error("{subject} overlaps the special-use {block}; {lift}")]
    SpecialUse {
        /// The subject that was to be listed.
        subject: Subject,
        /// The block or name it overlaps.
        block: String,
        /// The guards that would have to be lifted.
        lift: Lift,
    },
    /// It is very wide.
    #[error("{subject} is wider than {limit}; {lift}")]
    ShortPrefix {
        /// The subject that was to be listed.
        subject: Subject,
        /// The widest that goes without an override.
        limit: &'static str,
        /// The guards that would have to be lifted.
        lift: Lift,
    },
    /// Its names belong to many.
    #[error("{subject}: everybody may register names below the public suffix {suffix}; {lift}")]
    PublicSuffix {
        /// The subject that was to be listed.
        subject: Subject,
        /// The public suffix.
        suffix: String,
        /// The guards that would have to be lifted.
        lift: Lift,
    },
}

/// All guards that a subject breaks, so that lifting them helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lift(Vec<Guard>);

impl fmt::Display for Lift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.0.iter().map(|guard| guard.as_str()).collect();
        let words = words.join(",");
        write!(f, "override={words} (dnsblctl: --override {words}) lists it all the same")
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, len: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), len)
}

const fn v6(a: u16, b: u16, c: u16, d: u16, len: u8) -> Ipv6Net {
    Ipv6Net::new_assert(std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), len)
}

/// IANA's IPv4 special-purpose blocks that are not globally reachable, and multicast.
/// Documentation ranges are left out: examples and tests list them.
const SPECIAL_V4: [Ipv4Net; 11] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// The same for IPv6. Teredo and 6to4 are left out: mail has come from both.
const SPECIAL_V6: [Ipv6Net; 11] = [
    v6(0, 0, 0, 0, 96),
    v6(0x64, 0xff9b, 0, 0, 96),
    v6(0x64, 0xff9b, 1, 0, 48),
    v6(0x100, 0, 0, 0, 64),
    v6(0x100, 0, 0, 1, 64),
    v6(0x2001, 2, 0, 0, 48),
    v6(0x5f00, 0, 0, 0, 16),
    v6(0xfc00, 0, 0, 0, 7),
    v6(0xfe80, 0, 0, 0, 10),
    v6(0xfec0, 0, 0, 0, 10),
    v6(0xff00, 0, 0, 0, 8),
];

/// IANA's special-use domain names (RFC 6761 and later); `example` is left out, as above.
const SPECIAL_DOMAINS: [&[u8]; 8] =
    [b"alt", b"arpa", b"internal", b"invalid", b"local", b"localhost", b"onion", b"test"];

/// Whether a special-use block lies in the /8 that begins with this octet. Few do: most addresses of
/// an import need no walk through the blocks.
const SPECIAL_OCTET: [bool; 256] = {
    let mut special = [false; 256];
    let mut i = 0;
    while i < SPECIAL_V4.len() {
        let block = SPECIAL_V4[i];
        let first = block.addr().octets()[0] as usize;
        let count = if block.prefix_len() < 8 { 1 << (8 - block.prefix_len()) } else { 1 };
        let mut octet = first;
        while octet < first + count {
            special[octet] = true;
            octet += 1;
        }
        i += 1;
    }
    special
};

const SHORTEST_V4: u8 = 8;
const SHORTEST_V6: u8 = 19;

impl Guard {
    /// Every guard, in the order in which they are looked at.
    pub const ALL: [Self; 3] = [Self::ShortPrefix, Self::SpecialUse, Self::PublicSuffix];

    /// Its name, as requests and messages have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SpecialUse => "special-use",
            Self::ShortPrefix => "short-prefix",
            Self::PublicSuffix => "public-suffix",
        }
    }

    /// The guard of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guard| guard.as_str() == name)
    }

    /// Refuses a subject unless every rule that it breaks is lifted.
    ///
    /// # Errors
    /// It breaks a rule that is not lifted, or one that nobody may lift.
    pub fn check(subject: &Subject, lifted: &[Self]) -> Result<(), GuardError> {
        refuse_never(subject)?;
        let holds = |guard: &Self| !lifted.contains(guard);
        let broken = Self::ALL.into_iter().filter(holds).find_map(|guard| guard.breach(subject));
        match broken {
            None => Ok(()),
            Some(breach) => Err(breach.error(subject)),
        }
    }

    fn breach(self, subject: &Subject) -> Option<Breach> {
        match self {
            Self::ShortPrefix => wider_than(subject).map(Breach::ShortPrefix),
            Self::SpecialUse => special_use(subject).map(Breach::SpecialUse),
            Self::PublicSuffix => match subject {
                Subject::Domain(domain) => public_suffix(domain).map(Breach::PublicSuffix),
                Subject::V4(_) | Subject::V6(_) => None,
            },
        }
    }
}

/// The way in which a subject breaks a guard.
enum Breach {
    ShortPrefix(&'static str),
    SpecialUse(String),
    PublicSuffix(String),
}

impl Breach {
    fn error(self, subject: &Subject) -> GuardError {
        let broken = |guard: &Guard| guard.breach(subject).is_some();
        let lift = Lift(Guard::ALL.into_iter().filter(broken).collect());
        let subject = subject.clone();
        match self {
            Self::ShortPrefix(limit) => GuardError::ShortPrefix { subject, limit, lift },
            Self::SpecialUse(block) => GuardError::SpecialUse { subject, block, lift },
            Self::PublicSuffix(suffix) => GuardError::PublicSuffix { subject, suffix, lift },
        }
    }
}

fn refuse_never(subject: &Subject) -> Result<(), GuardError> {
    let never = match subject {
        Subject::V4(net) => net.prefix_len() == 0 || *net == v4(127, 0, 0, 1, 32),
        Subject::V6(net) => net.prefix_len() == 0,
        Subject::Domain(domain) => !domain.is_wildcard() && labels(domain) == [b"invalid"],
    };
    if never { Err(GuardError::Never(subject.clone())) } else { Ok(()) }
}

fn wider_than(subject: &Subject) -> Option<&'static str> {
    match subject {
        Subject::V4(net) if net.prefix_len() < SHORTEST_V4 => Some("/8"),
        Subject::V6(net) if net.prefix_len() < SHORTEST_V6 => Some("/19"),
        Subject::Domain(domain) if labels(domain).len() < 2 => Some("a domain of two labels"),
        _ => None,
    }
}

fn special_use(subject: &Subject) -> Option<String> {
    match subject {
        Subject::V4(net) if is_in_ordinary_octet(*net) => None,
        Subject::V4(net) => overlap(&SPECIAL_V4, *net),
        Subject::V6(net) => overlap(&SPECIAL_V6, *net),
        Subject::Domain(domain) => special_domain(domain),
    }
}

/// The public suffix that a domain is, or whose names it covers. That of a top-level domain is left to
/// the guard for single labels.
fn public_suffix(domain: &DomainSubject) -> Option<String> {
    let labels = labels(domain);
    if labels.len() < 2 {
        return None;
    }
    // A rule such as `*.ck` makes every name below a suffix, and no list of ours need have that very name.
    let below = [&b"0"[..]].into_iter().filter(|_| domain.is_wildcard());
    let below: Vec<&[u8]> = below.chain(labels.iter().copied()).collect();
    let found = is_public_suffix(&labels) || is_public_suffix(&below);
    found.then(|| domain.name().to_string())
}

fn is_public_suffix(labels: &[&[u8]]) -> bool {
    let len = labels.iter().map(|label| label.len() + 1).sum::<usize>() - 1;
    let info = psl::List.find(labels.iter().rev().copied());
    info.typ.is_some() && info.len == len
}

/// Whether it lies in a /8 that no block overlaps.
fn is_in_ordinary_octet(net: Ipv4Net) -> bool {
    let [first, ..] = net.addr().octets();
    net.prefix_len() >= 8 && !SPECIAL_OCTET[usize::from(first)]
}

fn overlap<N: Copy + Into<IpNet>>(blocks: &[N], net: N) -> Option<String> {
    let net: IpNet = net.into();
    // A wide IPv4 prefix that holds a private network would list what a mail server's own clients
    // use; the IPv6 blocks inside wider prefixes are used by nobody.
    let holds = |block: &IpNet| matches!(net, IpNet::V4(_)) && net.contains(block);
    let mut blocks = blocks.iter().map(|&block| block.into());
    blocks.find(|block: &IpNet| block.contains(&net) || holds(block)).map(|block| block.to_string())
}

fn special_domain(domain: &DomainSubject) -> Option<String> {
    let labels = labels(domain);
    let top = labels.last()?;
    SPECIAL_DOMAINS.contains(top).then(|| String::from_utf8_lossy(top).into_owned())
}

fn labels(domain: &DomainSubject) -> Vec<&[u8]> {
    domain.name().labels().collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use ipnet::Ipv4Net;
    use proptest::prelude::*;

    use super::{Guard, GuardError, SPECIAL_V4, is_in_ordinary_octet, overlap};
    use crate::Subject;

    fn check(text: &str, lifted: &[Guard]) -> Result<(), GuardError> {
        Guard::check(&text.parse::<Subject>().unwrap(), lifted)
    }

    const ALL: [Guard; 2] = [Guard::SpecialUse, Guard::ShortPrefix];

    fn error(text: &str) -> String {
        check(text, &[]).unwrap_err().to_string()
    }

    #[test]
    fn ordinary_and_documentation_subjects_pass() {
        for text in [
            "8.8.8.8",
            "192.0.2.0/24",
            "198.51.100.7",
            "203.0.113.0/24",
            "2001:db8::/32",
            "2001:db8::1",
            "2001::1",
            "2002:c000:201::/48",
            "2001::/19",
            "2a00::/19",
            "example.com",
            "*.spam.example",
            "1.0.0.0/8",
        ] {
            assert_eq!(check(text, &[]), Ok(()), "{text}");
        }
    }

    #[test]
    fn special_use_space_is_refused_unless_lifted() {
        for text in [
            "10.1.2.3",
            "127.0.0.3",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "224.0.0.1",
            "192.0.0.0/16",
            "::1",
            "fe80::1",
            "fc00::/7",
            "ff02::1",
            "host.localhost",
            "a.onion",
            "1.168.192.in-addr.arpa",
        ] {
            assert!(
                matches!(check(text, &[Guard::ShortPrefix]), Err(GuardError::SpecialUse { .. })),
                "{text}"
            );
            assert_eq!(check(text, &ALL), Ok(()), "{text}");
        }
    }

    #[test]
    fn wide_subjects_are_refused_unless_lifted() {
        for text in ["2.0.0.0/7", "2a00::/18", "com", "*.com"] {
            assert!(matches!(check(text, &[]), Err(GuardError::ShortPrefix { .. })), "{text}");
            assert_eq!(check(text, &ALL), Ok(()), "{text}");
        }
    }

    #[test]
    fn rfc6471_s3_4_the_whole_internet_is_never_listed() {
        for text in
            ["0.0.0.0/0", "::/0", "::ffff:0:0/96", "127.0.0.1", "::ffff:127.0.0.1", "invalid"]
        {
            assert!(matches!(check(text, &ALL), Err(GuardError::Never(_))), "{text}");
        }
    }

    /// Field case 26: a country was listed.
    #[test]
    fn public_suffixes_are_refused_unless_lifted() {
        for text in [
            "*.co.uk",
            "co.uk",
            "*.com.br",
            "COM.BR.",
            "*.github.io",
            "github.io",
            "*.公司.cn",
            "*.xn--55qx5d.cn",
            "*.kobe.jp",
            "*.foo.ck",
            "*.s3.amazonaws.com",
        ] {
            let refused = check(text, &ALL);
            assert!(matches!(refused, Err(GuardError::PublicSuffix { .. })), "{text}: {refused:?}");
            assert_eq!(check(text, &[Guard::PublicSuffix]), Ok(()), "{text}");
        }
        for text in [
            "*.example.co.uk",
            "example.com.br",
            "*.customer.github.io",
            "*.example.com",
            "*.spam.example",
            "kobe.jp",
            "*.city.kobe.jp",
            "*.www.ck",
            "com.example.org",
        ] {
            assert_eq!(check(text, &[]), Ok(()), "{text}");
        }
        assert_eq!(check("192.0.2.1", &[]), Ok(()));
    }

    /// Field case 13: the advice was to lift a guard that would not have helped.
    #[test]
    fn the_advice_names_all_that_must_be_lifted() {
        assert!(
            error("10.1.2.3").contains("override=special-use (dnsblctl: --override special-use)")
        );
        assert!(error("*.test").contains("override=short-prefix,special-use (dnsblctl"));
        assert!(error("com").contains("override=short-prefix (dnsblctl"));
        assert!(error("*.co.uk").contains("override=public-suffix (dnsblctl"));
        let half = check("localhost", &[Guard::ShortPrefix]).unwrap_err().to_string();
        assert!(half.contains("override=short-prefix,special-use "), "{half}");
    }

    proptest! {
        #[test]
        fn the_walk_through_the_blocks_is_left_out_only_where_it_finds_nothing(
            addr in any::<[u8; 4]>(),
            len in 0u8..=32,
        ) {
            let net = Ipv4Net::new_assert(Ipv4Addr::from(addr), len).trunc();
            prop_assert!(!is_in_ordinary_octet(net) || overlap(&SPECIAL_V4, net).is_none());
        }
    }

    #[test]
    fn an_octet_without_a_block_needs_no_walk_and_any_other_does() {
        for octet in 0..=255 {
            let net = Ipv4Net::new_assert(Ipv4Addr::new(octet, 0, 0, 0), 8);
            let found = overlap(&SPECIAL_V4, net).is_some();
            assert_eq!(!is_in_ordinary_octet(net), found, "{net}");
        }
    }
}
