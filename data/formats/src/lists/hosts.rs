//! Hosts files that lead names nowhere, so that nobody reaches them.

use std::net::IpAddr;

use dnsbl_types::Subject;

use super::{
    entry::Entry,
    error::ListError,
    words::{content, shown},
};

/// Names that every hosts file has.
const OWN: [&str; 12] = [
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost6",
    "local",
    "broadcasthost",
    "ip6-localhost",
    "ip6-loopback",
    "ip6-localnet",
    "ip6-mcastprefix",
    "ip6-allnodes",
    "ip6-allrouters",
];

/// An address that leads nowhere, and names; or a name alone.
pub(super) fn line(line: &str) -> Result<Option<Entry>, ListError> {
    let Some(text) = content(line) else { return Ok(None) };
    let text = text.split('#').next().unwrap_or_default();
    let mut words = text.split_ascii_whitespace();
    let Some(first) = words.next() else { return Ok(None) };
    let names: Vec<&str> = match first.split('%').next().unwrap_or_default().parse::<IpAddr>() {
        Ok(addr) => {
            let names: Vec<&str> = words.filter(|name| !is_own(name, addr)).collect();
            if !leads_nowhere(addr) && !names.is_empty() {
                return Err(ListError::Leads(shown(first)));
            }
            names
        }
        Err(_) => match words.next() {
            None => vec![first],
            Some(rest) => return Err(ListError::Rest(shown(rest))),
        },
    };
    let subjects = names.into_iter().map(name).collect::<Result<Vec<_>, _>>()?;
    Ok((!subjects.is_empty()).then(|| Entry::listed(subjects)))
}

fn name(text: &str) -> Result<Subject, ListError> {
    match text.parse()? {
        Subject::Domain(domain) if !domain.is_wildcard() => Ok(Subject::Domain(domain)),
        _ => Err(ListError::Rest(shown(text))),
    }
}

fn leads_nowhere(addr: IpAddr) -> bool {
    addr.is_unspecified() || addr.to_canonical().is_loopback()
}

/// The machine's own name, or the address by its own.
fn is_own(name: &str, addr: IpAddr) -> bool {
    let is_own = OWN.iter().chain(&["ip6-allhosts"]).any(|own| own.eq_ignore_ascii_case(name));
    is_own || name.parse() == Ok(addr)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Result<Vec<String>, String> {
        let entry = line(text).map_err(|err| err.to_string())?;
        Ok(entry.into_iter().flat_map(|entry| entry.subjects).map(|s| s.to_string()).collect())
    }

    /// Field case 13.
    #[test]
    fn names_that_lead_nowhere_are_listed_and_the_machines_own_are_not() {
        for (text, expected) in [
            ("0.0.0.0 bad.example.com", &["bad.example.com"] as &[&str]),
            ("127.0.0.1\tbad.example.net # why", &["bad.example.net"]),
            (":: a.example b.example", &["a.example", "b.example"]),
            ("worse.example.org", &["worse.example.org"]),
            ("127.0.0.1 localhost", &[]),
            ("::1 localhost ip6-localhost ip6-loopback", &[]),
            ("fe80::1%lo0 localhost", &[]),
            ("255.255.255.255 broadcasthost", &[]),
            ("ff02::3 ip6-allhosts", &[]),
            ("0.0.0.0 0.0.0.0", &[]),
            ("# 0.0.0.0 bad.example.com", &[]),
            ("", &[]),
        ] {
            assert_eq!(listed(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_line_that_leads_a_name_somewhere_lists_nothing() {
        for text in [
            "192.0.2.1 good.example.com",
            "0.0.0.0 192.0.2.1",
            "0.0.0.0 *.example.com",
            "0.0.0.0 good.example.com bad/example",
            "bad.example.com 0.0.0.0",
            ".example.com",
        ] {
            assert!(listed(text).is_err(), "{text}");
        }
    }
}
