//! Lines of limited length, with CRLF, a byte order mark and bytes that are no text taken care of.

use std::io::{self, BufRead, Read};

use super::MAX_ROW;

/// Reads lines.
pub(super) struct Lines<R> {
    body: R,
    line: u64,
    buffer: Vec<u8>,
}

/// A line: its number, and its text or why it has none.
pub(super) type Line = (u64, Result<String, String>);

impl<R: BufRead> Lines<R> {
    pub(super) fn new(body: R) -> Self {
        Self { body, line: 0, buffer: Vec::new() }
    }

    fn read(&mut self) -> io::Result<Option<Line>> {
        self.buffer.clear();
        let mut limited = (&mut self.body).take(MAX_ROW as u64 + 2);
        if limited.read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        let whole = self.buffer.ends_with(b"\n");
        if !whole && self.buffer.len() > MAX_ROW + 1 {
            self.body.skip_until(b'\n')?;
        }
        Ok(Some((self.line, self.text())))
    }

    fn text(&self) -> Result<String, String> {
        let mut bytes = self.buffer.as_slice();
        bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if self.line == 1 {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        if bytes.len() > MAX_ROW {
            return Err(format!("the line is longer than {MAX_ROW} bytes"));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(err) => Err(format!("byte {} is not UTF-8", err.valid_up_to() + 1)),
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<io::Result<Line>> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(body: &[u8]) -> Vec<Line> {
        Lines::new(body).map(Result::unwrap).collect()
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
        assert!(read[0].1.as_ref().unwrap_err().contains("longer"));
        assert_eq!(read[1], (2, Err("byte 2 is not UTF-8".into())));
        assert_eq!(read[2], (3, Ok("b".into())));
        let longer = vec![b'x'; 3 * MAX_ROW];
        let read = lines(&[&longer, b"\nb".as_slice()].concat());
        assert_eq!(read.len(), 2);
        let longest = vec![b'x'; MAX_ROW];
        assert!(lines(&[&longest, b"\r\n".as_slice()].concat())[0].1.is_ok());
    }
}
