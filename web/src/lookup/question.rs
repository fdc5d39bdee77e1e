//! What somebody typed, as a subject.

use std::net::IpAddr;

use dnsbl_types::{Name, Subject, SubjectError, query_name};

use crate::shown::Shown;

/// The longest text that is looked at, in bytes: no name is longer, however it is written.
const MAX_BYTES: usize = 1024;

/// What somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Nothing was typed.
    Nothing,
    /// This is looked up.
    Of(Subject),
    /// That can't be looked up.
    Mistake(Mistake),
}

/// What was typed where that is no subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// As it was typed.
    pub(crate) typed: Shown,
    /// What is wrong with it.
    pub(crate) kind: MistakeKind,
    /// What may have been meant.
    pub(crate) instead: Vec<Subject>,
}

/// What is wrong with what was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MistakeKind {
    /// It is longer than any name.
    TooLong,
    /// It is not written as a subject is, though one is in it.
    Notation,
    /// It is neither address, prefix nor domain.
    NoSubject,
}

/// Reads what was typed. `origins` are the zones that are shown.
pub(crate) fn read(typed: &str, origins: &[&Name]) -> Question {
    if typed.len() > MAX_BYTES {
        return Question::Mistake(mistake(typed, MistakeKind::TooLong, Vec::new()));
    }
    let text = typed.trim();
    if text.is_empty() {
        return Question::Nothing;
    }
    if let Some(subject) = within(text, origins) {
        return Question::Of(subject);
    }
    // As paths have it where a proxy decodes `%2F`.
    let unslashed = text.replacen('_', "/", 1).parse().ok();
    let prefix = unslashed.filter(|subject: &Subject| subject.net().is_some());
    if let Some(subject) = prefix.or_else(|| text.parse().ok()) {
        return Question::Of(subject);
    }
    let instead = meant(text);
    let kind = if instead.is_empty() { MistakeKind::NoSubject } else { MistakeKind::Notation };
    Question::Mistake(mistake(typed, kind, instead))
}

fn mistake(typed: &str, kind: MistakeKind, instead: Vec<Subject>) -> Mistake {
    // What is cut anyhow need not be walked through.
    let typed = &typed[..typed.floor_char_boundary(MAX_BYTES)];
    Mistake { typed: Shown::new(typed), kind, instead }
}

/// The address that a name inside one of the zones asks for, as logs of mail servers have it.
fn within(text: &str, origins: &[&Name]) -> Option<Subject> {
    let name: Name = text.parse().ok()?;
    let labels = origins.iter().find_map(|origin| name.strip_suffix(origin))?;
    if labels.is_empty() {
        return None;
    }
    match query_name::decode(labels) {
        query_name::AddressName::V4 { addr, .. } => Some(addr.into()),
        query_name::AddressName::V6(addr) => Some(addr.into()),
        query_name::AddressName::EmptyNonTerminal | query_name::AddressName::Other => None,
    }
}

/// What may have been meant.
fn meant(text: &str) -> Vec<Subject> {
    let host = match text.parse::<Subject>() {
        Ok(subject) => return vec![subject],
        Err(SubjectError::HostBits { prefix, .. } | SubjectError::Notation { prefix, .. }) => {
            return vec![Subject::from_net(prefix)];
        }
        Err(SubjectError::Url { host, .. }) => host,
        Err(SubjectError::Value { subject, .. }) => subject,
        Err(SubjectError::LeadingDot { name }) => name,
        Err(_) => text.to_owned(),
    };
    let host = host.trim_matches(|c: char| c.is_whitespace() || "<>()\"',;".contains(c));
    // The domain of a mail address, an address literal, an address with its port.
    let host = host.rsplit_once('@').map_or(host, |(_, domain)| domain);
    let bare = host.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let bare = bare.map_or(host, |(literal, _)| literal.trim_start_matches("IPv6:"));
    let portless = bare.rsplit_once(':').map(|(host, _)| host);
    let candidates = [Some(bare), portless];
    let found = candidates.into_iter().flatten().find_map(|candidate| {
        let address = candidate.parse::<IpAddr>().ok().map(Subject::host);
        address.or_else(|| candidate.parse::<Subject>().ok().filter(is_likely))
    });
    found.into_iter().collect()
}

/// A single word is a name, but hardly what somebody means who mistyped something.
fn is_likely(subject: &Subject) -> bool {
    match subject {
        Subject::Domain(domain) => domain.name().labels().count_labels() > 1,
        Subject::V4(_) | Subject::V6(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use dnsbl_types::Name;

    use super::{MistakeKind, Question, read};

    /// `=` is looked up, `?` suggested, `-` neither.
    fn asked(text: &str) -> String {
        let origin: Name = "bl.example.org".parse().unwrap();
        match read(text, &[&origin]) {
            Question::Nothing => "nothing".into(),
            Question::Of(subject) => format!("= {subject}"),
            Question::Mistake(mistake) => match mistake.instead.as_slice() {
                [] => format!("- {:?}", mistake.kind),
                [instead, ..] => format!("? {instead}"),
            },
        }
    }

    #[test]
    fn addresses_prefixes_and_domains_are_looked_up_as_they_are_typed() {
        for (typed, expected) in [
            ("192.0.2.1", "= 192.0.2.1"),
            ("  2001:DB8::1\t", "= 2001:db8::1"),
            ("192.0.2.0/24", "= 192.0.2.0/24"),
            ("192.0.2.0_24", "= 192.0.2.0/24"),
            ("::ffff:192.0.2.1", "= 192.0.2.1"),
            ("Example.ORG.", "= example.org"),
            ("*.example.org", "= *.example.org"),
            ("日本.example", "= xn--wgv71a.example"),
            ("99.2.0.192.bl.example.org", "= 192.0.2.99"),
            ("", "nothing"),
            (" \u{3000} ", "nothing"),
        ] {
            assert_eq!(asked(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn what_was_meant_is_suggested() {
        for (typed, expected) in [
            ("192.0.2.7/24", "? 192.0.2.0/24"),
            ("[192.0.2.1]", "? 192.0.2.1"),
            ("[IPv6:2001:db8::1]", "? 2001:db8::1"),
            ("192.0.2.1:25", "? 192.0.2.1"),
            ("somebody@example.org", "? example.org"),
            ("<somebody@example.org>", "? example.org"),
            ("https://example.org/path", "? example.org"),
        ] {
            assert_eq!(asked(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn nothing_else_is_looked_up_and_nothing_panics() {
        for typed in ["<script>", "a b c", "1.2.3.4.5", "%00", "'; --", "\u{202e}", "@", "[", "://"]
        {
            assert!(asked(typed).starts_with('-'), "{typed:?}: {}", asked(typed));
        }
        let long = "é".repeat(5000);
        assert_eq!(asked(&long), format!("- {:?}", MistakeKind::TooLong));
    }
}
