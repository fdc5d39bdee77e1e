//! Well-known lists. None is asked unless named.

use super::{Zone, ZoneName, ZoneNameError};

/// A well-known list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preset {
    /// The word that chooses it.
    pub name: &'static str,
    /// Its public name.
    pub zone: &'static str,
    /// Whether it is asked with a customer's key in front.
    pub needs_key: bool,
    /// What it lists, and where its terms stand.
    pub about: &'static str,
}

/// Why a preset makes no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PresetError {
    /// The list answers customers only.
    #[error("this list is asked with a key")]
    KeyMissing,
    /// The list has no keys.
    #[error("this list is asked without a key")]
    KeyUnexpected,
    /// The key is no label.
    #[error(transparent)]
    Key(#[from] ZoneNameError),
}

/// The well-known lists.
pub static PRESETS: &[Preset] = &[Preset {
    name: "spamhaus-zen",
    zone: "zen.spamhaus.org",
    needs_key: false,
    about: "spam sources, exploited and dynamic addresses; https://www.spamhaus.org",
}];

impl Preset {
    /// The preset of that name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// The list, with its rules, codes and probes.
    pub fn build(&self, key: Option<&str>) -> Result<Zone, PresetError> {
        let name = match (self.needs_key, key) {
            (true, Some(key)) => ZoneName::keyed(key, self.zone)?,
            (false, None) => self.zone.parse()?,
            (true, None) => return Err(PresetError::KeyMissing),
            (false, Some(_)) => return Err(PresetError::KeyUnexpected),
        };
        Ok(Zone::addresses(name))
    }
}
