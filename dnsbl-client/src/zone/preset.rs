//! Well-known zones. None is asked unless named.

use super::{Asks, Rule, Zone, ZoneKind, ZoneName, ZoneNameError};
use crate::{ReplyFilter, Score};

/// A well-known zone. Read its terms before it is asked: most are free for small use only.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Preset {
    /// The word that chooses it.
    pub name: &'static str,
    /// Its public name.
    pub zone: &'static str,
    /// Whether it is asked with a customer's key in front.
    pub needs_key: bool,
    /// What a listing says.
    pub kind: ZoneKind,
    /// What can be asked there.
    pub asks: Asks,
    /// What it lists, and where its terms stand.
    pub about: &'static str,
    /// Which codes count how many points; none: all codes count one.
    rules: &'static [(&'static str, i32)],
}

/// The reason why a preset makes no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PresetError {
    /// The zone answers customers only.
    #[error("this list is asked with a key")]
    KeyMissing,
    /// The zone has no keys.
    #[error("this list is asked without a key")]
    KeyUnexpected,
    /// The key is no label.
    #[error(transparent)]
    Key(#[from] ZoneNameError),
}

const BOTH: Asks = Asks::Addresses { v4: true, v6: true };
const V4: Asks = Asks::Addresses { v4: true, v6: false };

const fn block(name: &'static str, zone: &'static str, asks: Asks, about: &'static str) -> Preset {
    Preset { name, zone, needs_key: false, kind: ZoneKind::Block, asks, about, rules: &[] }
}

/// The well-known zones.
pub static PRESETS: &[Preset] = &[
    Preset {
        rules: &[("127.0.0.[2..11]", 3)],
        ..block(
            "spamhaus-zen",
            "zen.spamhaus.org",
            BOTH,
            "spam sources, exploited hosts, dynamic addresses; https://www.spamhaus.org/blocklists/",
        )
    },
    Preset {
        needs_key: true,
        rules: &[("127.0.0.[2..11]", 3)],
        ..block(
            "spamhaus-zen-dqs",
            "zen.dq.spamhaus.net",
            BOTH,
            "the same for customers; https://www.spamhaus.com",
        )
    },
    Preset {
        rules: &[("127.0.1.[2..106]", 3)],
        ..block(
            "spamhaus-dbl",
            "dbl.spamhaus.org",
            Asks::Domains,
            "domains in spam; https://www.spamhaus.org/blocklists/",
        )
    },
    Preset {
        needs_key: true,
        rules: &[("127.0.1.[2..106]", 3)],
        ..block(
            "spamhaus-dbl-dqs",
            "dbl.dq.spamhaus.net",
            Asks::Domains,
            "the same for customers; https://www.spamhaus.com",
        )
    },
    Preset {
        rules: &[("127.0.0.2", 2)],
        ..block(
            "spamcop",
            "bl.spamcop.net",
            V4,
            "hosts reported for spam; https://www.spamcop.net/bl.shtml",
        )
    },
    Preset {
        rules: &[("127.0.0.2", 2)],
        ..block(
            "barracuda",
            "b.barracudacentral.org",
            V4,
            "spam sources, for registered clients; https://www.barracudacentral.org/rbl",
        )
    },
    Preset {
        rules: &[("127.0.0.[2;10..12]", 2)],
        ..block(
            "mailspike",
            "bl.mailspike.net",
            V4,
            "hosts of bad reputation; https://mailspike.io",
        )
    },
    Preset {
        kind: ZoneKind::Allow,
        rules: &[
            ("127.0.[0..254].0", 1),
            ("127.0.[0..254].1", 2),
            ("127.0.[0..254].2", 3),
            ("127.0.[0..254].3", 4),
        ],
        ..block("dnswl", "list.dnswl.org", BOTH, "known mail servers; https://www.dnswl.org")
    },
    Preset {
        rules: &[("127.0.0.[2..254]", 1)],
        ..block("surbl", "multi.surbl.org", Asks::Domains, "domains in spam; https://surbl.org")
    },
    Preset {
        rules: &[("127.0.0.[2;3;6;7;10;11;14;15]", 2)],
        ..block("uribl", "multi.uribl.com", Asks::Domains, "domains in spam; https://uribl.com")
    },
    Preset {
        rules: &[("127.0.0.1", -2), ("127.0.0.2", 2), ("127.0.0.4", 1)],
        ..block(
            "hostkarma",
            "hostkarma.junkemailfilter.com",
            V4,
            "good and bad hosts; https://wiki.junkemailfilter.com",
        )
    },
];

impl Preset {
    /// The preset of that name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// The zone, with its rules, codes and probes.
    ///
    /// # Errors
    ///
    /// If a key is missing, not wanted, or no label.
    pub fn build(&self, key: Option<&str>) -> Result<Zone, PresetError> {
        let name = match (self.needs_key, key) {
            (true, Some(key)) => ZoneName::keyed(key, self.zone)?,
            (false, None) => self.zone.parse()?,
            (true, None) => return Err(PresetError::KeyMissing),
            (false, Some(_)) => return Err(PresetError::KeyUnexpected),
        };
        let zone = Zone::new(name, self.asks).kind(self.kind);
        if self.rules.is_empty() {
            return Ok(zone);
        }
        let rules = self.rules.iter().filter_map(|(filter, points)| {
            // The table is tested to parse.
            Some(Rule::new(ReplyFilter::postfix(filter).ok()?, Score::points(*points)))
        });
        Ok(zone.rules(rules))
    }
}

#[cfg(test)]
mod tests {
    use super::{PRESETS, Preset, PresetError};

    #[test]
    fn every_preset_is_found_by_its_name_and_has_all_its_rules() {
        for preset in PRESETS {
            let key = preset.needs_key.then_some("k3y");
            let found = Preset::by_name(preset.name).unwrap().build(key).unwrap();
            assert_eq!(found.name.public(), preset.zone);
            assert_eq!(found.rules.len(), preset.rules.len().max(1), "{}", preset.name);
        }
    }

    #[test]
    fn a_key_is_wanted_or_it_is_not() {
        let build = |name, key| Preset::by_name(name).unwrap().build(key).map(|_| ());
        assert_eq!(build("spamhaus-zen-dqs", None), Err(PresetError::KeyMissing));
        assert_eq!(build("spamcop", Some("k3y")), Err(PresetError::KeyUnexpected));
        assert!(matches!(build("spamhaus-zen-dqs", Some("k 3y")), Err(PresetError::Key(_))));
    }
}
