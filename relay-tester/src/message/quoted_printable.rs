//! Quoted-printable (RFC 2045 section 6.7): English stays readable, and no line is long or 8-bit.

/// The longest line, in characters without CRLF.
const MAX_LINE: usize = 76;

/// Encodes a text; its line ends become CRLF.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for line in text.lines() {
        encode_line(line.as_bytes(), &mut out);
        out.push_str("\r\n");
    }
    out
}

fn encode_line(line: &[u8], out: &mut String) {
    let mut width = 0;
    for (at, &byte) in line.iter().enumerate() {
        let last = at + 1 == line.len();
        let literal = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || byte == b' ' && !last;
        let len = if literal { 1 } else { 3 };
        // One column is kept for the soft line break.
        if width + len > MAX_LINE - 1 {
            out.push_str("=\r\n");
            width = 0;
        }
        if literal {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("={byte:02X}"));
        }
        width += len;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_LINE, encode};

    /// What a reader makes of it.
    fn decode(text: &str) -> Vec<u8> {
        let text = text.replace("=\r\n", "");
        let mut bytes = text.bytes();
        let mut out = vec![];
        while let Some(byte) = bytes.next() {
            if byte != b'=' {
                out.push(byte);
                continue;
            }
            let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
            out.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
        }
        out
    }

    #[test]
    fn rfc2045_s6_7_ascii_is_kept_and_the_rest_is_escaped() {
        assert_eq!(encode("a = b\nend "), "a =3D b\r\nend=20\r\n");
        assert_eq!(encode("中"), "=E4=B8=AD\r\n");
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_from_short_lines_of_ascii(text in "[^\r\n]{0,300}") {
            let encoded = encode(&text);
            prop_assert!(encoded.is_ascii());
            for line in encoded.split_terminator("\r\n") {
                prop_assert!(line.len() <= MAX_LINE && !line.ends_with(' '), "{:?}", line);
            }
            let read = decode(&encoded);
            let read = String::from_utf8_lossy(&read);
            prop_assert_eq!(read.strip_suffix("\r\n").unwrap_or_default(), text);
        }
    }
}
