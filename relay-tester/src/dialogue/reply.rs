//! Replies of a server (RFC 5321 section 4.2).

use std::{fmt, str::FromStr};

/// A reply: its code and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    lines: Vec<String>,
}

/// The class of a reply (RFC 5321 section 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyClass {
    /// 2xx, positive completion.
    Completion,
    /// 3xx, positive intermediate.
    Intermediate,
    /// 421: the server closes the connection.
    Closing,
    /// 4xx, transient negative: not now.
    Transient,
    /// 5xx, permanent negative, and a 4xx that means no all the same.
    Permanent,
}

/// The reason why what a server sent is no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// A line that does not begin with a code.
    #[error("a line without a code: {0}")]
    NoCode(String),
    /// A line of more than [`ReplyReader::MAX_LINE`] octets.
    #[error("a line is too long")]
    LineTooLong,
    /// A reply of more than [`ReplyReader::MAX_LINES`] lines.
    #[error("a reply has too many lines")]
    TooManyLines,
    /// Not exactly one reply, where one was to be read.
    #[error("not one whole reply")]
    NotOne,
    /// More than [`ReplyReader::MAX_OCTETS`] octets on one connection.
    #[error("the server sent too much")]
    TooMuch,
}

/// A reader that makes replies of what comes over one connection, however it is cut into pieces.
#[derive(Debug, Default)]
pub struct ReplyReader {
    unread: Vec<u8>,
    /// How many octets of `unread` are known to hold no line end.
    searched: usize,
    total: usize,
    lines: Vec<String>,
    code: u16,
}

impl Reply {
    /// 200 to 599. Where the lines of a reply differ it is the highest: only a unanimous yes is one.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The lines without their codes and [cleaned](crate::text::clean); at least one, maybe empty.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    pub(crate) fn class(&self) -> ReplyClass {
        match self.code {
            421 => ReplyClass::Closing,
            200..300 => ReplyClass::Completion,
            300..400 => ReplyClass::Intermediate,
            400..500 if !self.refuses_relaying() => ReplyClass::Transient,
            _ => ReplyClass::Permanent,
        }
    }

    /// Whether a 454 says no to relaying as such, and not to this moment: what Postfix says for
    /// `defer_unauth_destination`, the end of its usual `smtpd_relay_restrictions`, and for
    /// `soft_bounce`. Servers that only put us off speak of time, or of grey lists.
    fn refuses_relaying(&self) -> bool {
        let text = self.lines.join(" ").to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        self.code == 454
            && says(&["relay access denied", "relaying denied", "relay not permitted"])
            && !says(&["temporar", "later", "again", "grey", "gray", "minutes", "seconds"])
    }
}

impl FromStr for Reply {
    type Err = ReplyError;

    /// Reads exactly one whole reply, without the last line end.
    fn from_str(text: &str) -> Result<Self, ReplyError> {
        let mut reader = ReplyReader::default();
        reader.push(text.as_bytes())?;
        reader.push(b"\r\n")?;
        match reader.next_reply()? {
            Some(reply) if !reader.has_unread() => Ok(reply),
            _ => Err(ReplyError::NotOne),
        }
    }
}

impl ReplyReader {
    /// The longest line, in octets with its end; RFC 5321 section 4.5.3.1.5 allows 512.
    pub const MAX_LINE: usize = 2048;
    /// The most lines of a reply.
    pub const MAX_LINES: usize = 100;
    /// The most octets that one connection may send.
    pub const MAX_OCTETS: usize = 256 * 1024;

    /// Takes what came.
    ///
    /// # Errors
    /// [`ReplyError::TooMuch`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), ReplyError> {
        self.total = self.total.saturating_add(bytes.len());
        if self.total > Self::MAX_OCTETS {
            return Err(ReplyError::TooMuch);
        }
        self.unread.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole reply, if it has come.
    ///
    /// # Errors
    /// What came is no reply.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, ReplyError> {
        while let Some(line) = self.next_line()? {
            let (code, last, text) = read_line(&line)?;
            self.code = self.code.max(code);
            self.lines.push(text);
            if last {
                let lines = std::mem::take(&mut self.lines);
                return Ok(Some(Reply { code: std::mem::take(&mut self.code), lines }));
            }
            if self.lines.len() == Self::MAX_LINES {
                return Err(ReplyError::TooManyLines);
            }
        }
        Ok(None)
    }

    /// Whether anything is there that was not asked for yet.
    pub fn has_unread(&self) -> bool {
        !self.unread.is_empty() || !self.lines.is_empty()
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, ReplyError> {
        let end = memchr::memchr(b'\n', &self.unread[self.searched..]);
        let len = end.map_or(self.unread.len(), |end| self.searched + end + 1);
        if len > Self::MAX_LINE {
            return Err(ReplyError::LineTooLong);
        }
        if end.is_none() {
            self.searched = len;
            return Ok(None);
        }
        self.searched = 0;
        Ok(Some(self.unread.drain(..len).collect()))
    }
}

/// The code of a line, whether it is the last of its reply, and its text.
fn read_line(line: &[u8]) -> Result<(u16, bool, String), ReplyError> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let no_code = || ReplyError::NoCode(clean(&line[..line.len().min(80)]));
    let (digits, rest) = line.split_at_checked(3).ok_or_else(no_code)?;
    let &[a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9'] = digits else {
        return Err(no_code());
    };
    let digit = |byte: u8| u16::from(byte - b'0');
    let code = digit(a) * 100 + digit(b) * 10 + digit(c);
    match rest.split_first() {
        None => Ok((code, true, String::new())),
        Some((b'-', text)) => Ok((code, false, clean(text))),
        Some((b' ' | b'\t', text)) => Ok((code, true, clean(text))),
        Some(_) => Err(no_code()),
    }
}

fn clean(text: &[u8]) -> String {
    crate::text::clean(&String::from_utf8_lossy(text))
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.lines.join(" / "))
    }
}

#[cfg(test)]
pub(crate) fn reply(text: &str) -> Reply {
    text.parse().unwrap()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Reply, ReplyClass, ReplyError, ReplyReader, reply};

    fn read(bytes: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let mut reader = ReplyReader::default();
        reader.push(bytes)?;
        reader.next_reply()
    }

    #[test]
    fn rfc5321_s4_2_1_a_reply_ends_with_the_line_without_a_hyphen() {
        let reply = reply("250-mail.example\r\n250-SIZE 100\r\n250 HELP");
        assert_eq!((reply.code(), reply.lines().len()), (250, 3));
        assert_eq!(reply.lines()[1], "SIZE 100");
        assert_eq!(read(b"250-a\r\n250-b\r\n"), Ok(None));
    }

    #[test]
    fn a_text_is_read_as_one_reply_or_not_at_all() {
        for text in ["250-a", "250 a\r\n250 b", "250 a\r\n"] {
            assert!(text.parse::<Reply>().is_err(), "{text:?}");
        }
        assert_eq!("550 a".parse::<Reply>().map(|reply| reply.code()), Ok(550));
    }

    #[test]
    fn a_code_may_stand_alone_and_lines_may_end_with_lf() {
        assert_eq!(reply("250").lines(), [""]);
        assert_eq!(read(b"220-\n220\n").unwrap().unwrap().lines(), ["", ""]);
    }

    #[test]
    fn where_codes_differ_the_highest_counts() {
        assert_eq!(reply("250-yes\r\n550 no").code(), 550);
        assert_eq!(reply("550-no\r\n250 yes").code(), 550);
        assert_eq!(reply("250-a\r\n421 b").code(), 421);
    }

    #[test]
    fn other_protocols_and_nonsense_have_no_code() {
        for line in [
            "SSH-2.0-x",
            "+OK",
            "* OK",
            "",
            "25",
            "2x0 a",
            "150 a",
            "600 a",
            "2500 a",
            "HTTP/1.1 400",
            "250_x",
        ] {
            let result = read(format!("{line}\r\n").as_bytes());
            assert!(matches!(result, Err(ReplyError::NoCode(_))), "{line}: {result:?}");
        }
    }

    #[test]
    fn lines_replies_and_connections_have_limits() {
        let long = [b"250 ".as_slice(), &[b'a'; ReplyReader::MAX_LINE]].concat();
        assert_eq!(read(&long), Err(ReplyError::LineTooLong));
        assert_eq!(read(&b"250-a\r\n".repeat(200)), Err(ReplyError::TooManyLines));
        let mut reader = ReplyReader::default();
        let result = (0..1000).try_for_each(|_| reader.push(&[b'a'; 1000]));
        assert_eq!(result, Err(ReplyError::TooMuch));
    }

    #[test]
    fn control_characters_do_not_get_through() {
        assert_eq!(reply("250 a\x1b[2J\0b\rc").lines(), ["a\u{fffd}[2J\u{fffd}b\u{fffd}c"]);
    }

    /// A default Postfix says 454 to whoever wants to relay, for ever.
    #[test]
    fn a_4xx_is_not_now_unless_it_refuses_to_relay_as_such() {
        for text in ["454 4.7.1 <t@probe.example>: Relay access denied", "554 no", "550 5.7.1 no"] {
            assert_eq!(reply(text).class(), ReplyClass::Permanent, "{text}");
        }
        for text in [
            "450 4.2.0 <t@probe.example>: Recipient address rejected: Greylisted, see http://x.example",
            "450 4.7.1 Relay access denied",
            "454 4.7.1 Relaying denied: greylisted for 300 seconds",
            "450 4.7.1 <x>: Client host rejected: cannot find your hostname",
            "451 4.7.1 Relaying temporarily denied",
            "454 4.3.0 no",
        ] {
            assert_eq!(reply(text).class(), ReplyClass::Transient, "{text}");
        }
        assert_eq!(reply("421 4.7.0 bye").class(), ReplyClass::Closing);
    }

    #[test]
    fn what_follows_a_reply_is_noticed() {
        let mut reader = ReplyReader::default();
        reader.push(b"250 ok\r\n2").unwrap();
        assert!(reader.next_reply().unwrap().is_some());
        assert!(reader.has_unread());
    }

    proptest! {
        #[test]
        fn replies_do_not_depend_on_how_they_are_cut(text in "(2[0-9][0-9][- ][a-z]{0,5}\r?\n){1,8}", cut in 0usize..60) {
            let all = |pieces: &[&[u8]]| {
                let mut reader = ReplyReader::default();
                let mut replies = vec![];
                for piece in pieces {
                    reader.push(piece).unwrap();
                    while let Some(reply) = reader.next_reply().unwrap() {
                        replies.push(reply);
                    }
                }
                replies
            };
            let bytes = text.as_bytes();
            let (a, b) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(all(&[bytes]), all(&[a, b]));
        }

        #[test]
        fn any_octets_are_replies_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let mut reader = ReplyReader::default();
            reader.push(&bytes).unwrap();
            let mut lines = 0;
            while let Ok(Some(reply)) = reader.next_reply() {
                prop_assert!((200..600).contains(&reply.code()) && !reply.lines().is_empty());
                lines += reply.lines().len();
            }
            prop_assert!(lines <= bytes.len());
        }
    }
}
