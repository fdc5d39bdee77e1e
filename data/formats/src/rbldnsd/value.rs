//! Values: the A and TXT of entries, `:A:TXT`.

use std::{collections::HashMap, net::Ipv4Addr, sync::Arc};

use dnsbl_types::{Reason, ReasonError, ReturnCode};

use super::{
    bytes::{is_comment, octets, trim_start},
    error::{LineError, TextError, shown},
    template::Templates,
};

/// What stands behind an entry or in a default line; `None` where that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written<'a> {
    pub(super) code: Option<Ipv4Addr>,
    /// Empty: there is to be no text.
    pub(super) text: Option<&'a [u8]>,
}

impl Written<'_> {
    /// Both are left out.
    pub(super) const NOTHING: Self = Self { code: None, text: None };
}

/// Reads what stands behind an entry, or a whole default line.
pub(super) fn parse(rest: &[u8]) -> Result<Written<'_>, LineError> {
    let rest = trim_start(rest);
    if rest.is_empty() || is_comment(rest) {
        return Ok(Written::NOTHING);
    }
    let Some(value) = rest.strip_prefix(b":") else {
        return Ok(Written { code: None, text: Some(rest) });
    };
    let (code, behind) = code(value).ok_or_else(|| LineError::Code(shown(rest)))?;
    match trim_start(behind) {
        [] => Ok(Written { code: Some(code), text: None }),
        [b':', text @ ..] => Ok(Written { code: Some(code), text: Some(trim_start(text)) }),
        behind => Err(LineError::AfterCode(shown(behind))),
    }
}

/// An A value of one to four octets: the last stands last, those before it stand first, in the rest is 127.0.0.
fn code(text: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    let (octets, count, rest) = octets(text)?;
    let [a, b, c, d] = octets;
    let octets = match count {
        1 => [127, 0, 0, a],
        2 => [a, 0, 0, b],
        3 => [a, b, 0, c],
        _ => [a, b, c, d],
    };
    let is_zero = octets == [0; 4] || (count == 1 && a == 0);
    (!is_zero).then_some((octets.into(), rest))
}

/// The number of a value, from 1 on; 0 is an exclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(u32);

impl ValueId {
    /// Not a value: the entry is an exclusion.
    pub const EXCLUDED: Self = Self(0);

    /// The one that all entries share where they share one.
    pub(super) const FIRST: Self = Self(1);

    /// Its place among the values of a file; `None` for an exclusion.
    pub fn place(self) -> Option<usize> {
        (self.0 as usize).checked_sub(1)
    }

    pub(super) fn bits(self) -> u32 {
        self.0
    }

    pub(super) fn of_bits(bits: u32) -> Self {
        Self(bits)
    }
}

/// A value of a file, and the first line that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The line.
    pub line: u64,
    /// The code and the text, if there is one; or why neither can be answered.
    pub says: Result<(ReturnCode, Option<Reason>), LineError>,
}

/// The values of a file, each once.
#[derive(Debug, Default)]
pub(super) struct Values {
    ids: HashMap<Arc<[u8]>, ValueId>,
    /// Code, text, and the line that has it first.
    all: Vec<(Arc<[u8]>, u64)>,
    /// Bytes of all texts.
    bytes: usize,
    key: Vec<u8>,
}

/// About what a value takes beside its text, in bytes.
const OVERHEAD: usize = 96;

/// A value as it is in the file.
pub(super) struct RawValue<'a> {
    pub(super) code: Ipv4Addr,
    pub(super) text: &'a str,
    /// The first line that has it.
    pub(super) line: u64,
}

impl RawValue<'_> {
    /// What it says with all variables filled in.
    pub(super) fn resolve(&self, templates: &Templates) -> Value {
        let code = ReturnCode::try_from(self.code)
            .map_err(|error| LineError::ReturnCode { error, default: None });
        let text =
            templates.reason(self.text).map_err(|error| LineError::Text { error, default: None });
        let says = code.and_then(|code| Ok((code, text?)));
        Value { line: self.line, says }
    }
}

impl Values {
    /// The number of a value that can be answered.
    pub(super) fn intern(
        &mut self,
        code: Ipv4Addr,
        text: &[u8],
        line: u64,
    ) -> Result<ValueId, TextError> {
        self.key.clear();
        self.key.extend_from_slice(&code.octets());
        self.key.extend_from_slice(text);
        if let Some(id) = self.ids.get(self.key.as_slice()) {
            return Ok(*id);
        }
        check(text)?;
        let key: Arc<[u8]> = self.key.as_slice().into();
        self.bytes += text.len() + OVERHEAD;
        self.all.push((key.clone(), line));
        let id = ValueId(u32::try_from(self.all.len()).expect("there is no room for so many"));
        self.ids.insert(key, id);
        Ok(id)
    }

    /// About how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All of them, in the order of their numbers.
    pub(super) fn all(&self) -> impl Iterator<Item = RawValue<'_>> {
        self.all.iter().map(|(key, line)| {
            let (code, text) = key.split_at(4);
            let code: [u8; 4] = code.try_into().expect("four octets stand first");
            let text = std::str::from_utf8(text).expect("texts are checked before they are kept");
            RawValue { code: code.into(), text, line: *line }
        })
    }
}

/// Checks what can be told of a text before substitution.
pub(super) fn check(text: &[u8]) -> Result<&str, TextError> {
    let text =
        std::str::from_utf8(text).map_err(|err| TextError::Encoding(err.valid_up_to() + 1))?;
    if text.len() > Reason::MAX_LEN {
        return Err(ReasonError::TooLong(text.len()).into());
    }
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(ReasonError::Control(c.into()).into()),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Option<String>, Option<String>)> {
        let written = parse(text.as_bytes()).ok()?;
        let code = written.code.map(|code| code.to_string());
        Some((code, written.text.map(|text| String::from_utf8_lossy(text).into_owned())))
    }

    #[test]
    fn a_value_is_a_code_and_a_text_and_either_may_be_left_out() {
        let value = |code: Option<&str>, text: Option<&str>| {
            Some((code.map(str::to_owned), text.map(str::to_owned)))
        };
        for (given, expected) in [
            ("", value(None, None)),
            (" # x", value(None, None)),
            (";x", value(None, None)),
            (" text # x", value(None, Some("text # x"))),
            (":5:hi", value(Some("127.0.0.5"), Some("hi"))),
            (" :5 : hi", value(Some("127.0.0.5"), Some("hi"))),
            (":5:#c", value(Some("127.0.0.5"), Some("#c"))),
            (":5::x", value(Some("127.0.0.5"), Some(":x"))),
            (":005:", value(Some("127.0.0.5"), Some(""))),
            (":5", value(Some("127.0.0.5"), None)),
            (":127.1:x", value(Some("127.0.0.1"), Some("x"))),
            (":1.2.3", value(Some("1.2.0.3"), None)),
            (":127.0.0.4 :y", value(Some("127.0.0.4"), Some("y"))),
            (":5 # c", None),
            (":5# c", None),
            (":5 x", None),
            (": 5:x", None),
            (":", None),
            ("::x", None),
            (":0:x", None),
            (":256", None),
            (":5.:x", None),
            (":127.0.0.2.3:x", None),
        ] {
            assert_eq!(read(given), expected, "{given}");
        }
    }

    #[test]
    fn equal_values_are_kept_once() {
        let mut values = Values::default();
        let code = Ipv4Addr::new(127, 0, 0, 2);
        let first = values.intern(code, b"a", 1).unwrap();
        assert_eq!(values.intern(code, b"a", 2).unwrap(), first);
        assert_ne!(values.intern(code, b"b", 3).unwrap(), first);
        assert!(values.intern(code, b"\xff", 4).is_err());
        assert_eq!(values.all().map(|value| value.line).collect::<Vec<_>>(), [1, 3]);
    }
}
