//! The outermost headers of a message.

use crate::{cut, text::clean_lines};

/// The headers before the first empty line.
pub(super) struct Headers<'a> {
    /// Unfolded; names in lower case.
    fields: Vec<(String, Vec<u8>)>,
    block: &'a [u8],
}

/// So many octets of headers are read; a relay adds a few hundred.
const MAX_BLOCK: usize = 32 * 1024;
/// So many characters of headers are shown.
const MAX_SHOWN: usize = 16 * 1024;

impl<'a> Headers<'a> {
    /// Reads the headers of a message, whose lines may end with LF alone.
    pub(super) fn read(message: &'a [u8]) -> Self {
        let message = &message[..message.len().min(MAX_BLOCK)];
        let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
        let mut len = 0;
        for line in message.split_inclusive(|&byte| byte == b'\n') {
            let text = line.trim_ascii_end();
            if text.is_empty() {
                break;
            }
            len += line.len();
            if matches!(line[0], b' ' | b'\t') {
                if let Some((_, value)) = fields.last_mut() {
                    value.extend_from_slice(text);
                }
                continue;
            }
            let Some(colon) = memchr::memchr(b':', text) else {
                continue;
            };
            let name = String::from_utf8_lossy(text[..colon].trim_ascii()).to_ascii_lowercase();
            fields.push((name, text[colon + 1..].to_vec()));
        }
        Self { fields, block: &message[..len] }
    }

    /// The values of all headers with this name, given in lower case.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let named = self.fields.iter().filter(move |(other, _)| other == name);
        named.map(|(_, value)| value.as_slice())
    }

    /// Whether the message says itself that it is a delivery report (RFC 6522) or an automatic reply
    /// (RFC 3834 section 5).
    pub(super) fn are_of_a_bounce(&self) -> bool {
        let begins = |name, words: &str| {
            self.all(name).any(|value| {
                let value = value.trim_ascii_start();
                value.get(..words.len()).is_some_and(|v| v.eq_ignore_ascii_case(words.as_bytes()))
            })
        };
        begins("content-type", "multipart/report")
            || begins("auto-submitted", "auto-replied")
            || self.all("x-failed-recipients").next().is_some()
    }

    /// The headers as they came, with tokens cut and [cleaned](crate::text).
    pub(super) fn shown(&self) -> String {
        let text = clean_lines(&cut(&String::from_utf8_lossy(self.block)));
        text.chars().take(MAX_SHOWN).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Headers;

    #[test]
    fn headers_end_at_the_first_empty_line_and_are_unfolded() {
        let headers = Headers::read(b"A: 1\r\nb:\r\n  2\r\nno field\r\n\r\nC: 3\r\n");
        assert_eq!(headers.all("a").collect::<Vec<_>>(), [b" 1"]);
        assert_eq!(headers.all("b").collect::<Vec<_>>(), [b"  2"]);
        assert_eq!(headers.all("c").count(), 0);
        assert_eq!(Headers::read(b"A: 1\n\nB: 2\n").all("b").count(), 0);
    }

    #[test]
    fn a_bounce_is_known_by_its_headers() {
        for text in [
            "Content-Type: multipart/report; report-type=delivery-status",
            "CONTENT-TYPE:\r\n Multipart/Report",
            "Auto-Submitted: auto-replied (vacation)",
            "X-Failed-Recipients: a@b.example",
        ] {
            assert!(
                Headers::read(format!("{text}\r\n\r\n").as_bytes()).are_of_a_bounce(),
                "{text}"
            );
        }
        for text in ["Auto-Submitted: auto-generated", "Content-Type: text/plain", ""] {
            assert!(
                !Headers::read(format!("{text}\r\n\r\n").as_bytes()).are_of_a_bounce(),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_octets_have_headers(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let headers = Headers::read(&bytes);
            let shown = headers.shown();
            prop_assert!(shown.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()));
            headers.are_of_a_bounce();
        }
    }
}
