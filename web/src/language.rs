//! The languages of the pages.

use std::{fmt, str::FromStr};

/// A language that there is a catalogue for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    English,
    /// Japanese.
    Japanese,
}

/// The languages that pages are offered in; at least one, none twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Languages(Vec<Language>);

/// A text that names no language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanguageError;

impl fmt::Display for LanguageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is none of: ")?;
        let codes: Vec<&str> = Language::ALL.iter().map(|language| language.code()).collect();
        f.write_str(&codes.join(", "))
    }
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Japanese];

    /// The code in URLs and in `lang` (BCP 47).
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }

    /// The language's name in itself.
    pub(crate) fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Japanese => "日本語",
        }
    }

    /// Its texts, in Fluent's syntax.
    pub(crate) fn source(self) -> &'static str {
        match self {
            Self::English => include_str!("catalogue/en.ftl"),
            Self::Japanese => include_str!("catalogue/ja.ftl"),
        }
    }
}

impl FromStr for Language {
    type Err = LanguageError;

    fn from_str(text: &str) -> Result<Self, LanguageError> {
        Self::ALL.into_iter().find(|language| language.code() == text).ok_or(LanguageError)
    }
}

impl Languages {
    /// These languages, the usual one first; `None` where there is none, or one twice.
    pub fn new(languages: Vec<Language>) -> Option<Self> {
        let is_twice = |at: usize| languages[..at].contains(&languages[at]);
        let is_good = !languages.is_empty() && !(0..languages.len()).any(is_twice);
        is_good.then_some(Self(languages))
    }

    /// The language of who does not say one.
    pub(crate) fn usual(&self) -> Language {
        self.0[0]
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Language> {
        self.0.iter().copied()
    }

    /// The one that a visitor likes best, by `Accept-Language` (RFC 9110 section 12.5.4).
    pub(crate) fn preferred(&self, accept: &str) -> Language {
        let mut best = (self.usual(), 0);
        for range in accept.split(',').take(32) {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, weight);
            let primary = tag.split('-').next().unwrap_or_default();
            let offered = self.iter().find(|it| it.code().eq_ignore_ascii_case(primary));
            if let Some(language) = offered.filter(|_| weight > best.1) {
                best = (language, weight);
            }
        }
        best.0
    }
}

impl Default for Languages {
    fn default() -> Self {
        Self(Language::ALL.to_vec())
    }
}

/// A weight in thousandths (RFC 9110 section 12.4.2); 0 for what is none.
pub(crate) fn weight(text: &str) -> u32 {
    let weight = text.trim().parse::<f32>().unwrap_or(0.0);
    (weight.clamp(0.0, 1.0) * 1000.0) as u32
}

#[cfg(test)]
mod tests {
    use super::{Language, Languages};

    #[test]
    fn a_visitor_gets_the_language_he_likes_best_of_those_there_are() {
        let preferred = |accept: &str| Languages::default().preferred(accept).code();
        assert_eq!(preferred("ja"), "ja");
        assert_eq!(preferred("ja-JP,en;q=0.5"), "ja");
        assert_eq!(preferred("de, en;q=0.3, ja;q=0.7"), "ja");
        assert_eq!(preferred("ja;q=0, en;q=0.1"), "en");
        assert_eq!(preferred("JA;q=0.9,EN;q=0.8"), "ja");
        for nothing in ["", "de", "*", ";;;", "ja;q=x", "ja;q=-1", "\u{7f}"] {
            assert_eq!(preferred(nothing), "en", "{nothing}");
        }
    }

    #[test]
    fn languages_are_offered_once_each_and_the_first_is_the_usual_one() {
        let ja = Languages::new(vec![Language::Japanese, Language::English]).unwrap();
        assert_eq!(ja.preferred("de"), Language::Japanese);
        assert_eq!(Languages::new(vec![]), None);
        assert_eq!(Languages::new(vec![Language::English, Language::English]), None);
    }
}
