//! Whether a refusal is meant for us, and not for what we asked.

use super::{Blocked, Ending, Reply, SmtpOutcome, Unreachable};
use crate::Probe;

/// What servers say to a client that they do not want, in lower case. "Relay access denied" and the
/// like are not among them: that is the good answer.
const WORDS: [&str; 20] = [
    "blocked",
    "blacklist",
    "black list",
    "blocklist",
    "block list",
    "denylist",
    "deny list",
    "dnsbl",
    "rbl",
    "spamhaus",
    "spamcop",
    "banned",
    "client host rejected",
    "client host [",
    "bad reputation",
    "poor reputation",
    "your ip",
    "your address",
    "your host",
    "connection refused",
];

/// Whether a reply says that we are not wanted. "Relaying blocked" does not; names that hold the word
/// are no such text.
fn says_blocked(reply: &Reply) -> bool {
    let text = reply.lines().join(" ").to_ascii_lowercase();
    let mut words = text.split(|c: char| c.is_whitespace() || ",;:!".contains(c));
    let is_about_relaying = words.any(|word| matches!(word, "relay" | "relaying" | "relayed"));
    !is_about_relaying && WORDS.iter().any(|word| text.contains(word))
}

/// What a refusal in place of a greeting means: 4xx is not now, whatever it says; 521 is a host that
/// takes no mail from anyone (RFC 7504), and any other 5xx is for us (RFC 5321 section 3.1).
pub(super) fn greeting(reply: Reply) -> Ending {
    if reply.code() < 500 {
        return Ending::Deferred(reply);
    }
    if reply.code() != 521 || says_blocked(&reply) {
        Ending::Blocked(Blocked(reply))
    } else {
        Ending::Unreachable(Unreachable::NoService(reply))
    }
}

/// What it means that HELO is refused.
pub(super) fn hello(reply: Reply) -> Ending {
    if reply.code() < 500 {
        return Ending::Deferred(reply);
    }
    let for_us = matches!(reply.code(), 550 | 554);
    if for_us || says_blocked(&reply) {
        Ending::Blocked(Blocked(reply))
    } else {
        Ending::Unreachable(Unreachable::NoService(reply))
    }
}

/// The refusal that shows us blocked, where every probe was refused for who we are. Servers often say
/// so only at MAIL or RCPT.
pub(super) fn everywhere(outcomes: &[(&'static Probe, SmtpOutcome)]) -> Option<Blocked> {
    let mut replies = outcomes.iter().map(|(_, outcome)| match outcome {
        SmtpOutcome::Refused { reply, .. } => Some(reply),
        _ => None,
    });
    let first = replies.clone().next()??;
    let blocked = replies.all(|reply| reply.is_some_and(says_blocked));
    blocked.then(|| Blocked(first.clone()))
}

#[cfg(test)]
mod tests {
    use super::{super::reply::reply, says_blocked};

    #[test]
    fn refusals_of_a_client_are_told_from_refusals_to_relay() {
        for text in [
            "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
            "554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied",
            "550-Your IP is on our Blacklist\r\n550 go away",
            "554 Client host [192.0.2.1] blocked, HELO relaytest.example.org",
        ] {
            assert!(says_blocked(&reply(text)), "{text}");
        }
        for text in [
            "454 4.7.1 <t@probe.example>: Relay access denied",
            "554 5.7.1 Relay access denied",
            "550 relay not permitted",
            "550 Relaying blocked",
            "550 5.7.1 Unable to relay",
            "501 5.1.7 Bad sender address syntax",
            "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
            "550 5.1.1 User unknown",
        ] {
            assert!(!says_blocked(&reply(text)), "{text}");
        }
    }
}
