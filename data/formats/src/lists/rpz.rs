//! Response policy zones: records that deny names (draft-vixie-dnsop-dns-rpz).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dnsbl_types::Subject;
use ipnet::IpNet;

use super::{entry::Entry, error::ListError, words::shown};

/// Types of records that say nothing about names: of the zone itself, and signatures.
const OF_THE_ZONE: [&str; 10] =
    ["SOA", "NS", "DNSKEY", "DS", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "ZONEMD", "CDS"];

/// What is known of a policy zone between its lines.
#[derive(Debug, Default)]
pub(super) struct PolicyZone {
    /// The name behind relative names, with a dot at its end.
    origin: Option<String>,
    /// The zone's own name, in the same form.
    apex: Option<String>,
    /// The owner of the last record, as written.
    owner: String,
    /// Parentheses that are open.
    open: usize,
}

impl PolicyZone {
    pub(super) fn line(&mut self, line: &str) -> Result<Option<Entry>, ListError> {
        let (text, opened, closed) = bare(line);
        let goes_on = self.open > 0;
        self.open = (self.open + opened).saturating_sub(closed);
        if goes_on {
            return Ok(None);
        }
        if text.starts_with('$') {
            return self.directive(text.trim()).map(|()| None);
        }
        let has_owner = !text.starts_with([' ', '\t']);
        let mut words = text.split_ascii_whitespace().peekable();
        if has_owner && let Some(owner) = words.next() {
            self.owner = owner.to_ascii_lowercase();
        }
        let mut words = words.skip_while(|word| is_ttl(word) || word.eq_ignore_ascii_case("IN"));
        let Some(kind) = words.next() else {
            return if has_owner && !text.trim().is_empty() {
                Err(record(&text))
            } else {
                Ok(None)
            };
        };
        let kind = kind.to_ascii_uppercase();
        if kind == "SOA" {
            self.apex = self.absolute(&self.owner).or_else(|| self.origin.clone());
        }
        let is_apex = self.owner == "@" || self.apex.as_deref() == Some(self.owner.as_str());
        if is_apex || OF_THE_ZONE.contains(&kind.as_str()) {
            return Ok(None);
        }
        let (target, more) = (words.next().unwrap_or_default(), words.next());
        if kind != "CNAME" || more.is_some() || self.open > 0 {
            return Err(record(&text));
        }
        let exclusion = match target.to_ascii_lowercase().as_str() {
            "." | "*." | "rpz-drop." => false,
            "rpz-passthru." => true,
            _ => return Err(record(&text)),
        };
        let subject = subject(&self.trigger()?)?;
        Ok(Some(Entry { subjects: vec![subject], exclusion }))
    }

    fn directive(&mut self, text: &str) -> Result<(), ListError> {
        match text.split_ascii_whitespace().collect::<Vec<_>>().as_slice() {
            ["$TTL", _] => Ok(()),
            ["$ORIGIN", name] if name.ends_with('.') => {
                self.origin = Some(name.to_ascii_lowercase());
                Ok(())
            }
            _ => Err(record(text)),
        }
    }

    /// A name as it stands in the DNS, where that is known.
    fn absolute(&self, name: &str) -> Option<String> {
        match (name, &self.origin) {
            ("@", origin) => origin.clone(),
            (name, _) if name.ends_with('.') => Some(name.to_owned()),
            (name, Some(origin)) => Some(format!("{name}.{origin}")),
            (_, None) => None,
        }
    }

    /// What stands before the zone's own name.
    fn trigger(&self) -> Result<String, ListError> {
        let outside = || ListError::Outside(shown(&self.owner));
        let Some(apex) = self.apex.as_ref().or(self.origin.as_ref()) else {
            return if self.owner.ends_with('.') { Err(outside()) } else { Ok(self.owner.clone()) };
        };
        match self.absolute(&self.owner) {
            Some(name) => {
                let trigger =
                    name.strip_suffix(apex.as_str()).and_then(|name| name.strip_suffix('.'));
                trigger.map(ToOwned::to_owned).ok_or_else(outside)
            }
            None => Ok(self.owner.clone()),
        }
    }
}

/// The subject of a trigger: a name, or an address in an answer.
fn subject(trigger: &str) -> Result<Subject, ListError> {
    let (rest, last) = trigger.rsplit_once('.').unwrap_or(("", trigger));
    match last {
        "rpz-ip" => network(rest).ok_or_else(|| ListError::Address(shown(trigger))),
        last if last.starts_with("rpz-") => Err(ListError::Trigger(shown(trigger))),
        _ => match trigger.parse()? {
            Subject::Domain(domain) => Ok(Subject::Domain(domain)),
            _ => Err(ListError::Record(shown(trigger))),
        },
    }
}

/// A length and an address, backwards: `24.0.2.0.192` or `48.zz.db8.2001`.
fn network(text: &str) -> Option<Subject> {
    let (len, parts) = text.split_once('.')?;
    let mut parts: Vec<&str> = parts.split('.').collect();
    parts.reverse();
    let is_v4 =
        parts.len() == 4 && parts.iter().all(|part| part.bytes().all(|c| c.is_ascii_digit()));
    let addr: IpAddr = match is_v4 {
        true => parts.join(".").parse::<Ipv4Addr>().ok()?.into(),
        false => {
            let zeros = parts.iter().position(|part| *part == "zz");
            let text = match zeros {
                Some(at) => format!("{}::{}", parts[..at].join(":"), parts[at + 1..].join(":")),
                None => parts.join(":"),
            };
            text.parse::<Ipv6Addr>().ok()?.into()
        }
    };
    let net = IpNet::new(addr, len.parse().ok()?).ok()?;
    (net.addr() == net.network()).then(|| Subject::from_net(net))
}

/// The line without comment and parentheses, and how many of these it opens and closes.
fn bare(line: &str) -> (String, usize, usize) {
    let (mut text, mut opened, mut closed, mut quoted) = (String::new(), 0, 0, false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => break,
            '(' if !quoted => opened += 1,
            ')' if !quoted => closed += 1,
            c => {
                text.push(c);
                continue;
            }
        }
        text.push(' ');
    }
    (text, opened, closed)
}

/// A number of seconds, or of other units.
fn is_ttl(word: &str) -> bool {
    let is_part = |c: u8| {
        c.is_ascii_digit() || matches!(c.to_ascii_lowercase(), b's' | b'm' | b'h' | b'd' | b'w')
    };
    word.bytes().next().is_some_and(|c| c.is_ascii_digit()) && word.bytes().all(is_part)
}

fn record(text: &str) -> ListError {
    ListError::Record(shown(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(zone: &mut PolicyZone, line: &str) -> Result<Option<(String, bool)>, String> {
        let entry = zone.line(line).map_err(|err| err.to_string())?;
        Ok(entry.map(|entry| (entry.subjects[0].to_string(), entry.exclusion)))
    }

    #[track_caller]
    fn file(text: &str) -> Vec<(String, bool)> {
        let mut zone = PolicyZone::default();
        let read = text
            .lines()
            .map(|line| read(&mut zone, line).unwrap_or_else(|err| panic!("{line}: {err}")));
        read.flatten().collect()
    }

    #[test]
    fn denied_names_are_listed_and_those_that_pass_excluded() {
        let text = "$TTL 2h\n@ IN SOA localhost. root.localhost. (1 6h\n 1h 1w ; x\n 2h)\n  IN NS localhost.\n\
            bad.example.com CNAME .\n*.bad.example.com 300 IN CNAME *.\nWorse.example. CNAME .\n";
        let mut zone = PolicyZone::default();
        let lines: Vec<_> = text.lines().map(|line| read(&mut zone, line)).collect();
        assert!(lines[..5].iter().all(|line| *line == Ok(None)), "{lines:?}");
        assert_eq!(lines[5], Ok(Some(("bad.example.com".into(), false))));
        assert_eq!(lines[6], Ok(Some(("*.bad.example.com".into(), false))));
        assert!(lines[7].is_err(), "the zone's own name is not known");
        let listed = file(
            "$ORIGIN rpz.example.org.\n@ SOA a. b. 1 2 3 4 5\nbad.example.com CNAME .\n\
             good.example.com CNAME rpz-passthru.\nworse.example.net.rpz.example.org. 60 CNAME rpz-drop.\n\
             24.0.2.0.192.rpz-ip CNAME .\n32.zz.db8.2001.rpz-ip CNAME .\n",
        );
        let shown: Vec<String> =
            listed.iter().map(|(s, e)| format!("{s}{}", if *e { " !" } else { "" })).collect();
        assert_eq!(
            shown,
            [
                "bad.example.com",
                "good.example.com !",
                "worse.example.net",
                "192.0.2.0/24",
                "2001:db8::/32"
            ]
        );
    }

    #[test]
    fn what_is_no_denial_lists_nothing() {
        for line in [
            "www.example.com CNAME forcesafesearch.example.net.",
            "bad.example.com A 127.0.0.1",
            "bad.example.com CNAME rpz-tcp-only.",
            "24.0.2.0.192.rpz-client-ip CNAME .",
            "ns.example.com.rpz-nsdname CNAME .",
            "8.0.2.0.192.rpz-ip CNAME .",
            "bad.example.com",
            "bad.example.com CNAME . x",
            "$INCLUDE other.zone",
            "$GENERATE 1-9 x$ CNAME .",
        ] {
            assert!(read(&mut PolicyZone::default(), line).is_err(), "{line}");
        }
    }
}
