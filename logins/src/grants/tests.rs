use proptest::prelude::*;

use super::*;

const TERMS: GrantTerms = GrantTerms { lifetime: 600, longest: 3600, ipv6_prefix: 128 };

fn login(address: &str, user: &str) -> Login {
    Login {
        address: address.parse().unwrap(),
        peer: None,
        user: (!user.is_empty()).then(|| user.parse().unwrap()),
        service: "pop3".parse().unwrap(),
        way: Way::Api,
        tls: None,
        session: None,
        at: None,
    }
}

struct Zone {
    grants: Grants,
    limits: GrantLimits,
    rate: Rate,
}

impl Zone {
    fn new(limits: GrantLimits) -> Self {
        Self { grants: Grants::new(TERMS), limits, rate: Rate::default() }
    }

    fn login(&mut self, address: &str, user: &str, now: u64) -> Result<Effect, Refused> {
        self.grants.expire(UnixTime(now));
        let Self { grants, limits, rate } = self;
        grants.login(&login(address, user), limits, rate, UnixTime(now))
    }

    fn until(&self, address: &str) -> Option<u64> {
        let network = self.grants.network(address.parse().unwrap());
        self.grants.get(&network).map(|grant| grant.until().0)
    }
}

#[test]
fn each_login_renews_but_never_beyond_the_longest_time_since_the_first() {
    let mut zone = Zone::new(GrantLimits::default());
    assert_eq!(zone.login("192.0.2.1", "taro", 1_000), Ok(Effect::New));
    assert_eq!(zone.until("192.0.2.1"), Some(1_600));
    assert_eq!(zone.login("192.0.2.1", "taro", 1_000), Ok(Effect::Unchanged));
    for now in [1_595, 2_190, 2_785, 3_380, 3_975] {
        assert_eq!(zone.login("192.0.2.1", "taro", now), Ok(Effect::Renewed));
        assert_eq!(zone.until("192.0.2.1"), Some(now + 600));
    }
    assert_eq!(zone.login("192.0.2.1", "taro", 4_570), Ok(Effect::Renewed));
    assert_eq!(zone.until("192.0.2.1"), Some(4_600), "an hour after the first");
    assert_eq!(zone.login("192.0.2.1", "taro", 4_599), Ok(Effect::Unchanged));
    assert_eq!(zone.login("192.0.2.1", "taro", 4_600), Ok(Effect::New), "it begins anew");
    assert_eq!(zone.until("192.0.2.1"), Some(5_200));
    assert_eq!(zone.until("192.0.2.2"), None);
}

#[test]
fn users_behind_one_address_hold_its_grant_each_for_themselves() {
    let mut zone = Zone::new(GrantLimits { users_per_address: 2, ..GrantLimits::default() });
    zone.login("192.0.2.1", "taro", 1_000).unwrap();
    zone.login("192.0.2.1", "hana", 1_300).unwrap();
    assert_eq!(zone.login("192.0.2.1", "jiro", 1_300), Err(Refused::Users));
    assert_eq!(zone.until("192.0.2.1"), Some(1_900));
    let network = zone.grants.network("192.0.2.1".parse().unwrap());
    let (taro, hana): (User, User) = ("taro".parse().unwrap(), "hana".parse().unwrap());
    assert!(zone.grants.end(network, Some(&hana)));
    assert!(!zone.grants.end(network, Some(&hana)));
    assert_eq!(zone.until("192.0.2.1"), Some(1_600), "taro's is left");
    assert_eq!(zone.login("192.0.2.1", "jiro", 1_400), Ok(Effect::New));
    assert!(zone.grants.end(network, Some(&taro)));
    assert!(zone.grants.end(network, None));
    assert_eq!(zone.until("192.0.2.1"), None);
}

#[test]
fn a_user_has_so_many_addresses_at_once() {
    let mut zone = Zone::new(GrantLimits { addresses_per_user: 2, ..GrantLimits::default() });
    zone.login("192.0.2.1", "taro", 1_000).unwrap();
    zone.login("192.0.2.2", "taro", 1_100).unwrap();
    assert_eq!(zone.login("192.0.2.3", "taro", 1_100), Err(Refused::Addresses));
    assert_eq!(zone.login("192.0.2.1", "taro", 1_200), Ok(Effect::Renewed));
    assert_eq!(zone.login("192.0.2.3", "hana", 1_100), Ok(Effect::New));
    assert_eq!(zone.login("192.0.2.3", "taro", 1_700), Ok(Effect::New), "one has ended");
    assert_eq!(zone.login("192.0.2.9", "", 1_700), Ok(Effect::New), "nobody is told apart");
}

#[test]
fn new_grants_have_a_rate_and_a_most_and_renewals_have_neither() {
    let limits = GrantLimits { per_second: 2, grants: 3, ..GrantLimits::default() };
    let mut zone = Zone::new(limits);
    zone.login("192.0.2.1", "a", 1_000).unwrap();
    zone.login("192.0.2.2", "b", 1_000).unwrap();
    assert_eq!(zone.login("192.0.2.3", "c", 1_000), Err(Refused::Rate));
    zone.login("192.0.2.3", "c", 1_001).unwrap();
    for user in ["a", "b", "c"] {
        let address = format!("192.0.2.{}", user.as_bytes()[0] - b'a' + 1);
        assert_eq!(zone.login(&address, user, 1_002), Ok(Effect::Renewed));
    }
    assert_eq!(zone.login("192.0.2.4", "d", 1_002), Err(Refused::Full));
    assert_eq!(zone.login("192.0.2.4", "d", 1_602), Ok(Effect::New));
}

#[test]
fn an_ipv6_grant_is_an_address_or_a_network_as_the_terms_say() {
    let mut grants = Grants::new(TERMS);
    let address = "2001:db8:1:2:3:4:5:6".parse().unwrap();
    assert_eq!(grants.network(address).to_string(), "2001:db8:1:2:3:4:5:6/128");
    grants.set_terms(GrantTerms { ipv6_prefix: 64, ..TERMS });
    assert_eq!(grants.network(address).to_string(), "2001:db8:1:2::/64");
}

#[test]
fn a_session_counts_once_for_an_address() {
    let mut sessions = Sessions::default();
    let login = Login { session: Some("s".into()), ..login("192.0.2.1", "taro") };
    assert!(sessions.is_first(&login));
    assert!(!sessions.is_first(&login));
    assert!(sessions.is_first(&Login { address: [192, 0, 2, 2].into(), ..login.clone() }));
    sessions.forget(&login);
    assert!(sessions.is_first(&login));
    let unnamed = Login { session: None, ..login };
    assert!(sessions.is_first(&unnamed) && sessions.is_first(&unnamed));
    for i in 0..Sessions::MAX + 10 {
        sessions.is_first(&Login { session: Some(i.to_string()), ..unnamed.clone() });
    }
    assert_eq!(sessions.order.len(), Sessions::MAX);
    assert!(sessions.seen.len() <= Sessions::MAX);
}

proptest! {
    /// What the fast structures say is what all logins, one by one, say.
    #[test]
    fn grants_are_what_the_logins_say(
        logins in prop::collection::vec((0u8..4, 0u8..4, 0u64..400), 1..80),
    ) {
        let mut zone = Zone::new(GrantLimits::default());
        let mut now = 1_000;
        // (address, user) → (first, until)
        let mut model = HashMap::<(u8, u8), (u64, u64)>::new();
        for (address, user, passed) in logins {
            now += passed;
            zone.login(&format!("192.0.2.{address}"), &format!("u{user}"), now).unwrap();
            let (first, until) = model.entry((address, user)).or_insert((now, 0));
            if *until <= now {
                (*first, *until) = (now, 0);
            }
            *until = (*until).max((now + 600).min(*first + 3600));
            for address in 0..4 {
                let live = (0..4).filter_map(|user| model.get(&(address, user)));
                let until = live.map(|(_, until)| *until).filter(|until| *until > now).max();
                prop_assert_eq!(zone.until(&format!("192.0.2.{address}")), until);
            }
            let held = model.values().filter(|(_, until)| *until > now).count();
            prop_assert_eq!(zone.grants.addresses.values().sum::<usize>(), held);
        }
        zone.grants.expire(UnixTime(now + 3600));
        prop_assert_eq!(zone.grants.len(), 0);
        prop_assert!(zone.grants.addresses.is_empty() && zone.grants.ends.is_empty());
    }
}
