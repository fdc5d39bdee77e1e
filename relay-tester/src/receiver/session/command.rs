//! Command lines (RFC 5321 section 4.1.1), read generously: the mail that matters here has odd
//! addresses.

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    Helo(&'a [u8]),
    Ehlo(&'a [u8]),
    Mail(&'a [u8]),
    Rcpt(&'a [u8]),
    Data,
    Rset,
    Noop,
    Vrfy,
    Help,
    Quit,
    Other,
}

/// The longest text of a stranger that is kept, in characters.
const MAX_TEXT: usize = 320;

impl<'a> Command<'a> {
    pub(super) fn read(line: &'a [u8]) -> Self {
        let line = line.trim_ascii();
        // A line end inside a line is never an accident.
        if line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Self::Other;
        }
        if let Some(argument) = after(line, b"MAIL FROM:") {
            return Self::Mail(argument);
        }
        if let Some(argument) = after(line, b"RCPT TO:") {
            return Self::Rcpt(argument);
        }
        let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
        let (verb, argument) = line.split_at(end);
        let argument = argument.trim_ascii();
        match verb.to_ascii_uppercase().as_slice() {
            b"HELO" => Self::Helo(argument),
            b"EHLO" => Self::Ehlo(argument),
            b"DATA" => Self::Data,
            b"RSET" => Self::Rset,
            b"NOOP" => Self::Noop,
            b"VRFY" => Self::Vrfy,
            b"HELP" => Self::Help,
            b"QUIT" => Self::Quit,
            _ => Self::Other,
        }
    }
}

/// What follows these words, in either case.
fn after<'a>(line: &'a [u8], words: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(words.len())?;
    start.eq_ignore_ascii_case(words).then(|| rest.trim_ascii())
}

/// The path of an argument without its brackets and parameters.
pub(super) fn path(argument: &[u8]) -> String {
    clean(split(argument).0)
}

/// The address of a path: without a source route.
pub(super) fn address(argument: &[u8]) -> String {
    let path = path(argument);
    match path.strip_prefix('@').and_then(|route| route.split_once(':')) {
        Some((_, address)) => address.to_owned(),
        None => path,
    }
}

/// The size that MAIL declares (RFC 1870).
pub(super) fn size(argument: &[u8]) -> Option<u64> {
    let mut words = split(argument).1.split(u8::is_ascii_whitespace);
    let value = words.find_map(|word| after(word, b"SIZE="))?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Path and parameters.
fn split(argument: &[u8]) -> (&[u8], &[u8]) {
    if let Some(rest) = argument.strip_prefix(b"<") {
        let end = closing_bracket(rest).unwrap_or(rest.len());
        return (&rest[..end], rest.get(end + 1..).unwrap_or_default());
    }
    let end = argument.iter().position(u8::is_ascii_whitespace).unwrap_or(argument.len());
    argument.split_at(end)
}

/// The first `>` outside quotes.
fn closing_bracket(text: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.iter().position(|&byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'>' => return !quoted,
            _ => {}
        }
        false
    })
}

/// A stranger's text, fit to be shown.
pub(super) fn clean(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::{Command, address, path, size};

    #[test]
    fn commands_are_read_in_either_case_and_with_stray_blanks() {
        for (line, expected) in [
            ("EHLO a.example", Command::Ehlo(b"a.example")),
            ("helo  a ", Command::Helo(b"a")),
            ("mail from: <a@b>", Command::Mail(b"<a@b>")),
            ("RCPT TO:a@b", Command::Rcpt(b"a@b")),
            ("QUIT now", Command::Quit),
            ("MAIL <a@b>", Command::Other),
            ("BDAT 10 LAST", Command::Other),
            ("AUTH PLAIN", Command::Other),
            ("STARTTLS", Command::Other),
            ("", Command::Other),
            ("NOOP\nMAIL FROM:<>", Command::Other),
        ] {
            assert_eq!(Command::read(line.as_bytes()), expected, "{line:?}");
        }
    }

    #[test]
    fn paths_have_no_brackets_and_no_parameters() {
        for (argument, expected) in [
            ("<>", ""),
            ("", ""),
            ("<> BODY=8BITMIME", ""),
            ("<a@b.example> SIZE=1", "a@b.example"),
            ("a@b.example SIZE=1", "a@b.example"),
            ("<\"a>b\"@c.example>", "\"a>b\"@c.example"),
            ("<a@b.example", "a@b.example"),
        ] {
            assert_eq!(path(argument.as_bytes()), expected, "{argument}");
        }
        assert_eq!(address(b"<@a.example,@b.example:c@d.example>"), "c@d.example");
        assert_eq!(address(b"<c@d.example>"), "c@d.example");
    }

    #[test]
    fn rfc1870_s6_the_declared_size_is_read() {
        assert_eq!(size(b"<a@b> BODY=7BIT size=70000"), Some(70_000));
        assert_eq!(size(b"<a@b> SIZE=x"), None);
        assert_eq!(size(b"<SIZE=1@b>"), None);
    }
}
