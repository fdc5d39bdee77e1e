//! Character-strings as master files write them (RFC 1035 section 5.1).

/// Reads one: in quotes, or without them up to a blank. Backslashes escape.
pub(super) fn parse(text: &str) -> Option<Vec<u8>> {
    let (inside, quoted) = match text.strip_prefix('"') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let mut bytes = inside.bytes();
    let mut string = Vec::with_capacity(inside.len());
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted => return (bytes.len() == 0).then_some(string),
            b'"' | b' ' if !quoted => return None,
            b'\\' => string.push(escaped(&mut bytes)?),
            b' '..=b'~' => string.push(byte),
            _ => return None,
        }
    }
    (!quoted && !string.is_empty()).then_some(string)
}

/// What is behind a backslash: three decimal digits, or the character itself.
fn escaped(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let first = bytes.next()?;
    if !first.is_ascii_digit() {
        return (b' '..=b'~').contains(&first).then_some(first);
    }
    let digits = [first, bytes.next()?, bytes.next()?];
    str::from_utf8(&digits).ok()?.parse().ok()
}

/// Writes one in quotes.
pub(super) fn write(string: &[u8]) -> String {
    let mut text = String::from('"');
    for &byte in string {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(byte.into()),
            _ => text.push_str(&format!("\\{byte:03}")),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(string in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(parse(&write(&string)), Some(string));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,20}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn quotes_may_be_left_out_where_there_is_no_blank() {
        assert_eq!(parse("ca.example.net"), Some(b"ca.example.net".to_vec()));
        assert_eq!(parse("a b"), None);
        assert_eq!(parse(""), None);
        assert_eq!(parse(r#""a" "b""#), None);
        assert_eq!(parse(r"\0651"), Some(b"A1".to_vec()));
        assert_eq!(parse(r"\999"), None);
    }
}
