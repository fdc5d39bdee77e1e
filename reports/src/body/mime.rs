//! As much of MIME as a report needs (RFC 2045, 2046): parts of a multipart body, their fields and what they say.

use super::beside::BodyError;

/// The most parts that are looked at.
const MAX_PARTS: usize = 16;
/// The most fields of a header.
const MAX_FIELDS: usize = 1000;

/// A header and a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entity {
    fields: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Entity {
    /// Reads one. Lines end with CRLF or LF.
    pub(super) fn read(octets: &[u8]) -> Self {
        let (mut fields, mut rest): (Vec<(String, String)>, _) = (Vec::new(), octets);
        while let Some((line, behind)) = next_line(rest) {
            rest = behind;
            if line.is_empty() {
                break;
            }
            let line = String::from_utf8_lossy(line);
            if line.starts_with([' ', '\t'])
                && let Some((_, value)) = fields.last_mut()
            {
                value.push(' ');
                value.push_str(line.trim());
            } else if fields.len() < MAX_FIELDS {
                let (name, value) = line.split_once(':').unwrap_or((&line, ""));
                fields.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        Self { fields, body: rest.to_vec() }
    }

    /// The first field of a name.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The media type of its body, in lower case.
    pub(super) fn media_type(&self) -> String {
        media_type(self.field("content-type").unwrap_or("text/plain"))
    }

    /// The body without its transfer encoding.
    pub(super) fn decoded(&self) -> Result<Vec<u8>, BodyError> {
        let encoding = self.field("content-transfer-encoding").unwrap_or("7bit");
        match encoding.to_ascii_lowercase().as_str() {
            "7bit" | "8bit" | "binary" => Ok(self.body.clone()),
            "quoted-printable" => {
                let robust = quoted_printable::ParseMode::Robust;
                quoted_printable::decode(&self.body, robust).map_err(|err| {
                    BodyError::Malformed(format!("a part's quoted-printable: {err}"))
                })
            }
            "base64" => base64(&self.body),
            other => Err(BodyError::Malformed(format!("a part's encoding {other:?} is not known"))),
        }
    }
}

/// The octets of base64, whatever lies between the letters.
pub(super) fn base64(text: &[u8]) -> Result<Vec<u8>, BodyError> {
    let letters: Vec<u8> =
        text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let decoded = data_encoding::BASE64.decode(&letters);
    decoded.map_err(|err| BodyError::Malformed(format!("base64: {err}")))
}

/// The type and subtype of a `Content-Type`, in lower case.
pub(super) fn media_type(value: &str) -> String {
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A parameter of a `Content-Type`.
pub(super) fn parameter(value: &str, name: &str) -> Option<String> {
    let mut rest = value.split_once(';')?.1;
    loop {
        let (key, behind) = rest.split_once('=')?;
        let behind = behind.trim_start();
        let (text, after) = match behind.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted)?,
            None => {
                let end = behind.find(';').unwrap_or(behind.len());
                (behind[..end].trim().to_owned(), &behind[end..])
            }
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(text);
        }
        rest = after.split_once(';')?.1;
    }
}

/// A quoted string behind its first quote, and what follows it.
fn quoted_string(text: &str) -> Option<(String, &str)> {
    let (mut value, mut chars) = (String::new(), text.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

/// The parts of a multipart body (RFC 2046 section 5.1).
pub(super) fn parts(body: &[u8], boundary: &str) -> Result<Vec<Entity>, BodyError> {
    if boundary.is_empty() || boundary.len() > 70 {
        return Err(BodyError::malformed("the boundary has no 1 to 70 characters"));
    }
    let (mut parts, mut rest, mut begin) = (Vec::new(), body, None);
    while let Some((line, behind)) = next_line(rest) {
        let at = body.len() - rest.len();
        rest = behind;
        let Some(kind) = delimiter(line, boundary) else { continue };
        if let Some(begin) = begin {
            parts.push(Entity::read(part(body, begin, at)));
        }
        begin = Some(body.len() - rest.len());
        match kind {
            Delimiter::Last => return Ok(parts),
            Delimiter::Next if parts.len() == MAX_PARTS => {
                return Err(BodyError::Malformed(format!("it has more than {MAX_PARTS} parts")));
            }
            Delimiter::Next => {}
        }
    }
    Err(BodyError::Malformed(format!("it is cut: no line --{boundary}-- ends it")))
}

enum Delimiter {
    Next,
    Last,
}

fn delimiter(line: &[u8], boundary: &str) -> Option<Delimiter> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary.as_bytes())?;
    match rest.strip_prefix(b"--") {
        Some(end) if end.trim_ascii().is_empty() => Some(Delimiter::Last),
        _ if rest.trim_ascii().is_empty() => Some(Delimiter::Next),
        _ => None,
    }
}

/// The line end before a delimiter belongs to it.
fn part(body: &[u8], begin: usize, end: usize) -> &[u8] {
    let part = body.get(begin..end).unwrap_or_default();
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}

/// A line without its end, and what follows.
fn next_line(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    if octets.is_empty() {
        return None;
    }
    let end = octets.iter().position(|byte| *byte == b'\n');
    let (line, rest) = match end {
        Some(end) => (&octets[..end], &octets[end + 1..]),
        None => (octets, &octets[octets.len()..]),
    };
    Some((line.strip_suffix(b"\r").unwrap_or(line), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_read_quoted_or_not() {
        let value =
            r#"multipart/report; report-type=feedback-report ; x="a;b\"c"; Boundary="a b=c""#;
        assert_eq!(parameter(value, "report-type").unwrap(), "feedback-report");
        assert_eq!(parameter(value, "x").unwrap(), "a;b\"c");
        assert_eq!(parameter(value, "boundary").unwrap(), "a b=c");
        for missing in ["multipart/report", "a/b; boundary", "a/b; boundary=\"a"] {
            assert_eq!(parameter(missing, "boundary"), None, "{missing}");
        }
    }

    #[test]
    fn parts_lie_between_delimiters_and_what_is_cut_is_refused() {
        let body = b"preamble\r\n--x\r\n\r\none\r\n--x  \r\nA: b\r\n c\r\n\r\ntwo\r\n--xy\r\n\r\n--x--\r\nepilogue";
        let parts = parts(body, "x").unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0].body, b"one");
        assert_eq!(parts[1].field("a"), Some("b c"));
        assert_eq!(parts[1].body, b"two\r\n--xy\r\n");
        assert!(super::parts(b"--x\n\none\n--x\n\ntwo\n", "x").is_err());
        assert!(super::parts("--x\n\na\n".repeat(20).as_bytes(), "x").is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(octets in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,40}") {
            let _ = Entity::read(&octets).decoded();
            let _ = parts(&octets, "x");
            let _ = parameter(&text, "boundary");
        }
    }
}
