//! The values of the placeholders in probes.

use std::{fmt, net::IpAddr};

/// The value of each placeholder, for one probe of one test.
#[derive(Clone)]
pub(crate) struct Placeholders {
    /// `{t}`
    pub(crate) token: String,
    /// `{b}`
    pub(crate) bounce: String,
    /// `{s}`
    pub(crate) sender: String,
    /// `{T}`
    pub(crate) probe_domain: String,
    /// `{H}`
    pub(crate) host: String,
    /// `{I}`
    pub(crate) literal: String,
    /// `{D}`, where it is known
    pub(crate) domain: String,
    /// `{R}`, where it is known
    pub(crate) receiver: String,
}

impl Placeholders {
    /// The template with all placeholders replaced.
    pub(crate) fn fill(&self, template: &str) -> String {
        let mut out = String::with_capacity(template.len() + 128);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            self.push(name, &mut out);
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn push(&self, placeholder: &str, out: &mut String) {
        match placeholder {
            "t" => out.push_str(&self.token),
            "b" => out.push_str(&self.bounce),
            "s" => out.push_str(&self.sender),
            "T" => out.push_str(&self.probe_domain),
            "X" => out.push_str(&self.probe_domain.replace('.', "+2E")),
            "H" => out.push_str(&self.host),
            "I" => out.push_str(&self.literal),
            "D" => out.push_str(&self.domain),
            "R" => out.push_str(&self.receiver),
            _ => {}
        }
    }
}

impl fmt::Debug for Placeholders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placeholders").field("host", &self.host).finish_non_exhaustive()
    }
}

/// The address literal of an address (RFC 5321 section 4.1.3).
pub(crate) fn literal(addr: IpAddr) -> String {
    match addr {
        IpAddr::V4(addr) => format!("[{addr}]"),
        IpAddr::V6(addr) => format!("[IPv6:{addr}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Placeholders, literal};
    use crate::{HostName, Probe, Token};

    fn placeholders() -> Placeholders {
        Placeholders {
            token: "TOKEN".into(),
            bounce: "BOUNCE".into(),
            sender: "relaytest".into(),
            probe_domain: "probe.example".into(),
            host: "mail.example".into(),
            literal: "[192.0.2.1]".into(),
            domain: "inner.example".into(),
            receiver: "[192.0.2.99]".into(),
        }
    }

    fn filled(name: &str) -> (String, Vec<String>) {
        let probe = Probe::by_name(name).unwrap();
        let rcpt = probe.rcpt.iter().map(|rcpt| placeholders().fill(rcpt)).collect();
        (placeholders().fill(probe.mail), rcpt)
    }

    #[test]
    fn probes_say_what_the_table_says() {
        for (name, mail, rcpt) in [
            ("plain", "<BOUNCE@probe.example>", "<TOKEN@probe.example>"),
            ("null-sender", "<>", "<TOKEN@probe.example>"),
            ("sender-owndomain", "<relaytest@inner.example>", "<TOKEN@probe.example>"),
            ("pct-backupmx", "<BOUNCE@probe.example>", "<TOKEN%probe.example@inner.example>"),
            ("quoted-all", "<BOUNCE@probe.example>", "<\"TOKEN@probe.example\">"),
            ("bang-bang", "<BOUNCE@probe.example>", "<mail.example!probe.example!TOKEN>"),
            ("nobrackets-both", "BOUNCE@probe.example", " TOKEN@probe.example"),
            ("sender-eq-rcpt", "<TOKEN@probe.example>", "<TOKEN@probe.example>"),
            (
                "imceasmtp",
                "<BOUNCE@probe.example>",
                "<IMCEASMTP-TOKEN+40probe+2Eexample@mail.example>",
            ),
            (
                "domino-quoted-list",
                "<BOUNCE@probe.example>",
                "<\"nobody@mail.example, TOKEN@probe.example\"@mail.example>",
            ),
            ("rcpt-ipliteral", "<BOUNCE@probe.example>", "<TOKEN@[192.0.2.99]>"),
        ] {
            assert_eq!(filled(name), (mail.into(), vec![rcpt.into()]), "{name}");
        }
        assert_eq!(filled("piggyback").1, ["<postmaster@mail.example>", "<TOKEN@probe.example>"]);
    }

    #[test]
    fn rfc5321_s4_5_3_1_4_no_command_is_longer_than_512_octets() {
        let long = "a".repeat(HostName::MAX_LEN);
        let placeholders = Placeholders {
            token: "t".repeat(Token::LEN),
            bounce: "b".repeat(Token::LEN),
            sender: "s".repeat(64),
            probe_domain: long.clone(),
            host: long.clone(),
            domain: long,
            ..placeholders()
        };
        for probe in Probe::all() {
            let args = probe.rcpt.iter().chain([&probe.mail]).chain(&probe.ehlo);
            for arg in args {
                let arg = placeholders.fill(arg);
                assert!(!arg.contains(['{', '}']), "{}", probe.name);
                assert!(arg.len() <= 512 - "MAIL FROM:\r\n".len(), "{}: {}", probe.name, arg.len());
            }
        }
    }

    #[test]
    fn rfc5321_s4_1_3_literals_of_both_families() {
        assert_eq!(literal("192.0.2.1".parse().unwrap()), "[192.0.2.1]");
        assert_eq!(literal("2001:db8::1".parse().unwrap()), "[IPv6:2001:db8::1]");
    }
}
