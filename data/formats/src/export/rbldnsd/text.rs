//! Reasons as texts of rbldnsd.

use std::borrow::Cow;

use dnsbl_types::{DomainSubject, Piece, Reason};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::super::notes::{Note, Notes};

/// What `$` stands for when the entry answers.
#[derive(Clone, Copy)]
pub(super) enum Key<'a> {
    /// The address that is asked for, inside this prefix.
    Addr(IpNet),
    /// The name that is listed.
    Name(&'a DomainSubject),
}

impl Key<'_> {
    pub(super) fn v4(net: Ipv4Net) -> Self {
        Self::Addr(net.into())
    }

    pub(super) fn v6(net: Ipv6Net) -> Self {
        Self::Addr(net.into())
    }

    /// The most octets that it takes in a text.
    fn len(self) -> usize {
        match self {
            Self::Addr(IpNet::V4(_)) => 15,
            Self::Addr(IpNet::V6(_)) => 39,
            Self::Name(domain) => domain.name().wire().len(),
        }
    }

    /// The only thing that it can stand for.
    fn only(self) -> Option<String> {
        match self {
            Self::Addr(net) => {
                (net.prefix_len() == net.max_prefix_len()).then(|| net.addr().to_string())
            }
            Self::Name(domain) => (!domain.is_wildcard()).then(|| domain.name().to_string()),
        }
    }
}

/// The most octets of a text that are sent.
const SENT: usize = 254;
/// The most octets of a text that are read.
const READ: usize = 255;

/// A text that rbldnsd makes the same of as we do of a reason, as far as there is one.
pub(super) fn of_rbldnsd(reason: &Reason, key: Key<'_>, notes: &mut Notes) -> String {
    let mut text = Text { written: String::new(), sent: 0, behind_subject: false, is_cut: false };
    let template = reason.template();
    // A text that begins so is sent without it, and without that blanks at the beginning are none of it.
    if template.starts_with(['=', ' ']) {
        text.written.push('=');
    }
    let filled = needs_filling(reason).then(|| key.only()).flatten();
    for piece in reason.pieces() {
        match (piece, &filled) {
            (Piece::Text(part), _) => {
                if text.behind_subject && is_variable(part) {
                    text.add(" ", 1);
                    notes.note(Note::BlankBehindSubject);
                }
                text.literal(part);
            }
            (Piece::Dollar, _) => text.literal("$"),
            (Piece::Subject, Some(filled)) => text.literal(filled),
            (Piece::Subject, None) => {
                if matches!(key, Key::Name(domain) if domain.is_wildcard()) {
                    notes.note(Note::ListedName);
                }
                text.add("$", key.len());
                text.behind_subject = true;
            }
        }
    }
    if text.is_cut {
        notes.note(Note::CutText);
    }
    if text.written.ends_with(' ') {
        notes.note(Note::BlankAtEnd);
        text.written.truncate(text.written.trim_end_matches(' ').len());
    }
    text.written
}

/// Whether a subject stands before what rbldnsd would take for the name of a variable together with its dollar.
fn needs_filling(reason: &Reason) -> bool {
    let mut behind_subject = false;
    reason.pieces().any(|piece| {
        let found = matches!(piece, Piece::Text(part) if behind_subject && is_variable(part));
        behind_subject = piece == Piece::Subject;
        found
    })
}

fn is_variable(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_digit() || c == '=')
}

/// A text while it is written.
struct Text {
    written: String,
    /// Octets that are sent of it.
    sent: usize,
    behind_subject: bool,
    is_cut: bool,
}

impl Text {
    /// Adds what is sent as so many octets.
    fn add(&mut self, written: &str, sent: usize) {
        self.is_cut |= self.sent + sent > SENT || self.written.len() + written.len() > READ;
        if !self.is_cut {
            self.written.push_str(written);
            self.sent += sent;
        }
    }

    fn literal(&mut self, text: &str) {
        for c in text.chars() {
            let written: Cow<'_, str> = if c == '$' { "$$".into() } else { c.to_string().into() };
            self.add(&written, c.len_utf8());
        }
        self.behind_subject = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn writes(template: &str, net: &str, expected: &str, noted: &str) {
        let mut notes = Notes::default();
        let key = Key::v4(net.parse().unwrap());
        let reason: Reason = template.parse().unwrap();
        assert_eq!(of_rbldnsd(&reason, key, &mut notes), expected, "{template}");
        let comments = notes.comments().join("\n");
        assert_eq!(comments.is_empty(), noted.is_empty(), "{comments}");
        assert!(comments.contains(noted), "{comments}");
    }

    #[test]
    fn what_rbldnsd_reads_in_a_text_is_written_so_that_it_says_the_same() {
        let (host, net) = ("192.0.2.1/32", "192.0.2.0/24");
        writes("relay $, see https://e.org/$", net, "relay $, see https://e.org/$", "");
        writes("costs $$5, # not a comment", net, "costs $$5, # not a comment", "");
        writes("=x", net, "==x", "");
        writes("  x", net, "=  x", "");
        writes("?ip=$1", host, "?ip=192.0.2.11", "");
        writes("?ip=$1", net, "?ip=$ 1", "1 texts have a blank behind");
        writes("x ", net, "x", "end with a blank");
        writes(&"x".repeat(300), net, &"x".repeat(254), "were cut");
        writes(&format!("{}ä", "x".repeat(253)), net, &"x".repeat(253), "were cut");
        writes(&format!("{}$", "x".repeat(239)), net, &format!("{}$", "x".repeat(239)), "");
        writes(&format!("{}$", "x".repeat(240)), net, &"x".repeat(240), "were cut");
    }

    #[test]
    fn a_wildcard_shows_the_name_that_is_listed() {
        let mut notes = Notes::default();
        let reason: Reason = "see $".parse().unwrap();
        for (name, count) in [("a.example", 0), ("*.a.example", 1)] {
            let domain = name.parse().unwrap();
            assert_eq!(of_rbldnsd(&reason, Key::Name(&domain), &mut notes), "see $");
            assert_eq!(notes.comments().len(), count);
        }
    }
}
