//! The table of probes.
//!
//! What relays make of each form was measured against Postfix and Exim; the forms go back to ORBS,
//! MAPS, DSBL and nmap. Left out for good: an empty domain, over-long lines, control and 8-bit
//! characters, pipes and paths in local parts, VRFY and EXPN, and any attempt to log in.

use super::{
    Probe,
    Tier::{self, Default, Full, Odd, Upsetting},
};

/// Most senders: at the probe domain, where a bounce is known by its token.
const NEUTRAL: &str = "<{b}@{T}>";
/// The plain recipient.
const PLAIN: &[&str] = &["<{t}@{T}>"];

const fn well_formed(
    index: u8,
    name: &'static str,
    tier: Tier,
    mail: &'static str,
    rcpt: &'static [&'static str],
) -> Probe {
    Probe { index, name, tier, malformed: false, ehlo: None, mail, rcpt }
}

const fn malformed(
    index: u8,
    name: &'static str,
    tier: Tier,
    mail: &'static str,
    rcpt: &'static [&'static str],
) -> Probe {
    Probe { index, name, tier, malformed: true, ehlo: None, mail, rcpt }
}

/// All probes. An index stays with its probe for good: tokens carry it.
const PROBES: &[Probe] = &[
    // No control at all, and trust in what a sender claims to be.
    well_formed(0, "plain", Default, NEUTRAL, PLAIN),
    well_formed(1, "null-sender", Default, "<>", PLAIN),
    well_formed(2, "sender-ownhost", Default, "<{s}@{H}>", PLAIN),
    well_formed(3, "sender-owndomain", Default, "<{s}@{D}>", PLAIN),
    // Routing inside the local part, which the check of the domain does not see.
    well_formed(4, "pct-at-host", Default, NEUTRAL, &["<{t}%{T}@{H}>"]),
    well_formed(5, "bang-at-host", Default, NEUTRAL, &["<{T}!{t}@{H}>"]),
    well_formed(6, "pct-backupmx", Default, NEUTRAL, &["<{t}%{T}@{D}>"]),
    well_formed(7, "qlocal-at-host", Default, NEUTRAL, &["<\"{t}@{T}\"@{H}>"]),
    malformed(8, "quoted-all", Default, NEUTRAL, &["<\"{t}@{T}\">"]),
    well_formed(9, "sender-postmaster", Full, "<postmaster@{H}>", PLAIN),
    malformed(10, "sender-ownip", Full, "<{s}@{I}>", PLAIN),
    well_formed(11, "sender-localhost", Full, "<{s}@localhost>", PLAIN),
    malformed(12, "sender-unqual", Full, "<{s}>", PLAIN),
    malformed(13, "nobrackets", Full, NEUTRAL, &["{t}@{T}"]),
    malformed(14, "quoted-all-own", Full, "<{s}@{H}>", &["<\"{t}@{T}\">"]),
    malformed(15, "quoted-pct", Full, NEUTRAL, &["<\"{t}%{T}\">"]),
    malformed(16, "pct-bare", Full, NEUTRAL, &["<{t}%{T}>"]),
    malformed(17, "pct-at-ip", Full, NEUTRAL, &["<{t}%{T}@{I}>"]),
    well_formed(18, "pct-null-sender", Full, "<>", &["<{t}%{T}@{H}>"]),
    well_formed(19, "pct-own-sender", Full, "<{s}@{H}>", &["<{t}%{T}@{H}>"]),
    malformed(20, "at-at-host", Full, NEUTRAL, &["<{t}@{T}@{H}>"]),
    well_formed(21, "route-host", Full, NEUTRAL, &["<@{H}:{t}@{T}>"]),
    malformed(22, "bang-bare", Full, NEUTRAL, &["<{T}!{t}>"]),
    Probe {
        index: 23,
        name: "helo-own",
        tier: Full,
        malformed: false,
        ehlo: Some("{H}"),
        mail: NEUTRAL,
        rcpt: PLAIN,
    },
    malformed(24, "sender-loopip", Odd, "<{s}@[127.0.0.1]>", PLAIN),
    well_formed(25, "sender-eq-rcpt", Odd, "<{t}@{T}>", PLAIN),
    malformed(26, "sender-bang-own", Odd, "<{H}!{s}>", PLAIN),
    malformed(27, "nobrackets-both", Odd, "{b}@{T}", &[" {t}@{T}"]),
    well_formed(28, "pct-at-localhost", Odd, NEUTRAL, &["<{t}%{T}@localhost>"]),
    malformed(29, "at-at-ip", Odd, NEUTRAL, &["<{t}@{T}@{I}>"]),
    malformed(30, "qlocal-at-ip", Odd, NEUTRAL, &["<\"{t}@{T}\"@{I}>"]),
    well_formed(31, "qpct-at-host", Odd, NEUTRAL, &["<\"{t}%{T}\"@{H}>"]),
    malformed(32, "route-ip", Odd, NEUTRAL, &["<@{I}:{t}@{T}>"]),
    well_formed(33, "route-localhost", Odd, NEUTRAL, &["<@localhost:{t}@{T}>"]),
    well_formed(34, "route-two", Odd, NEUTRAL, &["<@{H},@{T}:{t}@{T}>"]),
    malformed(35, "bang-at-ip", Odd, NEUTRAL, &["<{T}!{t}@{I}>"]),
    malformed(36, "bang-bang", Odd, NEUTRAL, &["<{H}!{T}!{t}>"]),
    malformed(37, "bang-pct", Odd, NEUTRAL, &["<{H}!{t}%{T}>"]),
    malformed(38, "trailing-dot", Odd, NEUTRAL, &["<{t}@{T}.>"]),
    malformed(39, "rcpt-ipliteral", Odd, NEUTRAL, &["<{t}@{R}>"]),
    // Exchange 5.5 encapsulated addresses, CVE-1999-0682.
    well_formed(40, "imceasmtp", Upsetting, NEUTRAL, &["<IMCEASMTP-{t}+40{X}@{H}>"]),
    // Lotus Domino, CERT VU#176972.
    well_formed(41, "domino-quoted-list", Upsetting, NEUTRAL, &["<\"nobody@{H}, {t}@{T}\"@{H}>"]),
    // Reaches the postmaster's mailbox.
    well_formed(42, "piggyback", Upsetting, NEUTRAL, &["<postmaster@{H}>", "<{t}@{T}>"]),
];

impl Probe {
    /// All there are.
    pub fn all() -> &'static [Self] {
        PROBES
    }

    /// The probe with this index.
    pub fn by_index(index: u8) -> Option<&'static Self> {
        PROBES.get(usize::from(index))
    }

    /// The probe with this name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        PROBES.iter().find(|probe| probe.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::{PROBES, Probe};

    #[test]
    fn a_probe_is_found_by_index_and_by_name() {
        for probe in PROBES {
            assert_eq!(Probe::by_index(probe.index), Some(probe));
            assert_eq!(Probe::by_name(probe.name), Some(probe));
        }
        assert_eq!(Probe::by_index(255), None);
        assert_eq!(Probe::by_name("auth-null"), None);
    }

    #[test]
    fn the_index_of_a_probe_is_its_place_in_the_table_and_its_name_is_its_own() {
        for (at, probe) in PROBES.iter().enumerate() {
            assert_eq!(usize::from(probe.index), at, "{}", probe.name);
            assert!(PROBES[..at].iter().all(|other| other.name != probe.name), "{}", probe.name);
        }
    }

    #[test]
    fn the_recipient_that_counts_is_the_last_and_carries_the_token() {
        for probe in PROBES {
            let last = probe.rcpt.last().unwrap();
            assert!(last.contains("{t}"), "{}", probe.name);
            assert!(["{T}", "{X}", "{R}"].iter().any(|at| last.contains(at)), "{}", probe.name);
        }
    }
}
