//! The head of a line: when it was written, by which program; what is left is the message.

use super::stamp::Stamp;

/// A line with its head taken apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogLine<'a> {
    /// When it was written, if it tells.
    pub(crate) written: Option<Stamp>,
    /// The program, without its process id.
    pub(crate) program: &'a str,
    /// What the program says.
    pub(crate) message: &'a str,
}

impl<'a> LogLine<'a> {
    /// Takes a line apart: as syslog writes it (RFC 3164 section 4.1, RFC 5424 section 6, and the files of
    /// rsyslog, syslog-ng and `journalctl -o short-iso`), as Dovecot does without syslog, or with no time
    /// at all before the program.
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let line = without_priority(line);
        if let Some(structured) = line.strip_prefix("1 ") {
            return Self::structured(structured);
        }
        let Some((stamp, rest)) = Stamp::leading(line) else {
            let (program, message) = tag(line)?;
            return Some(Self { written: None, program, message });
        };
        let rest = without_level(rest);
        // Dovecot's own log has no host.
        let (program, message) = tag(rest).or_else(|| tag(rest.split_once(' ')?.1))?;
        Some(Self { written: Some(stamp), program, message })
    }

    /// The rest of RFC 5424's form, behind the version.
    fn structured(line: &'a str) -> Option<Self> {
        let (stamp, rest) = Stamp::leading(line)?;
        let mut words = rest.splitn(5, ' ');
        let [_host, program, _process, _id] =
            [words.next()?, words.next()?, words.next()?, words.next()?];
        let message = behind_structured_data(words.next()?)?;
        let message = message.strip_prefix('\u{feff}').unwrap_or(message);
        Some(Self { written: Some(stamp), program, message })
    }
}

/// Drops `<22>`, which files rarely have.
fn without_priority(line: &str) -> &str {
    let rest = line.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    match rest {
        Some((digits, rest))
            if (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) =>
        {
            rest
        }
        _ => line,
    }
}

/// Drops `<mail.info> `, as some of BSD write it behind the time.
fn without_level(rest: &str) -> &str {
    let level = rest.strip_prefix('<').and_then(|rest| rest.split_once("> "));
    match level {
        Some((level, rest)) if level.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.') => {
            rest
        }
        _ => rest,
    }
}

/// Reads `program: ` or `program[123]: ` at the start.
fn tag(text: &str) -> Option<(&str, &str)> {
    let (tag, message) = text.split_once(": ")?;
    let program = match tag.strip_suffix(']') {
        None => tag,
        Some(tag) => {
            let (program, process) = tag.split_once('[')?;
            let is_process = !process.is_empty() && process.bytes().all(|b| b.is_ascii_digit());
            is_process.then_some(program)?
        }
    };
    let is_program = !program.is_empty()
        && program.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte));
    is_program.then_some((program, message))
}

/// What follows `-` or `[…][…]` and a blank; a `]` in a value is written `\]` (RFC 5424 section 6.3.3).
fn behind_structured_data(text: &str) -> Option<&str> {
    if let Some(message) = text.strip_prefix("- ") {
        return Some(message);
    }
    let mut rest = text;
    while let Some(element) = rest.strip_prefix('[') {
        let mut is_escaped = false;
        let end = element.bytes().position(|byte| {
            let is_end = byte == b']' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            is_end
        })?;
        rest = &element[end + 1..];
    }
    rest.strip_prefix(' ').filter(|_| text.starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::LogLine;

    fn parts(line: &str) -> Option<(bool, &str, &str)> {
        let line = LogLine::parse(line)?;
        Some((line.written.is_some(), line.program, line.message))
    }

    #[test]
    fn a_head_is_one_of_those_that_are_in_use() {
        for (line, expected) in [
            ("Nov 29 15:10:36 mail dovecot: imap-login: x", (true, "dovecot", "imap-login: x")),
            ("Nov  9 15:10:36 mail cyrus/imap[27783]: x: y", (true, "cyrus/imap", "x: y")),
            ("<22>Nov 29 15:10:36 mail imapd-ssl: LOGIN, x", (true, "imapd-ssl", "LOGIN, x")),
            ("Jan 21 19:06:28 <mail.info> xyz dovecot: x", (true, "dovecot", "x")),
            ("2026-11-29T15:10:36.2+09:00 mail imapd[1]: x", (true, "imapd", "x")),
            ("2026-11-29T15:10:36+0900 mail imapd[1]: x\r", (true, "imapd", "x")),
            ("Nov 29 15:10:36 imap-login: Info: x", (true, "imap-login", "Info: x")),
            ("2026-11-29 15:10:36 imap-login: Info: x", (true, "imap-login", "Info: x")),
            ("<22>1 2026-11-29T15:10:36.003Z mail popper 8 - - x", (true, "popper", "x")),
            (
                "1 2026-11-29T15:10:36Z mail popper - id [a@1 b=\"\\]\"][c] \u{feff}x",
                (true, "popper", "x"),
            ),
            ("imap-login: Info: x", (false, "imap-login", "Info: x")),
            ("pop3d[9]: x", (false, "pop3d", "x")),
        ] {
            assert_eq!(parts(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn without_a_program_at_its_place_there_is_no_line() {
        for line in [
            "",
            "dovecot:",
            "a b dovecot: x",
            "Nov 29 15:10:36 mail other dovecot: x",
            "Nov 29 15:10:36 mail (dovecot): x",
            "Nov 29 15:10:36 mail dovecot[]: x",
            "Nov 29 15:10:36 mail dovecot[1x]: x",
            "Foo 29 15:10:36 mail dovecot: x",
            "<999999>dovecot: x",
            "<22>1 2026-11-29T15:10:36Z mail popper 8 - [a x",
            "<22>1 2026-11-29T15:10:36Z mail popper 8 - [a]x",
            "<22>1 - mail popper 8 - - x",
        ] {
            assert_eq!(parts(line), None, "{line}");
        }
    }
}
