//! Domain names in wire form (RFC 1035 section 3.1).

use std::{
    borrow::Borrow,
    fmt::{self, Write as _},
    str::FromStr,
};

/// An absolute domain name: lower-case wire form with the root label, at most 255 octets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<[u8]>);

/// A text or a run of labels that is no domain name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Two dots in a row, or nothing at all.
    #[error("{0:?} has an empty label")]
    EmptyLabel(String),
    /// A label of more than 63 octets.
    #[error("{0:?} has a label of more than 63 octets")]
    LongLabel(String),
    /// More than 255 octets in wire form.
    #[error("{0:?} is longer than 255 octets")]
    TooLong(String),
    /// A character that a host name does not have.
    #[error("{name:?} holds {found:?}; a name is made of letters, digits, '-' and '_'")]
    Character {
        /// The name as typed.
        name: String,
        /// The first such character.
        found: char,
    },
    /// Not a valid internationalized name (UTS 46).
    #[error("{0:?} is not a valid internationalized domain name")]
    Idna(String),
}

impl Name {
    /// The longest name in wire form, in octets (RFC 1035 section 2.3.4).
    pub const MAX_LEN: usize = 255;
    const MAX_LABEL: usize = 63;

    /// Builds a name from labels, leftmost first, the root left out. ASCII is lower-cased.
    ///
    /// # Errors
    /// A label is empty or longer than 63 octets, or the name longer than 255.
    pub fn from_labels<'a>(labels: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, NameError> {
        let mut wire = Vec::with_capacity(64);
        for label in labels {
            let shown = || String::from_utf8_lossy(label).into_owned();
            match label.len() {
                0 => return Err(NameError::EmptyLabel(shown())),
                len @ 1..=Self::MAX_LABEL => wire.push(len as u8),
                _ => return Err(NameError::LongLabel(shown())),
            }
            wire.extend(label.iter().map(u8::to_ascii_lowercase));
        }
        wire.push(0);
        let name = Self(wire.into());
        if name.0.len() > Self::MAX_LEN {
            return Err(NameError::TooLong(name.to_string()));
        }
        Ok(name)
    }

    /// The wire form, the root label included.
    pub fn wire(&self) -> &[u8] {
        &self.0
    }

    /// The labels, leftmost first, the root left out.
    pub fn labels(&self) -> Labels<'_> {
        Labels(&self.0[..self.0.len() - 1])
    }

    /// Whether it lies below another name, which is given in lower-case wire form.
    pub fn is_below(&self, other: &[u8]) -> bool {
        let mut rest = self.wire();
        while rest.len() > other.len() {
            let skip = 1 + usize::from(rest[0]);
            rest = &rest[skip.min(rest.len())..];
        }
        rest == other && self.wire() != other
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// The labels of `self` left of `origin`; `None` if `self` is neither `origin` nor below it.
    pub fn strip_suffix(&self, origin: &Self) -> Option<Labels<'_>> {
        let mut labels = self.labels();
        loop {
            if labels.0.len() + 1 == origin.0.len() {
                let below = self.0.len() - origin.0.len();
                return (labels.0 == origin.labels().0).then_some(Labels(&self.0[..below]));
            }
            labels.next()?;
        }
    }

    /// The name one gets by writing `labels` in front of this one.
    ///
    /// # Errors
    /// A label is empty or longer than 63 octets, or the name would be longer than 255.
    pub fn prepend<'a>(
        &'a self,
        labels: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, NameError> {
        let labels: Vec<&[u8]> = labels.into_iter().chain(self.labels()).collect();
        Self::from_labels(labels)
    }

    /// The name one gets by writing labels in wire form, which are lower case and not too long each, in
    /// front of this one.
    pub(crate) fn below(&self, mut labels: Vec<u8>) -> Result<Self, NameError> {
        labels.extend(&self.0);
        let name = Self(labels.into());
        if name.0.len() > Self::MAX_LEN {
            return Err(NameError::TooLong(name.to_string()));
        }
        Ok(name)
    }

    /// With a final dot, as in zone files.
    pub fn to_absolute(&self) -> String {
        if self.is_root() { ".".into() } else { format!("{self}.") }
    }
}

/// Names are looked up by their wire form; the two are ordered and hashed alike.
impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    /// Reads letters, digits, `-` and `_`, with or without a final dot; others by IDNA (UTS 46).
    fn from_str(text: &str) -> Result<Self, NameError> {
        let shown = || text.chars().take(300).collect::<String>();
        if text.len() > 4 * Self::MAX_LEN {
            return Err(NameError::TooLong(shown()));
        }
        let ascii = if text.is_ascii() {
            text.to_ascii_lowercase()
        } else {
            idna::domain_to_ascii(text).map_err(|_| NameError::Idna(shown()))?
        };
        let dotless = ascii.strip_suffix('.').unwrap_or(&ascii);
        if dotless.is_empty() && !ascii.is_empty() {
            return Ok(Self([0].into()));
        }
        let foreign = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if let Some(found) = dotless.chars().find(foreign) {
            return Err(NameError::Character { name: shown(), found });
        }
        let name = Self::from_labels(dotless.split('.').map(str::as_bytes));
        name.map_err(|err| match err {
            NameError::EmptyLabel(_) => NameError::EmptyLabel(shown()),
            err => err,
        })
    }
}

impl fmt::Display for Name {
    /// Without the final dot.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() { f.write_str(".") } else { self.labels().fmt(f) }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_absolute())
    }
}

/// The labels of a name or of a part of one, in wire form, leftmost first, without a root label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labels<'a>(&'a [u8]);

impl<'a> Labels<'a> {
    /// The labels in front of the last `suffix_len` octets of `wire`.
    ///
    /// `wire` is an uncompressed name; `suffix_len` is where one of its labels begins, counted from
    /// the end.
    pub fn before(wire: &'a [u8], suffix_len: usize) -> Self {
        Self(&wire[..wire.len().saturating_sub(suffix_len)])
    }

    /// The last label, and those in front of it.
    pub fn split_last(self) -> Option<(Self, &'a [u8])> {
        let last = self.last()?;
        let rest = self.0.len() - 1 - last.len();
        Some((Self(&self.0[..rest]), last))
    }

    /// How many labels there are.
    pub fn count_labels(self) -> usize {
        self.count()
    }

    /// How many octets they take in wire form, the root label left out.
    pub fn wire_len(self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Whether a label holds a NUL octet, as no domain of mail or of the web does.
    pub fn holds_nul(self) -> bool {
        // No length is 0, as the root label is left out.
        self.0.contains(&0)
    }
}

impl fmt::Display for Labels<'_> {
    /// With dots in between; bytes that are not printable as `\DDD` (RFC 1035 section 5.1).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, label) in self.enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            for &c in label {
                match c {
                    b'.' | b'\\' => write!(f, "\\{}", c as char)?,
                    0x21..=0x7e => f.write_char(c.into())?,
                    _ => write!(f, "\\{c:03}")?,
                }
            }
        }
        Ok(())
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (&len, rest) = self.0.split_first()?;
        let (label, rest) = rest.split_at_checked(len.into())?;
        self.0 = rest;
        Some(label)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Labels, Name, NameError};

    proptest! {
        /// Every length is counted in more than an octet: of labels up to 63, of names up to 255 and beyond.
        #[test]
        fn a_name_is_taken_exactly_up_to_255_octets(lens in prop::collection::vec(prop_oneof![1usize..=63, Just(1), Just(63)], 0..130)) {
            let labels: Vec<String> = lens.iter().map(|len| "a".repeat(*len)).collect();
            let octets = 1 + lens.iter().map(|len| 1 + len).sum::<usize>();
            let built = Name::from_labels(labels.iter().map(String::as_bytes));
            let text = if labels.is_empty() { ".".to_owned() } else { labels.join(".") };
            prop_assert_eq!(built.clone().ok(), text.parse().ok());
            if octets > 255 {
                prop_assert!(matches!(built, Err(NameError::TooLong(_))), "{} octets", octets);
                return Ok(());
            }
            let name = built.unwrap();
            prop_assert_eq!(name.wire().len(), octets);
            prop_assert_eq!(name.labels().count_labels(), lens.len());
            prop_assert_eq!(name.labels().wire_len(), octets - 1);
            prop_assert_eq!(name.to_string(), text);
            prop_assert!(name.labels().eq(labels.iter().map(String::as_bytes)));
            // At each border between labels.
            for count in 0..=labels.len() {
                let suffix = Name::from_labels(labels[count..].iter().map(String::as_bytes)).unwrap();
                let before = Labels::before(name.wire(), suffix.wire().len());
                prop_assert_eq!(before.count_labels(), count);
                prop_assert_eq!(name.strip_suffix(&suffix), Some(before));
                prop_assert_eq!(suffix.prepend(before), Ok(name.clone()));
            }
        }
    }

    #[test]
    fn the_longest_names_are_taken_and_one_octet_more_is_not() {
        let name = |lens: &[usize]| {
            let labels: Vec<Vec<u8>> = lens.iter().map(|len| vec![b'a'; *len]).collect();
            Name::from_labels(labels.iter().map(Vec::as_slice)).map(|name| name.wire().len())
        };
        assert_eq!(name(&[63, 63, 63, 61]), Ok(255));
        assert!(matches!(name(&[63, 63, 63, 62]), Err(NameError::TooLong(_))));
        assert!(matches!(name(&[64]), Err(NameError::LongLabel(_))));
        assert!(matches!(name(&[256 + 1]), Err(NameError::LongLabel(_))));
        assert_eq!(name(&[1; 127]), Ok(255));
        assert!(matches!(name(&[1; 128]), Err(NameError::TooLong(_))));
        // As many octets more as one octet can't count.
        assert!(matches!(name(&[63; 8]), Err(NameError::TooLong(_))));
    }

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_reads_with_and_without_the_final_dot_and_in_any_case() {
        assert_eq!(name("BL.Example.org."), name("bl.example.org"));
        assert_eq!(name("bl.example.org").to_string(), "bl.example.org");
        assert_eq!(name("bl.example.org").wire(), b"\x02bl\x07example\x03org\x00");
        assert!(name(".").is_root());
    }

    #[test]
    fn an_international_name_becomes_a_labels() {
        assert_eq!(name("Bücher.example"), name("xn--bcher-kva.example"));
        assert_eq!(name("例え。テスト").to_string(), "xn--r8jz45g.xn--zckzah");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        assert!(matches!("".parse::<Name>(), Err(NameError::EmptyLabel(_))));
        let empty = "a..b".parse::<Name>().unwrap_err();
        assert_eq!(empty.to_string(), "\"a..b\" has an empty label");
        assert!(matches!("a b".parse::<Name>(), Err(NameError::Character { found: ' ', .. })));
        assert!(matches!("x".repeat(64).parse::<Name>(), Err(NameError::LongLabel(_))));
        assert!(matches!("x.".repeat(128).parse::<Name>(), Err(NameError::TooLong(_))));
        assert_eq!(name(&"x.".repeat(127)).wire().len(), 255);
    }

    #[test]
    fn a_suffix_is_stripped_at_label_borders_only() {
        let origin = name("example.org");
        let labels = |text: &str| name(text).strip_suffix(&origin).map(|l| l.count_labels());
        assert_eq!(labels("example.org"), Some(0));
        assert_eq!(labels("2.0.0.127.example.org"), Some(4));
        assert_eq!(labels("badexample.org"), None);
        assert_eq!(labels("org"), None);
    }
}
