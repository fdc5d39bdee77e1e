//! Lines of limited length, with CRLF, a byte order mark and bytes that are no text taken care of.

use std::{
    fmt,
    io::{self, BufRead, Read},
    mem,
};

use memchr::memchr;

use super::row::{MAX_ROW, Rejection};

/// Reads lines.
pub(super) struct Lines<R> {
    body: R,
    line: u64,
    /// How many bytes of the body's own buffer the last line took.
    used: usize,
    /// A line that does not lie in the body's buffer whole.
    buffer: Vec<u8>,
}

/// A line: its number, and its text or why it has none.
pub(super) type Line<'a> = (u64, Result<&'a str, LineFault>);

/// A line: its number, and its bytes unless there are too many.
pub(super) type RawLine<'a> = (u64, Result<&'a [u8], LineFault>);

/// The reason for which a line can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineFault {
    /// It has more bytes than [`MAX_ROW`].
    TooLong,
    /// It is no UTF-8 from this byte on; the first is 1.
    NoText { byte: usize },
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the line is longer than {MAX_ROW} bytes"),
            Self::NoText { byte } => write!(f, "byte {byte} is not UTF-8"),
        }
    }
}

impl From<LineFault> for Rejection {
    fn from(fault: LineFault) -> Self {
        Self::text(fault.to_string())
    }
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(body: R) -> Self {
        Self { body, line: 0, used: 0, buffer: Vec::new() }
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let line = self.next_raw()?;
        Ok(line.map(|(number, line)| (number, line.and_then(text))))
    }

    /// The next line, whatever its bytes mean; `None` at the end.
    ///
    /// It is borrowed, as most lines are forgotten at once: a copy of each would cost more than to
    /// read it.
    #[inline]
    pub(super) fn next_raw(&mut self) -> io::Result<Option<RawLine<'_>>> {
        let line = self.next_whole()?;
        Ok(line.map(|(number, line)| (number, line.and_then(|line| bare(number, line)))))
    }

    /// The next line as it stands, with CR and byte order mark, without its LF; `None` at the end.
    #[inline]
    pub(super) fn next_whole(&mut self) -> io::Result<Option<RawLine<'_>>> {
        self.body.consume(mem::take(&mut self.used));
        let Some(end) = memchr(b'\n', self.body.fill_buf()?) else {
            return self.next_across();
        };
        self.used = end + 1;
        self.line += 1;
        let line = &self.body.fill_buf()?[..end];
        Ok(Some((self.line, whole(line))))
    }

    /// A line that the body's buffer does not hold to its end.
    fn next_across(&mut self) -> io::Result<Option<RawLine<'_>>> {
        self.buffer.clear();
        let mut limited = (&mut self.body).take(MAX_ROW as u64 + 2);
        if limited.read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        let line = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        if line.len() > MAX_ROW + 1 {
            self.body.skip_until(b'\n')?;
            return Ok(Some((self.line, Err(LineFault::TooLong))));
        }
        Ok(Some((self.line, whole(line))))
    }
}

/// A line that may end with CR.
fn whole(line: &[u8]) -> Result<&[u8], LineFault> {
    if line.len() > MAX_ROW + 1 { Err(LineFault::TooLong) } else { Ok(line) }
}

/// A line without its end and without a byte order mark.
fn bare(number: u64, mut line: &[u8]) -> Result<&[u8], LineFault> {
    line = line.strip_suffix(b"\r").unwrap_or(line);
    if number == 1 {
        line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    }
    if line.len() > MAX_ROW { Err(LineFault::TooLong) } else { Ok(line) }
}

/// What a line says.
pub(super) fn text(line: &[u8]) -> Result<&str, LineFault> {
    std::str::from_utf8(line).map_err(|err| LineFault::NoText { byte: err.valid_up_to() + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Owned = (u64, Result<String, LineFault>);

    fn read(body: impl BufRead) -> Vec<Owned> {
        let mut lines = Lines::new(body);
        let mut read = Vec::new();
        while let Some((number, text)) = lines.next().unwrap() {
            read.push((number, text.map(str::to_owned)));
        }
        read
    }

    /// The lines of a body that comes in pieces of any size.
    fn lines(body: &[u8]) -> Vec<Owned> {
        let whole = read(body);
        for capacity in [1, 2, 7, MAX_ROW, 2 * MAX_ROW] {
            assert_eq!(read(io::BufReader::with_capacity(capacity, body)), whole, "{capacity}");
        }
        whole
    }

    #[test]
    fn crlf_a_byte_order_mark_and_a_missing_last_newline_are_tolerated() {
        let read = lines(b"\xef\xbb\xbfa\r\n\nb");
        let texts: Vec<_> = read.into_iter().map(|(n, line)| (n, line.unwrap())).collect();
        let expected = [(1, "a"), (2, ""), (3, "b")].map(|(n, text)| (n, text.to_owned()));
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_line_that_is_too_long_or_no_text_does_not_end_the_rest() {
        let long = [b'x'; MAX_ROW + 1];
        let read = lines(&[&long, b"\na\xff\nb".as_slice()].concat());
        assert_eq!(read[0], (1, Err(LineFault::TooLong)));
        assert_eq!(read[1], (2, Err(LineFault::NoText { byte: 2 })));
        assert_eq!(read[2], (3, Ok("b".into())));
        let longer = vec![b'x'; 3 * MAX_ROW];
        let read = lines(&[&longer, b"\nb".as_slice()].concat());
        assert_eq!(read.len(), 2);
        let longest = vec![b'x'; MAX_ROW];
        for end in [b"\r\n".as_slice(), b"\n", b"\r", b""] {
            assert!(lines(&[&longest, end].concat())[0].1.is_ok(), "{end:?}");
        }
    }
}
