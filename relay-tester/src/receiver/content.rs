//! The content of a message up to the final dot (RFC 5321 section 4.5.2).

/// Reads a message as it comes.
///
/// Only CRLF ends a line here and only CRLF, dot, CRLF ends the message: a dot between other line ends
/// is content. Whoever takes those for the end can be made to see a second message in the first.
#[derive(Debug)]
pub(super) struct Content {
    data: Vec<u8>,
    at: At,
    max: usize,
}

/// The place of the next octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    LineStart,
    InLine,
    AfterCr,
    /// After a dot at the start of a line, which is not content.
    AfterDot,
    /// After that dot and a CR.
    AfterDotCr,
    End,
}

/// The message is larger than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl Content {
    pub(super) fn new(max: usize) -> Self {
        Self { data: Vec::new(), at: At::LineStart, max }
    }

    /// Takes octets up to the end of the message and says how many it took; whether that was the end
    /// is known by [`Content::is_whole`].
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<usize, TooLarge> {
        for (taken, &byte) in bytes.iter().enumerate() {
            if self.at == At::End {
                return Ok(taken);
            }
            self.take(byte);
            if self.data.len() > self.max {
                return Err(TooLarge);
            }
        }
        Ok(bytes.len())
    }

    pub(super) fn is_whole(&self) -> bool {
        self.at == At::End
    }

    pub(super) fn into_data(self) -> Vec<u8> {
        self.data
    }

    fn take(&mut self, byte: u8) {
        self.at = match (self.at, byte) {
            (At::LineStart, b'.') => At::AfterDot,
            (At::AfterDot, b'\r') => At::AfterDotCr,
            (At::AfterDotCr, b'\n') => At::End,
            (at, byte) => {
                if at == At::AfterDotCr {
                    self.data.push(b'\r');
                }
                self.data.push(byte);
                match (at, byte) {
                    (At::AfterCr, b'\n') => At::LineStart,
                    (_, b'\r') => At::AfterCr,
                    _ => At::InLine,
                }
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Content, TooLarge};

    fn read(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
        let mut content = Content::new(1_000);
        let taken = content.push(bytes).unwrap();
        content.is_whole().then(|| (content.into_data(), taken))
    }

    #[test]
    fn rfc5321_s4_5_2_dots_are_unstuffed_and_the_final_dot_is_no_content() {
        let (data, taken) = read(b"a\r\n..b\r\n.c\r\n.\r\nQUIT\r\n").unwrap();
        assert_eq!(data, b"a\r\n.b\r\nc\r\n");
        assert_eq!(taken, b"a\r\n..b\r\n.c\r\n.\r\n".len());
        assert_eq!(read(b".\r\n").unwrap().0, b"");
    }

    #[test]
    fn no_other_line_ends_end_a_message() {
        for smuggled in
            ["a\n.\n", "a\n.\r\n", "a\r\n.\n", "a\r.\r", "a\r\n.\r", "a\r\n.\r.\r\n", "a\r\n..\r\n"]
        {
            assert_eq!(read(smuggled.as_bytes()), None, "{smuggled:?}");
        }
        assert_eq!(read(b"a\n.\nb\r\n.\r\n").unwrap().0, b"a\n.\nb\r\n");
        assert_eq!(read(b"a\r\n.\rb\r\n.\r\n").unwrap().0, b"a\r\n\rb\r\n");
    }

    #[test]
    fn a_large_message_is_not_kept() {
        let mut content = Content::new(10);
        assert_eq!(content.push(&[b'a'; 11]), Err(TooLarge));
    }

    proptest! {
        #[test]
        fn any_text_that_was_stuffed_is_read_back(lines in prop::collection::vec("[.a\r]{0,4}", 0..6), cut in 0usize..30) {
            let lines: Vec<_> = lines.iter().map(|line| line.replace('\r', "\n")).collect();
            let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let stuffed = crate::message::wire(&text);
            let mut content = Content::new(1_000);
            let (a, b) = stuffed.split_at(cut.min(stuffed.len()));
            let taken = content.push(a).unwrap();
            prop_assert_eq!(taken, a.len());
            content.push(b).unwrap();
            prop_assert!(content.is_whole());
            prop_assert_eq!(content.into_data(), text.into_bytes());
        }
    }
}
