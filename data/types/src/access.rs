//! Who may ask, by address.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::Subject;

/// Who may ask a zone: rules by prefix, of which the longest that holds the client decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    default: AccessAction,
    /// The longest prefixes first, none twice.
    rules: Vec<(IpNet, AccessAction)>,
}

/// What becomes of a query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessAction {
    /// It is answered.
    #[default]
    Pass,
    /// It is answered with REFUSED.
    Refuse,
}

/// Rules that make no access.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// More rules than are looked through for one query.
    #[error("access has {0} rules, more than {max}", max = Access::MAX_RULES)]
    TooMany(usize),
    /// Host bits are set, so that it is unclear what is meant.
    #[error("access: {prefix} has host bits; it is {network}")]
    HostBits {
        /// As it was given.
        prefix: IpNet,
        /// Without them.
        network: IpNet,
    },
    /// Two rules for one prefix.
    #[error("access has two rules for {0}")]
    Twice(IpNet),
}

impl Access {
    /// The most rules.
    pub const MAX_RULES: usize = 64;

    /// The access by these rules.
    ///
    /// # Errors
    /// There are too many, one has host bits, or two have the same prefix.
    pub fn new(
        default: AccessAction,
        rules: impl IntoIterator<Item = (IpNet, AccessAction)>,
    ) -> Result<Self, AccessError> {
        let mut rules: Vec<_> = rules.into_iter().collect();
        if rules.len() > Self::MAX_RULES {
            return Err(AccessError::TooMany(rules.len()));
        }
        for (prefix, _) in &mut rules {
            let network = prefix.trunc();
            if network != *prefix {
                return Err(AccessError::HostBits { prefix: *prefix, network });
            }
            // Clients are compared without the form that IPv6 sockets give to IPv4 addresses.
            *prefix = Subject::from_net(network).net().unwrap_or(network);
        }
        rules.sort_by_key(|(prefix, _)| (std::cmp::Reverse(prefix.prefix_len()), *prefix));
        match rules.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(AccessError::Twice(pair[0].0)),
            None => Ok(Self { default, rules }),
        }
    }

    /// Nobody but this machine.
    pub fn loopback() -> Self {
        let loopback = |address: IpAddr, len| (IpNet::new_assert(address, len), AccessAction::Pass);
        let rules = vec![
            loopback(std::net::Ipv6Addr::LOCALHOST.into(), 128),
            loopback(std::net::Ipv4Addr::new(127, 0, 0, 0).into(), 8),
        ];
        Self { default: AccessAction::Refuse, rules }
    }

    /// What becomes of the queries of a client.
    pub fn of(&self, client: IpAddr) -> AccessAction {
        if self.rules.is_empty() {
            return self.default;
        }
        let client = client.to_canonical();
        let rule = self.rules.iter().find(|(prefix, _)| prefix.contains(&client));
        rule.map_or(self.default, |(_, action)| *action)
    }

    /// What becomes of queries that no rule is about.
    pub fn default_action(&self) -> AccessAction {
        self.default
    }

    /// The rules, the longest prefixes first.
    pub fn rules(&self) -> &[(IpNet, AccessAction)] {
        &self.rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[(&str, AccessAction)]) -> Result<Access, AccessError> {
        let rules = texts.iter().map(|(text, action)| (text.parse().unwrap(), *action));
        Access::new(AccessAction::Refuse, rules)
    }

    #[track_caller]
    fn of(access: &Access, client: &str) -> AccessAction {
        access.of(client.parse().unwrap())
    }

    #[test]
    fn the_longest_prefix_decides_in_whatever_order_rules_come() {
        use AccessAction::{Pass, Refuse};
        let texts = [("10.0.0.0/8", Pass), ("10.1.0.0/16", Refuse), ("10.1.2.3/32", Pass)];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let access = rules(&order.map(|i| texts[i])).unwrap();
            for (client, action) in
                [("10.9.9.9", Pass), ("10.1.9.9", Refuse), ("10.1.2.3", Pass), ("11.0.0.1", Refuse)]
            {
                assert_eq!(of(&access, client), action, "{client}");
            }
            assert_eq!(of(&access, "::ffff:10.1.2.3"), Pass);
        }
    }

    #[test]
    fn who_is_not_asked_for_may_ask_everything() {
        assert_eq!(of(&Access::default(), "192.0.2.1"), AccessAction::Pass);
    }

    #[test]
    fn loopback_is_this_machine_in_both_families() {
        let access = Access::loopback();
        for client in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(of(&access, client), AccessAction::Pass, "{client}");
        }
        for client in ["192.0.2.1", "::2", "2001:db8::1"] {
            assert_eq!(of(&access, client), AccessAction::Refuse, "{client}");
        }
        let again = Access::new(access.default_action(), access.rules().iter().copied());
        assert_eq!(again, Ok(access));
    }

    #[test]
    fn rules_that_contradict_each_other_or_are_unclear_are_refused() {
        use AccessAction::{Pass, Refuse};
        assert!(matches!(rules(&[("10.0.0.1/8", Pass)]), Err(AccessError::HostBits { .. })));
        let twice = rules(&[("10.0.0.0/8", Pass), ("10.0.0.0/8", Refuse)]);
        assert_eq!(twice, Err(AccessError::Twice("10.0.0.0/8".parse().unwrap())));
        let mapped = rules(&[("10.0.0.0/8", Pass), ("::ffff:10.0.0.0/104", Refuse)]);
        assert!(matches!(mapped, Err(AccessError::Twice(_))), "{mapped:?}");
        let many = (0..65).map(|i| (IpNet::new_assert([10, 0, 0, i].into(), 32), Pass));
        assert_eq!(Access::new(Pass, many), Err(AccessError::TooMany(65)));
    }
}
