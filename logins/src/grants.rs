//! The grants there are, and what a login makes of them: pure, with the time as a parameter.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    net::IpAddr,
    ops::Bound,
};

use dnsbl_types::{GrantTerms, UnixTime};
use ipnet::IpNet;

use crate::{Login, MailService, User, Way};

/// How much logins may grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantLimits {
    /// Addresses that a user has grants for at once, in a zone.
    pub addresses_per_user: usize,
    /// Users that have a grant for one address at once: those behind one NAT.
    pub users_per_address: usize,
    /// New grants in a second.
    pub per_second: u32,
    /// Addresses that have a grant at once, in a zone.
    pub grants: usize,
}

impl Default for GrantLimits {
    fn default() -> Self {
        Self {
            addresses_per_user: 16,
            users_per_address: 64,
            per_second: 20_000,
            grants: 1_000_000,
        }
    }
}

/// A grant: an address or network that may send for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who may send.
    pub network: IpNet,
    /// Since when.
    pub since: UnixTime,
    /// Whose logins it rests on; some may have ended.
    pub holds: Vec<Hold>,
}

/// A user's part of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Who; `None` where that is not told.
    pub user: Option<User>,
    /// What the user logged in to the last time.
    pub service: MailService,
    /// How that was reported.
    pub way: Way,
    /// The first login.
    pub first: UnixTime,
    /// The last login.
    pub last: UnixTime,
    /// From this second on it grants nothing.
    pub until: UnixTime,
    /// How many logins there were; renewals within a second count once.
    pub logins: u32,
}

impl Grant {
    /// From this second on it grants nothing.
    pub fn until(&self) -> UnixTime {
        self.holds.iter().map(|hold| hold.until).max().unwrap_or_default()
    }

    fn live_holds(&self, now: UnixTime) -> impl Iterator<Item = &Hold> {
        self.holds.iter().filter(move |hold| hold.until > now)
    }
}

/// The reason why a login grants nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It did not succeed.
    #[error("the login failed")]
    Failed,
    /// It was reported too late, or the clocks differ.
    #[error("the login is not of this minute; compare the clocks")]
    Stale,
    /// Nothing may be granted to such an address.
    #[error("this address can have no grant: every host has it")]
    Address,
    /// The address is that of a proxy, or the proxy is not known.
    #[error("the address is a proxy's, or comes from a proxy that logins.proxies does not name")]
    Proxy,
    /// It is no service that mail is fetched from.
    #[error("logins to this service grant nothing; logins.services names those that do")]
    Service,
    /// It was not encrypted, or that was not told.
    #[error("only logins over TLS grant")]
    Tls,
    /// There is no such allow zone, or none was named and there are several.
    #[error("there is no such allow zone, or several and none was named")]
    Zone,
    /// The user has grants for as many addresses as one may have.
    #[error("this user has grants for as many addresses as one user may have")]
    Addresses,
    /// As many users have a grant for the address as may have one.
    #[error("as many users have a grant for this address as may have one")]
    Users,
    /// There are as many grants as there may be.
    #[error("there are as many grants as there may be")]
    Full,
    /// There are more new grants in a second than there may be.
    #[error("there are too many new grants in this second")]
    Rate,
}

impl Refused {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Failed,
        Self::Stale,
        Self::Address,
        Self::Proxy,
        Self::Service,
        Self::Tls,
        Self::Zone,
        Self::Addresses,
        Self::Users,
        Self::Full,
        Self::Rate,
    ];

    /// Its name in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Stale => "stale",
            Self::Address => "address",
            Self::Proxy => "proxy",
            Self::Service => "service",
            Self::Tls => "tls",
            Self::Zone => "zone",
            Self::Addresses => "addresses",
            Self::Users => "users",
            Self::Full => "full",
            Self::Rate => "rate",
        }
    }
}

/// What a login made of the grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// There was no grant by this user for this address.
    New,
    /// There was one, which ends later now.
    Renewed,
    /// It ends when it did: a renewal within the same second, or the longest time is reached.
    Unchanged,
}

/// The grants of a zone.
#[derive(Debug)]
pub(crate) struct Grants {
    terms: GrantTerms,
    by_network: BTreeMap<IpNet, Grant>,
    /// How many addresses each user has a hold on.
    addresses: HashMap<User, usize>,
    /// When each hold ends.
    ends: BTreeSet<(UnixTime, IpNet)>,
}

impl Grants {
    pub(crate) fn new(terms: GrantTerms) -> Self {
        Self {
            terms,
            by_network: BTreeMap::new(),
            addresses: HashMap::new(),
            ends: BTreeSet::new(),
        }
    }

    /// Takes the terms that hold from now on; grants stay as they are.
    pub(crate) fn set_terms(&mut self, terms: GrantTerms) {
        self.terms = terms;
    }

    pub(crate) fn len(&self) -> usize {
        self.by_network.len()
    }

    /// Who gets the grant of a login from an address.
    pub(crate) fn network(&self, address: IpAddr) -> IpNet {
        let len = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => self.terms.ipv6_prefix,
        };
        IpNet::new_assert(address, len).trunc()
    }

    pub(crate) fn get(&self, network: &IpNet) -> Option<&Grant> {
        self.by_network.get(network)
    }

    /// Grants after a network, in order.
    pub(crate) fn after(&self, network: Option<IpNet>) -> impl Iterator<Item = &Grant> {
        let from = network.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_network.range((from, Bound::Unbounded)).map(|(_, grant)| grant)
    }

    /// Puts a grant as it was; `None` removes it.
    pub(crate) fn set(&mut self, network: IpNet, grant: Option<Grant>) {
        for hold in self.by_network.remove(&network).into_iter().flat_map(|old| old.holds) {
            self.count(hold.user.as_ref(), -1);
            self.ends.remove(&(hold.until, network));
        }
        let Some(grant) = grant else { return };
        for hold in &grant.holds {
            self.count(hold.user.as_ref(), 1);
            self.ends.insert((hold.until, network));
        }
        self.by_network.insert(network, grant);
    }

    fn count(&mut self, user: Option<&User>, by: isize) {
        let Some(user) = user else { return };
        let count = self.addresses.entry(user.clone()).or_default();
        *count = count.saturating_add_signed(by);
        if *count == 0 {
            self.addresses.remove(user);
        }
    }

    /// Drops what has ended.
    pub(crate) fn expire(&mut self, now: UnixTime) {
        while let Some(&(until, network)) = self.ends.first()
            && until <= now
        {
            self.ends.pop_first();
            let Some(grant) = self.by_network.get(&network) else { continue };
            let live: Vec<Hold> = grant.live_holds(now).cloned().collect();
            if live.len() < grant.holds.len() {
                let grant = Grant { holds: live, ..grant.clone() };
                self.set(network, (!grant.holds.is_empty()).then_some(grant));
            }
        }
    }

    /// Takes a login that nothing else speaks against.
    ///
    /// # Errors
    /// A limit is reached; nothing has changed.
    pub(crate) fn login(
        &mut self,
        login: &Login,
        limits: &GrantLimits,
        rate: &mut Rate,
        now: UnixTime,
    ) -> Result<Effect, Refused> {
        let network = self.network(login.address);
        let mut grant = self.by_network.get(&network).cloned();
        let holds = grant.iter_mut().flat_map(|grant| &mut grant.holds);
        if let Some(hold) = holds.into_iter().find(|h| h.user == login.user && h.until > now) {
            let until = self.terms.until(hold.first, now);
            if until <= hold.until {
                return Ok(Effect::Unchanged);
            }
            (hold.until, hold.last) = (until, now);
            hold.logins = hold.logins.saturating_add(1);
            (hold.service, hold.way) = (login.service.clone(), login.way);
            self.set(network, grant);
            return Ok(Effect::Renewed);
        }
        self.check_limits(grant.as_ref(), login, limits, now)?;
        rate.take(limits.per_second, now)?;
        let mut grant = grant.unwrap_or(Grant { network, since: now, holds: Vec::new() });
        grant.holds.retain(|hold| hold.until > now);
        if grant.holds.is_empty() {
            grant.since = now;
        }
        grant.holds.push(Hold {
            user: login.user.clone(),
            service: login.service.clone(),
            way: login.way,
            first: now,
            last: now,
            until: self.terms.until(now, now),
            logins: 1,
        });
        self.set(network, Some(grant));
        Ok(Effect::New)
    }

    fn check_limits(
        &self,
        grant: Option<&Grant>,
        login: &Login,
        limits: &GrantLimits,
        now: UnixTime,
    ) -> Result<(), Refused> {
        let held = login.user.as_ref().and_then(|user| self.addresses.get(user));
        if held.is_some_and(|&held| held >= limits.addresses_per_user) {
            return Err(Refused::Addresses);
        }
        match grant {
            Some(grant) if grant.live_holds(now).count() >= limits.users_per_address => {
                Err(Refused::Users)
            }
            None if self.by_network.len() >= limits.grants => Err(Refused::Full),
            _ => Ok(()),
        }
    }

    /// Ends what a user has for an address, or what all have; whether there was something.
    pub(crate) fn end(&mut self, network: IpNet, user: Option<&User>) -> bool {
        let Some(grant) = self.by_network.get(&network) else { return false };
        let stays = |hold: &&Hold| user.is_some_and(|user| hold.user.as_ref() != Some(user));
        let holds: Vec<Hold> = grant.holds.iter().filter(stays).cloned().collect();
        if holds.len() == grant.holds.len() {
            return false;
        }
        let grant = Grant { holds, ..grant.clone() };
        self.set(network, (!grant.holds.is_empty()).then_some(grant));
        true
    }
}

/// New grants of a second, so that there are not too many.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rate {
    second: UnixTime,
    count: u32,
}

impl Rate {
    fn take(&mut self, most: u32, now: UnixTime) -> Result<(), Refused> {
        if self.second != now {
            *self = Self { second: now, count: 0 };
        }
        if self.count >= most {
            return Err(Refused::Rate);
        }
        self.count += 1;
        Ok(())
    }
}

/// Sessions whose login has counted, so that one that is reported on two ways, or again, counts once.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    seen: HashSet<Session>,
    order: VecDeque<Session>,
}

type Session = (IpAddr, Box<str>);

impl Sessions {
    /// The most sessions that are kept.
    const MAX: usize = 65_536;

    /// Whether a login is the first report of its session.
    pub(crate) fn is_first(&mut self, login: &Login) -> bool {
        let Some(session) = &login.session else { return true };
        let session: Session = (login.address, session.as_str().into());
        if self.seen.contains(&session) {
            return false;
        }
        if self.order.len() >= Self::MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        self.seen.insert(session.clone());
        self.order.push_back(session);
        true
    }

    /// Forgets one whose login did not count after all.
    pub(crate) fn forget(&mut self, login: &Login) {
        if let Some(session) = &login.session {
            self.seen.remove(&(login.address, session.as_str().into()));
        }
    }
}

#[cfg(test)]
mod tests;
