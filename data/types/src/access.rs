//! Who may ask a zone, and how much.

use std::{net::IpAddr, num::NonZeroU32, ops::Range};

use ipnet::IpNet;

use crate::{Reason, ReturnCode, Subject};

/// Who may ask a zone, and how much.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// What becomes of queries, by the client's address.
    pub rules: AccessRules,
    /// What subscribers are to the zone.
    pub subscribers: SubscriberMode,
    /// How a query that nobody may ask, or that is one too many, is denied.
    pub denial: Denial,
    /// How much may be asked.
    pub quotas: ZoneQuotas,
    /// Who gets answers over 512 octets over UDP; `None`: whom the server gives them.
    pub large_udp: Option<LargeUdp>,
}

/// Who gets answers over 512 octets over UDP, which somebody could have sent to others in their name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LargeUdp {
    /// Whoever offers to take them.
    All,
    /// Whose cookie proves where he is, and networks that the server knows.
    Cookie,
}

/// What becomes of queries: rules by prefix, of which the longest that holds the client decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRules {
    default: AccessAction,
    /// By family, the longest prefixes first, none twice.
    rules: Vec<(IpNet, AccessAction)>,
    /// The rules of one family and length each, the longest first.
    lengths: Vec<Range<usize>>,
}

/// What becomes of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AccessAction {
    /// It is answered.
    #[default]
    Pass,
    /// It is answered with REFUSED.
    Refuse,
    /// It is answered as by a zone that lists nothing; test entries and the zone's own records stay.
    Empty,
    /// There is no reply.
    Ignore,
    /// Whatever it asks for is listed, test entries too.
    List(ListAll),
}

/// What lists everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListAll {
    /// The A value.
    pub return_code: ReturnCode,
    /// The TXT value, in which `$` is the client's address.
    pub reason: Reason,
}

/// What subscribers are to a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubscriberMode {
    /// Nothing: a key in a name is a name like any other.
    #[default]
    Off,
    /// Others may ask too, as the rules say.
    Optional,
    /// Nobody else may ask for a listing, but those whom a rule passes.
    Required,
}

/// How a query is denied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Denial {
    /// REFUSED.
    #[default]
    Refused,
    /// A code in 127.255.255.0/24 that says why, which clients know as no listing.
    Code,
    /// No reply.
    Drop,
}

/// How much may be asked of a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ZoneQuotas {
    /// By each address that is no subscriber's.
    pub address: Quota,
    /// By each /24, or /48 of IPv6, of these.
    pub network: Quota,
    /// By all of them.
    pub zone: Quota,
}

/// How many questions may be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Quota {
    /// In a second, by the generic cell rate algorithm; a tenth of it may come in one moment. `None`: any.
    pub per_second: Option<NonZeroU32>,
    /// In a day of UTC. `None`: any.
    pub per_day: Option<NonZeroU32>,
}

/// Rules that make no access.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// More rules than a zone's settings should hold.
    #[error("access has {0} rules, more than {max}", max = AccessRules::MAX)]
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
    /// Nobody but this machine.
    pub fn loopback() -> Self {
        Self { rules: AccessRules::loopback(), ..Self::default() }
    }

    /// Whether everybody may ask as much as he likes.
    pub fn is_open(&self) -> bool {
        self.rules.is_open()
            && self.subscribers == SubscriberMode::Off
            && self.quotas == ZoneQuotas::default()
    }
}

impl AccessRules {
    /// The most rules.
    pub const MAX: usize = 4096;

    /// These rules.
    ///
    /// # Errors
    /// There are too many, one has host bits, or two have the same prefix.
    pub fn new(
        default: AccessAction,
        rules: impl IntoIterator<Item = (IpNet, AccessAction)>,
    ) -> Result<Self, AccessError> {
        let mut rules: Vec<_> = rules.into_iter().collect();
        if rules.len() > Self::MAX {
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
        rules.sort_by_key(|(prefix, _)| {
            (prefix.addr().is_ipv6(), std::cmp::Reverse(prefix.prefix_len()), *prefix)
        });
        match rules.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(AccessError::Twice(pair[0].0)),
            None => Ok(Self { default, lengths: lengths(&rules), rules }),
        }
    }

    /// Pass this machine and nobody else.
    fn loopback() -> Self {
        let loopback = |address: IpAddr, len| (IpNet::new_assert(address, len), AccessAction::Pass);
        let rules = vec![
            loopback(std::net::Ipv4Addr::new(127, 0, 0, 0).into(), 8),
            loopback(std::net::Ipv6Addr::LOCALHOST.into(), 128),
        ];
        Self { default: AccessAction::Refuse, lengths: lengths(&rules), rules }
    }

    /// Whether every query passes.
    pub fn is_open(&self) -> bool {
        self.rules.is_empty() && self.default == AccessAction::Pass
    }

    /// What a rule says of a client, if there is one for it.
    pub fn rule_for(&self, client: IpAddr) -> Option<&AccessAction> {
        let client = client.to_canonical();
        self.lengths.iter().find_map(|range| {
            let rules = &self.rules[range.clone()];
            let network = IpNet::new(client, rules[0].0.prefix_len()).ok()?.trunc();
            let at = rules.binary_search_by_key(&network, |(prefix, _)| *prefix).ok()?;
            Some(&rules[at].1)
        })
    }

    /// What becomes of the queries of a client.
    pub fn of(&self, client: IpAddr) -> &AccessAction {
        self.rule_for(client).unwrap_or(&self.default)
    }

    /// What becomes of queries that no rule is about.
    pub fn default_action(&self) -> &AccessAction {
        &self.default
    }

    /// The rules, those of IPv4 before those of IPv6, the longest prefixes first.
    pub fn rules(&self) -> &[(IpNet, AccessAction)] {
        &self.rules
    }
}

/// Where the rules of each family and length begin and end.
fn lengths(rules: &[(IpNet, AccessAction)]) -> Vec<Range<usize>> {
    let kind = |prefix: &IpNet| (prefix.addr().is_ipv6(), prefix.prefix_len());
    let mut begin = 0;
    let runs = rules.chunk_by(|(a, _), (b, _)| kind(a) == kind(b));
    runs.map(|run| {
        let range = begin..begin + run.len();
        begin = range.end;
        range
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn rules(texts: &[(&str, AccessAction)]) -> Result<AccessRules, AccessError> {
        let rules = texts.iter().map(|(text, action)| (text.parse().unwrap(), action.clone()));
        AccessRules::new(AccessAction::Refuse, rules)
    }

    #[track_caller]
    fn of<'a>(rules: &'a AccessRules, client: &str) -> &'a AccessAction {
        rules.of(client.parse().unwrap())
    }

    #[test]
    fn the_longest_prefix_decides_in_whatever_order_rules_come() {
        use AccessAction::{Empty, Pass, Refuse};
        let texts = [("10.0.0.0/8", Pass), ("10.1.0.0/16", Refuse), ("10.1.2.3/32", Empty)];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let rules = rules(&order.map(|i| texts[i].clone())).unwrap();
            for (client, action) in [
                ("10.9.9.9", Pass),
                ("10.1.9.9", Refuse),
                ("10.1.2.3", Empty),
                ("11.0.0.1", Refuse),
                ("::ffff:10.1.2.3", Empty),
                ("2001:db8::1", Refuse),
            ] {
                assert_eq!(*of(&rules, client), action, "{client}");
            }
        }
    }

    proptest! {
        #[test]
        fn looking_up_a_rule_agrees_with_looking_through_all(
            nets in prop::collection::btree_map((0u8..4, 0u8..=32, any::<bool>()), 0usize..4, 0..40),
            clients in prop::collection::vec((0u32..5, any::<u32>(), any::<bool>()), 20),
        ) {
            use AccessAction::{Empty, Ignore, Pass, Refuse};
            let address = |high: u32, low: u32, is_v6| -> IpAddr {
                if is_v6 {
                    std::net::Ipv6Addr::from_bits(u128::from(high) << 126 | u128::from(low) << 90).into()
                } else {
                    std::net::Ipv4Addr::from_bits(high << 30 | low >> 2).into()
                }
            };
            let actions = [Pass, Refuse, Empty, Ignore];
            let all: BTreeMap<IpNet, AccessAction> = nets
                .iter()
                .map(|(&(high, len, is_v6), &action)| {
                    let net = IpNet::new(address(high.into(), u32::from(len) << 27, is_v6), len).unwrap();
                    (net.trunc(), actions[action].clone())
                })
                .collect();
            let rules = AccessRules::new(Ignore, all.clone()).unwrap();
            for (high, low, is_v6) in clients {
                let client = address(high, low, is_v6);
                let holding = all.iter().filter(|(net, _)| net.contains(&client));
                let longest = holding.max_by_key(|(net, _)| net.prefix_len());
                prop_assert_eq!(rules.rule_for(client), longest.map(|(_, action)| action));
            }
        }
    }

    #[test]
    fn who_is_not_asked_for_may_ask_everything() {
        assert_eq!(*of(&AccessRules::default(), "192.0.2.1"), AccessAction::Pass);
        assert!(Access::default().is_open());
    }

    #[test]
    fn loopback_is_this_machine_in_both_families() {
        let access = Access::loopback();
        assert!(!access.is_open());
        for client in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(*of(&access.rules, client), AccessAction::Pass, "{client}");
        }
        for client in ["192.0.2.1", "::2", "2001:db8::1"] {
            assert_eq!(*of(&access.rules, client), AccessAction::Refuse, "{client}");
        }
        let rules = access.rules.rules().iter().cloned();
        let again = AccessRules::new(access.rules.default_action().clone(), rules);
        assert_eq!(again, Ok(access.rules));
    }

    #[test]
    fn rules_that_contradict_each_other_or_are_unclear_are_refused() {
        use AccessAction::{Pass, Refuse};
        assert!(matches!(rules(&[("10.0.0.1/8", Pass)]), Err(AccessError::HostBits { .. })));
        let twice = rules(&[("10.0.0.0/8", Pass), ("10.0.0.0/8", Refuse)]);
        assert_eq!(twice, Err(AccessError::Twice("10.0.0.0/8".parse().unwrap())));
        let mapped = rules(&[("10.0.0.0/8", Pass), ("::ffff:10.0.0.0/104", Refuse)]);
        assert!(matches!(mapped, Err(AccessError::Twice(_))), "{mapped:?}");
        let many = (0..4097).map(|i| (IpNet::new_assert(IpAddr::V4(i.into()), 32), Pass));
        assert_eq!(AccessRules::new(Pass, many), Err(AccessError::TooMany(4097)));
    }
}
