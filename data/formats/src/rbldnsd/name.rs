//! Domain names of data sets.

use dnsbl_types::{Name, NameError};

use super::{
    bytes::{is_blank, number},
    error::{LineError, NameFault, shown},
    v4::beginning,
};

/// The names that an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// `name`
    Exact,
    /// `*.name`
    Below,
    /// `.name`
    Both,
}

/// The name that a line begins with, what it is about, and the rest.
pub(super) fn read(text: &[u8]) -> Result<(Name, Scope, &[u8]), LineError> {
    let end = text.iter().position(|c| is_blank(*c)).unwrap_or(text.len());
    let (given, rest) = text.split_at(end);
    let (scope, name) = match given {
        [b'*', b'.', name @ ..] => (Scope::Below, name),
        [b'.', name @ ..] => (Scope::Both, name),
        name => (Scope::Exact, name),
    };
    let name = match labels(name) {
        Some(labels) => Name::from_labels(labels.iter().map(Vec::as_slice)),
        None => Err(NameError::EmptyLabel(String::new())),
    };
    let name = name.ok().filter(|name| !name.is_root());
    let name = name
        .ok_or_else(|| LineError::Subject { given: beginning(text), expected: "a domain name" })?;
    match fault(&name, given) {
        Some(why) => Err(LineError::Name { name: shown(given), why }),
        None => Ok((name, scope, rest)),
    }
}

/// A name that may have any characters, and is not the root.
pub(super) fn any(given: &[u8]) -> Option<Name> {
    any_or_root(given).filter(|name| !name.is_root())
}

/// A name that may have any characters.
pub(super) fn any_or_root(given: &[u8]) -> Option<Name> {
    let labels = labels(given)?;
    Name::from_labels(labels.iter().map(Vec::as_slice)).ok()
}

/// The root.
pub(super) fn root() -> Name {
    Name::from_labels([]).expect("no label is too long")
}

/// The labels of a name with what is escaped by a backslash; empty ones count for nothing.
fn labels(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut labels = vec![Vec::new()];
    let mut rest = text;
    while let [c, behind @ ..] = rest {
        rest = behind;
        let c = match c {
            b'.' => {
                labels.push(Vec::new());
                continue;
            }
            b'\\' => {
                let digits = rest.iter().take(3).take_while(|c| c.is_ascii_digit()).count();
                if digits > 0 {
                    let (value, _) = number(&rest[..digits], 255)?;
                    rest = &rest[digits..];
                    value as u8
                } else {
                    // At the end it stands for itself.
                    let c = rest.split_off_first().copied();
                    c.unwrap_or(b'\\')
                }
            }
            c => *c,
        };
        labels.last_mut()?.push(c);
    }
    labels.retain(|label| !label.is_empty());
    Some(labels)
}

/// What keeps a name that rbldnsd takes from being listed here.
fn fault(name: &Name, given: &[u8]) -> Option<NameFault> {
    let is_plain = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    let mut bytes = name.labels().flatten();
    if let Some(found) = bytes.find(|c| !is_plain(c)) {
        return Some(match found {
            b'#' | b';' => NameFault::Comment,
            b'/' => NameFault::Url,
            b':' if given.windows(2).any(|pair| pair == b"//") => NameFault::Url,
            b':' => NameFault::Value,
            b'*' => NameFault::Star,
            c if !c.is_ascii() => NameFault::Encoding,
            _ => NameFault::Character,
        });
    }
    let top = name.labels().last()?;
    top.iter().all(u8::is_ascii_digit).then_some(NameFault::Address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        let (name, scope, rest) = read(text.as_bytes()).ok()?;
        let dots = match scope {
            Scope::Exact => "",
            Scope::Below => "*.",
            Scope::Both => ".",
        };
        Some(format!("{dots}{name}|{}", String::from_utf8_lossy(rest)))
    }

    #[test]
    fn a_name_may_be_about_itself_what_is_below_it_or_both() {
        for (text, expected) in [
            ("Example.COM", "example.com|"),
            ("*.example.com :5:x", "*.example.com| :5:x"),
            (".example.com.\tx", ".example.com|\tx"),
            ("a..b", "a.b|"),
            ("..e", ".e|"),
            ("\\065b.com", "ab.com|"),
            ("a\\-b.com", "a-b.com|"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_no_query_would_find_is_refused_with_its_fault() {
        for (text, fault) in [
            ("example.com#c", NameFault::Comment),
            ("example.com:5:x", NameFault::Value),
            ("http://example.com/x", NameFault::Url),
            ("example.com/x", NameFault::Url),
            ("*.*.example.com", NameFault::Star),
            ("*", NameFault::Star),
            ("a.*.example.com", NameFault::Star),
            ("b\u{fc}cher.example", NameFault::Encoding),
            ("192.0.2.1", NameFault::Address),
            ("a\\.b.com", NameFault::Character),
            ("a@b.com", NameFault::Character),
            ("a\\", NameFault::Character),
        ] {
            match read(text.as_bytes()) {
                Err(LineError::Name { why, .. }) => assert_eq!(why, fault, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        let long = "a".repeat(64);
        for text in [".", "*.", "a\\256.com", &long] {
            assert!(matches!(read(text.as_bytes()), Err(LineError::Subject { .. })), "{text}");
        }
    }
}
