//! The parts of a combined data set.

use super::{
    bytes::{is_comment, trim, words},
    dataset::DatasetType,
    directive,
};

/// A part of a combined data set, which begins with `$DATASET TYPE[:NAME] SUB…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its type; `None` if there is no such type, for which rbldnsd does not load the file.
    pub dataset: Option<DatasetType>,
    /// Its name for logs; may be empty.
    pub name: String,
    /// The names below the zone that it is for, and `@` for the zone itself; empty if it is for none.
    pub below: Vec<String>,
}

impl Part {
    /// The part that begins with this line.
    pub fn of_line(line: &[u8]) -> Option<Self> {
        let text = directive::of_line(trim(line.strip_suffix(b"\r").unwrap_or(line)))?;
        let mut words = words(text);
        words.next().filter(|word| word.eq_ignore_ascii_case(b"dataset"))?;
        let shown = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
        let dataset = shown(words.next()?);
        let (dataset, name) = dataset.split_once(':').unwrap_or((&dataset, ""));
        let below = words.take_while(|word| !is_comment(word)).map(shown).collect();
        Some(Self { dataset: dataset.parse().ok(), name: name.into(), below })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbldnsd::ListType;

    #[test]
    fn a_part_has_a_type_and_names_that_it_is_for() {
        let part = Part::of_line(b"$DATASET ip4set:relays relays @ # x").unwrap();
        assert_eq!(part.dataset, Some(DatasetType::List(ListType::Ip4Set)));
        assert_eq!((part.name.as_str(), part.below), ("relays", vec!["relays".into(), "@".into()]));
        assert_eq!(Part::of_line(b"#$dataset x y\r").unwrap().dataset, None);
        for line in [&b"$TTL 5"[..], b"# $DATASET ip4set @", b"1.2.3.4", b"$DATASET"] {
            assert_eq!(Part::of_line(line), None);
        }
    }
}
