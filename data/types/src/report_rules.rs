//! When reports list a subject: the rules of a zone.

use std::{collections::BTreeMap, fmt, str::FromStr};

use crate::{Reason, ReturnCode, Source};

/// What a subject is reported for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportCategory {
    /// It relays for everybody.
    Relay,
    /// It sent spam.
    Spam,
    /// It sent to an address that nobody has.
    SpamTrap,
    /// It tried many recipients that there are not.
    DirectoryHarvest,
    /// It sends bounces and the like to forged senders.
    Backscatter,
    /// It sends or hosts malware.
    Malware,
    /// It sends or hosts phishing.
    Phishing,
    /// It guesses passwords.
    BruteForce,
    /// It breaks a policy, such as that of dynamic addresses.
    Policy,
}

/// A text that names no category.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of {names}", names = ReportCategory::ALL.map(ReportCategory::as_str).join(", "))]
pub struct ReportCategoryError(String);

impl ReportCategory {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Relay,
        Self::Spam,
        Self::SpamTrap,
        Self::DirectoryHarvest,
        Self::Backscatter,
        Self::Malware,
        Self::Phishing,
        Self::BruteForce,
        Self::Policy,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Spam => "spam",
            Self::SpamTrap => "spam-trap",
            Self::DirectoryHarvest => "directory-harvest",
            Self::Backscatter => "backscatter",
            Self::Malware => "malware",
            Self::Phishing => "phishing",
            Self::BruteForce => "brute-force",
            Self::Policy => "policy",
        }
    }
}

impl fmt::Display for ReportCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ReportCategory {
    type Err = ReportCategoryError;

    fn from_str(text: &str) -> Result<Self, ReportCategoryError> {
        let found = Self::ALL.into_iter().find(|category| category.as_str() == text);
        found.ok_or_else(|| ReportCategoryError(text.chars().take(64).collect()))
    }
}

/// What reports of one category do in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRule {
    /// What is answered in place of the zone's codes.
    pub return_code: Option<ReturnCode>,
    /// The reason in place of the zone's.
    pub reason: Option<Reason>,
    /// How many reporters list a subject.
    pub reporters: u32,
    /// From how many networks they must be.
    pub networks: u32,
    /// Seconds for which a report counts, and within which the same reporter counts once.
    pub window: u32,
    /// Seconds for which the first listing lasts; each that follows lasts twice as long.
    pub expires_in: u32,
    /// Seconds that no listing exceeds. As long after the end of the last one it begins anew.
    pub longest: u32,
    /// Names of tokens whose reports list by themselves, in order.
    pub trusted: Vec<Source>,
}

/// The categories of which reports list in a zone; those of others wait for a reviewer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportRules(BTreeMap<ReportCategory, ReportRule>);

/// Rules that make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportRulesError {
    /// Relays are tested.
    #[error("relay has no rule: what is reported as a relay is tested, not believed")]
    Relay,
    /// Reporters or networks that there can't be.
    #[error(
        "{category}: networks {networks} and reporters {reporters} are not 1 <= networks <= reporters <= {max}",
        max = ReportRule::MAX_REPORTERS
    )]
    Reporters {
        /// Of which category.
        category: ReportCategory,
        /// How many reporters.
        reporters: u32,
        /// From how many networks.
        networks: u32,
    },
    /// Times that do not fit together.
    #[error(
        "{category}: window {window}, expires_in {expires_in} and longest {longest} are not 1 <= window <= expires_in <= longest <= {max} seconds",
        max = ReportRule::MAX_SECONDS
    )]
    Times {
        /// Of which category.
        category: ReportCategory,
        /// Seconds.
        window: u32,
        /// Seconds.
        expires_in: u32,
        /// Seconds.
        longest: u32,
    },
    /// More names than a rule may have.
    #[error("{category}: {count} trusted tokens are more than {max}", max = ReportRule::MAX_TRUSTED)]
    Trusted {
        /// Of which category.
        category: ReportCategory,
        /// How many.
        count: usize,
    },
    /// An allow zone: nobody but logins lists there.
    #[error("an allow zone takes no reports: what it lists is granted by logins")]
    Allow,
}

impl ReportRule {
    /// The most reporters that may be asked for.
    pub const MAX_REPORTERS: u32 = 100;
    /// The longest time that may be asked for: a year.
    pub const MAX_SECONDS: u32 = 366 * 86_400;
    /// The most trusted tokens.
    pub const MAX_TRUSTED: usize = 64;

    /// When the listing ends that is the `times`th of those that follow one another, if it is made at `now`, in
    /// seconds from then.
    pub fn lifetime(&self, times: u32) -> u64 {
        let doublings = times.saturating_sub(1).min(32);
        (u64::from(self.expires_in) << doublings).min(self.longest.into())
    }

    /// Whether reports of a token list by themselves.
    pub fn trusts(&self, reporter: &Source) -> bool {
        self.trusted.iter().any(|name| name.as_str().eq_ignore_ascii_case(reporter.as_str()))
    }

    fn check(&mut self, category: ReportCategory) -> Result<(), ReportRulesError> {
        let Self { reporters, networks, window, expires_in, longest, .. } = *self;
        if networks == 0 || networks > reporters || reporters > Self::MAX_REPORTERS {
            return Err(ReportRulesError::Reporters { category, reporters, networks });
        }
        if window == 0 || window > expires_in || expires_in > longest || longest > Self::MAX_SECONDS
        {
            return Err(ReportRulesError::Times { category, window, expires_in, longest });
        }
        if self.trusted.len() > Self::MAX_TRUSTED {
            return Err(ReportRulesError::Trusted { category, count: self.trusted.len() });
        }
        self.trusted.sort_unstable();
        self.trusted.dedup();
        Ok(())
    }
}

/// Three reporters from two networks within a day list for a day, at most for 30.
impl Default for ReportRule {
    fn default() -> Self {
        Self {
            return_code: None,
            reason: None,
            reporters: 3,
            networks: 2,
            window: 86_400,
            expires_in: 86_400,
            longest: 30 * 86_400,
            trusted: Vec::new(),
        }
    }
}

impl ReportRules {
    /// These rules.
    ///
    /// # Errors
    /// One is out of its range, or is about relays.
    pub fn new(
        rules: impl IntoIterator<Item = (ReportCategory, ReportRule)>,
    ) -> Result<Self, ReportRulesError> {
        let mut rules: BTreeMap<ReportCategory, ReportRule> = rules.into_iter().collect();
        for (category, rule) in &mut rules {
            if *category == ReportCategory::Relay {
                return Err(ReportRulesError::Relay);
            }
            rule.check(*category)?;
        }
        Ok(Self(rules))
    }

    /// The rule of a category; `None` where its reports wait for a reviewer.
    pub fn rule(&self, category: ReportCategory) -> Option<&ReportRule> {
        self.0.get(&category)
    }

    /// The rules by category.
    pub fn iter(&self) -> impl Iterator<Item = (ReportCategory, &ReportRule)> {
        self.0.iter().map(|(category, rule)| (*category, rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listing_lasts_twice_as_long_and_none_longer_than_the_longest() {
        let rule =
            ReportRule { expires_in: 100, longest: 500, window: 10, ..ReportRule::default() };
        let lifetimes = [1, 2, 3, 4, 5, 100].map(|times| rule.lifetime(times));
        assert_eq!(lifetimes, [100, 200, 400, 500, 500, 500]);
        let long = ReportRule { expires_in: u32::MAX, longest: u32::MAX, ..rule };
        assert_eq!(long.lifetime(u32::MAX), u64::from(u32::MAX));
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        let of = |rule| ReportRules::new([(ReportCategory::Spam, rule)]);
        let usual = ReportRule::default();
        assert!(of(usual.clone()).is_ok());
        for bad in [
            ReportRule { networks: 0, ..usual.clone() },
            ReportRule { networks: 4, ..usual.clone() },
            ReportRule { reporters: 101, ..usual.clone() },
            ReportRule { window: 0, ..usual.clone() },
            ReportRule { window: 86_401, ..usual.clone() },
            ReportRule { longest: 86_399, ..usual.clone() },
            ReportRule { longest: u32::MAX, ..usual.clone() },
            ReportRule { trusted: vec!["a".parse().unwrap(); 65], ..usual.clone() },
        ] {
            assert!(of(bad.clone()).is_err(), "{bad:?}");
        }
        let relay = ReportRules::new([(ReportCategory::Relay, usual)]);
        assert_eq!(relay, Err(ReportRulesError::Relay));
    }

    #[test]
    fn a_category_is_read_as_it_is_written() {
        for category in ReportCategory::ALL {
            assert_eq!(category.as_str().parse(), Ok(category));
        }
        assert!("Spam".parse::<ReportCategory>().is_err());
    }
}
