//! rbldnsd's options, and what takes their place.

use super::{
    arguments::{CommandLine, Listen},
    finding::{Finding, Level},
};

/// What takes the place of each option, for the report and the documentation.
pub(super) const OPTIONS: [(char, &str); 24] = [
    ('u', "the unit's User= (systemd); the server does not change its user"),
    ('r', "nothing: paths are written as this machine sees them"),
    ('b', "dns.listen"),
    ('w', "nothing: paths are written as this machine sees them"),
    ('t', "each zone's ttl"),
    ('c', "each feed's every"),
    ('p', "nothing: systemd knows the process"),
    ('n', "nothing: the server stays in the foreground"),
    ('e', "nothing: a prefix with host bits is rejected, with the prefix to write"),
    ('l', "nothing logs queries; counters are metrics"),
    ('q', "nothing: sockets are bound first, and queries get SERVFAIL until the lists are read"),
    ('s', "metrics: dnsbl_dns_queries_total and others"),
    ('h', "--help"),
    ('4', "dns.listen with IPv4 addresses alone"),
    ('6', "dns.listen with IPv6 addresses alone"),
    ('d', "dnsblctl export"),
    ('v', "dns.version: nothing is told unless it is set"),
    ('a', "nothing: answers are always minimal"),
    ('A', "nothing: answers are always minimal, and name servers are told when they are asked for"),
    ('f', "nothing: a change is applied without a reload"),
    ('F', "nothing: the log goes to standard error, where systemd takes it"),
    ('C', "nothing: packed files are always unpacked"),
    ('x', "nothing: there are no extensions"),
    ('X', "nothing: there are no extensions"),
];

/// What is to be said of the options as they are.
pub(super) fn findings(line: &CommandLine) -> Vec<Finding> {
    let mut findings = Vec::new();
    for listen in &line.listen {
        if let Listen::Named(name) = listen {
            let text = format!("-b {name}: dns.listen has addresses; write those of that name");
            findings.push(Finding::new(Level::LeftOut, text));
        }
    }
    for (letter, value) in &line.given {
        let text = match (letter, value) {
            ('l', _) => "-l: queries are not logged here; /metrics counts them",
            ('s', _) => "-s: statistics are metrics here, not a file",
            ('x' | 'X', _) => "-x, -X: there are no extensions here",
            _ => continue,
        };
        findings.push(Finding::new(Level::LeftOut, text));
    }
    if line.interval == 0 {
        let text =
            "-c 0: files are read when rbldnsd is told by SIGHUP; here feeds follow their files";
        findings.push(Finding::new(Level::Differs, text));
    }
    findings.dedup();
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_of_rbldnsd_has_its_place() {
        for letter in "urbwtcpnelqsh46dvaAfFCxX".chars() {
            assert!(OPTIONS.iter().any(|(known, _)| *known == letter), "{letter}");
        }
    }
}
