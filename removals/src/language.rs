//! The languages of mails.

use std::str::FromStr;

/// The language in which somebody is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Japanese.
    Japanese,
}

/// A text that names no language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a language is en or ja")]
pub struct LanguageError;

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Japanese];

    /// Its code (BCP 47).
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }

    /// Its texts, in Fluent's syntax.
    pub(crate) const fn source(self) -> &'static str {
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
