//! How a zone takes requests for removal.

/// How requests for removal from a zone are taken (RFC 6471 section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemovalRules {
    /// Whether who asks is removed without a reviewer, as far as nothing wider than the subject lists it.
    pub self_service: bool,
    /// Whether who asks has to follow a link in a mail first.
    pub confirm_by_mail: bool,
    /// Seconds within which a request is answered.
    pub promise: u32,
    /// Seconds that the second removal of a subject without a reviewer waits; each that follows waits twice as long.
    pub wait: u32,
    /// Seconds that none waits longer than. As long after the last one it begins anew.
    pub longest_wait: u32,
}

/// Rules that make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemovalRulesError {
    /// A promise that nobody is held to.
    #[error(
        "promise {0} is not within {min} to {max} seconds (RFC 6471 section 2.2)",
        min = RemovalRules::MIN_PROMISE,
        max = RemovalRules::MAX_PROMISE
    )]
    Promise(u32),
    /// Waits that do not fit together.
    #[error(
        "wait {wait} and longest_wait {longest_wait} are not wait <= longest_wait <= {max} seconds",
        max = RemovalRules::MAX_WAIT
    )]
    Waits {
        /// Seconds.
        wait: u32,
        /// Seconds.
        longest_wait: u32,
    },
    /// An allow zone: logins grant there, and `/v1/grants` revokes.
    #[error("an allow zone takes no requests for removal: what it lists is granted by logins")]
    Allow,
}

impl RemovalRules {
    /// The shortest promise, in seconds: an hour.
    pub const MIN_PROMISE: u32 = 3600;
    /// The longest promise, in seconds: seven days, beyond which no list should leave who asks.
    pub const MAX_PROMISE: u32 = 7 * 86_400;
    /// The longest wait, in seconds: a year.
    pub const MAX_WAIT: u32 = 366 * 86_400;

    /// Seconds that a removal without a reviewer waits where so many came before it.
    pub fn wait_after(&self, removals: u32) -> u64 {
        match removals.checked_sub(1) {
            None => 0,
            Some(doublings) => {
                (u64::from(self.wait) << doublings.min(32)).min(self.longest_wait.into())
            }
        }
    }

    /// Checks that the times fit together.
    ///
    /// # Errors
    /// One is out of its range.
    pub fn check(&self) -> Result<(), RemovalRulesError> {
        let Self { promise, wait, longest_wait, .. } = *self;
        if !(Self::MIN_PROMISE..=Self::MAX_PROMISE).contains(&promise) {
            return Err(RemovalRulesError::Promise(promise));
        }
        match wait <= longest_wait && longest_wait <= Self::MAX_WAIT {
            true => Ok(()),
            false => Err(RemovalRulesError::Waits { wait, longest_wait }),
        }
    }
}

/// A reviewer decides within two days.
impl Default for RemovalRules {
    fn default() -> Self {
        Self {
            self_service: false,
            confirm_by_mail: false,
            promise: 2 * 86_400,
            wait: 86_400,
            longest_wait: 30 * 86_400,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_wait_is_at_least_as_long_as_the_one_before_and_none_longer_than_the_longest(
            wait in 0..RemovalRules::MAX_WAIT,
            more in 0..RemovalRules::MAX_WAIT,
            removals in 0..200_u32,
        ) {
            let longest_wait = wait.saturating_add(more);
            let rules = RemovalRules { wait, longest_wait, ..RemovalRules::default() };
            let (this, next) = (rules.wait_after(removals), rules.wait_after(removals + 1));
            prop_assert!(this <= next && next <= u64::from(longest_wait));
            prop_assert_eq!(rules.wait_after(0), 0);
            prop_assert_eq!(rules.wait_after(1), u64::from(wait));
            prop_assert_eq!(rules.wait_after(2), (2 * u64::from(wait)).min(longest_wait.into()));
        }
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        let usual = RemovalRules::default();
        assert_eq!(usual.check(), Ok(()));
        for bad in [
            RemovalRules { promise: 3599, ..usual },
            RemovalRules { promise: 7 * 86_400 + 1, ..usual },
            RemovalRules { wait: 10, longest_wait: 9, ..usual },
            RemovalRules { longest_wait: u32::MAX, ..usual },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
