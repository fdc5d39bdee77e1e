//! The table of probes.
//!
//! What relays make of each form was measured against Postfix and Exim; the forms go back to ORBS,
//! MAPS, DSBL and nmap. Left out for good: an empty domain, over-long lines, control and 8-bit
//! characters, pipes and paths in local parts, VRFY and EXPN, and any attempt to log in.

use crate::{Probe, Tier};
use Tier::{Default as One, Full as Two, Odd as Three, Upsetting as Four};

/// Most senders: at the probe domain, where a bounce is known by its token.
const NEUTRAL: &str = "<{b}@{T}>";
/// The plain recipient.
const PLAIN: &[&str] = &["<{t}@{T}>"];

const fn well(
    index: u8,
    name: &'static str,
    tier: Tier,
    mail: &'static str,
    rcpt: &'static [&'static str],
) -> Probe {
    Probe { index, name, tier, malformed: false, ehlo: None, mail, rcpt }
}

const fn mal(
    index: u8,
    name: &'static str,
    tier: Tier,
    mail: &'static str,
    rcpt: &'static [&'static str],
) -> Probe {
    Probe { index, name, tier, malformed: true, ehlo: None, mail, rcpt }
}

/// All probes. An index stays with its probe for good: tokens carry it.
pub(crate) const PROBES: &[Probe] = &[
    // No control at all, and trust in what a sender claims to be.
    well(0, "plain", One, NEUTRAL, PLAIN),
    well(1, "null-sender", One, "<>", PLAIN),
    well(2, "sender-ownhost", One, "<{s}@{H}>", PLAIN),
    well(3, "sender-owndomain", One, "<{s}@{D}>", PLAIN),
    // Routing inside the local part, which the check of the domain does not see.
    well(4, "pct-at-host", One, NEUTRAL, &["<{t}%{T}@{H}>"]),
    well(5, "bang-at-host", One, NEUTRAL, &["<{T}!{t}@{H}>"]),
    well(6, "pct-backupmx", One, NEUTRAL, &["<{t}%{T}@{D}>"]),
    well(7, "qlocal-at-host", One, NEUTRAL, &["<\"{t}@{T}\"@{H}>"]),
    mal(8, "quoted-all", One, NEUTRAL, &["<\"{t}@{T}\">"]),
    well(9, "sender-postmaster", Two, "<postmaster@{H}>", PLAIN),
    mal(10, "sender-ownip", Two, "<{s}@{I}>", PLAIN),
    well(11, "sender-localhost", Two, "<{s}@localhost>", PLAIN),
    mal(12, "sender-unqual", Two, "<{s}>", PLAIN),
    mal(13, "nobrackets", Two, NEUTRAL, &["{t}@{T}"]),
    mal(14, "quoted-all-own", Two, "<{s}@{H}>", &["<\"{t}@{T}\">"]),
    mal(15, "quoted-pct", Two, NEUTRAL, &["<\"{t}%{T}\">"]),
    mal(16, "pct-bare", Two, NEUTRAL, &["<{t}%{T}>"]),
    mal(17, "pct-at-ip", Two, NEUTRAL, &["<{t}%{T}@{I}>"]),
    well(18, "pct-null-sender", Two, "<>", &["<{t}%{T}@{H}>"]),
    well(19, "pct-own-sender", Two, "<{s}@{H}>", &["<{t}%{T}@{H}>"]),
    mal(20, "at-at-host", Two, NEUTRAL, &["<{t}@{T}@{H}>"]),
    well(21, "route-host", Two, NEUTRAL, &["<@{H}:{t}@{T}>"]),
    mal(22, "bang-bare", Two, NEUTRAL, &["<{T}!{t}>"]),
    Probe {
        index: 23,
        name: "helo-own",
        tier: Two,
        malformed: false,
        ehlo: Some("{H}"),
        mail: NEUTRAL,
        rcpt: PLAIN,
    },
    mal(24, "sender-loopip", Three, "<{s}@[127.0.0.1]>", PLAIN),
    well(25, "sender-eq-rcpt", Three, "<{t}@{T}>", PLAIN),
    mal(26, "sender-bang-own", Three, "<{H}!{s}>", PLAIN),
    mal(27, "nobrackets-both", Three, "{b}@{T}", &[" {t}@{T}"]),
    well(28, "pct-at-localhost", Three, NEUTRAL, &["<{t}%{T}@localhost>"]),
    mal(29, "at-at-ip", Three, NEUTRAL, &["<{t}@{T}@{I}>"]),
    mal(30, "qlocal-at-ip", Three, NEUTRAL, &["<\"{t}@{T}\"@{I}>"]),
    well(31, "qpct-at-host", Three, NEUTRAL, &["<\"{t}%{T}\"@{H}>"]),
    mal(32, "route-ip", Three, NEUTRAL, &["<@{I}:{t}@{T}>"]),
    well(33, "route-localhost", Three, NEUTRAL, &["<@localhost:{t}@{T}>"]),
    well(34, "route-two", Three, NEUTRAL, &["<@{H},@{T}:{t}@{T}>"]),
    mal(35, "bang-at-ip", Three, NEUTRAL, &["<{T}!{t}@{I}>"]),
    mal(36, "bang-bang", Three, NEUTRAL, &["<{H}!{T}!{t}>"]),
    mal(37, "bang-pct", Three, NEUTRAL, &["<{H}!{t}%{T}>"]),
    mal(38, "trailing-dot", Three, NEUTRAL, &["<{t}@{T}.>"]),
    mal(39, "rcpt-ipliteral", Three, NEUTRAL, &["<{t}@{R}>"]),
    // Exchange 5.5 encapsulated addresses, CVE-1999-0682.
    well(40, "imceasmtp", Four, NEUTRAL, &["<IMCEASMTP-{t}+40{X}@{H}>"]),
    // Lotus Domino, CERT VU#176972.
    well(41, "domino-quoted-list", Four, NEUTRAL, &["<\"nobody@{H}, {t}@{T}\"@{H}>"]),
    // Reaches the postmaster's mailbox.
    well(42, "piggyback", Four, NEUTRAL, &["<postmaster@{H}>", "<{t}@{T}>"]),
];

#[cfg(test)]
mod tests {
    use super::PROBES;

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
