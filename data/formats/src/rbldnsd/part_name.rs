//! Names of parts of combined files.

use std::{fmt, str::FromStr};

use dnsbl_types::Name;

use super::name;

/// The part of a combined file that is meant: `SUB`, or `SUB:N` for the Nth where there are several; `@` is the zone
/// itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartName {
    below: Name,
    which: Option<usize>,
}

/// A text that names no part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no part of a combined file: it is NAME, or NAME:N with a number from 1 on, and @ for the zone itself"
)]
pub struct PartNameError(String);

impl PartName {
    /// Those for a name below the zone, or the Nth of them, from 1.
    pub fn new(below: Name, which: Option<usize>) -> Self {
        Self { below, which }
    }

    /// Those for the zone itself.
    pub fn apex() -> Self {
        Self::new(name::root(), None)
    }

    /// The name below the zone; the root is the zone itself.
    pub fn below(&self) -> &Name {
        &self.below
    }

    /// Which of several, from 1; all if this is `None`.
    pub fn which(&self) -> Option<usize> {
        self.which
    }
}

impl FromStr for PartName {
    type Err = PartNameError;

    fn from_str(text: &str) -> Result<Self, PartNameError> {
        let wrong = || PartNameError(text.chars().take(80).collect());
        let (below, which) = match text.split_once(':') {
            Some((below, which)) => {
                let number: Option<usize> = which.parse().ok().filter(|number| *number > 0);
                (below, Some(number.ok_or_else(wrong)?))
            }
            None => (text, None),
        };
        let below = if below == "@" { name::root() } else { below.parse().map_err(|_| wrong())? };
        Ok(Self { below, which })
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.below.is_root() {
            true => f.write_str("@")?,
            false => self.below.fmt(f)?,
        }
        self.which.map_or(Ok(()), |which| write!(f, ":{which}"))
    }
}
