//! Requests on the wire: Postfix policy delegation (SMTPD_POLICY_README) and the one line of Exim.
//!
//! A Postfix request is lines of `name=value`, ended by an empty line. A request whose first line begins with
//! `ip=` is that line alone: Postfix has no such attribute.

use super::request::{Request, Wrong};

/// The longest line, in octets; Postfix breaks its own at 2,048.
pub(super) const MAX_LINE: usize = 8 << 10;
/// The longest request, in octets.
pub(super) const MAX_REQUEST: usize = 64 << 10;
/// The most attributes of a request; Postfix 3.12 sends about 45.
pub(super) const MAX_ATTRIBUTES: usize = 256;

/// A complete request, and in which form its sender wants the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// From Postfix.
    Policy(Request),
    /// From Exim's `${readsocket}`.
    Line(Request),
}

/// Why no request can be read any more from this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("a line longer than {MAX_LINE} octets")]
    LongLine,
    #[error("a request longer than {MAX_REQUEST} octets")]
    LongRequest,
    #[error("a request of more than {MAX_ATTRIBUTES} attributes")]
    ManyAttributes,
    #[error("a line that is no name=value")]
    NoAttribute,
    #[error("a NUL octet")]
    Nul,
    #[error("an empty request")]
    Empty,
    #[error(transparent)]
    Request(#[from] Wrong),
}

/// Finds requests in the octets of one connection, however they are cut.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// What has no line end yet begins at `start`.
    buffer: Vec<u8>,
    start: usize,
    /// Up to here there is no line end behind `start`.
    searched: usize,
    partial: Option<Partial>,
}

/// The lines of a request so far.
#[derive(Debug, Default)]
struct Partial {
    octets: usize,
    attributes: usize,
    request: Request,
}

impl Decoder {
    /// Takes what was received.
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(octets);
    }

    /// The next complete request; `None` until more is received.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Malformed> {
        while let Some(end) = self.line_end()? {
            let line = String::from_utf8_lossy(&self.buffer[self.start..end]).into_owned();
            let line = line.strip_suffix('\r').unwrap_or(&line);
            (self.start, self.searched) = (end + 1, end + 1);
            if let Some(frame) = self.take_line(line)? {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// What is left when the sender has no more to say: an Exim line needs no line end.
    pub(super) fn finish(mut self) -> Result<Option<Frame>, Malformed> {
        if self.partial.is_none() && self.buffer[self.start..].starts_with(b"ip=") {
            self.push(b"\n");
            return self.next();
        }
        Ok(None)
    }

    /// Whether a request has begun but not ended.
    pub(super) fn is_within_request(&self) -> bool {
        self.partial.is_some() || self.start < self.buffer.len()
    }

    fn line_end(&mut self) -> Result<Option<usize>, Malformed> {
        let found = self.buffer[self.searched..].iter().position(|&octet| octet == b'\n');
        let end = found.map(|at| self.searched + at);
        self.searched = end.unwrap_or(self.buffer.len());
        let line = &self.buffer[self.start..self.searched];
        if line.len() > MAX_LINE {
            return Err(Malformed::LongLine);
        }
        if line.contains(&0) {
            return Err(Malformed::Nul);
        }
        Ok(end)
    }

    fn take_line(&mut self, line: &str) -> Result<Option<Frame>, Malformed> {
        match (&mut self.partial, line) {
            (None, "") => Err(Malformed::Empty),
            (Some(_), "") => {
                let request = self.partial.take().unwrap_or_default().request;
                Ok(Some(Frame::Policy(request.checked()?)))
            }
            (None, line) if line.starts_with("ip=") => {
                Ok(Some(Frame::Line(Request::from_line(line)?)))
            }
            (partial, line) => {
                partial.get_or_insert_default().add(line)?;
                Ok(None)
            }
        }
    }
}

impl Partial {
    fn add(&mut self, line: &str) -> Result<(), Malformed> {
        self.octets += line.len() + 1;
        self.attributes += 1;
        if self.octets > MAX_REQUEST {
            return Err(Malformed::LongRequest);
        }
        if self.attributes > MAX_ATTRIBUTES {
            return Err(Malformed::ManyAttributes);
        }
        let (name, value) = line.split_once('=').ok_or(Malformed::NoAttribute)?;
        self.request.set(name, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Decoder, Frame, MAX_ATTRIBUTES, MAX_LINE, MAX_REQUEST, Malformed, Wrong};

    const REQUEST: &str = "request=smtpd_access_policy\nprotocol_state=RCPT\n\
        client_address=192.0.2.99\nhelo_name=mx.example.net\nsender=a=b@example.org\n\
        instance=123.456.7\nsasl_username=\nstress=\nccert_subject=\n\n";

    /// All that comes of octets that arrive in pieces of this length.
    fn decode(octets: &[u8], piece: usize) -> Result<Vec<Frame>, Malformed> {
        let mut decoder = Decoder::default();
        let mut frames = Vec::new();
        for piece in octets.chunks(piece) {
            decoder.push(piece);
            while let Some(frame) = decoder.next()? {
                frames.push(frame);
            }
        }
        frames.extend(decoder.finish()?);
        Ok(frames)
    }

    fn with_head(rest: &str) -> Vec<u8> {
        format!("request=smtpd_access_policy\n{rest}").into_bytes()
    }

    #[test]
    fn case_47_a_request_may_come_byte_by_byte() {
        let whole = decode(REQUEST.as_bytes(), usize::MAX).unwrap();
        assert_eq!(whole.len(), 1);
        let Frame::Policy(request) = &whole[0] else { panic!("{whole:?}") };
        assert_eq!(request.client, Some("192.0.2.99".parse().unwrap()));
        assert_eq!(request.helo, "mx.example.net");
        assert_eq!(request.sender, "a=b@example.org");
        assert_eq!(request.instance, "123.456.7");
        assert!(!request.is_authenticated() && !request.stress);
        assert_eq!(decode(REQUEST.as_bytes(), 1).unwrap(), whole);
    }

    #[test]
    fn case_47_requests_may_be_pipelined() {
        let three = REQUEST.repeat(3);
        for piece in [1, 7, 100, three.len()] {
            assert_eq!(decode(three.as_bytes(), piece).unwrap().len(), 3);
        }
    }

    #[test]
    fn case_47_a_request_of_100_000_lines_is_refused() {
        let short = with_head(&"a=b\n".repeat(100_000));
        assert_eq!(decode(&short, 4096), Err(Malformed::ManyAttributes));
        let long = with_head(&format!("a={}\n", "b".repeat(1000)).repeat(100_000));
        assert_eq!(decode(&long, 4096), Err(Malformed::LongRequest));
    }

    #[test]
    fn case_47_a_wrong_request_is_refused() {
        for wrong in ["request=junk\n\n", "client_address=192.0.2.99\n\n", "request=\n\n"] {
            let refused = Err(Malformed::Request(Wrong::Kind));
            assert_eq!(decode(wrong.as_bytes(), 1), refused, "{wrong:?}");
        }
    }

    #[test]
    fn the_limits_are_what_they_say() {
        let fits = with_head(&format!("a={}\n\n", "b".repeat(MAX_LINE - 2)));
        assert_eq!(decode(&fits, 1000).unwrap().len(), 1);
        for end in ["\n\n", ""] {
            let long = with_head(&format!("a={}{end}", "b".repeat(MAX_LINE - 1)));
            assert_eq!(decode(&long, 1000), Err(Malformed::LongLine));
        }
        let fits = with_head(&format!("{}\n", "a=b\n".repeat(MAX_ATTRIBUTES - 1)));
        assert_eq!(decode(&fits, 1000).unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_attribute_is_refused() {
        assert_eq!(decode(b"EHLO mx\n", 1), Err(Malformed::NoAttribute));
        assert_eq!(decode(b"\n", 1), Err(Malformed::Empty));
        assert_eq!(decode(&with_head("a=\0\n\n"), 1), Err(Malformed::Nul));
        assert_eq!(decode(b"GET / HTTP/1.1\r\n\r\n", 9), Err(Malformed::NoAttribute));
    }

    #[test]
    fn a_request_that_does_not_end_is_none() {
        assert_eq!(decode(&REQUEST.as_bytes()[..REQUEST.len() - 1], 9), Ok(vec![]));
    }

    #[test]
    fn an_exim_line_ends_with_the_line_or_with_the_connection() {
        for end in ["", "\n", "\r\n"] {
            let line = format!("ip=2001:db8::1 helo=mx.example.net sender=\"\\\"a b\\\"@x\"{end}");
            for piece in [1, 100] {
                let frames = decode(line.as_bytes(), piece);
                let frames = frames.unwrap_or_else(|err| panic!("{line:?}: {err}"));
                let [Frame::Line(request)] = &frames[..] else { panic!("{frames:?}") };
                assert_eq!(request.client, Some("2001:db8::1".parse().unwrap()));
                assert_eq!(request.helo, "mx.example.net");
            }
        }
    }

    proptest! {
        #[test]
        fn case_44_no_octets_panic_or_are_kept_beyond_the_limits(
            octets in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'='), any::<u8>()], 0..1000),
            piece in 1usize..200,
        ) {
            let mut decoder = Decoder::default();
            for piece in octets.chunks(piece) {
                decoder.push(piece);
                while let Ok(Some(_)) = decoder.next() {}
                prop_assert!(decoder.buffer.len() <= MAX_LINE.max(MAX_REQUEST) + piece.len());
            }
        }

        #[test]
        fn cutting_changes_nothing(names in prop::collection::vec("[a-z_]{1,9}=[ -~]{0,30}", 0..20), piece in 1usize..64) {
            let octets = with_head(&format!("{}\n", names.iter().map(|n| format!("{n}\n")).collect::<String>())).repeat(2);
            prop_assert_eq!(decode(&octets, piece), decode(&octets, usize::MAX));
        }
    }
}
