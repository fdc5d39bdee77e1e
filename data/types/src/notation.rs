//! The notation of subjects. What other programs write for addresses and names is recognised so that the error
//! can say what to write instead, never taken.

use std::{
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use ipnet::{IpNet, Ipv4Net};

use crate::{Subject, SubjectError, prefixes::Prefixes, subject::shorten};

/// The longest text that is looked at, in bytes: a URL with a name of full length.
const LONGEST: usize = 1000;

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        if let Some(subject) = Self::dotted_quad(text.as_bytes()) {
            return Ok(subject);
        }
        if let Ok(addr) = text.parse::<IpAddr>() {
            return Ok(Self::host(addr));
        }
        match Self::parse_other(text) {
            // Octets and a dash would pass for a domain.
            Ok(domain) if !text.bytes().next().is_some_and(|c| c.is_ascii_digit()) => Ok(domain),
            // This one says more.
            Err(err @ SubjectError::HostBits { .. }) => Err(err),
            parsed => explain(text).map_or(parsed, Err),
        }
    }
}

/// What is wrong with a text that is no subject, where that can be told; a text that would pass for a
/// domain but is none too.
fn explain(text: &str) -> Option<SubjectError> {
    if text.len() > LONGEST {
        return None;
    }
    url(text)
        .or_else(|| leading_dot(text))
        .or_else(|| range(text))
        .or_else(|| mask(text))
        .or_else(|| short(text))
        .or_else(|| value(text))
}

fn url(text: &str) -> Option<SubjectError> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let is_url = match scheme {
        Some(scheme) => !scheme.is_empty() && scheme.bytes().all(|c| c.is_ascii_alphanumeric()),
        None => rest.contains('/') && is_name(host),
    };
    (is_url && host.parse::<Subject>().is_ok())
        .then(|| SubjectError::Url { given: shorten(text), host: shorten(host) })
}

/// A name that holds a letter and a dot, and does not end in a number.
fn is_name(text: &str) -> bool {
    let subject = text.parse::<Subject>();
    text.contains('.') && matches!(subject, Ok(Subject::Domain(domain)) if !domain.is_wildcard())
}

fn leading_dot(text: &str) -> Option<SubjectError> {
    let name = text.strip_prefix('.').filter(|name| !name.starts_with('.'))?;
    match name.parse::<Subject>() {
        Ok(Subject::Domain(domain)) if !domain.is_wildcard() => {
            Some(SubjectError::LeadingDot { name: domain.name().to_string() })
        }
        _ => None,
    }
}

fn range(text: &str) -> Option<SubjectError> {
    let dashes = ["-", "–", "—", "..", "~"];
    let (first, last) = dashes.iter().find_map(|dash| {
        let (first, last) = text.split_once(dash)?;
        let first = first.trim().parse::<IpAddr>().ok()?;
        Some((first, last.trim_matches(['.', ' '])))
    })?;
    let given = shorten(text);
    match last_of(first, last) {
        Some(last) => Some(SubjectError::Range { given, prefixes: Prefixes::of(first, last) }),
        None if last.bytes().all(|c| c.is_ascii_digit() || c == b'.') => {
            Some(SubjectError::Prefix(given))
        }
        None => None,
    }
}

/// The last address of a range; of IPv4 its last octets alone will do.
fn last_of(first: IpAddr, last: &str) -> Option<IpAddr> {
    match (first, last.parse()) {
        (IpAddr::V4(first), Ok(IpAddr::V4(last))) => (first <= last).then_some(IpAddr::V4(last)),
        (IpAddr::V6(first), Ok(IpAddr::V6(last))) => (first <= last).then_some(IpAddr::V6(last)),
        (IpAddr::V4(first), Err(_)) => {
            let given = octets(last).filter(|given| given.len() < 4)?;
            let mut octets = first.octets();
            octets[4 - given.len()..].copy_from_slice(&given);
            let last = Ipv4Addr::from(octets);
            (first <= last).then_some(IpAddr::V4(last))
        }
        _ => None,
    }
}

/// An address and a netmask, or what routers call a wildcard mask.
fn mask(text: &str) -> Option<SubjectError> {
    let (addr, mask) = text.split_once('/')?;
    let addr: Ipv4Addr = addr.trim().parse().ok()?;
    let mask: Ipv4Addr = mask.trim().parse().ok()?;
    let len = [mask.to_bits(), !mask.to_bits()]
        .into_iter()
        .find(|mask| mask.leading_ones() + mask.trailing_zeros() == 32)?
        .leading_ones();
    let prefix = Ipv4Net::new(addr, len as u8).ok()?.trunc();
    Some(SubjectError::Notation { given: shorten(text), prefix: prefix.into() })
}

/// Fewer than four octets, as rbldnsd and Sendmail write prefixes; `1.2.3.*` as well.
fn short(text: &str) -> Option<SubjectError> {
    let (octets_text, len) = match text.split_once('/') {
        Some((octets, len)) => (octets, Some(len.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let mut cut = octets_text;
    while let Some(shorter) = cut.strip_suffix(".*") {
        cut = shorter;
    }
    let given = octets(cut.strip_suffix('.').unwrap_or(cut)).filter(|given| given.len() < 4)?;
    // A number alone may be anything.
    if given.len() < 2 && len.is_none() && cut.len() == octets_text.len() {
        return None;
    }
    let mut octets = [0; 4];
    octets[..given.len()].copy_from_slice(&given);
    let len = len.unwrap_or(given.len() as u8 * 8);
    let prefix = Ipv4Net::new(octets.into(), len).ok()?.trunc();
    Some(SubjectError::Notation { given: shorten(text), prefix: IpNet::V4(prefix) })
}

/// One to four numbers up to 255 with dots in between.
fn octets(text: &str) -> Option<Vec<u8>> {
    let octets: Vec<u8> = text
        .split('.')
        .map(|octet| {
            let plain = octet == "0" || !octet.starts_with(['0', '+']);
            octet.parse().ok().filter(|_| plain)
        })
        .collect::<Option<_>>()?;
    (octets.len() <= 4).then_some(octets)
}

/// A subject and rbldnsd's `:code:text`, without a blank between them.
fn value(text: &str) -> Option<SubjectError> {
    let (subject, value) = text.split_once(':')?;
    let is_value = value.contains(':') || value.starts_with("127.");
    let is_subject = subject.parse::<Ipv4Addr>().is_ok() || is_name(subject);
    (is_value && is_subject)
        .then(|| SubjectError::Value { given: shorten(text), subject: shorten(subject) })
}

#[cfg(test)]
mod tests {
    use crate::{Subject, SubjectError};

    #[track_caller]
    fn says(text: &str, part: &str) {
        let err = text.parse::<Subject>().unwrap_err().to_string();
        assert!(err.contains(part), "{text}: {err}");
    }

    /// Field case 2; newcomer A1: 192.0.2.100-110 was taken for a domain.
    #[test]
    fn a_range_is_told_with_its_prefixes() {
        says("192.0.2.8-192.0.2.15", "a range; its prefixes are 192.0.2.8/29");
        says("192.0.2.100-110", "192.0.2.100/30, 192.0.2.104/30, 192.0.2.108/31, 192.0.2.110/32");
        says("192.0.2.1-255", "and 4 more");
        says("192.0.2.8–192.0.2.15", "192.0.2.8/29");
        says("192.0.2.8..192.0.2.15", "192.0.2.8/29");
        says("192.0.2.0-.3.255", "192.0.2.0/23");
        says("2001:db8::-2001:db8::ff", "2001:db8::/120");
        for text in ["192.0.2.9-8", "192.0.2.8-300"] {
            assert!(text.parse::<Subject>().is_err(), "{text}");
        }
        for text in ["192.0.2.1-static.example.net", "192-0-2-1.example.net", "1-2.example"] {
            assert!(matches!(text.parse(), Ok(Subject::Domain(_))), "{text}");
        }
    }

    #[test]
    fn other_ways_to_write_a_prefix_are_told_with_ours() {
        for (text, prefix) in [
            ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
            ("192.0.2.4/255.255.255.0", "192.0.2.0/24"),
            ("192.0.2.0/0.0.0.255", "192.0.2.0/24"),
            ("45.155.205/24", "45.155.205.0/24"),
            ("198.51.100", "198.51.100.0/24"),
            ("198.51.100.", "198.51.100.0/24"),
            ("198.51.100.*", "198.51.100.0/24"),
            ("198.51.*.*", "198.51.0.0/16"),
            ("10/8", "10.0.0.0/8"),
        ] {
            says(text, &format!("write {prefix}"));
        }
        for text in ["192.0.2.0/255.0.255.0", "1.2.3.256", "198.51.100.*/24x"] {
            assert!(text.parse::<Subject>().is_err(), "{text}");
        }
    }

    /// Field case 15.
    #[test]
    fn a_leading_dot_is_told_with_what_it_means_elsewhere() {
        says(".dotted.example.com", "\".dotted.example.com\"");
        says(".dotted.example.com", "*.dotted.example.com");
    }

    #[test]
    fn urls_and_values_are_told() {
        for text in [
            "http://bad.example.com/x?y",
            "hxxp://bad.example.com",
            "https://u:p@bad.example.com:8443/",
            "bad.example.com/login",
        ] {
            says(text, "a URL; the host in it is bad.example.com");
        }
        says("http://192.0.2.7/x", "192.0.2.7");
        says("192.0.2.10:127.0.0.3:Spam source $", "value");
        says("192.0.2.12:4:Dynamic", "value");
        says("bad.example.org:127.0.1.5:Phish", "value");
        says("192.0.2.1:25", "leave brackets, ports");
    }

    #[test]
    fn what_reads_as_an_address_after_idna_is_no_domain() {
        for text in ["１９２.0.2.1", "192。0。2。1", "1.2.3.４"] {
            let read = text.parse::<Subject>();
            assert!(matches!(read, Err(SubjectError::Prefix(_))), "{text}: {read:?}");
        }
    }
}
