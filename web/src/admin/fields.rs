//! What was typed: the fields of a form, or of a query.

use std::{fmt::Display, str::FromStr};

use dnsbl_types::UnixTime;

use super::refused::Refused;

/// The most fields of a form.
const MOST: usize = 64;
/// Days that something may be asked to last: a hundred years.
const MOST_DAYS: u64 = 36_525;

/// Fields by name. One that is empty counts as left out.
#[derive(Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `a=b&c=d`.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let pairs = url::form_urlencoded::parse(bytes).take(MOST);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// A field as it was typed, without what is around it.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether a box is ticked.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A field that must be there.
    pub(super) fn need(&self, name: &str) -> Result<&str, Refused> {
        self.get(name).ok_or_else(|| Refused::field(name, "it is missing"))
    }

    /// One that must be there, as a value.
    pub(super) fn parse<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, Refused> {
        self.need(name)?.parse().map_err(|err| Refused::field(name, err))
    }

    /// One that may be left out.
    pub(super) fn parse_optional<T: FromStr<Err: Display>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Refused> {
        let read = |text: &str| text.parse().map_err(|err| Refused::field(name, err));
        self.get(name).map(read).transpose()
    }

    /// One with several values, which spaces or commas part.
    pub(super) fn parse_all<T: FromStr<Err: Display>>(
        &self,
        name: &str,
    ) -> Result<Vec<T>, Refused> {
        let words = self.get(name).unwrap_or_default().split([' ', ',', '\n', '\r', '\t', '、']);
        let words = words.filter(|word| !word.is_empty());
        words.map(|word| word.parse().map_err(|err| Refused::field(name, err))).collect()
    }

    /// A number of days as the time when they are over; none: never.
    pub(super) fn end(&self, name: &str, now: UnixTime) -> Result<Option<UnixTime>, Refused> {
        match self.parse_optional::<u64>(name)? {
            Some(days @ 1..=MOST_DAYS) => Ok(Some(now.plus(days * 86_400))),
            Some(_) => Err(Refused::field(name, format!("it is 1 to {MOST_DAYS} days"))),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_left_out_and_the_first_of_two_counts() {
        let fields = Fields::read(b"a=+1+&b=&a=2&c=x%20y,z&days=2");
        assert_eq!(fields.get("a"), Some("1"));
        assert_eq!((fields.get("b"), fields.is_set("b")), (None, false));
        assert_eq!(fields.parse_all::<String>("c").unwrap(), ["x", "y", "z"]);
        assert_eq!(fields.end("days", UnixTime(5)).unwrap(), Some(UnixTime(5 + 2 * 86_400)));
        assert!(fields.need("b").is_err() && fields.parse::<u8>("c").is_err());
        assert!(Fields::read(b"days=0").end("days", UnixTime(5)).is_err());
    }
}
