//! The way of version 1's bodies ([`admin_api_types`]) into checked values and out of them: what comes is
//! read, what goes is written.

pub(crate) mod access;
pub(crate) mod allow_entry;
pub(crate) mod audit;
pub(crate) mod change;
pub(crate) mod duration;
pub(crate) mod feed;
pub(crate) mod grant;
pub(crate) mod import;
pub(crate) mod listing;
pub(crate) mod purge;
pub(crate) mod relay_test;
pub(crate) mod removal;
pub(crate) mod report;
pub(crate) mod review;
pub(crate) mod search;
pub(crate) mod source;
pub(crate) mod subscriber;
pub(crate) mod time;
pub(crate) mod token;
pub(crate) mod usage;
pub(crate) mod webhook;
pub(crate) mod zone;

use std::{fmt::Display, str::FromStr};

/// The reason for which a body makes no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Something in it can't be read.
    Malformed(String),
    /// It breaks a rule.
    Refused(String),
}

impl BodyError {
    /// Something in it can't be read.
    pub(crate) fn malformed(field: &str, err: impl Display) -> Self {
        Self::Malformed(format!("{field}: {err}"))
    }

    /// It breaks a rule.
    pub(crate) fn refused(err: impl Display) -> Self {
        Self::Refused(err.to_string())
    }

    /// The text alone.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Malformed(text) | Self::Refused(text) => text,
        }
    }
}

/// Reads a field.
fn parse<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, BodyError> {
    text.parse().map_err(|err| BodyError::malformed(field, err))
}

/// Reads a list and says which of its values is wrong.
fn parse_all<T: FromStr<Err: Display>>(field: &str, texts: &[String]) -> Result<Vec<T>, BodyError> {
    let parsed = texts.iter().enumerate().map(|(i, text)| parse(&format!("{field}[{i}]"), text));
    parsed.collect()
}

fn texts<T: Display>(values: &[T]) -> Vec<String> {
    values.iter().map(T::to_string).collect()
}
